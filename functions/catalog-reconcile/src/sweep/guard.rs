//! Which of those that nobody saw twice may go: what looks like a broken aggregator is not believed. Pure.

use std::collections::{BTreeMap, BTreeSet};

use catalog_model::Identity;

use super::known::Catalog;
use super::report::{Drift, Problem};

/// A region of an account with so many records does not lose all of them: it is the aggregator that lost the region.
const MIN_SILENT_RECORDS: u64 = 10;

/// What may go, and what may not with its reason.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ruling {
    pub(crate) go: BTreeSet<Identity>,
    pub(crate) stay: BTreeSet<Identity>,
    pub(crate) problems: Vec<Problem>,
}

/// Decides account by account. `due`: live in the catalog, and not seen twice.
pub(crate) fn rule(due: &BTreeSet<Identity>, catalog: &Catalog, drift: &Drift, max_delete_percent: u64) -> Ruling {
    let mut ruling = Ruling::default();
    let mut due_of: BTreeMap<&str, BTreeMap<&str, BTreeSet<&Identity>>> = BTreeMap::new();
    let mut live_of: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for (identity, known, region, _) in catalog.live() {
        *live_of.entry(&known.account).or_default().entry(region).or_default() += 1;
        if due.contains(identity) {
            due_of.entry(&known.account).or_default().entry(region).or_default().insert(identity);
        }
    }
    for (account, regions) in due_of {
        let problem = |region: Option<&str>, reason: String, count: usize| Problem {
            account: account.to_owned(),
            region: region.map(ToOwned::to_owned),
            resource_type: None,
            reason,
            count: count as u64,
        };
        let all: BTreeSet<&Identity> = regions.values().flatten().copied().collect();
        let live: u64 = live_of.get(account).into_iter().flat_map(BTreeMap::values).sum();
        // One may always go, or nothing of a small account ever could.
        let allowed = (live.saturating_mul(max_delete_percent) / 100).max(1);
        if drift.seen_in(account, None) == 0 {
            let reason = "the aggregator shows nothing of the account; if that is right, sweep with allowDeletes";
            ruling.problems.push(problem(None, reason.to_owned(), all.len()));
            ruling.stay.extend(all.into_iter().cloned());
            continue;
        }
        if all.len() as u64 > allowed {
            let reason = format!(
                "{} of {live} records would go, and {max_delete_percent}% may; if that is right, sweep with allowDeletes",
                all.len()
            );
            ruling.problems.push(problem(None, reason, all.len()));
            ruling.stay.extend(all.into_iter().cloned());
            continue;
        }
        for (region, of_region) in regions {
            let live = live_of.get(account).and_then(|regions| regions.get(region)).copied().unwrap_or_default();
            if live >= MIN_SILENT_RECORDS && drift.seen_in(account, Some(region)) == 0 {
                let reason = "the aggregator shows nothing of the region; if that is right, sweep with allowDeletes";
                ruling.problems.push(problem(Some(region), reason.to_owned(), of_region.len()));
                ruling.stay.extend(of_region.into_iter().cloned());
            } else {
                ruling.go.extend(of_region.into_iter().cloned());
            }
        }
    }
    ruling
}
