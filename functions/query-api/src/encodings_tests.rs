use std::io::Read;

use serde_json::json;

use super::*;
use crate::answers::{json_text, raw_json};

fn request(headers: &serde_json::Value) -> ApiGatewayProxyRequest {
    serde_json::from_value(json!({
        "httpMethod": "GET", "path": "/", "headers": headers, "requestContext": {"httpMethod": "GET"},
    }))
    .unwrap()
}

#[test]
fn the_coding_is_the_one_that_the_caller_likes_best() {
    for (accepted, best) in [
        ("", None),
        ("gzip", Some(Coding::Gzip)),
        ("gzip, deflate, br, zstd", Some(Coding::Zstd)),
        ("zstd;q=0.5, gzip;q=0.8", Some(Coding::Gzip)),
        ("GZIP;q=0", None),
        ("*", Some(Coding::Zstd)),
        ("*;q=0.1, zstd;q=0", Some(Coding::Gzip)),
        ("identity, gzip;q=0.5", None),
        ("br", None),
        ("gzip;q=1.5, zstd;q=x", None),
    ] {
        assert_eq!(Coding::best(accepted), best, "{accepted}");
    }
}

#[tokio::test]
async fn a_long_body_is_compressed_and_a_short_one_is_not() {
    let long = "x".repeat(5_000);
    for coding in ["gzip", "zstd"] {
        let request = request(&json!({"accept-encoding": coding}));
        let pieces = futures::stream::iter([Ok(Bytes::from(long.clone())), Ok(Bytes::from_static(b"y"))]).boxed();
        for (answer, expected) in
            [(json_text(long.clone()), long.clone()), (raw_json(AnswerBody::Stream(pieces)), format!("{long}y"))]
        {
            let answer = finished(answer, &request);
            assert_eq!(
                (&answer.headers["content-encoding"], &answer.headers["vary"]),
                (&HeaderValue::from_static(coding), &HeaderValue::from_static("Accept-Encoding"))
            );
            let bytes = answer.body.collect().await.unwrap();
            assert!(bytes.len() < 200);
            let mut text = String::new();
            match coding {
                "gzip" => flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text).unwrap(),
                _ => zstd::stream::read::Decoder::new(&*bytes).unwrap().read_to_string(&mut text).unwrap(),
            };
            assert_eq!(text, expected);
        }
        let answer = finished(json_text("short".to_owned()), &request);
        assert!(!answer.headers.contains_key("content-encoding") && answer.headers.contains_key("vary"));
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_breaks_off_compressed_as_well() {
    let pieces = [Ok(Bytes::from_static(b"[")), Err(BrokenOff("no table".to_owned()))];
    let answer = raw_json(AnswerBody::Stream(futures::stream::iter(pieces).boxed()));
    let answer = finished(answer, &request(&json!({"accept-encoding": "gzip"})));
    assert!(answer.body.collect().await.is_err());
}

#[test]
fn who_has_the_answer_already_gets_a_304() {
    let tag = json_text("[]".to_owned()).headers["etag"].to_str().unwrap().to_owned();
    let strong = tag.trim_start_matches("W/").to_owned();
    for (headers, status) in [
        (json!({}), 200),
        (json!({"if-none-match": tag}), 304),
        (json!({"if-none-match": strong}), 304),
        (json!({"if-none-match": format!("\"x\", {tag}")}), 304),
        (json!({"if-none-match": "*"}), 304),
        (json!({"if-none-match": "\"x\""}), 200),
        (json!({"if-none-match": tag, "cache-control": "no-cache"}), 200),
        (json!({"if-none-match": tag, "if-modified-since": "Sat, 28 Nov 2026 02:11:54 GMT"}), 200),
    ] {
        let answer = finished(json_text("[]".to_owned()), &request(&headers));
        assert_eq!(answer.status, status, "{headers}");
        assert_eq!(answer.headers.contains_key("content-type"), status == 200);
    }
    let raw = finished(raw_json(AnswerBody::Full(Bytes::from_static(b"[]"))), &request(&json!({"if-none-match": "*"})));
    assert_eq!(raw.status, 200);
}
