//! What follows from several records: names, relations from the other side, inherited owners.

#![expect(clippy::unwrap_used, reason = "tests, and the words that they share")]

use catalog_model::{
    Claim, Door, Facts, Format, Fragment, Identity, Key, Pointer, Record, RecordKey, Relation, Role, Said,
    SourceObject, Version, derived_ref, stitch,
};
use catalog_search::{Catalog, Filter, IndexRow, Query, RowState, Start, render, row_of};
use serde_json::{Value, json};

fn entity(text: &str) -> Identity {
    Identity::of_entity(&text.parse().unwrap())
}

fn database(name: &str) -> Identity {
    Identity::of_canonical_arn(&format!("arn:aws:rds:eu-west-1:111122223333:cluster:{name}"))
}

fn key(text: &str) -> Key {
    entity(text).key()
}

struct Board {
    catalog: Catalog,
    records: Vec<Record>,
    serial: u64,
}

impl Board {
    fn new() -> Self {
        Self { catalog: Catalog::default(), records: Vec::new(), serial: 0 }
    }

    fn say(&mut self, key: RecordKey, source: &str, said: Said) {
        self.serial += 1;
        let at = self.records.iter().position(|record| record.key == key).unwrap_or_else(|| {
            self.records.push(Record::empty(key));
            self.records.len() - 1
        });
        let source = SourceObject {
            door: Door::Http,
            producer: "shop".into(),
            format: Format::CatalogInfo,
            name: source.into(),
        };
        let version = Version::of_serial(self.serial, 0);
        self.records[at].apply(Fragment { source, version, delivery: "d-1".into(), said });
        self.catalog.apply([row_of(&self.records[at], &catalog_model::Rules::default())]).unwrap();
    }

    fn facts(&mut self, identity: &Identity, fields: &[(&str, Value)], relations: &[(&str, Key)]) {
        let mut facts = Facts::new(Role::Declared);
        for (path, value) in fields {
            facts.say(Pointer::to(path.split('.')), value.clone());
        }
        facts.relations = relations.iter().map(|(kind, target)| Relation::new(kind, target.clone())).collect();
        self.say(RecordKey::Entity(identity.clone()), "facts", Said::Facts(facts));
    }

    fn claim(&mut self, name: Key, source: &str, identity: &Identity, by_arn: bool) {
        self.say(RecordKey::Alias(name), source, Said::Claim(Claim { identity: identity.clone(), by_arn }));
    }

    fn shown(&self, identity: &Identity) -> Value {
        let record = self.records.iter().find(|record| record.key == RecordKey::Entity(identity.clone())).unwrap();
        render(&stitch(identity, record, &catalog_model::Rules::default()), &self.catalog).unwrap()
    }

    fn relations(&self, identity: &Identity) -> Vec<String> {
        let entity = self.shown(identity);
        let text = |relation: &Value| {
            format!("{} {}", relation["type"].as_str().unwrap(), relation["targetRef"].as_str().unwrap())
        };
        entity["relations"].as_array().unwrap().iter().map(text).collect()
    }

    fn found(&self, filter: &str) -> Vec<String> {
        let query = Query { filter: Filter::parse([filter]).unwrap(), ..Query::default() };
        let page = self.catalog.page(&query, &Start::Offset(0), 100).unwrap();
        let mut found: Vec<String> =
            page.items.iter().map(|i| self.catalog.current_ref(i).unwrap().unwrap().to_string()).collect();
        found.sort();
        found
    }
}

#[test]
fn a_resource_without_an_owner_takes_that_of_its_component() {
    let mut board = Board::new();
    let (orders, db) = (entity("component:ops/orders"), database("orders"));
    board.facts(&db, &[], &[("dependencyOf", orders.key())]);
    assert_eq!(board.shown(&db)["spec"]["owner"], "unknown");
    assert_eq!(board.relations(&db), ["dependencyOf component:ops/orders"]);

    board.facts(&orders, &[("spec.owner", json!("team-a")), ("spec.system", json!("default/shop"))], &[]);
    board.facts(&entity("group:ops/team-a"), &[], &[]);
    let shown = board.shown(&db);
    assert_eq!(
        (&shown["spec"]["owner"], &shown["spec"]["system"]),
        (&json!("group:ops/team-a"), &json!("system:default/shop"))
    );
    let name = board.catalog.current_ref(&db).unwrap().unwrap().to_string();
    assert_eq!(
        board.relations(&db),
        ["dependencyOf component:ops/orders", "ownedBy group:ops/team-a", "partOf system:default/shop"]
    );
    assert_eq!(
        board.relations(&entity("group:ops/team-a")),
        ["ownerOf component:ops/orders".to_owned(), format!("ownerOf {name}")]
    );
    assert_eq!(board.found("relations.ownedBy=group:ops/team-a,kind=resource"), std::slice::from_ref(&name));
    assert_eq!(board.found("spec.owner=group:ops/team-a"), [name]);
    let shape = board.catalog.shape_of(&db).unwrap().unwrap();
    assert_eq!(shape.inherited.as_ref().unwrap().rule(), "inherited from component:ops/orders");

    board.facts(&db, &[("spec.owner", json!("team-b"))], &[("dependencyOf", orders.key())]);
    assert_eq!(
        board.relations(&db),
        ["dependencyOf component:ops/orders", "ownedBy group:default/team-b"].map(String::from)
    );
    assert_eq!(board.shown(&db)["spec"].get("system"), None);
    assert_eq!(board.found("spec.owner=group:ops/team-a"), [""; 0]);
}

