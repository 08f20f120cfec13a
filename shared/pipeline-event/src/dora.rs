//! Deployments of an entity -> the four figures of DORA in a window of time: the answer of `GET /api/dora`.
//!
//! | figure | what it is here |
//! |---|---|
//! | deployment frequency | changes that ended in the window, successful or not, by days of the window |
//! | lead time for changes | median of (end of a commit's first successful deployment to an environment - commit's time) |
//! | change failure rate | changes that failed, rolled back or were taken back later, of all that ended in the window |
//! | time to restore | median of (next success - failure) over the failures that began in the window |
//!
//! A *change* is a deployment that takes none back: a rollback marks the change before it as failed, restores service
//! when it succeeds, and counts for nothing else. What still runs, or was stopped, does not count. Failures until the
//! next success are one outage. Outages belong to one environment and one pipeline. A median of an even number is the mean of the
//! middle two, cut to whole seconds. Nothing else is cut before it is shown.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::deployment::{Deployment, Outcome, once};
use crate::state::shown_time;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// Digits behind the point of a rate that is shown.
const DECIMAL_DIGITS: u32 = 4;

/// From a time until before another, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from_ms: u64,
    pub to_ms: u64,
}

/// The answer of `GET /api/dora?entity=&from=&to=`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DoraAnswer {
    pub entity: String,
    pub from: String,
    /// Exclusive.
    pub to: String,
    #[serde(flatten)]
    pub figures: Figures,
    /// The same for each environment that something was deployed to in the window.
    pub environments: BTreeMap<String, Figures>,
    /// What was left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    pub deployment_frequency: Frequency,
    pub lead_time_for_changes: LeadTime,
    pub change_failure_rate: FailureRate,
    pub time_to_restore: TimeToRestore,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Frequency {
    pub deployments: u64,
    pub succeeded: u64,
    pub per_day: Option<Rate>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeadTime {
    pub median_seconds: Option<u64>,
    /// Successful changes that the median is of.
    pub measured: u64,
    /// Successful changes of which no source says when the commit was made. Not in the median.
    pub unknown_commit_time: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureRate {
    pub failed: u64,
    pub total: u64,
    /// `None`: nothing was deployed.
    pub rate: Option<Rate>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TimeToRestore {
    pub median_seconds: Option<u64>,
    pub restored: u64,
    /// Failures in the window that nothing has restored yet. Not in the median.
    pub open: u64,
}

/// A fraction in lowest terms, and as it is shown: rounded half to even.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rate {
    pub numerator: u64,
    pub denominator: u64,
    pub decimal: String,
}

/// The figures of one entity. Deployments come in any order and more than once; those before the window tell which
/// commits are old, those after it restore.
pub fn dora(entity: &str, window: Window, deployments: &[Deployment]) -> DoraAnswer {
    dora_of_all(entity, window, &[deployments.to_vec()])
}

/// The figures of several components together, each with its own deployments: a commit, a build number or an outage of one
/// is none of another.
pub fn dora_of_all(entity: &str, window: Window, components: &[Vec<Deployment>]) -> DoraAnswer {
    let components: Vec<Vec<Deployment>> =
        components.iter().map(|deployments| once(deployments.iter().cloned(), &BTreeSet::new())).collect();
    let mut facts = Facts { changes: Vec::new(), outages: Vec::new() };
    for Facts { changes, outages } in components.iter().map(|deployments| Facts::of(deployments)) {
        facts.changes.extend(changes);
        facts.outages.extend(outages);
    }
    let in_window = |environment: Option<&str>| {
        let changes =
            facts.changes.iter().filter(|change| environment.is_none_or(|wanted| wanted == change.environment));
        let outages =
            facts.outages.iter().filter(|outage| environment.is_none_or(|wanted| wanted == outage.environment));
        figures(window, changes, outages)
    };
    let ended: BTreeSet<&str> = facts
        .changes
        .iter()
        .filter(|change| window.has(change.at_ms))
        .map(|change| change.environment)
        .chain(facts.outages.iter().filter(|outage| window.has(outage.from_ms)).map(|outage| outage.environment))
        .collect();
    DoraAnswer {
        entity: entity.to_owned(),
        from: shown_time(window.from_ms),
        to: shown_time(window.to_ms),
        figures: in_window(None),
        environments: ended.into_iter().map(|name| (name.to_owned(), in_window(Some(name)))).collect(),
        notes: Vec::new(),
    }
}

impl Window {
    fn has(self, at_ms: u64) -> bool {
        (self.from_ms..self.to_ms).contains(&at_ms)
    }
}

struct Change<'a> {
    environment: &'a str,
    at_ms: u64,
    succeeded: bool,
    failed: bool,
    /// `Some`: the first success of its commit here, and how long that took if it is known.
    lead_ms: Option<Option<u64>>,
}

struct Outage<'a> {
    environment: &'a str,
    from_ms: u64,
    restored_ms: Option<u64>,
}

struct Facts<'a> {
    changes: Vec<Change<'a>>,
    outages: Vec<Outage<'a>>,
}

