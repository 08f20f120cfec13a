//! An observation of a whole execution -> what the resource's record says of its latest one.

use catalog_model::{Arn, Facts, Fragment, Pointer, RecordKey, Role, Said, SourceObject, VersionError};
use serde_json::json;

use super::observation::{Level, Observation, Source, shown_time};

impl Observation {
    /// The statement for the resource's record: `spec.execution`, and that the resource is spoken of. `None`: a stage, an
    /// action or a stack's resource, which are kept beside the record only.
    ///
    /// The fragment is the greatest by when the execution began, then by its state: a late event of an execution that a
    /// newer one followed changes nothing.
    ///
    /// # Errors
    /// Fails on an event from more than five minutes ahead.
    pub fn statement(&self, delivery: &str, now_ms: u64) -> Result<Option<(RecordKey, Fragment)>, VersionError> {
        if self.level != Level::Execution && self.subject.source != Source::CodeDeploy {
            return Ok(None);
        }
        let mut execution = json!({
            "id": self.execution,
            "state": self.state.as_str(),
            "status": self.status,
            "at": shown_time(self.time_ms),
        });
        let started = self.started_ms.map(shown_time);
        for (name, value) in [("startedAt", &started), ("trigger", &self.trigger), ("commit", &self.commit)] {
            if let Some(value) = value {
                execution[name] = json!(value);
            }
        }
        let mut facts = Facts::new(Role::Mentioned);
        facts.say(Pointer::spec("execution"), execution);
        let identity = &self.subject.identity;
        let account = identity.arn().and_then(Arn::parse).map_or("", |arn| arn.account);
        let fragment = Fragment {
            source: SourceObject::pipeline_state(account, identity),
            version: self.latest_version(now_ms)?,
            delivery: delivery.to_owned(),
            said: Said::Facts(facts),
        };
        Ok(Some((RecordKey::Entity(identity.clone()), fragment)))
    }
}
