//! All fragments of one record -> one entity, with the reason behind every field.
//!
//! `stitch` is pure: equal fragments give equal entities, in whatever order they came. `explain` reads the same result.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::config_status;
use crate::entity_ref::{DEFAULT_NAMESPACE, EntityRef};
use crate::existence::{Existence, claims_after_delete, existence};
use crate::fragment::{Facts, Fragment, FragmentKey, Pointer, Record};
use crate::identity::{Identity, Key};
use crate::kinds;
use crate::names::{derived_name, derived_ref};
use crate::ownership::rule_for;
use crate::relations::{Relation, relations_of_field};
use crate::rules::{Belonging, Profile, Rules, Step, add_annotations, belonging, is_ruled};

/// The value of a required field that no source says.
pub const UNKNOWN: &str = "unknown";

/// Rule of a value that no source says.
pub const DEFAULT_RULE: &str = "default";

/// One record as an entity. Its relations point at keys: the catalog that holds all entities turns them into references.
#[derive(Debug, Clone, PartialEq)]
pub struct Stitched {
    pub identity: Identity,
    pub existence: Existence,
    pub fields: BTreeMap<Pointer, Field>,
    /// Outgoing relations, each with the fragments that say it. Defaults imply none; what gives way to a component is in
    /// [`Self::yielding`].
    pub relations: BTreeMap<Relation, BTreeSet<FragmentKey>>,
    /// Relations of fields that give way to what the entity's component says.
    pub yielding: BTreeMap<Relation, BTreeSet<FragmentKey>>,
    /// Everything that this record answers to: identity, secondary ids, derived name, declared names.
    pub keys: BTreeSet<Key>,
    pub status: Vec<StatusItem>,
    /// It is a component, and the rules ask for the annotations of AWS's plugins, which follow from other records.
    pub is_annotated_for_plugins: bool,
}

/// A field's value and why it won.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub value: Value,
    pub rule: Cow<'static, str>,
    /// `None`: no source says it, the value is a default.
    pub said_by: Option<FragmentKey>,
    /// What other fragments say instead.
    pub lost: Vec<(FragmentKey, Value)>,
    /// Which step of the rules decided, for owner, system and environment.
    pub step: Option<Step>,
    /// Only counts while no component says it: [`crate::Step::Component`] goes before `step`.
    pub yields: bool,
}

/// An item of Backstage's `status.items`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusItem {
    pub item_type: &'static str,
    pub level: &'static str,
    pub message: String,
}

/// Stitches the record of an entity, by these rules of ownership.
pub fn stitch(identity: &Identity, record: &Record, rules: &Rules) -> Stitched {
    let existence = existence(record);
    let mut fields = fields_with_winners(record);
    let account = fields.get(&Pointer::to(["spec", "aws", "accountId"]));
    let account = account.and_then(|field| Some((field.value.as_str()?, field.said_by.as_ref()?)));
    let Belonging { fields: ruled, relations: of_tags } = belonging(identity, record, account, rules);
    fields.extend(ruled);
    add_annotations(identity, record, rules, &mut fields);
    add_defaults(identity, record, &existence, &mut fields);
    let mut status = disagreements(&fields);
    if let Existence::Gone { .. } = existence {
        for (key, fragment) in claims_after_delete(record) {
            status.push(StatusItem {
                item_type: "callboard/claimed-after-delete",
                level: "warning",
                message: format!("{} ({key}) still names this resource, which AWS Config saw deleted", fragment.source),
            });
        }
    }
    status.extend(config_status::items(record, &fields));
    let (mut relations, yielding) = relations(record, &fields);
    for (relation, said_by) in of_tags {
        relations.entry(relation).or_default().extend(said_by);
    }
    let mut keys: BTreeSet<Key> = record.facts().flat_map(|(_, _, facts)| facts.keys.iter().cloned()).collect();
    keys.insert(identity.key());
    if is_resource(identity) {
        keys.insert(Key::of_ref(&derived_ref(identity)));
    }
    let is_component = identity.entity_ref().is_some_and(|entity_ref| entity_ref.kind() == "component");
    let is_annotated_for_plugins = is_component && rules.annotations.contains(&Profile::Awslabs);
    Stitched {
        identity: identity.clone(),
        existence,
        fields,
        relations,
        yielding,
        keys,
        status,
        is_annotated_for_plugins,
    }
}

