//! What an export says, ready to be published under one version.

use std::fmt;

use catalog_model::{Identity, RecordKey, Said};

use crate::document::DocumentVerdict;

/// The content of one export.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedExport {
    /// What is said, each record at most once.
    pub statements: Vec<(RecordKey, Said)>,
    /// `false`: the file names more than could be read, so what is missing from `statements` must not be deleted.
    pub complete: bool,
    /// The file's own clock, if it has one.
    pub clock_hint: Option<ClockHint>,
    pub documents: Vec<DocumentVerdict>,
    /// The definitions of APIs that it holds: what a history of them would count.
    pub definitions: Vec<Definition>,
    /// About the file as a whole, for its sender.
    pub notes: Vec<String>,
}

/// One state of an API's definition. A fragment holds the newest alone, so whoever keeps a history adds these up by
/// entity and digest: that is the same whatever the order in which they come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    pub entity: Identity,
    /// `sha256:<64 hexadecimal digits>` of the text as it came.
    pub digest: String,
    /// `info.version`, if it says one.
    pub version: Option<String>,
    pub bytes: usize,
}

/// Terraform's clock: serials count up within one lineage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockHint {
    pub lineage: String,
    pub serial: u64,
}

/// One line per fact, in the order of the file.
impl fmt::Display for ParsedExport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ClockHint { lineage, serial }) = &self.clock_hint {
            writeln!(f, "clock: lineage {lineage}, serial {serial}")?;
        }
        for document in &self.documents {
            writeln!(f, "{document}")?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        for (key, said) in &self.statements {
            match said {
                Said::Gone => writeln!(f, "{key} gone")?,
                Said::Claim(claim) => {
                    writeln!(f, "{key} is {}{}", claim.identity, if claim.by_arn { ", by its ARN" } else { "" })?;
                }
                Said::Facts(facts) => {
                    writeln!(f, "{key} {:?}", facts.role)?;
                    for (pointer, value) in &facts.fields {
                        writeln!(f, "  {pointer} {value}")?;
                    }
                    for (key, value) in &facts.stack_tags {
                        writeln!(f, "  stack tag {key} {value:?}")?;
                    }
                    for relation in &facts.relations {
                        writeln!(f, "  {} -> {}", relation.relation_type, relation.target)?;
                    }
                    for key in &facts.keys {
                        writeln!(f, "  key {key}")?;
                    }
                }
            }
        }
        if !self.complete {
            writeln!(f, "incomplete: nothing is deleted by omission")?;
        }
        Ok(())
    }
}
