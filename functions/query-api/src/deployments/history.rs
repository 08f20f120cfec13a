//! The members of a scope -> what is kept beside their records, read backwards in time as far as it is asked for.

use std::ops::Range;
use std::sync::Arc;

use catalog_model::{EntityRef, EnvironmentRule, Identity, Rules};
use catalog_store::{CatalogStore, MAX_PAGE_SIBLINGS, Read, Sibling, SiblingKind, StoreError};
use futures::future::try_join_all;
use pipeline_event::deployment::{Deployment, derive, once};
use pipeline_event::state::Observation;
use serde::de::DeserializeOwned;
use tracing::error;

use super::scope::Scope;

/// Items of one answer, of all members together: some 20 MB. One pipeline with ten executions a day makes a third of that
/// in 90 days.
const MAX_ITEMS: usize = 40_000;

/// Of one list at least, however many there are.
const MIN_ITEMS: usize = MAX_PAGE_SIBLINGS;

/// Lists that are read at once.
const CONCURRENT_LISTS: usize = 8;

#[derive(Debug)]
pub(super) struct History<'s> {
    scope: &'s Scope,
    store: &'s CatalogStore,
    told: Vec<Told>,
    lists: Vec<List>,
    /// Everything since then was read.
    since_ms: u64,
    unreadable: usize,
    rules: Arc<Rules>,
}

/// Of one member of the scope.
#[derive(Debug, Default)]
struct Told {
    documents: Vec<Deployment>,
    observations: Vec<Observation>,
}

/// The siblings of one kind of one record.
#[derive(Debug)]
struct List {
    member: usize,
    identity: Identity,
    kind: SiblingKind,
    /// What may still be read of it.
    left: usize,
    /// There is more of it than that.
    is_cut: bool,
}

/// A deployment, and whose it is.
pub(super) type Owned = (Option<EntityRef>, Deployment);

impl<'s> History<'s> {
    /// Nothing yet of what was before `to_ms`.
    pub(super) fn until(to_ms: u64, scope: &'s Scope, store: &'s CatalogStore) -> Self {
        let mut lists = Vec::new();
        for (member, of) in scope.members.iter().enumerate() {
            let component = of.component.iter().map(|(_, identity)| (identity, SiblingKind::Deployment));
            let pipelines = of.pipelines.iter().map(|identity| (identity, SiblingKind::State));
            let list = |(identity, kind): (&Identity, _)| List {
                member,
                identity: identity.clone(),
                kind,
                left: 0,
                is_cut: false,
            };
            lists.extend(component.chain(pipelines).map(list));
        }
        let left = (MAX_ITEMS / lists.len().max(1)).max(MIN_ITEMS);
        lists.iter_mut().for_each(|list| list.left = left);
        let told = scope.members.iter().map(|_| Told::default()).collect();
        Self { scope, store, told, lists, since_ms: to_ms, unreadable: 0, rules: Arc::default() }
    }

    /// Reads on, back to `from_ms`.
    pub(super) async fn extend(&mut self, from_ms: u64) -> Result<(), StoreError> {
        let times = from_ms..self.since_ms;
        if times.is_empty() {
            return Ok(());
        }
        let mut found: Vec<(Vec<Sibling>, bool)> = Vec::new();
        for lists in self.lists.chunks(CONCURRENT_LISTS) {
            // Gathered first, so that the future around it may be sent to another thread.
            let reads: Vec<_> = lists.iter().map(|list| read(list, times.clone(), self.store)).collect();
            found.extend(try_join_all(reads).await?);
        }
        for (list, (siblings, is_cut)) in self.lists.iter_mut().zip(found) {
            list.left -= siblings.len().min(list.left);
            list.is_cut |= is_cut;
            let told = &mut self.told[list.member];
            match list.kind {
                SiblingKind::Deployment => self.unreadable += add(siblings, &mut told.documents),
                _ => self.unreadable += add(siblings, &mut told.observations),
            }
        }
        self.since_ms = from_ms;
        self.rules = self.store.ownership().await?;
        Ok(())
    }

