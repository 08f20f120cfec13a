//! What is admitted, and everything that is not.

use authorizer::{AuthorizeError, Deps, Settings, handle};
use bearer_token::{Keys, Refusal, UnverifiedToken};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::issuer::{Issuer, key_set};
use crate::signing::{Key, base64, claims, claims_with, hmac_signed, unsigned};
use crate::{AUDIENCE, NOW_S, ask, at, deps, event};

const ISSUER: &str = "https://issuer.example";

#[tokio::test]
async fn a_token_of_the_issuer_admits_its_subject_to_the_whole_stage() {
    for key in [Key::rsa(), Key::ec()] {
        let issuer = Issuer::start(key_set(&[key.jwk("k1")])).await;
        let deps = deps(&issuer.url);
        let allowed = ask(&deps, &key.token("k1", &issuer.url), NOW_S).await.unwrap();
        assert_eq!(allowed.principal_id, "user:default/ann");
        assert_eq!((allowed.context.subject.as_str(), &allowed.context.issuer), ("user:default/ann", &issuer.url));
        let policy = serde_json::to_value(&allowed.policy_document).unwrap();
        assert!(policy["Statement"][0]["Resource"].as_str().unwrap().ends_with(":local/live/*"), "{policy}");
        assert_eq!(policy["Statement"][1]["Effect"], "Deny");
        let many = key.sign(&key.header("k1"), &claims_with(&issuer.url, "aud", Some(json!(["other", AUDIENCE]))));
        assert!(ask(&deps, &many, NOW_S).await.is_ok());
    }
}

#[tokio::test]
async fn keys_may_be_at_an_address_of_their_own_as_backstages_are() {
    let (key, issuer) = (Key::ec(), Issuer::start(json!({"keys": []})).await);
    issuer.publish(&key_set(&[key.jwk("k1")]));
    let (name, keys) = ("https://portal.example/api/auth", format!("{}/api/auth/.well-known/jwks.json", issuer.url));
    let deps = Deps::new(Settings::read(name, &keys, AUDIENCE, "", "true").unwrap());
    let allowed = ask(&deps, &key.token("k1", name), NOW_S).await.unwrap();
    let policy = serde_json::to_value(&allowed.policy_document).unwrap();
    assert_eq!(policy["Statement"].as_array().unwrap().len(), 1, "tokens may export here: {policy}");
}

