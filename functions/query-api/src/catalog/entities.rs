//! `GET /entities`, the older way to list: a bare array; all of it as a stream, or pages by a `link` header.

use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use catalog_search::{Filter, MAX_LISTED_ROWS, Order, Projection, Query, Start};
use delivery::api::{ApiError, query_all, query_names};
use http::header::{HeaderValue, LINK};
use jiff::Timestamp;
use serde_json::Value;
use url::form_urlencoded;

use super::listing::{streamed, whole};
use super::{filter, projection};
use crate::answers::{self, Answer, unavailable};
use crate::handler::Deps;
use crate::parameters::{Kind, Parameters};

const KNOWN: &[(&str, Kind)] = &[
    ("fields", Kind::Texts),
    ("limit", Kind::Count),
    ("filter", Kind::Texts),
    ("offset", Kind::Count),
    ("after", Kind::Text),
    ("order", Kind::Texts),
];

/// Each is a table of values to sort by.
const MAX_ORDERS: usize = 10;

const MALFORMED_AFTER: &str = "Malformed after cursor, could not be parsed";

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Which rows of the list are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    limit: Option<usize>,
    offset: usize,
}

pub(crate) async fn entities(
    request: &ApiGatewayProxyRequest,
    deps: &Arc<Deps>,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    let parameters = Parameters::typed(request, KNOWN)?;
    let (limit, offset) = (parameters.count("limit")?, parameters.count("offset")?);
    let after = parameters.one("after")?;
    let filter = filter(&parameters)?;
    let projection = projection(parameters.all("fields"))?;
    let orders = orders(&parameters)?;
    let span = span(limit, offset, after)?;
    deps.live.follow(now).await.map_err(unavailable)?;
    match span {
        None => all(filter, orders, projection, deps).await,
        Some(span) => page(request, span, &filter, &orders, projection, deps).await,
    }
}

/// All entities by one field at most: those without a value of it are left out.
async fn all(
    filter: Filter,
    orders: Vec<Order>,
    projection: Option<Projection>,
    deps: &Arc<Deps>,
) -> Result<Answer, ApiError> {
    let query = Query { filter, order: orders.into_iter().next(), text: None };
    let items =
        deps.live.ask(|catalog| catalog.page(&query, &Start::Offset(0), usize::MAX)).await.map_err(unavailable)?.items;
    if items.is_empty() {
        return Ok(answers::json_text("[]".to_owned()));
    }
    Ok(answers::raw_json(streamed("[", items, projection, "]".to_owned(), deps).await?))
}

async fn page(
    request: &ApiGatewayProxyRequest,
    span: Span,
    filter: &Filter,
    orders: &[Order],
    projection: Option<Projection>,
    deps: &Arc<Deps>,
) -> Result<Answer, ApiError> {
    let listed = deps.live.ask(|catalog| catalog.listed(filter, orders)).await.map_err(unavailable)?;
    let mut rows = listed.ok_or_else(|| {
        ApiError::input(format!(
            "the order makes more than {MAX_LISTED_ROWS} rows; order by fewer fields with several values"
        ))
    })?;
    let from = span.offset.min(rows.len());
    let to = span.limit.map_or(rows.len(), |limit| from.saturating_add(limit).min(rows.len()));
    let has_next = to < rows.len() && to > from;
    rows.truncate(to);
    let rows = rows.split_off(from);
    let mut answer = if projection.is_some() {
        let items = whole(&rows, projection.as_ref(), deps).await?;
        let items: Vec<_> = items.iter().flatten().collect();
        answers::json_text(format!("[{}]", items.join(",")))
    } else {
        answers::raw_json(streamed("[", rows, None, "]".to_owned(), deps).await?)
    };
    if let Some(limit) = span.limit.filter(|_| has_next)
        && let Ok(link) = HeaderValue::from_str(&next_link(request, limit, to))
    {
        answer.headers.insert(LINK, link);
    }
    Ok(answer)
}

fn orders(parameters: &Parameters<'_>) -> Result<Vec<Order>, ApiError> {
    let mut orders = Vec::new();
    for text in parameters.all("order") {
        let (descending, field) = match text.split_once(':') {
            Some(("asc", field)) if is_line(field) => (false, field),
            Some(("desc", field)) if is_line(field) => (true, field),
            _ => {
                let message = format!("Invalid order parameter \"{text}\", expected \"<asc or desc>:<field name>\"");
                return Err(ApiError::input(message));
            }
        };
        orders.push(Order { field: field.to_owned(), descending });
    }
    if orders.len() > MAX_ORDERS {
        return Err(ApiError::input(format!("there are more than {MAX_ORDERS} order parameters")));
    }
    Ok(orders)
}

