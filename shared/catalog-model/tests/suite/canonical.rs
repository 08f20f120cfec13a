//! One line per spelling: what the source says the type is, the id, and which resource that is.

use std::collections::BTreeSet;

use catalog_model::resource_types::RESOURCE_TYPES;
use catalog_model::{Canonical, Identity, Place, SeenAs, Sighting, canonical, secondary_keys};
use proptest::prelude::*;

const HOME: Place<'_> = Place { partition: "aws", account: "111122223333", region: "eu-west-1" };

/// `{h}` is `eu-west-1:111122223333`. An answer is an identity, `?` and a secondary key, or `unknown`.
const SPELLINGS: &str = "
# ARNs, whoever says them
arn | arn:aws:rds:{h}:db:orders -> arn:aws:rds:{h}:db:orders
arn | arn:aws:rds:{h}:cluster:cluster-orders -> arn:aws:rds:{h}:cluster:cluster-orders
arn | arn:aws:rds:{h}:cluster:cluster-7QJ2BX -> ?rds:111122223333:eu-west-1:cluster-7QJ2BX
arn | arn:aws:rds:us-east-1:444455556666:db:db-7QJ2BX -> ?rds:444455556666:us-east-1:db-7QJ2BX
arn | arn:aws:logs:{h}:log-group:/aws/lambda/orders:* -> arn:aws:logs:{h}:log-group:/aws/lambda/orders
arn | arn:aws:logs:{h}:log-group:/aws/lambda/orders -> arn:aws:logs:{h}:log-group:/aws/lambda/orders
arn | arn:aws:logs:{h}:log-group:/x:log-stream:2026/11 -> arn:aws:logs:{h}:log-group:/x
arn | arn:aws:codepipeline:{h}:orders -> arn:aws:codepipeline:{h}:orders
arn | arn:aws:codepipeline:{h}:pipeline:orders -> arn:aws:codepipeline:{h}:orders
arn | arn:aws:codebuild:{h}:build/orders:7f3e -> arn:aws:codebuild:{h}:project/orders
arn | arn:aws:lambda:{h}:function:orders:PROD -> arn:aws:lambda:{h}:function:orders
arn | arn:aws:lambda:{h}:function:orders:$LATEST -> arn:aws:lambda:{h}:function:orders
arn | arn:aws:lambda:{h}:layer:base:3 -> arn:aws:lambda:{h}:layer:base:3
arn | arn:aws:states:{h}:stateMachine:orders:2 -> arn:aws:states:{h}:stateMachine:orders
arn | arn:aws:s3:::orders/2026/11/x.csv -> arn:aws:s3:::orders
arn | arn:aws-cn:s3:::orders/* -> arn:aws-cn:s3:::orders
arn | arn:aws:s3:::/orders -> arn:aws:s3:::/orders
arn | arn:aws:s3:{h}:accesspoint/a -> arn:aws:s3:{h}:accesspoint/a
arn | arn:aws:dynamodb:{h}:table/orders/index/by-day -> arn:aws:dynamodb:{h}:table/orders
arn | arn:aws:dynamodb:{h}:table/orders/stream/2026-11-01T00:00:00.000 -> arn:aws:dynamodb:{h}:table/orders
arn | arn:aws:dynamodb:{h}:table/orders/backup/01 -> arn:aws:dynamodb:{h}:table/orders/backup/01
arn | arn:aws:apigateway:eu-west-1::/restapis/a1/stages/prod -> arn:aws:apigateway:eu-west-1::/restapis/a1/stages/prod
arn | arn:aws:apigateway:eu-west-1:111122223333:/restapis/a1 -> arn:aws:apigateway:eu-west-1::/restapis/a1
arn | arn:aws:apigateway:eu-west-1::restapis/a1 -> arn:aws:apigateway:eu-west-1::/restapis/a1
arn | arn:aws:elasticloadbalancing:{h}:loadbalancer/app/front/50dc6c -> arn:aws:elasticloadbalancing:{h}:loadbalancer/app/front/50dc6c
arn | arn:aws:ecs:{h}:task/main/e2a2 -> arn:aws:ecs:{h}:task/main/e2a2
arn | arn:aws:eks:{h}:pod/main/default/orders-1/7f -> arn:aws:eks:{h}:pod/main/default/orders-1/7f
arn | arn:aws:sns:{h}:orders -> arn:aws:sns:{h}:orders
arn | arn:aws:sns:{h}:orders:7f3e -> arn:aws:sns:{h}:orders:7f3e
arn | arn:aws:sqs:{h}:orders.fifo -> arn:aws:sqs:{h}:orders.fifo
arn | arn:aws:ec2:eu-west-1a:111122223333:snapshot/snap-0a1b2c3d -> arn:aws:ec2:{h}:snapshot/snap-0a1b2c3d
arn | arn:aws:ec2:eu-west-1::snapshot/snap-0a1b2c3d -> arn:aws:ec2:{h}:snapshot/snap-0a1b2c3d
arn | arn:aws:ec2:eu-west-1:111122223333:image/ami-0a1b2c3d -> arn:aws:ec2:eu-west-1::image/ami-0a1b2c3d
arn | arn:aws:ec2:{h}:eip/eipalloc-0a1b2c3d -> arn:aws:ec2:{h}:elastic-ip/eipalloc-0a1b2c3d
arn | arn:aws:iam::111122223333:role/service-role/orders -> arn:aws:iam::111122223333:role/service-role/orders
arn | arn:aws:iam::aws:policy/ReadOnlyAccess -> arn:aws:iam::aws:policy/ReadOnlyAccess
arn | arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1dde -> arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1dde
arn | arn:aws:events:{h}:rule/default/nightly -> arn:aws:events:{h}:rule/nightly
arn | arn:aws:events:{h}:rule/orders-bus/nightly -> arn:aws:events:{h}:rule/orders-bus/nightly
arn | arn:aws:autoscaling:{h}:autoScalingGroup:7f:autoScalingGroupName/front -> arn:aws:autoscaling:{h}:autoScalingGroup:7f:autoScalingGroupName/front
arn | arn:aws:organizations::999988887777:account/o-exampleorgid/111122223333 -> config:aws:111122223333:global:AWS::::Account/111122223333
arn | arn:aws-cn:organizations::999988887777:account/o-exampleorgid/111122223333 -> config:aws-cn:111122223333:global:AWS::::Account/111122223333
arn | arn:aws:organizations::999988887777:account/o-exampleorgid/12 -> arn:aws:organizations::999988887777:account/o-exampleorgid/12
arn | arn:aws:organizations::999988887777:ou/o-exampleorgid/ou-1 -> arn:aws:organizations::999988887777:ou/o-exampleorgid/ou-1
arn | arn:aws:newservice:{h}:thing/a:b/c -> arn:aws:newservice:{h}:thing/a:b/c
arn | orders -> unknown
arn | arn:aws:s3 -> unknown

# As Config and CloudFormation name it
AWS::::Account | 111122223333 -> config:aws:111122223333:global:AWS::::Account/111122223333
AWS::Organizations::Account | 444455556666 -> config:aws:444455556666:global:AWS::::Account/444455556666
AWS::::Account | prod -> unknown
AWS::EC2::Instance | i-0a1b2c3d4e5f60718 -> arn:aws:ec2:{h}:instance/i-0a1b2c3d4e5f60718
AWS::EC2::INSTANCE | i-00000000 -> arn:aws:ec2:{h}:instance/i-00000000
AWS::EC2::Volume | vol-0a1b2c3d -> arn:aws:ec2:{h}:volume/vol-0a1b2c3d
AWS::EC2::Subnet | subnet-0a1b2c3d -> arn:aws:ec2:{h}:subnet/subnet-0a1b2c3d
AWS::EC2::EIP | eipalloc-0a1b2c3d -> arn:aws:ec2:{h}:elastic-ip/eipalloc-0a1b2c3d
AWS::EC2::VPC | vpc-0a1b2c3d -> arn:aws:ec2:{h}:vpc/vpc-0a1b2c3d
AWS::EC2::SecurityGroup | sg-0a1b2c3d -> arn:aws:ec2:{h}:security-group/sg-0a1b2c3d
AWS::EC2::SecurityGroup | default -> unknown
AWS::RDS::DBCluster | cluster-7QJ2BX -> ?rds:111122223333:eu-west-1:cluster-7QJ2BX
AWS::RDS::DBCluster | orders -> arn:aws:rds:{h}:cluster:orders
AWS::RDS::DBCluster | arn:aws:rds:{h}:cluster:orders -> arn:aws:rds:{h}:cluster:orders
AWS::RDS::DBInstance | db-7QJ2BX -> ?rds:111122223333:eu-west-1:db-7QJ2BX
AWS::RDS::DBInstance | db-orders -> arn:aws:rds:{h}:db:db-orders
AWS::S3::Bucket | orders -> arn:aws:s3:::orders
AWS::DynamoDB::Table | orders -> arn:aws:dynamodb:{h}:table/orders
AWS::Lambda::Function | orders -> arn:aws:lambda:{h}:function:orders
AWS::CodePipeline::Pipeline | orders -> arn:aws:codepipeline:{h}:orders
AWS::SQS::Queue | https://sqs.eu-west-1.amazonaws.com/111122223333/orders -> arn:aws:sqs:{h}:orders
AWS::SQS::Queue | https://us-east-2.queue.amazonaws.com/444455556666/orders -> arn:aws:sqs:us-east-2:444455556666:orders
AWS::SQS::Queue | https://example.com/orders -> unknown
AWS::SNS::Topic | arn:aws:sns:{h}:orders -> arn:aws:sns:{h}:orders
AWS::KMS::Key | 1dde1211-23fe-4670-81dd-21123fe670a3 -> arn:aws:kms:{h}:key/1dde1211-23fe-4670-81dd-21123fe670a3
AWS::KMS::Alias | alias/orders -> arn:aws:kms:{h}:alias/orders
AWS::IAM::Role | AROA2QJ7BXEXAMPLEROLE -> ?iam:111122223333:global:AROA2QJ7BXEXAMPLEROLE
AWS::IAM::Role | orders -> ?iam:111122223333:global:role/orders
AWS::IAM::User | orders -> ?iam:111122223333:global:user/orders
AWS::ElasticLoadBalancingV2::LoadBalancer | front -> ?elb:111122223333:eu-west-1:front
AWS::ElasticLoadBalancingV2::LoadBalancer | net/front/50dc6c -> arn:aws:elasticloadbalancing:{h}:loadbalancer/net/front/50dc6c
AWS::ElasticLoadBalancing::LoadBalancer | old -> arn:aws:elasticloadbalancing:{h}:loadbalancer/old
AWS::AutoScaling::AutoScalingGroup | front -> ?autoscaling:111122223333:eu-west-1:autoScalingGroupName/front
AWS::CloudFormation::Stack | orders -> ?cloudformation:111122223333:eu-west-1:stack/orders
AWS::CloudFront::Distribution | E31V0VAAPINP3I -> arn:aws:cloudfront::111122223333:distribution/E31V0VAAPINP3I
AWS::Route53::HostedZone | /hostedzone/Z1EXAMPLE -> arn:aws:route53:::hostedzone/Z1EXAMPLE
AWS::Route53::HostedZone | Z1EXAMPLE -> arn:aws:route53:::hostedzone/Z1EXAMPLE
AWS::ECS::TaskDefinition | orders:7 -> arn:aws:ecs:{h}:task-definition/orders:7
AWS::ECS::TaskDefinition | orders -> unknown
AWS::ECS::Service | main/orders -> arn:aws:ecs:{h}:service/main/orders
AWS::ECS::Service | orders -> unknown
AWS::SecretsManager::Secret | orders -> unknown
AWS::OpenSearch::Domain | 111122223333/orders -> arn:aws:es:{h}:domain/orders
AWS::Elasticsearch::Domain | orders -> arn:aws:es:{h}:domain/orders
AWS::ECR::Repository | repository/base -> arn:aws:ecr:{h}:repository/repository/base
AWS::SSM::Parameter | /orders/url -> arn:aws:ssm:{h}:parameter/orders/url
AWS::Logs::LogGroup | /aws/lambda/orders -> arn:aws:logs:{h}:log-group:/aws/lambda/orders
AWS::S3::AccountPublicAccessBlock | 111122223333 -> config:aws:111122223333:eu-west-1:AWS::S3::AccountPublicAccessBlock/111122223333
AWS::Glue::Classifier | a:b/c d -> config:aws:111122223333:eu-west-1:AWS::Glue::Classifier/a:b/c d
AWS::::Account | 111122223333 -> config:aws:111122223333:global:AWS::::Account/111122223333
AWS::CloudWatch::Dashboard | orders -> arn:aws:cloudwatch::111122223333:dashboard/orders
AWS::Cognito::IdentityPool | eu-west-1:0f6c -> arn:aws:cognito-identity:{h}:identitypool/eu-west-1:0f6c
AWS::DynamoDB::GlobalTable | orders -> arn:aws:dynamodb:{h}:table/orders
AWS::EMR::Cluster | j-1K48KQEXAMPLE -> arn:aws:elasticmapreduce:{h}:cluster/j-1K48KQEXAMPLE
AWS::EMR::Cluster | orders -> unknown
AWS::FSx::FileSystem | fs-0a1b2c3d4e5f60718 -> arn:aws:fsx:{h}:file-system/fs-0a1b2c3d4e5f60718
AWS::Glue::Crawler | orders -> arn:aws:glue:{h}:crawler/orders
AWS::Pipes::Pipe | orders -> arn:aws:pipes:{h}:pipe/orders
AWS::RDS::DBClusterParameterGroup | orders -> arn:aws:rds:{h}:cluster-pg:orders
AWS::ServiceDiscovery::PrivateDnsNamespace | ns-0a1b -> arn:aws:servicediscovery:{h}:namespace/ns-0a1b
AWS::Synthetics::Canary | orders -> arn:aws:synthetics:{h}:canary:orders
AWS::EC2::Instance |  -> unknown

# As Terraform names it
aws_instance | i-0a1b2c3d4e5f60718 -> arn:aws:ec2:{h}:instance/i-0a1b2c3d4e5f60718
aws_db_instance | orders -> arn:aws:rds:{h}:db:orders
aws_db_instance | db-7QJ2BX -> ?rds:111122223333:eu-west-1:db-7QJ2BX
aws_rds_cluster | orders -> arn:aws:rds:{h}:cluster:orders
aws_s3_bucket | orders -> arn:aws:s3:::orders
aws_s3_bucket_policy | orders -> unknown
aws_sqs_queue | https://sqs.eu-west-1.amazonaws.com/111122223333/orders -> arn:aws:sqs:{h}:orders
aws_lambda_function | orders -> arn:aws:lambda:{h}:function:orders
aws_cloudwatch_log_group | /aws/lambda/orders -> arn:aws:logs:{h}:log-group:/aws/lambda/orders
aws_codepipeline | orders -> arn:aws:codepipeline:{h}:orders
aws_dynamodb_table | orders -> arn:aws:dynamodb:{h}:table/orders
aws_elb | old -> arn:aws:elasticloadbalancing:{h}:loadbalancer/old
aws_eip | eipalloc-0a1b2c3d -> arn:aws:ec2:{h}:elastic-ip/eipalloc-0a1b2c3d
aws_iam_role | orders -> ?iam:111122223333:global:role/orders
aws_api_gateway_rest_api | a1b2c3 -> arn:aws:apigateway:eu-west-1::/restapis/a1b2c3
aws_api_gateway_stage | ags-a1b2c3-prod -> unknown
random_password | orders -> unknown

# As a cost line has it
AmazonEC2 | i-0a1b2c3d4e5f60718 -> arn:aws:ec2:{h}:instance/i-0a1b2c3d4e5f60718
AmazonEC2 | vol-0a1b2c3d -> arn:aws:ec2:{h}:volume/vol-0a1b2c3d
AmazonEC2 | arn:aws:ecs:{h}:task/main/e2a2 -> arn:aws:ecs:{h}:task/main/e2a2
AmazonVPC | nat-0a1b2c3d4e5f60718 -> arn:aws:ec2:{h}:natgateway/nat-0a1b2c3d4e5f60718
AmazonVPC | vpce-0a1b2c3d4e5f60718 -> arn:aws:ec2:{h}:vpc-endpoint/vpce-0a1b2c3d4e5f60718
AmazonEFS | fs-0a1b2c3d -> arn:aws:elasticfilesystem:{h}:file-system/fs-0a1b2c3d
AmazonS3 | orders -> arn:aws:s3:::orders
AmazonS3 | i-0a1b2c3d -> arn:aws:s3:::i-0a1b2c3d
AmazonRDS | arn:aws:rds:{h}:cluster:cluster-7QJ2BX -> ?rds:111122223333:eu-west-1:cluster-7QJ2BX
AmazonRDS | cluster-7QJ2BX -> ?rds:111122223333:eu-west-1:cluster-7QJ2BX
AmazonRDS | db:orders -> arn:aws:rds:{h}:db:orders
AmazonRDS | orders -> unknown
AWSELB | loadbalancer/app/front/50dc6c -> arn:aws:elasticloadbalancing:{h}:loadbalancer/app/front/50dc6c
AWSELB | app/front/50dc6c -> arn:aws:elasticloadbalancing:{h}:loadbalancer/app/front/50dc6c
AWSLambda | arn:aws:lambda:{h}:function:orders -> arn:aws:lambda:{h}:function:orders
AmazonDynamoDB | table/orders -> arn:aws:dynamodb:{h}:table/orders
AmazonCloudWatch | log-group:/aws/lambda/orders:* -> arn:aws:logs:{h}:log-group:/aws/lambda/orders
AmazonCloudFront | E31V0VAAPINP3I -> arn:aws:cloudfront::111122223333:distribution/E31V0VAAPINP3I
AmazonRoute53 | hostedzone/Z1EXAMPLE -> arn:aws:route53:::hostedzone/Z1EXAMPLE
AWSCodePipeline | arn:aws:codepipeline:{h}:orders -> arn:aws:codepipeline:{h}:orders
AWSCodePipeline | orders -> arn:aws:codepipeline:{h}:orders
AWSQueueService | orders -> arn:aws:sqs:{h}:orders
AWSSupportEnterprise | 111122223333 -> unknown
";

fn seen_as(text: &str) -> SeenAs<'_> {
    match text {
        "arn" => SeenAs::Arn,
        _ if text.contains("::") => SeenAs::ResourceType(text),
        _ if text.contains('_') => SeenAs::TerraformType(text),
        _ => SeenAs::ProductCode(text),
    }
}

fn sighting<'a>(spelled: &'a str, id: &'a str) -> Sighting<'a> {
    Sighting { place: HOME, seen_as: seen_as(spelled), id }
}

fn shown(answer: &Canonical) -> String {
    match answer {
        Canonical::Exact(identity) => identity.to_string(),
        Canonical::Secondary(key) => format!("?{key}"),
        Canonical::Unknown => "unknown".to_owned(),
    }
}

#[test]
fn every_spelling_has_its_answer() {
    let table = SPELLINGS.replace("{h}", "eu-west-1:111122223333");
    let mut wrong = Vec::new();
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (spelled, rest) = line.split_once(" | ").unwrap();
        let (id, expected) = rest.split_once(" -> ").unwrap();
        let answer = shown(&canonical(&sighting(spelled, id)));
        if answer != expected {
            wrong.push(format!("{line}\n    but: {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What Config says of a resource - ARN, id, name - and how others spell it.
#[test]
fn other_sources_reach_the_record_of_config_by_its_identity_or_by_a_key_that_it_declares() {
    type Case<'a> = (&'a str, &'a str, &'a [&'a str], &'a [(&'a str, &'a str)]);
    let cases: [Case<'_>; 7] = [
        (
            "AWS::RDS::DBCluster",
            "arn:aws:rds:eu-west-1:111122223333:cluster:orders",
            &["cluster-7QJ2BX", "orders"],
            &[
                ("aws_rds_cluster", "orders"),
                ("AmazonRDS", "arn:aws:rds:eu-west-1:111122223333:cluster:cluster-7QJ2BX"),
            ],
        ),
        (
            "AWS::RDS::DBInstance",
            "arn:aws:rds:eu-west-1:111122223333:db:orders",
            &["db-7QJ2BX", "orders"],
            &[("aws_db_instance", "db-7QJ2BX"), ("aws_db_instance", "orders"), ("AmazonRDS", "db-7QJ2BX")],
        ),
        ("AWS::S3::Bucket", "arn:aws:s3:::orders", &["orders"], &[("aws_s3_bucket", "orders"), ("AmazonS3", "orders")]),
        (
            "AWS::EC2::Instance",
            "arn:aws:ec2:eu-west-1:111122223333:instance/i-0a1b2c3d",
            &["i-0a1b2c3d"],
            &[("aws_instance", "i-0a1b2c3d"), ("AmazonEC2", "i-0a1b2c3d")],
        ),
        (
            "AWS::Lambda::Function",
            "arn:aws:lambda:eu-west-1:111122223333:function:orders",
            &["orders"],
            &[
                ("aws_lambda_function", "orders"),
                ("AWSLambda", "arn:aws:lambda:eu-west-1:111122223333:function:orders:7"),
            ],
        ),
        (
            "AWS::DynamoDB::Table",
            "arn:aws:dynamodb:eu-west-1:111122223333:table/orders",
            &["orders"],
            &[("aws_dynamodb_table", "orders"), ("AmazonDynamoDB", "orders")],
        ),
        (
            "AWS::CodePipeline::Pipeline",
            "arn:aws:codepipeline:eu-west-1:111122223333:orders",
            &["orders"],
            &[("aws_codepipeline", "orders"), ("arn", "arn:aws:codepipeline:eu-west-1:111122223333:pipeline:orders")],
        ),
    ];
    for (aws_type, arn, ids, others) in cases {
        let Canonical::Exact(identity) = canonical(&sighting(aws_type, arn)) else { panic!("{arn}") };
        let said: Vec<Sighting<'_>> = ids.iter().map(|id| sighting(aws_type, id)).collect();
        let keys = secondary_keys(&identity, &said);
        for (spelled, id) in others {
            match canonical(&sighting(spelled, id)) {
                Canonical::Exact(other) => assert_eq!(other, identity, "{spelled} {id}"),
                Canonical::Secondary(key) => assert!(keys.contains(&key), "{key} is not among {keys:?}"),
                Canonical::Unknown => panic!("{spelled} {id} is unknown"),
            }
        }
    }
}

#[test]
fn an_arn_implies_the_keys_of_the_names_in_it() {
    for (arn, key) in [
        (
            "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/front/50dc",
            "elb:111122223333:eu-west-1:front",
        ),
        ("arn:aws:iam::111122223333:role/service-role/orders", "iam:111122223333:global:role/orders"),
        (
            "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:7f:autoScalingGroupName/front",
            "autoscaling:111122223333:eu-west-1:autoScalingGroupName/front",
        ),
        (
            "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/7f",
            "cloudformation:111122223333:eu-west-1:stack/orders",
        ),
    ] {
        let keys = secondary_keys(&Identity::of_canonical_arn(arn), &[]);
        assert_eq!(keys.iter().map(ToString::to_string).collect::<Vec<_>>(), [key]);
    }
    assert!(secondary_keys(&Identity::of_canonical_arn("arn:aws:s3:::orders"), &[]).is_empty());
}

#[test]
fn a_place_that_lacks_what_the_arn_needs_is_never_made_up() {
    let lacking = [
        Place { account: "", ..HOME },
        Place { region: "", ..HOME },
        Place { region: "global", ..HOME },
        Place { region: "Not Applicable", ..HOME },
    ];
    for place in lacking {
        let table = Sighting { place, seen_as: SeenAs::TerraformType("aws_dynamodb_table"), id: "orders" };
        assert_eq!(canonical(&table), Canonical::Unknown, "{place:?}");
    }
    let bucket = Sighting {
        place: Place { partition: "aws-us-gov", account: "", region: "" },
        seen_as: SeenAs::TerraformType("aws_s3_bucket"),
        id: "orders",
    };
    assert_eq!(shown(&canonical(&bucket)), "arn:aws-us-gov:s3:::orders");
}

#[test]
fn ids_that_no_aws_resource_has_are_unknown() {
    let long = "x".repeat(1_601);
    for id in ["", "  ", "a\nb", "a\u{0}b", long.as_str()] {
        assert_eq!(canonical(&sighting("AWS::Glue::Classifier", id)), Canonical::Unknown);
    }
}

#[test]
fn every_type_of_the_table_reaches_its_own_arns_from_its_ids() {
    for row in RESOURCE_TYPES {
        let types: BTreeSet<&str> = row.terraform.iter().copied().chain([row.aws_type]).collect();
        for spelled in types {
            let arn = Canonical::Exact(Identity::of_canonical_arn("arn:aws:s3:::orders"));
            assert_eq!(
                canonical(&sighting(spelled, "arn:aws:s3:::orders")),
                arn,
                "an ARN goes before the type: {spelled}"
            );
        }
    }
}

fn any_source() -> impl Strategy<Value = String> {
    let types: Vec<String> = RESOURCE_TYPES
        .iter()
        .flat_map(|row| row.terraform.iter().copied().chain([row.aws_type]))
        .chain(["arn", "AmazonEC2", "AmazonS3", "AmazonRDS", "AWSELB", "AWSLambda", "AmazonCloudWatch", "x"])
        .map(str::to_owned)
        .collect();
    prop::sample::select(types)
}

proptest! {
    #[test]
    fn an_identity_is_its_own_canonical_form(spelled in any_source(), id in "[a-z0-9:/*.A-Z_-]{1,24}|arn:aws:[a-z0-9]{2,14}:(eu-west-1)?:(111122223333)?:[a-zA-Z0-9:/*-]{1,24}") {
        if let Canonical::Exact(identity) = canonical(&sighting(&spelled, &id))
            && let Some(arn) = identity.arn()
        {
            prop_assert_eq!(canonical(&sighting("arn", arn)), Canonical::Exact(identity.clone()));
        }
    }

    #[test]
    fn whatever_is_an_arn_has_an_answer(service in "s3|rds|logs|lambda|ec2|[a-z]{1,8}", resource in "[ -~é]{1,30}", region in "[a-z0-9-]{0,12}") {
        let arn = format!("arn:aws:{service}:{region}:111122223333:{resource}");
        let is_blank = resource.trim_end().is_empty();
        prop_assert_eq!(is_blank, canonical(&sighting("arn", &arn)) == Canonical::Unknown);
    }
}
