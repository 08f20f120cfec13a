//! Records in an embedded DynamoDB, through `catalog-index` and the delta log, to the answers.

#![expect(clippy::unwrap_used, reason = "tests, and the words that they share")]

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use catalog_model::{
    Claim, Door, Facts, Format, Fragment, Identity, Key, Pointer, RecordKey, Relation, Role, Rules, Said, SourceObject,
    Version, derived_ref,
};
use catalog_store::{CatalogStore, RollupHead};
use cost_model::{Amount, Amounts, Attribution, Dimensions, Rollup};
use jiff::Timestamp;
use query_api::{CursorKey, Deps, handle};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

const TABLE: &str = "catalog";

type Items = BTreeMap<String, Value>;

struct Stack {
    store: CatalogStore,
    raw: aws_sdk_dynamodb::Client,
    deps: Arc<Deps>,
    /// The table as the stream told of it last.
    indexed: Items,
    serial: u64,
    now_ms: i64,
}

impl Stack {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(dynoxide::server::serve_on(listener, dynoxide::Database::memory().unwrap()));
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "tests"))
            .endpoint_url(&endpoint)
            .build();
        let raw = aws_sdk_dynamodb::Client::from_conf(config);
        // Nothing here is long enough for the bucket.
        let s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url("http://127.0.0.1:9")
            .build();
        let store =
            CatalogStore::from_clients(raw.clone(), aws_sdk_s3::Client::from_conf(s3), TABLE, "callboard-catalog");
        let store = store.with_ownership(Rules::default());
        store.create_table().await.unwrap();
        let deps = Arc::new(Deps::of_store(store.clone(), CursorKey::new("tests")));
        Self { store, raw, deps, indexed: Items::new(), serial: 0, now_ms: 1_790_000_000_000 }
    }

    async fn say(&mut self, key: RecordKey, source: &SourceObject, said: Said) {
        self.serial += 1;
        let fragment = Fragment {
            source: source.clone(),
            version: Version::of_serial(self.serial, 0),
            delivery: format!("request-{}", self.serial),
            said,
        };
        self.store.apply(&key, &fragment, u64::try_from(self.now_ms).unwrap()).await.unwrap();
    }

    async fn declare(&mut self, text: &str, fields: &[(&str, &str)]) {
        let mut facts = Facts::new(Role::Declared);
        for (field, value) in fields {
            facts.say(Pointer::spec(field), *value);
        }
        self.say(RecordKey::Entity(entity(text)), &file("catalog"), Said::Facts(facts)).await;
    }

    /// What a stream would tell of the table since the last time, in an order of its own.
    async fn changes(&mut self) -> Value {
        let mut items = Items::new();
        for item in self.raw.scan().table_name(TABLE).send().await.unwrap().items() {
            items.insert(format!("{:?} {:?}", item["pk"], item["sk"]), image(item));
        }
        let mut records = Vec::new();
        let keys: std::collections::BTreeSet<&String> = items.keys().chain(self.indexed.keys()).collect();
        for key in keys {
            let (old, new) = (self.indexed.get(key), items.get(key));
            if old != new {
                let number = records.len() + 1;
                let mut change = json!({"SequenceNumber": number.to_string(), "SizeBytes": 1});
                for (name, image) in [("NewImage", new), ("OldImage", old)] {
                    change[name] = image.cloned().unwrap_or_default();
                }
                records.push(json!({
                    "eventID": number.to_string(), "eventName": "MODIFY", "awsRegion": "eu-west-1", "dynamodb": change,
                }));
            }
        }
        self.indexed = items;
        json!({ "Records": records })
    }

    async fn index(&mut self) {
        let event = self.changes().await;
        self.feed(&event).await;
    }

    async fn feed(&self, event: &Value) {
        let deps = catalog_index::Deps::of_store(self.store.clone());
        let event = serde_json::from_value(event.clone()).unwrap();
        let now = Timestamp::from_millisecond(self.now_ms).unwrap();
        let response = catalog_index::handle(event, &deps, now).await.unwrap();
        assert_eq!(json!(response), json!({"batchItemFailures": []}));
    }

    async fn ask(&mut self, method: &str, path: &str, parameters: &[(&str, &str)], body: &str) -> (u16, String) {
        // Each request comes later than the index may be old.
        self.now_ms += 2_000;
        let mut many: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in parameters {
            many.entry(name).or_default().push(value);
        }
        let request: ApiGatewayProxyRequest = serde_json::from_value(json!({
            "httpMethod": method, "path": path, "headers": {"content-type": "application/json"},
            "multiValueQueryStringParameters": many, "requestContext": {"httpMethod": method}, "body": body,
        }))
        .unwrap();
        let now = Timestamp::from_millisecond(self.now_ms).unwrap();
        let answer = handle(request, &self.deps, now).await;
        (answer.status, String::from_utf8(answer.body.collect().await.unwrap().to_vec()).unwrap())
    }

    async fn get(&mut self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let (status, text) = self.ask("GET", path, parameters, "").await;
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }
}

