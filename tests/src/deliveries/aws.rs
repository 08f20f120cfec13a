//! The envelopes that AWS puts around a message.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The queue's own account and region are part of its ARN.
#[derive(Debug, Clone, Copy)]
pub struct Queue<'a> {
    pub account: &'a str,
    pub region: &'a str,
    pub name: &'a str,
}

/// A batch of messages as Lambda's event source mapping hands it over.
pub fn sqs_batch(queue: Queue<'_>, sent_ms: i64, bodies: &[String]) -> Value {
    let Queue { account, region, name } = queue;
    let records: Vec<Value> = bodies
        .iter()
        .enumerate()
        .map(|(at, body)| {
            json!({
                "messageId": uuid_of(&format!("{name} {sent_ms} {at}")),
                "receiptHandle": format!("AQEB{}", hex::encode(Sha256::digest(body))),
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": sent_ms.to_string(),
                    "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                    "ApproximateFirstReceiveTimestamp": (sent_ms + 15).to_string()
                },
                "messageAttributes": {},
                "md5OfBody": hex::encode(md5(body.as_bytes())),
                "eventSource": "aws:sqs",
                "eventSourceARN": format!("arn:aws:sqs:{region}:{account}:{name}"),
                "awsRegion": region
            })
        })
        .collect();
    json!({ "Records": records })
}

/// An S3 notification of a created object, in the classic form.
pub fn s3_created(account: &str, region: &str, bucket: &str, key: &str, bytes: &[u8], time: &str) -> Value {
    let sequencer = &hex::encode_upper(Sha256::digest(time))[..18];
    json!({
        "Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": region,
            "eventTime": time,
            "eventName": "ObjectCreated:Put",
            "userIdentity": {"principalId": format!("AWS:AROAEXAMPLE:{account}")},
            "requestParameters": {"sourceIPAddress": "192.0.2.10"},
            "responseElements": {
                "x-amz-request-id": sequencer,
                "x-amz-id-2": hex::encode(Sha256::digest(key))
            },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "notify",
                "bucket": {
                    "name": bucket,
                    "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                    "arn": format!("arn:aws:s3:::{bucket}")
                },
                "object": {
                    "key": s3_encoded(key),
                    "size": bytes.len(),
                    "eTag": hex::encode(md5(bytes)),
                    "sequencer": sequencer
                }
            }
        }]
    })
}

/// A request to the REST API, as its proxy integration hands it over. `path` starts at `/api/exports/`.
pub fn export_request(
    account: &str,
    producer_format_name: [&str; 3],
    query: &[(&str, &str)],
    content_type: &str,
    time_ms: i64,
    body: &str,
) -> Value {
    let [producer, format, name] = producer_format_name;
    let path = format!("/api/exports/{producer}/{format}/{name}");
    let single: Value =
        query.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect::<serde_json::Map<_, _>>().into();
    let multi: Value =
        query.iter().map(|(k, v)| ((*k).to_owned(), json!([v]))).collect::<serde_json::Map<_, _>>().into();
    let role = format!("arn:aws:sts::{account}:assumed-role/deploy/{}", producer.replace('.', "-"));
    json!({
        "resource": "/api/exports/{producer}/{format}/{name}",
        "path": path,
        "httpMethod": "PUT",
        "headers": {"Content-Type": content_type, "Host": "abcdef1234.execute-api.eu-west-1.amazonaws.com", "User-Agent": "curl/8.11.0"},
        "multiValueHeaders": {"Content-Type": [content_type], "Host": ["abcdef1234.execute-api.eu-west-1.amazonaws.com"], "User-Agent": ["curl/8.11.0"]},
        "queryStringParameters": if query.is_empty() { Value::Null } else { single },
        "multiValueQueryStringParameters": if query.is_empty() { Value::Null } else { multi },
        "pathParameters": {"producer": producer, "format": format, "name": name},
        "stageVariables": null,
        "requestContext": {
            "resourceId": "xyz123",
            "resourcePath": "/api/exports/{producer}/{format}/{name}",
            "httpMethod": "PUT",
            "path": format!("/live{path}"),
            "accountId": account,
            "apiId": "abcdef1234",
            "stage": "live",
            "protocol": "HTTP/1.1",
            "requestId": uuid_of(&format!("{path} {time_ms}")),
            "requestTime": "01/Nov/2026:10:00:00 +0000",
            "requestTimeEpoch": time_ms,
            "domainName": "abcdef1234.execute-api.eu-west-1.amazonaws.com",
            "identity": {
                "accountId": account,
                "caller": "AROAEXAMPLE:deploy",
                "sourceIp": "192.0.2.10",
                "user": "AROAEXAMPLE:deploy",
                "userAgent": "curl/8.11.0",
                "userArn": role
            }
        },
        "body": body,
        "isBase64Encoded": false
    })
}

/// A UUID that depends on the text alone.
pub fn uuid_of(text: &str) -> String {
    let digest = hex::encode(Sha256::digest(text));
    format!("{}-{}-4{}-8{}-{}", &digest[..8], &digest[8..12], &digest[13..16], &digest[17..20], &digest[20..32])
}

fn md5(bytes: &[u8]) -> [u8; 16] {
    use md5::{Digest as _, Md5};
    Md5::digest(bytes).into()
}

/// S3 writes keys in notifications as a form would: every byte but letters, digits and `-_.*/` is escaped.
fn s3_encoded(key: &str) -> String {
    let mut encoded = String::new();
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}
