//! An invocation -> the door that it is for, and the account of what was done.

use account::Account;
use aws_config::SdkConfig;
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use catalog_store::CatalogStore;
use delivery::Message;
use delivery::cors::Cors;
use jiff::Timestamp;
use lambda_runtime::Error;
use pipeline_event::job::Job;
use serde_json::Value;

use crate::event::Event;
use crate::export::ms;
use crate::replay::replay;
use crate::{CicdExportError, Producers, Settings, drop_door, http_door, job_door, state_event};

/// The name under which the function counts, and its folder.
const SOURCE: &str = "cicd-export";

/// What the handler is connected to.
#[derive(Debug, Clone)]
pub struct Deps {
    pub store: CatalogStore,
    pub s3: aws_sdk_s3::Client,
    /// For the results of jobs.
    pub codepipeline: aws_sdk_codepipeline::Client,
    pub drop_bucket: String,
    /// As in the redrive policy of the queue.
    pub max_receive_count: u32,
    /// Who may speak for whom.
    pub producers: Producers,
    /// What answers to requests say about it.
    pub cors: Cors,
}

impl Deps {
    pub fn connect(config: &SdkConfig, settings: &Settings) -> Self {
        Self {
            store: CatalogStore::connect(config, &settings.table_name, &settings.catalog_bucket),
            s3: catalog_store::s3_client(config),
            codepipeline: aws_sdk_codepipeline::Client::new(config),
            drop_bucket: settings.drop_bucket.clone(),
            max_receive_count: settings.max_receive_count,
            producers: settings.producers.clone(),
            cors: Cors::default(),
        }
    }

    /// The same, for pages of these origins.
    #[must_use]
    pub fn with_cors(mut self, cors: Cors) -> Self {
        self.cors = cors;
        self
    }
}

/// Answers an SQS batch with the messages that failed, and a request with its response.
///
/// # Errors
/// Only if the answer cannot be serialised, and where a replay fails. What is wrong with a message or a request is in the
/// answer.
pub async fn handle(event: Event, deps: &Deps, now: Timestamp) -> Result<Value, Error> {
    // Boxed: the futures of the SDK's calls nest deeper than the compiler follows through a whole function.
    match event {
        Event::Batch(batch) => Ok(serde_json::to_value(Box::pin(handle_batch(&batch, deps, now)).await)?),
        Event::Replay(asked) => {
            let replayed = Box::pin(replay(&asked, &deps.store, now)).await;
            Ok(serde_json::to_value(replayed.map_err(|error| delivery::describe(&error))?)?)
        }
        Event::Job(job) => {
            Box::pin(handle_job(&job, deps, now)).await?;
            Ok(Value::Null)
        }
        Event::Request(request) => Box::pin(handle_request(&request, deps, now)).await,
    }
}

async fn handle_batch(batch: &SqsEvent, deps: &Deps, now: Timestamp) -> SqsBatchResponse {
    let account = Account::new(SOURCE);
    account.add(|counts| counts.saw_event(ms(now)));
    let apply = async |message: Message<'_>| match state_event::of_message(message.body) {
        Some(event) => Box::pin(state_event::handle(&event, deps, &account, ms(now))).await,
        None => Box::pin(drop_door::handle(message.body, deps, &account, now)).await,
    };
    let outcome = delivery::batch(batch, deps.max_receive_count, apply).await;
    account.keep_batch(&outcome, &deps.store, now).await;
    outcome.response
}

async fn handle_job(job: &Job, deps: &Deps, now: Timestamp) -> Result<(), CicdExportError> {
    let account = Account::new(SOURCE);
    account.add(|counts| counts.saw_event(ms(now)));
    let reported = job_door::handle(job, deps, &account, now).await;
    account.keep_request(reported.is_err(), &deps.store, now).await;
    reported
}

async fn handle_request(request: &ApiGatewayProxyRequest, deps: &Deps, now: Timestamp) -> Result<Value, Error> {
    let account = Account::new(SOURCE);
    account.add(|counts| counts.saw_event(ms(now)));
    let (mut response, is_write) = http_door::handle(request, deps, &account, now).await;
    if is_write {
        account.keep_request(response.status_code >= 500, &deps.store, now).await;
    }
    deps.cors.add_to(&request.headers, &mut response.headers);
    Ok(serde_json::to_value(response)?)
}