fn entity(text: &str) -> Identity {
    Identity::of_entity(&text.parse().unwrap())
}

fn database() -> Identity {
    Identity::of_canonical_arn("arn:aws:rds:eu-west-1:111122223333:cluster:Orders")
}

fn file(name: &str) -> SourceObject {
    SourceObject { door: Door::Http, producer: "shop".into(), format: Format::CatalogInfo, name: name.into() }
}

fn image(item: &std::collections::HashMap<String, AttributeValue>) -> Value {
    Value::Object(item.iter().map(|(name, value)| (name.clone(), attribute(value))).collect())
}

fn attribute(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::Ss(texts) => json!({"SS": texts}),
        AttributeValue::B(bytes) => json!({"B": STANDARD.encode(bytes.as_ref())}),
        AttributeValue::Bool(flag) => json!({"BOOL": flag}),
        AttributeValue::Null(flag) => json!({"NULL": flag}),
        AttributeValue::L(items) => json!({"L": items.iter().map(attribute).collect::<Vec<_>>()}),
        AttributeValue::M(map) => {
            json!({"M": map.iter().map(|(name, value)| (name.clone(), attribute(value))).collect::<Map<_, _>>()})
        }
        other => panic!("{other:?}"),
    }
}

/// A component, its owner, and a database that is its dependency and that somebody gave a name.
async fn shop() -> Stack {
    let mut stack = Stack::start().await;
    stack.declare("component:default/orders", &[("owner", "team-a"), ("type", "service"), ("system", "shop")]).await;
    stack.declare("group:default/team-a", &[("type", "team")]).await;
    let mut facts = Facts::new(Role::Listed);
    facts.say(Pointer::spec("type"), "rds-dbcluster");
    facts.say(Pointer::metadata("name"), "Orders-DB");
    facts.relations.insert(Relation::new("dependencyOf", entity("component:default/orders").key()));
    stack.say(RecordKey::Entity(database()), &file("state"), Said::Facts(facts)).await;
    let claim = Said::Claim(Claim { identity: database(), by_arn: true });
    let name = Key::of_ref(&"resource:default/orders-db".parse().unwrap());
    stack.say(RecordKey::Alias(name), &file("state"), claim).await;
    stack
}

#[tokio::test]
async fn what_was_just_written_is_read_by_name_before_it_is_in_the_log() {
    let mut stack = shop().await;
    let shown = stack.get("/api/catalog/entities/by-name/Resource/default/ORDERS-DB", &[]).await;
    assert_eq!(shown["metadata"]["name"], "Orders-DB");
    assert_eq!(shown["spec"]["owner"], "unknown");
    stack.get("/api/catalog/entities/by-name/component/default/orders", &[]).await;
    // Both are known now.
    let shown = stack.get("/api/catalog/entities/by-name/resource/default/orders-db", &[]).await;
    assert_eq!((&shown["spec"]["owner"], &shown["spec"]["system"]), (&json!("team-a"), &json!("shop")));
    let (status, text) = stack.ask("GET", "/api/catalog/entities/by-name/component/default/Nope", &[], "").await;
    assert_eq!(status, 404);
    assert!(text.contains("No entity named 'Nope' found, with kind 'component' in namespace 'default'"), "{text}");
}

