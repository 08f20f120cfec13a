//! `[<kind>:][<namespace>/]<name>` -> `EntityRef`, Backstage's reference to an entity.
//! Rules: <https://backstage.io/docs/features/software-catalog/references>

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The namespace of an entity that names none.
pub const DEFAULT_NAMESPACE: &str = "default";

/// A complete reference to an entity, in lower case: two references to one entity are equal,
/// whatever case they were written in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntityRef {
    kind: String,
    namespace: String,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntityRefError {
    #[error("entity reference `{text}` has an empty {part}")]
    EmptyPart { text: String, part: &'static str },
    #[error("entity reference `{text}` names no kind, and its place implies none")]
    NoKind { text: String },
    #[error("entity reference `{text}` is not of the form `[<kind>:][<namespace>/]<name>`")]
    Form { text: String },
}

impl EntityRef {
    /// Folds every part to lower case. The parts are taken as they are: [`crate::declare`] checks their grammar.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self { kind: kind.to_lowercase(), namespace: namespace.to_lowercase(), name: name.to_lowercase() }
    }

    pub fn component(name: &str) -> Self {
        Self::new("component", DEFAULT_NAMESPACE, name)
    }

    pub fn resource(name: &str) -> Self {
        Self::new("resource", DEFAULT_NAMESPACE, name)
    }

    /// Reads a reference as it stands in a field of an entity: what it leaves out is taken from its place.
    ///
    /// # Errors
    /// Fails on an empty part, on a stray `:` or `/`, and where neither the text nor the place names a kind.
    pub fn parse_in(text: &str, default_kind: Option<&str>, default_namespace: &str) -> Result<Self, EntityRefError> {
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (Some(kind), rest),
            None => (None, text),
        };
        let (namespace, name) = match rest.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, rest),
        };
        if name.contains([':', '/']) || namespace.is_some_and(|n| n.contains(':')) {
            return Err(EntityRefError::Form { text: text.into() });
        }
        for (part, value) in [("kind", kind), ("namespace", namespace), ("name", Some(name))] {
            if value.is_some_and(|v| v.trim().is_empty()) {
                return Err(EntityRefError::EmptyPart { text: text.into(), part });
            }
        }
        let kind = kind.or(default_kind).ok_or_else(|| EntityRefError::NoKind { text: text.into() })?;
        Ok(Self::new(kind, namespace.unwrap_or(default_namespace), name))
    }

    pub fn kind(&self) -> &str {
        &self.kind
    }

    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for EntityRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.kind, self.namespace, self.name)
    }
}

impl fmt::Debug for EntityRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for EntityRef {
    type Err = EntityRefError;

    /// Reads a complete reference; the namespace may be left out, the kind may not.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse_in(text, None, DEFAULT_NAMESPACE)
    }
}

impl TryFrom<String> for EntityRef {
    type Error = EntityRefError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<EntityRef> for String {
    fn from(entity_ref: EntityRef) -> Self {
        entity_ref.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reference_leaves_out_is_taken_from_its_place() {
        for (text, kind, namespace, expected) in [
            ("team-a", Some("Group"), "default", "group:default/team-a"),
            ("ops/team-a", Some("Group"), "x", "group:ops/team-a"),
            ("user:Guest", Some("Group"), "x", "user:x/guest"),
            ("API:Ops/Orders", None, "x", "api:ops/orders"),
        ] {
            let parsed = EntityRef::parse_in(text, kind, namespace).unwrap();
            assert_eq!(parsed.to_string(), expected);
            assert_eq!(expected.parse::<EntityRef>().unwrap(), parsed);
        }
    }

    #[test]
    fn a_broken_reference_says_what_is_wrong() {
        for (text, expected) in [
            ("", "entity reference `` has an empty name"),
            (":x", "entity reference `:x` has an empty kind"),
            ("a:/x", "entity reference `a:/x` has an empty namespace"),
            ("a:b/", "entity reference `a:b/` has an empty name"),
            ("x", "entity reference `x` names no kind, and its place implies none"),
            ("a:b/c/d", "entity reference `a:b/c/d` is not of the form `[<kind>:][<namespace>/]<name>`"),
            ("a:b:c", "entity reference `a:b:c` is not of the form `[<kind>:][<namespace>/]<name>`"),
        ] {
            assert_eq!(text.parse::<EntityRef>().unwrap_err().to_string(), expected);
        }
    }
}
