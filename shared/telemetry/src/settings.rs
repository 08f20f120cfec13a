//! Environment -> how to log, and what else a function is told by its template.

use std::env;
use std::str::FromStr;

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

/// The template did not set what the function needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("environment variable `{variable}` is missing or empty; the template sets it")]
    Missing { variable: &'static str },
    #[error("environment variable `{variable}` is not a whole number")]
    NotANumber { variable: &'static str },
}

/// # Errors
/// Fails if the variable is not set, is empty, or is not UTF-8.
pub fn required(variable: &'static str) -> Result<String, SettingsError> {
    optional(variable).ok_or(SettingsError::Missing { variable })
}

/// `None` if the variable is not set, is empty, or is not UTF-8.
#[must_use]
pub fn optional(variable: &'static str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

/// `None` if the variable is not set, is empty, or is not UTF-8.
///
/// # Errors
/// Fails if the value is no number that fits.
pub fn optional_number<N: FromStr>(variable: &'static str) -> Result<Option<N>, SettingsError> {
    let number = optional(variable).map(|value| value.parse());
    number.transpose().map_err(|_| SettingsError::NotANumber { variable })
}

/// # Errors
/// As [`required`], and if the value is no number that fits.
pub fn required_number<N: FromStr>(variable: &'static str) -> Result<N, SettingsError> {
    required(variable)?.parse().map_err(|_| SettingsError::NotANumber { variable })
}
