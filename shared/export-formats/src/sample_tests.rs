//! Every sample file of a format that is accepted, and of its neighbours: the verdict that its index implies.
//! The samples are no part of the repository; without them these tests say so and pass.

use std::path::PathBuf;

use insta::assert_snapshot;

use crate::{ACCEPTED_FORMATS, Parameters, parse};

/// The content of an accepted file, or `refused: <reason>`. `None`: the samples are not here.
fn verdict(folder: &str, name: &str, format: &str, parameters: &[(&str, &str)]) -> Option<String> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../../shared/samples", folder, name].iter().collect();
    let Ok(body) = std::fs::read(&path) else {
        println!("skipped: there is no {}", path.display());
        return None;
    };
    let parameters = Parameters::parse(parameters.iter().copied()).unwrap();
    Some(match parse(format, stem(name), &body, &parameters) {
        Ok(parsed) => parsed.to_string().lines().map(|line| shortened(line) + "\n").collect(),
        Err(error) => format!("refused: {error}"),
    })
}

/// A definition is one line of the snapshot, however long it is.
fn shortened(line: &str) -> String {
    if line.len() <= 1_000 || !line.starts_with("  /spec/definition ") {
        return line.to_owned();
    }
    format!("{}... {} bytes", line.chars().take(60).collect::<String>(), line.len())
}

