//! The root of a source object: its newest publication (the head), those whose omissions are not yet swept (open), and
//! the clock that all of them follow.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use catalog_model::{SourceObject, Version};

use serde::{Deserialize, Serialize};

use crate::attributes::{self, Item, n, s, ss};
use crate::{CatalogStore, StoreError};

/// What a clock's text begins with in the table.
const SERIAL: &str = "serial";
const TIME: &str = "time";
const COMMIT: &str = "commit";
const TERRAFORM: &str = "terraform:";

/// What the versions of a source object are made from. Versions of different clocks do not compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// The caller's own `serial`.
    Serial,
    /// Terraform's serial, within one lineage. `epoch` is the major part of the version.
    Terraform { lineage: String, epoch: u64 },
    /// The time of a request or of an event.
    Time,
    /// The time of the commit that the source object was made from.
    Commit,
}

/// Where a source object stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceHead {
    /// Of the newest publication.
    pub version: Version,
    pub clock: Clock,
}

/// One publication, as an entry of `open`: `<version>#<hash of the set of its records>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) version: Version,
    pub(crate) pointer: String,
}

#[derive(Debug)]
pub(crate) struct Root {
    /// `None`: only parts were ever published.
    pub(crate) head: Option<Entry>,
    pub(crate) clock: Clock,
    pub(crate) open: Vec<Entry>,
}

impl Root {
    /// The head, unless a part is newer.
    pub(crate) fn newest(&self) -> Option<&Entry> {
        self.head.iter().chain(&self.open).max_by_key(|entry| &entry.version)
    }
}

impl Clock {
    fn text(&self) -> String {
        match self {
            Self::Serial => SERIAL.to_owned(),
            Self::Time => TIME.to_owned(),
            Self::Commit => COMMIT.to_owned(),
            Self::Terraform { lineage, .. } => format!("{TERRAFORM}{lineage}"),
        }
    }

    fn of(text: &str, epoch: u64) -> Option<Self> {
        match text {
            SERIAL => Some(Self::Serial),
            TIME => Some(Self::Time),
            COMMIT => Some(Self::Commit),
            _ => text.strip_prefix(TERRAFORM).map(|lineage| Self::Terraform { lineage: lineage.to_owned(), epoch }),
        }
    }

    fn epoch(&self) -> u64 {
        match self {
            Self::Terraform { epoch, .. } => *epoch,
            Self::Serial | Self::Time | Self::Commit => 0,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Serial => "the caller's `serial`",
            Self::Terraform { .. } => "Terraform's serial",
            Self::Time => "the time it came",
            Self::Commit => "the commit's time",
        }
    }

    /// The clock at its epoch: how the root remembers every clock that it has followed.
    fn mark(&self) -> String {
        format!("{}#{}", self.epoch(), self.text())
    }
}

impl Entry {
    fn text(&self) -> String {
        format!("{}#{}", self.version, self.pointer)
    }

    fn of(text: &str) -> Option<Self> {
        let (version, pointer) = text.split_once('#')?;
        Some(Self { version: version.parse().ok()?, pointer: pointer.to_owned() })
    }
}

impl CatalogStore {
    /// Where a source object stands; `None` if it was never published as a whole.
    pub async fn head(&self, object: &SourceObject) -> Result<Option<SourceHead>, StoreError> {
        let Some(Root { head: Some(head), clock, .. }) = self.root(object).await? else { return Ok(None) };
        Ok(Some(SourceHead { version: head.version, clock }))
    }

    /// The version of the newest publication, of a whole or of a part.
    pub async fn newest_version(&self, object: &SourceObject) -> Result<Option<Version>, StoreError> {
        let root = self.root(object).await?;
        Ok(root.as_ref().and_then(Root::newest).map(|newest| newest.version.clone()))
    }

    /// Registers a publication: as the head too, if it is newer than the head.
    ///
    /// # Errors
    /// [`StoreError::LineageConflict`] and [`StoreError::ClockMixed`], with nothing written.
    pub(crate) async fn register(&self, object: &SourceObject, me: &Entry, clock: &Clock) -> Result<(), StoreError> {
        let as_head = self
            .update_root(object, attributes::REGISTER_HEAD)
            .condition_expression(format!("{}{}", attributes::IF_NEWER_HEAD, guard(clock)))
            .set_expression_attribute_values(Some(guard_values(clock)))
            .expression_attribute_values(":v", s(me.version.as_str()))
            .expression_attribute_values(":p", s(&me.pointer))
            .expression_attribute_values(":ep", n(clock.epoch()))
            .expression_attribute_values(":marks", ss(clock.mark()))
            .expression_attribute_values(":me", ss(me.text()));
        let Some(standing) = send_unless_condition_fails(as_head).await? else { return Ok(()) };
        check_clock(object, clock, &standing)?;
        let as_open = self
            .update_root(object, attributes::REGISTER_OPEN)
            .condition_expression(guard(clock))
            .set_expression_attribute_values(Some(guard_values(clock)))
            .expression_attribute_values(":me", ss(me.text()));
        let Some(standing) = send_unless_condition_fails(as_open).await? else { return Ok(()) };
        check_clock(object, clock, &standing)?;
        Err(StoreError::Contended { what: format!("the root of `{object}`"), tries: 2 })
    }

