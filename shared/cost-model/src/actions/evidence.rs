//! What a report shows of single resources, beside the rollups of one generation. Version 1:
//!
//! ```json
//! {"v": 1, "month": "2026-10",
//!  "usage": [{"resource": "arn:aws:ec2:eu-west-1:111122223333:volume/vol-1", "account": "111122223333", "region": "eu-west-1",
//!             "productCode": "AmazonEC2", "usageType": "EU-EBS:VolumeUsage.gp2", "operation": "CreateVolume-Gp2", "unit": "GB-Mo",
//!             "usage": "100", "cost": "11", "currency": "USD", "component": "component:default/orders",
//!             "owner": "group:default/team-a", "lastDay": "2026-10-31"}],
//!  "prices": [{"region": "eu-west-1", "productCode": "AmazonEC2", "usageType": "EU-EBS:VolumeUsage.gp3",
//!              "unit": "GB-Mo", "currency": "USD", "price": "0.088"}]}
//! ```

use catalog_model::EntityRef;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::amount::Amount;
use crate::currency::Currency;
use crate::month::Month;

const VERSION: u64 = 1;

#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    #[error("stored evidence is not of version {VERSION}")]
    Version,
    #[error("stored evidence cannot be read")]
    Form {
        #[source]
        source: serde_json::Error,
    },
    #[error("stored evidence is of `{0}`, which is no month")]
    Month(String),
}

/// Of one bill in one month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub month: Month,
    /// At most one for each resource, usage type, operation, unit and currency.
    pub usage: Vec<Usage>,
    pub prices: Vec<Price>,
}

/// What one resource used of one thing in the month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Identity of the resource.
    pub resource: String,
    pub account: String,
    pub region: String,
    pub product_code: String,
    /// As the report has it, with its region's prefix.
    pub usage_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// In the unit; negations are no usage.
    pub usage: Amount,
    /// Unblended.
    pub cost: Amount,
    pub currency: Currency,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<EntityRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<EntityRef>,
    /// Last day on which it was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_day: Option<String>,
    /// Some of it is covered by a commitment: another price would save nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub covered: bool,
}

/// The lowest price of one unit that somebody paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    pub region: String,
    pub product_code: String,
    pub usage_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    pub currency: Currency,
    pub price: Amount,
}

#[derive(Serialize, Deserialize)]
struct Body {
    v: u64,
    month: String,
    usage: Vec<Usage>,
    prices: Vec<Price>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Evidence {
    /// # Errors
    /// Fails on anything of another form or version.
    pub fn from_json(body: Value) -> Result<Self, EvidenceError> {
        if body["v"] != VERSION {
            return Err(EvidenceError::Version);
        }
        let body: Body = serde_json::from_value(body).map_err(|source| EvidenceError::Form { source })?;
        let month = body.month.parse().map_err(|_| EvidenceError::Month(body.month))?;
        Ok(Self { month, usage: body.usage, prices: body.prices })
    }

    /// The body to be stored.
    ///
    /// # Errors
    /// Never for what was read or made of texts and amounts.
    pub fn to_json(&self) -> Result<Value, EvidenceError> {
        let (usage, prices) = (self.usage.clone(), self.prices.clone());
        let body = Body { v: VERSION, month: self.month.to_string(), usage, prices };
        serde_json::to_value(body).map_err(|source| EvidenceError::Form { source })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn evidence_reads_back_and_says_what_it_cannot_read() {
        let body = json!({
            "v": 1, "month": "2026-10", "leftOut": 3,
            "usage": [{
                "resource": "arn:aws:ec2:eu-west-1:111122223333:volume/vol-1", "account": "111122223333", "region": "eu-west-1",
                "productCode": "AmazonEC2", "usageType": "EU-EBS:VolumeUsage.gp2", "unit": "GB-Mo", "usage": "100",
                "cost": "11", "currency": "USD", "owner": "group:default/team-a", "lastDay": "2026-10-31",
            }],
            "prices": [{
                "account": "111122223333", "region": "eu-west-1", "productCode": "AmazonEC2",
                "usageType": "EU-EBS:VolumeUsage.gp3", "unit": "GB-Mo", "currency": "USD", "price": "0.088",
            }],
        });
        let evidence = Evidence::from_json(body.clone()).unwrap();
        assert_eq!(evidence.usage[0].cost.to_string(), "11");
        assert_eq!(Evidence::from_json(evidence.to_json().unwrap()).unwrap(), evidence);
        let changed = |field: &str, value: Value| {
            let mut body = body.clone();
            body[field] = value;
            Evidence::from_json(body).unwrap_err().to_string()
        };
        assert_eq!(changed("v", json!(2)), "stored evidence is not of version 1");
        assert_eq!(changed("month", json!("x")), "stored evidence is of `x`, which is no month");
        assert_eq!(changed("usage", json!([{}])), "stored evidence cannot be read");
    }
}
