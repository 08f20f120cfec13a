//! Config's other words on a resource: states too large for a message, results of rules, types that nobody wants.

use callboard_tests::deliveries::config::Resource;
use catalog_model::{FragmentKey, Identity, Pointer, RecordKey};
use catalog_store::{Parked, Read, Register, RegisterKind};
use config_item::{ConfigMessage, Subject};
use serde_json::{Value, json};

use crate::world::{ACCOUNT, Estate, REGION, captured, change, database, table, totals};

fn oversized(resource: &Resource, minute: u32) -> Value {
    let mut event = change(resource, "OK", minute);
    let mut summary = event["detail"]["configurationItem"].take();
    for detail in ["configuration", "supplementaryConfiguration", "relationships", "tags"] {
        summary.as_object_mut().unwrap().remove(detail);
    }
    event["detail"] = json!({
        "messageType": "OversizedConfigurationItemChangeNotification", "configurationItemSummary": summary,
    });
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_too_large_for_its_message_is_had_from_the_aggregator() {
    let estate = Estate::start().await;
    let (known, new) = (table(ACCOUNT, REGION, "known", "team-a"), database("new"));
    estate.tell_of(&known, 1).await;
    let later = table(ACCOUNT, REGION, "known", "team-b");
    estate.deliver(&oversized(&later, 2)).await;
    estate.lose(&change(&later, "OK", 2));
    estate.deliver(&oversized(&new, 2)).await;
    estate.lose(&change(&new, "OK", 2));
    assert_eq!(totals(&estate.sweep().await), [2, 1, 1, 0, 0, 0, 0]);
    let owner = Pointer::to(["spec", "aws", "tags", "owner"]);
    assert_eq!(estate.facts(&later).await.unwrap().fields[&owner], json!("team-b"));
    assert!(estate.facts(&new).await.is_some());
    assert_eq!(totals(&estate.sweep().await), [2, 0, 0, 0, 0, 0, 0]);
    estate.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_whose_last_word_is_a_notice_of_its_size_goes_and_comes_back_as_any_other() {
    let estate = Estate::start().await;
    let (full, never) = (database("full"), database("never"));
    estate.tell_of(&table(ACCOUNT, REGION, "kept", ""), 1).await;
    estate.deliver(&change(&full, "OK", 1)).await;
    estate.deliver(&oversized(&full, 2)).await;
    estate.deliver(&oversized(&never, 2)).await;
    let told = catalog_reconcile::SweepEvent { begin: true, allow_deletes: true };
    assert_eq!(totals(&estate.swept(told).await.unwrap()), [1, 0, 0, 2, 0, 0, 0]);
    assert_eq!(totals(&estate.swept(told).await.unwrap()), [1, 0, 0, 0, 2, 0, 0]);
    assert!(!estate.exists(&full).await && !estate.exists(&never).await);
    estate.lose(&change(&full, "OK", 2));
    assert_eq!(totals(&estate.sweep().await), [2, 0, 0, 0, 0, 1, 0]);
    assert!(estate.exists(&full).await && !estate.exists(&never).await);
    estate.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_type_that_is_left_out_nothing_is_written_and_nothing_is_taken_away() {
    let estate = Estate::start().await;
    let interface = |id: &str| Resource {
        arn: format!("arn:aws:ec2:{REGION}:{ACCOUNT}:network-interface/{id}"),
        resource_type: "AWS::EC2::NetworkInterface",
        id: id.to_owned(),
        name: None,
        ..table(ACCOUNT, REGION, id, "")
    };
    let (new, old) = (interface("eni-0a1b2c3d4e5f60718"), interface("eni-0a1b2c3d4e5f60719"));
    estate.lose(&change(&new, "OK", 1));
    estate.tell_of(&old, 1).await;
    for _ in 0..2 {
        assert_eq!(totals(&estate.sweep().await), [2, 0, 0, 0, 0, 0, 0]);
    }
    assert!(!estate.exists(&new).await && estate.exists(&old).await);
    estate.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rules_said_of_a_resource_before_it_was_known_is_counted_when_a_sweep_finds_it() {
    let estate = Estate::start().await;
    let db = database("orders");
    let said = json!({
        "messageType": "ComplianceChangeNotification", "resourceType": db.resource_type, "resourceId": db.id,
        "awsRegion": REGION, "awsAccountId": ACCOUNT, "configRuleName": "encrypted", "newEvaluationResult": {
            "evaluationResultIdentifier": {"orderingTimestamp": captured(1).0},
            "complianceType": "NON_COMPLIANT", "resultRecordedTime": captured(1).0,
        },
    });
    let Ok(ConfigMessage::Compliance(compliance)) = config_item::parse(&said).remove(0) else { panic!("{said}") };
    let subject: Subject = compliance.subject().unwrap();
    let config_item::RuleResult { id, version, body } = compliance.result(1_795_000_000_000).unwrap();
    let register = Register { id, version, body };
    estate.store().put_register(&subject.record_key(), RegisterKind::Compliance, &register).await.unwrap();
    let parked = Parked {
        source: "config-change".to_owned(),
        subject: subject.record_key().to_string(),
        reason: "unresolved subject".to_owned(),
        at_ms: 1_793_520_000_000,
    };
    estate.store().park(&parked).await.unwrap();
    estate.sweep().await;
    assert_eq!(estate.store().parked().await.unwrap().len(), 1, "nothing answers to it");

    estate.lose(&change(&db, "OK", 1));
    estate.sweep().await;
    assert!(estate.store().parked().await.unwrap().is_empty());
    let record = estate.record(&db).await;
    let counts = record.fragments.keys().map(FragmentKey::as_str).filter(|key| key.starts_with("config-compliance"));
    assert_eq!(counts.count(), 1, "{record:?}");
    // With the resource, its account has come to be known.
    let account = RecordKey::Entity(Identity::of_account("aws", ACCOUNT));
    assert!(!estate.store().record(&account, Read::Consistent).await.unwrap().fragments.is_empty());
    estate.world.stack.shutdown().await;
}
