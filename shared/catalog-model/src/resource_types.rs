//! Types of AWS resources: what Config and Terraform call each, and how its id and its ARN follow from one another.
//! ARN formats: <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>

use crate::arn::Arn;

/// One type.
#[derive(Debug)]
pub struct ResourceType {
    /// As AWS Config and CloudFormation write it.
    pub aws_type: &'static str,
    /// The Terraform types that make it.
    pub terraform: &'static [&'static str],
    /// The service in its ARNs.
    pub service: &'static str,
    /// Whose ARNs hold a region and an account.
    pub scope: Scope,
    /// The last part of its ARNs; each `*` is one or more characters.
    pub resource: &'static str,
    pub ids: Ids,
}

/// Which of region and account the ARNs of a type hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Both.
    Regional,
    /// The region alone.
    RegionOnly,
    /// The account alone: the service is global.
    Global,
    /// Neither, and yet the resource lives in a region.
    Bare,
    /// Neither: the service is global.
    GlobalBare,
}

/// What an id that is no ARN is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// It stands for the `*` of the ARN. It may be written with what precedes it there: `table/orders`.
    Exact,
    /// It stands for the `*` of the ARN, whatever it looks like: names of this type may look like parts of ARNs.
    ExactName,
    /// It stands for the `*` of the ARN, and starts so. Names (`default`) stand for nothing.
    Prefixed(&'static str),
    /// It does, if it has this character in it: else a part of the ARN is missing.
    ExactWith(char),
    /// It does, unless it is a prefix and capitals (`db-ABC1`): that is a second id, which no ARN holds.
    ExactOrOpaque { prefix: &'static str, service: &'static str },
    /// The ARN holds more than the id tells: the second id is `<service>:<account>:<region>:<prefix><id>`.
    Secondary { service: &'static str, prefix: &'static str },
    /// Nothing follows from it.
    ArnOnly,
}

use Ids::{ArnOnly, Exact, ExactName, ExactOrOpaque, ExactWith, Prefixed, Secondary};
use Scope::{Bare, Global, GlobalBare, RegionOnly, Regional};

macro_rules! table {
    ($($aws_type:literal, $service:literal, $scope:ident, $resource:literal, $ids:expr, [$($terraform:literal)*];)*) => {
        /// Every type of which the catalog knows how it is spelled.
        pub static RESOURCE_TYPES: &[ResourceType] = &[$(ResourceType {
            aws_type: $aws_type,
            terraform: &[$($terraform),*],
            service: $service,
            scope: $scope,
            resource: $resource,
            ids: $ids,
        }),*];
    };
}

const IAM: &str = "iam";
const RDS: &str = "rds";

