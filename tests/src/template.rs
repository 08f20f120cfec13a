//! `infra/template.yaml` -> what consumes what, as facts that can be compared with the local stack's.

use std::collections::BTreeSet;

use callboard::wiring;
use serde_json::Value;

/// One fact a line, sorted: `queue ExportQueue -> cicd-export, batches of 10, 5 receives, then ExportDeadLetters`.
pub type Facts = BTreeSet<String>;

/// Reads a template. CloudFormation's short tags are dropped: `!Ref Table` reads as `Table`.
///
/// # Panics
/// Panics on a template that is no YAML.
pub fn read(text: &str) -> Value {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('!') {
        let (before, tagged) = rest.split_at(at);
        let name = tagged[1..].chars().take_while(char::is_ascii_alphanumeric).count();
        let is_tag = name > 0 && !before.ends_with(|c: char| c.is_alphanumeric());
        plain.push_str(before);
        rest = &tagged[if is_tag { 1 + name } else { 1 }..];
        if !is_tag {
            plain.push('!');
        }
    }
    plain.push_str(rest);
    serde_saphyr::from_str(&plain).expect("the template is YAML")
}

/// What the template says.
pub fn facts_of_template(template: &Value) -> Facts {
    let mut facts = Facts::new();
    let Some(resources) = template["Resources"].as_object() else { return facts };
    for (name, resource) in resources {
        let properties = &resource["Properties"];
        match resource["Type"].as_str().unwrap_or_default() {
            "AWS::SQS::Queue" if properties["RedrivePolicy"].is_object() => {
                let policy = &properties["RedrivePolicy"];
                let dead_letters = logical(&policy["deadLetterTargetArn"]);
                facts.insert(format!("queue {name}: {} receives, then {dead_letters}", policy["maxReceiveCount"]));
            }
            "AWS::S3::Bucket" => {
                for notification in list(&properties["NotificationConfiguration"]["QueueConfigurations"]) {
                    facts.insert(notification_fact(name, notification));
                }
            }
            "AWS::Events::Rule" => {
                for target in list(&properties["Targets"]) {
                    let pattern = &properties["EventPattern"];
                    facts.insert(rule_fact(
                        &texts(&pattern["source"]),
                        &texts(&pattern["detail-type"]),
                        &detail_of(&pattern["detail"]),
                        &logical(&target["Arn"]),
                    ));
                }
            }
            "AWS::Serverless::Function" => functions_facts(resource, &mut facts),
            "AWS::Serverless::Api" => api_facts(&properties["DefinitionBody"]["paths"], resources, &mut facts),
            "AWS::DynamoDB::Table" => {
                facts.insert(format!("stream {name}: {}", text(&properties["StreamSpecification"]["StreamViewType"])));
            }
            _ => {}
        }
    }
    facts
}

/// Operations that an API's definition sends to functions; what it answers alone is no fact about them.
fn api_facts(paths: &Value, resources: &serde_json::Map<String, Value>, facts: &mut Facts) {
    for (path, operations) in paths.as_object().into_iter().flatten() {
        for (method, operation) in operations.as_object().into_iter().flatten() {
            let integration = &operation["x-amazon-apigateway-integration"];
            let method = if method == "x-amazon-apigateway-any-method" { "ANY" } else { method };
            let uri = text(&integration["uri"]);
            let Some((before, after)) = uri.split_once("functions/${") else { continue };
            let (id, call) = after.split_once(".Arn}/").unwrap_or_default();
            let function = text(&resources[id]["Metadata"]["BuildProperties"]["Binary"]);
            let lambda = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path";
            let version = before.strip_prefix(lambda).unwrap_or_default();
            let is_stream = (version, call) == ("/2021-11-15/", "response-streaming-invocations");
            let is_whole = (version, call) == ("/2015-03-31/", "invocations");
            let mode = integration["responseTransferMode"].as_str().unwrap_or("BUFFERED");
            let bound_ms = integration["timeoutInMillis"].as_u64().unwrap_or_default();
            let how = match (mode, is_stream, is_whole) {
                ("STREAM", true, false) => format!("streamed within {bound_ms} ms"),
                ("BUFFERED", false, true) => "whole".to_owned(),
                _ => format!("contradiction in {uri} and {mode}"),
            };
            facts.insert(route_fact(&method.to_uppercase(), path, function, &how));
        }
    }
}

