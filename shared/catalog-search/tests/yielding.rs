//! An owner that the rules give after the component: shown while no component has one, on a segment as in memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod held;

use catalog_model::{
    AccountRule, Answers, Door, Facts, Format, Fragment, Glob, Identity, Pointer, Record, RecordKey, Relation, Role,
    Rules, Said, SourceObject, Version, stitch,
};
use catalog_search::{Filter, Query, Start, render, row_of};
use held::Held;
use serde_json::{Value, json};

fn entity(text: &str) -> Identity {
    Identity::of_entity(&text.parse().unwrap())
}

fn queue() -> Identity {
    Identity::of_canonical_arn("arn:aws:sqs:eu-west-1:111122223333:jobs")
}

fn rules() -> Rules {
    let answers = Answers { owner: Some("platform".into()), system: Some("estate".into()), ..Answers::default() };
    Rules { accounts: vec![AccountRule { account: Glob::new("*").unwrap(), answers }], ..Rules::default() }
}

/// The same, followed without a segment, and on one that is made anew after every change.
struct World {
    memory: Held,
    segment: Held,
    records: Vec<Record>,
    serial: u64,
}

impl World {
    fn say(&mut self, identity: &Identity, fields: &[(&[&str], Value)], relations: Vec<Relation>) {
        self.serial += 1;
        let key = RecordKey::Entity(identity.clone());
        let at = self.records.iter().position(|record| record.key == key).unwrap_or_else(|| {
            self.records.push(Record::empty(key));
            self.records.len() - 1
        });
        let mut facts = Facts::new(Role::Listed);
        for (path, value) in fields {
            facts.say(Pointer::to(path.iter().copied()), value.clone());
        }
        facts.relations.extend(relations);
        let source =
            SourceObject { door: Door::Http, producer: "p".into(), format: Format::TerraformState, name: "n".into() };
        let version = Version::of_serial(self.serial, 0);
        self.records[at].apply(Fragment { source, version, delivery: String::new(), said: Said::Facts(facts) });
        let row = row_of(&self.records[at], &rules());
        self.memory.apply([row.clone()]);
        self.segment.apply([row]);
        assert_eq!(self.memory.compacted().content, self.segment.compacted().content);
        self.segment.compact();
    }

    /// Owner, system and relations of an entity, and the resources that a filter finds.
    fn shown(&self, identity: &Identity, owner: &str) -> (Value, Value, Vec<String>, usize) {
        let record = self.records.iter().find(|record| record.key == RecordKey::Entity(identity.clone())).unwrap();
        let stitched = stitch(identity, record, &rules());
        let text = format!("kind=resource,spec.owner={owner}");
        let filter = Filter::parse([text.as_str()]).unwrap();
        let query = Query { filter, ..Query::default() };
        let [one, other] = [&self.memory, &self.segment].map(|held| {
            let entity = held.ask(|catalog| render(&stitched, catalog));
            let found = held.ask(|catalog| catalog.page(&query, &Start::Offset(0), 100)).items.len();
            let relations = entity["relations"].as_array().unwrap().iter();
            let relations = relations.map(|r| format!("{} {}", r["type"], r["targetRef"]).replace('"', "")).collect();
            (entity["spec"]["owner"].clone(), entity["spec"]["system"].clone(), relations, found)
        });
        assert_eq!(one, other);
        one
    }
}

#[test]
fn an_account_default_is_shown_until_the_component_has_an_owner_and_again_when_it_has_none() {
    let mut world = World { memory: Held::default(), segment: Held::default(), records: Vec::new(), serial: 0 };
    let (orders, platform, shop) =
        (entity("component:default/orders"), entity("group:default/platform"), entity("group:default/shop"));
    for group in [&platform, &shop] {
        world.say(group, &[], Vec::new());
    }
    let account: (&[&str], Value) = (&["spec", "aws", "accountId"], json!("111122223333"));
    world.say(&queue(), &[account], vec![Relation::new("dependencyOf", orders.key())]);
    let by_account = || {
        let relations =
            ["dependencyOf component:default/orders", "ownedBy group:default/platform", "partOf system:default/estate"];
        (json!("platform"), json!("estate"), relations.map(String::from).to_vec(), 1)
    };
    assert_eq!(world.shown(&queue(), "platform"), by_account());
    assert_eq!(world.shown(&platform, "platform").2.len(), 1, "the group shows what it owns");

    world.say(&orders, &[(&["spec", "owner"], json!("shop"))], Vec::new());
    let relations =
        ["dependencyOf component:default/orders", "ownedBy group:default/shop", "partOf system:default/estate"];
    let expected = (json!("shop"), json!("estate"), relations.map(String::from).to_vec(), 1);
    assert_eq!(world.shown(&queue(), "shop"), expected);
    assert_eq!(world.shown(&platform, "platform").2.len(), 0);
    assert_eq!(world.shown(&queue(), "platform").3, 0);

    world.say(&orders, &[], Vec::new());
    assert_eq!(world.shown(&queue(), "platform"), by_account());
    assert_eq!(world.shown(&shop, "shop").2.len(), 0);
}