table! {
    "AWS::ACM::Certificate",                      "acm",                  Regional,   "certificate/*",                  Exact, ["aws_acm_certificate"];
    "AWS::ApiGateway::RestApi",                   "apigateway",           RegionOnly, "/restapis/*",                    Exact, ["aws_api_gateway_rest_api"];
    "AWS::ApiGateway::Stage",                     "apigateway",           RegionOnly, "/restapis/*/stages/*",           ArnOnly, ["aws_api_gateway_stage"];
    "AWS::ApiGatewayV2::Api",                     "apigateway",           RegionOnly, "/apis/*",                        Exact, ["aws_apigatewayv2_api"];
    "AWS::ApiGatewayV2::Stage",                   "apigateway",           RegionOnly, "/apis/*/stages/*",               ArnOnly, ["aws_apigatewayv2_stage"];
    "AWS::AppSync::GraphQLApi",                   "appsync",              Regional,   "apis/*",                         Exact, ["aws_appsync_graphql_api"];
    "AWS::Athena::WorkGroup",                     "athena",               Regional,   "workgroup/*",                    Exact, ["aws_athena_workgroup"];
    "AWS::AutoScaling::AutoScalingGroup",         "autoscaling",          Regional,   "autoScalingGroup:*:autoScalingGroupName/*", Secondary { service: "autoscaling", prefix: "autoScalingGroupName/" }, ["aws_autoscaling_group"];
    "AWS::AutoScaling::LaunchConfiguration",      "autoscaling",          Regional,   "launchConfiguration:*:launchConfigurationName/*", Secondary { service: "autoscaling", prefix: "launchConfigurationName/" }, ["aws_launch_configuration"];
    "AWS::Backup::BackupVault",                   "backup",               Regional,   "backup-vault:*",                 Exact, ["aws_backup_vault"];
    "AWS::CloudFormation::Stack",                 "cloudformation",       Regional,   "stack/*/*",                      Secondary { service: "cloudformation", prefix: "stack/" }, ["aws_cloudformation_stack"];
    "AWS::CloudFront::Distribution",              "cloudfront",           Global,     "distribution/*",                 Exact, ["aws_cloudfront_distribution"];
    "AWS::CloudFront::Function",                  "cloudfront",           Global,     "function/*",                     Exact, ["aws_cloudfront_function"];
    "AWS::CloudTrail::Trail",                     "cloudtrail",           Regional,   "trail/*",                        Exact, ["aws_cloudtrail"];
    "AWS::CloudWatch::Alarm",                     "cloudwatch",           Regional,   "alarm:*",                        ExactName, ["aws_cloudwatch_metric_alarm" "aws_cloudwatch_composite_alarm"];
    "AWS::CloudWatch::Dashboard",                 "cloudwatch",           Global,     "dashboard/*",                    ExactName, ["aws_cloudwatch_dashboard"];
    "AWS::CodeBuild::Project",                    "codebuild",            Regional,   "project/*",                      Exact, ["aws_codebuild_project"];
    "AWS::CodeDeploy::Application",               "codedeploy",           Regional,   "application:*",                  ArnOnly, ["aws_codedeploy_app"];
    "AWS::CodePipeline::Pipeline",                "codepipeline",         Regional,   "*",                              Exact, ["aws_codepipeline"];
    "AWS::Cognito::IdentityPool",                 "cognito-identity",     Regional,   "identitypool/*",                 Exact, ["aws_cognito_identity_pool"];
    "AWS::Cognito::UserPool",                     "cognito-idp",          Regional,   "userpool/*",                     Exact, ["aws_cognito_user_pool"];
    "AWS::DAX::Cluster",                          "dax",                  Regional,   "cache/*",                        Exact, ["aws_dax_cluster"];
    "AWS::DynamoDB::Table",                       "dynamodb",             Regional,   "table/*",                        Exact, ["aws_dynamodb_table"];
    "AWS::EC2::CustomerGateway",                  "ec2",                  Regional,   "customer-gateway/*",             Prefixed("cgw-"), ["aws_customer_gateway"];
    "AWS::EC2::EIP",                              "ec2",                  Regional,   "elastic-ip/*",                   Prefixed("eipalloc-"), ["aws_eip"];
    "AWS::EC2::FlowLog",                          "ec2",                  Regional,   "vpc-flow-log/*",                 Prefixed("fl-"), ["aws_flow_log"];
    "AWS::EC2::Image",                            "ec2",                  RegionOnly, "image/*",                        Prefixed("ami-"), ["aws_ami"];
    "AWS::EC2::Instance",                         "ec2",                  Regional,   "instance/*",                     Prefixed("i-"), ["aws_instance"];
    "AWS::EC2::InternetGateway",                  "ec2",                  Regional,   "internet-gateway/*",             Prefixed("igw-"), ["aws_internet_gateway"];
    "AWS::EC2::LaunchTemplate",                   "ec2",                  Regional,   "launch-template/*",              Prefixed("lt-"), ["aws_launch_template"];
    "AWS::EC2::NatGateway",                       "ec2",                  Regional,   "natgateway/*",                   Prefixed("nat-"), ["aws_nat_gateway"];
    "AWS::EC2::NetworkAcl",                       "ec2",                  Regional,   "network-acl/*",                  Prefixed("acl-"), ["aws_network_acl" "aws_default_network_acl"];
    "AWS::EC2::NetworkInterface",                 "ec2",                  Regional,   "network-interface/*",            Prefixed("eni-"), ["aws_network_interface"];
    "AWS::EC2::RouteTable",                       "ec2",                  Regional,   "route-table/*",                  Prefixed("rtb-"), ["aws_route_table" "aws_default_route_table"];
    "AWS::EC2::SecurityGroup",                    "ec2",                  Regional,   "security-group/*",               Prefixed("sg-"), ["aws_security_group" "aws_default_security_group"];
    "AWS::EC2::Snapshot",                         "ec2",                  Regional,   "snapshot/*",                     Prefixed("snap-"), ["aws_ebs_snapshot" "aws_ebs_snapshot_copy"];
    "AWS::EC2::Subnet",                           "ec2",                  Regional,   "subnet/*",                       Prefixed("subnet-"), ["aws_subnet" "aws_default_subnet"];
    "AWS::EC2::TransitGateway",                   "ec2",                  Regional,   "transit-gateway/*",              Prefixed("tgw-"), ["aws_ec2_transit_gateway"];
    "AWS::EC2::TransitGatewayAttachment",         "ec2",                  Regional,   "transit-gateway-attachment/*",   Prefixed("tgw-attach-"), ["aws_ec2_transit_gateway_vpc_attachment"];
    "AWS::EC2::VPC",                              "ec2",                  Regional,   "vpc/*",                          Prefixed("vpc-"), ["aws_vpc" "aws_default_vpc"];
    "AWS::EC2::VPCEndpoint",                      "ec2",                  Regional,   "vpc-endpoint/*",                 Prefixed("vpce-"), ["aws_vpc_endpoint"];
    "AWS::EC2::VPCPeeringConnection",             "ec2",                  Regional,   "vpc-peering-connection/*",       Prefixed("pcx-"), ["aws_vpc_peering_connection"];
    "AWS::EC2::VPNConnection",                    "ec2",                  Regional,   "vpn-connection/*",               Prefixed("vpn-"), ["aws_vpn_connection"];
    "AWS::EC2::VPNGateway",                       "ec2",                  Regional,   "vpn-gateway/*",                  Prefixed("vgw-"), ["aws_vpn_gateway"];
    "AWS::EC2::Volume",                           "ec2",                  Regional,   "volume/*",                       Prefixed("vol-"), ["aws_ebs_volume"];
    "AWS::ECR::Repository",                       "ecr",                  Regional,   "repository/*",                   ExactName, ["aws_ecr_repository"];
    "AWS::ECS::CapacityProvider",                 "ecs",                  Regional,   "capacity-provider/*",            Exact, ["aws_ecs_capacity_provider"];
    "AWS::ECS::Cluster",                          "ecs",                  Regional,   "cluster/*",                      Exact, ["aws_ecs_cluster"];
    "AWS::ECS::Service",                          "ecs",                  Regional,   "service/*",                      ExactWith('/'), ["aws_ecs_service"];
    "AWS::ECS::TaskDefinition",                   "ecs",                  Regional,   "task-definition/*",              ExactWith(':'), ["aws_ecs_task_definition"];
    "AWS::EFS::AccessPoint",                      "elasticfilesystem",    Regional,   "access-point/*",                 Prefixed("fsap-"), ["aws_efs_access_point"];
    "AWS::EFS::FileSystem",                       "elasticfilesystem",    Regional,   "file-system/*",                  Prefixed("fs-"), ["aws_efs_file_system"];
    "AWS::EKS::Cluster",                          "eks",                  Regional,   "cluster/*",                      Exact, ["aws_eks_cluster"];
    "AWS::EKS::Nodegroup",                        "eks",                  Regional,   "nodegroup/*",                    ArnOnly, ["aws_eks_node_group"];
    "AWS::EMR::Cluster",                          "elasticmapreduce",     Regional,   "cluster/*",                      Prefixed("j-"), ["aws_emr_cluster"];
    "AWS::ElastiCache::CacheCluster",             "elasticache",          Regional,   "cluster:*",                      Exact, ["aws_elasticache_cluster"];
    "AWS::ElastiCache::ReplicationGroup",         "elasticache",          Regional,   "replicationgroup:*",             Exact, ["aws_elasticache_replication_group"];
    "AWS::ElasticBeanstalk::Application",         "elasticbeanstalk",     Regional,   "application/*",                  Exact, ["aws_elastic_beanstalk_application"];
    "AWS::ElasticBeanstalk::Environment",         "elasticbeanstalk",     Regional,   "environment/*",                  ExactWith('/'), ["aws_elastic_beanstalk_environment"];
    "AWS::ElasticLoadBalancing::LoadBalancer",    "elasticloadbalancing", Regional,   "loadbalancer/*",                 Exact, ["aws_elb"];
    "AWS::ElasticLoadBalancingV2::Listener",      "elasticloadbalancing", Regional,   "listener/*",                     ArnOnly, ["aws_lb_listener" "aws_alb_listener"];
    "AWS::ElasticLoadBalancingV2::LoadBalancer",  "elasticloadbalancing", Regional,   "loadbalancer/app/*/*",           Secondary { service: "elb", prefix: "" }, ["aws_lb" "aws_alb"];
    "AWS::ElasticLoadBalancingV2::LoadBalancer",  "elasticloadbalancing", Regional,   "loadbalancer/net/*/*",           Secondary { service: "elb", prefix: "" }, [];
    "AWS::ElasticLoadBalancingV2::LoadBalancer",  "elasticloadbalancing", Regional,   "loadbalancer/gwy/*/*",           Secondary { service: "elb", prefix: "" }, [];
    "AWS::ElasticLoadBalancingV2::TargetGroup",   "elasticloadbalancing", Regional,   "targetgroup/*/*",                Secondary { service: "elb", prefix: "targetgroup/" }, ["aws_lb_target_group" "aws_alb_target_group"];
    "AWS::Events::EventBus",                      "events",               Regional,   "event-bus/*",                    Exact, ["aws_cloudwatch_event_bus"];
    "AWS::Events::Rule",                          "events",               Regional,   "rule/*",                         Exact, ["aws_cloudwatch_event_rule"];
    "AWS::FSx::FileSystem",                       "fsx",                  Regional,   "file-system/*",                  Exact, ["aws_fsx_lustre_file_system" "aws_fsx_ontap_file_system" "aws_fsx_openzfs_file_system" "aws_fsx_windows_file_system"];
    "AWS::Glue::Crawler",                         "glue",                 Regional,   "crawler/*",                      ExactName, ["aws_glue_crawler"];
    "AWS::Glue::Database",                        "glue",                 Regional,   "database/*",                     ExactName, [];
    "AWS::Glue::Job",                             "glue",                 Regional,   "job/*",                          ExactName, ["aws_glue_job"];
    "AWS::IAM::Group",                            "iam",                  Global,     "group/*",                        Secondary { service: IAM, prefix: "group/" }, ["aws_iam_group"];
    "AWS::IAM::InstanceProfile",                  "iam",                  Global,     "instance-profile/*",             Secondary { service: IAM, prefix: "instance-profile/" }, ["aws_iam_instance_profile"];
    "AWS::IAM::Policy",                           "iam",                  Global,     "policy/*",                       Secondary { service: IAM, prefix: "policy/" }, ["aws_iam_policy"];
    "AWS::IAM::Role",                             "iam",                  Global,     "role/*",                         Secondary { service: IAM, prefix: "role/" }, ["aws_iam_role"];
    "AWS::IAM::User",                             "iam",                  Global,     "user/*",                         Secondary { service: IAM, prefix: "user/" }, ["aws_iam_user"];
    "AWS::KMS::Alias",                            "kms",                  Regional,   "alias/*",                        Exact, ["aws_kms_alias"];
    "AWS::KMS::Key",                              "kms",                  Regional,   "key/*",                          Exact, ["aws_kms_key" "aws_kms_replica_key"];
    "AWS::Kinesis::Stream",                       "kinesis",              Regional,   "stream/*",                       Exact, ["aws_kinesis_stream"];
    "AWS::KinesisAnalyticsV2::Application",       "kinesisanalytics",     Regional,   "application/*",                  ExactName, ["aws_kinesisanalyticsv2_application"];
    "AWS::KinesisFirehose::DeliveryStream",       "firehose",             Regional,   "deliverystream/*",               Exact, ["aws_kinesis_firehose_delivery_stream"];
    "AWS::Lambda::Function",                      "lambda",               Regional,   "function:*",                     Exact, ["aws_lambda_function"];
    "AWS::Lambda::LayerVersion",                  "lambda",               Regional,   "layer:*",                        ExactWith(':'), ["aws_lambda_layer_version"];
    "AWS::Logs::LogGroup",                        "logs",                 Regional,   "log-group:*",                    Exact, ["aws_cloudwatch_log_group"];
    "AWS::MSK::Cluster",                          "kafka",                Regional,   "cluster/*/*",                    Secondary { service: "kafka", prefix: "cluster/" }, ["aws_msk_cluster" "aws_msk_serverless_cluster"];
    "AWS::MWAA::Environment",                     "airflow",              Regional,   "environment/*",                  ExactName, ["aws_mwaa_environment"];
    "AWS::OpenSearch::Domain",                    "es",                   Regional,   "domain/*",                       Exact, ["aws_opensearch_domain" "aws_elasticsearch_domain"];
    "AWS::Organizations::Account",                "organizations",        Global,     "account/*/*",                    ArnOnly, ["aws_organizations_account"];
    "AWS::Pipes::Pipe",                           "pipes",                Regional,   "pipe/*",                         ExactName, ["aws_pipes_pipe"];
    "AWS::RDS::DBCluster",                        "rds",                  Regional,   "cluster:*",                      ExactOrOpaque { prefix: "cluster-", service: RDS }, ["aws_rds_cluster" "aws_docdb_cluster" "aws_neptune_cluster"];
    "AWS::RDS::DBClusterParameterGroup",          "rds",                  Regional,   "cluster-pg:*",                   Exact, ["aws_rds_cluster_parameter_group"];
    "AWS::RDS::DBClusterSnapshot",                "rds",                  Regional,   "cluster-snapshot:*",             Exact, ["aws_db_cluster_snapshot"];
    "AWS::RDS::DBInstance",                       "rds",                  Regional,   "db:*",                           ExactOrOpaque { prefix: "db-", service: RDS }, ["aws_db_instance" "aws_rds_cluster_instance" "aws_docdb_cluster_instance" "aws_neptune_cluster_instance"];
    "AWS::RDS::DBParameterGroup",                 "rds",                  Regional,   "pg:*",                           Exact, ["aws_db_parameter_group"];
    "AWS::RDS::DBSnapshot",                       "rds",                  Regional,   "snapshot:*",                     Exact, ["aws_db_snapshot"];
    "AWS::RDS::DBSubnetGroup",                    "rds",                  Regional,   "subgrp:*",                       Exact, ["aws_db_subnet_group"];
    "AWS::Redshift::Cluster",                     "redshift",             Regional,   "cluster:*",                      Exact, ["aws_redshift_cluster"];
    "AWS::Route53::HealthCheck",                  "route53",              GlobalBare, "healthcheck/*",                  Exact, ["aws_route53_health_check"];
    "AWS::Route53::HostedZone",                   "route53",              GlobalBare, "hostedzone/*",                   Exact, ["aws_route53_zone"];
    "AWS::S3::Bucket",                            "s3",                   Bare,       "*",                              Exact, ["aws_s3_bucket"];
    "AWS::SNS::Topic",                            "sns",                  Regional,   "*",                              Exact, ["aws_sns_topic"];
    "AWS::SQS::Queue",                            "sqs",                  Regional,   "*",                              Exact, ["aws_sqs_queue"];
    "AWS::SSM::Parameter",                        "ssm",                  Regional,   "parameter/*",                    ExactName, ["aws_ssm_parameter"];
    "AWS::SageMaker::Endpoint",                   "sagemaker",            Regional,   "endpoint/*",                     Exact, ["aws_sagemaker_endpoint"];
    "AWS::SecretsManager::Secret",                "secretsmanager",       Regional,   "secret:*",                       ArnOnly, ["aws_secretsmanager_secret"];
    "AWS::ServiceDiscovery::Namespace",           "servicediscovery",     Regional,   "namespace/*",                    Exact, ["aws_service_discovery_http_namespace" "aws_service_discovery_private_dns_namespace" "aws_service_discovery_public_dns_namespace"];
    "AWS::ServiceDiscovery::Service",             "servicediscovery",     Regional,   "service/*",                      Exact, ["aws_service_discovery_service"];
    "AWS::StepFunctions::StateMachine",           "states",               Regional,   "stateMachine:*",                 Exact, ["aws_sfn_state_machine"];
    "AWS::Synthetics::Canary",                    "synthetics",           Regional,   "canary:*",                       ExactName, ["aws_synthetics_canary"];
    "AWS::WAFv2::WebACL",                         "wafv2",                Regional,   "*/webacl/*/*",                   ArnOnly, ["aws_wafv2_web_acl"];
}

