//! A JSON Web Token -> what it claims, once its signature, issuer, audience and time hold.
//! <https://www.rfc-editor.org/rfc/rfc7519>, and the practices of <https://www.rfc-editor.org/rfc/rfc8725>

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Validation, errors::ErrorKind};
use serde::Deserialize;
use serde_json::Value;

use crate::{Keys, Refusal};

/// API Gateway takes 10,240 bytes of headers in all; identity providers stay below 4 KiB.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Clocks of issuer and Lambda may differ by so much.
const LEEWAY_S: i64 = 60;

/// What was claimed, and holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    pub subject: String,
    pub issuer: String,
}

/// A token that is well-formed, and nothing else yet.
#[derive(Clone)]
pub struct UnverifiedToken<'t> {
    text: &'t str,
    algorithm: Algorithm,
    key_id: String,
    issuer: String,
}

impl std::fmt::Debug for UnverifiedToken<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnverifiedToken").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Issuer {
    iss: Option<Value>,
}

#[derive(Deserialize)]
struct RawClaims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: Seconds,
    nbf: Option<Seconds>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// A NumericDate: Unix seconds, which some issuers write with a fraction.
#[derive(Deserialize, Clone, Copy)]
#[serde(untagged)]
enum Seconds {
    Whole(i64),
    Fraction(f64),
}

impl Seconds {
    fn floor(self) -> i64 {
        match self {
            Self::Whole(seconds) => seconds,
            #[expect(
                clippy::cast_possible_truncation,
                reason = "out of range saturates, and is refused as any other time"
            )]
            Self::Fraction(seconds) => seconds.floor() as i64,
        }
    }
}

impl<'t> UnverifiedToken<'t> {
    /// Reads the parts that say which key is needed.
    ///
    /// # Errors
    /// Refuses what is too long, malformed, of another algorithm, without a key id or issuer, or has critical
    /// extensions.
    pub fn parse(text: &'t str) -> Result<Self, Refusal> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::TooLong);
        }
        let parts: Vec<&str> = text.splitn(4, '.').collect();
        let [header, claims, _signature] = parts.as_slice() else { return Err(Refusal::Malformed) };
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed);
        let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| Refusal::Malformed)?;
        let claims: Issuer = serde_json::from_slice(&decoded(claims)?).map_err(|_| Refusal::Malformed)?;
        let algorithm = match header.alg.as_str() {
            "RS256" => Algorithm::RS256,
            "ES256" => Algorithm::ES256,
            _ => return Err(Refusal::Algorithm),
        };
        if header.crit.is_some() {
            return Err(Refusal::Critical);
        }
        let key_id = header.kid.filter(|id| !id.is_empty()).ok_or(Refusal::NoKeyId)?;
        let issuer = claims.iss.as_ref().and_then(Value::as_str).ok_or(Refusal::Claims)?.to_owned();
        Ok(Self { text, algorithm, key_id, issuer })
    }

    /// Who says to have issued it. Nothing is proven yet: good for choosing keys, and for nothing else.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Checks everything else: signature first, then what it claims. `keys` are those of [`Self::issuer`], which the
    /// caller has found among the configured ones; one of `audiences` must be among the token's.
    ///
    /// # Errors
    /// Refuses an unknown key, a key of another algorithm, a wrong signature, claims that are missing or of a wrong
    /// type, another audience, and a token before or after its time by more than a minute.
    pub fn verify(self, keys: &Keys, audiences: &[String], now_s: i64) -> Result<Claims, Refusal> {
        let key = keys.get(&self.key_id).ok_or(Refusal::UnknownKey)?;
        if key.algorithm != self.algorithm {
            return Err(Refusal::KeyMismatch);
        }
        // The signature alone: the library would take its own clock for the rest.
        let mut signature = Validation::new(key.algorithm);
        signature.required_spec_claims.clear();
        signature.validate_exp = false;
        signature.validate_aud = false;
        let decoded = jsonwebtoken::decode::<RawClaims>(self.text, &key.key, &signature);
        let claims = decoded.map_err(|error| match error.kind() {
            ErrorKind::Json(_) => Refusal::Claims,
            _ => Refusal::Signature,
        });
        let claims = claims?.claims;
        if claims.iss != self.issuer {
            return Err(Refusal::Issuer);
        }
        let is_for_us = |audience: &String| audiences.contains(audience);
        let is_meant = match &claims.aud {
            Audience::One(audience) => is_for_us(audience),
            Audience::Many(all) => all.iter().any(is_for_us),
        };
        if !is_meant {
            return Err(Refusal::Audience);
        }
        if claims.exp.floor().saturating_add(LEEWAY_S) <= now_s {
            return Err(Refusal::Expired);
        }
        if claims.nbf.is_some_and(|nbf| nbf.floor().saturating_sub(LEEWAY_S) > now_s) {
            return Err(Refusal::NotYetValid);
        }
        if claims.sub.is_empty() {
            return Err(Refusal::Claims);
        }
        Ok(Claims { subject: claims.sub, issuer: claims.iss })
    }
}
