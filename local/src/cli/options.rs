//! Command line -> options.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, builder::NonEmptyStringValueParser};
use delivery::cors::Cors;

use super::{load::Load, ownership::CheckOwnership, rebuild::Rebuild, reconcile::Reconcile, replay::Replay};

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
    Serve(Box<Serve>),
    /// Serve the embedded DynamoDB alone, for `serve --dynamodb`: to tell what it takes of the machine from the rest.
    Dynamodb(DynamoDb),
    /// Load a file of Backstage entities into a running stack, or a deployed one
    Load(Load),
    /// Make the index of a running stack anew from its records, and let it count
    Rebuild(Rebuild),
    Reconcile(Reconcile),
    Replay(Replay),
    /// Read a file of ownership, and say what would change if it counted
    CheckOwnership(CheckOwnership),
}

/// What to do.
pub(crate) enum Do {
    Serve(Box<Serve>),
    DynamoDb(DynamoDb),
    Load(Load),
    Rebuild(Rebuild),
    Reconcile(Reconcile),
    Replay(Replay),
    CheckOwnership(CheckOwnership),
}

/// How to serve DynamoDB alone.
#[derive(Debug, Args)]
pub(crate) struct DynamoDb {
    /// Port on 127.0.0.1
    #[arg(long, value_name = "PORT", default_value_t = 7408)]
    pub(crate) port: u16,
    /// Folder of the table: the one that `serve` keeps everything in
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
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
    /// Answer API requests only with a token of this issuer: the address that its tokens have as `iss`
    #[arg(long, value_name = "URL", requires = "audience")]
    pub(crate) issuer: Option<String>,
    /// What the issuer's tokens must have as `aud`
    #[arg(long, value_name = "NAME", requires = "issuer")]
    pub(crate) audience: Option<String>,
    /// Where the issuer's keys are [default: where its discovery document says]
    #[arg(long, value_name = "URL", requires = "issuer")]
    pub(crate) keys: Option<String>,
    /// Origins of web pages that may read answers, separated by commas, or `*`
    #[arg(long, value_name = "ORIGINS", default_value = "", hide_default_value = true, value_parser = Cors::parse)]
    pub(crate) cors: Cors,
    /// Use the DynamoDB that `callboard dynamodb` serves at this address for the same --data
    #[arg(long, value_name = "HOST:PORT", requires = "data", value_parser = address)]
    pub(crate) dynamodb: Option<SocketAddr>,
    /// Find owners by the rules of this file, from now on [default: by those of the last start with --data]
    #[arg(long, value_name = "FILE")]
    pub(crate) ownership: Option<PathBuf>,
    /// Compact the index so often [default: every minute]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) compact_every: Option<u64>,
}

/// `127.0.0.1:7408`, with or without `http://`.
fn address(text: &str) -> Result<SocketAddr, String> {
    let plain = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
    let plain = plain.replacen("localhost:", "127.0.0.1:", 1);
    plain.parse().map_err(|_| "expected an address such as 127.0.0.1:7408".to_owned())
}

impl Cli {
    pub(crate) fn what(self) -> Do {
        match self.command {
            Some(Command::Serve(options)) => Do::Serve(options),
            Some(Command::Dynamodb(options)) => Do::DynamoDb(options),
            Some(Command::Load(options)) => Do::Load(options),
            Some(Command::Rebuild(options)) => Do::Rebuild(options),
            Some(Command::Reconcile(options)) => Do::Reconcile(options),
            Some(Command::Replay(options)) => Do::Replay(options),
            Some(Command::CheckOwnership(options)) => Do::CheckOwnership(options),
            None => Do::Serve(Box::new(self.serve)),
        }
    }
}

impl Serve {
    /// The folder to replay, if any.
    pub(crate) fn events(&self) -> Option<PathBuf> {
        (!self.no_samples).then(|| self.events.clone().unwrap_or_else(|| PathBuf::from(SAMPLES)))
    }
}
