//! The environment of the function -> its settings.

use std::env;

use bearer_token::{StaticTokens, StaticTokensError};
use url::{Host, Url};

/// Whose tokens are taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// `TOKEN_ISSUERS`: the claim `iss` of each issuer, exactly. For each, `TOKEN_KEYS` may have the address of its key
    /// set; without, the issuer's discovery document says where that is.
    pub issuers: Vec<IssuerSettings>,
    /// `TOKEN_AUDIENCES`: one of them must be in the claim `aud`.
    pub audiences: Vec<String>,
    /// `STATIC_TOKEN_HASHES`: see [`StaticTokens::parse`].
    pub static_tokens: StaticTokens,
    /// `TOKENS_MAY_EXPORT`, `true` or `false`: whether a token admits to `/api/exports`.
    pub may_export: bool,
}

/// One issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerSettings {
    pub issuer: String,
    pub keys_url: Option<String>,
}

/// The environment does not say whose tokens to take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenSettingsError {
    #[error("neither variable `TOKEN_ISSUERS` nor `STATIC_TOKEN_HASHES` is set: nobody could be admitted")]
    Nobody,
    #[error("variable `TOKEN_AUDIENCES` is missing: any token of the issuer would do, whoever it is for")]
    NoAudience,
    #[error("variable `TOKEN_KEYS` has {keys} addresses for {issuers} issuers; it has one for each, or none")]
    Keys { keys: usize, issuers: usize },
    #[error("variable `{variable}` has `{value}`, which is no address that begins with https://")]
    Address { variable: &'static str, value: String },
    #[error("variable `TOKENS_MAY_EXPORT` is neither `true` nor `false`")]
    MayExport,
    #[error("variable `STATIC_TOKEN_HASHES` cannot be read")]
    StaticTokens(#[source] StaticTokensError),
}

impl Settings {
    /// # Errors
    /// Says which variable is missing or cannot be read.
    pub fn from_env() -> Result<Self, TokenSettingsError> {
        let text = |variable: &str| env::var(variable).unwrap_or_default();
        Self::read(
            &text("TOKEN_ISSUERS"),
            &text("TOKEN_KEYS"),
            &text("TOKEN_AUDIENCES"),
            &text("STATIC_TOKEN_HASHES"),
            &text("TOKENS_MAY_EXPORT"),
        )
    }

    /// Lists are separated by commas, their empty items left out.
    ///
    /// # Errors
    /// See [`Self::from_env`].
    pub fn read(
        issuers: &str,
        keys: &str,
        audiences: &str,
        static_token_hashes: &str,
        may_export: &str,
    ) -> Result<Self, TokenSettingsError> {
        let list = |text: &str| -> Vec<String> {
            text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
        };
        let (issuers, keys, audiences) = (list(issuers), list(keys), list(audiences));
        let static_tokens = StaticTokens::parse(static_token_hashes).map_err(TokenSettingsError::StaticTokens)?;
        if issuers.is_empty() && static_tokens.is_empty() {
            return Err(TokenSettingsError::Nobody);
        }
        if audiences.is_empty() && !issuers.is_empty() {
            return Err(TokenSettingsError::NoAudience);
        }
        if !keys.is_empty() && keys.len() != issuers.len() {
            return Err(TokenSettingsError::Keys { keys: keys.len(), issuers: issuers.len() });
        }
        for (variable, values) in [("TOKEN_ISSUERS", &issuers), ("TOKEN_KEYS", &keys)] {
            if let Some(value) = values.iter().find(|value| !is_safe_address(value)) {
                return Err(TokenSettingsError::Address { variable, value: value.clone() });
            }
        }
        let may_export = match may_export {
            "true" => true,
            "false" | "" => false,
            _ => return Err(TokenSettingsError::MayExport),
        };
        let mut keys = keys.into_iter();
        let issuers = issuers.into_iter().map(|issuer| IssuerSettings { issuer, keys_url: keys.next() }).collect();
        Ok(Self { issuers, audiences, static_tokens, may_export })
    }
}

/// Whether keys may be read from there: over TLS, or from this very machine.
pub(crate) fn is_safe_address(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let is_loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn issuers_come_with_their_keys_and_audiences() {
        let settings =
            Settings::read("https://a.example/api/auth, https://b.example", "", "backstage", "", "").unwrap();
        assert_eq!(settings.issuers.len(), 2);
        assert_eq!(settings.issuers[0].keys_url, None);
        let keys = "https://a.example/jwks.json";
        let settings = Settings::read("https://a.example", keys, "x,y", "", "true").unwrap();
        assert_eq!(settings.issuers[0].keys_url.as_deref(), Some(keys));
        assert_eq!((settings.audiences.len(), settings.may_export), (2, true));
        assert!(Settings::read("", "", "", &format!("portal:{HASH}"), "false").is_ok());
        assert!(Settings::read("http://127.0.0.1:7007/api/auth", "", "backstage", "", "").is_ok());
    }

    #[test]
    fn settings_that_would_admit_nobody_or_anybody_are_refused() {
        for (issuers, keys, audiences, hashes, may_export) in [
            ("", "", "", "", ""),
            ("https://a.example", "", "", "", ""),
            ("https://a.example", "https://a.example/k,https://b.example/k", "x", "", ""),
            ("http://a.example", "", "x", "", ""),
            ("https://a.example", "file:///etc/keys", "x", "", ""),
            ("a.example", "", "x", "", ""),
            ("", "", "", "secret", ""),
            ("", "", "", HASH, "yes"),
        ] {
            let refused = Settings::read(issuers, keys, audiences, hashes, may_export);
            assert!(refused.is_err(), "{issuers} {keys} {audiences} {hashes} {may_export}");
        }
    }
}
