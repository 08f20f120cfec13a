//! What one source object says of one entity, with a version: the unit that is stored, compared and merged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::canonical_said::canonical_said;
use crate::identity::{Identity, Key, RecordKey};
use crate::relations::Relation;
use crate::version::Version;

/// How a source object came in. The same file by two doors is two source objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Door {
    Http,
    S3,
    CodePipeline,
    Config,
    /// State events of AWS's pipelines, by EventBridge.
    Events,
}

/// What a source object is written in. Its place in [`crate::FIELD_RULES`] decides which of its words count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    CatalogInfo,
    TerraformState,
    TerraformShow,
    Cloudformation,
    CdkOutputs,
    Openapi,
    Asyncapi,
    /// That something was deployed. Of the component it says no more than that it exists.
    Deployment,
    /// A configuration item as AWS Config recorded it.
    Config,
    /// Config's word that a resource of an unrecorded type exists: no detail, and none is erased.
    ConfigNotice,
    /// On an alias record: Config's word that a resource has this secondary id. Each resource claims for itself, so that
    /// the late deletion of a namesake takes nothing from its successor.
    ConfigClaim,
    /// What the latest execution of a pipeline, build project or stack is at. Never bears existence.
    PipelineState,
    /// Config's word that a resource changed into a state too large for a message: it exists, and the detail is elsewhere.
    /// The full item of that state, or of a later one, is [`Self::Config`].
    ConfigOversized,
    /// How many of Config's rules the resource meets. Never bears existence.
    ConfigCompliance,
    /// On the record of an account: Config sees resources in it.
    ConfigAccount,
}

/// One file, one state, one stack: everything in it shares one clock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceObject {
    pub door: Door,
    pub producer: String,
    pub format: Format,
    pub name: String,
}

/// The attribute of a record that holds a source object's fragment: `config`, `terraform-state:<hash8>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FragmentKey(String);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fragment {
    pub source: SourceObject,
    pub version: Version,
    /// Which delivery brought it, for `explain`: a request, event or object id. No part of the record's meaning.
    pub delivery: String,
    pub said: Said,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    Facts(Facts),
    /// On an alias record: whose name or secondary id this is.
    Claim(Claim),
    /// The source object no longer names this record, or says that the resource is deleted.
    Gone,
}

/// What the source's words are worth for the question whether the entity exists: [`crate::existence`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// AWS itself sees the resource.
    Observed,
    /// A person wrote the entity down.
    Declared,
    /// A tool lists the resource as its own.
    Listed,
    /// An export was posted on behalf of this component.
    Stub,
    /// The entity is spoken of, no more.
    Mentioned,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub role: Role,
    /// Entity fields by JSON Pointer (RFC 6901): `/spec/owner`. A parent comes before its children.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<Pointer, Value>,
    /// Outgoing relations beyond those that fields like `spec.owner` imply.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub relations: BTreeSet<Relation>,
    /// Secondary ids and declared names of the record.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub keys: BTreeSet<Key>,
    /// Tags of the CloudFormation stack that the resource is in: they count as its own where it has no such tag, and are
    /// not shown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stack_tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Claim {
    pub identity: Identity,
    /// The claim names the resource by its ARN, and so goes before one that does not.
    pub by_arn: bool,
}

/// A JSON Pointer to a field of an entity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pointer(String);

/// All fragments of one record, by the attribute that holds each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub key: RecordKey,
    pub fragments: BTreeMap<FragmentKey, Fragment>,
    /// Rises with every applied write. 0: nothing was ever written.
    pub rv: u64,
}

/// What became of a fragment that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applied {
    Applied,
    /// A newer fragment of the same source object stands.
    Stale,
    /// The same version stands already.
    Duplicate,
}

impl Format {
    pub const ALL: [Self; 15] = [
        Self::CatalogInfo,
        Self::TerraformState,
        Self::TerraformShow,
        Self::Cloudformation,
        Self::CdkOutputs,
        Self::Openapi,
        Self::Asyncapi,
        Self::Deployment,
        Self::Config,
        Self::ConfigNotice,
        Self::ConfigClaim,
        Self::PipelineState,
        Self::ConfigOversized,
        Self::ConfigCompliance,
        Self::ConfigAccount,
    ];
}

impl Record {
    pub fn empty(key: RecordKey) -> Self {
        Self { key, fragments: BTreeMap::new(), rv: 0 }
    }

    /// The rule of every store: a fragment replaces what the same source object said before, if its version is larger.
    pub fn apply(&mut self, fragment: Fragment) -> Applied {
        let key = fragment.source.fragment_key();
        let standing = self.fragments.get(&key).map(|standing| standing.version.cmp(&fragment.version));
        match standing {
            Some(std::cmp::Ordering::Greater) => Applied::Stale,
            Some(std::cmp::Ordering::Equal) => Applied::Duplicate,
            Some(std::cmp::Ordering::Less) | None => {
                self.fragments.insert(key, fragment);
                self.rv += 1;
                Applied::Applied
            }
        }
    }

