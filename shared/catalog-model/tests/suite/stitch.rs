//! Fragments in, one entity out: who bears it, who owns which field, what is worth a status item.

use catalog_model::{
    Claim, Door, Existence, Facts, Format, Fragment, FragmentKey, Identity, Key, Pointer, Record, RecordKey, Relation,
    Role, Rules, Said, SourceObject, Stitched, Version, alias, declare, derived_name, derived_ref, existence, stitch,
};
use serde_json::{Value, json};

/// Format and name of the source object, its serial, and what it says.
type Word<'a> = (Format, &'a str, u64, Said);

const CLUSTER: &str = "arn:aws:rds:eu-west-1:111122223333:cluster:orders";

fn cluster() -> Identity {
    Identity::of_canonical_arn(CLUSTER)
}

fn source(format: Format, name: &str) -> SourceObject {
    match format {
        Format::Config | Format::ConfigNotice | Format::ConfigOversized => {
            SourceObject::config(format, "111122223333", &cluster())
        }
        _ => SourceObject { door: Door::S3, producer: "shop.orders".into(), format, name: name.into() },
    }
}

fn facts(role: Role, fields: &[(&str, Value)]) -> Said {
    let mut facts = Facts::new(role);
    for (pointer, value) in fields {
        facts.say(serde_json::from_value::<Pointer>(json!(pointer)).unwrap(), value.clone());
    }
    Said::Facts(facts)
}

fn record(identity: &Identity, fragments: Vec<Word<'_>>) -> Record {
    let mut record = Record::empty(RecordKey::Entity(identity.clone()));
    for (format, name, serial, said) in fragments {
        let version = Version::of_serial(serial, 0);
        record.apply(Fragment { source: source(format, name), version, delivery: format!("{name} {serial}"), said });
    }
    record
}

fn stitched(identity: &Identity, fragments: Vec<Word<'_>>) -> Stitched {
    stitch(identity, &record(identity, fragments), &Rules::default())
}

fn declared(entity: Value) -> (Identity, Said, Option<(RecordKey, Claim)>) {
    let declared = declare(entity).unwrap();
    let RecordKey::Entity(identity) = declared.record else { panic!("an alias was declared") };
    (identity, Said::Facts(declared.facts), declared.claim)
}

fn component(spec: &Value) -> Value {
    json!({"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": "orders"}, "spec": spec})
}

fn messages(stitched: &Stitched) -> Vec<&str> {
    stitched.status.iter().map(|item| item.message.as_str()).collect()
}

#[test]
fn what_bears_an_entity_is_as_the_table_says() {
    use Format::{CatalogInfo, Config, ConfigNotice, TerraformState};
    let observed = || facts(Role::Observed, &[]);
    let listed = || facts(Role::Listed, &[]);
    let cases: Vec<(&str, Vec<Word<'_>>, Option<&str>)> = vec![
        ("nothing", vec![], None),
        ("Config", vec![(Config, "", 1, observed())], Some("Config sees the resource")),
        ("Config's delete", vec![(Config, "", 1, Said::Gone)], None),
        (
            "Config's delete, still listed later",
            vec![(Config, "", 1, Said::Gone), (TerraformState, "a", 9, listed())],
            None,
        ),
        (
            "Config's delete, still declared",
            vec![(Config, "", 1, Said::Gone), (CatalogInfo, "a", 9, facts(Role::Declared, &[]))],
            None,
        ),
        (
            "Config again",
            vec![(Config, "", 1, Said::Gone), (Config, "", 2, observed())],
            Some("Config sees the resource"),
        ),
        ("a notice of a delete", vec![(Config, "", 1, observed()), (ConfigNotice, "", 2, Said::Gone)], None),
        (
            "a notice that it exists again",
            vec![(Config, "", 1, Said::Gone), (ConfigNotice, "", 2, observed())],
            Some("Config sees the resource"),
        ),
        (
            "an old notice of a delete",
            vec![(Config, "", 3, observed()), (ConfigNotice, "", 2, Said::Gone)],
            Some("Config sees the resource"),
        ),
        (
            "Config, no longer listed",
            vec![(Config, "", 1, observed()), (TerraformState, "a", 9, Said::Gone)],
            Some("Config sees the resource"),
        ),
        ("listed", vec![(TerraformState, "a", 1, listed())], Some("an export lists it")),
        (
            "listed twice, one gone",
            vec![(TerraformState, "a", 1, listed()), (TerraformState, "b", 1, Said::Gone)],
            Some("an export lists it"),
        ),
        ("no longer listed", vec![(TerraformState, "a", 1, listed()), (TerraformState, "a", 2, Said::Gone)], None),
        (
            "listed and declared",
            vec![(TerraformState, "a", 1, listed()), (CatalogInfo, "a", 1, facts(Role::Declared, &[]))],
            Some("a catalog file declares it"),
        ),
        ("stub", vec![(TerraformState, "a", 1, facts(Role::Stub, &[]))], Some("an export was posted for it")),
        ("mentioned", vec![(TerraformState, "a", 1, facts(Role::Mentioned, &[]))], None),
    ];
    for (name, fragments, expected) in cases {
        let rule = match existence(&record(&cluster(), fragments)) {
            Existence::Exists { rule, .. } => Some(rule),
            Existence::Gone { .. } => None,
        };
        assert_eq!(rule, expected, "{name}");
    }
}

