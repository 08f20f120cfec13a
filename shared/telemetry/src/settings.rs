//! Environment -> how to log.

use std::env;

/// Where the lines go to, and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// One JSON object per line on standard output, where Lambda collects them; metrics too.
    Lambda,
    /// Short text on standard error for somebody at a terminal; metrics only at level `debug`.
    Terminal,
}

/// How to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `LOG_LEVEL`: `error`, `warn`, `info` (the default), `debug`, `trace`, or directives such as
    /// `info,catalog_store=debug`.
    pub level: Option<String>,
    /// In Lambda if `AWS_LAMBDA_RUNTIME_API` is set.
    pub output: Output,
}

impl Settings {
    /// Reads the environment. Nothing is required.
    #[must_use]
    pub fn from_env() -> Self {
        let output = match env::var_os("AWS_LAMBDA_RUNTIME_API") {
            Some(_) => Output::Lambda,
            None => Output::Terminal,
        };
        Self { level: env::var("LOG_LEVEL").ok().filter(|level| !level.is_empty()), output }
    }
}
