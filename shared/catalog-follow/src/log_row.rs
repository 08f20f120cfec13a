//! One row of the log: what a record contributes to the catalog, and whom its change touched.

use catalog_model::RecordKey;
use catalog_search::{IndexRow, RowState, Touched};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRow {
    #[serde(with = "record_key_text")]
    pub key: RecordKey,
    pub rv: u64,
    pub state: RowState,
    /// `None` in the first format of the log: nobody can say any more whom the change touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touched: Option<Touched>,
}

impl LogRow {
    /// The row of a record that was `before`.
    pub fn of_change(before: &RowState, row: IndexRow) -> Self {
        let touched = Some(Touched::between(before, &row.state));
        Self { key: row.key, rv: row.rv, state: row.state, touched }
    }

    pub fn into_index_row(self) -> IndexRow {
        IndexRow { key: self.key, rv: self.rv, state: self.state }
    }
}

mod record_key_text {
    use catalog_model::RecordKey;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(key: &RecordKey, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(key)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RecordKey, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use catalog_model::{Claim, EntityRef, Identity, Key};

    use super::*;

    #[test]
    fn a_row_reads_back_and_one_of_the_first_format_does_not_know_whom_it_touched() {
        let orders = Identity::of_entity(&EntityRef::component("orders"));
        let key = RecordKey::Alias(Key::of_ref(&EntityRef::resource("db")));
        let claims = RowState::Alias(BTreeSet::from([Claim { identity: orders, by_arn: true }]));
        let before = RowState::of_nothing(&key);
        let row = LogRow::of_change(&before, IndexRow { key, rv: 7, state: claims });
        let text = serde_json::to_string(&row).unwrap();
        assert_eq!(serde_json::from_str::<LogRow>(&text).unwrap(), row);

        let first = serde_json::to_string(&row.clone().into_index_row()).unwrap();
        assert_eq!(serde_json::from_str::<LogRow>(&first).unwrap(), LogRow { touched: None, ..row });
    }
}