/// `spec.type` of a resource: `AWS::CodePipeline::Pipeline` -> `codepipeline-pipeline`, as the existing AWS plugins have it.
pub fn spec_type(aws_type: &str) -> String {
    // The account itself, whoever tells of it.
    let aws_type =
        if aws_type.eq_ignore_ascii_case("AWS::Organizations::Account") { "AWS::::Account" } else { aws_type };
    let mut parts = aws_type.split("::").filter(|part| !part.is_empty()).peekable();
    if parts.peek().is_some_and(|first| first.eq_ignore_ascii_case("AWS")) {
        parts.next();
    }
    parts.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

/// The type of what a Terraform resource makes: `aws_db_instance` -> `AWS::RDS::DBInstance`.
pub fn of_terraform(terraform_type: &str) -> Option<&'static str> {
    by_terraform(terraform_type).map(|known| known.aws_type)
}

/// The type as the table writes it, for types that share its rows too. `None`: no row is of this type.
pub fn of_aws_type(aws_type: &str) -> Option<&'static str> {
    by_aws_type(aws_type).next().map(|known| known.aws_type)
}

/// The type that an ARN is of. `None`: no known type has ARNs like it.
pub fn of_arn(arn: &str) -> Option<&'static str> {
    by_arn(&Arn::parse(arn)?).map(|known| known.aws_type)
}

