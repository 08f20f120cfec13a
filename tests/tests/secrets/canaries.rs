//! Secrets of every kind, where each format may carry one. None of these places is meant to be shown: what a catalog file
//! declares and what an API's definition says is, and stays.

use serde_json::{Map, Value, json};

/// What is sent to one door, and the secrets that are in it.
pub(crate) struct Sent {
    pub(crate) format: &'static str,
    pub(crate) name: &'static str,
    pub(crate) body: Vec<u8>,
}

/// Makes secrets, each another text, and remembers them.
#[derive(Default)]
pub(crate) struct Canaries {
    kinds: Vec<&'static str>,
}

impl Canaries {
    /// The kind is for whoever reads a failure.
    fn make(&mut self, kind: &'static str) -> String {
        self.kinds.push(kind);
        canary(self.kinds.len())
    }

    /// Kind and text of each.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.kinds.iter().zip(1..).map(|(kind, number)| (*kind, canary(number)))
    }
}

pub(crate) const PREFIX: &str = "c4n4ry";

fn canary(number: usize) -> String {
    format!("{PREFIX}{number:03}x")
}

/// Attributes that hold a secret: name, and a text with `{}` in its place.
type Secrets = &'static [(&'static str, &'static str)];

/// Types of Terraform with the attributes that hold a secret: a text with `{}` in its place.
const TERRAFORM: &[(&str, &str, Secrets)] = &[
    ("aws_db_instance", "rds:eu-west-1:400000000001:db:canary-1", &[("password", "{}"), ("snapshot_password", "{}")]),
    ("aws_rds_cluster", "rds:eu-west-1:400000000001:cluster:canary-2", &[("master_password", "{}")]),
    ("aws_redshift_cluster", "redshift:eu-west-1:400000000001:cluster:canary-3", &[("master_password", "{}")]),
    ("aws_iam_access_key", "", &[("secret", "{}"), ("ses_smtp_password_v4", "{}"), ("encrypted_secret", "{}")]),
    (
        "aws_lambda_function",
        "lambda:eu-west-1:400000000001:function:canary-4",
        &[(
            "environment",
            r#"[{"variables":{"DATABASE_URL":"postgres://root:{}@db.internal/main","API_TOKEN":"{}"}}]"#,
        )],
    ),
    (
        "aws_ecs_task_definition",
        "ecs:eu-west-1:400000000001:task-definition/canary-5:3",
        &[("container_definitions", r#"[{"name":"web","environment":[{"name":"JWT_KEY","value":"{}"}]}]"#)],
    ),
    (
        "aws_instance",
        "ec2:eu-west-1:400000000001:instance/i-0a1b2c3d4e5f60001",
        &[("user_data", "#!/bin/sh\nexport TOKEN={}"), ("user_data_base64", "{}"), ("password_data", "{}")],
    ),
    ("aws_launch_template", "ec2:eu-west-1:400000000001:launch-template/lt-0a1b2c3d4e5f60001", &[("user_data", "{}")]),
    (
        "aws_secretsmanager_secret_version",
        "secretsmanager:eu-west-1:400000000001:secret:canary-6-AbCdEf",
        &[("secret_string", "{}"), ("secret_binary", "{}")],
    ),
    (
        "aws_ssm_parameter",
        "ssm:eu-west-1:400000000001:parameter/canary-7",
        &[("value", "{}"), ("insecure_value", "{}")],
    ),
    (
        "aws_vpn_connection",
        "ec2:eu-west-1:400000000001:vpn-connection/vpn-0a1b2c3d4e5f60001",
        &[
            ("tunnel1_preshared_key", "{}"),
            ("customer_gateway_configuration", "<vpn><pre_shared_key>{}</pre_shared_key></vpn>"),
        ],
    ),
    (
        "aws_acm_certificate",
        "acm:eu-west-1:400000000001:certificate/0d0d0d0d-0000-4000-8000-000000000001",
        &[("private_key", "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----")],
    ),
    ("tls_private_key", "", &[("private_key_pem", "{}"), ("private_key_openssh", "{}")]),
    ("random_password", "", &[("result", "{}"), ("bcrypt_hash", "{}")]),
    (
        "aws_codebuild_project",
        "codebuild:eu-west-1:400000000001:project/canary-8",
        &[
            ("environment", r#"[{"environment_variable":[{"name":"NPM_TOKEN","value":"{}"}]}]"#),
            ("source", r#"[{"location":"https://ci:{}@git.example/orders.git"}]"#),
        ],
    ),
    (
        "aws_codepipeline",
        "codepipeline:eu-west-1:400000000001:canary-9",
        &[("stage", r#"[{"action":[{"configuration":{"OAuthToken":"{}"}}]}]"#)],
    ),
    (
        "aws_elasticache_replication_group",
        "elasticache:eu-west-1:400000000001:replicationgroup:canary-10",
        &[("auth_token", "{}")],
    ),
    (
        "aws_mq_broker",
        "mq:eu-west-1:400000000001:broker:canary-11:b-1",
        &[("user", r#"[{"username":"root","password":"{}"}]"#)],
    ),
    ("aws_api_gateway_api_key", "apigateway:eu-west-1::/apikeys/canary12", &[("value", "{}")]),
    ("aws_appsync_api_key", "", &[("key", "{}")]),
    ("aws_cognito_user_pool_client", "", &[("client_secret", "{}")]),
    (
        "aws_glue_connection",
        "glue:eu-west-1:400000000001:connection/canary-13",
        &[("connection_properties", r#"{"PASSWORD":"{}","JDBC_CONNECTION_URL":"jdbc:mysql://db/?password={}"}"#)],
    ),
    ("aws_dms_endpoint", "dms:eu-west-1:400000000001:endpoint:CANARY14", &[("password", "{}")]),
    (
        "aws_sns_topic_subscription",
        "sns:eu-west-1:400000000001:canary-15:0d0d0d0d-0000-4000-8000-000000000002",
        &[("endpoint", "https://hook:{}@hooks.example/in")],
    ),
    (
        "aws_cloudformation_stack",
        "cloudformation:eu-west-1:400000000001:stack/canary-16/0d0d0d0d-0000-11f0-8000-000000000003",
        &[("parameters", r#"{"DatabasePassword":"{}"}"#), ("outputs", r#"{"Token":"{}"}"#)],
    ),
];

fn attributes(canaries: &mut Canaries, terraform_type: &'static str, arn: &str, secret: &[(&str, &str)]) -> Value {
    let mut attributes = Map::new();
    if !arn.is_empty() {
        let name = arn.rsplit([':', '/']).next().unwrap();
        attributes.extend(
            [("arn", format!("arn:aws:{arn}")), ("id", name.to_owned()), ("name", name.to_owned())]
                .map(|(key, value)| (key.to_owned(), json!(value))),
        );
    }
    for (key, template) in secret {
        let text = template.replace("{}", &canaries.make(terraform_type));
        let value = match serde_json::from_str(&text) {
            Ok(value @ (Value::Array(_) | Value::Object(_))) if *key != "container_definitions" => value,
            _ => json!(text),
        };
        attributes.insert((*key).to_owned(), value);
    }
    Value::Object(attributes)
}

fn terraform_state(canaries: &mut Canaries) -> Value {
    let mut resources = Vec::new();
    for (terraform_type, arn, secret) in TERRAFORM {
        let attributes = attributes(canaries, terraform_type, arn, secret);
        resources.push(json!({
            "mode": "managed", "type": terraform_type, "name": "main",
            "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
            "instances": [{"schema_version": 0, "attributes": attributes, "private": canaries.make("private data of a provider"),
                           "sensitive_attributes": []}],
        }));
    }
    json!({
        "version": 4, "terraform_version": "1.9.8", "serial": 5, "lineage": "00000000-0000-4000-8000-00000000c4a1",
        "outputs": {"token": {"value": canaries.make("sensitive output"), "type": "string", "sensitive": true},
                    "plain": {"value": canaries.make("output that nobody marked"), "type": "string"}},
        "resources": resources,
    })
}

fn terraform_show(canaries: &mut Canaries) -> Value {
    let mut resources = Vec::new();
    for (terraform_type, arn, secret) in TERRAFORM {
        let values = attributes(canaries, terraform_type, arn, secret);
        resources.push(json!({
            "address": format!("{terraform_type}.main"), "mode": "managed", "type": terraform_type, "name": "main",
            "provider_name": "registry.terraform.io/hashicorp/aws", "schema_version": 0, "values": values,
            "sensitive_values": {},
        }));
    }
    json!({
        "format_version": "1.0", "terraform_version": "1.9.8",
        "values": {
            "outputs": {"token": {"sensitive": true, "value": canaries.make("sensitive output")}},
            "root_module": {"resources": resources},
        },
        "variables": {"password": {"value": canaries.make("variable")}},
        "configuration": {"provider_config": {"aws": {"expressions": {
            "secret_key": {"constant_value": canaries.make("constant of a provider")}}}}},
    })
}

fn cloudformation(canaries: &mut Canaries) -> String {
    let id = "arn:aws:cloudformation:eu-west-1:400000000001:stack/canary/0d0d0d0d-0000-11f0-8000-000000000001";
    let stack = json!({"Stacks": [{
        "StackId": id, "StackName": "canary", "StackStatus": "UPDATE_ROLLBACK_COMPLETE",
        "CreationTime": "2026-09-01T08:00:00Z", "LastUpdatedTime": "2026-10-01T08:00:00Z",
        "StackStatusReason": format!("parameter {} was refused", canaries.make("reason of a stack's status")),
        "Description": format!("login with {}", canaries.make("description of a stack")),
        "Parameters": [{"ParameterKey": "DatabasePassword", "ParameterValue": canaries.make("parameter of a stack")}],
        "Outputs": [{"OutputKey": "Url", "OutputValue": format!("https://root:{}@db.internal", canaries.make("output of a stack")),
                     "Description": canaries.make("description of an output")}],
    }]});
    let resources = json!({"StackResources": [{
        "StackId": id, "StackName": "canary", "LogicalResourceId": "Queue", "PhysicalResourceId":
            "https://sqs.eu-west-1.amazonaws.com/400000000001/canary-queue", "ResourceType": "AWS::SQS::Queue",
        "Timestamp": "2026-10-01T08:00:00Z", "ResourceStatus": "UPDATE_FAILED",
        "ResourceStatusReason": canaries.make("reason of a resource's status"),
    }]});
    format!("{stack}\n{resources}")
}

fn template(canaries: &mut Canaries) -> String {
    let [parameter, variable, metadata, user_data] =
        ["default of a parameter", "variable of a function", "metadata", "user data"].map(|kind| canaries.make(kind));
    format!(
        "AWSTemplateFormatVersion: '2010-09-09'\nTransform: AWS::Serverless-2016-10-31\nMetadata:\n  Note: {metadata}\n\
         Parameters:\n  Password:\n    Type: String\n    Default: {parameter}\nResources:\n  Fn:\n    \
         Type: AWS::Serverless::Function\n    Properties:\n      Handler: main.handler\n      Runtime: python3.13\n      \
         Environment:\n        Variables:\n          TOKEN: {variable}\n  Host:\n    Type: AWS::EC2::Instance\n    \
         Properties:\n      UserData: !Base64 {user_data}\n"
    )
}

fn outputs(canaries: &mut Canaries) -> Value {
    json!({"CanaryStack": {
        "QueueArn": "arn:aws:sqs:eu-west-1:400000000001:canary-output-queue",
        "ConnectionString": format!("mongodb://root:{}@db.internal", canaries.make("output of cdk deploy")),
        "Token": canaries.make("token among the outputs of cdk deploy"),
    }})
}

fn deployment(canaries: &mut Canaries) -> Value {
    json!([
        {"id": "1", "component": "canary", "environment": "production", "outcome": "succeeded", "finishedAt": "2026-11-20T10:00:00Z",
         "url": format!("https://ci.example/builds/1?token={}", canaries.make("query of a link")),
         "payload": {"token": canaries.make("unknown field of a deployment")}},
        {"id": "2", "component": "canary", "environment": "production", "outcome": "succeeded", "finishedAt": "2026-11-20T10:00:00Z",
         "url": format!("https://ci:{}@ci.example/builds/2", canaries.make("credentials of a link"))},
    ])
}

/// Its placeholders are not fetched, and are not kept; the second document is broken at the secret.
fn catalog_info(canaries: &mut Canaries) -> String {
    let [placeholder, comment, broken] = ["placeholder", "comment", "broken document"].map(|kind| canaries.make(kind));
    format!(
        "# {comment}\napiVersion: backstage.io/v1alpha1\nkind: API\nmetadata:\n  name: canary\nspec:\n  type: openapi\n  lifecycle: production\n  owner: team-a\n  definition:\n    $text: https://ci:{placeholder}@git.example/openapi.yaml\n---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: [{broken}\n"
    )
}

/// Every export by HTTP and by drop, whole and cut off in the middle of a secret.
pub(crate) fn exports(canaries: &mut Canaries) -> Vec<Sent> {
    let mut sent = vec![
        Sent { format: "terraform-state", name: "canary", body: terraform_state(canaries).to_string().into_bytes() },
        Sent { format: "terraform-show", name: "canary", body: terraform_show(canaries).to_string().into_bytes() },
        Sent { format: "cloudformation", name: "canary", body: cloudformation(canaries).into_bytes() },
        Sent { format: "cdk-outputs", name: "template", body: template(canaries).into_bytes() },
        Sent { format: "cdk-outputs", name: "outputs", body: outputs(canaries).to_string().into_bytes() },
        Sent { format: "deployment", name: "canary", body: deployment(canaries).to_string().into_bytes() },
        Sent { format: "catalog-info", name: "canary", body: catalog_info(canaries).into_bytes() },
    ];
    // A definition is kept as it came, but one that is refused is not: nor is what is wrong with it said in its words.
    let refused = canaries.make("definition that is refused");
    for (format, text) in [
        ("openapi", format!("openapi: {refused}\ninfo: {{title: x, version: 1}}\npaths: {{}}\n")),
        ("asyncapi", format!("asyncapi: 3.0.0\ninfo: [{refused}\n")),
    ] {
        sent.push(Sent { format, name: "canary", body: text.into_bytes() });
    }
    let cut = |one: &Sent| {
        let at = memchr::memmem::rfind(&one.body, PREFIX.as_bytes()).unwrap() + PREFIX.len() + 3;
        Sent { format: one.format, name: "cut", body: one.body[..at].to_vec() }
    };
    let cut: Vec<Sent> = sent.iter().filter(|one| one.name == "canary").map(cut).collect();
    sent.extend(cut);
    sent
}

/// Events of pipelines and builds as EventBridge sends them.
pub(crate) fn events(canaries: &mut Canaries) -> Vec<Value> {
    let event = |detail_type: &str, source: &str, resource: &str, detail: &Value| {
        json!({"version": "0", "id": "0d0d0d0d-0000-4000-8000-000000000009", "detail-type": detail_type, "source": source,
               "account": "400000000001", "time": "2026-11-20T10:00:00Z", "region": "eu-west-1", "resources": [resource],
               "detail": detail})
    };
    let pipeline = json!({
        "pipeline": "canary", "execution-id": "01234567-0123-0123-0123-0123456789ab", "version": 1, "state": "FAILED",
        "stage": "Source", "action": "Checkout", "region": "eu-west-1",
        "type": {"owner": "AWS", "provider": "CodeStarSourceConnection", "category": "Source", "version": "1"},
        "execution-result": {
            "external-execution-url": format!("https://ci:{}@git.example/x", canaries.make("link of an action")),
            "external-execution-summary": canaries.make("summary of an action"),
            "external-execution-id": "0c6d2cbd6cbf5e1d9d6f7c6b1c2a3b4c5d6e7f80"},
    });
    let build = json!({
        "build-status": "SUCCEEDED", "project-name": "canary", "current-phase": "COMPLETED",
        "build-id": "arn:aws:codebuild:eu-west-1:400000000001:build/canary:0d0d0d0d-0000-4000-8000-00000000000a",
        "additional-information": {
            "initiator": "canary", "build-start-time": "Nov 20, 2026 9:50:00 AM", "build-number": 1.0,
            "environment": {"environment-variables": [{"name": "NPM_TOKEN", "value": canaries.make("variable of a build"), "type": "PLAINTEXT"}]},
            "source": {"location": format!("https://ci:{}@git.example/orders.git", canaries.make("source of a build")), "type": "GITHUB"},
            "logs": {"deep-link": format!("https://logs.example/?token={}", canaries.make("link to a log"))}},
    });
    let stack = "arn:aws:cloudformation:eu-west-1:400000000001:stack/canary/0d0d0d0d-0000-11f0-8000-000000000001";
    let status = json!({"stack-id": stack, "status-details": {"status": "UPDATE_COMPLETE",
        "status-reason": canaries.make("reason of a stack's event")}});
    vec![
        event(
            "CodePipeline Action Execution State Change",
            "aws.codepipeline",
            "arn:aws:codepipeline:eu-west-1:400000000001:canary",
            &pipeline,
        ),
        event(
            "CodeBuild Build State Change",
            "aws.codebuild",
            "arn:aws:codebuild:eu-west-1:400000000001:build/canary:0d0d0d0d-0000-4000-8000-00000000000a",
            &build,
        ),
        event("CloudFormation Stack Status Change", "aws.cloudformation", stack, &status),
    ]
}

/// Items of AWS Config: type, ARN, and a configuration with a secret.
pub(crate) fn items(canaries: &mut Canaries) -> Vec<(&'static str, &'static str, Value)> {
    let mut secret = |kind| canaries.make(kind);
    vec![
        (
            "AWS::Lambda::Function",
            "arn:aws:lambda:eu-west-1:400000000001:function:canary-config",
            json!({"runtime": "python3.13", "environment": {"variables": {"TOKEN": secret("variable of a function")}}}),
        ),
        (
            "AWS::ECS::TaskDefinition",
            "arn:aws:ecs:eu-west-1:400000000001:task-definition/canary-config:1",
            json!({"Family": "canary-config", "ContainerDefinitions": [{"Environment": [{"Name": "KEY", "Value": secret("variable of a container")}]}]}),
        ),
        (
            "AWS::CodeBuild::Project",
            "arn:aws:codebuild:eu-west-1:400000000001:project/canary-config",
            json!({"environment": {"environmentVariables": [{"name": "KEY", "value": secret("variable of a project")}]}}),
        ),
        (
            "AWS::EC2::VPNConnection",
            "arn:aws:ec2:eu-west-1:400000000001:vpn-connection/vpn-0a1b2c3d4e5f60002",
            json!({"customerGatewayConfiguration": format!("<pre_shared_key>{}</pre_shared_key>", secret("pre-shared key"))}),
        ),
        (
            "AWS::EC2::LaunchTemplate",
            "arn:aws:ec2:eu-west-1:400000000001:launch-template/lt-0a1b2c3d4e5f60002",
            json!({"LaunchTemplateData": {"UserData": secret("user data of a template")}}),
        ),
        (
            "AWS::CloudFormation::Stack",
            "arn:aws:cloudformation:eu-west-1:400000000001:stack/canary-config/0d0d0d0d-0000-11f0-8000-00000000000b",
            json!({"stackName": "canary-config", "parameters": [{"parameterKey": "Password", "parameterValue": secret("parameter of a stack")}],
                   "outputs": [{"outputKey": "Url", "outputValue": secret("output of a stack")}]}),
        ),
        (
            "AWS::Events::Connection",
            "arn:aws:events:eu-west-1:400000000001:connection/canary-config/0d0d0d0d",
            json!({"AuthParameters": {"ApiKeyAuthParameters": {"ApiKeyName": "x", "ApiKeyValue": secret("key of a connection")}}}),
        ),
    ]
}

/// A job of CodePipeline whose credentials and tokens are secret. Its artifact is not there.
pub(crate) fn job(canaries: &mut Canaries) -> Value {
    json!({"CodePipeline.job": {"id": "11111111-abcd-1111-abcd-1111111c4a17", "accountId": "400000000001", "data": {
        "actionConfiguration": {"configuration": {"FunctionName": "cicd-export",
            "UserParameters": format!("producer=acme.canary,format=catalog-info,name=main,file=x.yaml,password={}", canaries.make("unknown parameter of a job"))}},
        "inputArtifacts": [{"name": "BuildOutput", "revision": null, "location": {
            "type": "S3", "s3Location": {"bucketName": "callboard-drop", "objectKey": "artifacts/none.zip"}}}],
        "outputArtifacts": [],
        "artifactCredentials": {"accessKeyId": canaries.make("access key of a job"), "secretAccessKey": canaries.make("secret key of a job"),
                                "sessionToken": canaries.make("session token of a job")},
        "continuationToken": canaries.make("continuation token of a job"),
    }}})
}
