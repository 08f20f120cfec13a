//! `callboard`: the whole system on this machine, until Ctrl-C.

mod cli;

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    let options = cli::options::Cli::parse().options();
    let logging = cli::logging::start();
    match cli::serve::serve(options, logging).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cli::terminal::complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}
