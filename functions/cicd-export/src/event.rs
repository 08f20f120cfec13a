//! What Lambda hands the function: the same function stands behind a queue, behind the API, and in pipelines.

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use aws_lambda_events::sqs::SqsEvent;
use pipeline_event::job::{self, Job};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::replay::Replay;

/// One invocation.
#[derive(Debug)]
pub enum Event {
    Batch(SqsEvent),
    Request(Box<ApiGatewayProxyRequest>),
    /// Its credentials are never shown.
    Job(Box<Job>),
    /// `{"action":"replay"}`, by hand.
    Replay(Replay),
}

/// Told apart by a field that only one of them has: nearly every field of both types is optional, so that trying one
/// after the other would take anything for the first.
impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut event = Value::deserialize(deserializer)?;
        if job::is_job(&event) {
            return Job::from_value(event).map(|job| Self::Job(Box::new(job))).map_err(D::Error::custom);
        }
        if let Some(fields) = event.as_object_mut()
            && fields.get("action").is_some_and(|action| action == "replay")
        {
            fields.remove("action");
            return serde_json::from_value(event).map(Self::Replay).map_err(D::Error::custom);
        }
        if event.get("httpMethod").is_some() {
            return serde_json::from_value(event).map(Self::Request).map_err(D::Error::custom);
        }
        if event.get("Records").is_some() {
            return serde_json::from_value(event).map(Self::Batch).map_err(D::Error::custom);
        }
        Err(D::Error::custom(
            "neither an SQS batch (`Records`), an API Gateway REST request (`httpMethod`), a job (`CodePipeline.job`) nor `{\"action\":\"replay\"}`",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_and_a_request_are_told_apart() {
        let batch: Event = serde_json::from_str(r#"{"Records":[{"messageId":"1","body":"{}"}]}"#).unwrap();
        assert!(matches!(batch, Event::Batch(batch) if batch.records.len() == 1));
        let request = r#"{"httpMethod":"GET","path":"/api/exports/a/b/c","requestContext":{"httpMethod":"GET"}}"#;
        assert!(matches!(serde_json::from_str(request).unwrap(), Event::Request(_)));
        let error = serde_json::from_str::<Event>("{}").unwrap_err().to_string();
        assert!(error.starts_with("neither an SQS batch"), "{error}");
    }
}
