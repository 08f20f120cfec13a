//! What the company's delivery pipelines post: catalog files and Terraform states, by HTTP and by S3.

use serde_json::{Value, json};

use super::aws::{Queue, export_request, s3_created, sqs_batch, uuid_of};
use super::config::{self, database_id};
use super::{Plot, StoredObject};
use crate::company::{Company, Component};

const FIRST_MS: i64 = 1_793_523_600_000; // 2026-11-01T09:00:00Z

/// Groups and systems by HTTP, the hero's own file by HTTP, everybody else's by S3.
pub fn people_and_components(company: &Company, plot: &mut Plot) {
    let tooling = &company.accounts.tooling;
    let org = format!("{}.org", company.organisation);
    let people = format!("{}---\n{}", teams(company), systems(company));
    let request = export_request(tooling, [&org, "catalog-info", "people"], &[], "application/yaml", FIRST_MS, &people);
    plot.deliver("cicd-export", "teams-and-systems", request);

    let hero = company.hero();
    let producer = format!("{}.{}", company.organisation, hero.name);
    let file = component_yaml(company, hero) + &api_yaml(company, hero);
    let request = export_request(
        &company.accounts.production,
        [&producer, "catalog-info", "main"],
        &[],
        "application/yaml",
        FIRST_MS + 60_000,
        &file,
    );
    plot.deliver("cicd-export", "component-with-api", request);

    let others: String =
        company.components[1..].iter().map(|other| component_yaml(company, other)).collect::<Vec<_>>().join("---\n");
    drop_object(company, plot, "catalog-info", "components.yaml", others, Vec::new(), "2026-11-01T09:02:00.000Z");
}

/// What Terraform built: the hero's database and two pipelines with parameters, a table by tags.
pub fn infrastructure(company: &Company, plot: &mut Plot) {
    let hero = company.hero();
    let producer = format!("{}.infrastructure", company.organisation);
    let query = [
        ("component", hero.name.as_str()),
        ("system", company.systems[0].name.as_str()),
        ("environment", "production"),
    ];
    let request = export_request(
        &company.accounts.tooling,
        [&producer, "terraform-state", "production"],
        &query,
        "application/json",
        FIRST_MS + 3 * 60_000,
        &hero_state(company).to_string(),
    );
    plot.deliver("cicd-export", "terraform-state", request);

    let metadata = vec![("component", company.components[1].name.clone())];
    let state = other_state(company).to_string();
    drop_object(company, plot, "terraform-state", "website.tfstate", state, metadata, "2026-11-01T09:04:00.000Z");
}

fn drop_object(
    company: &Company,
    plot: &mut Plot,
    format: &str,
    file: &str,
    body: String,
    metadata: Vec<(&'static str, String)>,
    time: &str,
) {
    let key = format!("exports/{}.delivery/{format}/{file}", company.organisation);
    let (account, region) = (&company.accounts.tooling, company.home());
    let notification = s3_created(account, region, "callboard-drop", &key, body.as_bytes(), time);
    let queue = Queue { account, region, name: "callboard-exports" };
    plot.objects.push(StoredObject { bucket: "callboard-drop", key, bytes: body.into_bytes(), metadata });
    let payload = sqs_batch(queue, FIRST_MS + 4 * 60_000, &[notification.to_string()]);
    plot.deliver("cicd-export", &format!("dropped-{format}"), payload);
}

fn teams(company: &Company) -> String {
    let teams = company.teams.iter().map(|team| {
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: {}\n  title: {}\nspec:\n  type: team\n  children: []\n",
            team.name, team.title
        )
    });
    teams.collect::<Vec<_>>().join("---\n")
}

fn systems(company: &Company) -> String {
    let systems = company.systems.iter().map(|system| {
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata:\n  name: {}\nspec:\n  owner: {}\n",
            system.name, company.teams[system.owner].name
        )
    });
    systems.collect::<Vec<_>>().join("---\n")
}

