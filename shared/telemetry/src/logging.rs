//! Settings -> the process-wide `tracing` subscriber.

use std::io;

use tracing::warn;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::metrics;
use crate::{Output, Settings};

const DEFAULT_LEVEL: &str = "info";

/// The SDK and the HTTP stack write requests, and with them bodies and signatures, at their finer levels. No
/// general level switches that on; only a directive that names the target does.
const QUIET_TARGETS: [&str; 7] =
    ["aws_config", "aws_runtime", "aws_smithy_http_client", "aws_smithy_runtime", "h2", "hyper", "hyper_util"];

/// Starts logging as the environment says: see [`Settings::from_env`].
pub fn init() {
    init_with(&Settings::from_env());
}

/// Starts logging; a second call in the same process has no effect.
///
/// A level that cannot be read is replaced by `info`, and a warning says so: a function that does not start
/// because of its log level would help nobody.
pub fn init_with(settings: &Settings) {
    let level = settings.level.as_deref().unwrap_or(DEFAULT_LEVEL);
    let (filter, refused) = match filter(level) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(quieted(DEFAULT_LEVEL)), Some(error)),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    let started = match settings.output {
        Output::Lambda => {
            metrics::write_to_stdout();
            builder.json().flatten_event(true).with_span_list(false).finish().try_init()
        }
        Output::Terminal => builder.compact().with_target(false).with_writer(io::stderr).finish().try_init(),
    };
    if let (Ok(()), Some(error)) = (started, refused) {
        warn!(log_level = level, error = %error, "LOG_LEVEL cannot be read, logging at info");
    }
}

fn filter(level: &str) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    EnvFilter::builder().parse(quieted(level))
}

/// `level` and, before it, a cap for each quiet target: a later directive for the same target wins.
fn quieted(level: &str) -> String {
    let mut directives: Vec<String> = QUIET_TARGETS.iter().map(|target| format!("{target}=warn")).collect();
    directives.push(level.to_owned());
    directives.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_general_level_makes_the_sdk_write_requests() {
        for level in ["trace", "debug", "info,catalog_store=trace"] {
            let shown = filter(level).unwrap().to_string();
            assert!(shown.contains("aws_smithy_runtime=warn"), "{shown}");
        }
    }

    #[test]
    fn a_directive_that_names_a_target_wins() {
        let shown = filter("info,hyper=debug").unwrap().to_string();
        assert!(shown.contains("hyper=debug") && !shown.contains("hyper=warn"), "{shown}");
    }

    #[test]
    fn an_unreadable_level_is_noticed() {
        assert!(filter("catalog=loud").is_err());
    }
}
