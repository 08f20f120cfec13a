//! The text of one YAML document -> the JSON value that Backstage would read from it.
//!
//! YAML 1.2 core schema: `yes` and `on` are texts, so are timestamps; `0o14` is a number; `~` and nothing are null.
//! JSON is YAML, and is read by a parser of its own, which is faster. Tags that are not the core schema's are
//! ignored, as Backstage ignores them.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{DefaultMessageFormatter, Error, MessageFormatter, Options};

/// Nesting that no catalog file needs.
const MAX_DEPTH: usize = 64;

/// Values of one document after aliases are expanded.
const MAX_VALUES: usize = 200_000;

/// Text of one document after aliases are expanded: aliases may repeat a long text cheaply.
const MAX_TEXT_BYTES: usize = 16 * 1024 * 1024;

/// What is written out has more bytes than this for each of its values.
const BYTES_PER_VALUE: usize = 4;

/// Longest text of an error; the parser may quote the document.
const MAX_PROBLEM_CHARS: usize = 300;

/// What the documents of one file may still expand to: what they have written out, and once for the whole file as much
/// again as one document may have.
#[derive(Debug)]
pub(crate) struct Budget {
    values: Cell<usize>,
    text_bytes: Cell<usize>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { values: Cell::new(MAX_VALUES), text_bytes: Cell::new(MAX_TEXT_BYTES) }
    }
}

impl Budget {
    fn grant(&self, bytes: usize) {
        self.values.set(self.values.get().saturating_add(bytes / BYTES_PER_VALUE));
        self.text_bytes.set(self.text_bytes.get().saturating_add(bytes));
    }

    fn spend<E: serde::de::Error>(&self, text_bytes: usize) -> Result<(), E> {
        let values = self.values.get().checked_sub(1);
        let text = self.text_bytes.get().checked_sub(text_bytes);
        let (Some(values), Some(text)) = (values, text) else {
            return Err(E::custom("the file is too large when its aliases are expanded"));
        };
        self.values.set(values);
        self.text_bytes.set(text);
        Ok(())
    }
}

/// # Errors
/// Tells what is wrong and at which line and column of the stream: a syntax error, a duplicate key, an unknown alias,
/// a number that JSON has not (`.inf`), or a limit.
pub(crate) fn value(text: &str, lines_before: usize, budget: &Budget) -> Result<Value, String> {
    budget.grant(text.len());
    if let Some(value) = as_json(text) {
        return Ok(value);
    }
    let expand =
        |deserializer: serde_saphyr::Deserializer<'_, '_>| Expand { budget, depth: 0 }.deserialize(deserializer);
    serde_saphyr::with_deserializer_from_str_with_options(text, options(), expand)
        .map_err(|error| problem(&error, lines_before))
}

/// `None`: it is no JSON, or not within the limits; what is wrong is said in the words of YAML.
fn as_json(text: &str) -> Option<Value> {
    let text = text.strip_prefix("---").unwrap_or(text).trim_ascii();
    if !text.starts_with('{') {
        return None;
    }
    let budget = Budget::default();
    let mut json = serde_json::Deserializer::from_str(text);
    let value = Expand { budget: &budget, depth: 0 }.deserialize(&mut json).ok()?;
    json.end().ok()?;
    Some(value)
}

/// [`value`], for a file that may hold secrets.
///
/// # Errors
/// As [`value`]; what stands there is not told.
pub(crate) fn value_untold(text: &str, budget: &Budget) -> Result<Value, String> {
    budget.grant(text.len());
    let expand =
        |deserializer: serde_saphyr::Deserializer<'_, '_>| Expand { budget, depth: 0 }.deserialize(deserializer);
    serde_saphyr::with_deserializer_from_str_with_options(text, options(), expand).map_err(|error| place(&error))
}

