//! Why a token is not taken: for our log alone, and without anything of the token in it.

/// The reason of a refusal. Nobody outside is told more than that there was one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no authorization header")]
    NoHeader,
    #[error("there is more than one authorization header")]
    SeveralHeaders,
    #[error("the authorization header has another scheme than bearer, or no token")]
    NotBearer,
    #[error("the token is longer than allowed")]
    TooLong,
    #[error("the token is no known static token, and not of three parts in base64 with JSON in them")]
    Malformed,
    #[error("the token's algorithm is neither RS256 nor ES256")]
    Algorithm,
    #[error("the token demands an extension that is not known here")]
    Critical,
    #[error("the token does not say which key it is signed with")]
    NoKeyId,
    #[error("the token's issuer is not one of the configured ones")]
    Issuer,
    #[error("the issuer has no key of the token's key id")]
    UnknownKey,
    #[error("the key of this id is not for the token's algorithm")]
    KeyMismatch,
    #[error("the signature does not fit")]
    Signature,
    #[error("a claim is missing or not of its type")]
    Claims,
    #[error("the token is for another audience")]
    Audience,
    #[error("the token is expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
}