/// Whether resources of this type belong to no region, so that Config may report one of them from every region.
pub fn is_global(aws_type: &str) -> bool {
    const GLOBAL_SERVICES: &[&str] =
        &["CloudFront", "GlobalAccelerator", "IAM", "Organizations", "Route53", "Shield", "WAF"];
    let service = aws_type.split("::").nth(1).unwrap_or_default();
    aws_type.eq_ignore_ascii_case("AWS::::Account") || GLOBAL_SERVICES.iter().any(|s| s.eq_ignore_ascii_case(service))
}

/// Types that share the ARNs of another, and so its rows.
static SAME_ARNS: &[(&str, &str)] = &[
    ("AWS::CloudWatch::CompositeAlarm", "AWS::CloudWatch::Alarm"),
    ("AWS::DocDB::DBCluster", "AWS::RDS::DBCluster"),
    ("AWS::DocDB::DBInstance", "AWS::RDS::DBInstance"),
    ("AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table"),
    ("AWS::Elasticsearch::Domain", "AWS::OpenSearch::Domain"),
    ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"),
    ("AWS::Neptune::DBCluster", "AWS::RDS::DBCluster"),
    ("AWS::Neptune::DBInstance", "AWS::RDS::DBInstance"),
    ("AWS::ServiceDiscovery::HttpNamespace", "AWS::ServiceDiscovery::Namespace"),
    ("AWS::ServiceDiscovery::PrivateDnsNamespace", "AWS::ServiceDiscovery::Namespace"),
    ("AWS::ServiceDiscovery::PublicDnsNamespace", "AWS::ServiceDiscovery::Namespace"),
];