fn options() -> Options {
    serde_saphyr::options! {
        strict_booleans: true,
        underscored_numbers_as_strings: true,
        ignore_binary_tag_for_string: true,
        with_snippet: false,
        emit_comments: false,
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_nodes: MAX_VALUES,
            max_events: 3 * MAX_VALUES,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_recorded_anchor_events: MAX_VALUES,
            max_total_scalar_bytes: MAX_TEXT_BYTES,
            max_merge_keys: 1_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_VALUES,
            max_replay_stack_depth: 32,
        },
    }
}

fn problem(error: &Error, lines_before: usize) -> String {
    let text = DefaultMessageFormatter.format_message(innermost(error));
    let mut text: String = text.chars().take(MAX_PROBLEM_CHARS).collect();
    text = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if let Some(location) = error.location() {
        let line = u64::try_from(lines_before).unwrap_or(u64::MAX).saturating_add(location.line());
        text.push_str(&format!(" at line {line} column {}", location.column()));
    }
    text
}

/// What is wrong and where, without a word of what stands there.
pub(crate) fn place(error: &Error) -> String {
    let problem = match innermost(error) {
        Error::Eof { .. } => "it ends too early",
        Error::MultipleDocuments { .. } => "it has more than one document",
        Error::DuplicateMappingKey { .. } => "a key is there twice",
        Error::UnknownAnchor { .. } => "an alias has no anchor",
        Error::Unexpected { .. } | Error::SerdeInvalidType { .. } => "a value is of another type than is expected",
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. } => {
            "it is nested too deep, or too large when its aliases are expanded"
        }
        Error::NonFiniteFloat { .. } => "a number is not finite",
        // Ours, and those of the scanner, which begin with what was scanned.
        Error::Message { msg, .. } if OWN_PROBLEMS.contains(&msg.as_str()) => msg.as_str(),
        _ => "it cannot be read",
    };
    match error.location() {
        Some(location) => format!("{problem} at line {} column {}", location.line(), location.column()),
        None => problem.to_owned(),
    }
}

/// Problems in our own words.
pub(crate) const OWN_PROBLEMS: &[&str] =
    &["nested too deep", "duplicate key", "the file is too large when its aliases are expanded"];

fn innermost(mut error: &Error) -> &Error {
    while let Error::AliasError { error: inner, .. } | Error::WithSnippet { error: inner, .. } = error {
        error = inner;
    }
    error
}

/// Builds the value and pays for every part of it.
struct Expand<'b> {
    budget: &'b Budget,
    depth: usize,
}

