//! Each row of the semantics table, read from Parquet and from CSV.

use std::collections::BTreeMap;

use bytes::Bytes;
use cost_model::{Amount, Amounts, Metric, Unallocated};
use serde_json::{Value, json};

use crate::test_sink::{Shown, read_csv, read_parquet};
use crate::write::{self, ReportRow};
use crate::{COLUMNS, ReadCounts};

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

/// A row of plain usage with these columns besides.
pub(crate) fn row(columns: &Value) -> ReportRow {
    let mut row = json!({
        "line_item_line_item_type": "Usage", "line_item_usage_account_id": "111122223333",
        "line_item_usage_start_date": "2026-10-01T23:00:00Z", "line_item_product_code": "AmazonEC2",
        "line_item_currency_code": "USD", "line_item_unblended_cost": "1",
    });
    for (name, value) in columns.as_object().unwrap() {
        row[name] = value.clone();
    }
    row.as_object().unwrap().clone()
}

/// What `show` makes of the row, read from Parquet and from CSV: they must agree.
fn read_with<T: PartialEq + std::fmt::Debug + Send>(
    columns: &Value,
    show: impl Fn(&Shown) -> T + Sync,
) -> (Option<T>, ReadCounts) {
    let (mut shown, row) = (None, row(columns));
    let file = Bytes::from(write::parquet(std::slice::from_ref(&row)).unwrap());
    let counts = read_parquet(file, |item| {
        shown = Some(show(item));
        Ok(())
    })
    .unwrap();
    let mut in_csv = None;
    let counts_of_csv = read_csv(&csv_of(&row), |item| {
        in_csv = Some(show(item));
        Ok(())
    })
    .unwrap();
    assert_eq!(in_csv, shown);
    assert_eq!(counts_of_csv.lines, counts.lines);
    (shown, counts)
}

fn csv_of(row: &ReportRow) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // A report has its commitment columns whether a row needs them or not.
    let names: Vec<&str> = COLUMNS.iter().map(|(_, name, _)| *name).filter(|name| !["tags"].contains(name)).collect();
    writer.write_record(&names).unwrap();
    let texts = names.iter().map(|name| match row.get(*name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    });
    writer.write_record(texts).unwrap();
    writer.into_inner().unwrap()
}

fn costs(columns: &Value) -> String {
    let show = |item: &Shown| Metric::ALL.map(|metric| item.amounts.get(metric).to_string()).join(" ");
    read_with(columns, show).0.unwrap_or_else(|| "no line item".into())
}

