//! Keys made for a test, and tokens signed with them by hand: nothing of the library under test takes part.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaKeyPair,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{AUDIENCE, NOW_S};

pub(crate) enum Key {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", base64(header.to_string()), base64(claims.to_string()))
}

impl Key {
    pub(crate) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub(crate) fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
        }
    }

    /// The public key, as an issuer publishes it.
    pub(crate) fn jwk(&self, key_id: &str) -> Value {
        match self {
            Self::Rsa(key) => {
                let (modulus, exponent) =
                    (self.modulus(), key.public_key().exponent().big_endian_without_leading_zero().to_vec());
                json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": key_id, "n": base64(modulus), "e": base64(exponent)})
            }
            Self::Ec(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "kid": key_id, "x": base64(x), "y": base64(y)})
            }
        }
    }

    pub(crate) fn modulus(&self) -> Vec<u8> {
        match self {
            Self::Rsa(key) => key.public_key().modulus().big_endian_without_leading_zero().to_vec(),
            Self::Ec(key) => key.public_key().as_ref().to_vec(),
        }
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let random = SystemRandom::new();
        let signature = match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let padding = if header["alg"] == "RS512" { &RSA_PKCS1_SHA512 } else { &RSA_PKCS1_SHA256 };
                key.sign(padding, &random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
            Self::Ec(key) => key.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
        };
        format!("{message}.{}", base64(signature))
    }

    /// A token of an hour from [`NOW_S`].
    pub(crate) fn token(&self, key_id: &str, issuer: &str) -> String {
        self.sign(&self.header(key_id), &claims(issuer))
    }

    pub(crate) fn header(&self, key_id: &str) -> Value {
        json!({"typ": "JWT", "alg": self.algorithm(), "kid": key_id})
    }
}

pub(crate) fn claims(issuer: &str) -> Value {
    json!({"iss": issuer, "sub": "user:default/ann", "aud": AUDIENCE, "iat": NOW_S, "nbf": NOW_S, "exp": NOW_S + 3600})
}

/// `claims` with one of them changed, or taken away.
pub(crate) fn claims_with(issuer: &str, name: &str, value: Option<Value>) -> Value {
    let mut claims = claims(issuer);
    let fields = claims.as_object_mut().unwrap();
    match value {
        Some(value) => fields.insert(name.to_owned(), value),
        None => fields.remove(name),
    };
    claims
}

/// Signed with HMAC and a secret that everybody knows, such as the public key.
pub(crate) fn hmac_signed(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let message = message(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", base64(tag.as_ref()))
}

pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.", message(header, claims))
}
