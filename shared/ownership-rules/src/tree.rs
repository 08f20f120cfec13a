//! YAML -> a tree whose every value knows its line, and places in it that know their path.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DefaultMessageFormatter, Error, MessageFormatter, Spanned};

use crate::OwnershipError;

const MAX_DEPTH: usize = 32;
const MAX_NODES: usize = 50_000;

/// Longest text of an error; the parser may quote the file.
const MAX_PROBLEM_CHARS: usize = 300;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    Nothing,
    Text(String),
    /// A number or a boolean, as it is written in YAML's core schema.
    Scalar(String),
    List(Vec<Node>),
    /// In the order of the file.
    Map(Vec<(Spanned<String>, Node)>),
}

pub(crate) type Node = Spanned<Tree>;

/// A value, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Place<'t> {
    tree: &'t Tree,
    line: u64,
    path: String,
}

/// # Errors
/// Fails on what is no YAML, with line and column, and beyond the limits.
pub(crate) fn parse(text: &str) -> Result<Node, OwnershipError> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
        emit_comments: false,
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: 3 * MAX_NODES,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_recorded_anchor_events: MAX_NODES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_NODES,
            max_replay_stack_depth: 16,
        },
    };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| OwnershipError::Yaml { problem: problem(&error) })
}

fn problem(error: &Error) -> String {
    let text = DefaultMessageFormatter.format_message(error);
    let text: String = text.chars().take(MAX_PROBLEM_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    match error.location() {
        Some(location) => {
            format!("line {} column {}: the file is no valid YAML: {text}", location.line(), location.column())
        }
        None => format!("the file is no valid YAML: {text}"),
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Nothing)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Tree::Map(map))
    }
}

impl<'t> Place<'t> {
    pub(crate) fn root(node: &'t Node) -> Self {
        Self { tree: &node.value, line: 1, path: String::new() }
    }

    /// What is wrong here.
    pub(crate) fn wrong(&self, problem: impl Into<String>) -> OwnershipError {
        let path = if self.path.is_empty() { "the file" } else { &self.path };
        OwnershipError::Value { line: self.line, path: path.to_owned(), problem: problem.into() }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self.tree, Tree::Nothing)
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Nothing, or an empty text.
    pub(crate) fn is_blank(&self) -> bool {
        self.is_nothing() || matches!(self.tree, Tree::Text(text) if text.is_empty())
    }

    /// The entries of a map; nothing has none.
    pub(crate) fn entries(&self) -> Result<Vec<(&'t str, Place<'t>)>, OwnershipError> {
        match self.tree {
            Tree::Nothing => Ok(Vec::new()),
            Tree::Map(map) => Ok(map.iter().map(|(key, node)| (key.value.as_str(), self.below(key, node))).collect()),
            Tree::Text(_) | Tree::Scalar(_) | Tree::List(_) => {
                Err(self.wrong("is no map; write `key: value` lines below it"))
            }
        }
    }

    /// A value of a map; `None` if there is none, or this is no map.
    pub(crate) fn get(&self, key: &str) -> Option<Place<'t>> {
        let Tree::Map(map) = self.tree else { return None };
        let (key, node) = map.iter().find(|(written, _)| written.value == key)?;
        Some(self.below(key, node))
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    fn below(&self, key: &Spanned<String>, node: &'t Node) -> Place<'t> {
        let written = &key.value;
        let is_plain = written.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        let shown = if is_plain { written.clone() } else { format!("{written:?}") };
        let dot = if self.path.is_empty() { "" } else { "." };
        Place { tree: &node.value, line: key.referenced.line(), path: format!("{}{dot}{shown}", self.path) }
    }

    pub(crate) fn items(&self) -> Result<Vec<Place<'t>>, OwnershipError> {
        let Tree::List(list) = self.tree else {
            return Err(self.wrong("is no list; write `[one, another]`, or lines that begin with `- `"));
        };
        let places = list.iter().enumerate().map(|(at, node)| Place {
            tree: &node.value,
            line: node.referenced.line(),
            path: format!("{}[{at}]", self.path),
        });
        Ok(places.collect())
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self.tree, Tree::List(_))
    }

    /// A text that is not empty. Numbers lose their zeros in front: they are asked for in quotes.
    pub(crate) fn text(&self) -> Result<&'t str, OwnershipError> {
        match self.tree {
            Tree::Text(text) if !text.trim().is_empty() => Ok(text),
            Tree::Text(_) | Tree::Nothing => Err(self.wrong("is empty; write a value, or leave it out")),
            Tree::Scalar(_) => Err(self.wrong("is a number or a boolean; write it in quotes")),
            Tree::List(_) | Tree::Map(_) => Err(self.wrong("is no text; write one value")),
        }
    }

    /// The map's only keys are these.
    pub(crate) fn check_keys(&self, known: &[&str]) -> Result<(), OwnershipError> {
        for (key, place) in self.entries()? {
            if !known.contains(&key) {
                return Err(place.wrong(format!("is unknown; known here are {}", known.join(", "))));
            }
        }
        Ok(())
    }
}
