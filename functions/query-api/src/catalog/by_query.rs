//! `/entities/by-query`: pages of entities by filter, text and order; by GET, and by POST with a predicate.

use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use catalog_search::{Page, Projection, Start};
use delivery::api::ApiError;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::listing::{streamed, whole};
use super::{filter, predicate, projection};
use crate::answers::{self, Answer, unavailable};
use crate::body::{self, Fields, Form, Presence};
use crate::cursor::{Cursor, CursorKey, Direction, FullText, OrderField};
use crate::handler::Deps;
use crate::parameters::{Kind, Parameters};

const DEFAULT_LIMIT: usize = 200;

/// A text search walks all values of each field.
const MAX_TEXT_FIELDS: usize = 50;

/// Values are compared up to 200 characters; a term may have some wildcards beside.
const MAX_TERM_BYTES: usize = 1_000;

/// A cursor carries them all.
const MAX_ORDER_FIELDS: usize = 100;

const TOTALS: &[&str] = &["include", "exclude"];

const KNOWN: &[(&str, Kind)] = &[
    ("fields", Kind::Texts),
    ("limit", Kind::Count),
    ("offset", Kind::Count),
    ("orderField", Kind::Texts),
    ("cursor", Kind::Text),
    ("filter", Kind::Texts),
    ("totalItems", Kind::OneOf(TOTALS)),
    ("fullTextFilterTerm", Kind::Text),
    ("fullTextFilterFields", Kind::Texts),
];

const BODY: Fields = Fields {
    required: &[],
    known: &[
        ("cursor", Form::Text),
        ("limit", Form::Number),
        ("offset", Form::Number),
        ("orderBy", Form::List(&ORDER)),
        ("fullTextFilter", Form::Fields(&FULL_TEXT)),
        ("fields", Form::Texts),
        ("totalItems", Form::OneOf(TOTALS)),
        ("query", Form::Object),
    ],
    is_closed: false,
};
const ORDER: Fields = Fields {
    required: &["field", "order"],
    known: &[("field", Form::Text), ("order", Form::OneOf(&["asc", "desc"]))],
    is_closed: false,
};
const FULL_TEXT: Fields =
    Fields { required: &[], known: &[("term", Form::Text), ("fields", Form::Texts)], is_closed: false };

/// One page of what is asked.
struct Asked {
    /// What all pages have in common, and the place of this one.
    cursor: Cursor,
    is_first: bool,
    /// Of a first page.
    offset: usize,
    limit: usize,
    with_total: bool,
    projection: Option<Projection>,
}

pub(crate) async fn by_query(
    request: &ApiGatewayProxyRequest,
    deps: &Arc<Deps>,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    let parameters = Parameters::typed(request, KNOWN)?;
    let limit = parameters.count("limit")?.unwrap_or(DEFAULT_LIMIT);
    let projection = projection(parameters.all("fields"))?;
    let asked = match parameters.one("cursor")? {
        Some(cursor) => Asked::next(cursor, limit, projection, deps.cursor_key().await?)?,
        None => {
            let query = filter(&parameters)?;
            let order_fields = parameters.all("orderField").into_iter().map(order_field).collect::<Result<_, _>>()?;
            let fields: Vec<&str> = parameters.all("fullTextFilterFields");
            let fields = fields.into_iter().flat_map(|list| list.split(',')).map(str::to_owned).collect::<Vec<_>>();
            let term = parameters.one("fullTextFilterTerm")?.unwrap_or_default().to_owned();
            let text = FullText { term, fields: (!fields.is_empty()).then_some(fields) };
            Asked {
                cursor: first(order_fields, query, Some(text)),
                is_first: true,
                offset: parameters.count("offset")?.unwrap_or_default(),
                limit,
                with_total: parameters.one("totalItems")? != Some("exclude"),
                projection,
            }
        }
    };
    asked.answer(deps, now).await
}

pub(crate) async fn by_query_body(
    request: &ApiGatewayProxyRequest,
    deps: &Arc<Deps>,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    Parameters::check(request, &[])?;
    let body = body::body(request, Presence::Optional, &BODY)?.unwrap_or_default();
    let limit = body::count(&body, "limit")?.unwrap_or(DEFAULT_LIMIT);
    let offset = body::count(&body, "offset")?.unwrap_or_default();
    let fields = body::texts(&body, "fields").unwrap_or_default();
    let asked = match body.get("cursor").and_then(Value::as_str) {
        Some("") => return Err(ApiError::input("Cursor cannot be empty")),
        Some(cursor) => Asked::next(cursor, limit, projection(fields)?, deps.cursor_key().await?)?,
        None => Asked {
            cursor: first(orders(&body), predicate(&body)?, full_text(&body)),
            is_first: true,
            offset,
            limit,
            with_total: body.get("totalItems").and_then(Value::as_str) != Some("exclude"),
            projection: projection(fields)?,
        },
    };
    asked.answer(deps, now).await
}

fn first(order_fields: Vec<OrderField>, query: catalog_search::Filter, full_text_filter: Option<FullText>) -> Cursor {
    Cursor {
        order_fields,
        is_previous: false,
        query,
        full_text_filter,
        order_field_values: Vec::new(),
        first_sort_field_values: Vec::new(),
        total_items: 0,
    }
}

