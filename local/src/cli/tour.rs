//! What the catalog holds now, and requests worth trying, found by asking the API itself.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use callboard::stack::Stack;
use jiff::{ToSpan, civil::Date};
use serde_json::Value;

use super::terminal::say;

/// Components that are looked through for the one with the most relations.
const MAX_COMPONENTS: usize = 1000;

/// Says how much there is and what to ask next.
///
/// # Errors
/// Fails when the API does.
pub(crate) async fn say_tour(stack: &Stack, is_open: bool) -> Result<(), Box<dyn Error>> {
    let status = fresh_status(stack).await?;
    let kinds = kinds(stack).await?;
    let total: u64 = kinds.iter().map(|(_, count)| count).sum();
    if total == 0 {
        say("The catalog is empty.\n");
        return Ok(());
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    say(format_args!("There are now {total} entities: {}.\n", kinds.join(", ")));
    let targets = targets(stack, &status).await?;
    if !targets.is_empty() {
        say("Worth trying:\n");
        let token = if is_open { "" } else { "-H \"authorization: Bearer $TOKEN\" " };
        for target in targets {
            say(format_args!("  curl {token}'http://localhost:{}{target}'", stack.endpoints().api.port()));
        }
        say("");
    }
    Ok(())
}

/// The status, once the index has seen everything that was written until now.
async fn fresh_status(stack: &Stack) -> Result<Value, Box<dyn Error>> {
    let began = Instant::now();
    loop {
        let status = ask(stack, "/api/status").await?;
        let age = status.pointer("/index/ageMs").and_then(Value::as_u64).map(Duration::from_millis);
        if age.is_some_and(|age| age <= began.elapsed()) {
            return Ok(status);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn ask(stack: &Stack, target: &str) -> Result<Value, Box<dyn Error>> {
    match stack.get(target).await? {
        (200, body) => Ok(body),
        (status, body) => Err(format!("GET {target} was answered with {status}: {body}").into()),
    }
}

/// Values of a field and how many entities have each, most first.
async fn facet(stack: &Stack, field: &str, filter: &str) -> Result<Vec<(String, u64)>, Box<dyn Error>> {
    let answer = ask(stack, &format!("/api/catalog/entity-facets?facet={field}{filter}")).await?;
    let values = answer["facets"][field].as_array().map_or(&[][..], Vec::as_slice);
    let value = |value: &Value| Some((value["value"].as_str()?.to_owned(), value["count"].as_u64()?));
    let mut values: Vec<(String, u64)> = values.iter().filter_map(value).collect();
    values.sort_by(|(name, count), (other_name, other)| other.cmp(count).then_with(|| name.cmp(other_name)));
    Ok(values)
}

async fn kinds(stack: &Stack) -> Result<Vec<(String, u64)>, Box<dyn Error>> {
    facet(stack, "kind", "").await
}

/// Three paths about the component with the most relations; fewer while there is none.
async fn targets(stack: &Stack, status: &Value) -> Result<Vec<String>, Box<dyn Error>> {
    let Some((namespace, name)) = best_connected(stack).await? else {
        return Ok(vec!["/api/catalog/entities/by-query?limit=20".to_owned()]);
    };
    let component = format!("component:{namespace}/{name}");
    let mut targets = Vec::new();
    let belonging = format!("kind=resource,relations.dependencyOf={component}");
    let types = facet(stack, "spec.type", &format!("&filter={belonging}")).await?;
    if let Some((spec_type, _)) = types.iter().find(|(spec_type, _)| is_plain(spec_type)) {
        let filter = format!("kind=resource,spec.type={spec_type},relations.dependencyOf={component}");
        targets.push(format!("/api/catalog/entities/by-query?filter={filter}"));
    }
    targets.push(format!("/api/explain/component/{namespace}/{name}"));
    if let Some((from, to)) = last_month(status) {
        targets.push(format!("/api/costs?scope={component}&from={from}&to={to}&by=service"));
    }
    if targets.len() < 3 {
        targets.insert(0, format!("/api/catalog/entities/by-name/component/{namespace}/{name}"));
    }
    Ok(targets)
}

/// Namespace and name of the component with the most relations.
async fn best_connected(stack: &Stack) -> Result<Option<(String, String)>, Box<dyn Error>> {
    let fields = "metadata.namespace,metadata.name,relations";
    let query = format!("filter=kind=component&fields={fields}&limit={MAX_COMPONENTS}&totalItems=exclude");
    let page = ask(stack, &format!("/api/catalog/entities/by-query?{query}")).await?;
    let mut best: Option<(usize, (String, String))> = None;
    for item in page["items"].as_array().map_or(&[][..], Vec::as_slice) {
        let Some(name) = item.pointer("/metadata/name").and_then(Value::as_str) else { continue };
        let namespace = item.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or("default");
        let relations = item["relations"].as_array().map_or(0, Vec::len);
        if best.as_ref().is_none_or(|(most, _)| relations > *most) && is_plain(name) && is_plain(namespace) {
            best = Some((relations, (namespace.to_owned(), name.to_owned())));
        }
    }
    Ok(best.map(|(_, component)| component))
}

/// First day of the newest month with costs, and of the month after it.
fn last_month(status: &Value) -> Option<(Date, Date)> {
    let months = status["costs"].as_array()?.iter().filter_map(|head| head["month"].as_str());
    let from: Date = format!("{}-01", months.max()?).parse().ok()?;
    Some((from, from.checked_add(1.month()).ok()?))
}

/// Needs neither quotes in a shell nor escapes in a URL.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_month_ends_where_the_next_begins() {
        let status = json!({"costs": [{"month": "2025-11"}, {"month": "2025-12"}, {"month": "2025-02"}]});
        let (from, to) = last_month(&status).unwrap();
        assert_eq!((from.to_string(), to.to_string()), ("2025-12-01".to_owned(), "2026-01-01".to_owned()));
        assert_eq!(last_month(&json!({"costs": []})), None);
    }

    #[test]
    fn only_names_that_a_shell_leaves_alone_are_shown() {
        assert!(is_plain("codepipeline-pipeline"));
        assert!(!is_plain("a'; rm") && !is_plain("") && !is_plain("a&b"));
    }
}
