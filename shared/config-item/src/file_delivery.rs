//! Config's word that it put a snapshot or a history into its bucket, or could not -> what, where and when.

use catalog_model::tie_of;
use serde_json::Value;

use crate::clock;
use crate::error::{ConfigItemError, quoted};
use crate::fields::{pick, text};
use crate::file_key::FileKey;

/// What Config delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    Snapshot,
    History,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    Started,
    Completed,
    Failed {
        /// Code and message, as Config says them.
        reason: String,
    },
}

/// One delivery of a file. The file itself is announced by its bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDelivery {
    pub delivered: Delivered,
    pub outcome: DeliveryOutcome,
    /// Of the envelope, else of the file's key.
    pub account: Option<String>,
    pub region: Option<String>,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The same for the same word of Config, whatever way it comes.
    pub id: String,
}

impl Delivered {
    pub fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::History => "history",
        }
    }
}

impl FileDelivery {
    /// `None`: the message is of another type.
    pub(crate) fn read(message_type: &str, notification: &Value) -> Option<Result<Self, ConfigItemError>> {
        let (delivered, outcome) = [
            ("ConfigurationSnapshotDelivery", Delivered::Snapshot),
            ("ConfigurationHistoryDelivery", Delivered::History),
        ]
        .into_iter()
        .find_map(|(prefix, delivered)| Some((delivered, message_type.strip_prefix(prefix)?)))?;
        let outcome = match outcome {
            "Started" => DeliveryOutcome::Started,
            "Completed" => DeliveryOutcome::Completed,
            "Failed" => DeliveryOutcome::Failed { reason: reason(notification) },
            _ => return None,
        };
        let field = "notificationCreationTime";
        let Some(at_ms) = pick(notification, &[field]).and_then(clock::epoch_ms) else {
            return Some(Err(ConfigItemError::Missing { what: "delivery status", field }));
        };
        let key = text(notification, &["s3ObjectKey"]);
        let snapshot = text(notification, &["configSnapshotId"]);
        let said = [Some(message_type), key.as_deref(), snapshot.as_deref()].map(Option::unwrap_or_default);
        let id = format!("{:016x}", tie_of(said.join("\n").as_bytes()));
        let key = key.and_then(|key| FileKey::parse(&key));
        Some(Ok(Self {
            delivered,
            outcome,
            account: key.as_ref().map(|key| key.account.clone()),
            region: key.map(|key| key.region),
            at_ms,
            id,
        }))
    }

    /// Where it is not said by the key.
    pub(crate) fn came_from(&mut self, account: Option<String>, region: Option<String>) {
        let is_account = |account: &String| account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let is_region = |region: &String| region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        self.account = self.account.take().or(account.filter(is_account));
        self.region = self.region.take().or(region.filter(|region| region.len() <= 32 && is_region(region)));
    }
}

fn reason(notification: &Value) -> String {
    let said = [text(notification, &["errorCode"]), text(notification, &["errorMessage"])];
    let said: Vec<String> = said.into_iter().flatten().collect();
    if said.is_empty() { "no reason is given".to_owned() } else { quoted(&said.join(": ")) }
}