fn cloudformation_stack(name: &str) -> Identity {
    Identity::of_canonical_arn(&format!("arn:aws:cloudformation:eu-west-1:111122223333:stack/{name}/0a1b"))
}

#[test]
fn a_resource_belongs_to_the_component_of_its_stack_where_it_names_none() {
    let mut board = Board::new();
    let (orders, db, stack) = (entity("component:default/orders"), database("orders"), cloudformation_stack("orders"));
    board.facts(&db, &[], &[("partOf", stack.key())]);
    board.facts(&stack, &[], &[("dependencyOf", orders.key())]);
    let name = |identity: &Identity| derived_ref(identity).to_string();
    let of_orders = "relations.dependencyOf=component:default/orders";
    let mut both = [name(&stack), name(&db)];
    both.sort();
    assert_eq!(board.found(of_orders), both, "nobody declares the component yet");

    board.facts(&orders, &[("spec.owner", json!("team-a")), ("spec.system", json!("shop"))], &[]);
    let spec = &board.shown(&db)["spec"];
    assert_eq!((&spec["owner"], &spec["system"]), (&json!("team-a"), &json!("shop")));
    let of_stack = format!("partOf {}", name(&stack));
    assert_eq!(
        board.relations(&db),
        [
            "dependencyOf component:default/orders",
            "ownedBy group:default/team-a",
            &of_stack,
            "partOf system:default/shop"
        ]
    );
    assert_eq!(board.relations(&orders)[..2], [format!("dependsOn {}", both[0]), format!("dependsOn {}", both[1])]);
    assert_eq!(board.found("relations.ownedBy=group:default/team-a,kind=resource"), both);
    let rule = |board: &Board| board.catalog.shape_of(&db).unwrap().unwrap().inherited.map(|given| given.rule());
    assert_eq!(rule(&board).as_deref(), Some("inherited from component:default/orders through its stack"));

    // A component of its own goes before, whether it is known or not; an owner of its own is kept beside that component.
    let (billing, in_stack) = (entity("component:default/billing"), ("partOf", stack.key()));
    board.facts(&db, &[], &[in_stack.clone(), ("dependencyOf", billing.key())]);
    assert_eq!((board.found(of_orders), rule(&board)), (vec![name(&stack)], None));
    board.facts(&db, &[("spec.owner", json!("team-b"))], std::slice::from_ref(&in_stack));
    assert_eq!((board.found(of_orders), &board.shown(&db)["spec"]["owner"]), (both.to_vec(), &json!("team-b")));

    // Its stack is another's, then nobody's.
    board.facts(&db, &[], &[in_stack]);
    board.facts(&billing, &[("spec.owner", json!("team-c"))], &[]);
    board.facts(&stack, &[], &[("dependencyOf", billing.key())]);
    assert_eq!(board.shown(&db)["spec"]["owner"], "team-c");
    board.say(RecordKey::Entity(stack.clone()), "facts", Said::Gone);
    assert_eq!(board.relations(&db), [of_stack]);
    assert_eq!(board.shown(&db)["spec"]["owner"], "unknown");
}

