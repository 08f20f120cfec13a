//! What an export would change, without changing it: reads only.

use std::collections::BTreeSet;

use catalog_model::{Fragment, Identity, Record, RecordKey, Said};
use catalog_store::{CatalogStore, Read, SourceHead};
use export_formats::ParsedExport;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::error::CicdExportError;
use crate::export::{Export, Stamp};
use crate::receipt::{MAX_LISTED, Receipt, Status, identities};

/// The answer to `dryRun=true`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Preview {
    dry_run: bool,
    /// What the receipt would say of the file itself.
    #[serde(flatten)]
    receipt: Receipt,
    changes: Vec<Change>,
    /// What would be taken back. `null`: it is not known without writing.
    would_sweep: Option<Vec<Identity>>,
}

#[derive(Debug, Serialize)]
struct Change {
    entity: Identity,
    change: Effect,
}

/// What would become of the words of this source object about one entity.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Effect {
    /// The source object says nothing of it yet.
    New,
    Changed,
    Unchanged,
    /// A newer export says otherwise.
    Stale,
}

/// # Errors
/// As [`crate::export::publish`], conflicts of clocks excepted: those are found at writing.
pub(crate) async fn preview(export: &Export, store: &CatalogStore, now: Timestamp) -> Result<Preview, CicdExportError> {
    let (parsed, _) = export.parse(now)?;
    let stamp = export.stamp(parsed.clock_hint.as_ref(), now)?;
    let head = store.head(&export.source).await.map_err(CicdExportError::Store)?;
    let changes = changes(export, &parsed, &stamp, store).await?;
    let would_sweep = would_sweep(export, &parsed, head.as_ref(), store).await?;
    let mut receipt = Receipt::new(Status::Accepted, &export.source, &export.delivery, now);
    receipt.parameters = export.parameters.given().into_iter().collect();
    receipt.caller.clone_from(&export.caller);
    let is_superseded = head.is_some_and(|head| head.version > stamp.version);
    receipt.clock = Some(stamp.shown);
    receipt.version = Some(stamp.version);
    receipt.tell_records(parsed.statements.iter().map(|(key, _)| key));
    receipt.tell_notes(parsed.notes, parsed.complete);
    receipt.tell_documents(parsed.documents);
    if is_superseded {
        receipt.tell_superseded();
    }
    Ok(Preview { dry_run: true, receipt, changes, would_sweep })
}

async fn changes(
    export: &Export,
    parsed: &ParsedExport,
    stamp: &Stamp,
    store: &CatalogStore,
) -> Result<Vec<Change>, CicdExportError> {
    let entities = parsed.statements.iter().filter_map(|(key, said)| match key {
        RecordKey::Entity(identity) => Some((key, identity, said)),
        RecordKey::Alias(_) => None,
    });
    let entities: Vec<_> = entities.take(MAX_LISTED).collect();
    let keys: Vec<RecordKey> = entities.iter().map(|(key, _, _)| (*key).clone()).collect();
    let records = store.records(&keys, Read::Eventual).await.map_err(CicdExportError::Store)?;
    let changes = entities.iter().zip(&records).map(|((_, identity, said), record)| Change {
        entity: (*identity).clone(),
        change: effect(standing(export, record), said, stamp),
    });
    Ok(changes.collect())
}

fn standing<'r>(export: &Export, record: &'r Record) -> Option<&'r Fragment> {
    record.fragments.get(&export.source.fragment_key())
}

fn effect(standing: Option<&Fragment>, said: &Said, stamp: &Stamp) -> Effect {
    match standing {
        None => Effect::New,
        Some(fragment) if fragment.version > stamp.version => Effect::Stale,
        Some(fragment) if fragment.said == *said => Effect::Unchanged,
        Some(fragment) if fragment.said == Said::Gone => Effect::New,
        Some(_) => Effect::Changed,
    }
}

/// What the last receipt lists and the file does not, as long as that receipt is of the head and whole.
async fn would_sweep(
    export: &Export,
    parsed: &ParsedExport,
    head: Option<&SourceHead>,
    store: &CatalogStore,
) -> Result<Option<Vec<Identity>>, CicdExportError> {
    if !parsed.complete {
        return Ok(Some(Vec::new()));
    }
    let Some(head) = head else { return Ok(Some(Vec::new())) };
    let source = &export.source;
    let format = source.format.to_string();
    let receipts = store.receipts(&source.producer, &format, &source.name).await.map_err(CicdExportError::Store)?;
    let door = Value::from(source.door.to_string());
    let of_head = receipts
        .iter()
        .find(|receipt| receipt["door"] == door && receipt["version"].as_str() == Some(head.version.as_str()));
    let Some(listed) = of_head.and_then(|receipt| {
        let listed: Vec<Identity> = serde_json::from_value(receipt["entities"].clone()).ok()?;
        (receipt["counts"]["entities"].as_u64() == u64::try_from(listed.len()).ok()).then_some(listed)
    }) else {
        return Ok(None);
    };
    let named = parsed.statements.iter().map(|(key, _)| key);
    let named: BTreeSet<Identity> = identities(named).into_iter().collect();
    Ok(Some(listed.into_iter().filter(|identity| !named.contains(identity)).collect()))
}
