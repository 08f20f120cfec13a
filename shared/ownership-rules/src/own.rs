//! Our own file -> rules.

use std::collections::BTreeSet;

use catalog_model::{
    AccountRule, Answers, DEFAULT_NAMESPACE, EntityRef, EnvironmentRule, Glob, Order, PathRule, Profile, Rules,
    StackRule, Step, is_owner,
};

use crate::OwnershipError;
use crate::tree::Place;

const KEYS: &[&str] =
    &["owner", "system", "environment", "tags", "accounts", "stacks", "paths", "deployments", "annotations"];
const ANSWERS: &[&str] = &["owner", "system", "environment", "component"];

/// Keys of tags that one thing may have.
const MAX_TAGS: usize = 32;

/// AWS's limit.
const MAX_TAG_CHARS: usize = 128;

const MAX_RULES: usize = 5_000;

/// # Errors
/// Fails on the first thing that is not understood.
pub(crate) fn read(file: &Place<'_>, rules: &mut Rules) -> Result<(), OwnershipError> {
    file.check_keys(KEYS)?;
    for (key, place) in file.entries()? {
        match key {
            "owner" => rules.owner = order(&place, true)?,
            "system" => rules.system = order(&place, true)?,
            "environment" => rules.environment = order(&place, false)?,
            "tags" => tags(&place, rules)?,
            "accounts" => rules.accounts = accounts(&place)?,
            "stacks" => rules.stacks = stacks(&place)?,
            "paths" => rules.paths = paths(&place)?,
            "deployments" => rules.deployments = deployments(&place)?,
            _ => rules.annotations = profiles(&place)?,
        }
    }
    Ok(())
}

/// Steps, and lists of steps that share a place.
fn order(place: &Place<'_>, is_inherited: bool) -> Result<Order, OwnershipError> {
    let mut seen = BTreeSet::new();
    let mut step = |place: &Place<'_>| {
        let name = place.text()?;
        let known = Step::ALL.into_iter().filter(|step| is_inherited || *step != Step::Component);
        let names = || known.clone().map(Step::name).collect::<Vec<_>>().join(", ");
        let step = known.clone().find(|step| step.name() == name);
        let step = step.ok_or_else(|| place.wrong(format!("is `{name}`, and no step; steps are {}", names())))?;
        if !seen.insert(step) {
            return Err(place.wrong(format!("is `{name}` again; name each step once")));
        }
        Ok(step)
    };
    let mut groups = Vec::new();
    for item in place.items()? {
        if item.is_list() {
            let group: Result<Vec<Step>, _> = item.items()?.iter().map(&mut step).collect();
            groups.push(group?);
        } else {
            groups.push(vec![step(&item)?]);
        }
    }
    groups.retain(|group| !group.is_empty());
    if !seen.contains(&Step::Declaration) {
        return Err(place.wrong("leaves out `declaration`; what a catalog file says must have a place"));
    }
    if is_inherited && !seen.contains(&Step::Component) {
        return Err(place.wrong(
            "leaves out `component`; say which steps go before what the component of a resource says, and which after",
        ));
    }
    if let Some(group) = groups.iter().find(|group| group.len() > 1 && group.contains(&Step::Component)) {
        let others = group.iter().filter(|step| **step != Step::Component).map(|step| step.name()).collect::<Vec<_>>();
        return Err(place.wrong(format!("puts `component` and {} in one place; give each its own", others.join(", "))));
    }
    Ok(Order(groups))
}

fn tags(place: &Place<'_>, rules: &mut Rules) -> Result<(), OwnershipError> {
    place.check_keys(&["owner", "system", "component", "environment"])?;
    for (key, place) in place.entries()? {
        let keys = if place.is_list() { place.items()? } else { vec![place.clone()] };
        if keys.len() > MAX_TAGS {
            return Err(place.wrong(format!("has {} tags, and may have {MAX_TAGS}", keys.len())));
        }
        let keys: Vec<String> = keys.iter().map(tag_key).collect::<Result<_, _>>()?;
        match key {
            "owner" => rules.tags.owner = keys,
            "system" => rules.tags.system = keys,
            "component" => rules.tags.component = keys,
            _ => rules.tags.environment = keys,
        }
    }
    Ok(())
}

pub(crate) fn tag_key(place: &Place<'_>) -> Result<String, OwnershipError> {
    let key = place.text()?.trim();
    if key.chars().count() > MAX_TAG_CHARS {
        return Err(place.wrong(format!("is longer than a key of a tag can be, which is {MAX_TAG_CHARS} characters")));
    }
    Ok(key.to_owned())
}

/// Exact accounts go first, then patterns, those with more letters first: the order of a map means nothing.
fn accounts(place: &Place<'_>) -> Result<Vec<AccountRule>, OwnershipError> {
    let mut rules = Vec::new();
    for (key, place) in place.entries()? {
        let account = glob(&place, key)?;
        let is_id = key.len() == 12 && key.bytes().all(|b| b.is_ascii_digit());
        let is_pattern = !account.is_exact() && key.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'*' | b'?'));
        if !is_id && !is_pattern {
            return Err(place.wrong("is no account id; write 12 digits in quotes, or a pattern such as `\"*\"`"));
        }
        rules.push(AccountRule { account, answers: answers(&place, &[])? });
    }
    limit(place, rules.len())?;
    rules.sort_by_key(|rule| {
        let literal = rule.account.as_str().bytes().filter(u8::is_ascii_digit).count();
        (!rule.account.is_exact(), std::cmp::Reverse(literal), rule.account.clone())
    });
    Ok(rules)
}

