//! The two images of one change -> the row that it adds to the log, if any.

use aws_lambda_events::dynamodb::EventRecord;
use catalog_follow::LogRow;
use catalog_model::Record;
use catalog_search::{IndexRow, RowState, row_of};
use catalog_store::{CatalogStore, StoreError};
use serde_dynamo::{AttributeValue, Item};
use tracing::warn;

/// What one change of the table means to the index.
#[derive(Debug)]
pub(crate) enum Change {
    /// Not of a record: receipts, counts, the log itself.
    Other,
    /// Of a record whose entity is the same as before.
    Unchanged,
    Row(Box<LogRow>),
}

/// What an image holds.
enum Image {
    None,
    Record(Record),
    Broken(IndexRow),
}

/// # Errors
/// Fails where trying again can help. A record that cannot be read is a row that says so.
pub(crate) async fn change_of(event: &EventRecord, store: &CatalogStore) -> Result<Change, StoreError> {
    let change = &event.change;
    let rules = store.ownership().await?;
    let before = read(&change.old_image, store).await?;
    let row = match read(&change.new_image, store).await? {
        Image::Record(record) => row_of(&record, &rules),
        Image::Broken(row) => {
            warn!(record = %row.key, rv = row.rv, "a record cannot be read");
            row
        }
        Image::None => match &before {
            Image::None => return Ok(Change::Other),
            Image::Record(record) => IndexRow::of_removed(record.key.clone(), record.rv),
            Image::Broken(broken) => IndexRow::of_removed(broken.key.clone(), broken.rv),
        },
    };
    let before = match before {
        Image::None => RowState::of_nothing(&row.key),
        Image::Record(record) => row_of(&record, &rules).state,
        Image::Broken(broken) => broken.state,
    };
    // A broken record is told each time: what is wrong with it may be something else now.
    let is_same = before == row.state && !matches!(before, RowState::Broken(_));
    Ok(if is_same { Change::Unchanged } else { Change::Row(Box::new(LogRow::of_change(&before, row))) })
}

async fn read(image: &Item, store: &CatalogStore) -> Result<Image, StoreError> {
    if image.is_empty() {
        return Ok(Image::None);
    }
    match store.record_from_image(image).await {
        Ok(Some(record)) => Ok(Image::Record(record)),
        Ok(None) => Ok(Image::None),
        Err(error) if error.is_retryable() => Err(error),
        Err(error) => {
            // Fragments are maps; without them the image still says which record it is, and its counter.
            let head = image.iter().filter(|(_, value)| !matches!(value, AttributeValue::M(_)));
            let head: std::collections::HashMap<_, _> =
                head.map(|(name, value)| (name.clone(), value.clone())).collect();
            let record = store.record_from_image(&Item::from(head)).await?;
            let broken =
                |record: Record| Image::Broken(IndexRow::broken(record.key, record.rv, delivery::describe(&error)));
            Ok(record.map_or(Image::None, broken))
        }
    }
}