/// `<field>[,<direction>]`; what follows is ignored.
fn order_field(text: &str) -> Result<OrderField, ApiError> {
    let mut parts = text.split(',');
    let field = parts.next().unwrap_or_default().to_owned();
    let order = match parts.next() {
        None | Some("asc") => Direction::Asc,
        Some("desc") => Direction::Desc,
        Some(_) => return Err(ApiError::input("Invalid order field order, must be asc or desc")),
    };
    Ok(OrderField { field, order })
}

fn orders(body: &Map<String, Value>) -> Vec<OrderField> {
    let order = |order: &Value| OrderField {
        field: order["field"].as_str().unwrap_or_default().to_owned(),
        order: if order["order"] == "desc" { Direction::Desc } else { Direction::Asc },
    };
    body.get("orderBy").and_then(Value::as_array).into_iter().flatten().map(order).collect()
}

fn full_text(body: &Map<String, Value>) -> Option<FullText> {
    let text = body.get("fullTextFilter")?.as_object()?;
    let fields = body::texts(text, "fields").map(|fields| fields.into_iter().map(str::to_owned).collect());
    Some(FullText { term: text.get("term").and_then(Value::as_str).unwrap_or_default().to_owned(), fields })
}

impl Asked {
    fn next(cursor: &str, limit: usize, projection: Option<Projection>, key: &CursorKey) -> Result<Self, ApiError> {
        let cursor =
            Cursor::decode(cursor, key).map_err(|error| ApiError::input(format!("Malformed cursor: {error}")))?;
        Ok(Self { cursor, is_first: false, offset: 0, limit, with_total: true, projection })
    }

    async fn answer(self, deps: &Arc<Deps>, now: Timestamp) -> Result<Answer, ApiError> {
        self.check_size()?;
        let asked = self.cursor.asked();
        let start = match self.cursor.position() {
            _ if self.is_first => Start::Offset(self.offset),
            None => Start::Offset(0),
            Some(position) if self.cursor.is_previous => Start::Before(position),
            Some(position) => Start::After(position),
        };
        deps.live.follow(now).await.map_err(unavailable)?;
        let page = deps.live.ask(|catalog| catalog.page(&asked, &start, self.limit)).await.map_err(unavailable)?;
        let total = match self.is_first {
            true if !self.with_total => 0,
            true => page.total,
            false => self.cursor.total_items,
        };
        let page_info = Value::Object(self.page_info(&page, total, deps.cursor_key().await?));
        let behind = format!(r#"],"totalItems":{total},"pageInfo":{page_info}}}"#);
        let before = r#"{"items":["#;
        if self.projection.is_none() {
            return Ok(answers::raw_json(streamed(before, page.items, None, behind, deps).await?));
        }
        let items = whole(&page.items, self.projection.as_ref(), deps).await?;
        let items: Vec<_> = items.iter().flatten().collect();
        Ok(answers::json_text(format!("{before}{}{behind}", items.join(","))))
    }

    fn check_size(&self) -> Result<(), ApiError> {
        let Cursor { order_fields, full_text_filter: text, .. } = &self.cursor;
        if order_fields.len() > MAX_ORDER_FIELDS {
            return Err(ApiError::input(format!("there are more than {MAX_ORDER_FIELDS} order fields")));
        }
        let Some(FullText { term, fields }) = text else { return Ok(()) };
        if fields.as_ref().is_some_and(|fields| fields.len() > MAX_TEXT_FIELDS) {
            return Err(ApiError::input(format!("the full text filter has more than {MAX_TEXT_FIELDS} fields")));
        }
        if term.len() > MAX_TERM_BYTES {
            return Err(ApiError::input(format!(
                "the full text filter has a term of more than {MAX_TERM_BYTES} bytes"
            )));
        }
        Ok(())
    }

    fn page_info(&self, page: &Page, total_items: usize, key: &CursorKey) -> Map<String, Value> {
        let mut info = Map::new();
        let came_back = self.cursor.is_previous;
        let encoded = |cursor: Cursor| json!(cursor.encode(key));
        let first_of = |own: Vec<String>| if self.is_first { own } else { self.cursor.first_sort_field_values.clone() };
        let Some((first, last)) = &page.ends else {
            // Nothing is left in front of where the last page began: what comes next is the beginning.
            if came_back && self.limit > 0 {
                let cursor = Cursor { is_previous: false, order_field_values: Vec::new(), ..self.cursor.clone() };
                info.insert("nextCursor".to_owned(), encoded(cursor));
            }
            return info;
        };
        let (first, last) = (self.cursor.values(first), self.cursor.values(last));
        let to = |values: &[String], is_previous| {
            encoded(Cursor {
                is_previous,
                order_field_values: values.to_vec(),
                first_sort_field_values: first_of(first.clone()),
                total_items,
                ..self.cursor.clone()
            })
        };
        if page.more_behind || came_back {
            info.insert("nextCursor".to_owned(), to(&last, false));
        }
        if !self.is_first && self.cursor.first_sort_field_values != first {
            info.insert("prevCursor".to_owned(), to(&first, true));
        }
        info
    }
}
