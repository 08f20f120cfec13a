//! A Backstage app-config -> the rules that say the same.
//!
//! `catalog.providers.awsConfig` of AWS's plugin: of each field the tag goes before the value, and that before the expression, as
//! the file stands: a tag that a resource does not bear is followed by nothing.
//! <https://github.com/awslabs/backstage-plugins-for-aws/tree/main/plugins/core/catalog-config>
//! `ownerTag` of Roadie's provider: <https://github.com/RoadieHQ/roadie-backstage-plugins/tree/main/plugins/backend/catalog-backend-module-aws>

use catalog_model::{AccountRule, Answers, Fact, Glob, Pointer, Rules, Source};

use crate::own::{owner, reference, system, tag_key};
use crate::tree::Place;
use crate::{Ownership, OwnershipError, own};

/// The tag that Roadie's provider reads when no other is named.
const ROADIE_DEFAULT: &str = "owner";

/// Where our own rules may stand in an app-config.
const OWN_KEY: &str = "callboard";

/// Characters of an expression that an error shows.
const SHOWN_EXPRESSION_CHARS: usize = 40;

const FIELD_KEYS: &[&str] = &["tag", "value", "expression"];

pub(crate) fn is_app_config(root: &Place<'_>) -> bool {
    ["catalog", "providers", "integrations", "awsConfig", "ownerTag", OWN_KEY].iter().any(|key| root.has(key))
}

/// # Errors
/// Fails on a field that our rules cannot say, and where the file configures no provider that is known.
pub(crate) fn read(root: &Place<'_>, ownership: &mut Ownership) -> Result<(), OwnershipError> {
    let mut found = false;
    for block in aws_config_blocks(root) {
        found = true;
        let mut read: Option<(String, Rules)> = None;
        for provider in providers(&block)? {
            let mut rules = Rules::default();
            transform(&provider, &mut rules, &mut ownership.notes)?;
            if let Some((other, known)) = &read
                && *known != rules
            {
                return Err(provider.wrong(format!(
                    "transforms otherwise than `{other}`; the rules are those of the whole catalog: make them one"
                )));
            }
            read = Some((provider.path().to_owned(), rules));
        }
        if let Some((_, rules)) = read {
            ownership.rules = rules;
        }
    }
    let mut tags = owner_tags(root)?.into_iter();
    if let Some((place, tag)) = tags.next() {
        found = true;
        if let Some((other, _)) = tags.find(|(_, other)| *other != tag) {
            let problem = format!("names another tag than `{}`; owners are found by one tag", place.path());
            return Err(other.wrong(problem));
        }
        ownership.rules.tags.owner = vec![tag];
    }
    if let Some(own) = root.get(OWN_KEY) {
        found = true;
        own::read(&own, &mut ownership.rules)?;
    }
    if !found {
        return Err(root.wrong(
            "is a Backstage configuration without `catalog.providers.awsConfig` and without `ownerTag`: there is nothing to take over",
        ));
    }
    Ok(())
}

fn aws_config_blocks<'t>(root: &Place<'t>) -> Vec<Place<'t>> {
    let of_catalog = root.get("catalog").and_then(|catalog| catalog.get("providers"));
    let places = [of_catalog, root.get("providers"), Some(root.clone())];
    places.into_iter().flatten().filter_map(|place| place.get("awsConfig")).collect()
}

/// One provider, or providers by name.
fn providers<'t>(block: &Place<'t>) -> Result<Vec<Place<'t>>, OwnershipError> {
    if ["transform", "filters", "accountId", "aggregator"].iter().any(|key| block.has(key)) {
        return Ok(vec![block.clone()]);
    }
    Ok(block.entries()?.into_iter().map(|(_, provider)| provider).collect())
}

