//! `callboard`: the whole system on this machine, or its DynamoDB alone, until Ctrl-C.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use cli::options::Do;

/// Answers are made of many small pieces: the system's allocator takes a tenth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let what = cli::options::Cli::parse().what();
    let logging = cli::logging::start();
    let outcome = match what {
        Do::Serve(options) => cli::serve::serve(*options, logging).await,
        Do::DynamoDb(options) => cli::dynamodb::serve(options, logging).await,
        Do::Load(options) => cli::load::load(options).await,
        Do::Rebuild(options) => cli::rebuild::rebuild(options).await,
        Do::Reconcile(options) => cli::reconcile::reconcile(options).await,
        Do::Replay(options) => cli::replay::replay(options).await,
        Do::CheckOwnership(options) => Box::pin(cli::ownership::check(options)).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cli::terminal::complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}