#[test]
fn each_line_item_type_costs_what_the_table_says() {
    let cost = "line_item_unblended_cost";
    for (columns, expected) in [
        (json!({cost: "0.096"}), "0.096 0.096 0.096"),
        (json!({cost: "0.096", "line_item_net_unblended_cost": "0.089"}), "0.096 0.096 0.089"),
        (json!({cost: "0.096", "line_item_net_unblended_cost": "0"}), "0.096 0.096 0"),
        (
            json!({"line_item_line_item_type": "SavingsPlanCoveredUsage", "savings_plan_savings_plan_effective_cost": "0.7"}),
            "1 0.7 0.7",
        ),
        (
            json!({"line_item_line_item_type": "SavingsPlanCoveredUsage", "savings_plan_savings_plan_effective_cost": "0.7",
                "savings_plan_net_savings_plan_effective_cost": "0.6", "line_item_net_unblended_cost": "0.9"}),
            "1 0.7 0.6",
        ),
        (
            json!({"line_item_line_item_type": "SavingsPlanNegation", cost: "-1", "line_item_net_unblended_cost": "-1"}),
            "-1 0 0",
        ),
        (json!({"line_item_line_item_type": "SavingsPlanUpfrontFee", cost: "100"}), "100 0 0"),
        (
            json!({"line_item_line_item_type": "SavingsPlanRecurringFee", cost: "7.5",
                "savings_plan_total_commitment_to_date": "10", "savings_plan_used_commitment": "9"}),
            "7.5 1 1",
        ),
        (
            json!({"line_item_line_item_type": "SavingsPlanRecurringFee", cost: "7.5",
                "savings_plan_total_commitment_to_date": "10", "savings_plan_used_commitment": "9",
                "savings_plan_net_amortized_upfront_commitment_for_billing_period": "2.3",
                "savings_plan_net_recurring_commitment_for_billing_period": "7"}),
            "7.5 1 0.93",
        ),
        (
            json!({"line_item_line_item_type": "SavingsPlanRecurringFee", cost: "7.5",
                "savings_plan_total_commitment_to_date": "10", "savings_plan_used_commitment": "9",
                "savings_plan_amortized_upfront_commitment_for_billing_period": "2.5",
                "savings_plan_net_recurring_commitment_for_billing_period": "7"}),
            "7.5 1 0.95",
        ),
        (
            json!({"line_item_line_item_type": "DiscountedUsage", cost: "0", "reservation_effective_cost": "0.63"}),
            "0 0.63 0.63",
        ),
        (
            json!({"line_item_line_item_type": "DiscountedUsage", cost: "0", "reservation_effective_cost": "0.63",
                "reservation_net_effective_cost": "0.5"}),
            "0 0.63 0.5",
        ),
        (
            json!({"line_item_line_item_type": "RIFee", cost: "30", "reservation_unused_recurring_fee": "1.5",
                "reservation_unused_amortized_upfront_fee_for_billing_period": "2.5"}),
            "30 4 4",
        ),
        (
            json!({"line_item_line_item_type": "RIFee", cost: "30", "reservation_unused_recurring_fee": "1.5",
                "reservation_unused_amortized_upfront_fee_for_billing_period": "2.5",
                "reservation_net_unused_recurring_fee": "1"}),
            "30 4 3.5",
        ),
        (json!({"line_item_line_item_type": "Fee", "reservation_reservation_a_r_n": "arn:aws:ec2:x"}), "1 0 0"),
        (json!({"line_item_line_item_type": "Fee", "reservation_reservation_a_r_n": ""}), "1 1 1"),
        (
            json!({"line_item_line_item_type": "Refund", cost: "-5", "line_item_product_code": "ComputeSavingsPlans",
                "line_item_line_item_description": "Refund for one-time fee for Savings Plan ID abc"}),
            "-5 0 0",
        ),
        (
            json!({"line_item_line_item_type": "Refund", cost: "-5", "line_item_product_code": "ComputeSavingsPlans",
                "line_item_line_item_description": "Refund for something else"}),
            "-5 -5 -5",
        ),
        (json!({"line_item_line_item_type": "Tax", cost: "19"}), "19 19 19"),
        (json!({"line_item_line_item_type": "Credit", cost: "-19"}), "-19 -19 -19"),
        (json!({"line_item_line_item_type": "EdpDiscount", cost: "-2"}), "-2 -2 -2"),
        (json!({"line_item_line_item_type": "FlatRateSubscription", cost: "15"}), "15 15 15"),
        (json!({"line_item_line_item_type": "SomethingOfNextYear", cost: "3"}), "3 3 3"),
        (json!({"line_item_operation": "EKSPod-EC2", cost: "0", "split_line_item_split_cost": "4"}), "no line item"),
        (json!({"line_item_operation": "ECSTask-EC2", cost: Value::Null}), "no line item"),
        (json!({"line_item_operation": "EKSPod-EC2", cost: "0", "line_item_line_item_type": "New"}), "no line item"),
        (json!({"line_item_operation": "ECSTask-EC2", cost: "0.5"}), "0.5 0.5 0.5"),
        (json!({cost: Value::Null}), "0 0 0"),
    ] {
        assert_eq!(costs(&columns), expected, "{columns}");
    }
}

#[test]
fn region_and_service_are_taken_from_the_best_column_that_says_them() {
    for (columns, expected) in [
        (json!({}), "global AmazonEC2"),
        (
            json!({"product_region_code": "eu-west-1", "product_servicecode": "AWSDataTransfer"}),
            "eu-west-1 AWSDataTransfer",
        ),
        (json!({"product_region_code": "", "product_region": "eu-west-2"}), "eu-west-2 AmazonEC2"),
        (json!({"product": {"region": "eu-west-3", "product_name": "EC2"}}), "eu-west-3 AmazonEC2"),
        (json!({"line_item_availability_zone": "us-gov-west-1b"}), "us-gov-west-1 AmazonEC2"),
        (json!({"line_item_availability_zone": "us-east-1-bos-1a"}), "us-east-1 AmazonEC2"),
        (json!({"bill_billing_entity": "AWS Marketplace", "product": {"product_name": "Graph DB"}}), "global Graph DB"),
        (json!({"bill_billing_entity": "AWS Marketplace", "product_product_name": "Logs"}), "global Logs"),
        (json!({"bill_billing_entity": "AWS Marketplace"}), "global AmazonEC2"),
    ] {
        let show = |item: &Shown| format!("{} {}", item.region, item.service);
        assert_eq!(read_with(&columns, show).0.unwrap(), expected, "{columns}");
    }
}

