//! A record and the rules -> its owner, system and environment, each with the rule that won, and the components that tags
//! and stacks name.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::tag_values::Tags;
use super::{Answers, Order, Rules, Step};
use crate::entity_ref::EntityRef;
use crate::fragment::{Facts, Format, Fragment, FragmentKey, Pointer, Record};
use crate::identity::{Identity, Key};
use crate::ownership::rule_for;
use crate::relations::{Relation, field_relation};
use crate::stitch::Field;

/// What follows from the rules.
#[derive(Debug, Default)]
pub(crate) struct Belonging {
    pub(crate) fields: BTreeMap<Pointer, Field>,
    pub(crate) relations: BTreeMap<Relation, BTreeSet<FragmentKey>>,
}

/// A field of `spec` that the rules decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ruled {
    Owner,
    System,
    Environment,
}

const RULED: [Ruled; 3] = [Ruled::Owner, Ruled::System, Ruled::Environment];

/// Whether the rules decide the field.
pub(crate) fn is_ruled(pointer: &Pointer) -> bool {
    RULED.iter().any(|ruled| pointer.as_str().strip_prefix("/spec/") == Some(ruled.name()))
}

/// One answer, and where it stands.
struct Word {
    group: usize,
    rank: usize,
    key: FragmentKey,
    step: Step,
    value: Value,
    rule: Cow<'static, str>,
}

/// `account`: the resource's, and the fragment that says it.
pub(crate) fn belonging(
    identity: &Identity,
    record: &Record,
    account: Option<(&str, &FragmentKey)>,
    rules: &Rules,
) -> Belonging {
    let kind = identity.entity_ref().map_or_else(|| "resource".to_owned(), |entity_ref| entity_ref.kind().to_owned());
    let mut belonging = Belonging::default();
    for ruled in RULED {
        let mut words: Vec<Word> =
            record.facts().filter_map(|(key, fragment, facts)| ruled.said_by(key, fragment, facts, rules)).collect();
        if ruled.is_of(&kind) {
            words.extend(ruled.by_rules(record, account, rules));
        }
        words.sort_by(|one, other| (one.group, one.rank, &one.key).cmp(&(other.group, other.rank, &other.key)));
        let mut words = words.into_iter();
        let Some(winner) = words.next() else { continue };
        let lost = words
            .filter(|word| word.value != winner.value && !word.step.is_of_rules())
            .map(|word| (word.key, word.value))
            .collect();
        let yields = kind == "resource" && ruled.order(rules).yields(winner.step);
        let Word { key, step, value, rule, .. } = winner;
        let field = Field { value, rule, said_by: Some(key), lost, step: Some(step), yields };
        belonging.fields.insert(ruled.pointer(), field);
    }
    for (key, fragment, facts) in record.facts() {
        let Some(tags) = Tags::of(fragment.source.format, facts) else { continue };
        for component in tags.components(&rules.tags.component) {
            belonging.belongs_to(&component, key);
        }
    }
    if kind == "resource" {
        let given = [stack_rule(record, rules), account_rule(account, rules), path_rule(record, rules, |_| true)];
        for Given { key, answers, .. } in given.into_iter().flatten() {
            if let Some(component) = &answers.component {
                belonging.belongs_to(component, key);
            }
        }
    }
    belonging
}

impl Belonging {
    fn belongs_to(&mut self, component: &EntityRef, said_by: &FragmentKey) {
        let relation = Relation::new("dependencyOf", Key::of_ref(component));
        self.relations.entry(relation).or_default().insert(said_by.clone());
    }
}

/// The answers of the rule of a stack, an account or a path, and the fragment that makes it count.
struct Given<'r> {
    key: &'r FragmentKey,
    answers: &'r Answers,
    name: String,
}

fn stack_rule<'r>(record: &'r Record, rules: &'r Rules) -> Option<Given<'r>> {
    record.facts().find_map(|(key, fragment, facts)| {
        let stack = Tags::of(fragment.source.format, facts)?.stack()?;
        let rule = rules.stacks.iter().find(|rule| rule.stack.matches(stack))?;
        Some(Given { key, answers: &rule.answers, name: format!("stack {}", rule.stack) })
    })
}

fn account_rule<'r>(account: Option<(&str, &'r FragmentKey)>, rules: &'r Rules) -> Option<Given<'r>> {
    let (account, key) = account?;
    let rule = rules.accounts.iter().find(|rule| rule.account.matches(account))?;
    let name = match rule.account.as_str() {
        "*" => "account default".to_owned(),
        account => format!("account {account}"),
    };
    Some(Given { key, answers: &rule.answers, name })
}

