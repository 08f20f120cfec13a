//! `GET /api/deployments` and `GET /api/dora`: what was deployed of an entity, and the four figures; worked out when it is
//! asked for, of what is kept beside its records.

mod history;
mod scope;
mod span;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use delivery::api::ApiError;
use history::History;
use jiff::Timestamp;
use pipeline_event::answer::{DeploymentsAnswer, PipelineState};
use pipeline_event::deployment::{Deployment, MAX_DEPLOYMENT_MS};
use pipeline_event::dora::{Window, dora_of_all};
use pipeline_event::state::Observation;
use pipeline_event::state::order::executions;
use scope::{Of, Scope, scope};
use serde::Serialize;
use sha2::{Digest, Sha256};
use span::{DAY_MS, Place};

use crate::answers::{self, Answer, unavailable};
use crate::handler::Deps;
use crate::parameters::Parameters;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;

/// What is read first for a page; then twice as much, until the page is full.
const FIRST_STRETCH_MS: u64 = 7 * DAY_MS;

/// Figures look so far beyond their window: back for commits that are old and outages that are open, ahead for what
/// restores or takes back.
const AROUND_MS: u64 = 30 * DAY_MS;

/// Something that a page lists.
struct Listed<T> {
    place: Place,
    what: T,
}

pub(crate) async fn deployments(
    request: &ApiGatewayProxyRequest,
    deps: &Deps,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    let parameters = Parameters::check(request, &["entity", "from", "to", "limit", "next"])?;
    let asked = parameters.required("entity")?;
    let window = span::window(&parameters, now)?;
    let limit = parameters.count("limit")?.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(ApiError::input(format!("request/query/limit must be between 1 and {MAX_LIMIT}")));
    }
    let after = span::place(&parameters)?;
    let scope = scope(asked, deps, now).await?;
    let to_ms = after.as_ref().map_or(window.to_ms, |place| window.to_ms.min(place.at_ms.saturating_add(1)));
    let window = Window { to_ms, ..window };
    let mut history = History::until(to_ms.saturating_add(MAX_DEPLOYMENT_MS), &scope, &deps.store);
    let mut answer = match scope.of {
        Of::Components => {
            let (listed, next) = page(&mut history, window, after.as_ref(), limit, of_components).await?;
            let oldest_first = listed.into_iter().rev().collect();
            DeploymentsAnswer::of(&scope.entity.to_string(), oldest_first, &[], next)
        }
        Of::Pipeline => {
            let (listed, next) = page(&mut history, window, after.as_ref(), limit, of_pipeline).await?;
            let (executions, deployments): (Vec<PipelineState>, Vec<Vec<Deployment>>) = listed.into_iter().unzip();
            let mut oldest_first: Vec<Deployment> = deployments.into_iter().flatten().collect();
            oldest_first.sort_by_cached_key(place_of);
            let answer = DeploymentsAnswer::of(&scope.entity.to_string(), oldest_first, &[], next);
            DeploymentsAnswer { executions, ..answer }
        }
    };
    if after.is_none() {
        answer.pipelines = pipelines(&history, window, &scope).await?;
    }
    answer.notes = scope.notes.iter().cloned().chain(history.notes()).collect();
    shown(&answer)
}

pub(crate) async fn dora(request: &ApiGatewayProxyRequest, deps: &Deps, now: Timestamp) -> Result<Answer, ApiError> {
    let parameters = Parameters::check(request, &["entity", "from", "to"])?;
    let asked = parameters.required("entity")?;
    let window = span::window(&parameters, now)?;
    let scope = scope(asked, deps, now).await?;
    let mut history = History::until(window.to_ms.saturating_add(AROUND_MS), &scope, &deps.store);
    history.extend(window.from_ms.saturating_sub(AROUND_MS)).await.map_err(unavailable)?;
    let mut answer = dora_of_all(&scope.entity.to_string(), window, &history.by_member());
    answer.notes = scope.notes.iter().cloned().chain(history.notes()).collect();
    shown(&answer)
}

/// The first of a window behind a place, newest first, and where the next page begins. Reads no more than that takes:
/// what began in a stretch of time is known whole from a week around it.
async fn page<T>(
    history: &mut History<'_>,
    window: Window,
    after: Option<&Place>,
    limit: usize,
    list: fn(&History<'_>) -> Vec<Listed<T>>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let (mut from_ms, mut stretch_ms) = (window.to_ms, FIRST_STRETCH_MS);
    loop {
        from_ms = from_ms.saturating_sub(stretch_ms).max(window.from_ms);
        stretch_ms *= 2;
        history.extend(from_ms.saturating_sub(MAX_DEPLOYMENT_MS)).await.map_err(unavailable)?;
        let mut listed = list(history);
        listed.retain(|one| {
            (from_ms..window.to_ms).contains(&one.place.at_ms) && after.is_none_or(|after| one.place < *after)
        });
        if listed.len() <= limit && from_ms > window.from_ms && !history.is_cut() {
            continue;
        }
        listed.sort_by(|one, other| other.place.cmp(&one.place));
        let has_more = listed.len() > limit;
        listed.truncate(limit);
        let next = listed.last().filter(|_| has_more).map(|last| last.place.to_string());
        return Ok((listed.into_iter().map(|one| one.what).collect(), next));
    }
}

/// Deployments, each with its component.
fn of_components(history: &History<'_>) -> Vec<Listed<Deployment>> {
    let all = history.deployments().into_iter();
    all.map(|(component, mut deployment)| {
        let place = place_of(&deployment);
        let of = component.map(|component| component.to_string());
        // A pipeline's own deployments do not say whose they are.
        deployment.component = deployment.component.or_else(|| of.clone());
        let place = Place { digest: of.map_or(place.digest.clone(), |of| digest(&[&place.digest, &of])), ..place };
        Listed { place, what: deployment }
    })
    .collect()
}

/// Executions by when they began, each with its deployments.
fn of_pipeline(history: &History<'_>) -> Vec<Listed<(PipelineState, Vec<Deployment>)>> {
    let (observations, deployments) = (history.observations(), history.deployments());
    executions(&observations)
        .iter()
        .map(|execution| {
            let own = deployments.iter().map(|(_, deployment)| deployment).filter(|one| one.id == execution.id);
            Listed {
                place: Place { at_ms: execution.started_ms, digest: digest(&[execution.id]) },
                what: (PipelineState::of(execution), own.cloned().collect()),
            }
        })
        .collect()
}

/// What each pipeline was at when the window ended.
async fn pipelines(history: &History<'_>, window: Window, scope: &Scope) -> Result<Vec<PipelineState>, ApiError> {
    let mut observations: Vec<Observation> = history.observations();
    observations.extend(history.idle(window.from_ms).await.map_err(unavailable)?);
    observations.retain(|observation| (window.from_ms..window.to_ms).contains(&observation.time_ms));
    Ok(DeploymentsAnswer::of(&scope.entity.to_string(), Vec::new(), &observations, None).pipelines)
}

fn place_of(deployment: &Deployment) -> Place {
    Place { at_ms: deployment.at_ms(), digest: deployment.digest() }
}

/// Sixteen hexadecimal digits.
fn digest(texts: &[&str]) -> String {
    hex::encode(&Sha256::digest(texts.join("\n"))[..8])
}

fn shown(answer: &impl Serialize) -> Result<Answer, ApiError> {
    serde_json::to_string(answer).map(answers::json_text).map_err(|_| ApiError::internal())
}