    /// Fragments with facts, live ones only, in the order of their keys.
    pub fn facts(&self) -> impl Iterator<Item = (&FragmentKey, &Fragment, &Facts)> {
        self.fragments.iter().filter_map(|(key, fragment)| match &fragment.said {
            Said::Facts(facts) => Some((key, fragment, facts)),
            Said::Claim(_) | Said::Gone => None,
        })
    }
}

impl SourceObject {
    /// Config has one source object for each resource, so its fragment needs no hash.
    pub fn config(format: Format, account: &str, identity: &Identity) -> Self {
        Self { door: Door::Config, producer: account.to_owned(), format, name: identity.as_str().to_owned() }
    }

    /// All state events of a resource are one source object.
    pub fn pipeline_state(account: &str, identity: &Identity) -> Self {
        let name = identity.as_str().to_owned();
        Self { door: Door::Events, producer: account.to_owned(), format: Format::PipelineState, name }
    }

    pub fn fragment_key(&self) -> FragmentKey {
        match self.format {
            Format::Config
            | Format::ConfigNotice
            | Format::PipelineState
            | Format::ConfigOversized
            | Format::ConfigAccount => FragmentKey(self.format.to_string()),
            Format::CatalogInfo
            | Format::TerraformState
            | Format::TerraformShow
            | Format::Cloudformation
            | Format::CdkOutputs
            | Format::Openapi
            | Format::Asyncapi
            | Format::Deployment
            | Format::ConfigClaim
            | Format::ConfigCompliance => {
                let digest = hex::encode(Sha256::digest(self.to_string()));
                FragmentKey(format!("{}:{}", self.format, &digest[..16]))
            }
        }
    }
}

impl FragmentKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes the name of a stored attribute, without its prefix.
    pub fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Facts {
    pub fn new(role: Role) -> Self {
        Self {
            role,
            fields: BTreeMap::new(),
            relations: BTreeSet::new(),
            keys: BTreeSet::new(),
            stack_tags: BTreeMap::new(),
        }
    }

    /// Says a field. `null` is no statement.
    pub fn say(&mut self, pointer: Pointer, value: impl Into<Value>) {
        let value = value.into();
        if !value.is_null() {
            self.fields.insert(pointer, value);
        }
    }
}

impl Said {
    /// Canonical text: equal texts are equal statements. Ties of versions are made from it where a source has no other content.
    pub fn canonical(&self) -> String {
        canonical_said(self)
    }
}

impl Pointer {
    /// `Pointer::to(["metadata", "annotations", "a.b/c"])` is `/metadata/annotations/a.b~1c`.
    pub fn to<'a>(path: impl IntoIterator<Item = &'a str>) -> Self {
        let mut text = String::new();
        for token in path {
            text.push('/');
            if token.contains(['~', '/']) {
                text.push_str(&token.replace('~', "~0").replace('/', "~1"));
            } else {
                text.push_str(token);
            }
        }
        Self(text)
    }

    /// Takes a pointer as it is written.
    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub fn spec(field: &str) -> Self {
        Self::to(["spec", field])
    }

    pub fn metadata(field: &str) -> Self {
        Self::to(["metadata", field])
    }

    pub fn annotation(key: &str) -> Self {
        Self::to(["metadata", "annotations", key])
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The unescaped tokens.
    pub fn tokens(&self) -> impl Iterator<Item = String> + '_ {
        let unescaped = |token: &str| token.replace("~1", "/").replace("~0", "~");
        let tokens = self.0.split('/').skip(1);
        tokens.map(move |token| if token.contains('~') { unescaped(token) } else { token.to_owned() })
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::S3 => "s3",
            Self::CodePipeline => "code-pipeline",
            Self::Config => "config",
            Self::Events => "events",
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CatalogInfo => "catalog-info",
            Self::TerraformState => "terraform-state",
            Self::TerraformShow => "terraform-show",
            Self::Cloudformation => "cloudformation",
            Self::CdkOutputs => "cdk-outputs",
            Self::Openapi => "openapi",
            Self::Asyncapi => "asyncapi",
            Self::Deployment => "deployment",
            Self::Config => "config",
            Self::ConfigNotice => "config-notice",
            Self::ConfigClaim => "config-claim",
            Self::PipelineState => "pipeline-state",
            Self::ConfigOversized => "config-oversized",
            Self::ConfigCompliance => "config-compliance",
            Self::ConfigAccount => "config-account",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a source object")]
pub struct SourceObjectError(String);

/// `<door>/<producer>/<format>/<name>`; a name may hold slashes, a producer may not.
impl fmt::Display for SourceObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.door, self.producer, self.format, self.name)
    }
}

impl FromStr for SourceObject {
    type Err = SourceObjectError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(4, '/');
        let (Some(door), Some(producer), Some(format), Some(name)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SourceObjectError(text.into()));
        };
        let doors = [Door::Http, Door::S3, Door::CodePipeline, Door::Config, Door::Events];
        let door = doors.into_iter().find(|d| d.to_string() == door);
        let format = Format::ALL.into_iter().find(|f| f.to_string() == format);
        let (Some(door), Some(format)) = (door, format) else {
            return Err(SourceObjectError(text.into()));
        };
        Ok(Self { door, producer: producer.into(), format, name: name.into() })
    }
}

impl fmt::Display for FragmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FragmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
