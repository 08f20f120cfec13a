//! A record's fragments -> whether the entity exists, and which fragment bears it.

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
        .filter(|(_, fragment)| matches!(fragment.source.format, Format::Config | Format::ConfigNotice))
        .max_by(|(_, one), (_, other)| one.version.cmp(&other.version));
    if let Some((key, fragment)) = observed {
        return match fragment.said {
            Said::Gone => Existence::Gone { rule: "Config saw the resource deleted" },
            Said::Facts(_) | Said::Claim(_) => {
                Existence::Exists { borne_by: key.clone(), rule: "Config sees the resource" }
            }
        };
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
