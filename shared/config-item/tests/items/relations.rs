//! Relationships of both ends -> one direction.

use catalog_model::Said;
use config_item::parse;
use serde_json::{Value, json};

const NOW_MS: u64 = 1_800_000_000_000;

fn item(resource_type: &str, id: &str, relationships: &Value, tags: &Value, configuration: &Value) -> Value {
    json!({
        "configurationItemCaptureTime": "2026-11-20T10:00:00Z", "configurationStateId": 1, "awsAccountId": "111122223333",
        "configurationItemStatus": "OK", "resourceType": resource_type, "resourceId": id, "awsRegion": "eu-west-1",
        "relationships": relationships, "tags": tags, "configuration": configuration
    })
}

fn relations(item: &Value) -> Vec<String> {
    let statements = parse(item).remove(0).unwrap().statements("d", NOW_MS).unwrap();
    let Said::Facts(facts) = &statements.fragments[0].1.said else { panic!("{statements}") };
    let home = "arn:aws:ec2:eu-west-1:111122223333:";
    facts.relations.iter().map(|r| format!("{} {}", r.relation_type, r.target.as_str().replace(home, ""))).collect()
}

#[test]
fn both_ends_of_an_association_say_which_depends_on_which() {
    let (instance, group) = ("i-0a1b2c3d4e5f60718", "sg-0a1b2c3d4e5f60718");
    let to = |resource_type: &str, id: &str, name: &str| json!([{"resourceType": resource_type, "resourceId": id, "name": name}]);
    for (own, id, relationships, expected) in [
        (
            "AWS::EC2::Instance",
            instance,
            to("AWS::EC2::SecurityGroup", group, "Is associated with SecurityGroup"),
            format!("dependsOn security-group/{group}"),
        ),
        (
            "AWS::EC2::SecurityGroup",
            group,
            to("AWS::EC2::Instance", instance, "Is associated with Instance"),
            format!("dependencyOf instance/{instance}"),
        ),
        (
            "AWS::EC2::Instance",
            instance,
            to("AWS::EC2::Subnet", "subnet-0a1b2c3d", "Is contained in Subnet"),
            "partOf subnet/subnet-0a1b2c3d".to_owned(),
        ),
        (
            "AWS::EC2::Subnet",
            "subnet-0a1b2c3d",
            to("AWS::EC2::Instance", instance, "Contains Instance"),
            format!("hasPart instance/{instance}"),
        ),
        (
            "AWS::EC2::Volume",
            "vol-0a1b2c3d",
            to("AWS::EC2::Instance", instance, "Is attached to Instance "),
            format!("dependencyOf instance/{instance}"),
        ),
        (
            "AWS::EC2::RouteTable",
            "rtb-0a1b2c3d",
            to("AWS::EC2::Subnet", "subnet-0a1b2c3d", "Is associated with "),
            "dependencyOf subnet/subnet-0a1b2c3d".to_owned(),
        ),
        (
            "AWS::EC2::Subnet",
            "subnet-0a1b2c3d",
            to("AWS::EC2::RouteTable", "rtb-0a1b2c3d", "Is associated with "),
            "dependsOn route-table/rtb-0a1b2c3d".to_owned(),
        ),
        (
            "Example::New::Type",
            "x",
            to("Example::Other::Type", "y", "Is associated with "),
            "dependsOn awsconfig:111122223333:eu-west-1:Example::Other::Type/y".to_owned(),
        ),
    ] {
        let item = item(own, id, &relationships, &json!({}), &json!({}));
        assert_eq!(relations(&item), [expected]);
    }
}

#[test]
fn a_resource_is_part_of_the_stack_that_made_it() {
    let stack = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/7f3e0a10-aaaa-bbbb-cccc-0123456789ab";
    let parent = "arn:aws:cloudformation:eu-west-1:111122223333:stack/all/11111111-aaaa-bbbb-cccc-0123456789ab";
    let tags = json!({"aws:cloudformation:stack-id": stack, "aws:cloudformation:stack-name": "orders"});
    let queue = item("AWS::SQS::Queue", "jobs", &json!([]), &tags, &json!({}));
    assert_eq!(relations(&queue), [format!("partOf {stack}")]);
    let contains = json!([{"resourceType": "AWS::SQS::Queue", "resourceId": "jobs", "name": "Contains Queue"}]);
    let nested = item("AWS::CloudFormation::Stack", stack, &contains, &json!({}), &json!({"parentId": parent}));
    assert_eq!(
        relations(&nested),
        ["hasPart arn:aws:sqs:eu-west-1:111122223333:jobs".to_owned(), format!("partOf {parent}")]
    );
    let own = item("AWS::CloudFormation::Stack", stack, &json!([]), &tags, &json!({}));
    assert_eq!(relations(&own), [""; 0]);
    let odd = json!({"aws:cloudformation:stack-id": "arn:aws:s3:::orders"});
    assert_eq!(relations(&item("AWS::SQS::Queue", "jobs", &json!([]), &odd, &json!({}))), [""; 0]);
}

#[test]
fn an_account_is_a_record_of_its_own_whoever_tells_of_it() {
    let managed = json!({
        "configurationItemCaptureTime": "2026-11-20T10:00:00Z", "configurationStateId": 1, "awsAccountId": "999988887777",
        "configurationItemStatus": "OK", "resourceType": "AWS::Organizations::Account", "resourceId": "111122223333",
        "ARN": "arn:aws:organizations::999988887777:account/o-exampleorgid/111122223333", "awsRegion": "us-east-1",
        "configuration": {"AccountName": "shop-production", "Email": "canary@example.com", "JoinedMethod": "CREATED", "ParentIds": ["ou-ab12-prod"]}
    });
    let told = parse(&managed).remove(0).unwrap().statements("d", NOW_MS).unwrap();
    let (key, observed) = config_item::observed_account("aws", "111122223333", "d").unwrap();
    assert_eq!(told.fragments[0].0, key);
    assert!(!told.to_string().contains("canary"));
    insta::assert_snapshot!(told, @r"
    e#config:aws:111122223333:global:AWS::::Account/111122223333 by config at 2026-11-20T10:00:00.000Z
      /apiVersion = backstage.io/v1alpha1
      /kind = Resource
      /metadata/annotations/aws.amazon.com~1account-id = 111122223333
      /metadata/annotations/aws.amazon.com~1region = global
      /metadata/annotations/aws.amazon.com~1resource-id = 111122223333
      /metadata/annotations/aws.amazon.com~1resource-type = AWS::Organizations::Account
      /metadata/title = shop-production
      /spec/aws/accountId = 111122223333
      /spec/aws/attributes/joinedMethod = CREATED
      /spec/aws/attributes/organizationalUnit = ou-ab12-prod
      /spec/aws/region = global
      /spec/aws/resourceType = AWS::Organizations::Account
      /spec/type = account
    ");
    let Said::Facts(stub) = observed.said else { panic!("no facts") };
    let Said::Facts(full) = &told.fragments[0].1.said else { panic!("no facts") };
    for pointer in ["/spec/type", "/spec/aws/accountId", "/kind"] {
        let value = |facts: &catalog_model::Facts| {
            facts.fields.iter().find(|(p, _)| p.as_str() == pointer).map(|(_, v)| v.clone())
        };
        assert_eq!(value(&stub), value(full), "{pointer}");
    }
    assert_eq!(config_item::observed_account("aws", "42", "d"), None);
}
