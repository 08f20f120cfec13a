//! The text of a definition, YAML or JSON -> the few texts of it that are asked for. All of it is read, so that a file
//! that was cut or mistyped is noticed, and nothing of the rest is kept: no alias, however often it is repeated, and no
//! nesting takes memory.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::yaml;

/// Definitions nest schemas in schemas; the JSON parser stops at 128 by itself.
const MAX_DEPTH: usize = 100;

/// In YAML, whose parser takes more of the stack for each level.
const MAX_YAML_DEPTH: usize = 64;

/// Values of one definition after aliases are expanded: several times what fits into the largest file without them.
const MAX_VALUES: usize = 4_000_000;

/// Longest text that is kept, in bytes: longer ones are kept up to here.
const MAX_TEXT_BYTES: usize = 4 * 1024;

/// What stands at the top of a definition.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// All fields of the document and whether each is an object.
    pub(crate) fields: BTreeMap<String, bool>,
    /// Texts at the top, by field.
    pub(crate) texts: BTreeMap<String, String>,
    /// Texts of `info`, by field.
    pub(crate) info: BTreeMap<String, String>,
}

/// # Errors
/// Tells what is wrong and at which line and column; never what stands there.
pub(crate) fn outline(text: &str) -> Result<Outline, OutlineError> {
    let counter = Cell::new(MAX_VALUES);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('{') {
        let mut json = serde_json::Deserializer::from_str(text);
        let outline = Top { left: &counter }.deserialize(&mut json).and_then(|outline| json.end().map(|()| outline));
        match outline {
            Ok(outline) => return Ok(outline),
            // A comment or a bare key is no JSON, and is YAML all the same.
            Err(error) if is_maybe_yaml(text, &error) => {}
            Err(error) => return Err(OutlineError::Json(error)),
        }
    }
    let counter = Cell::new(MAX_VALUES);
    let read = |yaml: serde_saphyr::Deserializer<'_, '_>| Top { left: &counter }.deserialize(yaml);
    serde_saphyr::with_deserializer_from_str_with_options(text, options(), read)
        .map_err(|error| OutlineError::Yaml(yaml::place(&error)))
}

#[derive(Debug)]
pub(crate) enum OutlineError {
    Json(serde_json::Error),
    /// What is wrong, and where.
    Yaml(String),
}

/// JSON in YAML's looser spelling has no quote or brace where the JSON parser stopped.
fn is_maybe_yaml(text: &str, error: &serde_json::Error) -> bool {
    error.is_syntax() && {
        let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
        let at = line.char_indices().nth(error.column().saturating_sub(1)).map_or(line.len(), |(at, _)| at);
        let next = line[at..].chars().next();
        next.is_some_and(|c| c == '#' || c == '\'' || c.is_alphabetic())
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        strict_booleans: true,
        underscored_numbers_as_strings: true,
        ignore_binary_tag_for_string: true,
        with_snippet: false,
        emit_comments: false,
        budget: serde_saphyr::budget! {
            max_depth: MAX_YAML_DEPTH,
            flow_nesting_limit: MAX_YAML_DEPTH,
            max_nodes: MAX_VALUES,
            max_events: 3 * MAX_VALUES,
            max_aliases: 10_000,
            max_anchors: 10_000,
            max_recorded_anchor_events: 100_000,
            max_total_scalar_bytes: 64 * 1024 * 1024,
            max_merge_keys: 10_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
            max_replay_stack_depth: 32,
        },
    }
}

/// The document.
struct Top<'c> {
    left: &'c Cell<usize>,
}

/// `info`: its scalars are kept.
struct Info<'c> {
    left: &'c Cell<usize>,
}

/// Anything: a scalar as text, or `None` for a list and for an object, which is told apart by the flag.
struct Scalar<'c> {
    left: &'c Cell<usize>,
    depth: usize,
}

/// What a value was.
enum Seen {
    Text(String),
    Null,
    List,
    Object,
}

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = Outline;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Outline, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = Outline;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Outline, A::Error> {
        let mut outline = Outline::default();
        while let Some(key) = entries.next_key::<String>()? {
            let is_object = if key == "info" {
                match entries.next_value_seed(Info { left: self.left })? {
                    Some(info) => {
                        outline.info = info;
                        true
                    }
                    None => false,
                }
            } else {
                match entries.next_value_seed(Scalar { left: self.left, depth: 1 })? {
                    Seen::Text(text) => {
                        outline.texts.insert(key.clone(), text);
                        false
                    }
                    Seen::Object => true,
                    Seen::Null | Seen::List => false,
                }
            };
            if outline.fields.insert(key, is_object).is_some() {
                return Err(A::Error::custom("duplicate key"));
            }
        }
        Ok(outline)
    }
}

impl<'de> DeserializeSeed<'de> for Info<'_> {
    type Value = Option<BTreeMap<String, String>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Scalars and lists are no `info`.
macro_rules! not_an_object {
    ($($visit:ident: $type:ty),*) => {$(
        fn $visit<E: serde::de::Error>(self, _: $type) -> Result<Self::Value, E> {
            Ok(None)
        }
    )*};
}

impl<'de> Visitor<'de> for Info<'_> {
    type Value = Option<BTreeMap<String, String>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    not_an_object!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element_seed(Scalar { left: self.left, depth: 2 })?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut info = BTreeMap::new();
        while let Some(key) = entries.next_key::<String>()? {
            if let Seen::Text(text) = entries.next_value_seed(Scalar { left: self.left, depth: 2 })? {
                info.insert(key, text);
            }
        }
        Ok(Some(info))
    }
}

impl Scalar<'_> {
    fn spend<E: serde::de::Error>(&self) -> Result<(), E> {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.ok_or_else(|| E::custom("the file is too large when its aliases are expanded"))?);
        Ok(())
    }

    fn inside<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom("nested too deep"));
        }
        Ok(Self { left: self.left, depth: self.depth + 1 })
    }

    /// Deep texts are looked at and let go.
    fn text<E: serde::de::Error>(&self, text: &str) -> Result<Seen, E> {
        self.spend()?;
        if self.depth > 2 {
            return Ok(Seen::Null);
        }
        let mut end = text.len().min(MAX_TEXT_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Ok(Seen::Text(text[..end].to_owned()))
    }
}

impl<'de> DeserializeSeed<'de> for Scalar<'_> {
    type Value = Seen;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Seen, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scalar<'_> {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Seen, E> {
        self.spend()?;
        Ok(Seen::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Seen, E> {
        self.text(if value { "true" } else { "false" })
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Seen, E> {
        self.text(&value.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Seen, E> {
        self.text(&value.to_string())
    }

    /// `version: 1.0` means the text `1.0`, as people write it: a number without a fraction keeps one digit of it.
    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Seen, E> {
        self.text(&format!("{value:?}"))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Seen, E> {
        self.text(value)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Seen, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Seen, A::Error> {
        self.spend()?;
        while items.next_element_seed(self.inside()?)?.is_some() {}
        Ok(Seen::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Seen, A::Error> {
        self.spend()?;
        while entries.next_key::<Key>()?.is_some() {
            entries.next_value_seed(self.inside()?)?;
        }
        Ok(Seen::Object)
    }
}

/// Any key: `200:` is a number in YAML and a text in JSON.
struct Key;

impl<'de> serde::Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Key, E> {
        Ok(Key)
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Key, E> {
        Ok(Key)
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Key, E> {
        Ok(Key)
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Key, E> {
        Ok(Key)
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Key, E> {
        Ok(Key)
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Key, E> {
        Ok(Key)
    }
}