fn transform(provider: &Place<'_>, rules: &mut Rules, notes: &mut Vec<String>) -> Result<(), OwnershipError> {
    let Some(transform) = provider.get("transform") else { return Ok(()) };
    let fields = transform.get("fields").unwrap_or(transform);
    fields.check_keys(&["name", "annotations", "spec"])?;
    if let Some(name) = fields.get("name") {
        notes.push(format!("line {}: `{}` has no effect: names are unique as they are", name.line(), name.path()));
    }
    if let Some(annotations) = fields.get("annotations") {
        for (key, place) in annotations.entries()? {
            if let Some(source) = source(&place)? {
                rules.fields.insert(Pointer::annotation(key), source);
            }
        }
    }
    let Some(spec) = fields.get("spec") else { return Ok(()) };
    spec.check_keys(&["owner", "system", "component", "type"])?;
    let mut given = Answers::default();
    for (key, place) in spec.entries()? {
        let Some(source) = source(&place)? else { continue };
        let value = place.get("value").unwrap_or_else(|| place.clone());
        let tags = match key {
            "owner" => &mut rules.tags.owner,
            "system" => &mut rules.tags.system,
            "component" => &mut rules.tags.component,
            _ => {
                rules.fields.insert(Pointer::spec("type"), source);
                continue;
            }
        };
        match source {
            Source::Tag(tag) => *tags = vec![tag],
            Source::Value(_) => {
                tags.clear();
                match key {
                    "owner" => given.owner = Some(owner(&value)?),
                    "system" => given.system = Some(system(&value)?),
                    _ => given.component = Some(reference(&value, "component")?),
                }
            }
            Source::Fact(_) => return Err(not_evaluated(&place.get("expression").unwrap_or(place))),
        }
    }
    if given != Answers::default() {
        let account = Glob::new("*").map_err(|error| spec.wrong(error.to_string()))?;
        rules.accounts = vec![AccountRule { account, answers: given }];
    }
    Ok(())
}

/// What a field is set to. As JavaScript has it, an empty text is none.
fn source(field: &Place<'_>) -> Result<Option<Source>, OwnershipError> {
    field.check_keys(FIELD_KEYS)?;
    let given = |key: &str| field.get(key).filter(|place| !place.is_blank());
    if let Some(tag) = given("tag") {
        return tag_key(&tag).map(|tag| Some(Source::Tag(tag)));
    }
    if let Some(value) = given("value") {
        let text = value.text()?;
        if text.contains("${") {
            return Err(value.wrong("has a placeholder, which is not filled in here; write the value"));
        }
        return Ok(Some(Source::Value(text.to_owned())));
    }
    given("expression").map(|expression| evaluated(&expression)).transpose()
}

/// The expressions that say what our rules can say: a fact of the resource, or one tag.
fn evaluated(place: &Place<'_>) -> Result<Source, OwnershipError> {
    let text = place.text()?.trim();
    let fact = match text {
        "$resource.arn" => Fact::Arn,
        "$resource.accountId" => Fact::AccountId,
        "$resource.awsRegion" => Fact::Region,
        "$resource.resourceId" => Fact::ResourceId,
        "$resource.resourceName" => Fact::ResourceName,
        "$resource.resourceType" => Fact::ResourceType,
        _ => return tag_of(text).map(Source::Tag).ok_or_else(|| not_evaluated(place)),
    };
    Ok(Source::Fact(fact))
}

/// `$resource.tags[key='team'].value` -> `team`
fn tag_of(expression: &str) -> Option<String> {
    let condition = expression.strip_prefix("$resource.tags[")?.strip_suffix("].value")?;
    let quoted = condition.strip_prefix("key")?.trim_start().strip_prefix('=')?.trim();
    let quote = quoted.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let key = quoted.strip_prefix(quote)?.strip_suffix(quote)?;
    let is_plain = !key.is_empty() && !key.contains(['\'', '"', '\\']);
    is_plain.then(|| key.to_owned())
}

fn not_evaluated(place: &Place<'_>) -> OwnershipError {
    let text = place.text().unwrap_or_default();
    let mut head: String =
        text.chars().take(SHOWN_EXPRESSION_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() > SHOWN_EXPRESSION_CHARS {
        head.push_str("...");
    }
    place.wrong(format!(
        "is the JSONata expression `{head}`, which is not evaluated here; say it with `tag` or `value`, or by the rules of \
         `accounts`, `stacks` and `paths` (docs/ownership.md)"
    ))
}

/// Everything that is called `ownerTag` where a provider may be configured.
fn owner_tags<'t>(root: &Place<'t>) -> Result<Vec<(Place<'t>, String)>, OwnershipError> {
    let mut places = vec![root.clone()];
    let of_catalog = root.get("catalog").and_then(|catalog| catalog.get("providers"));
    for providers in [of_catalog, root.get("providers")].into_iter().flatten() {
        for (_, provider) in providers.entries().unwrap_or_default() {
            places.extend(provider.entries().unwrap_or_default().into_iter().map(|(_, below)| below));
            places.extend(provider.items().unwrap_or_default());
            places.push(provider);
        }
    }
    let accounts = root.get("integrations").and_then(|integrations| integrations.get("aws"));
    places.extend(accounts.and_then(|accounts| accounts.items().ok()).unwrap_or_default());
    let mut tags = Vec::new();
    for place in places.iter().filter_map(|place| place.get("ownerTag")) {
        let tag = if place.is_nothing() { ROADIE_DEFAULT.to_owned() } else { tag_key(&place)? };
        tags.push((place, tag));
    }
    Ok(tags)
}
