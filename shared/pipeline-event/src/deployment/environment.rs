//! The name of a stage, or of a group of CodeDeploy -> the environment that it deploys to.

use catalog_model::{Arn, EnvironmentRule};

use crate::state::Subject;

/// The environment of a stage whose name says none.
pub(super) const UNKNOWN: &str = "unknown";

const MAX_ENVIRONMENT_BYTES: usize = 63;

/// Words that say that something is done, and not where.
const FILLERS: &[&str] = &["to", "the", "in", "on", "stage", "env", "environment", "release", "step", "and"];

const SYNONYMS: &[(&str, &str)] = &[
    ("prod", "production"),
    ("prd", "production"),
    ("live", "production"),
    ("stg", "staging"),
    ("preprod", "staging"),
    ("dev", "development"),
    ("develop", "development"),
    ("testing", "test"),
];

/// The rules for a pipeline or an application.
pub(super) fn rules_for<'r>(rules: &'r [EnvironmentRule], subject: &Subject) -> Vec<&'r EnvironmentRule> {
    let account = subject.identity.arn().and_then(Arn::parse).map_or("", |arn| arn.account);
    let names = [subject.name.as_str(), subject.identity.as_str()];
    let fits =
        |rule: &&EnvironmentRule| rule.account.matches(account) && names.iter().any(|name| rule.pipeline.matches(name));
    rules.iter().filter(fits).collect()
}

/// `DeployToProd` -> `production`, `eu-west-1 staging` -> `eu-west-1-staging`. `None`: the name says none.
pub fn environment_of(name: &str) -> Option<String> {
    let words = words(name).into_iter().filter(|word| !is_deploy_word(word) && !FILLERS.contains(&word.as_str()));
    let synonym = |word: String| {
        let known = SYNONYMS.iter().find(|(from, _)| *from == word);
        known.map_or(word.clone(), |(_, to)| (*to).to_owned())
    };
    let environment = words.map(synonym).collect::<Vec<_>>().join("-");
    (1..=MAX_ENVIRONMENT_BYTES).contains(&environment.len()).then_some(environment)
}

/// Whether a stage of that name deploys, whatever its actions are.
pub(super) fn says_deploy(stage: &str) -> bool {
    words(stage).iter().any(|word| is_deploy_word(word) || matches!(word.as_str(), "prod" | "prd" | "production"))
}

fn is_deploy_word(word: &str) -> bool {
    matches!(word, "deploy" | "deploys" | "deployment" | "deploying" | "rollout")
}

/// Lower-case words: `DeployToProd`, `deploy_to-prod` and `deploy to prod` have the same.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && before.is_ascii_lowercase()) {
            words.push(String::new());
        }
        if c.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_what_a_name_says_besides_deploying() {
        for (name, environment) in [
            ("DeployToProd", Some("production")),
            ("Deploy", None),
            ("Prod", Some("production")),
            ("deploy_staging", Some("staging")),
            ("Release-Live", Some("production")),
            ("DEPLOY", None),
            ("eu-west-1 Dev", Some("eu-west-1-development")),
            ("BetaStage", Some("beta")),
            ("", None),
        ] {
            assert_eq!(environment_of(name).as_deref(), environment, "{name}");
        }
    }

    #[test]
    fn a_stage_deploys_by_its_whole_words() {
        for (stage, deploys) in
            [("Prod", true), ("DeployBeta", true), ("Products", false), ("Build", false), ("pre-prod", true)]
        {
            assert_eq!(says_deploy(stage), deploys, "{stage}");
        }
    }
}
