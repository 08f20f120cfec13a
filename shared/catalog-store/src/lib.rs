//! Fragments in, records out: the catalog's one table in DynamoDB, and its bucket for what is too long for an item.
//!
//! A record is one item with one attribute for each source object that speaks of it ([`CatalogStore::apply`]). A source
//! object that stops naming a record takes its words back ([`CatalogStore::publish`]). Beside the records live their
//! siblings ([`CatalogStore::put_sibling`]) and registers ([`CatalogStore::put_register`]), the receipts, the conservation counts, the log that the index follows, and
//! the rollups of cost.
//!
//! Nothing but [`CatalogStore::scan_records`] and [`CatalogStore::scan_fragments`] scans, and no request calls them. No transaction is used, and no write depends on an earlier read, except where a condition checks
//! that what was read still holds. `attributes.rs` has the layout of the table.

mod attributes;
mod bodies;
mod cursor_key;
mod delta;
mod delta_log;
mod error;
mod images;
mod journal;
mod journal_parts;
mod lags;
mod operations;
mod ownership;
mod packing;
mod publication;
mod receipts;
mod records;
mod registers;
mod rollups;
mod root;
mod scan;
mod segments;
mod siblings;
mod sweeps;
mod table;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_types::service_config::ServiceConfigKey;
use catalog_model::Rules;
use tokio::sync::OnceCell;

pub use delta::{Delta, LogDefect, MAX_ROW_BYTES, UnreadableDelta};
pub use delta_log::Deltas;
pub use error::StoreError;
pub use journal::{JournalEntry, JournalPage, PackedJournalEntry};
pub use journal_parts::JournalParts;
pub use lags::IngestLag;
pub use operations::{FailureRecord, Parked, SourceStatus, Status};
pub use ownership::OWNERSHIP_KEY;
pub use packing::{PackedText, UnreadableText};
pub use publication::{Heading, Publication, Published};
pub use records::{MAX_FRAGMENTS, MAX_INLINE_BODY_BYTES};
pub use registers::{MAX_REGISTERS, Register, RegisterKind};
pub use rollups::{Flipped, RollupHead};
pub use root::{Clock, SourceHead};
pub use scan::Scanned;
pub use segments::{IndexState, SegmentPointer, Superseded};
pub use siblings::{
    KEEP_SIBLINGS_S, MAX_PAGE_SIBLINGS, MAX_SIBLING_BYTES, Sibling, SiblingCursor, SiblingCursorError, SiblingKind,
    SiblingPage,
};
pub use sweeps::SweepState;

/// DynamoDB answers in milliseconds, a page of a megabyte in less than a second.
const MAX_TRY: Duration = Duration::from_secs(20);

/// The table and the bucket of one catalog. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CatalogStore {
    dynamodb: aws_sdk_dynamodb::Client,
    s3: aws_sdk_s3::Client,
    table: String,
    bucket: String,
    /// Where this process's last append to the log ended.
    known_end: Arc<Mutex<Option<delta_log::KnownEnd>>>,
    /// The rules of ownership, once this process has read them.
    ownership: Arc<OnceCell<Arc<Rules>>>,
}

/// How fresh a read must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// Sees every write that was acknowledged before.
    Consistent,
    /// May miss the last second; half the price.
    Eventual,
}

impl CatalogStore {
    pub fn connect(config: &SdkConfig, table: &str, catalog_bucket: &str) -> Self {
        Self::from_clients(dynamodb_client(config), s3_client(config), table, catalog_bucket)
    }

    /// For clients with settings of their own, such as interceptors.
    pub fn from_clients(
        dynamodb: aws_sdk_dynamodb::Client,
        s3: aws_sdk_s3::Client,
        table: &str,
        catalog_bucket: &str,
    ) -> Self {
        Self {
            dynamodb,
            s3,
            table: table.to_owned(),
            bucket: catalog_bucket.to_owned(),
            known_end: Arc::default(),
            ownership: Arc::default(),
        }
    }
}

impl Read {
    fn is_consistent(self) -> bool {
        self == Self::Consistent
    }
}

/// A client that gives up a try after 20 seconds. Its requests and answers are whole texts: watching how fast each
/// of them flows, as the SDK does by default, finds nothing else, and costs more.
fn dynamodb_client(config: &SdkConfig) -> aws_sdk_dynamodb::Client {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(MAX_TRY).build();
    let config = aws_sdk_dynamodb::config::Builder::from(config)
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// A client that addresses buckets by path where the configuration names an endpoint for S3: a local one has no host
/// names for buckets.
pub fn s3_client(config: &SdkConfig) -> aws_sdk_s3::Client {
    let of_service = ServiceConfigKey::builder()
        .service_id("S3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()
        .and_then(|key| config.service_config()?.load_config(key));
    let has_endpoint = config.endpoint_url().is_some() || of_service.is_some();
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(config).force_path_style(has_endpoint).build())
}