#[tokio::test]
async fn what_the_log_tells_is_found_by_every_route() {
    let mut stack = shop().await;
    let event = stack.changes().await;
    stack.feed(&event).await;
    // Repeating a batch changes nothing.
    stack.feed(&event).await;

    let filter = [("filter", "kind=resource,relations.dependencyOf=component:default/orders")];
    let page = stack.get("/api/catalog/entities/by-query", &filter).await;
    assert_eq!((&page["totalItems"], &page["items"][0]["metadata"]["name"]), (&json!(1), &json!("Orders-DB")));
    let relations: Vec<&Value> =
        page["items"][0]["relations"].as_array().unwrap().iter().map(|r| &r["targetRef"]).collect();
    assert_eq!(relations, ["component:default/orders", "group:default/team-a", "system:default/shop"]);

    let order = [("orderField", "metadata.name,desc"), ("limit", "1"), ("fields", "metadata.name")];
    let mut page = stack.get("/api/catalog/entities/by-query", &order).await;
    let mut walked = vec![page["items"].clone()];
    while let Some(cursor) = page["pageInfo"]["nextCursor"].as_str().map(str::to_owned) {
        let next = [("cursor", cursor.as_str()), ("limit", "1"), ("fields", "metadata.name")];
        page = stack.get("/api/catalog/entities/by-query", &next).await;
        assert_eq!(page["totalItems"], 3);
        walked.push(page["items"].clone());
    }
    let names = |name: &str| json!([{"metadata": {"name": name}}]);
    assert_eq!(walked, [names("team-a"), names("Orders-DB"), names("orders")]);
    let cursor = page["pageInfo"]["prevCursor"].as_str().unwrap().to_owned();
    let page = stack
        .get("/api/catalog/entities/by-query", &[("cursor", &cursor), ("limit", "1"), ("fields", "metadata.name")])
        .await;
    assert_eq!(page["items"], names("Orders-DB"));
    assert!(page["pageInfo"]["nextCursor"].is_string() && page["pageInfo"]["prevCursor"].is_string());

    let (_, facets) =
        stack.ask("GET", "/api/catalog/entity-facets", &[("facet", "spec.owner"), ("facet", "Kind")], "").await;
    let facets_of =
        r#"{"facets":{"spec.owner":[{"value":"team-a","count":2}],"Kind":[{"value":"Component","count":1},"#;
    assert!(facets.starts_with(facets_of), "{facets}");

    let derived = derived_ref(&database()).to_string();
    let refs = json!({"entityRefs": ["component:default/orders", derived, "Group:default/team-a", "api:default/no"], "fields": ["kind"]});
    let (status, items) = stack.ask("POST", "/api/catalog/entities/by-refs", &[], &refs.to_string()).await;
    let items: Value = serde_json::from_str(&items).unwrap();
    assert_eq!((status, &items["items"]), (200, &json!([{"kind": "Component"}, {"kind": "Resource"}, null, null])));
    let (_, items) =
        stack.ask("POST", "/api/catalog/entities/by-refs", &[("filter", "kind=resource")], &refs.to_string()).await;
    let items: Value = serde_json::from_str(&items).unwrap();
    assert_eq!(items["items"], json!([null, {"kind": "Resource"}, null, null]));

    let shown = stack.get(&format!("/api/catalog/entities/by-uid/{}", database().uid()), &[]).await;
    assert_eq!(shown["metadata"]["uid"], database().uid());
    let list = stack
        .get(
            "/api/catalog/entities",
            &[("filter", "kind=group"), ("filter", "kind=component"), ("limit", "1"), ("fields", "metadata.name")],
        )
        .await;
    assert_eq!(list, names("orders"));

    let status = stack.get("/api/status", &[]).await;
    assert_eq!((&status["index"]["entities"], &status["index"]["following"]), (&json!(3), &json!(true)));
    // The alias is a record too, and the batch came twice.
    let index = &status["sources"][0];
    assert_eq!((&index["counts"]["records"], &index["conservation"]["records"]), (&json!(8), &json!(true)));
}