impl Stitched {
    /// The envelope under the name that the record declares, without relations, uid and etag.
    pub fn entity(&self) -> Value {
        assemble(&self.fields)
    }

    /// The envelope under the derived name: for a resource whose declared name is held by another.
    pub fn entity_under_derived_name(&self) -> Value {
        let mut entity = assemble(&self.fields);
        entity["metadata"]["name"] = json!(derived_name(&self.identity));
        entity["metadata"]["namespace"] = json!(DEFAULT_NAMESPACE);
        entity
    }

    /// The reference under the declared name, else under the derived one.
    pub fn declared_ref(&self) -> EntityRef {
        let text = |pointer| text_of(&self.fields, &pointer);
        EntityRef::new(
            text(Pointer::to(["kind"])),
            text(Pointer::metadata("namespace")),
            text(Pointer::metadata("name")),
        )
    }

    pub fn derived_ref(&self) -> EntityRef {
        derived_ref(&self.identity)
    }

    pub fn field(&self, pointer: &Pointer) -> Option<&Value> {
        self.fields.get(pointer).map(|field| &field.value)
    }

    /// A field of `spec` that some source says: a default is no answer.
    pub fn said_spec(&self, field: &str) -> Option<&str> {
        let field = self.fields.get(&Pointer::spec(field))?;
        field.said_by.as_ref().and(field.value.as_str())
    }

    pub fn annotation(&self, key: &str) -> Option<&Value> {
        self.fields.get(&Pointer::annotation(key)).map(|field| &field.value)
    }

    /// Whether what is said there gives way to what a component says.
    pub fn yields(&self, field: &str) -> bool {
        self.fields.get(&Pointer::spec(field)).is_some_and(|field| field.yields)
    }
}

/// AWS resources, and resources that are declared without an ARN.
fn is_resource(identity: &Identity) -> bool {
    identity.entity_ref().is_none_or(|entity_ref| entity_ref.kind() == "resource")
}

fn fields_with_winners(record: &Record) -> BTreeMap<Pointer, Field> {
    let mut said: BTreeMap<&Pointer, Vec<(&FragmentKey, &Fragment, &Value)>> = BTreeMap::new();
    for (key, fragment, Facts { fields, .. }) in record.facts() {
        for (pointer, value) in fields.iter().filter(|(pointer, _)| !is_ruled(pointer)) {
            said.entry(pointer).or_default().push((key, fragment, value));
        }
    }
    let mut winners = BTreeMap::new();
    for (pointer, mut words) in said {
        let rule = rule_for(pointer);
        words.sort_by_key(|(key, fragment, _)| (rule.rank(fragment.source.format), *key));
        let (winner, _, value) = words[0];
        let lost = words[1..]
            .iter()
            .filter(|(_, _, other)| *other != value)
            .map(|(key, _, other)| ((*key).clone(), (*other).clone()))
            .collect();
        let rule = Cow::Borrowed(rule.name);
        let field =
            Field { value: value.clone(), rule, said_by: Some(winner.clone()), lost, step: None, yields: false };
        winners.insert(pointer.clone(), field);
    }
    winners
}

/// Fields of which two sources say what is not the same: `team-a` and `group:default/team-a` are.
fn disagreements(fields: &BTreeMap<Pointer, Field>) -> Vec<StatusItem> {
    let mut status = Vec::new();
    for (pointer, field) in fields {
        let is_of_rules = field.step.is_some_and(Step::is_of_rules);
        let reports = rule_for(pointer).reports_disagreement && !is_of_rules;
        let Some(winner) = field.said_by.as_ref().filter(|_| reports) else { continue };
        let meant = references(fields, pointer, &field.value);
        let other = field.lost.iter().find(|(_, other)| {
            let other_meant = references(fields, pointer, other);
            other_meant.is_empty() || other_meant != meant
        });
        if let Some((loser, other)) = other {
            let value = &field.value;
            let message =
                format!("{pointer} is {value} by {winner}, but {other} by {loser}; the rule `{}` decided", field.rule);
            status.push(StatusItem { item_type: "callboard/sources-disagree", level: "warning", message });
        }
    }
    status
}

