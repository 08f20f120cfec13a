//! Whose a resource is: the ordered rules by which a record's owner, system, environment and components follow from what
//! its fragments say. Plain data, evaluated by [`crate::stitch`]; whoever reads a file makes it.

mod annotations;
mod evaluate;
mod glob;
mod tag_values;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sha2::{Digest, Sha256};

pub(crate) use annotations::add_annotations;
pub(crate) use evaluate::{Belonging, belonging, is_ruled};
pub use glob::{Glob, GlobError};
pub use tag_values::{is_owner, name_in_arn};

use crate::fragment::Pointer;

/// All rules. [`Rules::default`] are those of a catalog without a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rules {
    pub owner: Order,
    pub system: Order,
    pub environment: Order,
    pub tags: TagNames,
    /// The first that matches the resource's account counts, the exact ones before.
    pub accounts: Vec<AccountRule>,
    /// The first that matches the name of the resource's stack counts.
    pub stacks: Vec<StackRule>,
    /// The first that matches a source object counts.
    pub paths: Vec<PathRule>,
    /// Whose annotations an AWS resource bears.
    pub annotations: BTreeSet<Profile>,
    /// Other fields of AWS resources that follow from a tag or a fact.
    pub fields: BTreeMap<Pointer, Source>,
    /// Where stages of pipelines deploy to. The first that fits counts. No record is stitched by them: they are no part of
    /// the hash.
    #[serde(skip)]
    pub deployments: Vec<EnvironmentRule>,
}

/// Where an answer may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// A catalog file says it.
    Declaration,
    /// An export's parameter says it.
    Parameter,
    /// A tag says it.
    Tags,
    /// The component that the resource belongs to says it: worked out from the whole catalog, where a record is shown.
    Component,
    /// The rule of the stack that the resource is in says it.
    Stack,
    /// The rule of its account says it.
    Account,
    /// The rule of a source object that names it says it.
    Path,
}

/// Steps, first come first. Steps that share a place are one step: of several source objects, the one that goes first by
/// its format counts, and of what one source object says, the step that is written first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Order(pub Vec<Vec<Step>>);

/// Keys of tags by what they say, first come first, in any case. Those of components add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TagNames {
    pub owner: Vec<String>,
    pub system: Vec<String>,
    pub component: Vec<String>,
    pub environment: Vec<String>,
}

/// What a rule answers with; at least one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Answers {
    pub owner: Option<String>,
    pub system: Option<String>,
    pub environment: Option<String>,
    /// What the resources belong to, beside whatever else says so.
    pub component: Option<crate::EntityRef>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountRule {
    /// Of account ids.
    pub account: Glob,
    pub answers: Answers,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StackRule {
    /// Of names of CloudFormation stacks.
    pub stack: Glob,
    pub answers: Answers,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PathRule {
    pub producer: Glob,
    pub name: Glob,
    pub answers: Answers,
}

/// The environment that a pipeline, or one of its stages, deploys to, whatever names say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentRule {
    /// Of the account that the pipeline or application is in.
    pub account: Glob,
    /// Of its name, or of its ARN.
    pub pipeline: Glob,
    /// Of names of stages in lower case: these deploy. `None`: any stage that deploys by itself.
    pub stage: Option<Glob>,
    pub environment: String,
}

/// Whose annotations there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// `aws.amazon.com/`: the plugins of AWS.
    Awslabs,
    /// `amazon.com/` and `amazonaws.com/`, a key for each type: the provider of Roadie.
    Roadie,
    /// `amazonaws.com/arn` and `account-id`: Backstage's own AWS module.
    Core,
}

/// What a field of an AWS resource is set to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    Tag(String),
    Value(String),
    Fact(Fact),
}

/// What is known of every AWS resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    Arn,
    AccountId,
    Region,
    ResourceId,
    ResourceName,
    ResourceType,
}

impl Step {
    pub const ALL: [Self; 7] =
        [Self::Declaration, Self::Parameter, Self::Tags, Self::Component, Self::Stack, Self::Account, Self::Path];

    pub fn name(self) -> &'static str {
        match self {
            Self::Declaration => "declaration",
            Self::Parameter => "parameter",
            Self::Tags => "tags",
            Self::Component => "component",
            Self::Stack => "stack",
            Self::Account => "account",
            Self::Path => "path",
        }
    }
}

impl Order {
    /// The place of a step, and its place among those that share it. `None`: it does not count.
    pub(crate) fn place(&self, step: Step) -> Option<(usize, usize)> {
        let mut places = self.0.iter().enumerate();
        places.find_map(|(at, group)| Some((at, group.iter().position(|other| *other == step)?)))
    }

    /// Whether an answer of this step gives way to what a component says.
    pub(crate) fn yields(&self, step: Step) -> bool {
        match (self.place(Step::Component), self.place(step)) {
            (Some((component, _)), Some((own, _))) => own > component,
            (None, _) | (_, None) => false,
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        use Step::{Account, Component, Declaration, Parameter, Path, Stack, Tags};
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let inherited = Order(vec![
            vec![Declaration],
            vec![Parameter],
            vec![Component],
            vec![Stack],
            vec![Tags],
            vec![Account],
            vec![Path],
        ]);
        Self {
            owner: inherited.clone(),
            system: inherited,
            environment: Order(vec![
                vec![Declaration],
                vec![Parameter],
                vec![Stack],
                vec![Tags],
                vec![Account],
                vec![Path],
            ]),
            tags: TagNames {
                owner: names(&["owner", "team"]),
                system: names(&["system"]),
                component: names(&["component"]),
                environment: names(&["environment", "env"]),
            },
            accounts: Vec::new(),
            stacks: Vec::new(),
            paths: Vec::new(),
            annotations: BTreeSet::from([Profile::Awslabs]),
            fields: BTreeMap::new(),
            deployments: Vec::new(),
        }
    }
}

impl Rules {
    /// Equal for rules of equal meaning, however they were written down: 16 hexadecimal digits.
    pub fn hash(&self) -> String {
        let text = serde_json::to_string(self).expect("texts and lists always serialise");
        hex::encode(&Sha256::digest(text)[..8])
    }
}