fn functions_facts(resource: &Value, facts: &mut Facts) {
    let function = text(&resource["Metadata"]["BuildProperties"]["Binary"]);
    let properties = &resource["Properties"];
    facts.insert(format!("code {function}: {}", text(&properties["CodeUri"])));
    let Some(events) = properties["Events"].as_object() else { return };
    for (name, event) in events {
        let of = &event["Properties"];
        let responses = texts(&of["FunctionResponseTypes"]);
        match text(&event["Type"]) {
            "SQS" => {
                facts.insert(source_fact(&logical(&of["Queue"]), function, &of["BatchSize"].to_string(), &responses));
                let tries = text(&properties["Environment"]["Variables"]["MAX_RECEIVE_COUNT"]);
                facts.insert(format!("{function} knows of {tries} receives"));
            }
            "DynamoDB" => {
                let table = logical(&of["Stream"]);
                facts.insert(source_fact(&table, function, &of["BatchSize"].to_string(), &responses));
            }
            "Schedule" => {
                facts.insert(schedule_fact(name, text(&of["Schedule"]), text(&of["Input"]), function));
            }
            other => {
                facts.insert(format!("{function} is called by {other}"));
            }
        }
    }
}

/// What the local stack says.
pub fn facts_of_local_stack() -> Facts {
    let mut facts = Facts::new();
    for queue in wiring::QUEUES {
        let wiring::Queue { name, dead_letters, max_receive_count, batch_size, function } = queue;
        facts.insert(format!("queue {name}: {max_receive_count} receives, then {dead_letters}"));
        facts.insert(source_fact(name, function, &batch_size.to_string(), "ReportBatchItemFailures"));
        facts.insert(format!("{function} knows of {max_receive_count} receives"));
    }
    for notification in wiring::NOTIFICATIONS {
        for event in notification.events {
            let wiring::Notification { bucket, prefix, suffix, queue, .. } = notification;
            facts.insert(format!("{event} in {bucket} at `{prefix}*{suffix}` -> {queue}"));
        }
    }
    for rule in wiring::RULES {
        let detail: Vec<String> =
            rule.detail.iter().map(|(field, texts)| format!("{field} in {}", texts.join(" + "))).collect();
        let (sources, types) = (rule.sources.join(" + "), rule.detail_types.join(" + "));
        facts.insert(rule_fact(&sources, &types, &detail.join(", "), rule.queue));
    }
    let stream = wiring::TABLE_STREAM;
    facts.insert(format!("stream {}: {}", stream.table, stream.view));
    facts.insert(source_fact(stream.table, stream.function, &stream.batch_size.to_string(), "ReportBatchItemFailures"));
    for route in wiring::ROUTES {
        let how = match route.answer {
            wiring::Answer::Whole => "whole".to_owned(),
            wiring::Answer::Streamed => format!("streamed within {} ms", wiring::MAX_STREAM_DURATION.as_millis()),
        };
        facts.insert(route_fact(route.method, route.path, route.function, &how));
    }
    for schedule in wiring::SCHEDULES {
        facts.insert(schedule_fact(schedule.name, schedule.expression, schedule.input, schedule.function));
    }
    for function in wiring::FUNCTIONS {
        facts.insert(format!("code {function}: ../functions/{function}"));
    }
    facts
}

fn notification_fact(bucket: &str, notification: &Value) -> String {
    let (mut prefix, mut suffix) = ("", "");
    for rule in list(&notification["Filter"]["S3Key"]["Rules"]) {
        match text(&rule["Name"]) {
            "prefix" => prefix = text(&rule["Value"]),
            "suffix" => suffix = text(&rule["Value"]),
            _ => {}
        }
    }
    let (event, queue) = (text(&notification["Event"]), logical(&notification["Queue"]));
    format!("{event} in {bucket} at `{prefix}*{suffix}` -> {queue}")
}

/// By the names of the fields.
fn detail_of(pattern: &Value) -> String {
    let fields = pattern.as_object().into_iter().flatten();
    fields.map(|(field, of)| format!("{field} in {}", texts(of))).collect::<Vec<_>>().join(", ")
}

fn rule_fact(source: &str, detail_types: &str, detail: &str, queue: &str) -> String {
    format!("event {source} / {detail_types} / {detail} -> {queue}")
}

fn source_fact(source: &str, function: &str, batch_size: &str, responses: &str) -> String {
    format!("{source} -> {function} in batches of {batch_size}, answering {responses}")
}

fn route_fact(method: &str, path: &str, function: &str, how: &str) -> String {
    format!("{method} {path} -> {function}, {how}")
}

fn schedule_fact(name: &str, expression: &str, input: &str, function: &str) -> String {
    format!("{name} at {expression}: {input} -> {function}")
}

/// The logical id in `Queue.Arn`.
fn logical(value: &Value) -> String {
    text(value).split('.').next().unwrap_or_default().to_owned()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn texts(value: &Value) -> String {
    list(value).iter().map(text).collect::<Vec<_>>().join(" + ")
}
