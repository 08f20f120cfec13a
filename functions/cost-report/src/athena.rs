//! A report that is too large for one function -> a query of Athena's that rolls it up; the query's end -> the rows of the result.
//!
//! Nobody waits for a query: its end is an event (<https://docs.aws.amazon.com/athena/latest/ug/athena-events.html>). What must be
//! known then lies beside the result, whose folder is named by the query's token:
//!
//! ```text
//! <prefix><token>/delivery.json    which delivery was asked about; written before the query is started
//! <prefix><token>/rows/            what the query unloads
//! <prefix><token>/<id>-manifest.csv   Athena's list of the files in it
//! ```
//!
//! The token says which files, by their ETags, and which statement. Asking again with it starts no second query, wherever the
//! first try was stopped; and files that are not what they were when it was made have another one.

use std::error::Error;

use aws_config::SdkConfig;
use aws_sdk_athena::Client;
use aws_sdk_athena::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_athena::types::{QueryExecution, QueryExecutionState, ResultConfiguration};
use billing_report::{DataFile, FileFormat, TableOfReport, TagKeys, roll_up_statement, unload};
use delivery::eventbridge;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tracing::info;

use crate::error::CostReportError;
use crate::reports_bucket::{Announced, Pinned, ReportsBucket};
use crate::settings::AthenaSettings;

/// A workgroup, and where it puts its results.
#[derive(Debug, Clone)]
pub(crate) struct Athena {
    client: Client,
    settings: AthenaSettings,
    pub(crate) results: ReportsBucket,
}

/// A query that can be asked any number of times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    of_files: String,
    of_statement: String,
    select: String,
}

/// The delivery that a query is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AskedAbout {
    /// The manifest's key.
    pub(crate) manifest: String,
    pub(crate) modified_ms: u64,
    pub(crate) event_time: Timestamp,
}

/// A query of ours that goes on no more.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) id: String,
    token: String,
    pub(crate) about: AskedAbout,
    execution: QueryExecution,
}

/// What an EventBridge event tells of a query.
#[derive(Debug)]
pub(crate) struct QueryEvent {
    pub(crate) id: String,
    workgroup: String,
    state: String,
}

impl QueryEvent {
    /// `None` for any other message.
    pub(crate) fn parse(body: &str) -> Option<Self> {
        let event = eventbridge::parse(body).ok().filter(|event| event.source == "aws.athena")?;
        let text = |field: &str| event.detail.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self { id: text("queryExecutionId"), workgroup: text("workgroupName"), state: text("currentState") })
    }

    pub(crate) fn is_end_in(&self, workgroup: &str) -> bool {
        self.workgroup == workgroup && matches!(self.state.as_str(), "SUCCEEDED" | "FAILED" | "CANCELLED")
    }
}

impl Athena {
    pub(crate) fn connect(config: &SdkConfig, settings: &AthenaSettings) -> Self {
        let results = ReportsBucket { s3: catalog_store::s3_client(config), name: settings.results_bucket.clone() };
        Self { client: Client::new(config), settings: settings.clone(), results }
    }

    pub(crate) fn workgroup(&self) -> &str {
        &self.settings.workgroup
    }

    /// # Errors
    /// Fails on a report of which a table of Athena's would lose a part.
    pub(crate) fn question(
        &self,
        reports: &ReportsBucket,
        key: &str,
        announced: &Announced,
        pinned: &[Pinned],
        keys: &TagKeys,
    ) -> Result<Question, CostReportError> {
        let table = TableOfReport {
            database: &self.settings.database,
            table: &self.settings.table,
            bucket: &reports.name,
            keys: pinned.iter().map(|file| file.file.key.as_str()).collect(),
            columns: &announced.manifest.columns,
        };
        let select = roll_up_statement(&table, keys)
            .map_err(|source| CostReportError::NotForAthena { key: key.to_owned(), source })?;
        let mut files = Sha256::new();
        files.update(format!("{key}\n{}\n{}\n", announced.manifest.execution, announced.modified_ms));
        pinned.iter().for_each(|file| files.update(format!("{file}\n")));
        let half = |hash: Sha256| hex::encode(&hash.finalize()[..16]);
        let of_statement = half(Sha256::new_with_prefix(&select));
        Ok(Question { of_files: half(files), of_statement, select })
    }

