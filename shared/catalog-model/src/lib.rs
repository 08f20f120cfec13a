//! The record: what it is about ([`Identity`]), what each source says of it ([`Fragment`]), and the one entity that
//! follows ([`stitch()`]). Pure functions and plain data: no I/O, no clock, no async.

pub mod alias;
mod arn;
mod canonical;
mod canonical_json;
mod canonical_said;
mod config_status;
mod entity_ref;
mod envelope;
mod envelope_rules;
mod existence;
mod fragment;
mod grammar;
mod identity;
pub mod kinds;
mod names;
mod ownership;
mod relations;
pub mod resource_types;
mod rules;
mod stitch;
mod version;

pub use arn::Arn;
pub use canonical::{Canonical, MAX_ID_BYTES, SeenAs, Sighting, canonical, secondary_keys};
pub use canonical_json::canonical_json;
pub use config_status::COMPLIANCE;
pub use entity_ref::{DEFAULT_NAMESPACE, EntityRef, EntityRefError};
pub use envelope::{Declared, declare};
pub use envelope_rules::EnvelopeError;
pub use existence::{Existence, existence};
pub use fragment::{
    Applied, Claim, Door, Facts, Format, Fragment, FragmentKey, Pointer, Record, Role, Said, SourceObject,
    SourceObjectError,
};
pub use identity::{Identity, Key, Place, RecordKey, RecordKeyError};
pub use names::{MAX_NAME_CHARS, derived_name, derived_ref};
pub use ownership::{FIELD_RULES, FieldRule, rule_for, rules_version};
pub use relations::{FIELD_RELATIONS, FieldRelation, Relation, relations_of_field, relations_of_fields, reverse_of};
pub use rules::{
    AccountRule, Answers, EnvironmentRule, Fact, Glob, GlobError, Order, PathRule, Profile, Rules, Source, StackRule,
    Step, TagNames, is_owner, name_in_arn,
};
pub use stitch::{DEFAULT_RULE, Field, StatusItem, Stitched, UNKNOWN, stitch};
pub use version::{MAX_CLOCK_AHEAD_MS, TieHasher, VERSION_CHARS, Version, VersionError, tie_of};
