//! One export, whatever door it came by -> parsed, given a version, published, and its receipt kept.

use catalog_model::{Format, SourceObject, TieHasher, Version};
use catalog_store::{CatalogStore, Clock, PackedJournalEntry, Publication};
use export_formats::{ClockHint, Parameters, ParsedExport};
use jiff::Timestamp;
use tracing::{info, warn};

use crate::beside::{self, Beside};
use crate::error::CicdExportError;
use crate::receipt::{Receipt, ShownClock, Status};

/// An export as its door hands it on.
#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) source: SourceObject,
    pub(crate) parameters: Parameters,
    pub(crate) body: Vec<u8>,
    /// Names the delivery, the same at every redelivery.
    pub(crate) delivery: String,
    /// Who sent it, by the word of AWS.
    pub(crate) caller: Option<String>,
    pub(crate) arrival: Arrival,
}

/// The door's own clock.
#[derive(Debug, Clone)]
pub(crate) enum Arrival {
    Request {
        at: Timestamp,
    },
    /// When the artifact of a pipeline was made: the same whenever the job comes again.
    Artifact {
        at: Timestamp,
    },
    S3Event {
        at: Timestamp,
        sequencer: String,
    },
}

/// The version of an export and where it comes from.
#[derive(Debug)]
pub(crate) struct Stamp {
    pub(crate) version: Version,
    pub(crate) clock: Clock,
    pub(crate) shown: ShownClock,
}

impl Export {
    /// What it says of records, and beside them.
    ///
    /// # Errors
    /// Says what is wrong with the file.
    pub(crate) fn parse(&self, now: Timestamp) -> Result<(ParsedExport, Vec<Beside>), CicdExportError> {
        if self.source.format == Format::Deployment {
            return beside::deployments(&self.body, &self.parameters, ms(now)).map_err(CicdExportError::Deployment);
        }
        let format = self.source.format.to_string();
        let mut parsed = export_formats::parse(&format, &self.source.name, &self.body, &self.parameters)
            .map_err(CicdExportError::Export)?;
        let definitions = std::mem::take(&mut parsed.definitions).into_iter().map(Beside::Definition).collect();
        Ok((parsed, definitions))
    }

    /// The caller's serial, else the file's own clock, else the commit's time, else the door's.
    ///
    /// # Errors
    /// Fails on a time that is too far ahead, and on an `epoch` without a lineage to count.
    pub(crate) fn stamp(&self, hint: Option<&ClockHint>, now: Timestamp) -> Result<Stamp, CicdExportError> {
        let mut tie = TieHasher::default();
        tie.update(&self.body);
        self.stamp_tied(self.finish_tie(tie), hint, now)
    }

    /// The tie of a version: of the content, and of the parameters that it came with.
    pub(crate) fn finish_tie(&self, mut content: TieHasher) -> u64 {
        content.update(b"\n");
        content.update(self.parameters.canonical().as_bytes());
        content.finish()
    }

    /// [`Self::stamp`] for content that is not held.
    pub(crate) fn stamp_tied(
        &self,
        tie: u64,
        hint: Option<&ClockHint>,
        now: Timestamp,
    ) -> Result<Stamp, CicdExportError> {
        let epoch_is_for_nothing = |clock| match self.parameters.epoch {
            Some(_) => Err(CicdExportError::EpochWithoutLineage { clock }),
            None => Ok(()),
        };
        if let Some(serial) = self.parameters.serial {
            epoch_is_for_nothing("the caller's `serial`")?;
            let version = Version::of_serial(serial, tie);
            return Ok(Stamp { version, clock: Clock::Serial, shown: ShownClock::Serial { serial } });
        }
        if let Some(ClockHint { lineage, serial }) = hint {
            let (epoch, serial) = (self.parameters.epoch.unwrap_or_default(), *serial);
            return Ok(Stamp {
                version: Version::of_terraform(epoch, serial, tie),
                clock: Clock::Terraform { lineage: lineage.clone(), epoch },
                shown: ShownClock::Terraform { lineage: lineage.clone(), epoch, serial },
            });
        }
        if let Some(time) = self.parameters.commit_time {
            epoch_is_for_nothing("the commit's time")?;
            let version = Version::of_commit(ms(time), tie, ms(now)).map_err(CicdExportError::Version)?;
            return Ok(Stamp { version, clock: Clock::Commit, shown: ShownClock::Commit { time } });
        }
        epoch_is_for_nothing("the time it came")?;
        self.arrival.stamp(tie, now)
    }

    pub(crate) fn receipt(&self, status: Status, now: Timestamp) -> Receipt {
        let mut receipt = Receipt::new(status, &self.source, &self.delivery, now);
        receipt.parameters = self.parameters.given().into_iter().collect();
        receipt.caller.clone_from(&self.caller);
        receipt
    }
}

impl Arrival {
    pub(crate) fn stamp(&self, tie: u64, now: Timestamp) -> Result<Stamp, CicdExportError> {
        let (version, shown) = match self {
            Self::Request { at } => (Version::of_request(ms(*at), tie), ShownClock::Request { time: *at }),
            Self::Artifact { at } => (Version::of_request(ms(*at), tie), ShownClock::Artifact { time: *at }),
            Self::S3Event { at, sequencer } => {
                let version = Version::of_s3_event(ms(*at), sequencer, tie, ms(now));
                let shown = ShownClock::S3Event { time: *at, sequencer: sequencer.clone() };
                (version.map_err(CicdExportError::Version)?, shown)
            }
        };
        Ok(Stamp { version, clock: Clock::Time, shown })
    }
}

