//! `GET /entities`, the older way to list: a bare array, and pages by a `link` header.

use aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use catalog_model::Identity;
use catalog_search::{Catalog, Filter, Order, Query, Start};
use delivery::api::{ApiError, query_all, query_names};
use http::header::{HeaderValue, LINK};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::{filter, projection, rendered};
use crate::answers::{self, unavailable};
use crate::handler::Deps;
use crate::live::whole;
use crate::parameters::Parameters;

const MALFORMED_AFTER: &str = "Malformed after cursor, could not be parsed";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Span {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offset: Option<usize>,
}

pub(crate) async fn entities(
    request: &ApiGatewayProxyRequest,
    deps: &Deps,
    now: Timestamp,
) -> Result<ApiGatewayProxyResponse, ApiError> {
    let parameters = Parameters::check(request, &["filter", "fields", "order", "limit", "offset", "after"])?;
    let (limit, offset) = (parameters.integer("limit")?, parameters.integer("offset")?);
    let after = parameters.one("after")?;
    let filter = filter(&parameters)?;
    let projection = projection(parameters.all("fields"))?;
    let order = order(&parameters)?;
    let span = span(limit, offset, after)?;

    deps.live.follow(now).await.map_err(unavailable)?;
    let mut link = None;
    let identities = {
        let catalog = deps.live.read().await;
        match span {
            None => whole(catalog.page(&Query { filter, order, text: None }, &Start::Offset(0), usize::MAX)).items,
            Some(Span { limit, offset }) => {
                let all = paged_order(&catalog, &filter, order);
                let from = offset.unwrap_or_default().min(all.len());
                let to = limit.map_or(all.len(), |limit| from.saturating_add(limit).min(all.len()));
                if let Some(limit) = limit.filter(|_| to < all.len()) {
                    link = Some(next_link(request, Span { limit: Some(limit), offset: Some(to) }));
                }
                all[from..to].to_vec()
            }
        }
    };
    let items = rendered(&identities, projection.as_ref(), deps).await?;
    let items: Vec<String> = items.into_iter().flatten().collect();
    let mut response = answers::json_text(format!("[{}]", items.join(",")))?;
    if let Some(link) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
        response.headers.insert(LINK, link);
    }
    Ok(response)
}

/// By reference; or by a field, and then those without it by uid.
fn paged_order(catalog: &Catalog, filter: &Filter, order: Option<Order>) -> Vec<Identity> {
    let all = |order| {
        let query = Query { filter: filter.clone(), order, text: None };
        whole(catalog.page(&query, &Start::Offset(0), usize::MAX)).items
    };
    let by_uid = all(None);
    let Some(order) = order else {
        let mut by_ref = by_uid;
        by_ref
            .sort_by_cached_key(|identity| whole(catalog.current_ref(identity)).map(|reference| reference.to_string()));
        return by_ref;
    };
    let mut ordered = all(Some(order));
    let with_value: std::collections::HashSet<Identity> = ordered.iter().cloned().collect();
    ordered.extend(by_uid.into_iter().filter(|identity| !with_value.contains(identity)));
    ordered
}

fn order(parameters: &Parameters<'_>) -> Result<Option<Order>, ApiError> {
    let mut orders = Vec::new();
    for text in parameters.all("order") {
        let (descending, field) = match text.split_once(':') {
            Some(("asc", field)) if !field.is_empty() => (false, field),
            Some(("desc", field)) if !field.is_empty() => (true, field),
            _ => {
                let message = format!("Invalid order parameter \"{text}\", expected \"<asc or desc>:<field name>\"");
                return Err(ApiError::input(message));
            }
        };
        orders.push(Order { field: field.to_owned(), descending });
    }
    Ok(orders.into_iter().next())
}

/// `None`: all of it.
fn span(limit: Option<i64>, offset: Option<i64>, after: Option<&str>) -> Result<Option<Span>, ApiError> {
    if limit.is_some_and(|limit| limit <= 0) {
        return Err(ApiError::input("Invalid limit, must be greater than zero"));
    }
    if offset.is_some_and(|offset| offset < 0) {
        return Err(ApiError::input("Invalid offset, must be zero or greater"));
    }
    let count = |number: Option<i64>| number.and_then(|number| usize::try_from(number).ok());
    let mut span = Span { limit: count(limit), offset: count(offset) };
    if let Some(after) = after {
        let bytes = STANDARD.decode(after).map_err(|_| ApiError::input(MALFORMED_AFTER))?;
        let after: Span = serde_json::from_slice(&bytes).map_err(|_| ApiError::input(MALFORMED_AFTER))?;
        span = Span { limit: after.limit.or(span.limit), offset: after.offset.or(span.offset) };
    }
    Ok((span != Span::default()).then_some(span))
}

fn next_link(request: &ApiGatewayProxyRequest, span: Span) -> String {
    let after = STANDARD.encode(serde_json::to_vec(&span).expect("two numbers always serialise"));
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mut pairs = Vec::new();
    for name in query_names(request).into_iter().filter(|name| !["limit", "offset", "after"].contains(name)) {
        pairs.extend(query_all(request, name).into_iter().map(|value| format!("{}={}", encoded(name), encoded(value))));
    }
    pairs.extend(span.limit.map(|limit| format!("limit={limit}")));
    pairs.push(format!("after={}", encoded(&after)));
    format!("</entities?{}>; rel=\"next\"", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_checked_in_backstages_words() {
        for (limit, offset, after, complaint) in [
            (Some(0), None, None, "Invalid limit, must be greater than zero"),
            (Some(1), Some(-1), None, "Invalid offset, must be zero or greater"),
            (None, None, Some("zzz"), MALFORMED_AFTER),
            (None, None, Some("bnVsbA=="), MALFORMED_AFTER),
        ] {
            assert_eq!(span(limit, offset, after).unwrap_err().message, complaint);
        }
        assert_eq!(span(None, None, None), Ok(None));
        let after = STANDARD.encode(r#"{"limit":2,"offset":4}"#);
        assert_eq!(span(Some(9), None, Some(&after)), Ok(Some(Span { limit: Some(2), offset: Some(4) })));
    }
}