#[test]
fn each_field_is_its_owners() {
    let everyone = |value: &str| {
        vec![
            ("/spec/owner", json!(value)),
            ("/spec/environment", json!(value)),
            ("/spec/aws/state", json!(value)),
            ("/metadata/annotations/aws.amazon.com~1arn", json!(value)),
        ]
    };
    let fragments = vec![
        (Format::Config, "", 1, facts(Role::Observed, &everyone("config"))),
        (Format::CatalogInfo, "a", 1, facts(Role::Declared, &everyone("file"))),
        (Format::TerraformState, "a", 1, facts(Role::Listed, &everyone("state"))),
    ];
    let entity = stitched(&cluster(), fragments.clone()).entity();
    assert_eq!(entity["spec"]["owner"], "file");
    assert_eq!(entity["spec"]["environment"], "file");
    assert_eq!(entity["spec"]["aws"]["state"], "config");
    assert_eq!(entity["metadata"]["annotations"]["aws.amazon.com/arn"], "config");

    let entity = stitched(&cluster(), fragments.into_iter().filter(|f| f.0 != Format::CatalogInfo).collect()).entity();
    assert_eq!(entity["spec"]["owner"], "state");
}

#[test]
fn a_disagreement_is_a_status_item_and_two_spellings_of_one_reference_are_none() {
    let owned_by = |one: &str, other: &str| {
        stitched(
            &cluster(),
            vec![
                (Format::Config, "", 1, facts(Role::Observed, &[("/spec/owner", json!(one))])),
                (Format::CatalogInfo, "a", 1, facts(Role::Declared, &[("/spec/owner", json!(other))])),
            ],
        )
    };
    let file = source(Format::CatalogInfo, "a").fragment_key();
    let entity = owned_by("team-a", "team-b");
    assert_eq!(
        messages(&entity),
        [format!(
            "/spec/owner is \"team-b\" by {file}, but \"team-a\" by config; the rule `owner: declared first` decided"
        )]
    );
    let field = &entity.fields[&Pointer::spec("owner")];
    assert_eq!(field.lost, [(FragmentKey::from_stored("config"), json!("team-a"))]);
    assert!(owned_by("Team-A", "group:default/team-a").status.is_empty());
}

#[test]
fn a_stub_becomes_the_component_that_a_file_declares() {
    let (identity, said, claim) = declared(component(
        &json!({"type": "service", "lifecycle": "production", "owner": "team-a", "system": "shop"}),
    ));
    assert_eq!(claim, None);
    let stub = || {
        let fields =
            [("/kind", json!("Component")), ("/metadata/name", json!("orders")), ("/spec/system", json!("store"))];
        (Format::TerraformState, "prod", 1, facts(Role::Stub, &fields))
    };
    let before = stitched(&identity, vec![stub()]);
    assert_eq!(
        before.entity()["spec"],
        json!({"owner": "unknown", "type": "unknown", "lifecycle": "unknown", "system": "store"})
    );
    assert_eq!(before.said_spec("owner"), None);
    let relations: Vec<_> = before.relations.keys().map(|r| format!("{} {}", r.relation_type, r.target)).collect();
    assert_eq!(relations, ["partOf system:default/store"], "a default owner implies no relation");

    let after = stitched(&identity, vec![stub(), (Format::CatalogInfo, "a", 1, said.clone())]);
    assert_eq!(
        after.entity()["spec"],
        json!({"owner": "team-a", "type": "service", "lifecycle": "production", "system": "shop"})
    );
    assert_eq!(after.said_spec("owner"), Some("team-a"));
    assert_eq!(after.status.len(), 1, "store and shop disagree");

    let undeclared = vec![stub(), (Format::CatalogInfo, "a", 1, said), (Format::CatalogInfo, "a", 2, Said::Gone)];
    assert_eq!(stitched(&identity, undeclared).entity(), before.entity());
}

