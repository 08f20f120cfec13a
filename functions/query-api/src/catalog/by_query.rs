//! `GET /entities/by-query`: pages of entities by filter, text and order.

use aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse};
use catalog_search::{Order, Page, Query, Start, TextFilter};
use delivery::api::ApiError;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{filter, projection, rendered};
use crate::answers::{self, unavailable};
use crate::cursor::Cursor;
use crate::handler::Deps;
use crate::live::whole;
use crate::parameters::Parameters;

const DEFAULT_LIMIT: usize = 200;

/// A text search walks all values of each field.
const MAX_TEXT_FIELDS: usize = 50;

/// Values are compared up to 200 characters; a term may have some wildcards beside.
const MAX_TERM_BYTES: usize = 1_000;

const KNOWN: &[&str] = &[
    "filter",
    "fields",
    "limit",
    "offset",
    "orderField",
    "cursor",
    "fullTextFilterTerm",
    "fullTextFilterFields",
    "totalItems",
];

pub(crate) async fn by_query(
    request: &ApiGatewayProxyRequest,
    deps: &Deps,
    now: Timestamp,
) -> Result<ApiGatewayProxyResponse, ApiError> {
    let parameters = Parameters::check(request, KNOWN)?;
    let limit = parameters.count("limit")?.unwrap_or(DEFAULT_LIMIT);
    let offset = parameters.count("offset")?.unwrap_or_default();
    let with_total = match parameters.one("totalItems")? {
        None | Some("include") => true,
        Some("exclude") => false,
        Some(_) => {
            let message = "request/query/totalItems must be equal to one of the allowed values: include, exclude";
            return Err(ApiError::input(message));
        }
    };
    let cursor = parameters.one("cursor")?.map(Cursor::decode).transpose()?;
    let asked = match &cursor {
        Some(cursor) => cursor.asked.clone(),
        None => asked(&parameters)?,
    };
    if let Some(text) = &asked.text {
        if text.fields.len() > MAX_TEXT_FIELDS {
            return Err(ApiError::input(format!("fullTextFilterFields has more than {MAX_TEXT_FIELDS} fields")));
        }
        if text.term.len() > MAX_TERM_BYTES {
            return Err(ApiError::input(format!("fullTextFilterTerm has more than {MAX_TERM_BYTES} bytes")));
        }
    }
    let projection = projection(parameters.all("fields"))?;

    deps.live.follow(now).await.map_err(unavailable)?;
    let start = match &cursor {
        None => Start::Offset(offset),
        Some(cursor) if cursor.is_previous => Start::Before(cursor.position.clone()),
        Some(cursor) => Start::After(cursor.position.clone()),
    };
    let page = whole(deps.live.read().await.page(&asked, &start, limit));
    let total = match &cursor {
        _ if !with_total => 0,
        Some(cursor) => cursor.total_items,
        None => page.total,
    };
    let items = rendered(&page.items, projection.as_ref(), deps).await?;
    let items: Vec<String> = items.into_iter().flatten().collect();
    let page_info = Value::Object(page_info(&asked, &page, cursor.as_ref(), limit, total));
    answers::json_text(format!(r#"{{"items":[{}],"totalItems":{total},"pageInfo":{page_info}}}"#, items.join(",")))
}

fn asked(parameters: &Parameters<'_>) -> Result<Query, ApiError> {
    let text = match parameters.one("fullTextFilterTerm")? {
        Some(term) => {
            let fields = parameters.all("fullTextFilterFields").into_iter().flat_map(|list| list.split(','));
            Some(TextFilter {
                term: term.to_owned(),
                fields: fields.filter(|f| !f.is_empty()).map(str::to_owned).collect(),
            })
        }
        None => None,
    };
    let mut orders = Vec::new();
    for text in parameters.all("orderField") {
        let (field, order) = text.split_once(',').unwrap_or((text, "asc"));
        let descending = match order {
            "asc" => false,
            "desc" => true,
            _ => return Err(ApiError::input("Invalid order field order, must be asc or desc")),
        };
        orders.push(Order { field: field.to_owned(), descending });
    }
    // One field orders; further ones are only checked, as in Backstage.
    Ok(Query { filter: filter(parameters)?, order: orders.into_iter().next(), text })
}

fn page_info(
    asked: &Query,
    page: &Page,
    cursor: Option<&Cursor>,
    limit: usize,
    total_items: usize,
) -> Map<String, Value> {
    let mut info = Map::new();
    let Some((first, last)) = &page.ends else { return info };
    let to = |position: &_, is_previous| {
        let first = cursor.map_or(first, |cursor| &cursor.first).clone();
        json!(
            Cursor { asked: asked.clone(), position: Clone::clone(position), is_previous, first, total_items }.encode()
        )
    };
    let came_back = cursor.is_some_and(|cursor| cursor.is_previous);
    if limit > 0 && (page.more_behind || came_back) {
        info.insert("nextCursor".to_owned(), to(last, false));
    }
    if cursor.is_some_and(|cursor| cursor.first != *first) {
        info.insert("prevCursor".to_owned(), to(first, true));
    }
    info
}
