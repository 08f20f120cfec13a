//! What Lambda hands over -> a stream batch, or what the schedule asks for.

use aws_lambda_events::dynamodb;
use aws_lambda_events::streams::DynamoDbEventResponse;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::compaction::Compaction;

#[derive(Debug)]
pub enum Event {
    /// A batch of the table's stream.
    Stream(Box<dynamodb::Event>),
    Asked(Action),
}

/// `{"action": "compact"}`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Write a new segment if the log behind the present one has become long or old.
    Compact,
}

/// The answer to each.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    Stream(DynamoDbEventResponse),
    Compacted(Compaction),
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value.get("action").is_some() {
            return serde_json::from_value(value).map(Self::Asked).map_err(D::Error::custom);
        }
        serde_json::from_value(value).map(|event| Self::Stream(Box::new(event))).map_err(D::Error::custom)
    }
}
