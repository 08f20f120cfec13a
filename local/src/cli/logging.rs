//! Log lines to standard error, so that standard output is the story alone.

use std::io;

use tracing_subscriber::EnvFilter;

/// While deliveries are replayed, some fail on purpose, and their lines in the table say so.
const WHILE_REPLAYING: &str = "error";
/// The emulator warns of every condition that does not hold, which is an ordinary answer here; how far a long load is,
/// is told as it goes.
const WHILE_SERVING: &str = "warn,dynoxide::server=error,cicd_export::progress=info";

/// Makes the log tell more than while deliveries are replayed.
pub(crate) type TellMore = Box<dyn FnOnce()>;

/// Starts to log. `LOG_LEVEL`, if set, holds all the time.
pub(crate) fn start() -> TellMore {
    let wanted = telemetry::Settings::from_env().level;
    let is_fixed = wanted.is_some();
    let filter = EnvFilter::new(wanted.as_deref().unwrap_or(WHILE_REPLAYING));
    let builder = tracing_subscriber::fmt().compact().with_writer(io::stderr).with_env_filter(filter);
    let builder = builder.with_filter_reloading();
    let handle = builder.reload_handle();
    builder.init();
    Box::new(move || {
        if !is_fixed {
            // Fails only when there is no subscriber any more.
            let _gone = handle.reload(EnvFilter::new(WHILE_SERVING));
        }
    })
}
