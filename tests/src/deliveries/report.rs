//! A month's bill of the company, line by line, as a CUR 2.0 report: usage of its resources, a Savings Plan, tax, a
//! refund, support, and usage that names no resource.

use serde_json::json;

use super::aws::{Queue, s3_created, sqs_batch, uuid_of};
use super::{Plot, StoredObject, config};
use crate::company::Company;

/// Amounts of this module are whole numbers of 1e-10 of the currency.
const UNIT_DIGITS: usize = 10;

/// One line of the bill.
#[derive(Debug, Clone)]
pub struct Line {
    /// Column name and value, as text; columns that are not here are empty.
    pub columns: Vec<(&'static str, String)>,
    /// What the line costs by AWS's definitions, told apart from the columns: unblended, amortised, net amortised.
    pub expected: [i128; 3],
}

#[derive(Debug, Clone, Copy)]
struct Charge<'a> {
    line_type: &'a str,
    day: u32,
    account: &'a str,
    region: &'a str,
    product_code: &'a str,
    resource_id: &'a str,
    unblended: i128,
}

/// `12345` of 1e-10 is `0.0000012345`.
pub fn decimal(units: i128) -> String {
    let digits = format!("{:0width$}", units.abs(), width = UNIT_DIGITS + 1);
    let (whole, fraction) = digits.split_at(digits.len() - UNIT_DIGITS);
    let sign = if units < 0 { "-" } else { "" };
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// The other way round, for texts of at most ten decimals.
///
/// # Panics
/// Panics on anything else.
pub fn units(decimal: &str) -> i128 {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    format!("{whole}{fraction:0<UNIT_DIGITS$}").parse().expect("a decimal of at most ten digits")
}

fn line(company: &Company, charge: Charge<'_>, more: &[(&'static str, String)], amortised: i128) -> Line {
    let Charge { line_type, day, account, region, product_code, resource_id, unblended } = charge;
    let month = &company.month;
    let mut columns = vec![
        ("bill_billing_entity", "AWS".to_owned()),
        ("bill_payer_account_id", company.accounts.tooling.clone()),
        ("line_item_line_item_type", line_type.to_owned()),
        ("line_item_usage_account_id", account.to_owned()),
        ("line_item_usage_start_date", format!("{month}-{day:02}T00:00:00.000Z")),
        ("line_item_usage_end_date", format!("{month}-{day:02}T23:59:59.000Z")),
        ("line_item_product_code", product_code.to_owned()),
        ("product_servicecode", product_code.to_owned()),
        ("product_region_code", region.to_owned()),
        ("line_item_currency_code", "USD".to_owned()),
        ("line_item_unblended_cost", decimal(unblended)),
    ];
    if !resource_id.is_empty() {
        columns.push(("line_item_resource_id", resource_id.to_owned()));
    }
    columns.extend(more.iter().cloned());
    Line { columns, expected: [unblended, amortised, amortised] }
}

/// A price that differs from day to day and has all ten digits.
fn price(seed: i128, day: u32) -> i128 {
    let spread = (seed * 7_919 + i128::from(day) * 104_729) % 1_000_003;
    seed * 1_000_000 + spread * 3 + 1
}

/// Every line of the month.
pub fn lines(company: &Company) -> Vec<Line> {
    let Company { accounts, regions, .. } = company;
    let (home, away) = (regions[0].as_str(), regions[1].as_str());
    let databases =
        [config::database(company, &accounts.production, home), config::database(company, &accounts.staging, away)];
    let function = config::function(company, 1024);
    let queue = config::queue(company, &company.queue, Vec::new());
    let retired = config::queue(company, &company.retired_queue, Vec::new());
    let mut lines = Vec::new();
    let table = config::table(company);
    let pipelines = [0, 1].map(|at| config::pipeline(company, &company.pipelines[at]));
    for day in 1..=28 {
        let usage = |account, region, product_code, resource_id, seed| {
            let unblended = price(seed, day);
            let charge = Charge { line_type: "Usage", day, account, region, product_code, resource_id, unblended };
            line(company, charge, &[], unblended)
        };
        let (production, staging) = (accounts.production.as_str(), accounts.staging.as_str());
        lines.push(usage(production, home, "AmazonRDS", &databases[0].arn, 91_337));
        // The bill calls this cluster by the id that RDS gave it.
        let by_id = format!("arn:aws:rds:{away}:{staging}:cluster:{}", databases[1].id);
        lines.push(usage(staging, away, "AmazonRDS", &by_id, 30_113));
        lines.push(usage(production, away, "AmazonS3", &company.bucket, 1_117));
        lines.push(usage(production, home, "AmazonDynamoDB", &table.arn, 2_713));
        lines.push(usage(production, home, "AWSQueueService", &queue.arn, 17));
        lines.push(usage(production, home, "AWSQueueService", &retired.arn, 11));
        lines.push(usage(staging, away, "AmazonEC2", &company.orphan_instance, 23_041));
        lines.push(usage(production, home, "AmazonEC2", "", 4_409));
        for pipeline in &pipelines {
            lines.push(usage(&accounts.tooling, home, "AWSCodePipeline", &pipeline.arn, 331));
        }
        lines.extend(covered_function(company, &function.arn, day));
    }
    let monthly = |line_type, product_code, unblended| {
        let (account, region) = (accounts.tooling.as_str(), "");
        let charge = Charge { line_type, day: 1, account, region, product_code, resource_id: "", unblended };
        line(company, charge, &[], unblended)
    };
    lines.push(monthly("Tax", "AmazonRDS", 1_234_567_891_234));
    lines.push(monthly("Refund", "AmazonS3", -98_765_432_101));
    lines.push(monthly("Credit", "AmazonEC2", -5_000_000_000));
    lines.push(monthly("Fee", "AWSSupportBusiness", 1_000_000_000_000));
    lines.push(savings_plan_fee(company));
    lines
}