/// All rows of a type. Config writes types in more than one case.
pub(crate) fn by_aws_type(aws_type: &str) -> impl Iterator<Item = &'static ResourceType> + Clone {
    let shared = SAME_ARNS.iter().find_map(|(one, other)| one.eq_ignore_ascii_case(aws_type).then_some(*other));
    let wanted = shared.unwrap_or(aws_type).to_owned();
    RESOURCE_TYPES.iter().filter(move |known| known.aws_type.eq_ignore_ascii_case(&wanted))
}

fn by_terraform(terraform_type: &str) -> Option<&'static ResourceType> {
    RESOURCE_TYPES.iter().find(|known| known.terraform.contains(&terraform_type))
}

/// The row whose pattern says most of the ARN.
pub(crate) fn by_arn(arn: &Arn<'_>) -> Option<&'static ResourceType> {
    RESOURCE_TYPES
        .iter()
        .filter(|known| known.service == arn.service && known.has_resource(arn.resource))
        .max_by_key(|known| known.resource.len())
}

impl ResourceType {
    /// Whether this may be the last part of an ARN of the type. A name that is all of it holds no `:` and no `/`.
    pub(crate) fn has_resource(&self, resource: &str) -> bool {
        matches_pattern(self.resource, resource) && !(self.resource == "*" && resource.contains([':', '/']))
    }

    /// What stands before the first `*`: `log-group:`.
    pub(crate) fn literal_prefix(&self) -> &'static str {
        self.resource.split('*').next().unwrap_or_default()
    }
}