#[test]
fn what_is_still_claimed_after_configs_delete_is_a_status_item() {
    let gone = stitched(
        &cluster(),
        vec![
            (Format::Config, "", 5, Said::Gone),
            (Format::TerraformState, "prod", 9, facts(Role::Listed, &[])),
            (Format::CatalogInfo, "a", 1, Said::Gone),
        ],
    );
    assert!(!gone.existence.exists());
    let key = source(Format::TerraformState, "prod").fragment_key();
    assert_eq!(
        messages(&gone),
        [format!(
            "s3/shop.orders/terraform-state/prod ({key}) still names this resource, which AWS Config saw deleted"
        )]
    );
}

#[test]
fn a_notice_without_detail_erases_no_detail() {
    let entity = stitched(
        &cluster(),
        vec![
            (
                Format::Config,
                "",
                1,
                facts(Role::Observed, &[("/spec/aws/state", json!("available")), ("/metadata/title", json!("orders"))]),
            ),
            (Format::ConfigNotice, "", 2, facts(Role::Observed, &[("/spec/aws/region", json!("eu-west-1"))])),
        ],
    )
    .entity();
    assert_eq!(entity["spec"]["aws"], json!({"state": "available", "region": "eu-west-1"}));
    assert_eq!(entity["metadata"]["title"], "orders");
}

#[test]
fn a_resource_answers_to_its_derived_name_and_shows_the_declared_one() {
    let file = json!({
        "apiVersion": "backstage.io/v1alpha1", "kind": "Resource",
        "metadata": {"name": "Orders-DB", "namespace": "ops", "annotations": {"aws.amazon.com/arn": CLUSTER}},
        "spec": {"type": "database", "owner": "team-a", "dependencyOf": ["component:orders"]}
    });
    let (identity, said, claim) = declared(file);
    assert_eq!(identity, cluster());
    let plain = stitched(&identity, vec![(Format::Config, "", 1, facts(Role::Observed, &[]))]);
    assert_eq!(plain.entity()["metadata"]["name"], json!(derived_name(&identity)));
    assert_eq!(plain.declared_ref(), plain.derived_ref());

    let named = stitched(
        &identity,
        vec![(Format::Config, "", 1, facts(Role::Observed, &[])), (Format::CatalogInfo, "a", 1, said)],
    );
    assert_eq!(named.declared_ref().to_string(), "resource:ops/orders-db");
    assert_eq!(named.entity()["metadata"]["name"], "Orders-DB");
    assert_eq!(named.entity_under_derived_name()["metadata"]["name"], json!(derived_name(&identity)));
    assert_eq!(named.entity_under_derived_name()["metadata"]["namespace"], "default");
    for key in [identity.key(), Key::of_ref(&derived_ref(&identity)), Key::of_ref(&named.declared_ref())] {
        assert!(named.keys.contains(&key), "{key}");
    }
    let of_component = Relation::new("dependencyOf", "component:ops/orders".parse().map(|r| Key::of_ref(&r)).unwrap());
    assert!(named.relations.contains_key(&of_component), "in the namespace of the file: {:?}", named.relations);
    assert!(claim.unwrap().1.by_arn);
}

#[test]
fn a_name_goes_to_the_claim_by_arn_then_to_the_smallest_identity_and_back_when_it_is_given_up() {
    let key = Key::of_ref(&"resource:default/orders".parse().unwrap());
    let mut alias = Record::empty(RecordKey::Alias(key));
    let mut say = |name: &str, serial: u64, said: Said| {
        let version = Version::of_serial(serial, 0);
        alias.apply(Fragment { source: source(Format::CatalogInfo, name), version, delivery: String::new(), said });
        alias::holder(&alias).map(|claim| claim.identity.to_string())
    };
    let claim = |identity: &str, by_arn| Said::Claim(Claim { identity: Identity::of_canonical_arn(identity), by_arn });
    assert_eq!(say("plain", 1, claim("resource:default/orders", false)).unwrap(), "resource:default/orders");
    assert_eq!(
        say("z", 1, claim("arn:aws:sqs:eu-west-1:111122223333:z", true)).unwrap(),
        "arn:aws:sqs:eu-west-1:111122223333:z"
    );
    assert_eq!(
        say("a", 1, claim("arn:aws:sqs:eu-west-1:111122223333:a", true)).unwrap(),
        "arn:aws:sqs:eu-west-1:111122223333:a"
    );
    assert_eq!(say("a", 2, Said::Gone).unwrap(), "arn:aws:sqs:eu-west-1:111122223333:z");
    assert_eq!(say("z", 2, Said::Gone).unwrap(), "resource:default/orders");
    assert_eq!(say("plain", 2, Said::Gone), None);
}

