//! What became of one document of an export: a YAML document, or a resource of a state.

use std::fmt;

use catalog_model::Identity;
use serde::Serialize;

/// The verdict on one document, as the receipt shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DocumentVerdict {
    /// Position among the documents of the file, from 0. Empty documents do not count.
    pub index: usize,
    /// Where it stands: `line 12`, or the address of a Terraform resource.
    pub at: String,
    /// What it is about, as far as that could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<Identity>,
    #[serde(flatten)]
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// It became statements. The notes say what of it was left out, if anything.
    Accepted {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
    },
    /// It is wrong, and its sender can mend it.
    Refused { reason: String },
    /// It is fine, and not for the catalog.
    Skipped { reason: String },
}

/// Verdicts of each sort that are kept one by one: as many as a receipt lists.
pub const MAX_LISTED_VERDICTS: usize = 5_000;

/// The verdicts on a file of any length: all are counted, and the first of each sort are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdicts {
    pub accepted: usize,
    pub refused: usize,
    pub skipped: usize,
    kept_refused: Vec<DocumentVerdict>,
    kept_others: Vec<DocumentVerdict>,
}

impl Verdicts {
    pub(crate) fn add(&mut self, document: DocumentVerdict) {
        let (count, kept) = match document.verdict {
            Verdict::Accepted { .. } => (&mut self.accepted, &mut self.kept_others),
            Verdict::Refused { .. } => (&mut self.refused, &mut self.kept_refused),
            Verdict::Skipped { .. } => (&mut self.skipped, &mut self.kept_others),
        };
        *count += 1;
        if kept.len() < MAX_LISTED_VERDICTS {
            kept.push(document);
        }
    }

    /// How many there are, kept or not.
    pub fn documents(&self) -> usize {
        self.accepted + self.refused + self.skipped
    }

    /// Those that are kept: in the order of the file if that is all, else the refused ones first.
    pub fn into_listed(self) -> Vec<DocumentVerdict> {
        let is_all = self.documents() <= MAX_LISTED_VERDICTS;
        let mut listed = self.kept_refused;
        listed.extend(self.kept_others);
        if is_all {
            listed.sort_by_key(|document| document.index);
        }
        listed.truncate(MAX_LISTED_VERDICTS);
        listed
    }
}

impl DocumentVerdict {
    pub fn is_accepted(&self) -> bool {
        matches!(self.verdict, Verdict::Accepted { .. })
    }

    /// Why it did not become statements.
    pub fn reason(&self) -> Option<&str> {
        match &self.verdict {
            Verdict::Accepted { .. } => None,
            Verdict::Refused { reason } | Verdict::Skipped { reason } => Some(reason),
        }
    }
}

impl fmt::Display for DocumentVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "document {} ({})", self.index, self.at)?;
        if let Some(entity) = &self.entity {
            write!(f, " {entity}")?;
        }
        match &self.verdict {
            Verdict::Accepted { notes } if notes.is_empty() => f.write_str(": accepted"),
            Verdict::Accepted { notes } => write!(f, ": accepted, {}", notes.join("; ")),
            Verdict::Refused { reason } => write!(f, ": refused, {reason}"),
            Verdict::Skipped { reason } => write!(f, ": skipped, {reason}"),
        }
    }
}