const PLAN: &str = "arn:aws:savingsplans::111122223333:savingsplan/0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9";

/// On-demand usage, the negation that takes it back, and what the plan really charges for it.
fn covered_function(company: &Company, arn: &str, day: u32) -> [Line; 2] {
    let account = company.accounts.production.as_str();
    let unblended = price(5_501, day);
    let effective = unblended * 3 / 4;
    let charge = Charge {
        line_type: "SavingsPlanCoveredUsage",
        day,
        account,
        region: company.home(),
        product_code: "AWSLambda",
        resource_id: arn,
        unblended,
    };
    let more = [
        ("savings_plan_savings_plan_a_r_n", PLAN.to_owned()),
        ("savings_plan_savings_plan_effective_cost", decimal(effective)),
    ];
    let covered = line(company, charge, &more, effective);
    let negation = Charge { line_type: "SavingsPlanNegation", unblended: -unblended, ..charge };
    [covered, line(company, negation, &[("savings_plan_savings_plan_a_r_n", PLAN.to_owned())], 0)]
}

/// The plan's hourly fee; amortised, only what nobody used of it counts.
fn savings_plan_fee(company: &Company) -> Line {
    let (total, used) = (744_000_000_000, 700_123_456_789);
    let charge = Charge {
        line_type: "SavingsPlanRecurringFee",
        day: 1,
        account: &company.accounts.tooling,
        region: "",
        product_code: "ComputeSavingsPlans",
        resource_id: PLAN,
        unblended: total,
    };
    let more = [
        ("savings_plan_savings_plan_a_r_n", PLAN.to_owned()),
        ("savings_plan_total_commitment_to_date", decimal(total)),
        ("savings_plan_used_commitment", decimal(used)),
    ];
    line(company, charge, &more, total - used)
}

/// What the lines of the month cost, added up from [`Line::expected`].
pub fn totals(lines: &[Line]) -> [String; 3] {
    [0, 1, 2].map(|metric| decimal(lines.iter().map(|line| line.expected[metric]).sum()))
}

pub fn month(company: &Company, plot: &mut Plot) {
    let lines = lines(company);
    let (month, bucket) = (&company.month, "callboard-reports");
    let export = "cur/daily-costs";
    let (first, second) = lines.split_at(lines.len() / 2);
    let mut files = Vec::new();
    for (number, part) in [(1, first), (2, second)] {
        let key = format!("{export}/data/BILLING_PERIOD={month}/daily-costs-{number:05}.snappy.parquet");
        files.push(format!("s3://{bucket}/{key}"));
        plot.objects.push(StoredObject { bucket, key, bytes: parquet(part), metadata: Vec::new() });
    }
    let manifest = json!({
        "executionId": uuid_of(&format!("{} {month}", company.organisation)),
        "exportArn": format!("arn:aws:bcm-data-exports:us-east-1:{}:export/daily-costs-{}", company.accounts.tooling, uuid_of(export)),
        "columns": [],
        "dataFiles": files,
    });
    let key = format!("{export}/metadata/BILLING_PERIOD={month}/daily-costs-Manifest.json");
    let bytes = manifest.to_string().into_bytes();
    let (account, region) = (company.accounts.tooling.as_str(), company.home());
    let notification = s3_created(account, region, bucket, &key, &bytes, "2026-11-03T04:05:06.789Z");
    plot.objects.push(StoredObject { bucket, key, bytes, metadata: Vec::new() });
    let queue = Queue { account, region, name: "callboard-reports" };
    plot.deliver("cost-report", "month", sqs_batch(queue, 1_793_678_706_789, &[notification.to_string()]));
}

fn parquet(lines: &[Line]) -> Vec<u8> {
    let rows: Vec<billing_report::write::ReportRow> = lines
        .iter()
        .map(|line| line.columns.iter().map(|(column, value)| ((*column).to_owned(), json!(value))).collect())
        .collect();
    billing_report::write::parquet(&rows).expect("the plot's lines fit their columns")
}
