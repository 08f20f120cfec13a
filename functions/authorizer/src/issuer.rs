//! An issuer -> its keys, remembered. New keys are looked for when a token names one that is not known, and every ten
//! minutes; an issuer that does not answer is believed by its last keys for a day.
//! <https://openid.net/specs/openid-connect-discovery-1_0.html>

use std::sync::Arc;

use bearer_token::{Keys, KeysError};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::sync::Mutex;
use tracing::{info, warn};

use crate::fetch::{FetchError, Fetcher};
use crate::settings::{IssuerSettings, is_safe_address};

/// However many tokens with invented key ids come: one look a minute.
const MIN_REFRESH: SignedDuration = SignedDuration::from_secs(60);
/// After that, a key that the issuer took back is refused.
const REFRESH_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// Keys of an issuer that cannot be reached any more.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(24);

/// Keys that could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IssuerError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the discovery document at `{url}` cannot be read")]
    Discovery {
        url: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("the discovery document at `{url}` is of another issuer")]
    OtherIssuer { url: String },
    #[error("the discovery document at `{url}` names keys at no safe address")]
    Address { url: String },
    #[error("the key set at `{url}` cannot be used")]
    Keys {
        url: String,
        #[source]
        source: KeysError,
    },
}

/// One configured issuer.
#[derive(Debug)]
pub(crate) struct Issuer {
    settings: IssuerSettings,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    keys: Option<(Arc<Keys>, Timestamp)>,
    asked_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Issuer {
    pub(crate) fn new(settings: IssuerSettings) -> Self {
        Self { settings, known: Mutex::default() }
    }

    /// Whether a token says that it comes from here.
    pub(crate) fn is(&self, claimed: &str) -> bool {
        self.settings.issuer == claimed
    }

    /// The keys to check a token of this key id with; whether it is among them is for the caller to see. None while the
    /// issuer cannot be reached and what is known of it is too old. One caller asks while the others wait for it.
    pub(crate) async fn keys(&self, key_id: &str, fetcher: &Fetcher, now: Timestamp) -> Option<Arc<Keys>> {
        let mut known = self.known.lock().await;
        let is_good = known
            .keys
            .as_ref()
            .is_some_and(|(keys, at)| keys.contains(key_id) && now.duration_since(*at) < REFRESH_AFTER);
        // A clock that was set back must not keep us from asking.
        let may_ask = known.asked_at.is_none_or(|at| now.duration_since(at).abs() >= MIN_REFRESH);
        if !is_good && may_ask {
            known.asked_at = Some(now);
            match self.fetch(fetcher).await {
                Ok(keys) => {
                    info!(issuer = self.settings.issuer, "read the issuer's keys");
                    known.keys = Some((Arc::new(keys), now));
                }
                Err(error) => warn!(
                    issuer = self.settings.issuer,
                    error = %delivery::describe(&error),
                    "could not read the issuer's keys"
                ),
            }
        }
        let (keys, at) = known.keys.as_ref()?;
        (now.duration_since(*at) < MAX_AGE).then(|| Arc::clone(keys))
    }

    async fn fetch(&self, fetcher: &Fetcher) -> Result<Keys, IssuerError> {
        let url = match &self.settings.keys_url {
            Some(url) => url.clone(),
            None => self.discover(fetcher).await?,
        };
        let document = fetcher.get(&url).await?;
        Keys::parse(&document).map_err(|source| IssuerError::Keys { url, source })
    }

    async fn discover(&self, fetcher: &Fetcher) -> Result<String, IssuerError> {
        let issuer = &self.settings.issuer;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let document = fetcher.get(&url).await?;
        let document: Discovery = match serde_json::from_slice(&document) {
            Ok(document) => document,
            Err(source) => return Err(IssuerError::Discovery { url, source }),
        };
        if document.issuer != *issuer {
            return Err(IssuerError::OtherIssuer { url });
        }
        if !is_safe_address(&document.jwks_uri) {
            return Err(IssuerError::Address { url });
        }
        Ok(document.jwks_uri)
    }
}