#[tokio::test]
async fn a_walk_by_predicate_goes_on_by_either_method_and_back() {
    let mut stack = shop().await;
    stack.index().await;
    let path = "/api/catalog/entities/by-query";
    let query = json!({
        "query": {"$not": {"kind": "user"}}, "orderBy": [{"field": "metadata.name", "order": "asc"}], "limit": 1,
        "fields": ["metadata.name"],
    });
    let (status, text) = stack.ask("POST", path, &[], &query.to_string()).await;
    assert_eq!(status, 200, "{text}");
    let page: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&page["items"][0]["metadata"]["name"], &page["totalItems"]), (&json!("orders"), &json!(3)));
    let cursor = page["pageInfo"]["nextCursor"].as_str().unwrap();
    let page = stack.get(path, &[("cursor", cursor), ("limit", "1")]).await;
    assert_eq!(page["items"][0]["metadata"]["name"], "Orders-DB");
    let cursor = page["pageInfo"]["prevCursor"].as_str().unwrap();
    let back = json!({"cursor": cursor, "limit": 1, "fields": ["metadata.name"]});
    let (_, text) = stack.ask("POST", path, &[], &back.to_string()).await;
    let page: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(page["items"], json!([{"metadata": {"name": "orders"}}]));
    assert!(page["pageInfo"].get("prevCursor").is_none() && page["pageInfo"]["nextCursor"].is_string());
}

