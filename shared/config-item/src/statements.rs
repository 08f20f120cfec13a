//! A message of Config -> what it says of which record, each statement with its version.

use std::collections::BTreeSet;
use std::fmt;

use catalog_model::{
    Claim, Facts, Format, Fragment, Identity, Key, Pointer, RecordKey, Relation, Role, Said, SeenAs, Sighting,
    SourceObject, Version, resource_types, secondary_keys, tie_of,
};
use serde_json::Value;

use crate::attributes::{self, Observed};
use crate::clock;
use crate::config_id;
use crate::document::ConfigMessage;
use crate::error::ConfigItemError;
use crate::fields::text;
use crate::item::{ConfigurationItem, Status};
use crate::relationships;

/// Names in `configuration` under which a resource's second id is found.
const SECOND_IDS: &[&str] = &["dbiResourceId", "dbClusterResourceId", "loadBalancerName"];

/// The tag by which CloudFormation names the stack of a resource.
const STACK_ID: &str = "aws:cloudformation:stack-id";

/// What one message says. `Display` prints one sorted line per fact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statements {
    pub fragments: Vec<(RecordKey, Fragment)>,
    /// Relationships to what has no key here; they are dropped.
    pub unresolved_relationships: usize,
}

impl ConfigMessage {
    /// The fragments of the message: the record's own, and one on the alias record of each second id. `delivery` is
    /// the id of what brought the message, `now_ms` the time at the edge.
    ///
    /// # Errors
    /// Fails on a capture time more than five minutes ahead of `now_ms`.
    pub fn statements(&self, delivery: &str, now_ms: u64) -> Result<Statements, ConfigItemError> {
        match self {
            Self::Item(item) => item.statements(delivery, now_ms),
            Self::Oversized(oversized) => match oversized.item.status {
                // Without detail there is nothing to say but that it exists, and that its detail is elsewhere.
                Status::Recorded => oversized.item.exists(Format::ConfigOversized, delivery, now_ms),
                Status::NotRecorded | Status::Deleted => oversized.item.statements(delivery, now_ms),
            },
            Self::Compliance(_) | Self::Delivery(_) | Self::Ignored { .. } => Ok(Statements::default()),
        }
    }
}

impl ConfigurationItem {
    /// As [`ConfigMessage::statements`] of this item.
    ///
    /// # Errors
    /// Fails on a capture time more than five minutes ahead of `now_ms`.
    pub fn statements(&self, delivery: &str, now_ms: u64) -> Result<Statements, ConfigItemError> {
        match self.status {
            Status::Recorded => self.observed(delivery, now_ms),
            Status::NotRecorded => self.exists(Format::ConfigNotice, delivery, now_ms),
            Status::Deleted => self.told(Format::Config, self.identity(), None, 0, delivery, now_ms),
        }
    }

    /// Everything that the item may tell.
    fn observed(&self, delivery: &str, now_ms: u64) -> Result<Statements, ConfigItemError> {
        let identity = self.identity();
        let mut facts = self.identity_facts(&identity);
        let name_tag = self.tags.get("Name").filter(|name| !name.trim().is_empty());
        if let (None, Some(name)) = (&self.resource_name, name_tag) {
            facts.say(Pointer::metadata("title"), name.as_str());
        }
        if identity.account_id().is_some() {
            facts.say(Pointer::metadata("title"), text(&self.configuration, &["accountName", "name"]));
        }
        let Observed { state, attributes } =
            attributes::observed(&self.resource_type, &self.configuration, &self.supplementary);
        facts.say(aws("availabilityZone"), self.availability_zone.clone());
        facts.say(aws("createdAt"), self.created_ms.and_then(clock::iso));
        facts.say(aws("state"), state);
        for (name, value) in attributes {
            facts.say(Pointer::to(["spec", "aws", "attributes", name]), value);
        }
        for (key, value) in &self.tags {
            facts.say(Pointer::to(["spec", "aws", "tags", key]), value.as_str());
        }
        let own: BTreeSet<Key> = facts.keys.iter().cloned().chain([identity.key()]).collect();
        let (relations, unresolved) =
            relationships::relations(&self.relationships, self.place(), &self.resource_type, &own);
        facts.relations = relations;
        let made_by = self.tags.get(STACK_ID).cloned().or_else(|| text(&self.configuration, &["parentId"]));
        let stack = made_by.and_then(|arn| relationships::stack(&arn, self.place(), &identity));
        facts.relations.extend(stack);
        self.told(Format::Config, identity, Some(facts), unresolved, delivery, now_ms)
    }

    /// That the resource exists, and no more: nothing that is known is erased.
    fn exists(&self, format: Format, delivery: &str, now_ms: u64) -> Result<Statements, ConfigItemError> {
        let identity = self.identity();
        let facts = self.identity_facts(&identity);
        self.told(format, identity, Some(facts), 0, delivery, now_ms)
    }