fn stacks(place: &Place<'_>) -> Result<Vec<StackRule>, OwnershipError> {
    let mut rules = Vec::new();
    for item in place.items()? {
        let stack = required_glob(&item, "stack")?;
        rules.push(StackRule { stack, answers: answers(&item, &["stack"])? });
    }
    limit(place, rules.len())?;
    Ok(rules)
}

fn paths(place: &Place<'_>) -> Result<Vec<PathRule>, OwnershipError> {
    let mut rules = Vec::new();
    for item in place.items()? {
        let producer = required_glob(&item, "producer")?;
        let name = match item.get("name") {
            Some(name) => glob(&name, name.text()?)?,
            None => glob(&item, "*")?,
        };
        rules.push(PathRule { producer, name, answers: answers(&item, &["producer", "name"])? });
    }
    limit(place, rules.len())?;
    Ok(rules)
}

/// Stages count in any case.
fn deployments(place: &Place<'_>) -> Result<Vec<EnvironmentRule>, OwnershipError> {
    let mut rules = Vec::new();
    for item in place.items()? {
        item.check_keys(&["account", "pipeline", "stage", "environment"])?;
        let pattern = |key: &str| item.get(key).map(|place| glob(&place, &place.text()?.to_lowercase())).transpose();
        let as_written = |key: &str| match item.get(key) {
            Some(place) => glob(&place, place.text()?),
            None => glob(&item, "*"),
        };
        let environment =
            item.get("environment").ok_or_else(|| item.wrong("has no `environment`; write the name of one"))?;
        let name = environment.text()?.trim();
        if !is_name(name) {
            let expected = "write letters and digits joined by `-`, `_` or `.`, at most 63";
            return Err(environment.wrong(format!("is `{name}`, and no environment; {expected}")));
        }
        let (account, pipeline, stage) = (as_written("account")?, as_written("pipeline")?, pattern("stage")?);
        if stage.is_none() && [&account, &pipeline].iter().all(|glob| glob.as_str() == "*") {
            return Err(item.wrong("is for everything; write one of account, pipeline, stage below it"));
        }
        rules.push(EnvironmentRule { account, pipeline, stage, environment: name.to_owned() });
    }
    limit(place, rules.len())?;
    Ok(rules)
}

fn limit(place: &Place<'_>, rules: usize) -> Result<(), OwnershipError> {
    if rules > MAX_RULES {
        return Err(place.wrong(format!("has {rules} rules, and may have {MAX_RULES}")));
    }
    Ok(())
}

fn required_glob(place: &Place<'_>, key: &str) -> Result<Glob, OwnershipError> {
    let pattern =
        place.get(key).ok_or_else(|| place.wrong(format!("has no `{key}`; write the pattern that it is for")))?;
    glob(&pattern, pattern.text()?)
}

fn glob(place: &Place<'_>, pattern: &str) -> Result<Glob, OwnershipError> {
    Glob::new(pattern).map_err(|error| place.wrong(format!("is no pattern: {error}")))
}

/// Owner, system, environment and component of a rule. What is empty is left out.
fn answers(place: &Place<'_>, others: &[&str]) -> Result<Answers, OwnershipError> {
    let known: Vec<&str> = others.iter().chain(ANSWERS).copied().collect();
    place.check_keys(&known)?;
    let given = |key: &str| place.get(key).filter(|place| !place.is_nothing());
    let answers = Answers {
        owner: given("owner").map(|place| owner(&place)).transpose()?,
        system: given("system").map(|place| system(&place)).transpose()?,
        environment: given("environment").map(|place| Ok(place.text()?.trim().to_owned())).transpose()?,
        component: given("component").map(|place| reference(&place, "component")).transpose()?,
    };
    if answers == Answers::default() {
        return Err(place.wrong(format!("says nothing; write one of {} below it", ANSWERS.join(", "))));
    }
    Ok(answers)
}

pub(crate) fn owner(place: &Place<'_>) -> Result<String, OwnershipError> {
    let text = place.text()?.trim();
    if !is_owner(text) {
        return Err(place.wrong(format!("is `{text}`, and no group or user; write a name, or `group:default/<name>`")));
    }
    Ok(text.to_owned())
}

pub(crate) fn system(place: &Place<'_>) -> Result<String, OwnershipError> {
    reference(place, "system")?;
    Ok(place.text()?.trim().to_owned())
}

pub(crate) fn reference(place: &Place<'_>, kind: &str) -> Result<EntityRef, OwnershipError> {
    let text = place.text()?.trim();
    let parsed = EntityRef::parse_in(text, Some(kind), DEFAULT_NAMESPACE).ok();
    parsed.filter(|parsed| parsed.kind() == kind && is_name(parsed.namespace()) && is_name(parsed.name())).ok_or_else(
        || place.wrong(format!("is `{text}`, and no {kind}; write its name, or `{kind}:<namespace>/<name>`")),
    )
}

/// Backstage's grammar of names, which is that of environments too.
fn is_name(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=63).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with(['-', '_', '.'])
        && !text.ends_with(['-', '_', '.'])
}

fn profiles(place: &Place<'_>) -> Result<BTreeSet<Profile>, OwnershipError> {
    let profile = |place: &Place<'_>| match place.text()? {
        "awslabs" => Ok(Profile::Awslabs),
        "roadie" => Ok(Profile::Roadie),
        "core" => Ok(Profile::Core),
        other => Err(place.wrong(format!("is `{other}`, and no profile; profiles are awslabs, roadie, core"))),
    };
    place.items()?.iter().map(profile).collect()
}