#[tokio::test]
async fn every_other_route_answers_as_backstage_does() {
    let mut stack = shop().await;
    stack.index().await;
    let catalog = |path: &str| format!("/api/catalog/{path}");
    for (method, path, body, status, answer) in [
        ("POST", "refresh", r#"{"entityRef":"Group:default/TEAM-a"}"#, 200, ""),
        ("POST", "refresh", r#"{"entityRef":"group:default/nope"}"#, 404, "Entity group:default/nope not found"),
        ("GET", "locations", "", 200, "[]"),
        ("POST", "locations/by-query", "{}", 200, r#"{"items":[],"totalItems":0,"pageInfo":{}}"#),
        ("GET", "locations/11111111-1111-1111-1111-111111111111", "", 404, "Found no location with ID 11111111"),
        ("DELETE", "locations/by-query", "", 400, "request/params/id must be a UUID"),
        ("GET", "locations/by-entity/group/default/nope", "", 404, "found no entity for ref group:default/nope"),
        (
            "GET",
            "locations/by-entity/group/default/team-a",
            "",
            404,
            "Found no location with type callboard and target http",
        ),
        ("POST", "locations", r#"{"type":"url","target":"https://x"}"#, 501, "/api/exports/"),
        (
            "POST",
            "locations",
            r#"{"type":"file","target":"/x"}"#,
            400,
            "Registered locations must be of an allowed type",
        ),
        ("POST", "analyze-location", r#"{"location":{"type":"url","target":"https://x"}}"#, 501, "/api/exports/"),
        ("DELETE", "entities/by-uid/nope", "", 204, ""),
        (
            "GET",
            "entities/by-name/group/default/team-a/ancestry",
            "",
            200,
            r#"{"rootEntityRef":"group:default/team-a""#,
        ),
        ("GET", "entities/by-name/Group/default/Nope/ancestry", "", 404, "No such entity group:default/nope"),
        (
            "POST",
            "entity-facets",
            r#"{"facets":["kind"],"query":{"kind":"group"}}"#,
            200,
            r#"[{"value":"Group","count":1}]"#,
        ),
        ("POST", "entity-facets", r#"{"facets":[""]}"#, 400, "Missing or empty facets parameter"),
        (
            "POST",
            "entities/by-refs",
            r#"{"entityRefs":["group:default/team-a","component:default/orders"],"fields":["kind"],"query":{"kind":"group"}}"#,
            200,
            r#"{"items":[{"kind":"Group"},null]}"#,
        ),
    ] {
        let (got, text) = stack.ask(method, &catalog(path), &[], body).await;
        assert!(got == status && text.contains(answer), "{method} {path} {body}: {got} {text}");
    }
    let orders = [("order", "desc:kind"), ("order", "asc:metadata.name"), ("limit", "2"), ("fields", "kind")];
    let list = stack.get("/api/catalog/entities", &orders).await;
    assert_eq!(list, json!([{"kind": "Resource"}, {"kind": "Group"}]));
}

#[tokio::test]
async fn the_stream_of_the_log_and_of_counts_writes_nothing() {
    let mut stack = shop().await;
    stack.index().await;
    let after_records = stack.changes().await;
    assert!(!after_records["Records"].as_array().unwrap().is_empty());
    stack.feed(&after_records).await;
    assert_eq!(stack.changes().await, json!({"Records": []}));
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_a_broken_row_and_holds_nothing_back() {
    let mut stack = shop().await;
    let mut event = stack.changes().await;
    for record in event["Records"].as_array_mut().unwrap() {
        let image = record["dynamodb"]["NewImage"].as_object_mut().unwrap();
        if image["pk"]["S"].as_str().unwrap().contains("team-a") {
            let fragments: Vec<&mut Value> = image.values_mut().filter(|value| value.get("M").is_some()).collect();
            fragments.into_iter().for_each(|fragment| *fragment = json!({"M": {"x": {"S": "y"}}}));
        }
    }
    stack.feed(&event).await;
    let status = stack.get("/api/status", &[]).await;
    assert_eq!(status["index"]["entities"], 2);
    assert_eq!(status["index"]["broken"][0]["record"], "e#group:default/team-a");
    assert!(status["index"]["broken"][0]["reason"].as_str().unwrap().contains("names no source object"));
}

#[tokio::test]
async fn a_log_that_cannot_be_reached_gives_the_batch_back_from_its_first_change() {
    let mut stack = shop().await;
    let event = stack.changes().await;
    let closed = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "tests"))
        .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
        .endpoint_url("http://127.0.0.1:9")
        .build();
    let s3 = aws_sdk_s3::Config::builder().behavior_version(BehaviorVersion::latest()).build();
    let store = CatalogStore::from_clients(
        aws_sdk_dynamodb::Client::from_conf(closed),
        aws_sdk_s3::Client::from_conf(s3),
        TABLE,
        "callboard-catalog",
    )
    .with_ownership(Rules::default());
    let event = serde_json::from_value(event).unwrap();
    let deps = catalog_index::Deps::of_store(store);
    let response = catalog_index::handle(event, &deps, Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(json!(response), json!({"batchItemFailures": [{"itemIdentifier": "1"}]}));
}

#[tokio::test]
async fn explain_names_the_delivery_behind_each_field_also_when_the_entity_is_gone() {
    let mut stack = shop().await;
    stack.index().await;
    let explained = stack.get("/api/explain/resource/default/orders-db", &[]).await;
    assert_eq!(explained["fields"]["/spec/type"]["by"]["delivery"], "request-3");
    assert_eq!(
        explained["fields"]["/spec/owner"],
        json!({"value": "team-a", "rule": "inherited from component:default/orders", "by": null, "lost": []})
    );
    assert_eq!(explained["name"]["holder"], json!(database()));
    assert_eq!(explained["relations"][0]["by"][0]["source"], "http/shop/catalog-info/state");
    assert_eq!(explained["entity"]["metadata"]["name"], "Orders-DB");

    stack.say(RecordKey::Entity(database()), &file("state"), Said::Gone).await;
    let explained = stack.get("/api/explain/resource/default/orders-db", &[]).await;
    assert_eq!((&explained["existence"]["exists"], &explained["entity"]), (&json!(false), &Value::Null));
    assert_eq!(explained["fragments"][0]["said"], "gone");
    stack.index().await;
    let derived = derived_ref(&database());
    let explained = stack.get(&format!("/api/explain/resource/default/{}", derived.name()), &[]).await;
    assert_eq!(explained["identity"], json!(database()));
    let (status, _) =
        stack.ask("GET", &format!("/api/catalog/entities/by-name/resource/default/{}", derived.name()), &[], "").await;
    assert_eq!(status, 404);
    let (status, text) = stack.ask("GET", "/api/explain/component/default/nope", &[], "").await;
    assert_eq!(status, 404);
    assert!(text.contains("nothing was ever said about component:default/nope"), "{text}");
}

#[tokio::test]
async fn costs_are_those_of_the_generation_that_counts_and_follow_the_identity() {
    let mut stack = shop().await;
    stack.index().await;
    let amount = |text: &str| Amount::read(text).unwrap().amount;
    let rollup = |text: &str| {
        let mut rollup = Rollup::new("2026-10".parse().unwrap());
        let dimensions = Dimensions {
            service: "AmazonRDS".into(),
            region: "eu-west-1".into(),
            account: "111122223333".into(),
            environment: None,
            attribution: Attribution::Component("component:default/orders".parse().unwrap()),
            owner: Some("group:default/team-a".parse().unwrap()),
            currency: "USD".parse().unwrap(),
        };
        let amounts = Amounts { unblended: amount(text), amortized: amount(text), net_amortized: amount("0") };
        rollup.add("2026-10-02".parse().unwrap(), &dimensions, &amounts).unwrap();
        rollup.to_json()
    };
    for (generation, text) in [("1", "1.5"), ("2", "0.1000000000000000001")] {
        for scope in ["all".to_owned(), database().to_string()] {
            stack.store.put_rollup(&scope, "2026-10", generation, &rollup(text)).await.unwrap();
        }
        let head = RollupHead {
            generation: generation.into(),
            totals: json!({}),
            last_complete_day: Some("2026-10-02".into()),
            at_ms: 5,
        };
        stack.store.flip_head("bill", "2026-10", &head).await.unwrap();
    }
    let span = [("from", "2026-10-01"), ("to", "2026-11-01")];
    for scope in [
        "all",
        "resource:default/orders-db",
        "arn:aws:rds:eu-west-1:111122223333:cluster:Orders",
        &derived_ref(&database()).to_string(),
    ] {
        let costs = stack.get("/api/costs", &[("scope", scope), ("by", "service,owner"), span[0], span[1]]).await;
        assert_eq!(costs["totals"], json!({"USD": "0.1000000000000000001"}), "{scope}");
        assert_eq!(costs["rows"][0]["owner"], "group:default/team-a");
    }
    let costs = stack.get("/api/costs", &[("scope", "component:default/orders"), span[0], span[1]]).await;
    assert_eq!((&costs["totals"], &costs["rows"]), (&json!({}), &json!([])));
    let (status, _) =
        stack.ask("GET", "/api/costs", &[("scope", "component:default/nope"), span[0], span[1]], "").await;
    assert_eq!(status, 404);

    let statement = stack.get("/api/costs/statements/2026-10", &[]).await;
    assert_eq!(statement["rows"][0]["component"], "component:default/orders");
    let (_, csv) = stack.ask("GET", "/api/costs/statements/2026-10", &[("format", "csv")], "").await;
    assert!(csv.contains("2026-10,group:default/team-a,component:default/orders,,USD,0.1000000000000000001,"), "{csv}");
    let (status, _) = stack.ask("GET", "/api/costs/statements/2026-09", &[], "").await;
    assert_eq!(status, 404);
    assert_eq!(stack.get("/api/status", &[]).await["costs"][0]["lastCompleteDay"], "2026-10-02");
}