/// What an entity needs to be one, where no source says it.
fn add_defaults(identity: &Identity, record: &Record, existence: &Existence, fields: &mut BTreeMap<Pointer, Field>) {
    let mut default = |pointer: Pointer, value: Value| {
        fields.entry(pointer).or_insert_with(|| by_default(value));
    };
    let (kind, namespace, name) = match identity.entity_ref() {
        Some(entity_ref) => {
            (kinds::display(entity_ref.kind()), entity_ref.namespace().to_owned(), entity_ref.name().to_owned())
        }
        None => ("Resource".to_owned(), DEFAULT_NAMESPACE.to_owned(), derived_name(identity)),
    };
    default(Pointer::to(["apiVersion"]), json!("backstage.io/v1alpha1"));
    for required in kinds::required_texts(&kind) {
        default(Pointer::spec(required), json!(UNKNOWN));
    }
    default(Pointer::to(["kind"]), json!(kind));
    default(Pointer::metadata("namespace"), json!(namespace));
    default(Pointer::metadata("name"), json!(name));
    if let Existence::Exists { borne_by, .. } = existence
        && let Some(fragment) = record.fragments.get(borne_by)
    {
        let location = json!(format!("callboard:{}", fragment.source));
        default(Pointer::annotation("backstage.io/managed-by-location"), location.clone());
        default(Pointer::annotation("backstage.io/managed-by-origin-location"), location);
    }
    // As Backstage's `AnnotateLocationEntityProcessor` says it.
    let location = fields.get(&Pointer::annotation("backstage.io/managed-by-location"));
    let url = location.and_then(|location| location.value.as_str()?.strip_prefix("url:")).map(|url| json!(url.trim()));
    if let Some(value) = url.filter(|url| url != "") {
        fields.entry(Pointer::annotation("backstage.io/view-url")).or_insert_with(|| by_default(value));
    }
}

fn by_default(value: Value) -> Field {
    let rule = Cow::Borrowed(DEFAULT_RULE);
    Field { value, rule, said_by: None, lost: Vec::new(), step: None, yields: false }
}

type Relations = BTreeMap<Relation, BTreeSet<FragmentKey>>;

/// Those that stand, and those that give way.
fn relations(record: &Record, fields: &BTreeMap<Pointer, Field>) -> (Relations, Relations) {
    let (mut relations, mut yielding) = (Relations::new(), Relations::new());
    for (key, _, facts) in record.facts() {
        for relation in &facts.relations {
            relations.entry(relation.clone()).or_default().insert(key.clone());
        }
    }
    for (pointer, field) in fields {
        let Some(said_by) = &field.said_by else { continue };
        let place = if field.yields { &mut yielding } else { &mut relations };
        for relation in references(fields, pointer, &field.value) {
            place.entry(relation).or_default().insert(said_by.clone());
        }
    }
    (relations, yielding)
}

/// The relations that a value of this field implies. None, if it is no field of references.
fn references(fields: &BTreeMap<Pointer, Field>, pointer: &Pointer, value: &Value) -> Vec<Relation> {
    let field = pointer.as_str().strip_prefix("/spec/").filter(|field| !field.contains('/'));
    let Some(field) = field else { return Vec::new() };
    let kind = text_of(fields, &Pointer::to(["kind"]));
    let namespace = text_of(fields, &Pointer::metadata("namespace"));
    let namespace = if namespace.is_empty() { DEFAULT_NAMESPACE } else { namespace };
    relations_of_field(kind, namespace, field, value).collect()
}

fn text_of<'a>(fields: &'a BTreeMap<Pointer, Field>, pointer: &Pointer) -> &'a str {
    fields.get(pointer).and_then(|field| field.value.as_str()).unwrap_or_default()
}

/// Builds the value from its fields. What is said below a value that is no object takes its place: only AWS facts are
/// said that deep, and nobody knows them better.
fn assemble(fields: &BTreeMap<Pointer, Field>) -> Value {
    let mut entity = Value::Object(Map::new());
    for (pointer, field) in fields {
        let place = pointer.tokens().fold(&mut entity, |place, token| {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            &mut place[token]
        });
        *place = field.value.clone();
    }
    entity
}
