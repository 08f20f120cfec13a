//! Objects that a bucket tells of -> the items in snapshots and histories, written while they are read.
//!
//! A file says what is there and never what is not: nothing is deleted because a snapshot does not name it. So a file can be
//! read again, in part or after a newer one, and what it says is stale then. One that takes longer than an invocation
//! has goes on where it was with the next try of its message.

use account::{Account, Extra};
use catalog_model::{Door, Format, SourceObject, Version};
use catalog_store::{FailureRecord, StoreError};
use config_item::{ConfigItemError, FileError, FileKey, FileKind, ItemStream, MAX_ITEM_BYTES, StreamedItem, read_item};
use delivery::describe;
use delivery::s3_notification::{self, ObjectEvent, ObjectEventKind};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use serde_json::{Value, json};
use tracing::{info, instrument};

use crate::ConfigChangeError;
use crate::config_bucket::{Piece, shown};
use crate::handler::{Deps, SOURCE};
use crate::message::ItemWords;
use crate::write::{Moment, write_item};

/// Items that are written at once.
const CONCURRENT_ITEMS: usize = 16;

/// Items between two lines of the log.
const ITEMS_A_LINE: u64 = 5_000;

/// Every object is tried, and the first error returned: repeating the message repeats what went well, which changes nothing.
pub(crate) async fn objects(
    body: &str,
    deps: &Deps,
    account: &Account,
    moment: Moment,
) -> Result<(), ConfigChangeError> {
    let events = s3_notification::parse(body).inspect_err(|_| account.add(|counts| counts.refused += 1));
    let mut first_error = None;
    for event in events.map_err(ConfigChangeError::Envelope)? {
        let file = match &event.kind {
            ObjectEventKind::Created => FileKey::parse(&event.key).filter(|key| key.kind != FileKind::Oversized),
            ObjectEventKind::Removed { .. } => None,
        };
        let loaded = match file {
            None => {
                // Oversized items come with their notices.
                account.add(|counts| counts.add(Extra::Ignored, 1));
                deps.buckets.check(&event.bucket)
            }
            Some(key) => Box::pin(load(&event, &key, deps, account, moment)).await,
        };
        first_error = first_error.or(loaded.err());
    }
    first_error.map_or(Ok(()), Err)
}

/// What is known of a file while it is read.
#[derive(Debug, Default)]
struct Load {
    /// Items that were come to, also those that are passed over.
    items: u64,
    refused: u64,
    /// Number and reason of the first that cannot be used.
    first_refusal: Option<(u64, String)>,
}

#[instrument(skip_all, fields(s3.key = %event.key))]
async fn load(
    event: &ObjectEvent,
    key: &FileKey,
    deps: &Deps,
    account: &Account,
    moment: Moment,
) -> Result<(), ConfigChangeError> {
    deps.buckets.check(&event.bucket)?;
    let progress = Progress::of(event, key, moment)?;
    let resume_at = progress.read(deps).await?;
    let mut stream = ItemStream::default();
    let mut file = deps.buckets.file(&event.bucket, &event.key, event.etag.as_deref());
    let mut load = Load::default();
    let mut writes = FuturesUnordered::new();
    let broken = |source| ConfigChangeError::File { key: shown(&event.key), source };
    loop {
        let piece = match file.next().await? {
            Piece::Bytes(bytes) => Some(bytes),
            Piece::End => None,
            Piece::Gone => {
                info!("the file is another one by now, which has an event of its own");
                account.add(|counts| counts.add(Extra::Ignored, 1));
                return Ok(());
            }
        };
        let is_last = piece.is_none();
        let steps = piece.as_deref().unwrap_or_default().chunks(ItemStream::PIECE_BYTES);
        for step in steps.map(Some).chain(is_last.then_some(None)) {
            let pushed = match step {
                Some(step) => stream.push(step),
                None => stream.finish(),
            };
            while let Some(item) = stream.next_item() {
                load.items += 1;
                if load.items <= resume_at {
                    continue;
                }
                if let Some(words) = load.words(item, event, deps, account, moment) {
                    writes.push(async move { write_item(&words, deps, account, moment).await }.boxed_local());
                }
                while writes.len() >= CONCURRENT_ITEMS {
                    load.wrote(writes.next().await)?;
                }
                if load.items.is_multiple_of(ITEMS_A_LINE) {
                    info!(items = load.items, decoded_bytes = stream.decoded_bytes(), "reading a file of Config");
                }
            }
            let is_late = moment.began.elapsed() >= deps.reading_time && load.items > resume_at;
            if pushed.is_err() || is_late || is_last {
                while !writes.is_empty() {
                    load.wrote(writes.next().await)?;
                }
            }
            if let Err(error) = pushed {
                account.add(|counts| counts.refused += 1);
                return Err(broken(error));
            }
            if is_late && !is_last {
                progress.keep(load.items, deps).await?;
                return Err(ConfigChangeError::FileGoesOn { key: shown(&event.key), items: load.items });
            }
        }
        if is_last {
            break;
        }
    }
    info!(items = load.items, refused = load.refused, decoded_bytes = stream.decoded_bytes(), "read a file of Config");
    account.add(|counts| counts.add(Extra::FilesRead, 1));
    load.note(event, deps, moment).await
}

