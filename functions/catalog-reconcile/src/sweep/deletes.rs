//! The end of a sweep: what was not seen twice goes, if the guard lets it.

use std::collections::BTreeSet;

use catalog_model::{Applied, Identity, Version};
use catalog_store::StoreError;
use futures::{StreamExt, TryStreamExt, stream};

use super::guard::{Ruling, rule};
use super::known::Standing;
use super::repair;
use super::report::Finding;
use super::state::Sweep;
use super::unit::Work;

/// Records that are deleted at once.
const CONCURRENT_DELETES: usize = 16;

/// Deletes, and leaves in [`Sweep::unseen`] whom the next sweep is to look for.
///
/// # Errors
/// Fails if the catalog cannot be written now. What is deleted by then stays so; the same call does the rest.
pub(crate) async fn decide(sweep: &mut Sweep, work: &Work<'_>) -> Result<(), StoreError> {
    let catalog = work.catalog;
    let is_live = |identity: &Identity, version: &Version| {
        let known = catalog.get(identity).filter(|known| matches!(known.standing, Standing::Live { .. }));
        known.is_some_and(|known| known.version == *version)
    };
    // What events have changed since is seen, whoever saw it.
    sweep.unseen.retain(|identity, version| is_live(identity, version));
    let is_due = |(identity, version): &(&Identity, &Version)| sweep.suspects.get(*identity) == Some(*version);
    let due: BTreeSet<Identity> = sweep.unseen.iter().filter(is_due).map(|(identity, _)| identity.clone()).collect();
    let ruling = if sweep.allow_deletes {
        Ruling { go: due, ..Ruling::default() }
    } else {
        rule(&due, work.catalog, &sweep.drift, work.settings.max_delete_percent)
    };
    let Ruling { go, stay, problems } = ruling;
    let deleted: Vec<(Identity, Option<Applied>)> = stream::iter(go)
        .map(async |identity| {
            let Some(seen) = sweep.unseen.get(&identity) else { return Ok((identity, None)) };
            let became = repair::delete(work.store, &identity, seen, &work.delivery, work.now_ms).await;
            became.map(|became| (identity, became))
        })
        .buffer_unordered(CONCURRENT_DELETES)
        .try_collect::<Vec<_>>()
        .await?;
    let mut gone = BTreeSet::new();
    for (identity, became) in deleted {
        if became == Some(Applied::Applied) {
            find(sweep, work, Finding::Deleted, &identity);
        }
        // One that was not, has changed since.
        gone.insert(identity);
    }
    for identity in &stay {
        find(sweep, work, Finding::Refused, identity);
    }
    for problem in problems {
        sweep.drift.problem(problem);
    }
    // Who could not be looked for this time is looked for by the next one as if this had not been.
    let suspects = std::mem::take(&mut sweep.suspects);
    let not_looked_for: Vec<_> =
        suspects.into_iter().filter(|(identity, _)| !sweep.unseen.contains_key(identity)).collect();
    sweep.unseen.retain(|identity, _| !gone.contains(identity));
    let new: Vec<Identity> = sweep.unseen.keys().filter(|identity| !stay.contains(*identity)).cloned().collect();
    for identity in new {
        find(sweep, work, Finding::Suspect, &identity);
    }
    sweep.unseen.extend(not_looked_for.into_iter().filter(|(identity, version)| is_live(identity, version)));
    sweep.decided = true;
    Ok(())
}

fn find(sweep: &mut Sweep, work: &Work<'_>, finding: Finding, identity: &Identity) {
    let Some(known) = work.catalog.get(identity) else { return };
    if let Standing::Live { region, resource_type, .. } = &known.standing {
        sweep.drift.found(finding, (&known.account, region, resource_type), identity);
    }
}
