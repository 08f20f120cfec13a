//! An event -> what is done about it.

use aws_config::SdkConfig;
use catalog_store::CatalogStore;
use jiff::Timestamp;
use lambda_runtime::Error;
use tokio::sync::OnceCell;
use tracing::warn;

use crate::event::{Action, Answer, Event};
use crate::{Settings, compaction, stream_batch};

/// What the handler is connected to, and what it remembers between invocations.
#[derive(Debug)]
pub struct Deps {
    pub(crate) store: CatalogStore,
    /// The key of cursors is made: this process has seen to it.
    has_cursor_key: OnceCell<()>,
}

impl Deps {
    pub fn connect(config: &SdkConfig, settings: &Settings) -> Self {
        Self::of_store(CatalogStore::connect(config, &settings.table_name, &settings.catalog_bucket))
    }

    pub fn of_store(store: CatalogStore) -> Self {
        Self { store, has_cursor_key: OnceCell::new() }
    }
}

/// Appends what a stream batch changed to the log, or compacts the log.
///
/// # Errors
/// Fails if a change that cannot be handled now has no sequence number to name it by, and if a compaction breaks off:
/// the next one does it again.
pub async fn handle(event: Event, deps: &Deps, now: Timestamp) -> Result<Answer, Error> {
    match event {
        Event::Stream(batch) => {
            // Cursors can wait for the next batch; changes cannot wait for cursors.
            if let Err(error) = deps.has_cursor_key.get_or_try_init(|| deps.store.make_cursor_key()).await {
                warn!(error = %delivery::describe(&error), "could not make the key of cursors");
            }
            stream_batch::index(&batch, deps, now).await.map(Answer::Stream)
        }
        Event::Asked(Action::Compact) => {
            let compaction = Box::pin(compaction::compact(&deps.store, now)).await?;
            Ok(Answer::Compacted(compaction))
        }
    }
}

pub(crate) fn milliseconds(now: Timestamp) -> u64 {
    u64::try_from(now.as_millisecond()).unwrap_or_default()
}
