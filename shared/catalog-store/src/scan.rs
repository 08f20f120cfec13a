//! The whole table -> its records, for who builds the index anew.

use catalog_model::{Record, RecordKey};
use futures::{Stream, TryStreamExt, stream};

use crate::attributes::{self, Item, s};
use crate::bodies::CONCURRENT_CALLS;
use crate::images::StoredRecord;
use crate::{CatalogStore, StoreError};

/// A record of the table, or what is wrong with it.
#[derive(Debug)]
pub struct Scanned {
    pub key: RecordKey,
    pub rv: u64,
    /// An error is about what is stored; the table itself could be read.
    pub record: Result<Record, StoreError>,
}

impl CatalogStore {
    /// All records of one of `total` equal parts of the table, read consistently, each once, in no order. A record that
    /// is written meanwhile may come as it was or as it is. At most one page of DynamoDB (1 MB) and the bodies of a few
    /// records are in memory.
    pub fn scan_records(&self, segment: u16, total: u16) -> impl Stream<Item = Result<Scanned, StoreError>> + '_ {
        let pages = self
            .dynamodb
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .segment(segment.into())
            .total_segments(total.into())
            .filter_expression(attributes::IS_RECORD)
            .expression_attribute_values(":sk", s(attributes::RECORD_SK))
            .into_paginator()
            .send();
        let pages = stream::unfold(pages, async |mut pages| Some((pages.next().await?, pages)));
        let items = pages.map_err(StoreError::aws("Scan")).map_ok(|page| {
            let items = page.items.unwrap_or_default();
            stream::iter(items.into_iter().filter_map(|item| Some((key_of(&item)?, item))).map(Ok))
        });
        items
            .try_flatten()
            .map_ok(move |(key, item)| async move { self.scanned(key, &item).await })
            .try_buffer_unordered(CONCURRENT_CALLS)
    }

    async fn scanned(&self, key: RecordKey, item: &Item) -> Result<Scanned, StoreError> {
        let rv = attributes::number(item, attributes::RV).unwrap_or_default();
        let record = match StoredRecord::of(key.clone(), item) {
            Ok(stored) => self.hydrate(stored).await,
            Err(error) => Err(error),
        };
        match record {
            Err(error) if error.is_retryable() => Err(error),
            record => Ok(Scanned { key, rv, record }),
        }
    }
}

fn key_of(item: &Item) -> Option<RecordKey> {
    attributes::text(item, attributes::PK)?.parse().ok()
}
