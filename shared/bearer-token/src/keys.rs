//! An issuer's JSON Web Key Set -> the keys that can check a token. <https://www.rfc-editor.org/rfc/rfc7517>

use std::collections::BTreeMap;
use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// Issuers publish two or three; each one more is parsed and kept.
const MAX_KEYS: usize = 100;
const P256_COORDINATE_BYTES: usize = 32;
/// Shorter than 2048 bits is broken, longer than 8192 is an attempt to keep us busy.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
const MAX_RSA_EXPONENT_BYTES: usize = 8;

/// The keys of one issuer, by key id. What cannot check RS256 or ES256 was left out.
#[derive(Clone, Default)]
pub struct Keys(BTreeMap<String, Key>);

#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: DecodingKey,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A key set that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("the key set is not a JSON object with a list `keys`")]
    Json(#[source] serde_json::Error),
    #[error("the key set has {keys} keys, more than {MAX_KEYS}")]
    TooMany { keys: usize },
    #[error("none of the key set's {keys} keys has an id and is for RS256 or ES256 signatures")]
    NoneUsable { keys: usize },
    #[error("the key set has two different keys of one id")]
    TwoOfOneId,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// Reads a key set. A key of another kind, or a broken one, is left out: issuers publish keys for others too.
    ///
    /// # Errors
    /// Fails when it is no key set, is too large, contradicts itself, or has no key for us.
    pub fn parse(text: &[u8]) -> Result<Self, KeysError> {
        let set: KeySet = serde_json::from_slice(text).map_err(KeysError::Json)?;
        let keys = set.keys.len();
        if keys > MAX_KEYS {
            return Err(KeysError::TooMany { keys });
        }
        let mut usable = BTreeMap::new();
        for key in set.keys {
            let Some((id, key)) = serde_json::from_value(key).ok().and_then(usable_key) else { continue };
            if usable.insert(id, key).is_some() {
                return Err(KeysError::TwoOfOneId);
            }
        }
        if usable.is_empty() { Err(KeysError::NoneUsable { keys }) } else { Ok(Self(usable)) }
    }

    #[must_use]
    pub fn contains(&self, key_id: &str) -> bool {
        self.0.contains_key(key_id)
    }

    pub(crate) fn get(&self, key_id: &str) -> Option<&Key> {
        self.0.get(key_id)
    }
}

fn usable_key(jwk: Jwk) -> Option<(String, Key)> {
    let signs = jwk.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
        && jwk.key_ops.as_ref().is_none_or(|uses| uses.iter().any(|one| one == "verify"));
    let is_for = |algorithm: &str| jwk.alg.as_deref().is_none_or(|given| given == algorithm);
    let bytes = |text: &Option<String>| text.as_deref().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    if !signs {
        return None;
    }
    let (algorithm, key) = match jwk.kty.as_str() {
        "RSA" if is_for("RS256") => {
            let (modulus, exponent) = (bytes(&jwk.n)?, bytes(&jwk.e)?);
            let fits =
                RSA_MODULUS_BYTES.contains(&modulus.len()) && (1..=MAX_RSA_EXPONENT_BYTES).contains(&exponent.len());
            (Algorithm::RS256, fits.then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))?)
        }
        "EC" if is_for("ES256") && jwk.crv.as_deref() == Some("P-256") => {
            let fits =
                [&jwk.x, &jwk.y].iter().all(|part| bytes(part).is_some_and(|b| b.len() == P256_COORDINATE_BYTES));
            let (x, y) = (jwk.x.as_deref()?, jwk.y.as_deref()?);
            (Algorithm::ES256, fits.then(|| DecodingKey::from_ec_components(x, y).ok())??)
        }
        _ => return None,
    };
    Some((jwk.kid, Key { algorithm, key }))
}