/// Each forged or wrong token with the reason that goes into the log.
fn refused(rsa: &Key, ec: &Key, stranger: &Key) -> Vec<(&'static str, String, Refusal)> {
    let (good, rs256) = (claims(ISSUER), rsa.header("rsa"));
    let with = |name: &str, value: Value| rsa.sign(&rs256, &claims_with(ISSUER, name, Some(value)));
    let without = |name: &str| rsa.sign(&rs256, &claims_with(ISSUER, name, None));
    let header = |alg: &str, kid: &str| json!({"alg": alg, "kid": kid});
    let signed = rsa.token("rsa", ISSUER);
    let parts: Vec<&str> = signed.split('.').collect();
    let other_claims = base64(claims_with(ISSUER, "sub", Some(json!("user:default/root"))).to_string());
    vec![
        ("no algorithm at all", unsigned(&header("none", "rsa"), &good), Refusal::Algorithm),
        ("no algorithm, otherwise written", unsigned(&header("None", "rsa"), &good), Refusal::Algorithm),
        ("HMAC with the public key", hmac_signed(&header("HS256", "rsa"), &good, &rsa.modulus()), Refusal::Algorithm),
        ("another RSA algorithm", rsa.sign(&header("RS512", "rsa"), &good), Refusal::Algorithm),
        ("an HMAC said to be RS256", hmac_signed(&rs256, &good, &rsa.modulus()), Refusal::Signature),
        ("an RSA key for ES256", rsa.sign(&header("ES256", "rsa"), &good), Refusal::KeyMismatch),
        ("an EC key for RS256", ec.sign(&header("RS256", "ec"), &good), Refusal::KeyMismatch),
        ("a key of nobody", stranger.token("stranger", ISSUER), Refusal::UnknownKey),
        ("another's key under a known id", stranger.token("rsa", ISSUER), Refusal::Signature),
        ("no key id", rsa.sign(&json!({"alg": "RS256"}), &good), Refusal::NoKeyId),
        ("a key in the header", rsa.sign(&json!({"alg": "RS256", "jwk": stranger.jwk("x")}), &good), Refusal::NoKeyId),
        (
            "a critical extension",
            rsa.sign(&json!({"alg": "RS256", "kid": "rsa", "crit": ["b64"]}), &good),
            Refusal::Critical,
        ),
        ("no signature", unsigned(&rs256, &good), Refusal::Signature),
        ("changed claims", format!("{}.{other_claims}.{}", parts[0], parts[2]), Refusal::Signature),
        ("a cut signature", signed[..signed.len() - 4].to_owned(), Refusal::Signature),
        ("another audience", with("aud", json!("someone")), Refusal::Audience),
        ("other audiences", with("aud", json!(["a", "b"])), Refusal::Audience),
        ("no audience", without("aud"), Refusal::Claims),
        ("an audience of no text", with("aud", json!({"a": 1})), Refusal::Claims),
        ("expired", with("exp", json!(NOW_S - 60)), Refusal::Expired),
        ("no expiry", without("exp"), Refusal::Claims),
        ("an expiry of no number", with("exp", json!("never")), Refusal::Claims),
        ("an endless expiry in the past", with("exp", json!(-1e300)), Refusal::Expired),
        ("not yet valid", with("nbf", json!(NOW_S + 61)), Refusal::NotYetValid),
        ("no subject", without("sub"), Refusal::Claims),
        ("an empty subject", with("sub", json!("")), Refusal::Claims),
        ("no issuer", without("iss"), Refusal::Claims),
        ("an issuer of no text", with("iss", json!(7)), Refusal::Claims),
        ("too long", with("padding", json!("x".repeat(9_000))), Refusal::TooLong),
        ("no parts", "secret".to_owned(), Refusal::Malformed),
        ("four parts", format!("{signed}.x"), Refusal::Malformed),
        ("no base64", format!("!.{}.{}", parts[1], parts[2]), Refusal::Malformed),
        ("padded base64", format!("{}==.{}.{}", parts[0], parts[1], parts[2]), Refusal::Malformed),
        ("no JSON", format!("{}.{}.{}", base64("x"), parts[1], parts[2]), Refusal::Malformed),
        ("nested without end", format!("{}.{}.x", parts[0], base64("[".repeat(5_000))), Refusal::Malformed),
        (
            "two issuers",
            {
                let two = format!(r#"{{"iss":"{ISSUER}","iss":"https://other","sub":"a","aud":"{AUDIENCE}","exp":1}}"#);
                format!("{}.{}.{}", parts[0], base64(two), parts[2])
            },
            Refusal::Malformed,
        ),
    ]
}

#[test]
fn every_other_token_is_refused_for_a_reason_that_tells_nothing_of_it() {
    let (rsa, ec, stranger) = (Key::rsa(), Key::ec(), Key::rsa());
    let keys = Keys::parse(key_set(&[rsa.jwk("rsa"), ec.jwk("ec")]).to_string().as_bytes()).unwrap();
    let audiences = [AUDIENCE.to_owned()];
    let verify = |token: &str| UnverifiedToken::parse(token)?.verify(&keys, &audiences, NOW_S);
    assert!(verify(&rsa.token("rsa", ISSUER)).is_ok() && verify(&ec.token("ec", ISSUER)).is_ok());
    for (what, token, reason) in refused(&rsa, &ec, &stranger) {
        assert_eq!(verify(&token), Err(reason), "{what}");
        let said = reason.to_string();
        assert!(token.split('.').all(|part| part.len() < 12 || !said.contains(part)), "{what}: {said}");
    }
    // A minute of difference between two clocks is no reason.
    let nearly = [("exp", NOW_S - 59), ("nbf", NOW_S + 60)];
    for (name, second) in nearly {
        let token = rsa.sign(&rsa.header("rsa"), &claims_with(ISSUER, name, Some(json!(second))));
        assert!(verify(&token).is_ok(), "{name}");
    }
    let fraction = rsa.sign(&rsa.header("rsa"), &claims_with(ISSUER, "exp", Some(json!(1_767_229_200.5))));
    assert!(verify(&fraction).is_ok());
}

#[tokio::test]
async fn outside_there_is_one_refusal_for_all_reasons() {
    let (rsa, ec, stranger) = (Key::rsa(), Key::ec(), Key::rsa());
    let issuer = Issuer::start(key_set(&[rsa.jwk("rsa"), ec.jwk("ec")])).await;
    let deps = Deps::new(Settings::read(ISSUER, &issuer.url, AUDIENCE, "", "").unwrap());
    let good = rsa.token("rsa", ISSUER);
    assert!(ask(&deps, &good, NOW_S).await.is_ok());
    for (what, token, _) in refused(&rsa, &ec, &stranger) {
        assert_eq!(ask(&deps, &token, NOW_S).await, Err(AuthorizeError::Unauthorized), "{what}");
    }
    let foreign = rsa.token("rsa", "https://other.example");
    assert_eq!(ask(&deps, &foreign, NOW_S).await, Err(AuthorizeError::Unauthorized));
    let bearer = format!("Bearer {good}");
    let basic = format!("Basic {good}");
    for values in [&[][..], &[bearer.as_str(), bearer.as_str()], &[basic.as_str()], &[good.as_str()]] {
        let refused = handle(event(values), &deps, at(NOW_S)).await.unwrap_err();
        assert_eq!(refused.to_string(), "Unauthorized");
    }
}

#[tokio::test]
async fn static_tokens_are_taken_by_their_hash_and_beside_an_issuer() {
    let hash = |token: &str| hex::encode(Sha256::digest(token));
    let list = format!("portal:{},{}", hash("open sesame".replace(' ', "-").as_str()), hash("other"));
    let (key, issuer) = (Key::ec(), Issuer::start(json!({"keys": []})).await);
    issuer.publish(&key_set(&[key.jwk("k1")]));
    let deps = Deps::new(Settings::read(&issuer.url, "", AUDIENCE, &list, "").unwrap());
    let allowed = ask(&deps, "open-sesame", NOW_S).await.unwrap();
    assert_eq!((allowed.principal_id.as_str(), allowed.context.issuer.as_str()), ("external:portal", "static"));
    assert!(ask(&deps, "other", NOW_S).await.is_ok());
    assert!(ask(&deps, &key.token("k1", &issuer.url), NOW_S).await.is_ok());
    for token in ["open-sesam", "open-sesame1", &hash("other"), "OTHER"] {
        assert_eq!(ask(&deps, token, NOW_S).await, Err(AuthorizeError::Unauthorized), "{token}");
    }
}
