//! A request -> an allowance or a refusal.

use bearer_token::{Claims, Refusal, UnverifiedToken, bearer};
use jiff::Timestamp;
use tracing::{error, info, instrument};

use crate::Settings;
use crate::event::Event;
use crate::fetch::Fetcher;
use crate::issuer::Issuer;
use crate::policy::Allowed;

/// The issuer that is named for static tokens.
const STATIC_ISSUER: &str = "static";

/// What the handler is configured with, and what it remembers between requests.
#[derive(Debug)]
pub struct Deps {
    settings: Settings,
    issuers: Vec<Issuer>,
    fetcher: Fetcher,
}

impl Deps {
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let issuers = settings.issuers.iter().cloned().map(Issuer::new).collect();
        Self { settings, issuers, fetcher: Fetcher::new() }
    }
}

/// What API Gateway is told instead of an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizeError {
    /// API Gateway answers 401 to exactly this text, and 500 to any other.
    #[error("Unauthorized")]
    Unauthorized,
    #[error("the issuer's keys cannot be read; the log of the authorizer says why")]
    NoKeys,
    #[error("the event has no ARN of a method")]
    MethodArn,
}

enum Failure {
    Refused(Refusal),
    NoKeys,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Admits whoever brings a token that is known or proven.
///
/// # Errors
/// `Unauthorized` for everybody else, with the reason in the log; another error while the issuer of a token cannot be asked
/// for its keys, which is not the caller's fault.
#[instrument(skip_all)]
pub async fn handle(event: Event, deps: &Deps, now: Timestamp) -> Result<Allowed, AuthorizeError> {
    let claims = match claims(&event, deps, now).await {
        Ok(claims) => claims,
        Err(Failure::Refused(refusal)) => {
            info!(reason = %refusal, "refused a request");
            return Err(AuthorizeError::Unauthorized);
        }
        Err(Failure::NoKeys) => {
            error!("could not decide on a request: there are no keys of its token's issuer");
            return Err(AuthorizeError::NoKeys);
        }
    };
    Allowed::new(&event.method_arn, claims.subject, claims.issuer, deps.settings.may_export)
        .ok_or(AuthorizeError::MethodArn)
}

async fn claims(event: &Event, deps: &Deps, now: Timestamp) -> Result<Claims, Failure> {
    let token = bearer(event.authorization())?;
    if token.len() > bearer_token::MAX_TOKEN_BYTES {
        return Err(Refusal::TooLong.into());
    }
    if let Some(subject) = deps.settings.static_tokens.subject(token) {
        return Ok(Claims { subject: subject.to_owned(), issuer: STATIC_ISSUER.to_owned() });
    }
    let token = UnverifiedToken::parse(token)?;
    let issuer = deps.issuers.iter().find(|issuer| issuer.is(token.issuer())).ok_or(Refusal::Issuer)?;
    let keys = issuer.keys(token.key_id(), &deps.fetcher, now).await.ok_or(Failure::NoKeys)?;
    Ok(token.verify(&keys, &deps.settings.audiences, now.as_second())?)
}
