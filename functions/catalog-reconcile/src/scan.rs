//! All records -> the index that they make.

use catalog_follow::WholeIndex;
use catalog_model::Rules;
use catalog_search::{IndexRow, row_of};
use catalog_store::{CatalogStore, Scanned, StoreError};
use futures::stream::select_all;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use tracing::{info, warn};

/// Parts of the table that are scanned at once.
const PARTS: u16 = 4;
/// Rows that are applied at once: what follows from them is worked out once for all of them.
const ROWS_AT_ONCE: usize = 1000;

/// The index at the end of the log, made without it; and how many records there are. In memory are the segment so far, a
/// page of each part, and some thousand rows.
///
/// # Errors
/// Fails if the table or a body cannot be read now. A record that cannot be stitched is a broken row.
pub(crate) async fn index_of_records(store: &CatalogStore, now: Timestamp) -> Result<(WholeIndex, u64), StoreError> {
    // Whatever was appended until now, the records show already: the log tells what they do not from here on.
    let seq = store.log_end(u64::try_from(now.as_millisecond()).unwrap_or_default()).await?;
    let ownership = store.ownership().await?;
    let mut index = WholeIndex::begun_at(seq, &ownership);
    let parts = select_all((0..PARTS).map(|part| store.scan_records(part, PARTS).boxed_local()));
    let mut chunks = parts.map_ok(|scanned| row(scanned, &ownership)).try_chunks(ROWS_AT_ONCE);
    let mut records = 0;
    while let Some(rows) = chunks.next().await {
        let rows = rows.map_err(|error| error.1)?;
        records += rows.len() as u64;
        index.add(rows)?;
        index.settle()?;
    }
    info!(records, seq, "scanned all records");
    index.read_on(store).await?;
    Ok((index, records))
}

fn row(scanned: Scanned, ownership: &Rules) -> IndexRow {
    match scanned.record {
        Ok(record) => row_of(&record, ownership),
        Err(error) => {
            warn!(record = %scanned.key, rv = scanned.rv, "a record cannot be read");
            IndexRow::broken(scanned.key, scanned.rv, delivery::describe(&error))
        }
    }
}
