//! Whose a resource is: which step of the rules wins, under which name, and in which order they count by default.

use std::collections::{BTreeMap, BTreeSet};

use catalog_model::{
    AccountRule, Answers, Door, EntityRef, Facts, Format, Fragment, Glob, Identity, Order, PathRule, Pointer, Profile,
    Record, RecordKey, Relation, Role, Rules, Said, Source, SourceObject, StackRule, Step, Stitched, Version, stitch,
};
use proptest::prelude::*;

const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:jobs";

fn queue() -> Identity {
    Identity::of_canonical_arn(QUEUE)
}

/// What one source object says: its format, fields of `spec`, and tags.
type Word<'a> = (Format, &'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)]);

fn record(words: &[Word<'_>]) -> Record {
    let mut record = Record::empty(RecordKey::Entity(queue()));
    for (format, fields, tags) in words {
        let role = if *format == Format::CatalogInfo { Role::Declared } else { Role::Listed };
        let mut facts = Facts::new(role);
        for (field, value) in *fields {
            facts.say(Pointer::spec(field), *value);
        }
        for (key, value) in *tags {
            facts.say(Pointer::to(["spec", "aws", "tags", key]), *value);
        }
        if *format != Format::CatalogInfo {
            facts.say(Pointer::to(["spec", "aws", "accountId"]), "111122223333");
            facts.say(Pointer::to(["spec", "aws", "resourceType"]), "AWS::SQS::Queue");
        }
        let source = match format {
            Format::Config => SourceObject::config(Format::Config, "111122223333", &queue()),
            _ => {
                SourceObject { door: Door::Http, producer: "shop.orders".into(), format: *format, name: "prod".into() }
            }
        };
        let (version, delivery) = (Version::of_serial(1, 0), String::new());
        record.apply(Fragment { source, version, delivery, said: Said::Facts(facts) });
    }
    record
}

fn won(stitched: &Stitched, field: &str) -> String {
    match stitched.fields.get(&Pointer::spec(field)) {
        None => "nothing".to_owned(),
        Some(field) if field.said_by.is_none() => "nothing".to_owned(),
        Some(field) => {
            let yields = if field.yields { ", unless a component says it" } else { "" };
            format!("{} by {}{yields}", field.value.as_str().unwrap(), field.rule)
        }
    }
}

fn owned(owner: &str) -> Answers {
    Answers { owner: Some(owner.to_owned()), ..Answers::default() }
}

/// Every kind of rule.
fn all() -> Rules {
    Rules {
        accounts: vec![
            AccountRule { account: Glob::new("111122223333").unwrap(), answers: owned("of-account") },
            AccountRule { account: Glob::new("*").unwrap(), answers: owned("of-all") },
        ],
        stacks: vec![StackRule {
            stack: Glob::new("orders-*").unwrap(),
            answers: Answers { component: Some(EntityRef::component("orders")), ..owned("of-stack") },
        }],
        paths: vec![PathRule {
            producer: Glob::new("shop.*").unwrap(),
            name: Glob::new("*").unwrap(),
            answers: owned("of-path"),
        }],
        ..Rules::default()
    }
}

fn order(steps: &[Step]) -> Order {
    Order(steps.iter().map(|step| vec![*step]).collect())
}

#[test]
fn the_first_step_that_has_an_answer_decides() {
    use Step::{Account, Component, Declaration, Parameter, Path, Stack, Tags};
    let file: Word<'_> = (Format::CatalogInfo, &[("owner", "of-file")], &[]);
    let given: Word<'_> = (Format::TerraformState, &[("owner", "of-parameter")], &[("team", "of-tag")]);
    let config: Word<'_> =
        (Format::Config, &[], &[("Owner", "of-config"), ("aws:cloudformation:stack-name", "orders-prod")]);
    let tagged: Word<'_> = (Format::Config, &[], &[("Owner", "of-config")]);
    let bare: Word<'_> = (Format::Config, &[], &[]);
    let state: Word<'_> = (Format::TerraformState, &[], &[]);
    let by_default = all().owner;
    let cases: Vec<(&str, Order, Vec<Word<'_>>, &str)> = vec![
        ("all", by_default.clone(), vec![file, given, config], "of-file by owner: declared first"),
        ("no file", by_default.clone(), vec![given, config], "of-parameter by parameter of the export"),
        ("a stack", by_default.clone(), vec![config], "of-stack by stack orders-*, unless a component says it"),
        ("tags", by_default.clone(), vec![tagged], "of-config by tags: owner, unless a component says it"),
        ("an account", by_default, vec![bare], "of-account by account 111122223333, unless a component says it"),
        ("tags first", order(&[Tags, Declaration, Component]), vec![file, given, config], "of-tag by tags: team"),
        ("stacks first", order(&[Stack, Declaration, Component]), vec![file, config], "of-stack by stack orders-*"),
        (
            "paths before accounts",
            order(&[Declaration, Component, Path, Account]),
            vec![state],
            "of-path by path shop.*/*, unless a component says it",
        ),
        ("parameters alone", order(&[Declaration, Parameter, Component]), vec![config], "nothing"),
        (
            "what gives way",
            order(&[Declaration, Component, Tags]),
            vec![config],
            "of-config by tags: owner, unless a component says it",
        ),
    ];
    for (name, order, words, expected) in cases {
        let stitched = stitch(&queue(), &record(&words), &Rules { owner: order, ..all() });
        assert_eq!(won(&stitched, "owner"), expected, "{name}");
        let yields = expected.contains("unless");
        let owned_by = |r: &&Relation| r.relation_type == "ownedBy";
        assert_eq!(stitched.yielding.keys().filter(owned_by).count(), usize::from(yields), "{name}");
        let stands = usize::from(!yields && expected != "nothing");
        assert_eq!(stitched.relations.keys().filter(owned_by).count(), stands, "{name}");
    }
}

#[test]
fn rules_answer_without_a_word_about_disagreement_and_sources_do_not() {
    let words: [Word<'_>; 2] =
        [(Format::CatalogInfo, &[("owner", "a")], &[]), (Format::Config, &[], &[("owner", "b")])];
    assert_eq!(stitch(&queue(), &record(&words), &all()).status.len(), 1);
    assert_eq!(stitch(&queue(), &record(&words[..1]), &all()).status.len(), 0);
}

fn components(stitched: &Stitched) -> Vec<String> {
    let targets = stitched.relations.keys().filter(|relation| relation.relation_type == "dependencyOf");
    targets.map(|relation| relation.target.to_string()).collect()
}

#[test]
fn components_of_all_tags_and_sources_add_up() {
    let application = "arn:aws:resource-groups:eu-west-1:111122223333:group/billing/0a1b2c";
    let words: [Word<'_>; 2] = [
        (Format::TerraformState, &[], &[("component", "orders"), ("awsApplication", application)]),
        (Format::Config, &[], &[("Component", "web")]),
    ];
    let mut rules = Rules::default();
    assert_eq!(
        components(&stitch(&queue(), &record(&words), &rules)),
        ["component:default/orders", "component:default/web"]
    );
    rules.tags.component.push("awsapplication".to_owned());
    rules.tags.system = vec!["awsApplication".to_owned()];
    let stitched = stitch(&queue(), &record(&words), &rules);
    assert_eq!(
        components(&stitched),
        ["component:default/billing", "component:default/orders", "component:default/web"]
    );
    assert_eq!(won(&stitched, "system"), "billing by tags: awsApplication, unless a component says it");

    let in_stack: [Word<'_>; 1] = [(
        Format::Config,
        &[],
        &[("aws:cloudformation:stack-id", "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-prod/1f")],
    )];
    assert_eq!(components(&stitch(&queue(), &record(&in_stack), &all())), ["component:default/orders"]);
}

#[test]
fn a_tag_that_can_name_no_entity_makes_no_relation() {
    for value in ["the orders", "a/b/c", "group:x", "a--b", "arn:aws:s3:::orders"] {
        let words: [Word<'_>; 1] = [(Format::Config, &[], &[("component", value)])];
        assert!(components(&stitch(&queue(), &record(&words), &Rules::default())).is_empty(), "{value}");
    }
}

#[test]
fn tags_of_a_stack_count_where_the_resource_has_none() {
    let mut record = record(&[(Format::Cloudformation, &[], &[("owner", "own")])]);
    for fragment in record.fragments.values_mut() {
        let Said::Facts(facts) = &mut fragment.said else { panic!() };
        facts.stack_tags = BTreeMap::from([("Owner".into(), "of-stack".into()), ("system".into(), "shop".into())]);
    }
    let stitched = stitch(&queue(), &record, &Rules::default());
    assert_eq!(won(&stitched, "owner"), "own by tags: owner, unless a component says it");
    assert_eq!(won(&stitched, "system"), "shop by tags: system, unless a component says it");
}

#[test]
fn annotations_are_those_of_the_profiles() {
    let annotations = |profiles: &[Profile]| {
        let mut record = record(&[(Format::Config, &[], &[("Cost", "7")])]);
        for fragment in record.fragments.values_mut() {
            let Said::Facts(facts) = &mut fragment.said else { panic!() };
            facts.say(Pointer::annotation("aws.amazon.com/arn"), QUEUE);
        }
        let fields = BTreeMap::from([(Pointer::annotation("cost-centre"), Source::Tag("cost".to_owned()))]);
        let annotations: BTreeSet<Profile> = profiles.iter().copied().collect();
        let entity = stitch(&queue(), &record, &Rules { annotations, fields, ..Rules::default() }).entity();
        let annotations = entity["metadata"]["annotations"].as_object().unwrap().clone();
        let keys = annotations.into_iter().filter(|(key, _)| !key.starts_with("backstage.io/"));
        keys.map(|(key, value)| format!("{key}={}", value.as_str().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(annotations(&[Profile::Awslabs]), [format!("aws.amazon.com/arn={QUEUE}"), "cost-centre=7".into()]);
    assert_eq!(
        annotations(&[Profile::Roadie]),
        [
            "amazon.com/account-id=111122223333".into(),
            format!("amazon.com/sqs-queue-arn={QUEUE}"),
            "cost-centre=7".into()
        ]
    );
    assert_eq!(
        annotations(&[Profile::Core]),
        ["amazonaws.com/account-id=111122223333".into(), format!("amazonaws.com/arn={QUEUE}"), "cost-centre=7".into()]
    );
}

/// A format, what a field says in it, and tags.
type Told = (Format, Option<String>, Vec<(String, String)>);

/// The value by the default order, and whether it gives way to a component's: what a catalog file says, else the parameter
/// of the export that goes first by its format, else the tag of the source object that does.
fn by_default(words: &[Told], field: &str, tags: &[&str]) -> Option<(String, bool)> {
    let said = |format: Format| {
        let given = words.iter().find(|(other, ..)| *other == format)?.1.clone();
        given.map(|value| (value, false))
    };
    let tagged = |format: Format| {
        let (_, _, has) = words.iter().find(|(other, ..)| *other == format)?;
        let named = |key: &&str| has.iter().find(|(tag, value)| tag.eq_ignore_ascii_case(key) && !value.is_empty());
        tags.iter().find_map(named).map(|(_, value)| (value.clone(), field != "environment"))
    };
    let exports = [Format::TerraformState, Format::Cloudformation];
    let parameters = || exports.into_iter().find_map(said);
    let tags = || exports.into_iter().chain([Format::Config]).find_map(tagged);
    said(Format::CatalogInfo).or_else(parameters).or_else(tags)
}

fn word() -> impl Strategy<Value = (Option<String>, Vec<(String, String)>)> {
    let key = prop::sample::select(vec!["owner", "Team", "team", "system", "System", "env", "Environment", "other"]);
    let tags = prop::collection::btree_map(key.prop_map(str::to_owned), "[a-c]{0,1}", 0..4);
    // One key in one spelling: AWS takes two, and which of them is meant nobody knows.
    let tags = tags.prop_map(|tags| {
        let mut seen = BTreeSet::new();
        tags.into_iter().filter(|(key, _)| seen.insert(key.to_lowercase())).collect()
    });
    (prop::option::of("[a-c]"), tags)
}

proptest! {
    #[test]
    fn without_a_file_the_steps_count_in_their_order(
        words in prop::collection::vec(prop::option::of(word()), 4),
        field in prop::sample::select(vec!["owner", "system", "environment"]),
    ) {
        let formats = [Format::CatalogInfo, Format::TerraformState, Format::Cloudformation, Format::Config];
        let words: Vec<_> =
            formats.into_iter().zip(words).filter_map(|(f, word)| word.map(|(given, tags)| (f, given, tags))).collect();
        let tags: &[&str] = match field { "owner" => &["owner", "team"], "system" => &["system"], _ => &["environment", "env"] };
        let expected = by_default(&words, field, tags);
        let mut record = Record::empty(RecordKey::Entity(queue()));
        for (format, given, tags) in &words {
            let mut facts = Facts::new(Role::Listed);
            // There is nobody to give what AWS Config says a parameter.
            if let Some(value) = given.as_ref().filter(|_| *format != Format::Config) {
                facts.say(Pointer::spec(field), value.as_str());
            }
            for (key, value) in tags.iter().filter(|_| *format != Format::CatalogInfo) {
                facts.say(Pointer::to(["spec", "aws", "tags", key]), value.as_str());
            }
            let source = SourceObject { door: Door::Http, producer: "p".into(), format: *format, name: "n".into() };
            let (version, delivery) = (Version::of_serial(1, 0), String::new());
            record.apply(Fragment { source, version, delivery, said: Said::Facts(facts) });
        }
        let stitched = stitch(&queue(), &record, &Rules::default());
        let shown = stitched.said_spec(field).map(|value| (value.to_owned(), stitched.yields(field)));
        prop_assert_eq!(shown, expected);
    }
}

#[test]
fn equal_rules_have_equal_hashes_and_others_have_others() {
    let default = Rules::default();
    assert_eq!(default.hash(), Rules::default().hash());
    let mut tags = Rules::default();
    tags.tags.owner.reverse();
    let hashes: BTreeSet<String> = [default, tags, all()].iter().map(Rules::hash).collect();
    assert_eq!(hashes.len(), 3);
}
