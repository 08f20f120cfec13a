//! Maps in CSV: CUR 2.0 writes them as JSON objects. Those of a resource are the same on each of its lines.

use std::collections::HashMap;

use serde_json::Value;

use crate::columns::Column;
use crate::names::{Name, Names};
use crate::tag_keys::{Rank, TagKeys, TagRole};

/// What the tags of one map say, by role.
pub(crate) type Said = [(Rank, Name); TagRole::COUNT];

/// Maps that are remembered, and the longest that is.
const MAX_KEPT: usize = 16 * 1024;
const MAX_KEPT_BYTES: usize = 2048;

/// The maps that were read last.
#[derive(Debug, Default)]
pub(crate) struct Maps {
    kept: HashMap<(Column, String), Said>,
}

impl Maps {
    pub(crate) fn said(&mut self, column: Column, text: &str, keys: &TagKeys, names: &mut Names) -> Said {
        let nothing = [(Rank::MAX, Names::BLANK); TagRole::COUNT];
        if text.len() < 3 {
            return nothing;
        }
        let key = (column, text.to_owned());
        if let Some(said) = self.kept.get(&key) {
            return *said;
        }
        let mut said = nothing;
        if let Ok(Value::Object(map)) = serde_json::from_str(text) {
            for (key, value) in &map {
                let role = keys.of_map(column, key);
                let value = value.as_str().map(str::trim).filter(|value| !value.is_empty());
                if let (Some((role, rank)), Some(value)) = (role, value)
                    && rank < said[role as usize].0
                {
                    said[role as usize] = (rank, names.number(value));
                }
            }
        }
        if text.len() <= MAX_KEPT_BYTES {
            if self.kept.len() >= MAX_KEPT {
                self.kept.clear();
            }
            self.kept.insert(key, said);
        }
        said
    }

    /// The value of one key.
    pub(crate) fn value(text: &str, key: &str) -> Option<String> {
        if !text.starts_with('{') {
            return None;
        }
        let map: HashMap<String, Value> = serde_json::from_str(text).ok()?;
        map.get(key)?.as_str().map(str::to_owned)
    }
}
