//! Tokens that do not expire, for programs: known by their SHA-256 alone.
//! As Backstage's external access of type `static`: <https://backstage.io/docs/auth/service-to-service-auth/#static-tokens>

use aws_lc_rs::constant_time::verify_slices_are_equal;
use sha2::{Digest, Sha256};

const HASH_BYTES: usize = 32;

/// The configured tokens. Shown for debugging, it names nobody's hash.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StaticTokens(Vec<StaticToken>);

#[derive(Clone, PartialEq, Eq)]
struct StaticToken {
    subject: String,
    sha256: [u8; HASH_BYTES],
}

impl std::fmt::Debug for StaticTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|token| &token.subject)).finish()
    }
}

/// A list of hashes that cannot be read. The list itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("static token {position} of the list is not `<name>:<sha-256 in hex>`, or the hash alone")]
pub struct StaticTokensError {
    /// Counted from 1.
    pub position: usize,
}

impl StaticTokens {
    /// Reads `name:hash` or `hash`, separated by commas; hashes are 64 hexadecimal digits. Empty is none.
    ///
    /// # Errors
    /// Says which entry is malformed.
    pub fn parse(list: &str) -> Result<Self, StaticTokensError> {
        let entries = list.split(',').map(str::trim).enumerate().filter(|(_, entry)| !entry.is_empty());
        let parsed = entries.map(|(at, entry)| {
            let error = StaticTokensError { position: at + 1 };
            let (name, digits) = entry.split_once(':').unwrap_or(("", entry));
            let mut sha256 = [0; HASH_BYTES];
            hex::decode_to_slice(digits.trim(), &mut sha256).map_err(|_| error)?;
            let name = if name.is_empty() { digits.chars().take(8).collect() } else { name.trim().to_owned() };
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            if !is_name { Err(error) } else { Ok(StaticToken { subject: format!("external:{name}"), sha256 }) }
        });
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// The one token `token`, under this name.
    #[must_use]
    pub fn of_token(name: &str, token: &str) -> Self {
        Self(vec![StaticToken { subject: format!("external:{name}"), sha256: Sha256::digest(token.as_bytes()).into() }])
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The subject `external:<name>` of a token. Takes as long for one that is nearly right as for any other.
    #[must_use]
    pub fn subject(&self, token: &str) -> Option<&str> {
        let given: [u8; HASH_BYTES] = Sha256::digest(token.as_bytes()).into();
        let mut found = None;
        for known in &self.0 {
            if verify_slices_are_equal(&known.sha256, &given).is_ok() {
                found = Some(known.subject.as_str());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTAL: &str = "5f24f5f29d9a9c2b5c1d1b2f2aa5b8ed5e0a4b0c3e8c0f7f7b1f5a0f5b5f3a11";

    fn hash(token: &str) -> String {
        hex::encode(Sha256::digest(token.as_bytes()))
    }

    #[test]
    fn a_token_is_known_by_its_hash_and_answers_to_its_name() {
        let list = format!("portal:{}, {}", hash("portal-token"), hash("other").to_uppercase());
        let tokens = StaticTokens::parse(&list).unwrap();
        assert_eq!(tokens.subject("portal-token"), Some("external:portal"));
        assert!(tokens.subject("other").unwrap().starts_with("external:"));
        for stranger in ["", "portal-toke", "portal-token ", &hash("portal-token")] {
            assert_eq!(tokens.subject(stranger), None, "{stranger}");
        }
        assert_eq!(StaticTokens::of_token("token", "x").subject("x"), Some("external:token"));
        assert!(!format!("{tokens:?}").contains(&hash("portal-token")));
    }

    #[test]
    fn a_list_that_cannot_be_read_is_refused_by_position_and_not_repeated() {
        assert!(StaticTokens::parse("").unwrap().is_empty());
        for list in ["secret", "a:b", &PORTAL[1..], &format!("{PORTAL},a b:{PORTAL}"), &format!("{PORTAL},zz")] {
            let error = StaticTokens::parse(list).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert_eq!(StaticTokens::parse(&format!("{PORTAL},zz")), Err(StaticTokensError { position: 2 }));
    }
}