    /// Starts the query, unless it was started before.
    pub(crate) async fn ask(&self, question: &Question, about: &AskedAbout) -> Result<(), CostReportError> {
        let (folder, token) = (self.folder(&question.token()), question.token());
        let body = serde_json::to_vec(about).unwrap_or_default();
        self.results.put(&format!("{folder}delivery.json"), body).await?;
        let location = format!("s3://{}/{folder}", self.results.name);
        let answer = self
            .client
            .start_query_execution()
            .client_request_token(&token)
            .work_group(&self.settings.workgroup)
            .query_string(unload(&question.select, &format!("{location}rows/")))
            .result_configuration(ResultConfiguration::builder().output_location(&location).build())
            .send()
            .await
            .map_err(|error| failed("StartQueryExecution", error))?;
        info!(query.id = answer.query_execution_id(), "asked Athena to roll up the report");
        Ok(())
    }

    /// `None`: the query is not ours.
    ///
    /// # Errors
    /// Fails on a query that goes on, whatever its event said.
    pub(crate) async fn ended(&self, id: &str) -> Result<Option<Ended>, CostReportError> {
        let answer = self.client.get_query_execution().query_execution_id(id).send().await;
        let answer = answer.map_err(|error| failed("GetQueryExecution", error))?;
        let Some(execution) = answer.query_execution else { return Ok(None) };
        let location = execution.result_configuration().and_then(ResultConfiguration::output_location);
        let Some(token) = location.and_then(|location| self.token_of(location)) else { return Ok(None) };
        match state_of(&execution) {
            Some(QueryExecutionState::Succeeded | QueryExecutionState::Failed | QueryExecutionState::Cancelled) => {}
            _ => return Err(CostReportError::QueryGoesOn { id: id.to_owned() }),
        }
        let key = format!("{}delivery.json", self.folder(&token));
        let (body, _) = self.results.object(&key).await?;
        let about = serde_json::from_slice(&body)
            .map_err(|source| CostReportError::Object { key, source: Box::new(source) })?;
        Ok(Some(Ended { id: id.to_owned(), token, about, execution }))
    }

    /// The files that the query unloaded, pinned.
    ///
    /// # Errors
    /// Fails on a query without success, in its own words.
    pub(crate) async fn rows(&self, ended: &Ended) -> Result<Vec<Pinned>, CostReportError> {
        if state_of(&ended.execution) != Some(&QueryExecutionState::Succeeded) {
            let status = ended.execution.status();
            let reason = status.and_then(|status| status.state_change_reason()).unwrap_or("Athena gives no reason");
            return Err(CostReportError::QueryFailed { id: ended.id.clone(), reason: reason.to_owned() });
        }
        let no_list = || CostReportError::NoResult { id: ended.id.clone() };
        let list = ended.execution.statistics().and_then(|statistics| statistics.data_manifest_location());
        let list = list.and_then(|uri| self.own_key(uri, &ended.token)).ok_or_else(no_list)?;
        let (body, _) = self.results.object(&list).await?;
        let text = str::from_utf8(&body).map_err(|_| no_list())?;
        let uris = text.lines().map(|line| line.trim().trim_matches('"')).filter(|line| !line.is_empty());
        let files: Option<Vec<DataFile>> = uris
            .map(|uri| Some(DataFile { key: self.own_key(uri, &ended.token)?, format: FileFormat::Parquet }))
            .collect();
        self.results.pin(&files.ok_or_else(no_list)?).await
    }

    fn folder(&self, token: &str) -> String {
        format!("{}{token}/", self.settings.results_prefix)
    }

    fn token_of(&self, location: &str) -> Option<String> {
        let within = format!("s3://{}/{}", self.results.name, self.settings.results_prefix);
        let (token, _) = location.strip_prefix(&within)?.split_once('/')?;
        Some(token.to_owned())
    }

    /// The key of an object in the folder of `token`.
    fn own_key(&self, uri: &str, token: &str) -> Option<String> {
        let key = uri.strip_prefix("s3://")?.strip_prefix(&self.results.name)?.strip_prefix('/')?;
        key.starts_with(&self.folder(token)).then(|| key.to_owned())
    }
}

impl Question {
    fn token(&self) -> String {
        format!("{}{}", self.of_files, self.of_statement)
    }
}

impl Ended {
    pub(crate) fn is_of_files(&self, question: &Question) -> bool {
        self.token.starts_with(&question.of_files)
    }

    /// Of the same files, and with the words of now: the rules of ownership may have changed in between.
    pub(crate) fn answers(&self, question: &Question) -> bool {
        self.token == question.token()
    }
}

fn state_of(execution: &QueryExecution) -> Option<&QueryExecutionState> {
    execution.status()?.state()
}

fn failed<E>(operation: &'static str, error: SdkError<E>) -> CostReportError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let refused = ["InvalidRequestException", "AccessDeniedException", "AccessDenied", "UnrecognizedClientException"];
    let is_refused = error.code().is_some_and(|code| refused.contains(&code));
    CostReportError::Athena { operation, is_refused, source: Box::new(error) }
}
