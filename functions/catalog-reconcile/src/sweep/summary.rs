//! A report -> what of it fits on the status page and into an answer.

use std::collections::BTreeSet;

use catalog_model::Identity;
use serde_json::{Map, Value, json};

use super::report::{Drift, Row};
use super::run::at;
use super::state::Sweep;

/// Rows with something wrong, accounts, problems, and names of each kind.
const MAX_ROWS: usize = 300;
const MAX_ACCOUNTS: usize = 500;
const MAX_PROBLEMS: usize = 50;
const MAX_NAMES: usize = 20;

/// `report`: the key of the whole one, if the sweep is finished.
pub(crate) fn summary(sweep: &Sweep, report: Option<&str>) -> Value {
    let drift = &sweep.drift;
    let rows: Vec<Value> = rows(drift).filter(|(.., row)| row.has_drift()).take(MAX_ROWS).map(row_json).collect();
    let mut summary = json!({
        "began": at(sweep.began_ms),
        "finished": sweep.finished_ms.map(at),
        "complete": drift.incomplete.is_empty(),
        "totals": drift.totals(),
        "rows": rows,
        "accounts": accounts(drift),
        "problems": drift.problems.iter().take(MAX_PROBLEMS).collect::<Vec<_>>(),
        "incomplete": drift.incomplete.iter().take(MAX_PROBLEMS).collect::<Vec<_>>(),
        "named": named(drift),
        "parked": {"tried": drift.parked_tried, "resolved": drift.parked_resolved},
    });
    if let Some(report) = report {
        summary["report"] = report.into();
    }
    summary
}

fn rows(drift: &Drift) -> impl Iterator<Item = (&str, &str, &str, &Row)> {
    drift.rows.iter().flat_map(|(account, regions)| {
        regions.iter().flat_map(move |(region, types)| {
            types.iter().map(move |(name, row)| (account.as_str(), region.as_str(), name.as_str(), row))
        })
    })
}

fn row_json((account, region, resource_type, row): (&str, &str, &str, &Row)) -> Value {
    let Row { seen, missing, stale, suspect, deleted, revived, refused } = row;
    json!({
        "account": account, "region": region, "resourceType": resource_type, "seen": seen, "missing": missing,
        "stale": stale, "suspect": suspect, "deleted": deleted, "revived": revived, "refused": refused,
    })
}

/// How many resources each account has.
fn accounts(drift: &Drift) -> Value {
    let seen =
        drift.rows.keys().take(MAX_ACCOUNTS).map(|account| (account.clone(), drift.seen_in(account, None).into()));
    Value::Object(seen.collect::<Map<_, _>>())
}

fn named(drift: &Drift) -> Value {
    let first = |names: &BTreeSet<Identity>| names.iter().take(MAX_NAMES).cloned().collect::<Vec<_>>();
    let named = &drift.named;
    json!({
        "missing": first(&named.missing), "stale": first(&named.stale), "suspect": first(&named.suspect),
        "deleted": first(&named.deleted), "revived": first(&named.revived), "refused": first(&named.refused),
    })
}
