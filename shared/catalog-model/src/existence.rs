//! A record's fragments -> whether the entity exists, and which fragment bears it.

use std::cmp::Reverse;

use crate::fragment::{Format, Fragment, FragmentKey, Record, Role, Said};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Existence {
    Exists { borne_by: FragmentKey, rule: &'static str },
    Gone { rule: &'static str },
}

/// Config decides alone once it has spoken, whatever exports still list. Without it, any live declaration, listed
/// resource or stub bears the entity. Being mentioned never does.
pub fn existence(record: &Record) -> Existence {
    let observed = record
        .fragments
        .iter()
        .filter(|(_, fragment)| bears_existence(fragment.source.format))
        .max_by_key(|(_, fragment)| (fragment.version.clock(), Reverse(fragment.source.format)));
    if let Some((key, fragment)) = observed {
        return match fragment.said {
            Said::Gone => Existence::Gone { rule: "Config saw the resource deleted" },
            Said::Facts(_) | Said::Claim(_) => {
                Existence::Exists { borne_by: key.clone(), rule: "Config sees the resource" }
            }
        };
    }
    if let Some((key, _, _)) = record.facts().find(|(_, fragment, _)| fragment.source.format == Format::ConfigAccount) {
        return Existence::Exists { borne_by: key.clone(), rule: "Config sees resources in the account" };
    }
    for (role, rule) in [
        (Role::Declared, "a catalog file declares it"),
        (Role::Listed, "an export lists it"),
        (Role::Stub, "an export was posted for it"),
    ] {
        if let Some((key, _, _)) = record.facts().find(|(_, _, facts)| facts.role == role) {
            return Existence::Exists { borne_by: key.clone(), rule };
        }
    }
    Existence::Gone { rule: "no source says that it exists" }
}

/// What Config says of the resource itself. Of one moment the full item goes first, which is the first of the formats.
fn bears_existence(format: Format) -> bool {
    matches!(format, Format::Config | Format::ConfigNotice | Format::ConfigOversized)
}

/// The notice of a state too large for a message, if Config has said nothing of the resource since: neither in full,
/// nor that it is gone or not recorded any more.
pub(crate) fn incomplete(record: &Record) -> Option<&Fragment> {
    let of_config = record.fragments.values().filter(|fragment| bears_existence(fragment.source.format));
    let last = of_config.max_by_key(|fragment| (fragment.version.clock(), Reverse(fragment.source.format)))?;
    (last.source.format == Format::ConfigOversized && last.said != Said::Gone).then_some(last)
}

/// Live words about a resource that Config saw deleted: stale files, worth a status item.
pub(crate) fn claims_after_delete(record: &Record) -> impl Iterator<Item = (&FragmentKey, &Fragment)> {
    record
        .facts()
        .filter(|(_, _, facts)| matches!(facts.role, Role::Declared | Role::Listed))
        .map(|(key, fragment, _)| (key, fragment))
}

impl Existence {
    pub fn exists(&self) -> bool {
        matches!(self, Self::Exists { .. })
    }
}
