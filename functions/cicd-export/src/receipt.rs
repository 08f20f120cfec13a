//! What the sender gets to see of an export: the answer to a request, and what `GET` reads again.

use std::collections::{BTreeMap, BTreeSet};

use account::Account;
use catalog_model::{Door, Format, Identity, RecordKey, SourceObject, Version};
use catalog_store::Published;
use export_formats::{DocumentVerdict, MAX_LISTED_VERDICTS, Verdict, Verdicts};
use jiff::Timestamp;
use serde::Serialize;

use crate::beside::Written;

/// Entities and documents that a receipt lists one by one; the counts are always whole. A response of API Gateway
/// holds 6 MB.
pub(crate) const MAX_LISTED: usize = MAX_LISTED_VERDICTS;

/// The receipt of one export.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Receipt {
    /// Which delivery it was: the id that `explain` names.
    pub(crate) receipt: String,
    pub(crate) status: Status,
    pub(crate) producer: String,
    pub(crate) format: String,
    pub(crate) name: String,
    pub(crate) door: Door,
    /// Absent when the export was refused before it had a version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clock: Option<ShownClock>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<Version>,
    /// `component`, `system` and so on, as they were read.
    #[serde(flatten)]
    pub(crate) parameters: BTreeMap<&'static str, String>,
    /// Why the whole export was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// What the export speaks of: ARNs and entity references.
    pub(crate) entities: Vec<Identity>,
    pub(crate) documents: Vec<DocumentVerdict>,
    pub(crate) counts: Counts,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
    pub(crate) applied: u64,
    pub(crate) stale: u64,
    pub(crate) duplicate: u64,
    /// What the source object named before, and names no more.
    pub(crate) swept: Vec<Identity>,
    /// A newer export of the same name stands: this one changed nothing that counts.
    pub(crate) superseded: bool,
    pub(crate) received_at: Timestamp,
    /// Who sent it, by the word of AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) caller: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Status {
    Accepted,
    Refused,
    Retired,
}

/// The clock that gave the version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum ShownClock {
    Serial {
        serial: u64,
    },
    Terraform {
        lineage: String,
        epoch: u64,
        serial: u64,
    },
    S3Event {
        time: Timestamp,
        sequencer: String,
    },
    Request {
        time: Timestamp,
    },
    Commit {
        time: Timestamp,
    },
    Artifact {
        time: Timestamp,
    },
    /// One version after the last, when the source object follows a clock that a removal does not have.
    Successor,
}

/// How much of everything there is, listed or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counts {
    pub(crate) entities: usize,
    pub(crate) documents: usize,
    pub(crate) accepted: usize,
    pub(crate) refused: usize,
    pub(crate) skipped: usize,
    pub(crate) swept: usize,
}

impl Receipt {
    /// Nothing said yet but who and what.
    pub(crate) fn new(status: Status, source: &SourceObject, delivery: &str, received_at: Timestamp) -> Self {
        Self {
            receipt: delivery.to_owned(),
            status,
            producer: source.producer.clone(),
            format: source.format.to_string(),
            name: source.name.clone(),
            door: source.door,
            clock: None,
            version: None,
            parameters: BTreeMap::new(),
            reason: None,
            entities: Vec::new(),
            documents: Vec::new(),
            counts: Counts::default(),
            notes: Vec::new(),
            applied: 0,
            stale: 0,
            duplicate: 0,
            swept: Vec::new(),
            superseded: false,
            received_at,
            caller: None,
        }
    }

    pub(crate) fn tell_records<'r>(&mut self, records: impl Iterator<Item = &'r RecordKey>) {
        self.entities = identities(records);
        self.counts.entities = self.entities.len();
        self.entities.truncate(MAX_LISTED);
        self.entities.shrink_to_fit();
    }

    pub(crate) fn tell_notes(&mut self, notes: Vec<String>, is_complete: bool) {
        self.notes = notes;
        // Deployments are news: nobody expects them to delete what they do not name.
        if !is_complete && self.format != Format::Deployment.to_string() {
            let note = "nothing is deleted by omission: what was refused, or has an unresolved subject, could be about \
                        any entity";
            self.notes.push(note.to_owned());
        }
    }

    /// Of a file of any length.
    pub(crate) fn tell_verdicts(&mut self, verdicts: Verdicts) {
        self.counts.documents = verdicts.documents();
        self.counts.accepted = verdicts.accepted;
        self.counts.refused = verdicts.refused;
        self.counts.skipped = verdicts.skipped;
        self.documents = verdicts.into_listed();
    }

    /// Too many are listed worst first: the refused ones are what the sender looks for.
    pub(crate) fn tell_documents(&mut self, mut documents: Vec<DocumentVerdict>) {
        self.counts.documents = documents.len();
        for document in &documents {
            match document.verdict {
                Verdict::Accepted { .. } => self.counts.accepted += 1,
                Verdict::Refused { .. } => self.counts.refused += 1,
                Verdict::Skipped { .. } => self.counts.skipped += 1,
            }
        }
        if documents.len() > MAX_LISTED {
            documents.sort_by_key(|document| match document.verdict {
                Verdict::Refused { .. } => 0,
                Verdict::Skipped { .. } => 1,
                Verdict::Accepted { .. } => 2,
            });
            documents.truncate(MAX_LISTED);
        }
        self.documents = documents;
    }

    /// Adds what was done to the account.
    pub(crate) fn count(&self, account: &Account) {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        account.add(|counts| {
            counts.parsed += number(self.counts.accepted + self.counts.skipped);
            counts.refused += number(self.counts.refused);
            counts.applied += self.applied;
            counts.stale += self.stale;
            counts.duplicate += self.duplicate;
        });
    }

    /// Easily overlooked in an answer of 200, so that it is said in words too.
    pub(crate) fn tell_superseded(&mut self) {
        self.superseded = true;
        let what_to_do = match &self.clock {
            Some(ShownClock::Serial { .. }) => "; a larger `serial` would count",
            Some(ShownClock::Terraform { .. }) => "; a larger serial of the state would count, or a larger `epoch`",
            Some(ShownClock::Commit { .. }) => "; it was built from an older commit",
            Some(
                ShownClock::S3Event { .. }
                | ShownClock::Request { .. }
                | ShownClock::Artifact { .. }
                | ShownClock::Successor,
            )
            | None => "",
        };
        self.notes.push(format!("a newer version of this export stands: nothing of this one counts{what_to_do}"));
    }

    pub(crate) fn tell_written(&mut self, written: Written) {
        self.applied += written.applied;
        self.stale += written.stale;
        self.duplicate += written.duplicate;
    }

    pub(crate) fn tell_outcome(&mut self, published: &Published) {
        self.applied = published.applied;
        self.stale = published.stale;
        self.duplicate = published.duplicate;
        if published.superseded {
            self.tell_superseded();
        }
        self.swept = identities(published.swept.iter());
        self.counts.swept = self.swept.len();
        self.swept.truncate(MAX_LISTED);
    }
}

/// Entities in order, each once; who holds a name is not the sender's business.
pub(crate) fn identities<'a>(keys: impl Iterator<Item = &'a RecordKey>) -> Vec<Identity> {
    let entities = keys.filter_map(|key| match key {
        RecordKey::Entity(identity) => Some(identity.clone()),
        RecordKey::Alias(_) => None,
    });
    entities.collect::<BTreeSet<_>>().into_iter().collect()
}
