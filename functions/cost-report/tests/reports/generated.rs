//! A bill of lines of every kind, as hard to add up as one can be.

use billing_report::write::ReportRow;
use serde_json::{Value, json};

use crate::reports::{line, of_type};

/// Lines of every kind, with amounts that are easy and hard for doubles. `seed` is that of the series.
pub(crate) fn generated(seed: u64, lines: usize) -> Vec<ReportRow> {
    let mut state = seed;
    let mut next = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let types = [
        "Usage",
        "Usage",
        "Usage",
        "Usage",
        "DiscountedUsage",
        "SavingsPlanCoveredUsage",
        "SavingsPlanNegation",
        "SavingsPlanRecurringFee",
        "SavingsPlanUpfrontFee",
        "RIFee",
        "Fee",
        "Tax",
        "Credit",
        "Refund",
        "EdpDiscount",
        "Novelty",
    ];
    let usages = [
        ("BoxUsage:m6i.large", "RunInstances"),
        ("EUW1-EBS:VolumeUsage.gp2", "CreateVolume-Gp2"),
        ("NatGateway-Bytes", "NatGateway"),
        ("Requests-Tier1", "PutObject"),
        ("", "EKSPod-EC2"),
        ("", "ECSTask-EC2"),
    ];
    let mut amount = {
        let mut next = next;
        move || match next(13) {
            0 => "0".to_owned(),
            1 => "-0.0000000001".to_owned(),
            2 => "1.81E-8".to_owned(),
            3 => "0.1234567890123456".to_owned(),
            4 => "0.0000000000000000123".to_owned(),
            5 => "1234567.0123".to_owned(),
            6 => format!("-{}.5", next(90_000)),
            7 => format!("{}.{:010}", next(99_999), next(1 << 31)),
            8 => "99999.9999999999".to_owned(),
            9 => "0.000000000000000000015".to_owned(),
            _ => format!("0.{:010}", next(1000) * 25),
        }
    };
    let costs = [
        "line_item_unblended_cost",
        "line_item_net_unblended_cost",
        "savings_plan_savings_plan_effective_cost",
        "savings_plan_net_savings_plan_effective_cost",
        "reservation_effective_cost",
        "reservation_net_effective_cost",
        "reservation_unused_amortized_upfront_fee_for_billing_period",
        "reservation_unused_recurring_fee",
        "reservation_net_unused_recurring_fee",
        "savings_plan_net_amortized_upfront_commitment_for_billing_period",
        "savings_plan_recurring_commitment_for_billing_period",
    ];
    (0..lines)
        .map(|_| {
            let (usage_type, operation) = usages[next(usages.len())];
            let (day, hour) = (1 + next(3), next(22));
            let resource = [format!("i-0a1b2c3d4e5f6071{}", next(4)), "orders".to_owned(), String::new()];
            let mut row = of_type(line("AmazonEC2", &resource[next(3)], "0"), types[next(types.len())]);
            let mut set = |name: &str, value: Value| row.insert(name.to_owned(), value);
            set("line_item_usage_type", json!(usage_type));
            set("line_item_operation", json!(operation));
            set("line_item_usage_start_date", json!(format!("2026-10-{day:02}T{hour:02}:00:00Z")));
            let end = match next(12) {
                0 => Value::Null,
                1 => json!("2026-11-01T00:00:00Z"),
                2 => json!("2026-10-01T00:00:00Z"),
                _ => json!(format!("2026-10-{day:02}T{:02}:59:59Z", hour + next(2))),
            };
            set("line_item_usage_end_date", end);
            set("line_item_usage_account_id", json!(["111122223333", "000000000042"][next(2)]));
            set("line_item_currency_code", json!(["USD", "USD", "EUR"][next(3)]));
            set("line_item_line_item_description", json!("Refund for one-time fee for Savings Plan ID 1"));
            set("pricing_unit", json!("Hrs"));
            set("line_item_unblended_rate", json!(["0.096", "0.0960000000", ""][next(3)]));
            set("bill_invoice_id", json!(["", "4711"][next(2)]));
            set("bill_billing_entity", json!(["AWS", "AWS Marketplace"][next(2)]));
            set("savings_plan_total_commitment_to_date", json!("24"));
            set("savings_plan_used_commitment", json!(["23.1", "7"][next(2)]));
            set("line_item_usage_amount", json!(amount()));
            if operation.ends_with("-EC2") {
                set("split_line_item_parent_resource_id", json!("i-0a1b2c3d4e5f60711"));
                set("split_line_item_split_cost", json!(amount()));
                set("split_line_item_unused_cost", json!(["0.01", "-0.01", "0"][next(3)]));
            }
            for cost in costs {
                let is_free = operation.ends_with("-EC2") && next(4) > 0;
                if next(4) > 0 {
                    set(cost, json!(if is_free { "0".to_owned() } else { amount() }));
                }
            }
            let tags =
                [json!({"user_component": "orders", "user_noise": "x"}), json!({"user_Team": "shop"}), Value::Null];
            set("resource_tags", tags[next(3)].clone());
            set("product", json!({"product_name": "Elastic 'quoted' Thing", "region": "eu-west-1", "noise": "y"}));
            row
        })
        .collect()
}