impl Expand<'_> {
    fn inside<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom("nested too deep"));
        }
        Ok(Self { budget: self.budget, depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Expand<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Expand<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        self.budget.spend(0)?;
        Ok(Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Value, E> {
        self.budget.spend(0)?;
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        self.budget.spend(0)?;
        Ok(Value::from(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        self.budget.spend(0)?;
        Ok(Value::from(value))
    }

    /// JavaScript has one kind of number and shows `1.0` as `1`.
    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        self.budget.spend(0)?;
        if let Ok(whole) = value.to_string().parse::<i64>() {
            return Ok(Value::from(whole));
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.budget.spend(value.len())?;
        Ok(Value::from(value))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.budget.spend(0)?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.inside()?)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.budget.spend(0)?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.budget.spend(key.len())?;
            let value = entries.next_value_seed(self.inside()?)?;
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("duplicate key"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::yaml_documents::split;

    fn read(stream: &str) -> Result<Value, String> {
        nth(stream, 0)
    }

    fn nth(stream: &str, at: usize) -> Result<Value, String> {
        let document = &split(stream.as_bytes())[at];
        value(std::str::from_utf8(&document.text).unwrap(), document.lines_before, &Budget::default())
    }

    #[test]
    fn scalars_are_read_by_the_core_schema() {
        for (text, expected) in [
            ("yes", json!("yes")),
            ("on", json!("on")),
            ("n", json!("n")),
            ("true", json!(true)),
            ("FALSE", json!(false)),
            ("~", json!(null)),
            ("null", json!(null)),
            ("", json!(null)),
            ("0o14", json!(12)),
            ("0x1F", json!(31)),
            ("0755", json!(755)),
            ("1_000", json!("1_000")),
            ("-12", json!(-12)),
            ("1.0", json!(1)),
            ("1.50", json!(1.5)),
            ("1e3", json!(1000)),
            ("2026-11-22", json!("2026-11-22")),
            ("2026-11-22T10:00:00Z", json!("2026-11-22T10:00:00Z")),
            ("12:30:45", json!("12:30:45")),
            ("1.2.3", json!("1.2.3")),
            ("'1'", json!("1")),
            ("nan", json!("nan")),
            ("!!str 1", json!("1")),
            ("!team platform", json!("platform")),
            ("=", json!("=")),
        ] {
            assert_eq!(read(&format!("a: {text}\n")), Ok(json!({"a": expected})), "{text}");
        }
    }

    #[test]
    fn json_is_yaml() {
        let text = "{\n\t\"a\": [1, 2.5, \"x\\u00e9\\/\", null, true],\n\t\"b\": {\"c\":\"d\"}\n}\n";
        assert_eq!(read(text).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn json_means_the_same_whichever_parser_reads_it() {
        for text in [
            r#"{"a": 1.0, "b": 1e3, "c": -0.0, "d": 1e-7, "e": 18446744073709551615, "f": -9223372036854775808, "g": 0.1}"#,
            r#"{"a": "---", "b": "x: y # z", "c": "\"\\\n\t\u0041", "d": ""}"#,
            r#"{"a": [], "b": {}, "c": [[{"d": [null]}]], "yes": "no", "null": false}"#,
            r#"{"y": 1, "=": "<<", "~": "~"}"#,
        ] {
            let by_yaml = read(&format!("# no JSON\n{text}"));
            assert_eq!(read(text), by_yaml, "{text}");
            assert_eq!(read(&format!("---\n{text}\n")), by_yaml, "{text}");
            assert!(by_yaml.is_ok(), "{by_yaml:?}");
        }
        let twice = read("{\"a\": 1, \"a\": 2}").unwrap_err();
        assert!(twice.to_lowercase().contains("duplicate"), "{twice}");
        assert!(read("{\"a\": 1} {\"b\": 2}").is_err());
        assert_eq!(read("{\"a\": 1, b: 2} # both"), Ok(json!({"a": 1, "b": 2})));
        let deep = |depth: usize| format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        for depth in [MAX_DEPTH - 2, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1] {
            assert_eq!(read(&deep(depth)).is_ok(), read(&format!("# no JSON\n{}", deep(depth))).is_ok(), "{depth}");
        }
    }

    #[test]
    fn anchors_and_merge_keys_are_expanded() {
        let text = "base: &b {x: 1, y: 2}\none: *b\ntwo:\n  <<: *b\n  y: 3\n";
        let expected = json!({"base": {"x": 1, "y": 2}, "one": {"x": 1, "y": 2}, "two": {"x": 1, "y": 3}});
        assert_eq!(read(text), Ok(expected));
    }

    #[test]
    fn an_error_tells_the_line_of_the_file() {
        let stream = "a: 1\n---\n# two\nb:\n  - [1\nc: 2\n";
        let error = nth(stream, 1).unwrap_err();
        assert!(error.contains("at line 6") || error.contains("at line 5"), "{error}");
        let twice = read("\n\na: 1\nb: 2\na: 3\n").unwrap_err();
        assert!(twice.contains("at line 5 column 1"), "{twice}");
        assert!(twice.to_lowercase().contains("duplicate"), "{twice}");
    }

    #[test]
    fn floods_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 999].join(", "));
        let deep_flow = format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000));
        let deep_block = (0..1_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<String>();
        for text in [&bomb, &long, &deep_flow, &deep_block] {
            assert!(read(text).is_err(), "{}", &text[..60]);
        }
        assert!(read("a: *nobody\n").is_err());
        assert!(read("a: .inf\n").is_err());
    }
}