fn component_yaml(company: &Company, component: &Component) -> String {
    let system = component.system.map(|at| format!("  system: {}\n", company.systems[at].name)).unwrap_or_default();
    let provides = if component.name == company.hero().name {
        format!("  providesApis:\n    - {}\n", component.name)
    } else {
        String::new()
    };
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {}\n  tags:\n    - {}\nspec:\n  type: {}\n  lifecycle: production\n  owner: {}\n{system}{provides}",
        component.name, component.component_type, component.component_type, company.teams[component.owner].name
    )
}

fn api_yaml(company: &Company, hero: &Component) -> String {
    format!(
        "---\napiVersion: backstage.io/v1alpha1\nkind: API\nmetadata:\n  name: {}\nspec:\n  type: openapi\n  lifecycle: production\n  owner: {}\n  definition: |\n    openapi: 3.1.0\n    info:\n      title: {}\n      version: 2.4.0\n    paths: {{}}\n",
        hero.name, company.teams[hero.owner].name, hero.name
    )
}

fn managed(terraform_type: &str, name: &str, attributes: &Value, depends_on: &[&str]) -> Value {
    json!({
        "mode": "managed",
        "type": terraform_type,
        "name": name,
        "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
        "instances": [{
            "schema_version": 0,
            "attributes": attributes,
            "sensitive_attributes": [],
            "private": "eyJzY2hlbWFfdmVyc2lvbiI6IjEifQ==",
            "dependencies": depends_on
        }]
    })
}

fn state(company: &Company, name: &str, serial: u64, resources: &[Value]) -> Value {
    json!({
        "version": 4,
        "terraform_version": "1.9.8",
        "serial": serial,
        "lineage": uuid_of(&format!("{} {name}", company.organisation)),
        "outputs": {"database_url": {
            "value": format!("postgres://root:{}@db.internal/main", company.database_password),
            "type": "string",
            "sensitive": true
        }},
        "resources": resources,
        "check_results": null
    })
}

/// The state of the hero's infrastructure, with a password in every place where one may stand.
pub fn hero_state(company: &Company) -> Value {
    let (account, region, name) = (&company.accounts.production, company.home(), &company.database);
    let database = json!({
        "arn": format!("arn:aws:rds:{region}:{account}:cluster:{name}"),
        "cluster_identifier": name,
        "cluster_resource_id": database_id(company, account),
        "database_name": "main",
        "endpoint": format!("{name}.cluster-c4j6qwp34sb1.{region}.rds.amazonaws.com"),
        "engine": "aurora-postgresql",
        "engine_version": "16.4",
        "id": name,
        "master_password": company.database_password,
        "master_username": "root",
        "port": 5432,
        "storage_encrypted": true,
        "tags": {"cost-centre": "4711"},
        "tags_all": {"cost-centre": "4711"}
    });
    let pipeline = |name: &str| {
        let arn = config::pipeline(company, name).arn;
        json!({
            "arn": arn, "id": name, "name": name, "pipeline_type": "V2", "tags": {}, "tags_all": {},
            "stage": [{"name": "Source", "action": [{"configuration": {"OAuthToken": company.database_password}}]}]
        })
    };
    state(
        company,
        "production",
        42,
        &[
            json!({"mode": "data", "type": "aws_caller_identity", "name": "me", "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
                   "instances": [{"schema_version": 0, "attributes": {"account_id": account, "id": account}}]}),
            managed("aws_rds_cluster", "main", &database, &[]),
            managed("aws_codepipeline", "release", &pipeline(&company.pipelines[0]), &["aws_rds_cluster.main"]),
            managed("aws_codepipeline", "infrastructure", &pipeline(&company.pipelines[1]), &[]),
        ],
    )
}

fn other_state(company: &Company) -> Value {
    let name = &company.other_pipeline;
    let arn = config::pipeline(company, name).arn;
    let bucket = &company.bucket;
    state(
        company,
        "website",
        7,
        &[
            managed("aws_codepipeline", "release", &json!({"arn": arn, "id": name, "name": name, "tags_all": {}}), &[]),
            managed(
                "aws_s3_bucket",
                "assets",
                &json!({"arn": format!("arn:aws:s3:::{bucket}"), "bucket": bucket, "id": bucket, "region": company.regions[1], "tags_all": {}}),
                &[],
            ),
        ],
    )
}
