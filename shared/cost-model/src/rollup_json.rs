//! A rollup <-> its stored body. Version 1:
//!
//! ```json
//! {"v": 1, "month": "2026-10", "rows": [{"service": "AmazonEC2", "region": "eu-west-1", "account": "111122223333",
//!   "environment": "prod", "component": "component:default/orders", "owner": "group:default/shop", "currency": "USD",
//!   "days": [[1, "0.096"], [2, "0", "0.07"], [3, "0", "0.07", "0.065"]]}]}
//! ```
//!
//! `environment`, `owner` and `component` are left out where there is none; `unallocated` stands for the component then.
//! A day is its number and its amounts: unblended, amortised, net amortised; amounts at the end that repeat the one before
//! are left out. Days of zero are not stored.

use catalog_model::EntityRef;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::amount::{Amount, AmountError};
use crate::amounts::Amounts;
use crate::currency::Currency;
use crate::month::Month;
use crate::rollup::{Attribution, Days, Dimensions, Rollup};
use crate::unallocated::Unallocated;

const VERSION: u64 = 1;

#[derive(Debug, thiserror::Error)]
pub enum RollupError {
    #[error("a stored rollup is not of version {VERSION}")]
    Version,
    #[error("a stored rollup cannot be read")]
    Form {
        #[source]
        source: serde_json::Error,
    },
    #[error("a stored rollup has {0}")]
    Content(String),
    #[error("a stored rollup holds an amount that is none")]
    Amount {
        #[source]
        source: AmountError,
    },
}

#[derive(Serialize, Deserialize)]
struct Body {
    v: u64,
    month: String,
    rows: Vec<BodyRow>,
}

#[derive(Serialize, Deserialize)]
struct BodyRow {
    service: String,
    region: String,
    account: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    component: Option<EntityRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unallocated: Option<Unallocated>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<EntityRef>,
    currency: Currency,
    days: Vec<Vec<Value>>,
}

impl Rollup {
    /// The body to be stored. Equal rollups have equal bodies.
    pub fn to_json(&self) -> Value {
        let rows: Vec<BodyRow> = self.rows().filter_map(|(dimensions, days)| body_row(dimensions, days)).collect();
        let body = Body { v: VERSION, month: self.month().to_string(), rows };
        serde_json::to_value(&body).expect("texts and numbers always serialise")
    }

    /// # Errors
    /// Fails on anything that [`Rollup::to_json`] would not have written.
    pub fn from_json(body: Value) -> Result<Self, RollupError> {
        if body["v"] != VERSION {
            return Err(RollupError::Version);
        }
        let body: Body = serde_json::from_value(body).map_err(|source| RollupError::Form { source })?;
        let month: Month =
            body.month.parse().map_err(|_| RollupError::Content(format!("the month `{}`", body.month)))?;
        let mut rollup = Self::new(month);
        for row in body.rows {
            let attribution = match (row.component, row.unallocated) {
                (Some(component), None) => Attribution::Component(component),
                (None, Some(reason)) => Attribution::Unallocated(reason),
                _ => return Err(RollupError::Content("a row without exactly one of component and unallocated".into())),
            };
            let dimensions = Dimensions {
                service: row.service,
                region: row.region,
                account: row.account,
                environment: row.environment,
                attribution,
                owner: row.owner,
                currency: row.currency,
            };
            let mut days = Days::with_capacity(row.days.len());
            for day in &row.days {
                let (day, amounts) = read_day(month, day)?;
                days.add(day, &amounts).map_err(|source| RollupError::Amount { source })?;
            }
            rollup.add_row(dimensions, days).map_err(|source| RollupError::Amount { source })?;
        }
        Ok(rollup)
    }
}

fn body_row(dimensions: &Dimensions, days: &Days) -> Option<BodyRow> {
    let days: Vec<Vec<Value>> =
        days.iter().filter(|(_, amounts)| !amounts.is_zero()).map(|(day, amounts)| body_day(*day, amounts)).collect();
    if days.is_empty() {
        return None;
    }
    Some(BodyRow {
        service: dimensions.service.clone(),
        region: dimensions.region.clone(),
        account: dimensions.account.clone(),
        environment: dimensions.environment.clone(),
        component: dimensions.attribution.component().cloned(),
        unallocated: dimensions.attribution.unallocated(),
        owner: dimensions.owner.clone(),
        currency: dimensions.currency,
        days,
    })
}

fn body_day(day: Date, amounts: &Amounts) -> Vec<Value> {
    let mut body = vec![json!(day.day()), json!(amounts.unblended)];
    let net_differs = amounts.net_amortized != amounts.amortized;
    if net_differs || amounts.amortized != amounts.unblended {
        body.push(json!(amounts.amortized));
    }
    if net_differs {
        body.push(json!(amounts.net_amortized));
    }
    body
}

fn read_day(month: Month, body: &[Value]) -> Result<(Date, Amounts), RollupError> {
    let [day, unblended, rest @ ..] = body else {
        return Err(RollupError::Content("a day without amount".into()));
    };
    let number = day.as_i64().and_then(|day| i8::try_from(day).ok());
    let date = number.and_then(|day| month.day(day));
    let date = date.ok_or_else(|| RollupError::Content(format!("the day {day} in {month}")))?;
    let unblended = read_amount(unblended)?;
    let amortized = rest.first().map_or(Ok(unblended), read_amount)?;
    let net_amortized = rest.get(1).map_or(Ok(amortized), read_amount)?;
    Ok((date, Amounts { unblended, amortized, net_amortized }))
}

fn read_amount(value: &Value) -> Result<Amount, RollupError> {
    let text = value.as_str().ok_or_else(|| RollupError::Content(format!("the amount {value}, which is no text")))?;
    text.parse().map_err(|source| RollupError::Amount { source })
}
