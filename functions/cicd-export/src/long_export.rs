//! A dropped catalog file too long to hold -> published while it is read, in bounded memory.
//!
//! What the file speaks of must be registered before any of it is written (`CatalogStore::publish`), so it is read
//! twice: first for the set of records, the verdicts and the hash of the content, then for the statements. Both times
//! it is the same content, or none. What is said goes into parts of the journal on its way.
//!
//! What breaks off begins anew with the next delivery of the message: what was written is a duplicate then.

use std::collections::VecDeque;

use catalog_model::{RecordKey, Said, TieHasher};
use catalog_store::{Heading, JournalParts, PackedJournalEntry};
use export_formats::{CatalogInfoStatements, CatalogInfoSurvey, SurveyedExport};
use futures::{Stream, StreamExt, stream};
use jiff::Timestamp;

use crate::error::CicdExportError;
use crate::export::{Export, keep, ms};
use crate::handler::Deps;
use crate::pinned_object::PinnedObject;
use crate::progress::Progress;
use crate::receipt::{Receipt, Status};

/// `None`: the object is another one by now, or gone; then that has an event of its own.
///
/// # Errors
/// As [`crate::export::publish`].
pub(crate) async fn publish_long(
    export: &Export,
    object: &PinnedObject<'_>,
    deps: &Deps,
    now: Timestamp,
) -> Result<Option<Receipt>, CicdExportError> {
    let Some((surveyed, tie)) = Box::pin(survey(export, object)).await? else { return Ok(None) };
    let stamp = export.stamp_tied(tie, None, now)?;
    let SurveyedExport { records, repeated, complete, verdicts, notes } = surveyed;
    let mut receipt = export.receipt(Status::Accepted, now);
    receipt.clock = Some(stamp.shown);
    receipt.version = Some(stamp.version.clone());
    receipt.tell_records(records.iter());
    receipt.tell_notes(notes, complete);
    receipt.tell_verdicts(verdicts);

    let heading = Heading {
        source: export.source.clone(),
        version: stamp.version.clone(),
        clock: stamp.clock,
        delivery: export.delivery.clone(),
        complete,
    };
    let progress = Progress::new("write", object.bytes);
    let mut parts = deps.store.journal_parts();
    let statements = statements(object, CatalogInfoStatements::new(repeated), &mut parts, &progress);
    let wrote = |written| progress.wrote(written);
    let published = deps.store.publish_streamed(heading.clone(), records, statements, wrote, ms(now));
    let published = Box::pin(published).await;
    let published = match published {
        Ok(published) => published,
        // What is registered and was not written is swept by whatever came instead.
        Err(CicdExportError::ObjectChanged { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let parts = parts.finish().await?;
    deps.store.put_journal(&PackedJournalEntry::in_parts(&heading, &parts)).await?;
    progress.log("loaded");
    receipt.tell_outcome(&published);
    keep(&receipt, &export.source, &stamp.version, &deps.store).await?;
    Ok(Some(receipt))
}

/// The first pass, and the tie of the version.
async fn survey(export: &Export, object: &PinnedObject<'_>) -> Result<Option<(SurveyedExport, u64)>, CicdExportError> {
    let progress = Progress::new("survey", object.bytes);
    let mut survey = CatalogInfoSurvey::default();
    let mut tie = TieHasher::default();
    let mut pieces = std::pin::pin!(object.pieces());
    while let Some(piece) = pieces.next().await {
        let Some(piece) = piece? else { return Ok(None) };
        tie.update(&piece);
        progress.read_bytes(piece.len());
        survey.push(piece).map_err(CicdExportError::Export)?;
        progress.read_documents(u64::try_from(survey.documents()).unwrap_or(u64::MAX));
    }
    let surveyed = survey.finish(&export.parameters).map_err(CicdExportError::Export)?;
    Ok(Some((surveyed, export.finish_tie(tie))))
}

/// The second pass.
fn statements<'a>(
    object: &'a PinnedObject<'_>,
    pass: CatalogInfoStatements,
    parts: &'a mut JournalParts,
    progress: &'a Progress,
) -> impl Stream<Item = Result<(RecordKey, Said), CicdExportError>> + 'a {
    let state = SecondPass { pass, said: VecDeque::new(), is_at_end: false };
    stream::try_unfold((Box::pin(object.pieces()), state, parts), async move |(mut pieces, mut state, parts)| {
        loop {
            if let Some((key, said)) = state.next(progress) {
                parts.push(&key, &said).await?;
                return Ok(Some(((key, said), (pieces, state, parts))));
            }
            if state.is_at_end {
                return Ok(None);
            }
            match pieces.next().await {
                Some(piece) => {
                    let piece =
                        piece?.ok_or_else(|| CicdExportError::ObjectChanged { key: object.key().to_owned() })?;
                    progress.read_bytes(piece.len());
                    state.pass.push(piece);
                }
                None => state.is_at_end = true,
            }
        }
    })
}

struct SecondPass {
    pass: CatalogInfoStatements,
    /// Of the last document, what was not taken yet.
    said: VecDeque<(RecordKey, Said)>,
    is_at_end: bool,
}

impl SecondPass {
    fn next(&mut self, progress: &Progress) -> Option<(RecordKey, Said)> {
        while self.said.is_empty() {
            let said = if self.is_at_end { self.pass.finish()? } else { self.pass.next_statements()? };
            progress.read_document();
            self.said = said.into();
        }
        self.said.pop_front()
    }
}