fn path_rule<'r>(record: &'r Record, rules: &'r Rules, has: impl Fn(&Answers) -> bool) -> Option<Given<'r>> {
    rules.paths.iter().filter(|rule| has(&rule.answers)).find_map(|rule| {
        let is_named = |fragment: &Fragment| {
            rule.producer.matches(&fragment.source.producer) && rule.name.matches(&fragment.source.name)
        };
        let (key, _, _) = record.facts().find(|(_, fragment, _)| is_named(fragment))?;
        Some(Given { key, answers: &rule.answers, name: format!("path {}/{}", rule.producer, rule.name) })
    })
}

impl Step {
    /// The rules answer, and no source does.
    pub(crate) fn is_of_rules(self) -> bool {
        matches!(self, Self::Component | Self::Stack | Self::Account | Self::Path)
    }
}

impl Ruled {
    fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::System => "system",
            Self::Environment => "environment",
        }
    }

    fn pointer(self) -> Pointer {
        Pointer::spec(self.name())
    }

    fn order(self, rules: &Rules) -> &Order {
        match self {
            Self::Owner => &rules.owner,
            Self::System => &rules.system,
            Self::Environment => &rules.environment,
        }
    }

    fn answer(self, answers: &Answers) -> Option<&String> {
        match self {
            Self::Owner => answers.owner.as_ref(),
            Self::System => answers.system.as_ref(),
            Self::Environment => answers.environment.as_ref(),
        }
    }

    /// Whether rules may give it to entities of this kind.
    fn is_of(self, kind: &str) -> bool {
        match self {
            Self::Owner | Self::System => field_relation(kind, self.name()).is_some(),
            Self::Environment => kind == "resource",
        }
    }

    /// What one source object says: the first by the order of what it says in its fields and by its tags.
    fn said_by(self, key: &FragmentKey, fragment: &Fragment, facts: &Facts, rules: &Rules) -> Option<Word> {
        let format = fragment.source.format;
        let pointer = self.pointer();
        let in_field = facts.fields.get(&pointer).map(|value| {
            let (step, rule) = match format {
                Format::CatalogInfo => (Step::Declaration, Cow::Borrowed(rule_for(&pointer).name)),
                // There is nobody to give it a parameter.
                Format::Config
                | Format::ConfigNotice
                | Format::ConfigOversized
                | Format::ConfigAccount
                | Format::ConfigCompliance
                | Format::ConfigClaim => (Step::Tags, Cow::Borrowed("tags")),
                _ => (Step::Parameter, Cow::Borrowed("parameter of the export")),
            };
            (step, value.clone(), rule)
        });
        let by_tag = || {
            let tags = Tags::of(format, facts)?;
            let (tag, value) = match self {
                Self::Owner => tags.owner(&rules.tags.owner),
                Self::System => tags.system(&rules.tags.system),
                Self::Environment => tags.environment(&rules.tags.environment),
            }?;
            Some((Step::Tags, json!(value), Cow::Owned(format!("tags: {tag}"))))
        };
        let order = self.order(rules);
        let words = in_field.into_iter().chain(by_tag());
        let words = words.filter_map(|(step, value, rule)| Some((order.place(step)?, step, value, rule)));
        // Of two that share a place: what stands first there, then the field.
        let (place, step, value, rule) = words.min_by_key(|(place, ..)| *place)?;
        let rank = rule_for(&pointer).rank(format);
        Some(Word { group: place.0, rank, key: key.clone(), step, value, rule })
    }

    /// What the rules of stacks, accounts and paths say.
    fn by_rules(self, record: &Record, account: Option<(&str, &FragmentKey)>, rules: &Rules) -> Vec<Word> {
        let of_path = path_rule(record, rules, |answers| self.answer(answers).is_some());
        let given = [
            (Step::Stack, stack_rule(record, rules)),
            (Step::Account, account_rule(account, rules)),
            (Step::Path, of_path),
        ];
        let words = given.into_iter().filter_map(|(step, given)| {
            let (group, _) = self.order(rules).place(step)?;
            let Given { key, answers, name } = given?;
            let value = json!(self.answer(answers)?);
            Some(Word { group, rank: 0, key: key.clone(), step, value, rule: Cow::Owned(name) })
        });
        words.collect()
    }
}
