//! Counts of one batch -> one line in CloudWatch's embedded metric format.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tracing::{debug, warn};

/// Namespace of all metrics in CloudWatch.
pub const NAMESPACE: &str = "Callboard";

/// Set once the process is known to run in Lambda: anywhere else such lines would only be in the way.
static TO_STDOUT: AtomicBool = AtomicBool::new(false);

pub(crate) fn write_to_stdout() {
    TO_STDOUT.store(true, Ordering::Relaxed);
}

/// A unit of CloudWatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Count,
    /// How long.
    Milliseconds,
}

impl Unit {
    /// The unit as CloudWatch spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
        }
    }
}

/// Everything that is measured. Three conservation laws hold over any period:
/// messages received = acked + retried + dead; documents = parsed + refused; fragments = applied + stale + duplicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Messages in the batches.
    MessagesReceived,
    /// Messages handled, and deleted by SQS.
    MessagesAcked,
    /// Messages that failed and come again.
    MessagesRetried,
    /// Messages that failed for the last time.
    MessagesDead,
    /// Documents read.
    DocumentsParsed,
    /// Documents refused with a reason.
    DocumentsRefused,
    /// Fragments written.
    FragmentsApplied,
    /// Fragments older than what is stored.
    FragmentsStale,
    /// Fragments already stored.
    FragmentsDuplicate,
    /// From the oldest change of a stream batch to its row in the log. DynamoDB tells the time of a change in whole seconds.
    IndexLag,
    /// From the capture of the latest item of a batch to the event or notification of it.
    CaptureToEvent,
    /// From that to the item's place in the catalog.
    EventToApplied,
}

/// The table: metric, its name in CloudWatch, its unit.
const METRICS: [(Metric, &str, Unit); 12] = [
    (Metric::MessagesReceived, "MessagesReceived", Unit::Count),
    (Metric::MessagesAcked, "MessagesAcked", Unit::Count),
    (Metric::MessagesRetried, "MessagesRetried", Unit::Count),
    (Metric::MessagesDead, "MessagesDead", Unit::Count),
    (Metric::DocumentsParsed, "DocumentsParsed", Unit::Count),
    (Metric::DocumentsRefused, "DocumentsRefused", Unit::Count),
    (Metric::FragmentsApplied, "FragmentsApplied", Unit::Count),
    (Metric::FragmentsStale, "FragmentsStale", Unit::Count),
    (Metric::FragmentsDuplicate, "FragmentsDuplicate", Unit::Count),
    (Metric::IndexLag, "IndexLag", Unit::Milliseconds),
    (Metric::CaptureToEvent, "CaptureToEvent", Unit::Milliseconds),
    (Metric::EventToApplied, "EventToApplied", Unit::Milliseconds),
];

impl Metric {
    /// All metrics with their names in CloudWatch and their units.
    #[must_use]
    pub fn table() -> &'static [(Self, &'static str, Unit)] {
        &METRICS
    }
}

/// What one batch did; a metric that was never added to is not reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchMetrics {
    function: &'static str,
    values: BTreeMap<Metric, u64>,
}

impl BatchMetrics {
    /// Nothing yet, for `function` (its folder's name), the only dimension.
    #[must_use]
    pub fn new(function: &'static str) -> Self {
        Self { function, values: BTreeMap::new() }
    }

    /// Adds to a metric; stops at the largest number instead of wrapping.
    pub fn add(&mut self, metric: Metric, value: u64) {
        let sum = self.values.entry(metric).or_default();
        *sum = sum.saturating_add(value);
    }

    /// What was added so far; 0 if nothing.
    #[must_use]
    pub fn value(&self, metric: Metric) -> u64 {
        self.values.get(&metric).copied().unwrap_or_default()
    }

    /// The line for CloudWatch, without a line end. `now` becomes the time of the values.
    #[must_use]
    pub fn emf_line(&self, now: Timestamp) -> String {
        let mut definitions = Vec::with_capacity(self.values.len());
        let mut line = Map::new();
        for (metric, name, unit) in METRICS {
            if let Some(value) = self.values.get(&metric) {
                definitions.push(json!({ "Name": name, "Unit": unit.as_str() }));
                line.insert(name.to_owned(), (*value).into());
            }
        }
        let metadata = json!({
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [["Function"]], "Metrics": definitions }],
        });
        line.insert("Function".to_owned(), self.function.into());
        line.insert("_aws".to_owned(), metadata);
        Value::Object(line).to_string()
    }

    /// Reports the batch: in Lambda as a line of its own on standard output, elsewhere as a `debug` event.
    /// Writes nothing when nothing was added.
    pub fn emit(&self, now: Timestamp) {
        if self.values.is_empty() {
            return;
        }
        let line = self.emf_line(now);
        if !TO_STDOUT.load(Ordering::Relaxed) {
            debug!(function = self.function, metrics = line, "batch metrics");
            return;
        }
        // Not through `tracing`: CloudWatch wants `_aws` at the top of the line.
        if let Err(error) = writeln!(io::stdout().lock(), "{line}") {
            warn!(error = %error, "could not write metrics");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_valid_embedded_metric_format_with_a_unit_for_each_value() {
        let mut metrics = BatchMetrics::new("config-change");
        for (index, (metric, _, _)) in Metric::table().iter().enumerate() {
            metrics.add(*metric, index as u64);
            metrics.add(*metric, 1);
        }
        let now: Timestamp = "2026-11-20T10:00:00.250Z".parse().unwrap();
        let text = metrics.emf_line(now);
        assert!(!text.contains('\n'));
        let line: Value = serde_json::from_str(&text).unwrap();

        assert_eq!(line["_aws"]["Timestamp"], 1_795_168_800_250_i64);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Callboard");
        assert_eq!(directive["Dimensions"], json!([["Function"]]));
        assert_eq!(line["Function"], "config-change");
        let definitions = directive["Metrics"].as_array().unwrap();
        assert_eq!(definitions.len(), Metric::table().len());
        for (index, (definition, (metric, name, unit))) in definitions.iter().zip(Metric::table()).enumerate() {
            assert_eq!(definition, &json!({"Name": name, "Unit": unit.as_str()}));
            assert_eq!(line[name], index as u64 + 1);
            assert_eq!(metrics.value(*metric), index as u64 + 1);
        }
    }

    #[test]
    fn only_what_was_counted_is_reported() {
        let mut metrics = BatchMetrics::new("cost-report");
        metrics.add(Metric::MessagesReceived, 0);
        let line: Value = serde_json::from_str(&metrics.emf_line(Timestamp::UNIX_EPOCH)).unwrap();
        assert_eq!(line["MessagesReceived"], 0);
        assert!(line.get("MessagesDead").is_none());
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<&str> = Metric::table().iter().map(|(_, name, _)| *name).collect();
        assert_eq!(names.len(), Metric::table().len());
    }
}