#[test]
fn a_component_that_depends_on_a_stack_by_its_name_has_what_is_in_it_and_not_what_is_in_a_nested_one() {
    let mut board = Board::new();
    let orders = entity("component:default/orders");
    let (stack, nested) = (cloudformation_stack("orders"), cloudformation_stack("orders-nested"));
    let by_name = Key::secondary("cloudformation", "111122223333", "eu-west-1", "stack/orders");
    board.facts(&orders, &[("spec.owner", json!("team-a"))], &[("dependsOn", by_name.clone())]);
    board.facts(&database("one"), &[], &[("partOf", stack.key())]);
    board.facts(&database("two"), &[], &[("partOf", nested.key())]);
    board.facts(&nested, &[], &[("partOf", stack.key())]);
    board.facts(&stack, &[], &[]);
    let owners = |board: &Board| {
        [database("one"), nested.clone(), database("two")]
            .map(|identity| board.shown(&identity)["spec"]["owner"].clone())
    };
    assert_eq!(owners(&board), ["unknown"; 3]);
    board.claim(by_name, "stacks", &stack, true);
    assert_eq!(owners(&board), ["team-a", "team-a", "unknown"]);
    board.facts(&orders, &[("spec.owner", json!("team-a"))], &[]);
    assert_eq!(owners(&board), ["unknown"; 3]);
}

#[test]
fn a_component_that_names_its_resource_gives_its_owner_too_until_it_is_gone() {
    let mut board = Board::new();
    let (orders, db) = (entity("component:default/orders"), database("orders"));
    board.facts(&db, &[], &[]);
    board.facts(&orders, &[("spec.owner", json!("team-a"))], &[("dependsOn", db.key())]);
    assert_eq!(board.shown(&db)["spec"]["owner"], "team-a");
    board.say(RecordKey::Entity(orders.clone()), "facts", Said::Gone);
    assert_eq!(board.shown(&db)["spec"]["owner"], "unknown");
    assert_eq!(board.relations(&db), [""; 0]);
    assert_eq!(board.catalog.identity_of(&orders.key()).unwrap(), None);
}

#[test]
fn a_declared_name_goes_to_the_claim_with_an_arn_and_the_other_says_so() {
    let mut board = Board::new();
    let (one, two, user) = (database("one"), database("two"), entity("component:default/user"));
    let name = key("resource:default/Main");
    for db in [&one, &two] {
        board.facts(db, &[("metadata.name", json!("Main"))], &[]);
    }
    board.facts(
        &user,
        &[("spec.owner", json!("t"))],
        &[("dependsOn", one.key()), ("dependsOn", name.clone()), ("dependsOn", two.key())],
    );
    // No claim is known yet.
    let derived = [derived_ref(&one).to_string(), derived_ref(&two).to_string()];
    assert_eq!(board.shown(&one)["metadata"]["name"], derived[0].split_once('/').unwrap().1);
    board.claim(name.clone(), "two", &two, false);
    board.claim(name.clone(), "one", &one, false);

    assert_eq!(board.catalog.identity_of(&name).unwrap(), Some(one.clone()));
    assert_eq!(board.shown(&one)["metadata"]["name"], "Main");
    assert_eq!(board.shown(&one)["spec"]["owner"], "t");
    assert_eq!(
        board.relations(&user),
        [
            "dependsOn resource:default/main".into(),
            format!("dependsOn {}", derived[1]),
            "ownedBy group:default/t".into()
        ]
    );

    board.claim(name.clone(), "two", &two, true);
    assert_eq!(board.catalog.identity_of(&name).unwrap(), Some(two.clone()));
    let loser = board.shown(&one);
    assert_eq!(loser["metadata"]["name"], derived[0].split_once('/').unwrap().1);
    assert_eq!(loser["status"]["items"][0]["type"], "callboard/name-taken");
    assert_eq!(board.found("kind=resource"), {
        let mut all = vec![derived[0].clone(), "resource:default/main".into()];
        all.sort();
        all
    });
    // The derived name answers always, but is shown only where there is no better one.
    assert_eq!(board.catalog.identity_of(&Key::of_ref(&derived_ref(&two))).unwrap(), Some(two.clone()));
    assert_eq!(board.found(&format!("relations.dependsOn={}", derived[1])), [""; 0]);
    assert_eq!(board.found("relations.dependsOn=resource:default/main"), ["component:default/user"]);

    // The holder is deleted: the other has the name.
    board.say(RecordKey::Entity(two.clone()), "facts", Said::Gone);
    assert_eq!(board.shown(&one)["metadata"]["name"], "Main");
    assert_eq!(
        board.relations(&user),
        [
            "dependsOn resource:default/main".into(),
            format!("dependsOn {}", derived[1]),
            "ownedBy group:default/t".into()
        ]
    );
}

