//! `callboard rebuild`: the index of a running stack made anew from its records, or compared with them.

use std::error::Error;

use callboard::wiring;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{invoke::invoke, terminal::say};

/// Make the index of a running stack anew from its records, and let it count
#[derive(Debug, Args)]
#[command(
    after_help = "Against a deployed stack, the same is:\n  aws lambda invoke --function-name <CatalogReconcileFunction> \\\n    \
                        --cli-binary-format raw-in-base64-out --payload '{\"action\":\"rebuild\"}' /dev/stdout"
)]
pub(crate) struct Rebuild {
    /// What to do
    #[arg(value_enum, default_value_t = Action::Rebuild)]
    action: Action,
    /// First of the local stack's ports
    #[arg(long, value_name = "PORT", default_value_t = 7407)]
    port_base: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Make it anew, whatever it says
    Rebuild,
    /// Make it anew if it cannot be followed, or was made by other rules
    RebuildIfNeeded,
    /// Compare it with the records, and replace it if it says something else
    Compare,
}

/// Says what the function reports.
///
/// # Errors
/// Fails when nothing listens, and when the function does.
pub(crate) async fn rebuild(options: Rebuild) -> Result<(), Box<dyn Error>> {
    let action = match options.action {
        Action::Rebuild => "rebuild",
        Action::RebuildIfNeeded => "rebuild-if-needed",
        Action::Compare => "compare",
    };
    let report = invoke(options.port_base, wiring::CATALOG_RECONCILE, &json!({ "action": action })).await?;
    say(serde_json::to_string_pretty(&report)?);
    Ok(())
}
