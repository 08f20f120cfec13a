//! `callboard`: the whole system on this machine, until Ctrl-C.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use cli::options::Task;

#[tokio::main]
async fn main() -> ExitCode {
    let task = cli::options::Cli::parse().task();
    let logging = cli::logging::start();
    let outcome = match task {
        Task::Serve(options) => cli::serve::serve(options, logging).await,
        Task::Load(options) => cli::load::load(options).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cli::terminal::complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}