fn is_line(text: &str) -> bool {
    !text.is_empty() && !text.contains(['\n', '\r', '\u{2028}', '\u{2029}'])
}

/// `None`: all of it.
fn span(limit: Option<usize>, offset: Option<usize>, after: Option<&str>) -> Result<Option<Span>, ApiError> {
    if limit == Some(0) {
        return Err(ApiError::input("Invalid limit, must be greater than zero"));
    }
    if limit.is_none() && offset.is_none() && after.is_none() {
        return Ok(None);
    }
    let mut span = Span { limit, offset: offset.unwrap_or_default() };
    if let Some(after) = after {
        let malformed = || ApiError::input(MALFORMED_AFTER);
        let bytes = BASE64.decode(after).map_err(|_| malformed())?;
        let after: Value = serde_json::from_slice(&bytes).map_err(|_| malformed())?;
        if after.is_null() {
            return Err(malformed());
        }
        if let Some(limit) = after.get("limit") {
            let limit = whole_number(limit)
                .ok_or_else(|| ApiError::input("Malformed after cursor, limit was not an number"))?;
            span.limit = Some(usize::try_from(limit).unwrap_or_default());
        }
        if let Some(offset) = after.get("offset") {
            let not_a_number = || ApiError::input("Malformed after cursor, offset was not a number");
            let offset = whole_number(offset).ok_or_else(not_a_number)?;
            span.offset = usize::try_from(offset).map_err(|_| not_a_number())?;
        }
    }
    Ok(Some(span))
}

fn whole_number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64().filter(|number| number.trunc() == *number)?;
        format!("{number:.0}").parse().ok()
    })
}

/// The request again with `after` instead of `offset`.
fn next_link(request: &ApiGatewayProxyRequest, limit: usize, offset: usize) -> String {
    // In the order in which Backstage writes it.
    let after = BASE64.encode(format!(r#"{{"limit":{limit},"offset":{offset}}}"#));
    let mut query = form_urlencoded::Serializer::new(String::new());
    let names = query_names(request);
    for name in names.iter().filter(|name| **name != "offset") {
        if *name == "after" {
            query.append_pair(name, &after);
            continue;
        }
        for value in query_all(request, name) {
            query.append_pair(name, value);
        }
    }
    if !names.contains(&"after") {
        query.append_pair("after", &after);
    }
    format!("</entities?{}>; rel=\"next\"", query.finish())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_span_is_checked_in_backstages_words() {
        for (limit, after, complaint) in [
            (Some(0), None, "Invalid limit, must be greater than zero"),
            (None, Some("zzz"), MALFORMED_AFTER),
            (None, Some("bnVsbA=="), MALFORMED_AFTER),
            (None, Some("eyJsaW1pdCI6InEifQ=="), "Malformed after cursor, limit was not an number"),
        ] {
            assert_eq!(span(limit, None, after).unwrap_err().message, complaint);
        }
        let negative = BASE64.encode(r#"{"offset":-1}"#);
        let complaint = "Malformed after cursor, offset was not a number";
        assert_eq!(span(None, None, Some(&negative)).unwrap_err().message, complaint);
        assert_eq!(span(None, None, None), Ok(None));
        for (limit, offset, after, expected) in [
            (Some(9), None, r#"{"limit":2,"offset":4}"#, Span { limit: Some(2), offset: 4 }),
            (Some(9), Some(3), r#"{"offset":4}"#, Span { limit: Some(9), offset: 4 }),
            (None, Some(3), "[]", Span { limit: None, offset: 3 }),
            (None, None, "5", Span { limit: None, offset: 0 }),
            (None, None, r#"{"limit":-1}"#, Span { limit: Some(0), offset: 0 }),
        ] {
            assert_eq!(span(limit, offset, Some(&BASE64.encode(after))), Ok(Some(expected)), "{after}");
        }
    }

    #[test]
    fn the_link_is_written_as_backstage_writes_it() {
        let request: ApiGatewayProxyRequest = serde_json::from_value(json!({
            "httpMethod": "GET", "path": "/api/catalog/entities", "headers": {}, "requestContext": {"httpMethod": "GET"},
            "multiValueQueryStringParameters": {"limit": ["1"], "filter": ["kind=user,kind"], "offset": ["2"]},
        }))
        .unwrap();
        assert_eq!(
            next_link(&request, 1, 3),
            "</entities?limit=1&filter=kind%3Duser%2Ckind&after=eyJsaW1pdCI6MSwib2Zmc2V0IjozfQ%3D%3D>; rel=\"next\""
        );
    }
}
