//! `PUT`, `GET` and `DELETE /api/exports/{producer}/{format}/{name}` -> the receipt, or an error as Backstage has it.

use account::Account;
use aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse};
use catalog_model::{Door, SourceObject};
use delivery::api::{self, ApiError};
use export_formats::{Parameters, format_named};
use jiff::Timestamp;
use serde_json::Value;
use tracing::{error, instrument};

use crate::error::CicdExportError;
use crate::export::{Arrival, Export, publish, retire};
use crate::handler::Deps;
use crate::preview::preview;
use crate::producers::Caller;

/// Lambda takes 6 MB, and the gateway sends what is no text as base64, which is a third longer.
const MAX_BODY_BYTES: usize = 4_500_000;

/// What the path says. The parts are still text: an unknown format is no unknown path.
struct Named<'r> {
    producer: &'r str,
    format: &'r str,
    name: &'r str,
}

/// The response, and whether the request was one that writes: such are counted.
#[instrument(skip_all, fields(http.method = %request.http_method, request.id = request.request_context.request_id.as_deref()))]
pub(crate) async fn handle(
    request: &ApiGatewayProxyRequest,
    deps: &Deps,
    account: &Account,
    now: Timestamp,
) -> (ApiGatewayProxyResponse, bool) {
    let mut is_write = false;
    match answer(request, deps, account, now, &mut is_write).await {
        Ok(response) => (response, is_write),
        Err(error) => (error.into_response(request), is_write),
    }
}

async fn answer(
    request: &ApiGatewayProxyRequest,
    deps: &Deps,
    account: &Account,
    now: Timestamp,
    is_write: &mut bool,
) -> Result<ApiGatewayProxyResponse, ApiError> {
    let named = named(request)?;
    let source = source_object(&named)?;
    let caller = Caller { text: api::caller_arn(request) };
    deps.producers.check(caller, &source.producer).map_err(|error| told(&CicdExportError::NotAllowed(error)))?;
    match request.http_method.as_str() {
        "GET" => last_receipt(&source, deps).await,
        "PUT" => {
            let body = body(request, &named, deps)?;
            let export = export(request, source, body, now)?;
            if export.parameters.dry_run {
                let preview = preview(&export, &deps.store, now).await.map_err(|error| told(&error))?;
                return Ok(api::json_response(200, &preview));
            }
            *is_write = true;
            let receipt = publish(&export, &deps.store, now).await.map_err(|error| {
                account.add(|counts| counts.refused += error.refused_documents());
                told(&error)
            })?;
            receipt.count(account);
            Ok(api::json_response(200, &receipt))
        }
        "DELETE" => {
            let export = export(request, source, Vec::new(), now)?;
            if export.parameters.dry_run {
                return Err(ApiError::input("`dryRun` has no meaning for DELETE: it takes back what GET lists"));
            }
            *is_write = true;
            match retire(&export, &deps.store, now).await.map_err(|error| told(&error))? {
                Some(receipt) => {
                    receipt.count(account);
                    Ok(api::json_response(200, &receipt))
                }
                None => Err(nothing_sent(&export.source)),
            }
        }
        other => Err(ApiError::method_not_allowed(format!("{other} is not allowed; allowed are PUT, GET, DELETE"))),
    }
}

fn told(error: &CicdExportError) -> ApiError {
    let answer = error.api();
    if answer.status >= 500 && answer.status != 501 {
        error!(error = %delivery::describe(error), "could not handle an export");
    }
    answer
}

/// The newest receipt of all doors; those of the other doors beside it.
async fn last_receipt(source: &SourceObject, deps: &Deps) -> Result<ApiGatewayProxyResponse, ApiError> {
    let format = source.format.to_string();
    let receipts = deps.store.receipts(&source.producer, &format, &source.name).await;
    let mut receipts = receipts.map_err(|error| told(&CicdExportError::Store(error)))?;
    receipts.sort_by_key(|receipt| receipt["receivedAt"].as_str().and_then(|at| at.parse::<Timestamp>().ok()));
    let Some(mut newest) = receipts.pop() else { return Err(nothing_sent(source)) };
    if let Some(fields) = newest.as_object_mut()
        && !receipts.is_empty()
    {
        fields.insert("otherDoors".to_owned(), Value::from(receipts));
    }
    Ok(api::json_response(200, &newest))
}

fn nothing_sent(source: &SourceObject) -> ApiError {
    let SourceObject { producer, format, name, .. } = source;
    ApiError::not_found(format!("no export `{producer}/{format}/{name}` was ever accepted"))
}

fn export(
    request: &ApiGatewayProxyRequest,
    source: SourceObject,
    body: Vec<u8>,
    now: Timestamp,
) -> Result<Export, ApiError> {
    let names = api::query_names(request);
    let pairs = names.into_iter().flat_map(|name| api::query_all(request, name).into_iter().map(move |v| (name, v)));
    let parameters = Parameters::parse(pairs).map_err(|error| told(&CicdExportError::Parameter(error)))?;
    // The gateway's clock, stamped once at the door. A hand-made invocation may have none.
    let at = Timestamp::from_millisecond(request.request_context.request_time_epoch);
    let at = at.ok().filter(|at| at.as_millisecond() > 0 && *at <= now).unwrap_or(now);
    let id = request.request_context.request_id.as_deref().map_or_else(|| now.to_string(), str::to_owned);
    Ok(Export {
        source,
        parameters,
        body,
        delivery: format!("request {id}"),
        caller: api::caller_arn(request).map(str::to_owned),
        arrival: Arrival::Request { at },
    })
}

fn body(request: &ApiGatewayProxyRequest, named: &Named<'_>, deps: &Deps) -> Result<Vec<u8>, ApiError> {
    // Before decoding: four characters of base64 are three bytes.
    let bytes = request.body.as_deref().map_or(0, str::len);
    let bytes = if request.is_base64_encoded { bytes / 4 * 3 } else { bytes };
    if bytes > MAX_BODY_BYTES {
        let Named { producer, format, name } = named;
        return Err(ApiError::payload_too_large(format!(
            "the body has {bytes} bytes, and this door takes {MAX_BODY_BYTES}; drop the file at \
             s3://{}/exports/{producer}/{format}/{name} instead, with the parameters as metadata of the object",
            deps.drop_bucket
        )));
    }
    api::body_bytes(request)
}

fn named(request: &ApiGatewayProxyRequest) -> Result<Named<'_>, ApiError> {
    let path = request.path.as_deref().unwrap_or_default();
    let wrong = || ApiError::not_found(format!("`{path}` is not /api/exports/{{producer}}/{{format}}/{{name}}"));
    let (_, rest) = path.split_once("/api/exports/").ok_or_else(wrong)?;
    let mut parts = rest.split('/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(producer), Some(format), Some(name), None) => Ok(Named { producer, format, name }),
        _ => Err(wrong()),
    }
}

fn source_object(named: &Named<'_>) -> Result<SourceObject, ApiError> {
    for (what, text) in [("producer", named.producer), ("name", named.name)] {
        if !is_part(text) {
            return Err(ApiError::input(format!(
                "{what} `{text}` is not of the form [A-Za-z0-9._-], 1 to 128 characters"
            )));
        }
    }
    let format = format_named(named.format).map_err(|error| told(&CicdExportError::Export(error.into())))?;
    Ok(SourceObject { door: Door::Http, producer: named.producer.to_owned(), format, name: named.name.to_owned() })
}

/// The grammar of producers and names, at both doors.
pub(crate) fn is_part(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}
