//! What an export says that is kept beside records: deployments of components, digests of an API's definitions.

use catalog_model::{Applied, EntityRef, Identity, Version};
use catalog_store::{CatalogStore, Sibling, SiblingKind};
use export_formats::{Definition, DocumentVerdict, Parameters, ParsedExport, Verdict, stub_of};
use futures::{StreamExt, TryStreamExt, stream};
use pipeline_event::deployment::{self, Defaults, Deployment, DeploymentError};
use serde_json::json;

use crate::error::CicdExportError;

const CONCURRENT_WRITES: usize = 16;

/// Of definitions the day is kept: a build that makes the same one again the same day adds nothing.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Something that is said beside a record, before it has a version.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Beside {
    Deployment(Identity, Box<Deployment>),
    Definition(Definition),
}

/// What is written beside a record, and beside which.
pub(crate) type Beneath = (Identity, SiblingKind, Sibling);

/// What became of what was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) applied: u64,
    pub(crate) stale: u64,
    pub(crate) duplicate: u64,
}

/// Reads an export of format `deployment`. Its components exist at least as names.
///
/// # Errors
/// As [`deployment::parse`].
pub(crate) fn deployments(
    body: &[u8],
    parameters: &Parameters,
    now_ms: u64,
) -> Result<(ParsedExport, Vec<Beside>), DeploymentError> {
    let defaults = Defaults { component: parameters.component.clone(), environment: parameters.environment.clone() };
    let parsed = deployment::parse(body, &defaults, now_ms)?;
    let (mut statements, mut documents, mut beside) = (Vec::new(), Vec::new(), Vec::new());
    for (index, deployment) in parsed.deployments {
        let component = deployment.component.as_deref().and_then(|text| text.parse::<EntityRef>().ok());
        let entity = component.as_ref().map(Identity::of_entity);
        if let (Some(component), Some(identity)) = (&component, entity.clone()) {
            statements.push(stub_of(component, parameters));
            beside.push(Beside::Deployment(identity, Box::new(deployment)));
        }
        documents.push(DocumentVerdict {
            index,
            at: format!("deployment {index}"),
            entity,
            verdict: Verdict::Accepted { notes: Vec::new() },
        });
    }
    for refusal in parsed.refused {
        documents.push(DocumentVerdict {
            index: refusal.index,
            at: format!("deployment {}", refusal.index),
            entity: None,
            verdict: Verdict::Refused { reason: refusal.error.to_string() },
        });
    }
    statements.sort_by(|(one, _), (other, _)| one.cmp(other));
    statements.dedup_by(|(one, _), (other, _)| one == other);
    documents.sort_by_key(|document| document.index);
    let export = ParsedExport {
        statements,
        // A deployment is news, and no list of what there is.
        complete: false,
        clock_hint: None,
        documents,
        definitions: Vec::new(),
        notes: parsed.notes,
    };
    Ok((export, beside))
}

/// As they are written, at the version of their export.
pub(crate) fn siblings(beside: &[Beside], version: &Version, now_ms: u64) -> Vec<Beneath> {
    beside.iter().map(|one| sibling(one, version, now_ms)).collect()
}

/// Writes everything, each with one call. Again, it changes nothing.
///
/// # Errors
/// Fails if the table cannot be written; what was written stays.
pub(crate) async fn write(siblings: &[Beneath], store: &CatalogStore) -> Result<Written, CicdExportError> {
    let outcomes: Vec<Applied> = stream::iter(siblings)
        .map(async |(identity, kind, sibling)| store.put_sibling(identity, *kind, sibling).await)
        .buffer_unordered(CONCURRENT_WRITES)
        .try_collect()
        .await?;
    let mut written = Written::default();
    outcomes.into_iter().for_each(|outcome| written.add(outcome));
    Ok(written)
}

fn sibling(beside: &Beside, version: &Version, now_ms: u64) -> Beneath {
    let version = version.clone();
    match beside {
        Beside::Deployment(identity, deployment) => {
            let body = serde_json::to_value(deployment).expect("texts and numbers always serialise");
            let sibling = Sibling { at_ms: deployment.at_ms(), id: deployment.digest(), version, body };
            (identity.clone(), SiblingKind::Deployment, sibling)
        }
        Beside::Definition(definition) => {
            let id = definition.digest.rsplit(':').next().unwrap_or_default().to_owned();
            let body = json!({"digest": definition.digest, "version": definition.version, "bytes": definition.bytes});
            let sibling = Sibling { at_ms: now_ms / DAY_MS * DAY_MS, id, version, body };
            (definition.entity.clone(), SiblingKind::Definition, sibling)
        }
    }
}

impl Written {
    pub(crate) fn add(&mut self, outcome: Applied) {
        match outcome {
            Applied::Applied => self.applied += 1,
            Applied::Stale => self.stale += 1,
            Applied::Duplicate => self.duplicate += 1,
        }
    }
}