#[test]
fn a_secondary_id_leads_to_its_resource_and_shows_nothing_before() {
    let mut board = Board::new();
    let (instance, db) = (database("instance"), database("cluster"));
    let id = Key::secondary("rds", "111122223333", "eu-west-1", "cluster-ABC");
    board.facts(&instance, &[], &[("partOf", id.clone())]);
    assert_eq!(board.relations(&instance), [""; 0]);
    board.facts(&db, &[], &[]);
    board.claim(id, "db", &db, true);
    assert_eq!(board.relations(&instance), [format!("partOf {}", derived_ref(&db))]);
    assert_eq!(board.relations(&db), [format!("hasPart {}", derived_ref(&instance))]);
}

#[test]
fn an_older_row_changes_nothing_and_a_broken_record_is_listed() {
    let mut board = Board::new();
    let db = database("orders");
    board.facts(&db, &[("spec.type", json!("old"))], &[]);
    let old = row_of(&board.records[0], &catalog_model::Rules::default());
    board.facts(&db, &[("spec.type", json!("new"))], &[]);
    assert_eq!(board.catalog.apply([old.clone()]).unwrap(), 0);
    assert_eq!(board.found("spec.type=new").len(), 1);

    let broken = IndexRow::broken(RecordKey::Entity(db.clone()), old.rv + 5, "no version");
    let text = serde_json::to_string(&broken).unwrap();
    assert_eq!(serde_json::from_str::<IndexRow>(&text).unwrap(), broken);
    board.catalog.apply([broken]).unwrap();
    assert_eq!(board.catalog.broken().unwrap(), [(RecordKey::Entity(db.clone()), "no version".to_owned())]);
    assert!(board.catalog.is_empty());
    board.catalog.apply([IndexRow { rv: old.rv + 6, ..old }]).unwrap();
    assert_eq!((board.catalog.len(), board.catalog.broken().unwrap().len()), (1, 0));
}

#[test]
fn a_row_of_the_log_reads_back_as_it_was_written() {
    let mut board = Board::new();
    board.facts(
        &database("orders"),
        &[("metadata.tags", json!(["Java"])), ("spec.owner", json!("t"))],
        &[("partOf", key("system:default/s"))],
    );
    board.claim(key("resource:default/orders"), "x", &database("orders"), true);
    for record in &board.records {
        let row = row_of(record, &catalog_model::Rules::default());
        let text = serde_json::to_string(&row).unwrap();
        assert_eq!(serde_json::from_str::<IndexRow>(&text).unwrap(), row);
    }
    let RowState::Entity(entry) = row_of(&board.records[0], &catalog_model::Rules::default()).state else { panic!() };
    assert_eq!(serde_json::to_value(&entry.values[1]).unwrap(), json!({"k": "kind", "v": "Resource"}));
}

#[test]
fn a_component_bears_the_arn_of_its_first_pipeline_and_never_two_keys_of_one_plugin() {
    let mut board = Board::new();
    let orders = entity("component:default/orders");
    let pipeline =
        |name: &str| Identity::of_canonical_arn(&format!("arn:aws:codepipeline:eu-west-1:111122223333:{name}"));
    let key = "aws.amazon.com/aws-codepipeline-arn";
    let borne = |board: &Board| board.shown(&orders)["metadata"]["annotations"][key].clone();
    board.facts(&orders, &[("spec.owner", json!("team-a"))], &[]);
    assert_eq!(borne(&board), Value::Null);

    board.facts(&pipeline("orders-west"), &[], &[("dependencyOf", orders.key())]);
    board.facts(&database("orders"), &[], &[("dependencyOf", orders.key())]);
    assert_eq!(borne(&board), "arn:aws:codepipeline:eu-west-1:111122223333:orders-west");
    board.facts(&pipeline("orders-east"), &[], &[("dependencyOf", orders.key())]);
    assert_eq!(borne(&board), "arn:aws:codepipeline:eu-west-1:111122223333:orders-east");
    let annotations = board.shown(&orders)["metadata"]["annotations"].as_object().unwrap().clone();
    let plugins = annotations.keys().filter(|key| key.starts_with("aws.amazon.com/")).count();
    assert_eq!(plugins, 1, "a database lights nothing up: {annotations:?}");

    let tags = "metadata.annotations.aws.amazon.com/aws-codepipeline-tags";
    let path: Vec<&str> = tags.splitn(3, '.').collect();
    let mut facts = Facts::new(Role::Declared);
    facts.say(Pointer::to(path), json!("component=orders"));
    board.say(RecordKey::Entity(orders.clone()), "facts", Said::Facts(facts));
    assert_eq!(borne(&board), Value::Null, "the component's own record says which");
}