impl<'a> Facts<'a> {
    /// Of deployments in the order of their ends.
    fn of(deployments: &'a [Deployment]) -> Self {
        let verdicts: Vec<&Deployment> =
            deployments.iter().filter(|one| one.outcome.is_verdict() && one.finished_ms.is_some()).collect();
        let taken_back = taken_back(&verdicts);
        let commit_times: BTreeMap<&str, u64> = deployments
            .iter()
            .filter_map(|one| Some((one.commit.as_deref()?, one.commit_ms?)))
            // Two sources of one commit: the earlier time is the longer lead time.
            .fold(BTreeMap::new(), |mut times, (commit, ms)| {
                let time = times.entry(commit).or_insert(ms);
                *time = ms.min(*time);
                times
            });
        let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
        let mut facts = Self { changes: Vec::new(), outages: Vec::new() };
        let mut open: BTreeMap<(&str, Option<&str>), usize> = BTreeMap::new();
        for (at, one) in verdicts.iter().enumerate() {
            let environment = one.environment.as_str();
            let at_ms = one.at_ms();
            let succeeded = one.outcome == Outcome::Succeeded;
            let failed = !succeeded || taken_back.contains(&at);
            if !one.rollback {
                let is_first =
                    succeeded && one.commit.as_deref().is_none_or(|commit| seen.insert((environment, commit)));
                let known = one.commit.as_deref().and_then(|commit| commit_times.get(commit));
                let lead_ms = is_first.then(|| known.and_then(|time| at_ms.checked_sub(*time)));
                facts.changes.push(Change { environment, at_ms, succeeded, failed, lead_ms });
            }
            let chain = (environment, one.pipeline.as_deref());
            if failed {
                open.entry(chain).or_insert_with(|| {
                    facts.outages.push(Outage { environment, from_ms: at_ms, restored_ms: None });
                    facts.outages.len() - 1
                });
            } else if let Some(outage) = open.remove(&chain) {
                facts.outages[outage].restored_ms = Some(at_ms);
            }
        }
        facts
    }
}

/// Indices of changes that a later rollback takes back: the one that it names, else the last one before it.
fn taken_back(verdicts: &[&Deployment]) -> BTreeSet<usize> {
    let mut indices = BTreeSet::new();
    for (at, rollback) in verdicts.iter().enumerate().filter(|(_, one)| one.rollback) {
        let before = verdicts[..at].iter().enumerate().rev().filter(|(_, one)| {
            !one.rollback && one.environment == rollback.environment && one.pipeline == rollback.pipeline
        });
        let mut before = before.map(|(index, one)| (index, one.id.as_str()));
        let taken = match rollback.rollback_of.as_deref() {
            Some(id) => before.find(|(_, candidate)| *candidate == id),
            None => before.next(),
        };
        indices.extend(taken.map(|(index, _)| index));
    }
    indices
}

fn figures<'a>(
    window: Window,
    changes: impl Iterator<Item = &'a Change<'a>>,
    outages: impl Iterator<Item = &'a Outage<'a>>,
) -> Figures {
    let changes: Vec<&Change<'_>> = changes.filter(|change| window.has(change.at_ms)).collect();
    let count = |is: &dyn Fn(&Change<'_>) -> bool| whole(changes.iter().filter(|change| is(change)).count());
    let total = whole(changes.len());
    let failed = count(&|change| change.failed);
    let leads: Vec<Option<u64>> = changes.iter().filter_map(|change| change.lead_ms).collect();
    let measured: Vec<u64> = leads.iter().copied().flatten().collect();
    let outages: Vec<&Outage<'_>> = outages.filter(|outage| window.has(outage.from_ms)).collect();
    let restored: Vec<u64> =
        outages.iter().filter_map(|outage| outage.restored_ms?.checked_sub(outage.from_ms)).collect();
    Figures {
        deployment_frequency: Frequency {
            deployments: total,
            succeeded: count(&|change| change.succeeded),
            per_day: Rate::of(
                u128::from(total) * u128::from(DAY_MS),
                window.to_ms.saturating_sub(window.from_ms).into(),
            ),
        },
        lead_time_for_changes: LeadTime {
            measured: whole(measured.len()),
            unknown_commit_time: whole(leads.len() - measured.len()),
            median_seconds: median_seconds(measured),
        },
        change_failure_rate: FailureRate { failed, total, rate: Rate::of(failed.into(), total.into()) },
        time_to_restore: TimeToRestore {
            restored: whole(restored.len()),
            open: whole(outages.len() - restored.len()),
            median_seconds: median_seconds(restored),
        },
    }
}

impl Rate {
    /// `None`: the denominator is 0.
    fn of(numerator: u128, denominator: u128) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let divisor = gcd(numerator, denominator);
        let (numerator, denominator) = (numerator / divisor, denominator / divisor);
        let scale = 10_u128.pow(DECIMAL_DIGITS);
        let scaled = numerator.checked_mul(scale)?;
        let (floor, rest) = (scaled / denominator, scaled % denominator);
        let rounds_up = match (rest * 2).cmp(&denominator) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => floor % 2 == 1,
            std::cmp::Ordering::Greater => true,
        };
        let shown = floor + u128::from(rounds_up);
        Some(Self {
            numerator: u64::try_from(numerator).ok()?,
            denominator: u64::try_from(denominator).ok()?,
            decimal: format!("{}.{:04}", shown / scale, shown % scale),
        })
    }
}

fn gcd(one: u128, other: u128) -> u128 {
    if other == 0 { one.max(1) } else { gcd(other, one % other) }
}

fn median_seconds(mut values_ms: Vec<u64>) -> Option<u64> {
    values_ms.sort_unstable();
    let upper = *values_ms.get(values_ms.len() / 2)?;
    if values_ms.len() % 2 == 1 {
        return Some(upper / 1_000);
    }
    let lower = values_ms[values_ms.len() / 2 - 1];
    Some(lower.midpoint(upper) / 1_000)
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "dora_tests.rs"]
mod tests;
