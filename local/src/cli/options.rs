//! Command line -> options.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, builder::NonEmptyStringValueParser};

use super::load::Load;

/// The deliveries in the checkout that this was built from.
const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../events");

/// Callboard on one machine: CI/CD exports, Config changes and cost reports in, one catalog out.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until Ctrl-C. This is what happens without a command, too.
    Serve(Serve),
    /// Load a file of Backstage entities into a running stack, or a deployed one
    Load(Load),
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Task {
    Serve(Serve),
    Load(Load),
}

/// How to serve.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// First of four ports on 127.0.0.1: API, DynamoDB, S3, Lambda's Invoke API
    #[arg(long, value_name = "PORT", default_value_t = 7407)]
    pub(crate) port_base: u16,
    /// Keep everything in this folder, over restarts [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Start without the sample deliveries
    #[arg(long, conflicts_with = "events")]
    pub(crate) no_samples: bool,
    /// Replay the deliveries of this folder [default: `events` of the checkout]
    #[arg(long, value_name = "DIR")]
    events: Option<PathBuf>,
    /// Answer API requests only with this bearer token
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) token: Option<String>,
}

impl Cli {
    pub(crate) fn task(self) -> Task {
        match self.command {
            Some(Command::Serve(options)) => Task::Serve(options),
            Some(Command::Load(options)) => Task::Load(options),
            None => Task::Serve(self.serve),
        }
    }
}

impl Serve {
    /// The folder to replay, if any.
    pub(crate) fn events(&self) -> Option<PathBuf> {
        (!self.no_samples).then(|| self.events.clone().unwrap_or_else(|| PathBuf::from(SAMPLES)))
    }
}
