//! What AWS Config says of a resource's health and of the state of its own words -> status items.
//!
//! Neither bears existence: an item is shown of what exists by other words.

use std::collections::BTreeMap;

use crate::existence::incomplete;
use crate::fragment::{Pointer, Record};
use crate::stitch::{Field, StatusItem};

/// Where the counts of rules stand in an entity: `nonCompliant`, `compliant`, `notApplicable`, `insufficientData`, and
/// `failing`, the names of the first rules that are not met.
pub const COMPLIANCE: [&str; 3] = ["spec", "aws", "compliance"];

pub(crate) fn items(record: &Record, fields: &BTreeMap<Pointer, Field>) -> Vec<StatusItem> {
    let mut items = Vec::new();
    if incomplete(record).is_some() {
        items.push(StatusItem {
            item_type: "callboard/incomplete",
            level: "warning",
            message:
                "AWS Config saw a state that is too large for its message and could not be read elsewhere; what is \
                      shown is of an older state, until the next reconcile"
                    .to_owned(),
        });
    }
    items.extend(compliance(fields));
    items
}

fn compliance(fields: &BTreeMap<Pointer, Field>) -> Option<StatusItem> {
    let said = |name| fields.get(&Pointer::to(COMPLIANCE.into_iter().chain([name]))).map(|field| &field.value);
    let count = |name| said(name).and_then(serde_json::Value::as_u64);
    let (failing, met) = (count("nonCompliant")?, count("compliant")?);
    let item_type = "callboard/compliance";
    if failing == 0 {
        let message = format!("meets all {met} rules of AWS Config that apply to it");
        return (met > 0).then_some(StatusItem { item_type, level: "info", message });
    }
    let names: Vec<&str> = said("failing")
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str())
        .collect();
    let more = if u64::try_from(names.len()).is_ok_and(|named| named < failing) { ", ..." } else { "" };
    let message =
        format!("does not meet {failing} of {} rules of AWS Config: {}{more}", failing + met, names.join(", "));
    Some(StatusItem { item_type, level: "warning", message })
}
