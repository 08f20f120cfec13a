//! An issuer's keys over time, and issuers that are down or hostile.

use std::time::{Duration, Instant};

use authorizer::{AuthorizeError, Deps, Settings};
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::issuer::{Answer, Issuer, key_set};
use crate::signing::{Key, base64};
use crate::{AUDIENCE, NOW_S, ask, deps};

const UNAUTHORIZED: Result<(), AuthorizeError> = Err(AuthorizeError::Unauthorized);

#[tokio::test]
async fn a_new_key_is_found_when_a_token_names_it_and_one_that_was_taken_back_is_forgotten() {
    let (old, new) = (Key::rsa(), Key::ec());
    let issuer = Issuer::start(key_set(&[old.jwk("old")])).await;
    let deps = deps(&issuer.url);
    let (by_old, by_new) = (old.token("old", &issuer.url), new.token("new", &issuer.url));
    assert!(ask(&deps, &by_old, NOW_S).await.is_ok());
    issuer.publish(&key_set(&[new.jwk("new")]));
    // A minute must pass between two looks.
    assert_eq!(ask(&deps, &by_new, NOW_S + 59).await.map(|_| ()), UNAUTHORIZED);
    assert!(ask(&deps, &by_old, NOW_S + 59).await.is_ok());
    assert!(ask(&deps, &by_new, NOW_S + 60).await.is_ok());
    assert_eq!(ask(&deps, &by_old, NOW_S + 60).await.map(|_| ()), UNAUTHORIZED);
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn a_key_that_was_taken_back_admits_nobody_after_ten_minutes() {
    let (old, new) = (Key::ec(), Key::ec());
    let issuer = Issuer::start(key_set(&[old.jwk("old"), new.jwk("new")])).await;
    let deps = deps(&issuer.url);
    let by_old = old.token("old", &issuer.url);
    assert!(ask(&deps, &by_old, NOW_S).await.is_ok());
    issuer.publish(&key_set(&[new.jwk("new")]));
    assert!(ask(&deps, &by_old, NOW_S + 599).await.is_ok());
    assert_eq!(ask(&deps, &by_old, NOW_S + 600).await.map(|_| ()), UNAUTHORIZED);
}

#[tokio::test]
async fn a_thousand_invented_key_ids_ask_the_issuer_once_a_minute() {
    let key = Key::ec();
    let issuer = Issuer::start(key_set(&[key.jwk("k1")])).await;
    let deps = deps(&issuer.url);
    for second in 0..1000 {
        let token = key.token(&format!("k{}", second + 2), &issuer.url);
        assert_eq!(ask(&deps, &token, NOW_S + second * 120 / 1000).await.map(|_| ()), UNAUTHORIZED);
    }
    assert_eq!(issuer.asked(), 2);
    assert!(ask(&deps, &key.token("k1", &issuer.url), NOW_S).await.is_ok());
}

#[tokio::test]
async fn many_requests_at_once_ask_the_issuer_once() {
    let key = Key::ec();
    let issuer = Issuer::start(key_set(&[key.jwk("k1")])).await;
    let deps = deps(&issuer.url);
    let token = key.token("k1", &issuer.url);
    let all = futures::future::join_all((0..50).map(|_| ask(&deps, &token, NOW_S))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn an_issuer_that_is_down_is_believed_by_its_last_keys_for_a_day() {
    let key = Key::rsa();
    let issuer = Issuer::start(key_set(&[key.jwk("k1")])).await;
    let deps = deps(&issuer.url);
    let long = |exp: i64| {
        let mut claims = crate::signing::claims(&issuer.url);
        claims["exp"] = json!(exp);
        key.sign(&key.header("k1"), &claims)
    };
    let token = long(NOW_S + 10 * 24 * 3600);
    assert!(ask(&deps, &token, NOW_S).await.is_ok());
    issuer.answer(Answer::Text(StatusCode::SERVICE_UNAVAILABLE, String::new()));
    assert!(ask(&deps, &token, NOW_S + 3600).await.is_ok());
    assert!(ask(&deps, &token, NOW_S + 24 * 3600 - 1).await.is_ok());
    assert_eq!(ask(&deps, &token, NOW_S + 24 * 3600).await.map(|_| ()), Err(AuthorizeError::NoKeys));
    issuer.publish(&key_set(&[key.jwk("k1")]));
    assert!(ask(&deps, &token, NOW_S + 24 * 3600 + 60).await.is_ok());
}

#[tokio::test]
async fn an_issuer_that_never_answered_is_no_fault_of_the_caller() {
    let key = Key::ec();
    let issuer = Issuer::start(json!({"keys": []})).await;
    let url = issuer.url.clone();
    drop(issuer);
    let refused = ask(&deps(&url), &key.token("k1", &url), NOW_S).await.unwrap_err();
    assert_eq!(refused, AuthorizeError::NoKeys);
    assert_ne!(refused.to_string(), "Unauthorized", "API Gateway would answer 401");
}

/// Key sets that must be refused or read with care: what, the document, and whether the good key in it is used.
fn hostile(good: &Value) -> Vec<(&'static str, String, bool)> {
    let with = |name: &str, value: Value| {
        let mut key = good.clone();
        key[name] = value;
        key_set(&[key]).to_string()
    };
    vec![
        ("no JSON", "<html>".to_owned(), false),
        ("an array", json!([good]).to_string(), false),
        ("keys of no list", json!({"keys": {"k1": good}}).to_string(), false),
        ("no keys", json!({"keys": []}).to_string(), false),
        ("too many keys", key_set(&vec![good.clone(); 101]).to_string(), false),
        ("one id twice", key_set(&[good.clone(), good.clone()]).to_string(), false),
        ("for encryption", with("use", json!("enc")), false),
        ("to sign with", with("key_ops", json!(["sign"])), false),
        ("of another algorithm", with("alg", json!("PS256")), false),
        ("of another kind", with("kty", json!("oct")), false),
        ("of another curve", with("crv", json!("P-384")), false),
        ("a coordinate too short", with("x", json!(base64([1; 31]))), false),
        ("a coordinate of no base64", with("x", json!("*")), false),
        ("an id of no text", with("kid", json!(1)), false),
        ("nested without end", "[".repeat(100_000), false),
        (
            "broken ones around a good one",
            key_set(&[json!(1), json!({"kty": "RSA"}), good.clone(), json!(null)]).to_string(),
            true,
        ),
    ]
}

#[tokio::test]
async fn a_key_set_that_cannot_be_used_admits_nobody_and_harms_nobody() {
    let key = Key::ec();
    let issuer = Issuer::start(json!({})).await;
    let token = key.token("k1", &issuer.url);
    for (what, document, is_used) in hostile(&key.jwk("k1")) {
        issuer.answer(Answer::Text(StatusCode::OK, document));
        let outcome = ask(&deps(&issuer.url), &token, NOW_S).await;
        assert_eq!(outcome.is_ok(), is_used, "{what}");
    }
    // A point that is not on the curve is found out when it is used.
    let mut off = key.jwk("k1");
    off["y"] = json!(base64([7; 32]));
    issuer.publish(&key_set(&[off]));
    assert_eq!(ask(&deps(&issuer.url), &token, NOW_S).await.map(|_| ()), UNAUTHORIZED);
    let mut weak = Key::rsa().jwk("k1");
    weak["n"] = json!(base64([0xff; 128]));
    issuer.publish(&key_set(&[weak]));
    assert!(ask(&deps(&issuer.url), &token, NOW_S).await.is_err());
}

#[tokio::test]
async fn a_key_set_without_end_or_without_a_beginning_is_given_up_within_seconds() {
    let key = Key::ec();
    let elsewhere = Issuer::start(key_set(&[key.jwk("k1")])).await;
    for answer in [Answer::Endless, Answer::Silent, Answer::Redirect(format!("{}/keys", elsewhere.url))] {
        let issuer = Issuer::start(json!({})).await;
        issuer.answer(answer);
        let began = Instant::now();
        let outcome = ask(&deps(&issuer.url), &key.token("k1", &issuer.url), NOW_S).await;
        assert_eq!(outcome.map(|_| ()), Err(AuthorizeError::NoKeys));
        assert!(began.elapsed() < Duration::from_secs(9));
    }
    assert_eq!(elsewhere.asked(), 0, "a redirect is not followed");
}

#[tokio::test]
async fn a_discovery_document_may_not_speak_for_another_issuer_or_send_us_into_the_open() {
    let key = Key::ec();
    let issuer = Issuer::start(key_set(&[key.jwk("k1")])).await;
    let token = key.token("k1", &issuer.url);
    let keys = format!("{}/keys", issuer.url);
    for document in [
        json!({"issuer": "https://other.example", "jwks_uri": keys}),
        json!({"issuer": issuer.url, "jwks_uri": "http://keys.example/keys"}),
        json!({"issuer": issuer.url, "jwks_uri": "file:///etc/passwd"}),
        json!({"issuer": issuer.url}),
        json!([]),
    ] {
        issuer.discovery(document.clone());
        let outcome = ask(&deps(&issuer.url), &token, NOW_S).await;
        assert_eq!(outcome.map(|_| ()), Err(AuthorizeError::NoKeys), "{document}");
    }
    assert_eq!(issuer.asked(), 0);
}

#[tokio::test]
async fn two_issuers_are_kept_apart() {
    let (one, two) = (Key::ec(), Key::ec());
    let first = Issuer::start(key_set(&[one.jwk("k1")])).await;
    let second = Issuer::start(key_set(&[two.jwk("k1")])).await;
    let both = format!("{},{}", first.url, second.url);
    let deps = Deps::new(Settings::read(&both, "", AUDIENCE, "", "").unwrap());
    assert!(ask(&deps, &one.token("k1", &first.url), NOW_S).await.is_ok());
    assert!(ask(&deps, &two.token("k1", &second.url), NOW_S).await.is_ok());
    assert_eq!(ask(&deps, &one.token("k1", &second.url), NOW_S).await.map(|_| ()), UNAUTHORIZED);
}
