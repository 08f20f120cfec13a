//! OpenAPI, AsyncAPI and their neighbours.

use super::*;

const COMPONENT: &[(&str, &str)] = &[("component", "orders")];

sample!(adeo_kafka_request_reply_asyncapi, "openapi", "adeo-kafka-request-reply-asyncapi.yml", "asyncapi", COMPONENT, @r#"
document 0 (line 1) api:default/adeo-kafka-request-reply-asyncapi: accepted
e#api:default/adeo-kafka-request-reply-asyncapi Listed
  /apiVersion "backstage.io/v1alpha1"
  /kind "API"
  /metadata/annotations/callboard.io~1definition-digest "sha256:657308e25e73a7e5f79dc9a6552782091bbc43dfaf9130bbe838eb7e5d803d2d"
  /metadata/description "This Adeo specification illustrates how ADEO uses AsyncAPI to document some of their exchanges."
  /metadata/name "adeo-kafka-request-reply-asyncapi"
  /metadata/namespace "default"
  /metadata/title "Adeo AsyncAPI Case Study"
  /spec/definition "asyncapi: 3.1.0\ninfo:\n  title: Adeo As... 10639 bytes
  /spec/type "asyncapi"
  /spec/version "%REPLACED_BY_MAVEN%"
  apiProvidedBy -> component:default/orders
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
"#);
sample!(adeo_kafka_request_reply_asyncapi_as_openapi, "openapi", "adeo-kafka-request-reply-asyncapi.yml", "openapi", COMPONENT, @r"refused: this is an AsyncAPI definition, not an OpenAPI definition; send it as format `asyncapi`");
sample!(cyclonedx_laravel_7_12_0, "openapi", "cyclonedx-laravel-7.12.0.json", "sbom", COMPONENT, @r"refused: format `sbom` is not accepted yet; accepted are catalog-info, terraform-state, terraform-show, cloudformation, cdk-outputs, openapi, asyncapi, deployment");
sample!(cyclonedx_laravel_7_12_0_as_openapi, "openapi", "cyclonedx-laravel-7.12.0.json", "openapi", COMPONENT, @r"refused: this is an SBOM, not an OpenAPI definition; send it as format `sbom`");
sample!(readme_2_0_petstore_minimal, "openapi", "readme-2.0-petstore-minimal.yaml", "openapi", COMPONENT, @r#"
document 0 (line 1) api:default/readme-2.0-petstore-minimal: accepted
e#api:default/readme-2.0-petstore-minimal Listed
  /apiVersion "backstage.io/v1alpha1"
  /kind "API"
  /metadata/annotations/callboard.io~1definition-digest "sha256:ee0b9673a0bc152552c2372bd48c1ff92102c7d277af56ebd0f654b15370bf1f"
  /metadata/description "A sample API that uses a petstore as an example to demonstrate features in the swagger-2.0 specification"
  /metadata/name "readme-2.0-petstore-minimal"
  /metadata/namespace "default"
  /metadata/title "Swagger Petstore"
  /spec/definition "swagger: '2.0'\ninfo:\n  version: '1.0.0... 1051 bytes
  /spec/type "openapi"
  /spec/version "1.0.0"
  apiProvidedBy -> component:default/orders
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
"#);
sample!(readme_3_0_circular, "openapi", "readme-3.0-circular.json", "openapi", COMPONENT, @r#"
document 0 (line 1) api:default/readme-3.0-circular: accepted
e#api:default/readme-3.0-circular Listed
  /apiVersion "backstage.io/v1alpha1"
  /kind "API"
  /metadata/annotations/callboard.io~1definition-digest "sha256:149cd64014050493dc7be9826bc8573cb0025a11a2c40906e151e72b03155a3a"
  /metadata/name "readme-3.0-circular"
  /metadata/namespace "default"
  /metadata/title "API definition with a circular $ref"
  /spec/definition "{\n  \"openapi\": \"3.0.1\",\n  \"info\"... 1494 bytes
  /spec/type "openapi"
  /spec/version "1.0.0"
  apiProvidedBy -> component:default/orders
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
"#);
sample!(readme_3_0_star_trek, "openapi", "readme-3.0-star-trek.json", "openapi", COMPONENT, @r#"
document 0 (line 1) api:default/readme-3.0-star-trek: accepted
e#api:default/readme-3.0-star-trek Listed
  /apiVersion "backstage.io/v1alpha1"
  /kind "API"
  /metadata/annotations/callboard.io~1definition-digest "sha256:85916353ab0f96cb24bf727e926d385fcdc86c0d2bf8e72a543a56caeddf0fb5"
  /metadata/name "readme-3.0-star-trek"
  /metadata/namespace "default"
  /metadata/title "STAPI"
  /spec/definition "{\n  \"openapi\": \"3.0.1\",\n  \"info\"... 549806 bytes
  /spec/type "openapi"
  /spec/version "1.0.0"
  apiProvidedBy -> component:default/orders
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
"#);
sample!(readme_3_1_webhooks, "openapi", "readme-3.1-webhooks.json", "openapi", COMPONENT, @r#"
document 0 (line 1) api:default/readme-3.1-webhooks: accepted
e#api:default/readme-3.1-webhooks Listed
  /apiVersion "backstage.io/v1alpha1"
  /kind "API"
  /metadata/annotations/callboard.io~1definition-digest "sha256:8750d0ebf53fabe05822ccf06e104530a9a3efadd3b1baa65517b36364be114c"
  /metadata/name "readme-3.1-webhooks"
  /metadata/namespace "default"
  /metadata/title "Webhook Example"
  /spec/definition "{\n  \"openapi\": \"3.1.0\",\n  \"info\"... 1727 bytes
  /spec/type "openapi"
  /spec/version "1.0.0"
  apiProvidedBy -> component:default/orders
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
"#);
sample!(slack_rtm_asyncapi, "openapi", "slack-rtm-asyncapi.yml", "asyncapi", COMPONENT, @r#"
document 0 (line 1) api:default/slack-rtm-asyncapi: accepted
e#api:default/slack-rtm-asyncapi Listed
  /apiVersion "backstage.io/v1alpha1"
  /kind "API"
  /metadata/annotations/callboard.io~1definition-digest "sha256:714f0635858eef8ed5e54262c073aea93309a087291da959f8932158ca9efa83"
  /metadata/name "slack-rtm-asyncapi"
  /metadata/namespace "default"
  /metadata/title "Slack Real Time Messaging API"
  /spec/definition "asyncapi: 3.1.0\nid: 'wss://wss-primary.... 26197 bytes
  /spec/type "asyncapi"
  /spec/version "1.0.0"
  apiProvidedBy -> component:default/orders
e#component:default/orders Stub
  /apiVersion "backstage.io/v1alpha1"
  /kind "Component"
  /metadata/name "orders"
  /metadata/namespace "default"
"#);
sample!(slack_rtm_asyncapi_as_openapi, "openapi", "slack-rtm-asyncapi.yml", "openapi", COMPONENT, @r"refused: this is an AsyncAPI definition, not an OpenAPI definition; send it as format `asyncapi`");
sample!(spdx_sbom_spdx3, "openapi", "spdx-sbom.spdx3.json", "sbom", COMPONENT, @r"refused: format `sbom` is not accepted yet; accepted are catalog-info, terraform-state, terraform-show, cloudformation, cdk-outputs, openapi, asyncapi, deployment");
sample!(spdx_sbom_spdx3_as_openapi, "openapi", "spdx-sbom.spdx3.json", "openapi", COMPONENT, @r"refused: this is an SBOM, not an OpenAPI definition; send it as format `sbom`");
