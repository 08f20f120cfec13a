//! One request -> its answer, from the items alone.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use serde_json::{Value, json};

use super::{
    Trouble,
    items::{Items, Key},
    query::Query,
};

/// Config's limits of a page.
const MAX_RESULTS: usize = 100;
const MAX_GROUPS: usize = 1_000;

#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
}

fn refused(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { code, message: message.into() }
}

/// The text of the answer: seconds keep their digits.
pub(super) fn answer(
    operation: &str,
    request: &Value,
    items: &Items,
    page: Option<usize>,
    trouble: Option<Trouble>,
) -> Result<String, Refusal> {
    let answer = match operation {
        "SelectAggregateResourceConfig" => select(request, items, page, trouble)?,
        "GetAggregateDiscoveredResourceCounts" => counts(request, items, page)?,
        "GetAggregateResourceConfig" => whole(request, items, trouble)?,
        other => return Err(refused("UnknownOperationException", format!("`{other}` is not answered here"))),
    };
    Ok(answer.to_string())
}

fn select(request: &Value, items: &Items, page: Option<usize>, trouble: Option<Trouble>) -> Result<Value, Refusal> {
    let expression = request["Expression"].as_str().unwrap_or_default();
    let query = Query::parse(expression).map_err(|reason| refused("InvalidExpressionException", reason))?;
    let limit = limit(request, MAX_RESULTS)?.min(page.unwrap_or(MAX_RESULTS));
    let after: Option<Key> = token(request, expression)?;
    let matching = items.recorded().filter(|(_, item)| query.matches(item));
    let mut rest = matching.filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after)).peekable();
    let (mut results, mut last) = (Vec::new(), None);
    while results.len() < limit
        && let Some((key, item)) = rest.next()
    {
        results.push(query.project(item));
        last = Some(key);
    }
    let next = last.filter(|_| rest.peek().is_some()).map(|key| token_of(key, expression));
    match trouble {
        Some(Trouble::ShortPage) => results.truncate(results.len() / 2),
        Some(Trouble::EmptyTags) => results.iter_mut().for_each(|item| drop(item.insert("tags".to_owned(), json!([])))),
        Some(Trouble::NoTags) => results.iter_mut().for_each(|item| drop(item.remove("tags"))),
        _ => {}
    }
    let mut results: Vec<String> = results.into_iter().map(|item| Value::Object(item).to_string()).collect();
    if let (Some(Trouble::CutResult), Some(first)) = (trouble, results.first_mut()) {
        *first = first.chars().take(first.chars().count() / 2).collect();
    }
    Ok(json!({"Results": results, "NextToken": next, "QueryInfo": {"SelectFields": []}}))
}

fn counts(request: &Value, items: &Items, page: Option<usize>) -> Result<Value, Refusal> {
    let group = request["GroupByKey"].as_str().unwrap_or_default();
    let part = |key: &Key, name: &str| match name {
        "ACCOUNT_ID" => Some(key.0.clone()),
        "AWS_REGION" => Some(key.1.clone()),
        "RESOURCE_TYPE" => Some(key.2.clone()),
        _ => None,
    };
    let wanted = [("AccountId", "ACCOUNT_ID"), ("Region", "AWS_REGION"), ("ResourceType", "RESOURCE_TYPE")];
    let is_wanted = |key: &Key| {
        let filters = wanted.iter().filter_map(|(field, name)| Some((request["Filters"][field].as_str()?, name)));
        filters.into_iter().all(|(value, name)| part(key, name).as_deref() == Some(value))
    };
    let mut groups: BTreeMap<String, u64> = BTreeMap::new();
    let mut total = 0;
    for (key, _) in items.recorded().filter(|(key, _)| is_wanted(key)) {
        total += 1;
        if let Some(name) = part(key, group) {
            *groups.entry(name).or_default() += 1;
        }
    }
    let limit = limit(request, MAX_GROUPS)?.min(page.unwrap_or(MAX_GROUPS));
    let after: Option<String> = token(request, group)?;
    let mut rest = groups.iter().filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after)).peekable();
    let mut groups_of_page = Vec::new();
    while groups_of_page.len() < limit
        && let Some((name, count)) = rest.next()
    {
        groups_of_page.push(json!({"GroupName": name, "ResourceCount": count}));
    }
    let last = groups_of_page.last().and_then(|last| last["GroupName"].as_str()).unwrap_or_default();
    let next = rest.peek().map(|_| token_of(&last, group));
    Ok(json!({
        "TotalDiscoveredResources": total, "GroupByKey": group, "GroupedResourceCounts": groups_of_page, "NextToken": next,
    }))
}

fn whole(request: &Value, items: &Items, trouble: Option<Trouble>) -> Result<Value, Refusal> {
    let named = &request["ResourceIdentifier"];
    let part = |name: &str| named[name].as_str().unwrap_or_default().to_owned();
    let key = (part("SourceAccountId"), part("SourceRegion"), part("ResourceType"), part("ResourceId"));
    let item = items.whole(&key);
    let mut item =
        item.ok_or_else(|| refused("ResourceNotDiscoveredException", format!("`{}` is not known", key.3)))?;
    if let (Some(Trouble::NoTags), Some(fields)) = (trouble, item.as_object_mut()) {
        fields.remove("tags");
    }
    Ok(json!({ "ConfigurationItem": item }))
}

fn limit(request: &Value, max: usize) -> Result<usize, Refusal> {
    match request["Limit"].as_u64() {
        None | Some(0) => Ok(max),
        Some(given) => usize::try_from(given)
            .ok()
            .filter(|given| *given <= max)
            .ok_or_else(|| refused("InvalidLimitException", format!("a page has at most {max}"))),
    }
}

/// A token is good for the question that it came with, and for no other.
fn token_of(last: &impl serde::Serialize, question: &str) -> String {
    URL_SAFE.encode(json!([question, last]).to_string())
}

fn token<T: serde::de::DeserializeOwned>(request: &Value, question: &str) -> Result<Option<T>, Refusal> {
    let Some(text) = request["NextToken"].as_str() else { return Ok(None) };
    let read = || {
        let (asked, last): (String, T) = serde_json::from_slice(&URL_SAFE.decode(text).ok()?).ok()?;
        (asked == question).then_some(last)
    };
    read().map(Some).ok_or_else(|| refused("InvalidNextTokenException", "the token is of another question"))
}
