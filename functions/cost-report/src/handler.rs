//! An SQS batch -> the reports that it announces, one after the other, and the account of what was done.

use std::convert::Infallible;

use account::{Account, Counts, Extra};
use aws_config::SdkConfig;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use billing_report::is_manifest_key;
use catalog_store::CatalogStore;
use delivery::Message;
use delivery::s3_notification::{self, ObjectEventKind};
use jiff::Timestamp;
use tracing::debug;

use crate::Settings;
use crate::athena::{Athena, QueryEvent};
use crate::error::CostReportError;
use crate::report::{Outcome, resume, take};
use crate::reports_bucket::ReportsBucket;

/// The name under which the function counts, and its folder.
const SOURCE: &str = "cost-report";

/// What the handler is connected to.
#[derive(Debug, Clone)]
pub struct Deps {
    pub(crate) store: CatalogStore,
    pub(crate) reports: ReportsBucket,
    /// Who rolls up reports of more than `max_report_bytes`.
    pub(crate) athena: Option<Athena>,
    pub(crate) max_report_bytes: u64,
    max_receive_count: u32,
}

impl Deps {
    pub fn connect(config: &SdkConfig, settings: &Settings) -> Self {
        Self {
            store: CatalogStore::connect(config, &settings.table_name, &settings.catalog_bucket),
            reports: ReportsBucket { s3: catalog_store::s3_client(config), name: settings.reports_bucket.clone() },
            athena: settings.athena.as_ref().map(|athena| Athena::connect(config, athena)),
            max_report_bytes: settings.max_report_bytes,
            max_receive_count: settings.max_receive_count,
        }
    }
}

/// Takes every report that the batch announces. Everything else in the bucket is ignored, and counted.
///
/// # Errors
/// Never: what failed is in the response, and written down in the table with its reason.
pub async fn handle(event: SqsEvent, deps: &Deps, now: Timestamp) -> Result<SqsBatchResponse, Infallible> {
    let account = Account::new(SOURCE);
    account.add(|counts| counts.saw_event(u64::try_from(now.as_millisecond()).unwrap_or_default()));
    let apply = async |message: Message<'_>| handle_message(message.body, deps, &account, now).await;
    let outcome = delivery::batch(&event, deps.max_receive_count, apply).await;
    account.keep_batch(&outcome, &deps.store, now).await;
    Ok(outcome.response)
}

/// Every object is tried, and the first error returned: repeating the message repeats what went well, which changes nothing.
async fn handle_message(body: &str, deps: &Deps, account: &Account, now: Timestamp) -> Result<(), CostReportError> {
    if let Some(event) = QueryEvent::parse(body) {
        // Boxed, as are the steps below: the compiler gives up on the layout of the whole as one future.
        return Box::pin(handle_query(&event, deps, account, now)).await;
    }
    let mut first_error = None;
    for object in s3_notification::parse(body).map_err(CostReportError::Envelope)? {
        let is_report = object.bucket == deps.reports.name
            && object.kind == ObjectEventKind::Created
            && is_manifest_key(&object.key);
        if !is_report {
            debug!(s3.key = %object.key, "ignored an object that announces no report");
            account.add(|counts| counts.add(Extra::Ignored, 1));
            continue;
        }
        match Box::pin(take(&object, deps, now)).await {
            Ok(outcome) => account.add(|counts| count(counts, outcome)),
            Err(error) => {
                account.add(|counts| counts.refused += u64::from(error.is_refusal()));
                first_error = first_error.or(Some(error));
            }
        }
    }
    first_error.map_or(Ok(()), Err)
}

/// Goes on with the report that a query of ours rolled up. What is told of any other is ignored, and counted.
async fn handle_query(
    event: &QueryEvent,
    deps: &Deps,
    account: &Account,
    now: Timestamp,
) -> Result<(), CostReportError> {
    let is_end = |athena: &&Athena| event.is_end_in(athena.workgroup());
    let ended = match deps.athena.as_ref().filter(is_end) {
        Some(athena) => Box::pin(athena.ended(&event.id)).await?.map(|ended| (athena, ended)),
        None => None,
    };
    let Some((athena, ended)) = ended else {
        debug!(query.id = %event.id, "ignored an event of a query that has not ended, or is not ours");
        account.add(|counts| counts.add(Extra::Ignored, 1));
        return Ok(());
    };
    match Box::pin(resume(&ended, athena, deps, now)).await {
        Ok(outcome) => account.add(|counts| count(counts, outcome)),
        Err(error) => {
            account.add(|counts| counts.refused += u64::from(error.is_refusal()));
            return Err(error);
        }
    }
    Ok(())
}

/// A report is a document; a generation of rollups is no fragment.
fn count(counts: &mut Counts, outcome: Outcome) {
    let extra = match outcome {
        // It is parsed when the query has ended.
        Outcome::Asked => return counts.add(Extra::QueriesAsked, 1),
        Outcome::Published => Extra::Published,
        Outcome::Stale => Extra::ReportsStale,
        Outcome::Duplicate => Extra::ReportsDuplicate,
    };
    counts.parsed += 1;
    counts.add(extra, 1);
}
