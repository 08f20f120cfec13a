//! A job of a CodePipeline Lambda invoke action -> an export published, and the job's result reported.
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Lambda.html>
//!
//! Whatever happens, the pipeline is told: without a word it waits for twenty minutes. Lambda may hand over a job three
//! times; the same job says the same again, which changes nothing.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use account::Account;
use aws_sdk_codepipeline::types::{ExecutionDetails, FailureDetails, FailureType};
use aws_sdk_s3::config::{Credentials, Region};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use catalog_model::{Door, SourceObject};
use delivery::Classify;
use export_formats::{Parameters, format_named, max_dropped_bytes};
use futures::FutureExt;
use jiff::Timestamp;
use pipeline_event::artifact::{self, MAX_ARTIFACT_BYTES};
use pipeline_event::job::{Job, S3Location};
use pipeline_event::report::{Done, Failure, FailureKind, Success};
use tracing::{error, info, instrument, warn};

use crate::error::CicdExportError;
use crate::export::{Arrival, Export, keep_refusal, publish};
use crate::handler::Deps;
use crate::http_door::is_part;
use crate::producers::Caller;
use crate::receipt::Receipt;

/// What a job may take: an action that hears nothing for twenty minutes fails, and reporting takes seconds.
const MAX_WORK: Duration = Duration::from_secs(12 * 60);

/// Does what the job asks for and reports it.
///
/// # Errors
/// Only if the result cannot be reported: Lambda hands the job over again then.
#[instrument(skip_all, fields(job.id = %job.id))]
pub(crate) async fn handle(job: &Job, deps: &Deps, account: &Account, now: Timestamp) -> Result<(), CicdExportError> {
    let work = AssertUnwindSafe(tokio::time::timeout(MAX_WORK, Box::pin(take(job, deps, now)))).catch_unwind();
    match work.await {
        Ok(Ok(Ok(receipt))) => {
            receipt.count(account);
            report_success(job, &receipt, deps).await
        }
        Ok(Ok(Err(error))) => {
            account.add(|counts| counts.refused += error.refused_documents());
            warn!(error = %delivery::describe(&error), "could not do a job");
            report_failure(job, &failure(&error, job), deps).await
        }
        Ok(Err(_)) => {
            let message = "it took too long; run the action again, or drop the file in S3";
            report_failure(job, &Failure::of(FailureKind::SystemUnavailable, message, Some(job)), deps).await
        }
        Err(_) => {
            error!("a job panicked");
            let message = "the function failed; its log says why";
            report_failure(job, &Failure::of(FailureKind::SystemUnavailable, message, Some(job)), deps).await
        }
    }
}

async fn take(job: &Job, deps: &Deps, now: Timestamp) -> Result<Receipt, CicdExportError> {
    let request = job.request().map_err(CicdExportError::Request)?;
    for (what, text) in [("producer", &request.producer), ("name", &request.name)] {
        if !is_part(text) {
            let text = text.chars().take(128).collect();
            return Err(CicdExportError::Part { what, text });
        }
    }
    let caller = job.account.as_ref().map(|account| format!("arn:aws:iam::{account}:root"));
    let allowed = deps.producers.check(Caller { text: caller.as_deref() }, &request.producer);
    allowed.map_err(CicdExportError::NotAllowed)?;
    let format = format_named(&request.format).map_err(|error| CicdExportError::Export(error.into()))?;
    let pairs = request.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let parameters = Parameters::parse(pairs).map_err(CicdExportError::Parameter)?;
    if parameters.dry_run {
        return Err(CicdExportError::DryRunDropped);
    }
    let (_, location) = job.input_artifact(request.artifact.as_deref()).map_err(CicdExportError::Job)?;
    let (bytes, made_at) = read(job, location, deps).await?;
    let most = max_dropped_bytes(format).min(u64::try_from(MAX_ARTIFACT_BYTES).unwrap_or(u64::MAX));
    let opened = artifact::open(bytes, request.file.as_deref(), most).map_err(CicdExportError::Artifact)?;
    let export = Export {
        source: SourceObject { door: Door::CodePipeline, producer: request.producer, format, name: request.name },
        parameters,
        body: opened.content,
        delivery: format!("codepipeline job {}", job.id),
        caller,
        arrival: Arrival::Artifact { at: made_at.filter(|at| *at <= now).unwrap_or(now) },
    };
    let outcome = publish(&export, &deps.store, now).await;
    if let Err(error) = &outcome
        && error.is_refusal()
    {
        keep_refusal(&export, error, &deps.store, now).await;
    }
    outcome
}