/// Reads, publishes and keeps the receipt. The receipt is returned only after everything is written.
///
/// # Errors
/// After an error nothing of the export counts yet, and the same call completes it.
pub(crate) async fn publish(export: &Export, store: &CatalogStore, now: Timestamp) -> Result<Receipt, CicdExportError> {
    let (mut parsed, beside) = export.parse(now)?;
    let stamp = export.stamp(parsed.clock_hint.as_ref(), now)?;
    let mut receipt = export.receipt(Status::Accepted, now);
    receipt.clock = Some(stamp.shown);
    receipt.version = Some(stamp.version.clone());
    let statements = std::mem::take(&mut parsed.statements);
    receipt.tell_records(statements.iter().map(|(key, _)| key));
    receipt.tell_notes(parsed.notes, parsed.complete);
    receipt.tell_documents(parsed.documents);
    let publication = Publication {
        source: export.source.clone(),
        version: stamp.version.clone(),
        clock: stamp.clock.clone(),
        delivery: export.delivery.clone(),
        statements,
        complete: parsed.complete,
    };
    let siblings = beside::siblings(&beside, &stamp.version, ms(now));
    let entry = PackedJournalEntry::of(&publication, &siblings);
    let published = store.publish(publication, ms(now)).await.map_err(CicdExportError::Store)?;
    receipt.tell_outcome(&published);
    receipt.tell_written(beside::write(&siblings, store).await?);
    store.put_journal(&entry).await?;
    keep(&receipt, &export.source, &stamp.version, store).await?;
    info!(
        source = %export.source,
        documents = receipt.counts.documents,
        refused = receipt.counts.refused,
        applied = receipt.applied,
        swept = receipt.counts.swept,
        superseded = receipt.superseded,
        "published an export"
    );
    Ok(receipt)
}

/// Takes back all that the source object said. `None`: it never said anything.
///
/// # Errors
/// As [`publish`].
pub(crate) async fn retire(
    export: &Export,
    store: &CatalogStore,
    now: Timestamp,
) -> Result<Option<Receipt>, CicdExportError> {
    let stamp = export.stamp(None, now)?;
    let mut receipt = export.receipt(Status::Retired, now);
    let has_clock = export.parameters.serial.is_some() || export.parameters.commit_time.is_some();
    let published = if has_clock {
        let nothing = Publication {
            source: export.source.clone(),
            version: stamp.version.clone(),
            clock: stamp.clock,
            delivery: export.delivery.clone(),
            statements: Vec::new(),
            complete: true,
        };
        Some(store.publish(nothing, ms(now)).await.map_err(CicdExportError::Store)?)
    } else {
        let retired = store.retire(&export.source, &stamp.version, &export.delivery, ms(now));
        retired.await.map_err(CicdExportError::Store)?
    };
    let Some(published) = published else { return Ok(None) };
    // The version that the store chose, where the source object has a clock that a removal has not.
    let head = store.head(&export.source).await.map_err(CicdExportError::Store)?;
    let clock = head.as_ref().map(|head| head.clock.clone());
    let version = match head {
        Some(head) if !published.superseded => head.version,
        _ => stamp.version.clone(),
    };
    let nothing = Publication {
        source: export.source.clone(),
        version: version.clone(),
        clock: clock.unwrap_or(Clock::Time),
        delivery: export.delivery.clone(),
        statements: Vec::new(),
        complete: true,
    };
    store.put_journal(&PackedJournalEntry::of(&nothing, &[])).await?;
    receipt.clock = Some(if version == stamp.version { stamp.shown } else { ShownClock::Successor });
    receipt.version = Some(version.clone());
    receipt.tell_outcome(&published);
    keep(&receipt, &export.source, &version, store).await?;
    info!(source = %export.source, swept = receipt.counts.swept, "retired an export");
    Ok(Some(receipt))
}

/// Keeps a receipt that says why the export was refused, beside whatever stands. It takes the place of the last
/// receipt, and of no later one: it has the version of the newest, since a refused file has none of its own.
pub(crate) async fn keep_refusal(export: &Export, error: &CicdExportError, store: &CatalogStore, now: Timestamp) {
    let mut receipt = export.receipt(Status::Refused, now);
    receipt.reason = Some(error.reason());
    if let CicdExportError::Export(error) = error {
        receipt.tell_documents(error.documents().to_vec());
    }
    let kept = async {
        let newest = store.newest_version(&export.source).await.map_err(CicdExportError::Store)?;
        let version = newest.unwrap_or_else(|| Version::of_serial(0, 0));
        keep(&receipt, &export.source, &version, store).await
    };
    if let Err(error) = kept.await {
        warn!(source = %export.source, error = %delivery::describe(&error), "could not keep the receipt of a refused export");
    }
}

/// Keeps the receipt, unless that of a newer version stands.
pub(crate) async fn keep(
    receipt: &Receipt,
    source: &SourceObject,
    version: &Version,
    store: &CatalogStore,
) -> Result<(), CicdExportError> {
    let shown = serde_json::to_value(receipt).expect("a receipt has string keys only");
    store.put_receipt(source, version, &shown).await.map_err(CicdExportError::Store)
}

/// Milliseconds of a time that is not before 1970.
pub(crate) fn ms(time: Timestamp) -> u64 {
    u64::try_from(time.as_millisecond()).unwrap_or_default()
}
