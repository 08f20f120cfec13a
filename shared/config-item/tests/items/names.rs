//! Names of many resources: valid, distinct, and the same whenever they are seen again.

use std::collections::HashSet;

use catalog_model::{EntityRef, MAX_NAME_CHARS, derived_name, resource_types::RESOURCE_TYPES};
use config_item::{ConfigMessage, parse};
use serde_json::{Value, json};

fn item(resource_type: &str, id: &str, arn: Option<&str>, account: &str, region: &str, tags: &Value) -> Value {
    json!({
        "configurationItemCaptureTime": "2026-11-20T10:00:00Z", "configurationStateId": 1, "awsAccountId": account,
        "configurationItemStatus": "OK", "resourceType": resource_type, "resourceId": id, "resourceName": id, "ARN": arn,
        "awsRegion": region, "tags": tags
    })
}

fn name_of(item: &Value) -> String {
    match parse(item).remove(0).unwrap() {
        ConfigMessage::Item(item) => derived_name(&item.identity()),
        other => panic!("{other:?}"),
    }
}

/// Backstage's rule: letters and digits in groups joined by one `-`, `_` or `.`, 1 to 63 characters.
fn is_valid(name: &str) -> bool {
    let is_short = (1..=MAX_NAME_CHARS).contains(&name.len());
    is_short
        && name
            .split(['-', '_', '.'])
            .all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[test]
fn one_name_in_three_accounts_three_regions_and_two_types_is_eighteen_entities() {
    let mut names = HashSet::new();
    for account in ["111122223333", "444455556666", "777788889999"] {
        for region in ["eu-west-1", "us-east-1", "ap-southeast-2"] {
            for resource_type in ["AWS::SQS::Queue", "AWS::DynamoDB::Table"] {
                let plain = name_of(&item(resource_type, "orders", None, account, region, &json!({})));
                let tagged = name_of(&item(resource_type, "orders", None, account, region, &json!({"Name": "other"})));
                assert_eq!(plain, tagged);
                assert!(is_valid(&plain) && plain.starts_with("orders-"), "{plain}");
                assert_eq!(EntityRef::resource(&plain).name(), plain);
                names.insert(plain);
            }
        }
    }
    assert_eq!(names.len(), 18);
}

#[test]
fn a_hundred_thousand_arns_of_two_hundred_types_have_names_of_their_own() {
    const TYPES: usize = 200;
    const EACH: usize = 500;
    let odd = ["", "/ö ", ":x", "$LATEST", "__", "A.B-", "(1)", "%2F"];
    let mut names = HashSet::new();
    let mut spelled = |resource_type: &str, arn: &str, number: usize| {
        let account = format!("{:012}", 100_000_000_000 + number % 300);
        let id = arn.rsplit(':').next().unwrap();
        let first = name_of(&item(resource_type, id, Some(arn), &account, "eu-west-1", &json!({})));
        assert!(is_valid(&first), "{first} of {arn}");
        if number.is_multiple_of(50) {
            let again = name_of(&item(
                resource_type,
                id,
                Some(arn),
                &account,
                "eu-west-1",
                &json!({"Name": "new", "team": "x"}),
            ));
            assert_eq!(first, again, "{arn}");
        }
        assert!(names.insert(first), "{arn}");
    };
    for number in 0..TYPES {
        for each in 0..EACH {
            let (account, region) = (100_000_000_000 + each % 300, ["eu-west-1", "us-east-1", "ap-south-1"][each % 3]);
            let tail = format!("{}{each}", odd[each % odd.len()]);
            // Half of the types are those of the table, as far as their ARNs may hold such a name.
            match RESOURCE_TYPES.get(number).filter(|_| number < TYPES / 2) {
                Some(row) if row.aws_type != "AWS::Organizations::Account" => {
                    let resource = row.resource.replace('*', &format!("n{number}-{each}"));
                    let arn = format!("arn:aws:{}:{region}:{account}:{resource}", row.service);
                    spelled(row.aws_type, &arn, each);
                }
                _ => {
                    let arn = format!("arn:aws:service{number}:{region}:{account}:thing/{tail}");
                    spelled(&format!("Vendor{number}::Service::Thing"), &arn, each);
                }
            }
        }
    }
    assert_eq!(names.len(), TYPES * EACH);
}