#[test]
fn a_line_without_resource_has_a_name_for_its_row() {
    for (columns, expected) in [
        (json!({}), Unallocated::NoResourceId),
        (json!({"line_item_line_item_type": "Tax"}), Unallocated::Tax),
        (json!({"line_item_line_item_type": "Refund"}), Unallocated::Refund),
        (json!({"line_item_line_item_type": "Credit"}), Unallocated::Credit),
        (json!({"line_item_line_item_type": "SppDiscount"}), Unallocated::Discount),
        (json!({"line_item_line_item_type": "SavingsPlanRecurringFee"}), Unallocated::SavingsPlanFee),
        (json!({"line_item_line_item_type": "SavingsPlanUpfrontFee"}), Unallocated::SavingsPlanFee),
        (json!({"line_item_line_item_type": "RIFee"}), Unallocated::ReservationFee),
        (
            json!({"line_item_line_item_type": "Fee", "line_item_product_code": "AWSSupportEnterprise"}),
            Unallocated::Support,
        ),
        (json!({"line_item_line_item_type": "Fee"}), Unallocated::Fee),
        (
            json!({"line_item_line_item_type": "Fee", "bill_billing_entity": "AWS Marketplace"}),
            Unallocated::Marketplace,
        ),
    ] {
        assert_eq!(read_with(&columns, |item| item.without_resource).0.unwrap(), expected, "{columns}");
    }
}

#[test]
fn a_line_about_a_commitment_is_no_resources() {
    let id = "line_item_resource_id";
    let show = |item: &Shown| (item.resource_id.is_some(), item.without_resource);
    for (columns, expected) in [
        (json!({id: "arn:aws:savingsplans::111122223333:savingsplan/1"}), (false, Unallocated::SavingsPlanFee)),
        (json!({id: "arn:aws:ec2:eu-west-1:111122223333:reserved-instances/1"}), (false, Unallocated::ReservationFee)),
        (json!({id: "arn:aws:rds:eu-west-1:111122223333:ri:1"}), (false, Unallocated::ReservationFee)),
        (json!({id: "x", "line_item_line_item_type": "RIFee"}), (false, Unallocated::ReservationFee)),
        (json!({id: "arn:aws:rds:eu-west-1:111122223333:db:ri"}), (true, Unallocated::NoResourceId)),
        (json!({id: "i-0a1b2c3d4e5f60718"}), (true, Unallocated::NoResourceId)),
        (json!({id: "bucket", "line_item_line_item_type": "Credit"}), (true, Unallocated::Credit)),
    ] {
        assert_eq!(read_with(&columns, show).0.unwrap(), expected, "{columns}");
    }
}

#[test]
fn days_tags_currencies_and_finality_are_read() {
    let show = |item: &Shown| {
        format!("{} {:?} {} {} {:?}", item.day, item.environment, item.currency, item.is_final, item.resource_id)
    };
    for (columns, expected) in [
        (json!({}), "2026-10-01 None USD false None"),
        (
            json!({"resource_tags": {"user_env": "dev", "user_environment": "prod", "aws_env": "x"}, "bill_invoice_id": "1",
                "line_item_resource_id": "i-1", "line_item_currency_code": "eur"}),
            "2026-10-01 Some(\"prod\") EUR true Some(\"i-1\")",
        ),
        (
            json!({"resource_tags": {"user_env": "dev"}, "line_item_currency_code": " "}),
            "2026-10-01 Some(\"dev\") XXX false None",
        ),
    ] {
        assert_eq!(read_with(&columns, show).0.unwrap(), expected, "{columns}");
    }
}

#[test]
fn what_was_odd_is_counted() {
    let fine = json!({"line_item_unblended_cost": "4.9e-324", "line_item_line_item_type": "New"});
    let (_, counts) = read_with(&fine, |item| item.amounts);
    assert_eq!((counts.lines, counts.rounded, counts.unknown_types), (1, 1, BTreeMap::from([("New".into(), 1)])));
    let mut without = row(&json!({"line_item_line_item_type": "SavingsPlanCoveredUsage"}));
    let file = b"lineItem/LineItemType,lineItem/UsageAccountId,lineItem/UsageStartDate,lineItem/ProductCode,lineItem/CurrencyCode,lineItem/UnblendedCost\nSavingsPlanCoveredUsage,1,2026-10-01T00:00:00Z,AmazonEC2,USD,1.5\n";
    let mut amounts = Amounts::default();
    let counts = read_csv(file, |item| amounts.add(&item.amounts)).unwrap();
    assert_eq!((counts.without_commitment_columns, amounts.amortized), (1, amount("1.5")));
    without.remove("line_item_usage_start_date");
    let file = Bytes::from(write::parquet(&[without]).unwrap());
    let error = read_parquet(file, |_| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "row 1: column `line_item_usage_start_date` holds ``, which is no time");
}
