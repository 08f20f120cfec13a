//! `callboard reconcile`: the records of a running stack against Config's aggregator.

use std::error::Error;

use callboard::wiring;
use clap::Args;
use serde_json::{Value, json};

use super::{invoke::invoke, terminal::say};

/// Compare the records of a running stack with Config's aggregator, and mend them
#[derive(Debug, Args)]
#[command(
    after_help = "What is missing or stale is written; what nobody sees is deleted by the second sweep that does not see it.\n\
                  Against a deployed stack, the same is, until the answer says \"finished\":\n  \
                  aws lambda invoke --function-name <ReconcileFunctionName> --cli-binary-format raw-in-base64-out \\\n    \
                  --cli-read-timeout 900 --payload '{\"action\":\"sweep\",\"begin\":true}' /dev/stdout"
)]
pub(crate) struct Reconcile {
    /// Delete what was not seen twice, however much it is
    #[arg(long)]
    allow_deletes: bool,
    /// First of the local stack's ports
    #[arg(long, value_name = "PORT", default_value_t = 7407)]
    port_base: u16,
}

/// Invokes the function until the sweep is finished, and says what it found.
///
/// # Errors
/// Fails when nothing listens, when the function does, and when nobody can finish the sweep. What is mended stays so; the
/// same command goes on.
pub(crate) async fn reconcile(options: Reconcile) -> Result<(), Box<dyn Error>> {
    let mut event = json!({"action": "sweep", "begin": true, "allowDeletes": options.allow_deletes});
    loop {
        let answer = invoke(options.port_base, wiring::CATALOG_RECONCILE, &event).await?;
        let text = |name: &str| answer.get(name).cloned().unwrap_or_default();
        match answer.get("sweep").and_then(Value::as_str) {
            Some("finished") => {
                say(serde_json::to_string_pretty(&text("drift"))?);
                return Ok(());
            }
            Some("going-on") => {
                say(format_args!("{} done, {} left", text("unitsDone"), text("unitsLeft")));
                // The next invocation must not begin another one, should somebody else have finished this.
                event = json!({"action": "sweep", "allowDeletes": options.allow_deletes});
            }
            Some("not-due") => {
                say("somebody else has finished it:");
                say(serde_json::to_string_pretty(&text("drift"))?);
                return Ok(());
            }
            Some("elsewhere") => return Err("a sweep is going on already: GET /api/status says what it found".into()),
            Some("no-aggregator") => return Err("the stack has no aggregator: docs/landing-zone.md".into()),
            _ => return Err(format!("the function answered {answer}").into()),
        }
    }
}
