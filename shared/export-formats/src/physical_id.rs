//! Type and physical id of a resource in a CloudFormation stack -> which AWS resource it is.

use catalog_model::resource_types::of_arn;
use catalog_model::{Arn, Canonical, Identity, Key, Place, SeenAs, Sighting, canonical};

/// What a physical id stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Physical {
    Resource(Identity),
    /// Only who knows its ARN can tell: a role's name does not hold its path.
    ByKey(Key),
    Other(NoResource),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoResource {
    #[error("it is no AWS resource")]
    NotAws,
    #[error("it is part of another resource, or no rule says what resources of its type are")]
    NoRule,
    #[error("its ARN does not follow from its physical id")]
    NoArn,
    #[error("its physical id is that of another type of resource")]
    OtherType,
    #[error("unresolved subject: nothing says its account and region")]
    NoPlace,
}

/// `AWS::IAM::Policy` is an inline policy to CloudFormation, and a managed one to AWS Config.
const PARTS: &[&str] = &["AWS::IAM::Policy", "AWS::CDK::Metadata"];

pub(crate) fn physical(aws_type: &str, id: &str, place: Place<'_>) -> Physical {
    if !aws_type.starts_with("AWS::") || aws_type == "AWS::CloudFormation::CustomResource" {
        return Physical::Other(NoResource::NotAws);
    }
    if PARTS.contains(&aws_type) {
        return Physical::Other(NoResource::NoRule);
    }
    let id = rewritten(aws_type, id, place);
    if let Some(arn) = Arn::parse(&id) {
        return of_arn_text(aws_type, &id, arn, place);
    }
    match canonical(&Sighting { place, seen_as: SeenAs::ResourceType(aws_type), id: &id }) {
        Canonical::Exact(identity) if identity.arn().is_some() => Physical::Resource(identity),
        // The type is not in the table, and its physical id need not be what AWS Config calls its id.
        Canonical::Exact(_) => Physical::Other(NoResource::NoRule),
        Canonical::Secondary(key) => Physical::ByKey(key),
        Canonical::Unknown if place.account.is_empty() || place.region.is_empty() => {
            Physical::Other(NoResource::NoPlace)
        }
        Canonical::Unknown => Physical::Other(NoResource::NoArn),
    }
}

fn of_arn_text(aws_type: &str, id: &str, arn: Arn<'_>, place: Place<'_>) -> Physical {
    let known = type_of(aws_type);
    // Versions and aliases of a function have its ARN with something behind it.
    let is_service = |service: &str| service.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !is_service(arn.service) || id.contains(char::is_whitespace) {
        return Physical::Other(NoResource::NoArn);
    }
    let Canonical::Exact(identity) = canonical(&Sighting { place, seen_as: SeenAs::Arn, id }) else {
        return Physical::Other(NoResource::NoArn);
    };
    match (known, of_arn(identity.as_str())) {
        (Some(known), Some(found)) if known != found => Physical::Other(NoResource::OtherType),
        (None, Some(_)) => Physical::Other(NoResource::NoRule),
        _ => Physical::Resource(identity),
    }
}

/// The name of the table for a type. `None`: the table has no such type.
pub(crate) fn type_of(aws_type: &str) -> Option<&'static str> {
    catalog_model::resource_types::of_aws_type(aws_type)
}

/// Physical ids that are written in a way of their own.
fn rewritten(aws_type: &str, id: &str, place: Place<'_>) -> String {
    let Place { partition, account, region } = place;
    let parts: Vec<&str> = id.split('|').collect();
    match (aws_type, parts.as_slice()) {
        ("AWS::Events::Rule", [bus, rule]) => format!("{bus}/{rule}"),
        ("AWS::WAFv2::WebACL", [name, id, "CLOUDFRONT"]) if !account.is_empty() => {
            format!("arn:{partition}:wafv2:us-east-1:{account}:global/webacl/{name}/{id}")
        }
        ("AWS::WAFv2::WebACL", [name, id, "REGIONAL"]) if !account.is_empty() && !region.is_empty() => {
            format!("arn:{partition}:wafv2:{region}:{account}:regional/webacl/{name}/{id}")
        }
        _ => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_physical_id_is_an_arn_a_name_an_id_or_a_url() {
        let place = Place { partition: "aws", account: "111122223333", region: "eu-west-1" };
        for (aws_type, id, expected) in [
            (
                "AWS::SQS::Queue",
                "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs",
                "arn:aws:sqs:eu-west-1:111122223333:jobs",
            ),
            ("AWS::S3::Bucket", "orders-data", "arn:aws:s3:::orders-data"),
            ("AWS::Lambda::Function", "resize", "arn:aws:lambda:eu-west-1:111122223333:function:resize"),
            ("AWS::EC2::VPC", "vpc-0a1b2c3d", "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-0a1b2c3d"),
            (
                "AWS::ECS::Service",
                "arn:aws:ecs:eu-west-1:111122223333:service/main/web",
                "arn:aws:ecs:eu-west-1:111122223333:service/main/web",
            ),
            ("AWS::Events::Rule", "jobs|nightly", "arn:aws:events:eu-west-1:111122223333:rule/jobs/nightly"),
            (
                "AWS::WAFv2::WebACL",
                "edge|0a1b|CLOUDFRONT",
                "arn:aws:wafv2:us-east-1:111122223333:global/webacl/edge/0a1b",
            ),
            ("AWS::ApiGateway::RestApi", "a1b2c3", "arn:aws:apigateway:eu-west-1::/restapis/a1b2c3"),
            (
                "AWS::IAM::ManagedPolicy",
                "arn:aws:iam::111122223333:policy/read",
                "arn:aws:iam::111122223333:policy/read",
            ),
            (
                "AWS::Amplify::App",
                "arn:aws:amplify:eu-west-1:111122223333:apps/d1",
                "arn:aws:amplify:eu-west-1:111122223333:apps/d1",
            ),
            ("AWS::IAM::Role", "orders-RoleABC", "key iam:111122223333:global:role/orders-RoleABC"),
            (
                "AWS::AutoScaling::AutoScalingGroup",
                "web",
                "key autoscaling:111122223333:eu-west-1:autoScalingGroupName/web",
            ),
            (
                "AWS::Lambda::Version",
                "arn:aws:lambda:eu-west-1:111122223333:function:resize:3",
                "it is part of another resource, or no rule says what resources of its type are",
            ),
            (
                "AWS::S3::Bucket",
                "arn:aws:sqs:eu-west-1:111122223333:jobs",
                "its physical id is that of another type of resource",
            ),
            (
                "AWS::IAM::Policy",
                "orders-Polic-1",
                "it is part of another resource, or no rule says what resources of its type are",
            ),
            (
                "AWS::S3::BucketPolicy",
                "orders-data",
                "it is part of another resource, or no rule says what resources of its type are",
            ),
            ("AWS::EC2::EIP", "192.0.2.1", "its ARN does not follow from its physical id"),
            ("Custom::Seed", "arn:aws:s3:::orders-data", "it is no AWS resource"),
        ] {
            let found = match physical(aws_type, id, place) {
                Physical::Resource(identity) => identity.to_string(),
                Physical::ByKey(key) => format!("key {key}"),
                Physical::Other(why) => why.to_string(),
            };
            assert_eq!(found, expected, "{aws_type} {id}");
        }
    }
}
