//! Observations of pipelines and of CodeDeploy -> the deployments that they are.
//!
//! A stage deploys if one of its actions is of category `Deploy`, if its name says so, or if a rule names it. Each
//! attempt of such a stage is one deployment. The commit is that of the execution's source. Order and repeats of the
//! observations make no difference.

use std::collections::{BTreeMap, BTreeSet};

use catalog_model::EnvironmentRule;

use super::environment::{UNKNOWN, environment_of, rules_for, says_deploy};
use super::{Deployment, Outcome};
use crate::state::order::registers;
use crate::state::{Level, Observation, Source, State, Subject};

/// All deployments that the observations tell of, and ids of those at CodeDeploy that a pipeline's action started: what
/// [`super::once`] takes. A deployment whose beginning was not observed begins with what was.
pub fn derive(observations: &[Observation], rules: &[EnvironmentRule]) -> (Vec<Deployment>, BTreeSet<String>) {
    let started_elsewhere: BTreeSet<String> =
        observations.iter().filter_map(|observation| observation.external_id.clone()).collect();
    let mut executions: BTreeMap<(&Subject, &str), Vec<&Observation>> = BTreeMap::new();
    for observation in observations {
        let deploys = matches!(observation.subject.source, Source::CodePipeline | Source::CodeDeploy);
        if deploys {
            executions.entry((&observation.subject, &observation.execution)).or_default().push(observation);
        }
    }
    let greatest: BTreeSet<*const Observation> =
        registers(observations).into_values().map(std::ptr::from_ref).collect();
    let mut deployments = Vec::new();
    for ((subject, execution), all) in executions {
        let of_execution = OfExecution {
            commit: commit_of(&all),
            is_rollback: all.iter().any(|observation| observation.is_rollback()),
        };
        let mut stages: BTreeMap<(&str, u64), Vec<&Observation>> = BTreeMap::new();
        for observation in all {
            let stage = observation.stage.as_deref();
            // A deployment of CodeDeploy without a group is one all the same.
            let stage = stage.or((subject.source == Source::CodeDeploy).then_some(""));
            if let Some(stage) = stage {
                stages.entry((stage, observation.attempt)).or_default().push(observation);
            }
        }
        // An action tells its category in every attempt, and a stage event in none.
        let deploying: BTreeSet<&str> =
            stages.iter().filter(|(_, parts)| has_deploy_action(parts)).map(|((stage, _), _)| *stage).collect();
        let rules = rules_for(rules, subject);
        for ((stage, attempt), parts) in stages {
            let name = stage.to_lowercase();
            let rule = rules.iter().find(|rule| rule.stage.as_ref().is_some_and(|stage| stage.matches(&name)));
            let deploys = subject.source == Source::CodeDeploy
                || rule.is_some()
                || deploying.contains(stage)
                || says_deploy(stage);
            if !deploys {
                continue;
            }
            let rule = rule.or_else(|| rules.iter().find(|rule| rule.stage.is_none()));
            let environment = rule.map_or_else(|| environment(stage, &parts), |rule| rule.environment.clone());
            let last: Vec<&Observation> =
                parts.iter().copied().filter(|part| greatest.contains(&std::ptr::from_ref(*part))).collect();
            let Some((outcome, finished_ms)) = outcome(&last) else { continue };
            deployments.push(Deployment {
                id: execution.to_owned(),
                component: None,
                environment,
                outcome,
                started_ms: parts.iter().map(|part| part.time_ms).min().unwrap_or_default(),
                finished_ms,
                commit: of_execution.commit.clone(),
                commit_ms: None,
                url: last.iter().filter(|part| is_deploy_action(part)).find_map(|part| part.url.clone()),
                rollback: of_execution.is_rollback,
                rollback_of: None,
                told_by: subject.source.into(),
                pipeline: Some(subject.identity.as_str().to_owned()),
                stage: (!stage.is_empty()).then(|| stage.to_owned()),
                attempt,
            });
        }
    }
    (deployments, started_elsewhere)
}

struct OfExecution {
    commit: Option<String>,
    is_rollback: bool,
}

/// Of several sources, a repository goes before a bucket or a registry, then the first by name.
fn commit_of(observations: &[&Observation]) -> Option<String> {
    let commits = observations.iter().filter_map(|observation| {
        let provider = observation.action_type.as_ref().map(|kind| kind.provider.as_str());
        let is_store = matches!(provider, Some("S3" | "ECR"));
        let place =
            (observation.action.is_none(), is_store, observation.stage.as_deref(), observation.action.as_deref());
        Some((place, std::cmp::Reverse(observation.order()), observation.commit.as_deref()?))
    });
    commits.min().map(|(_, _, commit)| commit.to_owned())
}

fn is_deploy_action(observation: &Observation) -> bool {
    observation.action_type.as_ref().is_some_and(|kind| kind.category == "Deploy")
}

fn has_deploy_action(parts: &[&Observation]) -> bool {
    parts.iter().any(|part| is_deploy_action(part))
}

/// Of the stage's name, else of its deploying actions if they agree.
fn environment(stage: &str, parts: &[&Observation]) -> String {
    if let Some(environment) = environment_of(stage) {
        return environment;
    }
    let actions = parts.iter().filter(|part| is_deploy_action(part)).filter_map(|part| part.action.as_deref());
    let said: BTreeSet<String> = actions.filter_map(environment_of).collect();
    let mut said = said.into_iter();
    match (said.next(), said.next()) {
        (Some(environment), None) => environment,
        _ => UNKNOWN.to_owned(),
    }
}

/// By the stage's own word; where only its actions are told, by theirs: one failure is enough, and success needs all.
fn outcome(parts: &[&Observation]) -> Option<(Outcome, Option<u64>)> {
    let own = parts.iter().filter(|part| part.level == Level::Stage).max_by_key(|part| part.order());
    let actions = || {
        let deploying: Vec<&&Observation> = parts.iter().filter(|part| is_deploy_action(part)).collect();
        let counted: Vec<&&Observation> = if deploying.is_empty() { parts.iter().collect() } else { deploying };
        let failed = counted.iter().copied().filter(|part| part.state == State::Failed);
        let unfinished = counted.iter().copied().filter(|part| !part.state.is_final());
        failed
            .max_by_key(|part| part.order())
            .or_else(|| unfinished.max_by_key(|part| part.order()))
            .or_else(|| counted.iter().copied().max_by_key(|part| part.order()))
    };
    let told = own.or_else(actions)?;
    let outcome = match told.state {
        State::Started | State::Resumed | State::Stopping | State::RollingBack => {
            return Some((Outcome::Running, None));
        }
        State::Superseded | State::Canceled | State::Abandoned | State::Stopped => Outcome::Stopped,
        State::Failed => Outcome::Failed,
        State::RolledBack => Outcome::RolledBack,
        State::Succeeded => Outcome::Succeeded,
    };
    Some((outcome, Some(told.time_ms)))
}
