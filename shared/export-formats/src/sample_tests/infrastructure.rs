//! Terraform, CloudFormation and CDK: every sample file in every format of its family.

use super::*;

const COMPONENT: &[(&str, &str)] = &[("component", "orders")];

sample!(infracost_breakdown_with_policy_data_upload_plan_json_as_shown, "terraform", "infracost-breakdown-with-policy-data-upload-plan-json.json", "terraform-show", COMPONENT, @r#"
note: this is a plan: it says what its prior state lists; planned values are not read, and nothing is deleted
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
incomplete: nothing is deleted by omission
"#);
sample!(infracost_plan_as_shown, "terraform", "infracost-plan.json", "terraform-show", COMPONENT, @r#"
note: this is a plan: it says what its prior state lists; planned values are not read, and nothing is deleted
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
incomplete: nothing is deleted by omission
"#);
sample!(pulumi_checkpoint_secrets_as_shown, "terraform", "pulumi-checkpoint-secrets.json", "terraform-show", COMPONENT, @r"refused: this is a Pulumi stack, not the output of `terraform show -json`; send it as format `pulumi`");
sample!(tfjson_110_sensitive_values_plan_as_shown, "terraform", "tfjson-110-sensitive-values-plan.json", "terraform-show", COMPONENT, @r#"
note: this is a plan: it says what its prior state lists; planned values are not read, and nothing is deleted
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
incomplete: nothing is deleted by omission
"#);
sample!(tfjson_deep_module_plan_as_shown, "terraform", "tfjson-deep-module-plan.json", "terraform-show", COMPONENT, @r#"
note: this is a plan: it says what its prior state lists; planned values are not read, and nothing is deleted
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
incomplete: nothing is deleted by omission
"#);
sample!(tfjson_has_checks_state_as_shown, "terraform", "tfjson-has-checks-state.json", "terraform-show", COMPONENT, @r#"
document 0 (module.files.local_file.foo["file1.txt"]): skipped, it is no AWS resource
document 1 (module.files.local_file.foo["file2.txt"]): skipped, it is no AWS resource
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
"#);
sample!(tfjson_invalid_state_as_shown, "terraform", "tfjson-invalid-state.json", "terraform-show", COMPONENT, @r"refused: the file is not valid JSON: trailing characters at line 12 column 28");
sample!(tfjson_no_changes_state_as_shown, "terraform", "tfjson-no-changes-state.json", "terraform-show", COMPONENT, @r#"
document 0 (null_resource.bar): skipped, it is no AWS resource
document 1 (null_resource.baz[0]): skipped, it is no AWS resource
document 2 (null_resource.baz[1]): skipped, it is no AWS resource
document 3 (null_resource.baz[2]): skipped, it is no AWS resource
document 4 (null_resource.foo): skipped, it is no AWS resource
document 5 (module.foo.null_resource.foo): skipped, it is no AWS resource
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
"#);
sample!(tfstate_aws_db_instance_as_shown, "terraform", "tfstate-aws-db-instance.tfstate", "terraform-show", COMPONENT, @r"refused: this is a raw Terraform state, not the output of `terraform show -json`; send it as format `terraform-state`");
sample!(tfstate_aws_lambda_function_as_shown, "terraform", "tfstate-aws-lambda-function.tfstate", "terraform-show", COMPONENT, @r"refused: this is a raw Terraform state, not the output of `terraform show -json`; send it as format `terraform-state`");
sample!(tfstate_aws_s3_full_as_shown, "terraform", "tfstate-aws-s3-full.tfstate", "terraform-show", COMPONENT, @r"refused: this is a raw Terraform state, not the output of `terraform show -json`; send it as format `terraform-state`");
sample!(tfstate_invalid_as_shown, "terraform", "tfstate-invalid.tfstate", "terraform-show", COMPONENT, @r"refused: the file is not valid JSON: key must be a string at line 16 column 7");
sample!(cdkout_apilam_apilam_deployfunction_template, "cloudformation", "cdkout-apilam-apilam-deployFunction.template.json", "cloudformation", COMPONENT, @r"refused: this is a CloudFormation template, not what `aws cloudformation` prints; send it as format `cdk-outputs`, or send the stack that was made of it");
sample!(cdkout_apilam_apilam_deployfunction_template_as_cdk, "cloudformation", "cdkout-apilam-apilam-deployFunction.template.json", "cdk-outputs", COMPONENT, @r#"
document 0 (testapigatewaylambdaApiAccessLogGroupEB3253A2): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
document 1 (testapigatewaylambdaLambdaFunction18FF222F): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
document 2 (testapigatewaylambdaLambdaFunctionServiceRole5CD2E9F7): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
document 3 (testapigatewaylambdaLambdaFunctioninlinePolicyAddedToExecutionRole00FEF72FF): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
document 4 (testapigatewaylambdaLambdaRestApiANY1FACA749): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
document 5 (testapigatewaylambdaLambdaRestApiANYApiPermissionTestapilamdeployFunctiontestapigatewaylambdaLambdaRestApiAF929C5FANYC3A64F38): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
document 6 (testapigatewaylambdaLambdaRestApiANYApiPermissionapilamdeployFunctiontestapigatewaylambdaLambdaRestApiAF929C5FANY15383DB1): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
document 7 (testapigatewaylambdaLambdaRestApiAccount0D88B6B8): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
document 8 (testapigatewaylambdaLambdaRestApiCloudWatchRole6D45E039): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
document 9 (testapigatewaylambdaLambdaRestApiDeployment85334BB3a1765c45928980e423727978265730d1): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
document 10 (testapigatewaylambdaLambdaRestApiDeploymentStageprod4EBF7247): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
document 11 (testapigatewaylambdaLambdaRestApiE957E944): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
document 12 (testapigatewaylambdaLambdaRestApiUsagePlan658131E3): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
document 13 (testapigatewaylambdaLambdaRestApiproxy2C2C544E): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
document 14 (testapigatewaylambdaLambdaRestApiproxyANYApiPermissionTestapilamdeployFunctiontestapigatewaylambdaLambdaRestApiAF929C5FANYproxy46D6E92A): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
document 15 (testapigatewaylambdaLambdaRestApiproxyANYApiPermissionapilamdeployFunctiontestapigatewaylambdaLambdaRestApiAF929C5FANYproxy83DC1CFF): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
document 16 (testapigatewaylambdaLambdaRestApiproxyANYF6150927): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
note: a template says nothing by itself; with `component`, `account` and `region`, and the name of its stack as the export's name, it says which stack the component depends on
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
incomplete: nothing is deleted by omission
"#);
sample!(cdkout_apilam_tree, "cloudformation", "cdkout-apilam-tree.json", "cloudformation", COMPONENT, @r"refused: this is some other JSON document, not what `aws cloudformation` prints; it has none of `Stacks`, `StackResources` and `StackResourceSummaries`");
sample!(cdkout_apilam_tree_as_cdk, "cloudformation", "cdkout-apilam-tree.json", "cdk-outputs", COMPONENT, @r#"
document 0 (tree): skipped, a construct tree has no ids of what was made; send `manifest.json` or the outputs of a deployment, or send the stack as format `cloudformation`
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
incomplete: nothing is deleted by omission
"#);
sample!(describe_stacks_cfn_add_tag_w_params, "cloudformation", "describe-stacks-cfn-add-tag-w-params.json", "cloudformation", COMPONENT, @r#"
document 0 (stack mosdef2) arn:aws:cloudformation:us-east-1:644160558196:stack/mosdef2/387d82a0-23f5-11e9-98e5-128a65397f5a: accepted
e#arn:aws:cloudformation:us-east-1:644160558196:stack/mosdef2/387d82a0-23f5-11e9-98e5-128a65397f5a Listed
  /apiVersion "backstage.io/v1alpha1"
  /kind "Resource"
  /metadata/annotations/aws.amazon.com~1account-id "644160558196"
  /metadata/annotations/aws.amazon.com~1arn "arn:aws:cloudformation:us-east-1:644160558196:stack/mosdef2/387d82a0-23f5-11e9-98e5-128a65397f5a"
  /metadata/annotations/aws.amazon.com~1name "mosdef2"
  /metadata/annotations/aws.amazon.com~1region "us-east-1"
  /metadata/annotations/aws.amazon.com~1resource-id "arn:aws:cloudformation:us-east-1:644160558196:stack/mosdef2/387d82a0-23f5-11e9-98e5-128a65397f5a"
  /metadata/annotations/aws.amazon.com~1resource-type "AWS::CloudFormation::Stack"
  /metadata/title "mosdef2"
  /spec/aws/accountId "644160558196"
  /spec/aws/attributes/stackStatus "UPDATE_COMPLETE"
  /spec/aws/region "us-east-1"
  /spec/aws/resourceType "AWS::CloudFormation::Stack"
  /spec/aws/tags/Env "Dev"
  /spec/type "cloudformation-stack"
  dependencyOf -> component:default/orders
  key cloudformation:644160558196:us-east-1:stack/mosdef2
a#cloudformation:644160558196:us-east-1:stack/mosdef2 is arn:aws:cloudformation:us-east-1:644160558196:stack/mosdef2/387d82a0-23f5-11e9-98e5-128a65397f5a, by its ARN
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
"#);
sample!(describe_stacks_cfn_add_tag_w_params_as_cdk, "cloudformation", "describe-stacks-cfn-add-tag-w-params.json", "cdk-outputs", COMPONENT, @r"refused: this is what `aws cloudformation` prints, not a file of the CDK, or a template of CloudFormation or SAM; send it as format `cloudformation`");
sample!(describe_stacks, "cloudformation", "describe-stacks.json", "cloudformation", COMPONENT, @r#"
document 0 (stack myteststack) arn:aws:cloudformation:us-east-1:123456789012:stack/myteststack/466df9e0-0dff-08e3-8e2f-5088487c4896: accepted
e#arn:aws:cloudformation:us-east-1:123456789012:stack/myteststack/466df9e0-0dff-08e3-8e2f-5088487c4896 Listed
  /apiVersion "backstage.io/v1alpha1"
  /kind "Resource"
  /metadata/annotations/aws.amazon.com~1account-id "123456789012"
  /metadata/annotations/aws.amazon.com~1arn "arn:aws:cloudformation:us-east-1:123456789012:stack/myteststack/466df9e0-0dff-08e3-8e2f-5088487c4896"
  /metadata/annotations/aws.amazon.com~1name "myteststack"
  /metadata/annotations/aws.amazon.com~1region "us-east-1"
  /metadata/annotations/aws.amazon.com~1resource-id "arn:aws:cloudformation:us-east-1:123456789012:stack/myteststack/466df9e0-0dff-08e3-8e2f-5088487c4896"
  /metadata/annotations/aws.amazon.com~1resource-type "AWS::CloudFormation::Stack"
  /metadata/title "myteststack"
  /spec/aws/accountId "123456789012"
  /spec/aws/attributes/stackStatus "CREATE_COMPLETE"
  /spec/aws/region "us-east-1"
  /spec/aws/resourceType "AWS::CloudFormation::Stack"
  /spec/type "cloudformation-stack"
  dependencyOf -> component:default/orders
  key cloudformation:123456789012:us-east-1:stack/myteststack
a#cloudformation:123456789012:us-east-1:stack/myteststack is arn:aws:cloudformation:us-east-1:123456789012:stack/myteststack/466df9e0-0dff-08e3-8e2f-5088487c4896, by its ARN
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
"#);
sample!(describe_stacks_as_cdk, "cloudformation", "describe-stacks.json", "cdk-outputs", COMPONENT, @r"refused: this is what `aws cloudformation` prints, not a file of the CDK, or a template of CloudFormation or SAM; send it as format `cloudformation`");
sample!(sam_all_policy_templates, "cloudformation", "sam-all_policy_templates.yaml", "cloudformation", COMPONENT, @r"refused: the file does not have the shape of what `aws cloudformation` prints: expected an object or an array at line 1 column 1");
sample!(sam_all_policy_templates_as_cdk, "cloudformation", "sam-all_policy_templates.yaml", "cdk-outputs", COMPONENT, @r#"
document 0 (KitchenSinkFunction): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
note: a template says nothing by itself; with `component`, `account` and `region`, and the name of its stack as the export's name, it says which stack the component depends on
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
incomplete: nothing is deleted by omission
"#);
sample!(sam_http_api_existing_openapi, "cloudformation", "sam-http_api_existing_openapi.yaml", "cloudformation", COMPONENT, @r"refused: the file does not have the shape of what `aws cloudformation` prints: expected an object or an array at line 1 column 1");
sample!(sam_http_api_existing_openapi_as_cdk, "cloudformation", "sam-http_api_existing_openapi.yaml", "cdk-outputs", COMPONENT, @r#"
document 0 (HttpApiFunction): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
document 1 (MyApi): skipped, a template has no ids of what was made; send its definition as format `openapi`
note: a template says nothing by itself; with `component`, `account` and `region`, and the name of its stack as the export's name, it says which stack the component depends on
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
incomplete: nothing is deleted by omission
"#);
