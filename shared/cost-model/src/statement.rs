//! The rollups of a whole bill -> the month's statement: every owner, component and unallocated reason, adding up to the bill.

use std::collections::BTreeMap;

use catalog_model::EntityRef;
use serde_json::{Value, json};

use crate::amount::AmountError;
use crate::amounts::{Amounts, Metric};
use crate::currency::Currency;
use crate::rollup::{Attribution, Rollup};

/// Rows in the order of owner (none first), component (before reasons), currency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statement {
    pub rows: Vec<StatementRow>,
    pub totals: BTreeMap<Currency, Amounts>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRow {
    pub owner: Option<EntityRef>,
    pub attribution: Attribution,
    pub currency: Currency,
    pub amounts: Amounts,
}

impl Statement {
    /// Of the rollups of scope `all` of one month: one for each bill.
    ///
    /// # Errors
    /// Fails beyond the largest amount.
    pub fn of<'a>(rollups: impl IntoIterator<Item = &'a Rollup>) -> Result<Self, AmountError> {
        let mut rows: BTreeMap<(Option<&EntityRef>, &Attribution, Currency), Amounts> = BTreeMap::new();
        let mut totals: BTreeMap<Currency, Amounts> = BTreeMap::new();
        for (_, dimensions, amounts) in rollups.into_iter().flat_map(Rollup::cells) {
            let row = (dimensions.owner.as_ref(), &dimensions.attribution, dimensions.currency);
            rows.entry(row).or_default().add(amounts)?;
            totals.entry(dimensions.currency).or_default().add(amounts)?;
        }
        let rows = rows
            .into_iter()
            .map(|((owner, attribution, currency), amounts)| StatementRow {
                owner: owner.cloned(),
                attribution: attribution.clone(),
                currency,
                amounts,
            })
            .collect();
        Ok(Self { rows, totals })
    }

    /// `{month, totals: {"USD": {unblended, amortized, net_amortized}}, rows: [{owner, component, unallocated, currency,
    /// unblended, amortized, net_amortized}]}`; exactly one of `component` and `unallocated` is not `null`.
    pub fn to_json(&self, month: &str) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                let mut body = amounts_json(&row.amounts);
                body["owner"] = json!(row.owner);
                body["component"] = json!(row.attribution.component());
                body["unallocated"] = json!(row.attribution.unallocated());
                body["currency"] = json!(row.currency);
                body
            })
            .collect();
        let totals: serde_json::Map<String, Value> =
            self.totals.iter().map(|(currency, amounts)| (currency.to_string(), amounts_json(amounts))).collect();
        json!({ "month": month, "totals": totals, "rows": rows })
    }

    /// RFC 4180, with a head line and without totals: the rows add up to them. A name that a spreadsheet would take for a
    /// formula has an apostrophe before it.
    pub fn to_csv(&self, month: &str) -> String {
        let mut text = String::from("month,owner,component,unallocated,currency,unblended,amortized,net_amortized\r\n");
        for row in &self.rows {
            let mut fields = vec![
                month.to_owned(),
                plain(row.owner.as_ref().map(ToString::to_string).unwrap_or_default()),
                plain(row.attribution.component().map(ToString::to_string).unwrap_or_default()),
                row.attribution.unallocated().map(|reason| reason.to_string()).unwrap_or_default(),
                row.currency.to_string(),
            ];
            fields.extend(Metric::ALL.iter().map(|metric| row.amounts.get(*metric).to_string()));
            let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
            text.push_str(&fields.join(","));
            text.push_str("\r\n");
        }
        text
    }
}

fn amounts_json(amounts: &Amounts) -> Value {
    json!({
        "unblended": amounts.unblended,
        "amortized": amounts.amortized,
        "net_amortized": amounts.net_amortized,
    })
}

/// A name that no spreadsheet takes for a formula. Amounts are none: a minus is theirs.
fn plain(name: String) -> String {
    if name.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{name}") } else { name }
}

fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\r', '\n']) {
        return format!("\"{}\"", field.replace('"', "\"\""));
    }
    field.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insights::sample::rollups;

    #[test]
    fn a_statement_is_safe_to_open_in_a_spreadsheet() {
        let month = rollups(&[
            "2026-10-01 AmazonEC2 eu-west-1 111122223333 prod orders team-a USD -0.5",
            "2026-10-01 Tax global 111122223333 - Tax - USD 20",
        ]);
        let mut statement = Statement::of(&month).unwrap();
        assert_eq!(
            statement.to_csv("2026-10"),
            "month,owner,component,unallocated,currency,unblended,amortized,net_amortized\r\n\
             2026-10,,,Tax,USD,20,20,20\r\n\
             2026-10,group:default/team-a,component:default/orders,,USD,-0.5,-0.5,-0.5\r\n"
        );
        // No reference looks so today; whoever makes one that does is not trusted.
        for kind in ["=cmd|x", "+1", "@sum", "-2"] {
            statement.rows[1].owner = Some(EntityRef::new(kind, "default", "a\",b"));
            let csv = statement.to_csv("2026-10");
            assert!(csv.contains(&format!("2026-10,\"'{kind}:default/a\"\",b\",")), "{csv}");
        }
    }
}
