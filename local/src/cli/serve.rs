//! Options -> a running stack with what was replayed into it, until SIGINT or SIGTERM.

use std::{
    env,
    error::Error,
    path::{Path, PathBuf},
    time::Duration,
};

use authorizer::TokenSettingsError;
use callboard::{
    connected,
    ports::{Endpoints, Ports},
    replay,
    stack::{Stack, StackOptions},
    wiring,
};
use jiff::Timestamp;

use super::{
    logging::TellMore,
    options::Serve,
    ownership::ownership_file,
    signals::interrupted,
    terminal::{say, say_delivery, say_table_head},
    tour,
};

/// Five tries of a message take three quarters of a second: a dead letter among the samples holds nobody up.
const RETRY_DELAY: Duration = Duration::from_millis(50);

const REPLAY_BEGUN: &str = "begun";

type Failure = Box<dyn Error>;

/// # Errors
/// Fails when the stack cannot start, or a delivery cannot be handed over.
pub(crate) async fn serve(options: Serve, tell_more: TellMore) -> Result<(), Failure> {
    let interrupted = interrupted()?;
    tokio::pin!(interrupted);
    let events = options.events();
    let authorizer = issuer(&options)?;
    let is_open = options.token.is_none() && authorizer.is_none();
    let has_rules = options.ownership.is_some();
    let ownership = options.ownership.as_deref().map(ownership_file).transpose()?;
    let stack_options = StackOptions {
        ports: Ports::From(options.port_base),
        data: options.data.clone(),
        token: options.token,
        authorizer,
        cors: options.cors,
        dynamodb: options.dynamodb,
        ownership,
        compact_every: options.compact_every.map(Duration::from_secs),
        retry_delay: RETRY_DELAY,
    };
    // Boxed, here and below: the compiler has limits on nested futures.
    let stack = Box::pin(Stack::start(stack_options, connected::functions)).await?;
    say_where(&stack.endpoints(), is_open, options.data.as_deref());
    if has_rules {
        // What is kept may be by other rules.
        let action = serde_json::json!({"action": "rebuild-if-needed"});
        stack.invoke(wiring::CATALOG_RECONCILE, action).await?;
    }
    let begin = async {
        if let Some(folder) = &events {
            Box::pin(replay_once(&stack, folder)).await?;
        }
        tell_more();
        Box::pin(tour::say_tour(&stack, is_open)).await?;
        say("Press Ctrl-C to stop.");
        Ok::<_, Failure>(())
    };
    let outcome = tokio::select! {
        outcome = begin => match outcome {
            Ok(()) => { interrupted.await; Ok(()) }
            Err(error) => Err(error),
        },
        () = &mut interrupted => Ok(()),
    };
    if outcome.is_ok() {
        say("\nstopping");
    }
    stack.shutdown().await;
    outcome
}

/// What the authorizer is to take, as the template would set it.
fn issuer(options: &Serve) -> Result<Option<authorizer::Settings>, TokenSettingsError> {
    let (Some(issuer), Some(audience)) = (&options.issuer, &options.audience) else { return Ok(None) };
    let keys = options.keys.as_deref().unwrap_or_default();
    authorizer::Settings::read(issuer, keys, audience, "", "true").map(Some)
}

fn say_where(endpoints: &Endpoints, is_open: bool, data: Option<&Path>) {
    say("Callboard listens on this machine:\n");
    say(format_args!("  API       {}", endpoints.api_url()));
    say(format_args!("  DynamoDB  {}", endpoints.dynamodb_url()));
    say(format_args!("  S3        {}", endpoints.s3_url()));
    say(format_args!("  Lambda    {}", endpoints.invoke_url()));
    say("");
    say(if is_open {
        "The API is open to everybody on this machine; with --token, only to who knows it."
    } else {
        "The API answers requests that bring a token: `authorization: Bearer <token>`."
    });
    say(match data {
        Some(folder) => format!("Everything is kept in `{}`.\n", folder.display()),
        None => "Nothing is kept after the end; with --data DIR, everything is.\n".to_owned(),
    });
}

/// Replays the folder, unless that was done before into the same data.
async fn replay_once(stack: &Stack, folder: &Path) -> Result<(), Failure> {
    let absolute = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let shown = shown(&absolute);
    let fact = format!("replay of {}", absolute.display());
    match stack.fact(&fact)?.as_deref() {
        None => {}
        Some(REPLAY_BEGUN) => say("The last replay was cut short. What is delivered twice counts once.\n"),
        Some(at) => {
            say(format_args!("The deliveries of `{}` were replayed on {at}, and are not again.\n", shown.display()));
            return Ok(());
        }
    }
    say(format_args!("Replaying the deliveries of `{}`:\n", shown.display()));
    stack.note_fact(&fact, REPLAY_BEGUN)?;
    say_table_head();
    replay::replay(stack, folder, say_delivery).await?;
    say("");
    stack.note_fact(&fact, &format!("{:.0}", Timestamp::now()))?;
    Ok(())
}

/// As seen from the current folder.
fn shown(path: &Path) -> PathBuf {
    let current = env::current_dir().ok();
    let below = current.and_then(|current| path.strip_prefix(current).ok().map(Path::to_owned));
    below.filter(|below| !below.as_os_str().is_empty()).unwrap_or_else(|| path.to_owned())
}