fn matches_pattern(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((literal, rest)) => text.strip_prefix(literal).is_some_and(|tail| {
            let mut ends = tail.char_indices().map(|(at, c)| at + c.len_utf8());
            if rest.is_empty() { ends.next().is_some() } else { ends.any(|end| matches_pattern(rest, &tail[end..])) }
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn spec_types_are_those_of_the_existing_plugins() {
        for (aws_type, expected) in [
            ("AWS::CodePipeline::Pipeline", "codepipeline-pipeline"),
            ("AWS::EC2::INSTANCE", "ec2-instance"),
            ("AWS::::Account", "account"),
            ("AWS::Organizations::Account", "account"),
            ("Datadog::Monitors::Monitor", "datadog-monitors-monitor"),
        ] {
            assert_eq!(spec_type(aws_type), expected);
        }
    }

    #[test]
    fn no_two_rows_claim_one_terraform_type_or_one_pattern() {
        let mut terraform = HashSet::new();
        let mut patterns = HashSet::new();
        let mut types = HashSet::new();
        for row in RESOURCE_TYPES {
            assert!(row.terraform.iter().all(|name| terraform.insert(*name)), "{row:?}");
            assert!(patterns.insert((row.service, row.resource)), "{row:?}");
            types.insert(row.aws_type);
        }
        assert!(types.len() >= 45, "{}", types.len());
    }

    #[test]
    fn an_arn_tells_its_type() {
        for (arn, expected) in [
            ("arn:aws:s3:::orders", Some("AWS::S3::Bucket")),
            ("arn:aws:rds:eu-west-1:111122223333:cluster:orders", Some("AWS::RDS::DBCluster")),
            ("arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:orders", Some("AWS::RDS::DBClusterSnapshot")),
            ("arn:aws:apigateway:eu-west-1::/restapis/abc", Some("AWS::ApiGateway::RestApi")),
            ("arn:aws:apigateway:eu-west-1::/restapis/abc/stages/prod", Some("AWS::ApiGateway::Stage")),
            (
                "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/old",
                Some("AWS::ElasticLoadBalancing::LoadBalancer"),
            ),
            (
                "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/x/1",
                Some("AWS::ElasticLoadBalancingV2::LoadBalancer"),
            ),
            ("arn:aws:ecs:eu-west-1:111122223333:task/main/e2a2", None),
            ("arn:aws:nonsense:eu-west-1:111122223333:x", None),
            ("nonsense", None),
        ] {
            assert_eq!(of_arn(arn), expected, "{arn}");
        }
    }

    #[test]
    fn global_types_belong_to_no_region() {
        for aws_type in
            ["AWS::IAM::Role", "AWS::CloudFront::Distribution", "AWS::::Account", "AWS::Route53::HostedZone"]
        {
            assert!(is_global(aws_type), "{aws_type}");
        }
        for aws_type in ["AWS::S3::Bucket", "AWS::WAFv2::WebACL", "AWS::Route53Resolver::ResolverEndpoint", "x"] {
            assert!(!is_global(aws_type), "{aws_type}");
        }
    }
}
