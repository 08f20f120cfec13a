//! `callboard check-ownership`: a file of ownership is read, and what would change if it counted is said. Nothing is written.

use std::{collections::BTreeMap, error::Error, fs, path::Path, path::PathBuf};

use callboard::{
    connected,
    functions::Functions,
    ports::{Endpoints, Ports},
    stack::{Stack, StackOptions},
};
use catalog_follow::WholeIndex;
use catalog_model::{Identity, Rules};
use catalog_search::{IndexRow, row_of};
use catalog_store::{CatalogStore, StoreError};
use clap::Args;
use futures::{TryStreamExt, stream::select_all};

use super::terminal::say;

type Failure = Box<dyn Error>;

/// Parts of the table that are scanned at once.
const PARTS: u16 = 4;
const ROWS_AT_ONCE: usize = 1000;

const FIELDS: [&str; 2] = ["owner", "system"];

/// Read a file of ownership, and say what would change if it counted
#[derive(Debug, Args)]
#[command(
    after_help = "Reads only. A file that is wrong is told with its line, and the exit code is 1 then; changes are no failure."
)]
pub(crate) struct CheckOwnership {
    /// The file: rules, or a Backstage app-config that configures a provider of AWS resources
    file: PathBuf,
    /// Only read the file
    #[arg(long)]
    offline: bool,
    /// First of a running local stack's ports
    #[arg(long, value_name = "PORT", default_value_t = 7407)]
    port_base: u16,
    /// The folder of a local stack that does not run
    #[arg(long, value_name = "DIR", conflicts_with = "port_base")]
    data: Option<PathBuf>,
    /// Table of a deployed stack, read with the credentials of the environment
    #[arg(long, value_name = "NAME", requires = "bucket", conflicts_with_all = ["port_base", "data"])]
    table: Option<String>,
    /// Catalog bucket of a deployed stack
    #[arg(long, value_name = "NAME", requires = "table")]
    bucket: Option<String>,
}

/// The text of a file of ownership that is right.
///
/// # Errors
/// Fails when the file cannot be read, and tells what is wrong in it.
pub(crate) fn ownership_file(file: &Path) -> Result<String, Failure> {
    let shown = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("could not read `{shown}`: {error}"))?;
    ownership_rules::read(&text).map_err(|error| format!("`{shown}`: {error}"))?;
    Ok(text)
}

/// # Errors
/// Fails on a file that is wrong, and where the records cannot be read.
pub(crate) async fn check(options: CheckOwnership) -> Result<(), Failure> {
    let text = ownership_file(&options.file)?;
    let read = ownership_rules::read(&text)?;
    say(format_args!("`{}` can count. Its rules have the hash {}.", options.file.display(), read.rules.hash()));
    read.notes.iter().for_each(say);
    if options.offline {
        return Ok(());
    }
    if let Some(data) = options.data {
        // Without functions: nothing is consumed.
        let stack_options = StackOptions { ports: Ports::Ephemeral, data: Some(data), ..StackOptions::default() };
        let stack = Box::pin(Stack::start(stack_options, |_| Functions::new())).await?;
        let outcome = Box::pin(compare(stack.catalog(), &read.rules)).await;
        stack.shutdown().await;
        return outcome;
    }
    let store = match (options.table, options.bucket) {
        (Some(table), Some(bucket)) => {
            let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
            CatalogStore::connect(&config, &table, &bucket)
        }
        _ => connected::catalog(&Endpoints::from_base(options.port_base).ok_or("the first port is too large")?),
    };
    Box::pin(compare(&store, &read.rules)).await
}

/// Says each entity whose owner or system would be another, and how many there are.
async fn compare(store: &CatalogStore, rules: &Rules) -> Result<(), Failure> {
    let now = store.ownership().await?;
    let (before, after) = indexes(store, &now, rules).await?;
    let (frozen_before, frozen_after) = (before.frozen()?, after.frozen()?);
    let mut counts = BTreeMap::new();
    for field in FIELDS {
        let rows = |rows: Vec<(Identity, String)>| rows.into_iter().collect::<BTreeMap<_, _>>();
        let key = format!("spec.{field}");
        let (old, new) = (rows(frozen_before.rows_of(&key)?), rows(frozen_after.rows_of(&key)?));
        let identities: std::collections::BTreeSet<&Identity> = old.keys().chain(new.keys()).collect();
        for identity in identities {
            let (old, new) = (old.get(identity), new.get(identity));
            if old == new {
                continue;
            }
            let reference = after.catalog().current_ref(identity)?;
            let name = reference.map_or_else(|| identity.to_string(), |reference| reference.to_string());
            let shown = |value: Option<&String>| value.cloned().unwrap_or_else(|| "(none)".to_owned());
            say(format_args!("{name}  {field}: {} -> {}", shown(old), shown(new)));
            *counts.entry(field).or_insert(0_u64) += 1;
        }
    }
    let entities = after.catalog().len();
    let count = |field| counts.get(field).copied().unwrap_or_default();
    say(format_args!(
        "{entities} entities: {} would have another owner, {} another system",
        count("owner"),
        count("system")
    ));
    if now.hash() == rules.hash() {
        say("These rules count already.");
    }
    Ok(())
}

/// The index of all records by either rules. In memory are both, as segments, and some thousand rows.
async fn indexes(store: &CatalogStore, one: &Rules, other: &Rules) -> Result<(WholeIndex, WholeIndex), StoreError> {
    let (mut before, mut after) = (WholeIndex::begun_at(0, one), WholeIndex::begun_at(0, other));
    let parts = select_all((0..PARTS).map(|part| Box::pin(store.scan_records(part, PARTS))));
    let rows = parts.try_filter_map(async |scanned| {
        // What cannot be read is no entity by any rules.
        Ok(scanned.record.ok().map(|record| (row_of(&record, one), row_of(&record, other))))
    });
    let mut chunks = std::pin::pin!(rows.try_chunks(ROWS_AT_ONCE));
    while let Some(rows) = chunks.try_next().await.map_err(|error| error.1)? {
        let (of_one, of_other): (Vec<IndexRow>, Vec<IndexRow>) = rows.into_iter().unzip();
        before.add(of_one)?;
        before.settle()?;
        after.add(of_other)?;
        after.settle()?;
    }
    Ok((before, after))
}