#[test]
fn facts_below_a_value_that_is_no_object_take_its_place() {
    let entity = stitched(
        &cluster(),
        vec![
            (Format::Config, "", 1, facts(Role::Observed, &[("/spec/aws/tags/team", json!("a"))])),
            (Format::CatalogInfo, "a", 1, facts(Role::Declared, &[("/spec/aws", json!("mine"))])),
        ],
    )
    .entity();
    assert_eq!(entity["spec"]["aws"], json!({"tags": {"team": "a"}}));
}

#[test]
fn a_record_of_many_fields_is_stitched_in_a_time_that_grows_with_them() {
    let fields: Vec<(String, Value)> = (0..20_000).map(|n| (format!("/spec/aws/tags/t{n}"), json!(n))).collect();
    let fields: Vec<(&str, Value)> = fields.iter().map(|(pointer, value)| (pointer.as_str(), value.clone())).collect();
    let stitched = stitched(&cluster(), vec![(Format::Config, "", 1, facts(Role::Observed, &fields))]);
    assert_eq!(stitched.entity()["spec"]["aws"]["tags"].as_object().unwrap().len(), 20_000);
}

#[test]
fn a_state_too_large_for_its_message_is_told_until_config_says_more_of_that_moment_or_later() {
    use Format::{Config, ConfigNotice, ConfigOversized};
    let observed = || facts(Role::Observed, &[]);
    for (fragments, is_incomplete, exists) in [
        (vec![(ConfigOversized, "", 2, observed())], true, true),
        (vec![(Config, "", 1, observed()), (ConfigOversized, "", 2, observed())], true, true),
        (vec![(Config, "", 2, observed()), (ConfigOversized, "", 2, observed())], false, true),
        (vec![(Config, "", 3, observed()), (ConfigOversized, "", 2, observed())], false, true),
        (vec![(Config, "", 3, Said::Gone), (ConfigOversized, "", 2, observed())], false, false),
        (vec![(Config, "", 1, Said::Gone), (ConfigOversized, "", 2, observed())], true, true),
        (vec![(ConfigNotice, "", 3, observed()), (ConfigOversized, "", 2, observed())], false, true),
    ] {
        let stitched = stitched(&cluster(), fragments.clone());
        let told = stitched.status.iter().any(|item| item.item_type == "callboard/incomplete");
        assert_eq!((told, stitched.existence.exists()), (is_incomplete, exists), "{fragments:?}");
    }
}

#[test]
fn compliance_is_told_of_what_exists_and_makes_nothing_exist() {
    let counts = |failing: u64, names: Value| {
        facts(
            Role::Mentioned,
            &[
                ("/spec/aws/compliance/nonCompliant", json!(failing)),
                ("/spec/aws/compliance/compliant", json!(5)),
                ("/spec/aws/compliance/failing", names),
            ],
        )
    };
    let alone = stitched(&cluster(), vec![(Format::ConfigCompliance, "", 9, counts(2, json!(["a", "b"])))]);
    assert!(!alone.existence.exists());
    for (failing, names, expected) in [
        (0, Value::Null, "info: meets all 5 rules of AWS Config that apply to it"),
        (2, json!(["a", "b"]), "warning: does not meet 2 of 7 rules of AWS Config: a, b"),
        (3, json!(["a", "b"]), "warning: does not meet 3 of 8 rules of AWS Config: a, b, ..."),
    ] {
        let words = vec![
            (Format::Config, "", 1, facts(Role::Observed, &[])),
            (Format::ConfigCompliance, "", 9, counts(failing, names)),
        ];
        let stitched = stitched(&cluster(), words);
        let told: Vec<String> =
            stitched.status.iter().map(|item| format!("{}: {}", item.level, item.message)).collect();
        assert_eq!(told, [expected]);
    }
}

#[test]
fn an_account_exists_while_config_sees_resources_in_it_or_says_so() {
    let account = Identity::of_account("aws", "111122223333");
    let stub = || (Format::ConfigAccount, "", 1, facts(Role::Observed, &[("/kind", json!("Resource"))]));
    assert!(stitched(&account, vec![stub()]).existence.exists());
    assert!(!stitched(&account, vec![stub(), (Format::Config, "", 1, Said::Gone)]).existence.exists());
    assert!(derived_name(&account).starts_with("111122223333-"));
}
