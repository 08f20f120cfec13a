//! What a sweep found and did, by account, region and type, and by name.

use std::collections::{BTreeMap, BTreeSet};

use catalog_model::Identity;
use serde::{Deserialize, Serialize};

/// Names that a report lists of each kind. The counts are whole.
const MAX_NAMED: usize = 50_000;
/// Problems that a report lists.
const MAX_PROBLEMS: usize = 1_000;

/// Counts of resources of one type in one place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The aggregator holds so many.
    pub seen: u64,
    /// Of those, so many were not in the catalog, and are now.
    pub missing: u64,
    /// Of those, so many were in the catalog as they had been before, and are as they are now.
    pub stale: u64,
    /// The catalog holds so many that this sweep did not see, for the first time.
    pub suspect: u64,
    /// Not seen twice, and deleted.
    pub deleted: u64,
    /// Deleted by a sweep, seen again, and there again.
    pub revived: u64,
    /// Not changed, although something is wrong: `problems` say why.
    pub refused: u64,
}

/// Resources by name: the canonical ARN, or what stands for one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    pub missing: BTreeSet<Identity>,
    pub stale: BTreeSet<Identity>,
    pub suspect: BTreeSet<Identity>,
    pub deleted: BTreeSet<Identity>,
    pub revived: BTreeSet<Identity>,
    pub refused: BTreeSet<Identity>,
}

/// Why something could not be compared, or was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    pub account: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    pub reason: String,
    /// Resources that it is about.
    pub count: u64,
}

/// What a sweep found and did so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// account -> region -> type
    pub rows: BTreeMap<String, BTreeMap<String, BTreeMap<String, Row>>>,
    pub named: Named,
    /// Something is counted and not named.
    pub names_cut: bool,
    pub problems: Vec<Problem>,
    /// Accounts, and types of large accounts, that were not read to their end.
    pub incomplete: BTreeSet<String>,
    pub parked_tried: u64,
    pub parked_resolved: u64,
}

/// What can become of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    Missing,
    Stale,
    Suspect,
    Deleted,
    Revived,
    Refused,
}

impl Drift {
    pub(crate) fn row(&mut self, account: &str, region: &str, resource_type: &str) -> &mut Row {
        let regions = self.rows.entry(account.to_owned()).or_default();
        regions.entry(region.to_owned()).or_default().entry(resource_type.to_owned()).or_default()
    }

    pub(crate) fn found(&mut self, finding: Finding, place: (&str, &str, &str), identity: &Identity) {
        let row = self.row(place.0, place.1, place.2);
        let count = match finding {
            Finding::Missing => &mut row.missing,
            Finding::Stale => &mut row.stale,
            Finding::Suspect => &mut row.suspect,
            Finding::Deleted => &mut row.deleted,
            Finding::Revived => &mut row.revived,
            Finding::Refused => &mut row.refused,
        };
        *count += 1;
        let named = match finding {
            Finding::Missing => &mut self.named.missing,
            Finding::Stale => &mut self.named.stale,
            Finding::Suspect => &mut self.named.suspect,
            Finding::Deleted => &mut self.named.deleted,
            Finding::Revived => &mut self.named.revived,
            Finding::Refused => &mut self.named.refused,
        };
        if named.len() < MAX_NAMED {
            named.insert(identity.clone());
        } else {
            self.names_cut = true;
        }
    }

    pub(crate) fn problem(&mut self, problem: Problem) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }

    pub(crate) fn seen_in(&self, account: &str, region: Option<&str>) -> u64 {
        let regions = self.rows.get(account).into_iter().flatten();
        let wanted = regions.filter(|(name, _)| region.is_none_or(|region| region == name.as_str()));
        wanted.flat_map(|(_, types)| types.values()).map(|row| row.seen).sum()
    }

    /// All rows as one.
    pub fn totals(&self) -> Row {
        let mut totals = Row::default();
        for row in self.rows.values().flat_map(BTreeMap::values).flat_map(BTreeMap::values) {
            totals.seen += row.seen;
            totals.missing += row.missing;
            totals.stale += row.stale;
            totals.suspect += row.suspect;
            totals.deleted += row.deleted;
            totals.revived += row.revived;
            totals.refused += row.refused;
        }
        totals
    }
}

impl Row {
    pub(crate) fn has_drift(&self) -> bool {
        *self != Self { seen: self.seen, ..Self::default() }
    }
}
