//! `Authorization` header values and an issuer's keys -> who asks, or why nobody that we know. No I/O, no clock.
//!
//! JSON Web Tokens as of RFC 7519 with the algorithms RS256 and ES256 of RFC 7518, keys as of RFC 7517; and static
//! tokens, of which only the SHA-256 is known here.

mod header;
mod keys;
mod refusal;
mod statics;
mod token;

pub use header::bearer;
pub use keys::{Keys, KeysError};
pub use refusal::Refusal;
pub use statics::{StaticTokens, StaticTokensError};
pub use token::{Claims, MAX_TOKEN_BYTES, UnverifiedToken};
