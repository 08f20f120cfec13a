//! A reference -> whose deployments are meant: components, each with the pipelines that are related to it.

use std::collections::BTreeSet;

use catalog_model::{Arn, EntityRef, Identity};
use catalog_search::{Catalog, NotLoaded};
use delivery::api::ApiError;
use jiff::Timestamp;

use crate::answers::unavailable;
use crate::catalog::find;
use crate::handler::Deps;

/// Of a system or a group, in one answer: each takes a Query or two.
const MAX_COMPONENTS: usize = 50;

/// In one answer, of all components together.
const MAX_PIPELINES: usize = 100;

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// As it is called now.
    pub(super) entity: EntityRef,
    pub(super) of: Of,
    pub(super) members: Vec<Member>,
    /// What was left out.
    pub(super) notes: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Components,
    /// One pipeline, whoever it belongs to.
    Pipeline,
}

/// A component with its pipelines, or a pipeline alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) component: Option<(EntityRef, Identity)>,
    pub(super) pipelines: Vec<Identity>,
}

/// # Errors
/// 400 for a text that is no reference, and for an entity that deploys nothing; 404 if there is no such entity.
pub(super) async fn scope(text: &str, deps: &Deps, now: Timestamp) -> Result<Scope, ApiError> {
    let asked: EntityRef = text.parse().map_err(|error| ApiError::input(format!("request/query/entity: {error}")))?;
    let found = find(&asked, deps, now).await.map_err(unavailable)?;
    let found = found.filter(|found| found.stitched.existence.exists());
    let identity = found.ok_or_else(|| ApiError::not_found(format!("No such entity {asked}")))?.identity;
    let entity = deps.live.ask(|catalog| catalog.current_ref(&identity)).await.map_err(unavailable)?.unwrap_or(asked);
    if is_pipeline(&identity) {
        let members = vec![Member { component: None, pipelines: vec![identity] }];
        return Ok(Scope { entity, of: Of::Pipeline, members, notes: Vec::new() });
    }
    let mut notes = Vec::new();
    let mut components = match entity.kind() {
        "component" => vec![(entity.clone(), identity)],
        "system" => components(&identity, "hasPart", deps).await?,
        "group" => components(&identity, "ownerOf", deps).await?,
        _ => {
            return Err(ApiError::input(
                "request/query/entity must be a component, a system, a group, or a resource that is a pipeline of \
                 CodePipeline, a project of CodeBuild, an application of CodeDeploy or a stack of CloudFormation",
            ));
        }
    };
    if components.len() > MAX_COMPONENTS {
        notes.push(format!(
            "{entity} has {} components, and the first {MAX_COMPONENTS} by name are counted: ask for the others by themselves",
            components.len()
        ));
        components.truncate(MAX_COMPONENTS);
    }
    let all = |catalog: &Catalog| components.iter().map(|(_, component)| pipelines(component, catalog)).collect();
    let all: Vec<Vec<Identity>> = deps.live.ask(all).await.map_err(unavailable)?;
    let (mut seen, mut left_out) = (BTreeSet::new(), 0);
    let members = components
        .into_iter()
        .zip(all)
        .map(|(component, mut pipelines)| {
            // One that deploys several components counts with the first.
            pipelines.retain(|pipeline| !seen.contains(pipeline));
            let room = MAX_PIPELINES - seen.len();
            left_out += pipelines.len().saturating_sub(room);
            pipelines.truncate(room);
            seen.extend(pipelines.iter().cloned());
            Member { component: Some(component), pipelines }
        })
        .collect();
    if left_out > 0 {
        notes.push(format!(
            "{MAX_PIPELINES} pipelines, projects, applications and stacks are counted; {left_out} more are related to {entity}"
        ));
    }
    Ok(Scope { entity, of: Of::Components, members, notes })
}

async fn components(whole: &Identity, relation: &str, deps: &Deps) -> Result<Vec<(EntityRef, Identity)>, ApiError> {
    let related = deps.live.ask(|catalog| catalog.related(whole, &[relation])).await.map_err(unavailable)?;
    Ok(related.into_iter().filter(|(entity, _)| entity.kind() == "component").collect())
}

fn pipelines(component: &Identity, catalog: &Catalog) -> Result<Vec<Identity>, NotLoaded> {
    let related = catalog.related(component, &["dependsOn", "dependencyOf"])?;
    Ok(related.into_values().filter(is_pipeline).collect())
}

/// Whether state events are told of it.
fn is_pipeline(identity: &Identity) -> bool {
    let Some(arn) = identity.arn().and_then(Arn::parse) else { return false };
    match arn.service {
        // `webhook:` and `actiontype:` are others.
        "codepipeline" => !arn.resource.contains(':'),
        "codebuild" => arn.resource.starts_with("project/"),
        "codedeploy" => arn.resource.starts_with("application:"),
        "cloudformation" => arn.resource.starts_with("stack/"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_state_events_are_told_of_is_a_pipeline() {
        for (arn, is) in [
            ("arn:aws:codepipeline:eu-west-1:111122223333:orders", true),
            ("arn:aws:codepipeline:eu-west-1:111122223333:webhook:orders", false),
            ("arn:aws:codebuild:eu-west-1:111122223333:project/orders", true),
            ("arn:aws:codebuild:eu-west-1:111122223333:report-group/orders", false),
            ("arn:aws:codedeploy:eu-west-1:111122223333:application:orders", true),
            ("arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/1", true),
            ("arn:aws:s3:::orders", false),
        ] {
            assert_eq!(is_pipeline(&Identity::of_canonical_arn(arn)), is, "{arn}");
        }
        assert!(!is_pipeline(&Identity::of_entity(&EntityRef::component("orders"))));
    }
}
