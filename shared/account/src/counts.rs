//! Parts -> sums, and the one name of each.

use std::collections::BTreeMap;

use telemetry::Metric;

/// What became of documents and fragments, those of messages that failed too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Documents that could be read.
    pub parsed: u64,
    /// Documents that a reason was given for not using. A file that is no file of its format is one.
    pub refused: u64,
    /// Fragments written.
    pub applied: u64,
    /// Fragments older than what is stored.
    pub stale: u64,
    /// Fragments already stored.
    pub duplicate: u64,
    extras: BTreeMap<Extra, u64>,
    last_event_ms: u64,
}

/// What only some sources count. In no sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extra {
    /// Came by the source's way, and is no document of its kind: a notification of another type, another file.
    Ignored,
    /// Relationships whose other end is named in a way that leads to no record.
    UnresolvedRelationships,
    /// Items of types that a setting leaves out: they count as no documents.
    TypesLeftOut,
    /// Of the documents parsed: states too large for a message that could not be read elsewhere.
    Incomplete,
    /// Of the documents parsed: results of rules for resources that no record answers to yet.
    UnresolvedSubjects,
    /// Of the documents parsed: snapshots and histories that Config put into its bucket, and that it could not.
    FilesDelivered,
    FilesFailed,
    /// Snapshots and histories that were read to their end.
    FilesRead,
    /// Of the reports parsed: those that became their month.
    Published,
    /// Of the reports parsed: a newer one of the month stands.
    ReportsStale,
    /// Of the reports parsed: the very one stands.
    ReportsDuplicate,
    /// Reports too large for one function, whose rollup Athena was asked for: parsed when that is done.
    QueriesAsked,
}

impl Extra {
    /// The name in the table and on the status page.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::UnresolvedRelationships => "unresolvedRelationships",
            Self::TypesLeftOut => "typesLeftOut",
            Self::Incomplete => "incomplete",
            Self::UnresolvedSubjects => "unresolvedSubjects",
            Self::FilesDelivered => "filesDelivered",
            Self::FilesFailed => "filesFailed",
            Self::FilesRead => "filesRead",
            Self::Published => "published",
            Self::ReportsStale => "reportsStale",
            Self::ReportsDuplicate => "reportsDuplicate",
            Self::QueriesAsked => "queriesAsked",
        }
    }
}

/// A count with its name in the table; a sum has no metric, as its parts have.
pub(crate) type Named = (&'static str, Option<Metric>, u64);

impl Counts {
    pub fn add(&mut self, extra: Extra, count: u64) {
        *self.extras.entry(extra).or_default() += count;
    }

    /// Something happened at the source at `at_ms`; the latest of all is kept.
    pub fn saw_event(&mut self, at_ms: u64) {
        self.last_event_ms = self.last_event_ms.max(at_ms);
    }

    /// 0: of no event is known when it was.
    pub(crate) fn last_event_ms(&self) -> u64 {
        self.last_event_ms
    }

    /// Everything there is to count, with the messages that brought it.
    pub(crate) fn with(&self, messages: delivery::Counts) -> Vec<Named> {
        let delivery::Counts { received, acked, retried, dead } = messages;
        let Self { parsed, refused, applied, stale, duplicate, extras, last_event_ms: _ } = self;
        let mut named = vec![
            ("messages", Some(Metric::MessagesReceived), received),
            ("acked", Some(Metric::MessagesAcked), acked),
            ("retried", Some(Metric::MessagesRetried), retried),
            ("dead", Some(Metric::MessagesDead), dead),
            ("documents", None, parsed + refused),
            ("parsed", Some(Metric::DocumentsParsed), *parsed),
            ("refused", Some(Metric::DocumentsRefused), *refused),
            ("fragments", None, applied + stale + duplicate),
            ("applied", Some(Metric::FragmentsApplied), *applied),
            ("stale", Some(Metric::FragmentsStale), *stale),
            ("duplicate", Some(Metric::FragmentsDuplicate), *duplicate),
        ];
        named.extend(extras.iter().map(|(extra, count)| (extra.name(), None, *count)));
        named
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use telemetry::Unit;

    use super::*;

    const EXTRAS: [Extra; 12] = [
        Extra::Ignored,
        Extra::UnresolvedRelationships,
        Extra::TypesLeftOut,
        Extra::Incomplete,
        Extra::UnresolvedSubjects,
        Extra::FilesDelivered,
        Extra::FilesFailed,
        Extra::FilesRead,
        Extra::Published,
        Extra::ReportsStale,
        Extra::ReportsDuplicate,
        Extra::QueriesAsked,
    ];

    fn counts() -> Counts {
        let mut counts = Counts { parsed: 5, refused: 2, applied: 3, stale: 4, duplicate: 6, ..Counts::default() };
        EXTRAS.into_iter().for_each(|extra| counts.add(extra, 100));
        counts
    }

    #[test]
    fn sums_are_made_of_their_parts_and_extras_are_in_none() {
        let messages = delivery::Counts { received: 6, acked: 3, retried: 2, dead: 1 };
        let told: BTreeMap<_, _> = counts().with(messages).into_iter().map(|(name, _, count)| (name, count)).collect();
        assert_eq!(told["messages"], told["acked"] + told["retried"] + told["dead"]);
        assert_eq!((told["documents"], told["documents"]), (7, told["parsed"] + told["refused"]));
        assert_eq!((told["fragments"], told["applied"] + told["stale"] + told["duplicate"]), (13, 13));
        assert_eq!(told["ignored"], 100);
    }

    #[test]
    fn every_count_has_a_name_of_its_own_and_every_metric_is_reported() {
        let named = counts().with(delivery::Counts::default());
        let names: BTreeSet<&str> = named.iter().map(|(name, ..)| *name).collect();
        assert_eq!(names.len(), named.len());
        let metrics: BTreeSet<Metric> = named.iter().filter_map(|(_, metric, _)| *metric).collect();
        let counted = Metric::table().iter().filter(|(_, _, unit)| *unit == Unit::Count);
        assert_eq!(metrics, counted.map(|(metric, ..)| *metric).collect());
    }

    #[test]
    fn the_last_event_never_goes_back() {
        let mut counts = Counts::default();
        [7, 9, 8].into_iter().for_each(|at_ms| counts.saw_event(at_ms));
        assert_eq!(counts.last_event_ms(), 9);
    }
}