    /// Registers a publication that names only a part of its source object: the next head sweeps what of it is omitted.
    ///
    /// # Errors
    /// As [`Self::register`].
    pub(crate) async fn register_part(
        &self,
        object: &SourceObject,
        me: &Entry,
        clock: &Clock,
    ) -> Result<(), StoreError> {
        let mut values = guard_values(clock);
        values.insert(":ep".to_owned(), n(clock.epoch()));
        let as_part = self
            .update_root(object, attributes::REGISTER_PART)
            .condition_expression(guard(clock))
            .set_expression_attribute_values(Some(values))
            .expression_attribute_values(":marks", ss(clock.mark()))
            .expression_attribute_values(":me", ss(me.text()));
        let Some(standing) = send_unless_condition_fails(as_part).await? else { return Ok(()) };
        check_clock(object, clock, &standing)?;
        Err(StoreError::Contended { what: format!("the root of `{object}`"), tries: 1 })
    }

    /// Always a consistent read: what is swept depends on it.
    pub(crate) async fn root(&self, object: &SourceObject) -> Result<Option<Root>, StoreError> {
        let answer = self
            .dynamodb
            .get_item()
            .table_name(&self.table)
            .set_key(Some(attributes::root_key(object)))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::aws("GetItem"))?;
        answer.item.map(|item| root_of(object, &item)).transpose()
    }

    /// Adds an entry to `open`, whatever the head.
    pub(crate) async fn open(&self, object: &SourceObject, entry: &Entry) -> Result<(), StoreError> {
        let update = self.update_root(object, attributes::REGISTER_OPEN);
        let update = update.expression_attribute_values(":me", ss(entry.text()));
        update.send().await.map_err(StoreError::aws("UpdateItem"))?;
        Ok(())
    }

    /// Takes `done` out of `open`. `false`: a newer publication has become the head meanwhile.
    pub(crate) async fn close(
        &self,
        object: &SourceObject,
        head: Option<&Version>,
        done: &[Entry],
    ) -> Result<bool, StoreError> {
        let update = self
            .update_root(object, attributes::CLOSE)
            .expression_attribute_values(":done", AttributeValue::Ss(done.iter().map(Entry::text).collect()));
        let update = match head {
            Some(head) => update
                .condition_expression(attributes::IF_STILL_HEAD)
                .expression_attribute_values(":head", s(head.as_str())),
            None => update.condition_expression(attributes::IF_STILL_WITHOUT_HEAD),
        };
        Ok(send_unless_condition_fails(update).await?.is_none())
    }

    fn update_root(&self, object: &SourceObject, expression: &str) -> UpdateItemFluentBuilder {
        self.dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(attributes::root_key(object)))
            .update_expression(expression)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

fn guard(clock: &Clock) -> &'static str {
    match clock {
        Clock::Terraform { .. } => attributes::IF_SAME_LINEAGE_OR_NEXT_EPOCH,
        Clock::Serial | Clock::Time | Clock::Commit => attributes::IF_SAME_CLOCK,
    }
}

/// The values of the guard, all of them and no other: DynamoDB refuses a value that no expression uses.
fn guard_values(clock: &Clock) -> Item {
    let mut values = Item::from([(":clk".to_owned(), s(clock.text())), (":mark".to_owned(), s(clock.mark()))]);
    if let Clock::Terraform { epoch, .. } = clock {
        values.extend([(":terraform".to_owned(), s(TERRAFORM)), (":ep".to_owned(), n(*epoch))]);
    }
    values
}

/// `Some`: the item that stood, if the condition failed.
pub(crate) async fn send_unless_condition_fails(update: UpdateItemFluentBuilder) -> Result<Option<Item>, StoreError> {
    match update.send().await {
        Ok(_) => Ok(None),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                Ok(Some(failed.item().cloned().unwrap_or_default()))
            }
            _ => Err(StoreError::aws("UpdateItem")(error)),
        },
    }
}

/// Says what is wrong with the clock, if that is why a condition failed.
fn check_clock(object: &SourceObject, given: &Clock, standing: &Item) -> Result<(), StoreError> {
    let held = clock_of(object, standing)?;
    let has_followed = attributes::texts(standing, attributes::CLOCKS).contains(&given.mark());
    match (&held, given) {
        (Clock::Terraform { lineage: held, epoch }, Clock::Terraform { lineage: given, epoch: next }) => {
            if held == given || next > epoch || has_followed {
                return Ok(());
            }
            Err(StoreError::LineageConflict {
                object: object.to_string(),
                held: held.clone(),
                given: given.clone(),
                epoch: *epoch,
            })
        }
        _ if held == *given => Ok(()),
        _ => Err(StoreError::ClockMixed { object: object.to_string(), held: held.name(), given: given.name() }),
    }
}

fn root_of(object: &SourceObject, item: &Item) -> Result<Root, StoreError> {
    let head = match (attributes::text(item, attributes::HEAD), attributes::text(item, attributes::HEAD_POINTER)) {
        (None, None) => None,
        (Some(version), Some(pointer)) if version.parse::<Version>().is_ok() => {
            Entry::of(&format!("{version}#{pointer}"))
        }
        _ => return Err(wrong(object, attributes::HEAD, "it names no publication")),
    };
    let mut open = Vec::new();
    for text in attributes::texts(item, attributes::OPEN) {
        open.push(Entry::of(text).ok_or_else(|| wrong(object, attributes::OPEN, "an entry is no publication"))?);
    }
    open.sort_unstable();
    Ok(Root { head, clock: clock_of(object, item)?, open })
}

fn clock_of(object: &SourceObject, item: &Item) -> Result<Clock, StoreError> {
    let epoch = attributes::number(item, attributes::EPOCH).unwrap_or_default();
    attributes::text(item, attributes::CLOCK)
        .and_then(|text| Clock::of(text, epoch))
        .ok_or_else(|| wrong(object, attributes::CLOCK, "it names no clock"))
}

fn wrong(object: &SourceObject, attribute: &str, detail: &'static str) -> StoreError {
    StoreError::WrongShape { item: format!("root of {object}"), attribute: attribute.to_owned(), detail }
}
