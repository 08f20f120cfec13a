//! The authorizer of the front door: a request's bearer token -> who asks and what they may invoke, or a refusal.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html>

mod event;
mod fetch;
mod handler;
mod issuer;
mod policy;
mod settings;

pub use event::Event;
pub use handler::{AuthorizeError, Deps, handle};
pub use policy::{Allowed, Context};
pub use settings::{Settings, TokenSettingsError};
