//! Options -> DynamoDB alone, until SIGINT or SIGTERM.

use std::error::Error;

use callboard::DynamoDb;

use super::{logging::TellMore, options, signals::interrupted, terminal::say};

/// # Errors
/// Fails when the table cannot be served.
pub(crate) async fn serve(options: options::DynamoDb, tell_more: TellMore) -> Result<(), Box<dyn Error>> {
    let interrupted = interrupted()?;
    let dynamodb = DynamoDb::start(options.port, &options.data).await?;
    let (address, folder) = (dynamodb.address(), options.data.display());
    say(format_args!("DynamoDB alone listens at http://{address}, with the table in `{folder}`."));
    say(format_args!("Use it with: callboard serve --data '{folder}' --dynamodb {address}\n"));
    tell_more();
    say("Press Ctrl-C to stop.");
    interrupted.await;
    say("\nstopping");
    dynamodb.shutdown().await;
    Ok(())
}