    /// Reads the newest page of those pipelines of which nothing was read so far, back to `from_ms`: what an idle one was
    /// at. It is no part of [`Self::deployments`].
    pub(super) async fn idle(&self, from_ms: u64) -> Result<Vec<Observation>, StoreError> {
        let is_told = |list: &&List| {
            let mut told = self.told[list.member].observations.iter();
            list.kind == SiblingKind::Deployment || told.any(|one| one.subject.identity == list.identity)
        };
        let idle: Vec<&List> = self.lists.iter().filter(|list| !is_told(list)).collect();
        let mut observations = Vec::new();
        for lists in idle.chunks(CONCURRENT_LISTS) {
            let reads: Vec<_> = lists
                .iter()
                .map(|list| {
                    let times = from_ms..self.since_ms;
                    self.store.siblings(&list.identity, list.kind, times, MAX_PAGE_SIBLINGS, None, Read::Eventual)
                })
                .collect();
            for page in try_join_all(reads).await? {
                add(page.siblings, &mut observations);
            }
        }
        Ok(observations)
    }

    /// All observations of all members.
    pub(super) fn observations(&self) -> Vec<Observation> {
        self.told.iter().flat_map(|told| told.observations.iter().cloned()).collect()
    }

    /// Of each member all deployments, each once.
    pub(super) fn by_member(&self) -> Vec<Vec<Deployment>> {
        self.told.iter().map(|told| told.deployments(&self.rules.deployments)).collect()
    }

    /// The same, with the component that each is of.
    pub(super) fn deployments(&self) -> Vec<Owned> {
        let mut all = Vec::new();
        for (member, deployments) in self.scope.members.iter().zip(self.by_member()) {
            let component = member.component.as_ref().map(|(component, _)| component);
            all.extend(deployments.into_iter().map(|deployment| (component.cloned(), deployment)));
        }
        all
    }

    /// Whether there is more of something than may be read.
    pub(super) fn is_cut(&self) -> bool {
        self.lists.iter().any(|list| list.is_cut)
    }

    /// What is missing, if something is.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self
            .lists
            .iter()
            .filter(|list| list.is_cut)
            .map(|list| format!("of {} only the newest events are counted: ask for less time", list.identity))
            .collect();
        if self.unreadable > 0 {
            notes.push(format!("{} stored events cannot be read and are left out", self.unreadable));
        }
        notes
    }
}

impl Told {
    fn deployments(&self, rules: &[EnvironmentRule]) -> Vec<Deployment> {
        let (derived, started_elsewhere) = derive(&self.observations, rules);
        once(self.documents.iter().cloned().chain(derived), &started_elsewhere)
    }
}

/// The newest of a stretch of time, as many as are left, and whether there may be more.
async fn read(list: &List, times: Range<u64>, store: &CatalogStore) -> Result<(Vec<Sibling>, bool), StoreError> {
    let (mut siblings, mut after) = (Vec::new(), None);
    while siblings.len() < list.left {
        let limit = (list.left - siblings.len()).min(MAX_PAGE_SIBLINGS);
        let page =
            store.siblings(&list.identity, list.kind, times.clone(), limit, after.as_ref(), Read::Eventual).await?;
        siblings.extend(page.siblings);
        after = page.next;
        if after.is_none() {
            return Ok((siblings, false));
        }
    }
    Ok((siblings, true))
}

/// How many cannot be read.
fn add<T: DeserializeOwned>(siblings: Vec<Sibling>, all: &mut Vec<T>) -> usize {
    let mut unreadable = 0;
    for sibling in siblings {
        match serde_json::from_value(sibling.body) {
            Ok(one) => all.push(one),
            Err(source) => {
                error!(error = %source, id = sibling.id, "a stored deployment or state cannot be read");
                unreadable += 1;
            }
        }
    }
    unreadable
}