impl Load {
    /// The words of an item that is taken; one that is not is counted.
    fn words(
        &mut self,
        item: StreamedItem,
        event: &ObjectEvent,
        deps: &Deps,
        account: &Account,
        moment: Moment,
    ) -> Option<ItemWords> {
        let delivery = event.etag.as_deref().unwrap_or(event.key.as_str());
        let delivery: String = format!("file {delivery}").chars().take(128).collect();
        let told = |error: ConfigItemError| describe(&error);
        let words = match item {
            StreamedItem::TooLarge { bytes } => Err(format!("it has {bytes} bytes, and {MAX_ITEM_BYTES} are taken")),
            StreamedItem::Text(text) => read_item(&text).map_err(told).and_then(|item| {
                if !deps.types.takes(&item.resource_type) {
                    account.add(|counts| counts.add(Extra::TypesLeftOut, 1));
                    return Ok(None);
                }
                ItemWords::of(&item, &delivery, moment.now_ms).map(Some).map_err(told)
            }),
        };
        match words {
            Ok(Some(words)) => {
                account.add(|counts| {
                    counts.parsed += 1;
                    counts.saw_event(words.captured_ms());
                    counts.add(Extra::UnresolvedRelationships, words.statements.unresolved_relationships as u64);
                });
                Some(words)
            }
            Ok(None) => None,
            Err(reason) => {
                account.add(|counts| counts.refused += 1);
                self.refuse(reason);
                None
            }
        }
    }

    fn refuse(&mut self, reason: String) {
        self.refused += 1;
        self.first_refusal.get_or_insert((self.items, reason));
    }

    fn wrote(&mut self, done: Option<Result<Option<StoreError>, ConfigChangeError>>) -> Result<(), ConfigChangeError> {
        if let Some(error) = done.transpose()?.flatten() {
            self.refuse(describe(&error));
        }
        Ok(())
    }

    /// Items that cannot be used are no reason to read all the others again: they are told where failures are.
    async fn note(self, event: &ObjectEvent, deps: &Deps, moment: Moment) -> Result<(), ConfigChangeError> {
        let name = shown(&event.key);
        let done = match self.first_refusal {
            None => return Ok(()),
            Some((number, reason)) => {
                let Self { items, refused, .. } = self;
                let detail = format!(
                    "{refused} of {items} items of `{name}` cannot be used, the first, number {number}, because {reason}"
                );
                let failure = FailureRecord {
                    source: SOURCE.to_owned(),
                    message_id: name,
                    code: "items-refused".to_owned(),
                    detail,
                    receive_count: 1,
                    last_try: false,
                    at_ms: moment.now_ms,
                };
                deps.store.record_failure(&failure).await
            }
        };
        done.map_err(ConfigChangeError::Store)
    }
}

/// How far a file was read that took longer than an invocation. One for each account, region and kind of file: of the
/// newest file.
struct Progress {
    source: SourceObject,
    version: Version,
    /// Which content of which object.
    content: Value,
}

impl Progress {
    fn of(event: &ObjectEvent, key: &FileKey, moment: Moment) -> Result<Self, ConfigChangeError> {
        let kind = if key.kind == FileKind::Snapshot { "snapshot" } else { "history" };
        let source = SourceObject {
            door: Door::Config,
            producer: key.account.clone(),
            format: Format::Config,
            name: format!("{}/{kind}", key.region),
        };
        let at_ms = u64::try_from(event.event_time.as_millisecond()).unwrap_or_default();
        let sequencer = event.sequencer.as_deref().unwrap_or_default();
        let version = Version::of_s3_event(at_ms, sequencer, 0, moment.now_ms.max(at_ms));
        let odd = |_| ConfigChangeError::File { key: shown(&event.key), source: FileError::NotItems };
        Ok(Self { source, version: version.map_err(odd)?, content: json!([event.bucket, event.key, event.etag]) })
    }

    /// Items that need not be read again.
    async fn read(&self, deps: &Deps) -> Result<u64, ConfigChangeError> {
        let SourceObject { producer, format, name, .. } = &self.source;
        let kept = deps.store.receipts(producer, &format.to_string(), name).await.map_err(ConfigChangeError::Store)?;
        let of_this = kept.iter().find(|receipt| receipt["content"] == self.content);
        Ok(of_this.and_then(|receipt| receipt["items"].as_u64()).unwrap_or_default())
    }

    async fn keep(&self, items: u64, deps: &Deps) -> Result<(), ConfigChangeError> {
        let receipt = json!({"content": self.content, "items": items});
        deps.store.put_receipt(&self.source, &self.version, &receipt).await.map_err(ConfigChangeError::Store)
    }
}