/// The artifact, and when it was made. It is read with the job's own credentials: no role of ours reaches it.
async fn read(job: &Job, location: &S3Location, deps: &Deps) -> Result<(Vec<u8>, Option<Timestamp>), CicdExportError> {
    let given = job.credentials().map_err(CicdExportError::Job)?;
    let credentials = Credentials::new(
        given.access_key_id.expose(),
        given.secret_access_key.expose(),
        given.session_token.as_ref().map(|token| token.expose().to_owned()),
        None,
        "the job",
    );
    let config = deps.s3.config().to_builder().credentials_provider(credentials);
    let object = match get(&aws_sdk_s3::Client::from_conf(config.clone().build()), location).await {
        Err(Unread::Elsewhere(region)) => {
            let config = config.region(Region::new(region));
            get(&aws_sdk_s3::Client::from_conf(config.build()), location).await
        }
        outcome => outcome,
    };
    let object = object.map_err(|unread| match unread {
        Unread::Elsewhere(_) => CicdExportError::ArtifactUnread("the bucket is in yet another region".into()),
        Unread::Failed(error) => error,
    })?;
    let too_large = |bytes: u64| {
        let limit = u64::try_from(MAX_ARTIFACT_BYTES).unwrap_or(u64::MAX);
        if bytes > limit { Err(CicdExportError::ObjectTooLarge { bytes, limit }) } else { Ok(()) }
    };
    too_large(object.content_length().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default())?;
    let made_at = object.last_modified().and_then(|at| Timestamp::from_second(at.secs()).ok());
    let mut bytes = Vec::new();
    let mut body = object.body;
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| CicdExportError::ArtifactUnread(error.into()))?;
        bytes.extend_from_slice(&piece);
        too_large(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
    }
    Ok((bytes, made_at))
}

enum Unread {
    /// The bucket is in this region.
    Elsewhere(String),
    Failed(CicdExportError),
}

async fn get(s3: &aws_sdk_s3::Client, location: &S3Location) -> Result<GetObjectOutput, Unread> {
    let sent = s3.get_object().bucket(&location.bucket).key(&location.key).send().await;
    sent.map_err(|error| {
        let region = error.raw_response().and_then(|response| response.headers().get("x-amz-bucket-region"));
        let status = error.raw_response().map(|response| response.status().as_u16());
        match (status, region, error.code()) {
            (Some(301 | 307 | 400), Some(region), _) => Unread::Elsewhere(region.to_owned()),
            (_, _, Some("NoSuchKey" | "NoSuchBucket")) => Unread::Failed(CicdExportError::ArtifactGone),
            (Some(401 | 403), ..) => Unread::Failed(CicdExportError::ArtifactForbidden),
            _ => Unread::Failed(CicdExportError::ArtifactUnread(error.into())),
        }
    })
}

fn failure(error: &CicdExportError, job: &Job) -> Failure {
    let kind = match error {
        CicdExportError::Request(_)
        | CicdExportError::Job(_)
        | CicdExportError::Part { .. }
        | CicdExportError::Parameter(_)
        | CicdExportError::DryRunDropped
        | CicdExportError::ArtifactGone => FailureKind::ConfigurationError,
        CicdExportError::ArtifactForbidden | CicdExportError::NotAllowed(_) => FailureKind::PermissionError,
        error if error.class() == delivery::Class::Retry => FailureKind::SystemUnavailable,
        _ => FailureKind::JobFailed,
    };
    let message = match kind {
        FailureKind::SystemUnavailable => "the catalog is busy; run the action again".to_owned(),
        _ => error.reason(),
    };
    Failure::of(kind, &message, Some(job))
}

async fn report_success(job: &Job, receipt: &Receipt, deps: &Deps) -> Result<(), CicdExportError> {
    let entities: Vec<String> = receipt.entities.iter().map(|identity| identity.as_str().to_owned()).collect();
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let export = format!("{}/{}/{}", receipt.producer, receipt.format, receipt.name);
    let success = Success::of(&Done {
        status: "accepted",
        export: &export,
        version: receipt.version.as_ref().map_or("", |version| version.as_str()),
        entities: &entities,
        entity_count: number(receipt.counts.entities),
        documents: number(receipt.counts.documents),
        refused: number(receipt.counts.refused),
        swept: number(receipt.counts.swept),
        superseded: receipt.superseded,
    });
    let details = ExecutionDetails::builder()
        .summary(&success.summary)
        .set_external_execution_id(success.external_execution_id.clone())
        .percent_complete(100)
        .build();
    let put = deps.codepipeline.put_job_success_result().job_id(&job.id).execution_details(details);
    let put = put.set_output_variables(Some(success.output_variables.into_iter().collect()));
    match put.send().await {
        Ok(_) => Ok(()),
        Err(error) => reported_before(error.code()).unwrap_or_else(|| Err(CicdExportError::Report(error.into()))),
    }
}

async fn report_failure(job: &Job, failure: &Failure, deps: &Deps) -> Result<(), CicdExportError> {
    let details = FailureDetails::builder()
        .r#type(FailureType::from(failure.kind.as_str()))
        .message(&failure.message)
        .build()
        .map_err(|error| CicdExportError::Report(error.into()))?;
    let put = deps.codepipeline.put_job_failure_result().job_id(&job.id).failure_details(details);
    match put.send().await {
        Ok(_) => Ok(()),
        Err(error) => reported_before(error.code()).unwrap_or_else(|| Err(CicdExportError::Report(error.into()))),
    }
}

/// A job that is over: it was reported before, or the pipeline was stopped.
fn reported_before(code: Option<&str>) -> Option<Result<(), CicdExportError>> {
    let is_over = matches!(code, Some("JobNotFoundException" | "InvalidJobStateException"));
    is_over.then(|| {
        info!("the job is over already");
        Ok(())
    })
}
