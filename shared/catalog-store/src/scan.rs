//! The whole table -> its records, for who builds the index anew.

use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use catalog_model::{FragmentKey, Record, RecordKey};
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
        self.scanned_of(self.part(segment, total).filter_expression(attributes::IS_RECORD))
    }

    /// As [`Self::scan_records`], with nothing of a record but these fragments, one at least. Records that have none of
    /// them are left out.
    pub fn scan_fragments(
        &self,
        keys: &[FragmentKey],
        segment: u16,
        total: u16,
    ) -> impl Stream<Item = Result<Scanned, StoreError>> + '_ {
        let (filter, projection) = attributes::of_fragments(keys.len());
        let mut scan = self.part(segment, total).filter_expression(filter).projection_expression(projection);
        for (at, key) in keys.iter().enumerate() {
            scan = scan.expression_attribute_names(format!("#f{at}"), attributes::fragment_attribute(key));
        }
        self.scanned_of(scan)
    }

    fn part(&self, segment: u16, total: u16) -> ScanFluentBuilder {
        self.dynamodb
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .segment(segment.into())
            .total_segments(total.into())
            .expression_attribute_values(":sk", s(attributes::RECORD_SK))
    }

    fn scanned_of(&self, scan: ScanFluentBuilder) -> impl Stream<Item = Result<Scanned, StoreError>> + '_ {
        let pages = stream::unfold(scan.into_paginator().send(), async |mut pages| Some((pages.next().await?, pages)));
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
