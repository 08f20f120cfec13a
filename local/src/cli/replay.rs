//! `callboard replay`: records made again from the journal of parsed exports.

use std::error::Error;

use callboard::wiring;
use clap::Args;
use serde_json::{Value, json};

use super::{invoke::invoke, terminal::say};

/// Make the records of a running stack again from the journal of what exports said
#[derive(Debug, Args)]
#[command(after_help = "What stands stays, what is missing comes back; doing it twice changes nothing.\n\
                        Against a deployed stack, the same is, until the answer has no `next`:\n  \
                        aws lambda invoke --function-name <ExportFunctionName> --cli-binary-format raw-in-base64-out \\\n    \
                        --payload '{\"action\":\"replay\",\"after\":\"<next of the last answer>\"}' /dev/stdout")]
pub(crate) struct Replay {
    /// First of the local stack's ports
    #[arg(long, value_name = "PORT", default_value_t = 7407)]
    port_base: u16,
}

/// Goes through the journal page by page, and says what each did.
///
/// # Errors
/// Fails when nothing listens, and when the function does. What was replayed stays; the same command goes on.
pub(crate) async fn replay(options: Replay) -> Result<(), Box<dyn Error>> {
    let mut after = String::new();
    loop {
        let event = json!({"action": "replay", "after": after});
        let report = invoke(options.port_base, wiring::CICD_EXPORT, &event).await?;
        say(&report);
        match report.get("next").and_then(Value::as_str) {
            Some(next) => next.clone_into(&mut after),
            None => return Ok(()),
        }
    }
}
