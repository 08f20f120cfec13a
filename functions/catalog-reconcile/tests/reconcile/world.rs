//! Resources that Config tells of: to its aggregator always, to the catalog if the event is not lost.

use std::time::Duration;

use callboard_tests::deliveries::config::{Resource, item_change};
use callboard_tests::indexing::World;
use catalog_model::{Existence, Facts, FragmentKey, Identity, Key, Record, RecordKey, Said, existence};
use catalog_reconcile::{SweepAnswer, SweepError, SweepEvent, SweepProgress, SweepSettings, sweep};
use catalog_store::{CatalogStore, Read};
use config_aggregator::ConfigAggregator;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const OTHER: &str = "444455556666";
pub(crate) const REGION: &str = "eu-west-1";

/// What was captured came before.
pub(crate) fn now() -> Timestamp {
    "2026-11-20T00:00:00Z".parse().unwrap()
}

/// A minute of the day on which everything happens.
pub(crate) fn captured(minute: u32) -> (String, i64) {
    let text = format!("2026-11-01T{:02}:{:02}:00.250Z", 8 + minute / 60, minute % 60);
    let ms = text.parse::<Timestamp>().unwrap().as_millisecond();
    (text, ms)
}

pub(crate) fn table(account: &str, region: &str, name: &str, owner: &str) -> Resource {
    Resource {
        arn: format!("arn:aws:dynamodb:{region}:{account}:table/{name}"),
        resource_type: "AWS::DynamoDB::Table",
        id: name.to_owned(),
        name: Some(name.to_owned()),
        account: account.to_owned(),
        region: region.to_owned(),
        tags: if owner.is_empty() { Vec::new() } else { vec![("owner", owner.to_owned())] },
        configuration: json!({"tableName": name, "tableStatus": "ACTIVE"}),
    }
}

/// With a second id: RDS's own.
pub(crate) fn database(name: &str) -> Resource {
    Resource {
        arn: format!("arn:aws:rds:{REGION}:{ACCOUNT}:db:{name}"),
        resource_type: "AWS::RDS::DBInstance",
        id: format!("db-{}", name.to_uppercase()),
        name: Some(name.to_owned()),
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        tags: Vec::new(),
        configuration: json!({"engine": "postgres", "dbiResourceId": format!("db-{}", name.to_uppercase())}),
    }
}

pub(crate) fn second_id(name: &str) -> Key {
    Key::secondary("rds", ACCOUNT, REGION, &format!("db-{}", name.to_uppercase()))
}

pub(crate) fn identity(resource: &Resource) -> Identity {
    Identity::of_canonical_arn(&resource.arn)
}

pub(crate) struct Estate {
    pub(crate) world: World,
    pub(crate) settings: SweepSettings,
    pub(crate) now: Timestamp,
}

impl Estate {
    pub(crate) async fn start() -> Self {
        Self { world: World::start().await, settings: SweepSettings::default(), now: now() }
    }

    pub(crate) fn store(&self) -> &CatalogStore {
        &self.world.store
    }

    /// The aggregator alone hears of it.
    pub(crate) fn lose(&self, event: &Value) {
        self.world.stack.aggregator().hear(event);
    }

    /// Only the catalog hears of it, as `config-change` would write it.
    pub(crate) async fn deliver(&self, event: &Value) {
        write(self.store(), event).await;
    }

    pub(crate) async fn tell(&self, event: &Value) {
        self.lose(event);
        self.deliver(event).await;
    }

    pub(crate) async fn tell_of(&self, resource: &Resource, minute: u32) {
        self.tell(&change(resource, "OK", minute)).await;
    }

    pub(crate) async fn sweep(&self) -> SweepAnswer {
        self.swept(SweepEvent { begin: true, allow_deletes: false }).await.unwrap()
    }

    pub(crate) async fn swept(&self, event: SweepEvent) -> Result<SweepAnswer, SweepError> {
        self.swept_by(&self.world.aggregator(3), event).await
    }

    pub(crate) async fn swept_by(
        &self,
        aggregator: &ConfigAggregator,
        event: SweepEvent,
    ) -> Result<SweepAnswer, SweepError> {
        let answer = sweep(event, self.store(), aggregator, &self.settings, self.now, Duration::from_secs(600)).await?;
        assert_eq!(answer.sweep, SweepProgress::Finished);
        Ok(answer)
    }

    pub(crate) async fn record(&self, resource: &Resource) -> Record {
        self.store().record(&RecordKey::Entity(identity(resource)), Read::Consistent).await.unwrap()
    }

    pub(crate) async fn exists(&self, resource: &Resource) -> bool {
        matches!(existence(&self.record(resource).await), Existence::Exists { .. })
    }

    /// What Config says of it, as the catalog holds it.
    pub(crate) async fn facts(&self, resource: &Resource) -> Option<Facts> {
        match self.record(resource).await.fragments.remove(&FragmentKey::from_stored("config"))?.said {
            Said::Facts(facts) => Some(facts),
            Said::Claim(_) | Said::Gone => None,
        }
    }

    pub(crate) async fn holder(&self, key: &Key) -> Option<Identity> {
        self.store().resolve(std::slice::from_ref(key)).await.unwrap().remove(key)
    }

    /// The whole report of a finished sweep.
    pub(crate) async fn report(&self, answer: &SweepAnswer) -> catalog_reconcile::Drift {
        let key = answer.drift.as_ref().unwrap()["report"].as_str().unwrap();
        let object = self.world.s3.get_object().bucket("callboard-catalog").key(key).send().await.unwrap();
        let bytes = object.body.collect().await.unwrap().into_bytes();
        let whole: Value = serde_json::from_slice(&bytes).unwrap();
        serde_json::from_value(whole["drift"].clone()).unwrap()
    }
}

pub(crate) async fn write(store: &CatalogStore, event: &Value) {
    let now_ms = u64::try_from(now().as_millisecond()).unwrap();
    for message in config_item::parse(event) {
        for (key, fragment) in message.unwrap().statements("event", now_ms).unwrap().fragments {
            store.apply(&key, &fragment, now_ms).await.unwrap();
        }
    }
}

/// The event of a change.
pub(crate) fn change(resource: &Resource, status: &str, minute: u32) -> Value {
    let (time, state_id) = captured(minute);
    item_change(resource, status, &time, state_id)
}

/// The totals of an answer: seen, missing, stale, suspect, deleted, revived, refused.
pub(crate) fn totals(answer: &SweepAnswer) -> [u64; 7] {
    let totals = &answer.drift.as_ref().unwrap()["totals"];
    ["seen", "missing", "stale", "suspect", "deleted", "revived", "refused"].map(|name| totals[name].as_u64().unwrap())
}