    fn identity_facts(&self, identity: &Identity) -> Facts {
        let account = identity.account_id().unwrap_or(&self.account);
        let mut facts = Facts::new(Role::Observed);
        facts.say(Pointer::to(["apiVersion"]), "backstage.io/v1alpha1");
        facts.say(Pointer::to(["kind"]), "Resource");
        facts.say(Pointer::metadata("title"), self.resource_name.clone());
        facts.say(Pointer::spec("type"), resource_types::spec_type(&self.resource_type));
        for (annotation, value) in [
            ("arn", identity.arn()),
            ("resource-type", Some(self.resource_type.as_str())),
            ("resource-id", Some(self.resource_id.as_str())),
            ("name", self.resource_name.as_deref()),
            ("region", Some(self.region.as_str())),
            ("account-id", Some(account)),
        ] {
            facts.say(Pointer::annotation(&format!("aws.amazon.com/{annotation}")), value.map(str::to_owned));
        }
        facts.say(aws("resourceType"), self.resource_type.as_str());
        facts.say(aws("accountId"), account);
        facts.say(aws("region"), self.region.as_str());
        facts.keys = self.second_ids(identity);
        facts
    }

    /// Ids that are not the identity: those that the ARN implies, and those that the item says. A deletion has no
    /// configuration: what only that knew stays claimed, and leads to a record that is gone.
    fn second_ids(&self, identity: &Identity) -> BTreeSet<Key> {
        let said = [Some(self.resource_id.clone()), self.resource_name.clone()];
        let inside = SECOND_IDS.iter().map(|name| text(&self.configuration, &[name]));
        let ids: Vec<String> = said.into_iter().chain(inside).flatten().collect();
        let seen_as = SeenAs::ResourceType(&self.resource_type);
        let sightings: Vec<Sighting<'_>> = ids.iter().map(|id| Sighting { place: self.place(), seen_as, id }).collect();
        let mut keys = secondary_keys(identity, &sightings);
        keys.extend(config_id::spelled(self.place(), &self.resource_type, &self.resource_id));
        keys
    }

    /// The record's own fragment, and what follows for the alias records of its second ids. Without facts it is gone.
    fn told(
        &self,
        format: Format,
        identity: Identity,
        facts: Option<Facts>,
        unresolved_relationships: usize,
        delivery: &str,
        now_ms: u64,
    ) -> Result<Statements, ConfigItemError> {
        let by_arn = identity.arn().is_some();
        let (said, of_alias, second_ids) = match facts {
            None => (Said::Gone, Said::Gone, self.second_ids(&identity)),
            Some(facts) => {
                let second_ids = facts.keys.clone();
                (Said::Facts(facts), Said::Claim(Claim { identity: identity.clone(), by_arn }), second_ids)
            }
        };
        let source = SourceObject::config(format, &self.account, &identity);
        let claim = SourceObject::config(Format::ConfigClaim, &self.account, &identity);
        let mut fragments = vec![(RecordKey::Entity(identity), self.fragment(source, said, delivery, now_ms)?)];
        for key in second_ids {
            let fragment = self.fragment(claim.clone(), of_alias.clone(), delivery, now_ms)?;
            fragments.push((RecordKey::Alias(key), fragment));
        }
        Ok(Statements { fragments, unresolved_relationships })
    }

    fn fragment(
        &self,
        source: SourceObject,
        said: Said,
        delivery: &str,
        now_ms: u64,
    ) -> Result<Fragment, ConfigItemError> {
        let tie = tie_of(said.canonical().as_bytes());
        let version = Version::of_config(self.captured_ms, self.state_id, tie, now_ms)
            .map_err(|source| ConfigItemError::Version { source })?;
        Ok(Fragment { source, version, delivery: delivery.to_owned(), said })
    }
}

fn aws(field: &str) -> Pointer {
    Pointer::to(["spec", "aws", field])
}

impl fmt::Display for Statements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, fragment) in &self.fragments {
            let captured = clock::iso(fragment.version.major()).unwrap_or_default();
            writeln!(f, "{key} by {} at {captured}", fragment.source.format)?;
            match &fragment.said {
                Said::Gone => writeln!(f, "  gone")?,
                Said::Claim(Claim { identity, by_arn }) => writeln!(f, "  held by {identity} (by ARN: {by_arn})")?,
                Said::Facts(facts) => write_facts(f, facts)?,
            }
        }
        if self.unresolved_relationships > 0 {
            writeln!(f, "unresolved relationships: {}", self.unresolved_relationships)?;
        }
        Ok(())
    }
}

fn write_facts(f: &mut fmt::Formatter<'_>, facts: &Facts) -> fmt::Result {
    for (pointer, value) in &facts.fields {
        match value {
            Value::String(text) => writeln!(f, "  {pointer} = {text}")?,
            other => writeln!(f, "  {pointer} = {other}")?,
        }
    }
    for key in &facts.keys {
        writeln!(f, "  key {key}")?;
    }
    for Relation { relation_type, target } in &facts.relations {
        writeln!(f, "  {relation_type} {target}")?;
    }
    Ok(())
}