/// The name that the file would have as an export.
fn stem(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

macro_rules! sample {
    ($test:ident, $folder:literal, $file:literal, $format:literal, $parameters:expr, @$snapshot:literal) => {
        #[test]
        fn $test() {
            if let Some(verdict) = verdict($folder, $file, $format, $parameters) {
                assert_snapshot!(verdict, @$snapshot);
            }
        }
    };
}

#[path = "sample_tests/definitions.rs"]
mod definitions;
#[path = "sample_tests/infrastructure.rs"]
mod infrastructure;

mod catalog_info {
    use super::*;

    sample!(backstage_artist_lookup, "catalog-info", "backstage-artist-lookup.yaml", "catalog-info", &[], @r#"
    document 0 (line 1) component:default/artist-lookup: accepted
    e#component:default/artist-lookup Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/annotations/backstage.io~1techdocs-ref "url:https://github.com/jsqcloud/backstage/tree/master"
      /metadata/annotations/buildkite.com~1project-slug "nutrien/digital-k8s"
      /metadata/description "Artist Lookup"
      /metadata/links [{"icon":"user","title":"Examples Users","url":"https://example.com/user"},{"icon":"group","title":"Example Group","url":"https://example.com/group"},{"icon":"cloud","title":"Link with Cloud Icon","url":"https://example.com/cloud"},{"icon":"dashboard","title":"Dashboard","url":"https://example.com/dashboard"},{"icon":"help","title":"Support","url":"https://example.com/help"},{"icon":"web","title":"Website","url":"https://example.com/web"},{"icon":"alert","title":"Alerts","url":"https://example.com/alert"}]
      /metadata/name "artist-lookup"
      /metadata/namespace "default"
      /metadata/tags ["java","data"]
      /spec/dependsOn ["resource:artists-db"]
      /spec/lifecycle "experimental"
      /spec/owner "team-a"
      /spec/system "artist-engagement-portal"
      /spec/type "service"
      key component:default/artist-lookup
    "#);
    sample!(backstage_invalid_component, "catalog-info", "backstage-invalid-component.yaml", "catalog-info", &[], @r#"refused: no document of the file is usable: document 0 (line 1): refused, "metadata.name" is not valid; expected a string that is sequences of [a-zA-Z0-9] separated by any of [-_.], at most 63 characters in total but found "invalid component". To learn more about catalog file format, visit: https://github.com/backstage/backstage/blob/master/docs/architecture-decisions/adr002-default-catalog-file-format.md; "tags.1" is not valid; expected a string that is sequences of [a-z0-9+#] separated by [-], at most 63 characters in total but found "go 1.15.3". To learn more about catalog file format, visit: https://github.com/backstage/backstage/blob/master/docs/architecture-decisions/adr002-default-catalog-file-format.md"#);
    sample!(backstage_plugins_for_aws_examples_entities, "catalog-info", "backstage-plugins-for-aws-examples-entities.yaml", "catalog-info", &[], @r#"
    document 0 (line 3) system:default/examples: accepted
    document 1 (line 11) component:default/example-website: accepted
    document 2 (line 31) api:default/example-grpc-api: accepted
    e#system:default/examples Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "System"
      /metadata/name "examples"
      /metadata/namespace "default"
      /spec/owner "guests"
      key system:default/examples
    e#component:default/example-website Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/annotations/aws.amazon.com~1amazon-ecr-tags "component=example-website"
      /metadata/annotations/aws.amazon.com~1amazon-ecs-service-tags "component=example-website"
      /metadata/annotations/aws.amazon.com~1aws-codebuild-project-tags "component=example-website"
      /metadata/annotations/aws.amazon.com~1aws-codepipeline-tags "component=example-website"
      /metadata/annotations/aws.amazon.com~1cost-insights-tags "component=example-website"
      /metadata/annotations/backstage.io~1techdocs-ref "dir:."
      /metadata/name "example-website"
      /metadata/namespace "default"
      /spec/lifecycle "experimental"
      /spec/owner "guests"
      /spec/providesApis ["example-grpc-api"]
      /spec/system "examples"
      /spec/type "website"
      key component:default/example-website
    e#api:default/example-grpc-api Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "API"
      /metadata/name "example-grpc-api"
      /metadata/namespace "default"
      /spec/definition "syntax = \"proto3\";\n\nservice Exampler {\n  rpc Example (ExampleMessage) returns (ExampleMessage) {};\n}\n\nmessage ExampleMessage {\n  string example = 1;\n};\n"
      /spec/lifecycle "experimental"
      /spec/owner "guests"
      /spec/system "examples"
      /spec/type "grpc"
      key api:default/example-grpc-api
    "#);
    sample!(backstage_team_a_multidoc, "catalog-info", "backstage-team-a-multidoc.yaml", "catalog-info", &[], @r#"
    document 0 (line 1) group:default/team-a: accepted
    document 1 (line 15) user:default/breanna.davison: accepted
    document 2 (line 26) user:default/janelle.dawe: accepted
    document 3 (line 37) user:default/nigel.manning: accepted
    document 4 (line 51) user:default/guest: accepted
    document 5 (line 64) user:development/guest: accepted
    e#group:default/team-a Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "Group"
      /metadata/description "Team A"
      /metadata/name "team-a"
      /metadata/namespace "default"
      /spec/children []
      /spec/parent "backstage"
      /spec/profile {"email":"team-a@example.com","picture":"https://api.dicebear.com/7.x/identicon/svg?seed=Fluffy&backgroundType=solid,gradientLinear&backgroundColor=ffd5dc,b6e3f4"}
      /spec/type "team"
      key group:default/team-a
    e#user:default/breanna.davison Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "User"
      /metadata/name "breanna.davison"
      /metadata/namespace "default"
      /spec/memberOf ["team-a"]
      /spec/profile {"email":"breanna-davison@example.com","picture":"https://api.dicebear.com/7.x/avataaars/svg?seed=Luna&backgroundColor=transparent"}
      key user:default/breanna.davison
    e#user:default/janelle.dawe Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "User"
      /metadata/name "janelle.dawe"
      /metadata/namespace "default"
      /spec/memberOf ["team-a"]
      /spec/profile {"displayName":"Janelle Dawe","email":"janelle-dawe@example.com","picture":"https://api.dicebear.com/7.x/avataaars/svg?seed=Leo&backgroundColor=transparent"}
      key user:default/janelle.dawe
    e#user:default/nigel.manning Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "User"
      /metadata/name "nigel.manning"
      /metadata/namespace "default"
      /spec/memberOf ["team-a"]
      /spec/profile {"displayName":"Nigel Manning","email":"nigel-manning@example.com","picture":"https://api.dicebear.com/7.x/avataaars/svg?seed=Midnight&backgroundColor=transparent"}
      key user:default/nigel.manning
    e#user:default/guest Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "User"
      /metadata/name "guest"
      /metadata/namespace "default"
      /spec/memberOf ["team-a"]
      /spec/profile {"displayName":"Guest User","email":"guest@example.com"}
      key user:default/guest
    e#user:development/guest Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "User"
      /metadata/name "guest"
      /metadata/namespace "development"
      /spec/memberOf ["group:default/team-a"]
      /spec/profile {"displayName":"Guest User","email":"guest@example.com"}
      key user:development/guest
    "#);
    sample!(create_app_entities, "catalog-info", "create-app-entities.yaml", "catalog-info", &[], @r#"
    document 0 (line 3) system:default/examples: accepted
    document 1 (line 11) component:default/example-website: accepted
    document 2 (line 23) api:default/example-grpc-api: accepted
    e#system:default/examples Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "System"
      /metadata/name "examples"
      /metadata/namespace "default"
      /spec/owner "guests"
      key system:default/examples
    e#component:default/example-website Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/name "example-website"
      /metadata/namespace "default"
      /spec/lifecycle "experimental"
      /spec/owner "guests"
      /spec/providesApis ["example-grpc-api"]
      /spec/system "examples"
      /spec/type "website"
      key component:default/example-website
    e#api:default/example-grpc-api Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "API"
      /metadata/name "example-grpc-api"
      /metadata/namespace "default"
      /spec/definition "syntax = \"proto3\";\n\nservice Exampler {\n  rpc Example (ExampleMessage) returns (ExampleMessage) {};\n}\n\nmessage ExampleMessage {\n  string example = 1;\n};\n"
      /spec/lifecycle "experimental"
      /spec/owner "guests"
      /spec/system "examples"
      /spec/type "grpc"
      key api:default/example-grpc-api
    "#);
    sample!(demo_catalog_info, "catalog-info", "demo-catalog-info.yaml", "catalog-info", &[], @r#"
    document 0 (line 1) component:default/backstage-demo: accepted
    document 1 (line 17) api:default/demo-graphql: accepted, /spec/definition is left out: `$text` is not fetched
    e#component:default/backstage-demo Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/annotations/backstage.io~1techdocs-ref "dir:."
      /metadata/annotations/demo.backstage.io~1techdocs-builder "local"
      /metadata/annotations/github.com~1project-slug "backstage/demo"
      /metadata/description "An example deployment of a Backstage application."
      /metadata/name "backstage-demo"
      /metadata/namespace "default"
      /spec/consumesApis ["demo-graphql"]
      /spec/lifecycle "experimental"
      /spec/owner "backstage/maintainers"
      /spec/type "website"
      key component:default/backstage-demo
    e#api:default/demo-graphql Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "API"
      /metadata/description "GraphQL Backend Plugin"
      /metadata/name "demo-graphql"
      /metadata/namespace "default"
      /spec/apiConsumedBy ["backstage-demo"]
      /spec/lifecycle "production"
      /spec/owner "backstage/maintainers"
      /spec/type "graphql"
      key api:default/demo-graphql
    "#);
    sample!(demo_examples_mcp_server_api, "catalog-info", "demo-examples-mcp-server-api.yaml", "catalog-info", &[], @r#"
    document 0 (line 1) api:default/github-mcp-server: accepted
    e#api:default/github-mcp-server Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "API"
      /metadata/description "GitHub's official MCP server providing tools for repository management,\nfile operations, issues, pull requests, code search, and more.\n"
      /metadata/links [{"title":"GitHub Repository","url":"https://github.com/github/github-mcp-server"},{"title":"MCP Specification","url":"https://modelcontextprotocol.io"}]
      /metadata/name "github-mcp-server"
      /metadata/namespace "default"
      /metadata/title "GitHub MCP Server"
      /spec/lifecycle "production"
      /spec/owner "backstage/maintainers"
      /spec/remotes [{"type":"streamable-http","url":"https://api.githubcopilot.com/mcp/"}]
      /spec/type "mcp-server"
      key api:default/github-mcp-server
    "#);
    sample!(roadie_backstage_plugins_catalog_info, "catalog-info", "roadie-backstage-plugins-catalog-info.yaml", "catalog-info", &[], @r#"
    document 0 (line 1) component:default/roadie-backstage-plugins: accepted
    document 1 (line 13) location:default/roadie-backstage-plugins: accepted
    e#component:default/roadie-backstage-plugins Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/description "An example of a Backstage application."
      /metadata/name "roadie-backstage-plugins"
      /metadata/namespace "default"
      /metadata/title "Roadie Backstage Plugins"
      /spec/lifecycle "production"
      /spec/owner "group:open-source"
      /spec/type "website"
      key component:default/roadie-backstage-plugins
    e#location:default/roadie-backstage-plugins Declared
      /apiVersion "backstage.io/v1alpha1"
      /kind "Location"
      /metadata/name "roadie-backstage-plugins"
      /metadata/namespace "default"
      /spec/targets ["./plugins/**/catalog-info.yaml","./utils/**/catalog-info.yaml"]
      key location:default/roadie-backstage-plugins
    "#);
}

mod terraform {
    use super::*;

    const COMPONENT: &[(&str, &str)] = &[("component", "orders")];

    sample!(infracost_breakdown_with_policy_data_upload_plan_json, "terraform", "infracost-breakdown-with-policy-data-upload-plan-json.json", "terraform-state", COMPONENT, @r"refused: this is the output of `terraform show -json`, not a raw Terraform state; send it as format `terraform-show`, or send what `terraform state pull` prints");
    sample!(infracost_plan, "terraform", "infracost-plan.json", "terraform-state", COMPONENT, @r"refused: this is the output of `terraform show -json`, not a raw Terraform state; send it as format `terraform-show`, or send what `terraform state pull` prints");
    sample!(pulumi_checkpoint_secrets, "terraform", "pulumi-checkpoint-secrets.json", "terraform-state", COMPONENT, @r"refused: this is a Pulumi stack, not a raw Terraform state; send it as format `pulumi`");
    sample!(tfjson_110_sensitive_values_plan, "terraform", "tfjson-110-sensitive-values-plan.json", "terraform-state", COMPONENT, @r"refused: this is the output of `terraform show -json`, not a raw Terraform state; send it as format `terraform-show`, or send what `terraform state pull` prints");
    sample!(tfjson_deep_module_plan, "terraform", "tfjson-deep-module-plan.json", "terraform-state", COMPONENT, @r"refused: this is the output of `terraform show -json`, not a raw Terraform state; send it as format `terraform-show`, or send what `terraform state pull` prints");
    sample!(tfjson_has_checks_state, "terraform", "tfjson-has-checks-state.json", "terraform-state", COMPONENT, @r"refused: this is the output of `terraform show -json`, not a raw Terraform state; send it as format `terraform-show`, or send what `terraform state pull` prints");
    sample!(tfjson_invalid_state, "terraform", "tfjson-invalid-state.json", "terraform-state", COMPONENT, @r"refused: the state is not valid JSON: trailing characters at line 12 column 28");
    sample!(tfjson_no_changes_state, "terraform", "tfjson-no-changes-state.json", "terraform-state", COMPONENT, @r"refused: this is the output of `terraform show -json`, not a raw Terraform state; send it as format `terraform-show`, or send what `terraform state pull` prints");
    sample!(tfstate_aws_db_instance, "terraform", "tfstate-aws-db-instance.tfstate", "terraform-state", COMPONENT, @r#"
    clock: lineage bb54c6d5-e17e-32af-f929-762d81156285, serial 125
    document 0 (aws_db_instance.default) arn:aws:rds:eu-west-3:929327065333:db:terraform-20201015115018309600000001: accepted
    e#arn:aws:rds:eu-west-3:929327065333:db:terraform-20201015115018309600000001 Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1account-id "929327065333"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:rds:eu-west-3:929327065333:db:terraform-20201015115018309600000001"
      /metadata/annotations/aws.amazon.com~1name "terraform-20201015115018309600000001"
      /metadata/annotations/aws.amazon.com~1region "eu-west-3"
      /metadata/annotations/aws.amazon.com~1resource-id "db-PVD6KZ2WX76FJ7CJXVUNMEM2VQ"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::RDS::DBInstance"
      /metadata/title "terraform-20201015115018309600000001"
      /spec/aws/accountId "929327065333"
      /spec/aws/attributes/allocatedStorage 20
      /spec/aws/attributes/engine "mysql"
      /spec/aws/attributes/engineVersion "5.7.26"
      /spec/aws/attributes/instanceClass "db.t2.micro"
      /spec/aws/attributes/multiAz false
      /spec/aws/attributes/publiclyAccessible false
      /spec/aws/attributes/storageEncrypted false
      /spec/aws/attributes/storageType "gp2"
      /spec/aws/availabilityZone "eu-west-3c"
      /spec/aws/region "eu-west-3"
      /spec/aws/resourceType "AWS::RDS::DBInstance"
      /spec/type "rds-dbinstance"
      dependencyOf -> component:default/orders
      key rds:929327065333:eu-west-3:db-PVD6KZ2WX76FJ7CJXVUNMEM2VQ
    a#rds:929327065333:eu-west-3:db-PVD6KZ2WX76FJ7CJXVUNMEM2VQ is arn:aws:rds:eu-west-3:929327065333:db:terraform-20201015115018309600000001, by its ARN
    e#component:default/orders Stub
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/name "orders"
      /metadata/namespace "default"
    "#);
    sample!(tfstate_aws_lambda_function, "terraform", "tfstate-aws-lambda-function.tfstate", "terraform-state", COMPONENT, @r#"
    clock: lineage 8e8cf992-f0f7-d359-da78-320927a8879c, serial 103
    document 0 (aws_lambda_function.bar) arn:aws:lambda:eu-west-3:047081014315:function:bar: accepted
    document 1 (aws_lambda_function.foo) arn:aws:lambda:eu-west-3:047081014315:function:foo: accepted
    e#arn:aws:lambda:eu-west-3:047081014315:function:bar Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1account-id "047081014315"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:lambda:eu-west-3:047081014315:function:bar"
      /metadata/annotations/aws.amazon.com~1name "bar"
      /metadata/annotations/aws.amazon.com~1region "eu-west-3"
      /metadata/annotations/aws.amazon.com~1resource-id "bar"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::Lambda::Function"
      /metadata/title "bar"
      /spec/aws/accountId "047081014315"
      /spec/aws/attributes/handler "lambda.handler"
      /spec/aws/attributes/memorySize 128
      /spec/aws/attributes/runtime "nodejs12.x"
      /spec/aws/attributes/timeout 3
      /spec/aws/region "eu-west-3"
      /spec/aws/resourceType "AWS::Lambda::Function"
      /spec/type "lambda-function"
      dependencyOf -> component:default/orders
    e#arn:aws:lambda:eu-west-3:047081014315:function:foo Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1account-id "047081014315"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:lambda:eu-west-3:047081014315:function:foo"
      /metadata/annotations/aws.amazon.com~1name "foo"
      /metadata/annotations/aws.amazon.com~1region "eu-west-3"
      /metadata/annotations/aws.amazon.com~1resource-id "foo"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::Lambda::Function"
      /metadata/title "foo"
      /spec/aws/accountId "047081014315"
      /spec/aws/attributes/handler "lambda.handler"
      /spec/aws/attributes/memorySize 128
      /spec/aws/attributes/runtime "nodejs12.x"
      /spec/aws/attributes/timeout 3
      /spec/aws/region "eu-west-3"
      /spec/aws/resourceType "AWS::Lambda::Function"
      /spec/type "lambda-function"
      dependencyOf -> component:default/orders
    e#component:default/orders Stub
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/name "orders"
      /metadata/namespace "default"
    "#);
    sample!(tfstate_aws_s3_full, "terraform", "tfstate-aws-s3-full.tfstate", "terraform-state", COMPONENT, @r#"
    clock: lineage b4b284a7-9835-6ae1-b6c5-21100080f61e, serial 398
    document 0 (aws_s3_bucket.bucket) arn:aws:s3:::bucket-martin-test-drift: accepted
    document 1 (aws_s3_bucket.bucket2) arn:aws:s3:::bucket-martin-test-drift2: accepted
    document 2 (aws_s3_bucket.bucket3) arn:aws:s3:::bucket-martin-test-drift3: accepted
    document 3 (aws_s3_bucket_analytics_configuration.analytics-cls-test): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 4 (aws_s3_bucket_analytics_configuration.analytics-cls-test2): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 5 (aws_s3_bucket_analytics_configuration.analytics-cls-test2bucket2): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 6 (aws_s3_bucket_analytics_configuration.analytics-cls-test2bucket3): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 7 (aws_s3_bucket_analytics_configuration.analytics-cls-testbucket2): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 8 (aws_s3_bucket_analytics_configuration.analytics-cls-testbucket3): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 9 (aws_s3_bucket_inventory.inventory-cls-test): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 10 (aws_s3_bucket_inventory.inventory-cls-test2): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 11 (aws_s3_bucket_inventory.inventory-cls-test2bucket2): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 12 (aws_s3_bucket_inventory.inventory-cls-test2bucket3): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 13 (aws_s3_bucket_inventory.inventory-cls-testbucket2): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 14 (aws_s3_bucket_inventory.inventory-cls-testbucket3): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 15 (aws_s3_bucket_metric.metrics-cls-test): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 16 (aws_s3_bucket_metric.metrics-cls-test2): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 17 (aws_s3_bucket_metric.metrics-cls-test2bucket2): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 18 (aws_s3_bucket_metric.metrics-cls-test2bucket3): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 19 (aws_s3_bucket_metric.metrics-cls-testbucket2): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 20 (aws_s3_bucket_metric.metrics-cls-testbucket3): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 21 (aws_s3_bucket_notification.bucket_notification): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 22 (aws_s3_bucket_notification.bucket_notification3): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 23 (aws_s3_bucket_policy.bucket2_policy): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 24 (aws_s3_bucket_policy.bucket3_policy): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 25 (aws_s3_bucket_policy.bucket_policy): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    e#arn:aws:s3:::bucket-martin-test-drift Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:s3:::bucket-martin-test-drift"
      /metadata/annotations/aws.amazon.com~1name "bucket-martin-test-drift"
      /metadata/annotations/aws.amazon.com~1region "eu-west-3"
      /metadata/annotations/aws.amazon.com~1resource-id "bucket-martin-test-drift"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::S3::Bucket"
      /metadata/title "bucket-martin-test-drift"
      /spec/aws/region "eu-west-3"
      /spec/aws/resourceType "AWS::S3::Bucket"
      /spec/type "s3-bucket"
      dependencyOf -> component:default/orders
    e#arn:aws:s3:::bucket-martin-test-drift2 Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:s3:::bucket-martin-test-drift2"
      /metadata/annotations/aws.amazon.com~1name "bucket-martin-test-drift2"
      /metadata/annotations/aws.amazon.com~1region "eu-west-3"
      /metadata/annotations/aws.amazon.com~1resource-id "bucket-martin-test-drift2"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::S3::Bucket"
      /metadata/title "bucket-martin-test-drift2"
      /spec/aws/region "eu-west-3"
      /spec/aws/resourceType "AWS::S3::Bucket"
      /spec/type "s3-bucket"
      dependencyOf -> component:default/orders
    e#arn:aws:s3:::bucket-martin-test-drift3 Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:s3:::bucket-martin-test-drift3"
      /metadata/annotations/aws.amazon.com~1name "bucket-martin-test-drift3"
      /metadata/annotations/aws.amazon.com~1region "eu-west-3"
      /metadata/annotations/aws.amazon.com~1resource-id "bucket-martin-test-drift3"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::S3::Bucket"
      /metadata/title "bucket-martin-test-drift3"
      /spec/aws/region "eu-west-3"
      /spec/aws/resourceType "AWS::S3::Bucket"
      /spec/type "s3-bucket"
      dependencyOf -> component:default/orders
    e#component:default/orders Stub
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/name "orders"
      /metadata/namespace "default"
    "#);
    sample!(tfstate_invalid, "terraform", "tfstate-invalid.tfstate", "terraform-state", COMPONENT, @r"refused: the state is not valid JSON: key must be a string at line 16 column 7");

    /// Whatever a sample holds as a secret is in no statement, verdict or error.
    #[test]
    fn secrets_of_the_samples_are_nowhere() {
        let secrets = [
            "foobarbaz",
            "eyJlMmJ",
            "PASSWORD123",
            "bnVsbA==",
            "Hello, World!",
            "424881806176056736",
            "m1.small",
            "myteststack-s3bucket-jssofi1zie2w",
            "AWS_NODEJS_CONNECTION_REUSE_ENABLED",
        ];
        for folder in ["terraform", "cloudformation"] {
            let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../../shared/samples", folder].iter().collect();
            let Ok(files) = std::fs::read_dir(&path) else {
                println!("skipped: there is no {}", path.display());
                return;
            };
            for file in files {
                let name = file.unwrap().file_name().into_string().unwrap();
                for format in ACCEPTED_FORMATS {
                    let verdict = verdict(folder, &name, format, COMPONENT).unwrap();
                    assert!(secrets.iter().all(|secret| !verdict.contains(secret)), "{name} as {format}: {verdict}");
                }
            }
        }
    }
}
