//! A thousand generated bills: whatever is discounted, refunded, covered, split or billed in another currency, the parts add up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use bytes::Bytes;
use catalog_model::{EntityRef, Identity};
use cost_model::{
    Allocation, Amount, AmountError, Amounts, Attribution, Currency, Dimensions, Metric, Scope, ScopeRollups, Share,
    Statement, Unallocated,
};
use serde_json::json;

use crate::write::{self, ReportRow};
use crate::{LineItem, LineSums, Names, Place, PriceKey, ReadCounts, Sink, SplitItem, TagKeys, UsageKey};

const MONTHS: u64 = 1_000;

/// Of these, also read from Parquet, in another order and in other files.
const EVERY: u64 = 40;

/// The same numbers at every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.roll(of.len() as u64)).unwrap()]
    }

    /// In units of 1e-10, of all sizes, at times negative.
    fn amount(&mut self) -> i64 {
        let size = self.pick(&[9, 1_000, 1_000_000_007, 40_000_000_000_003]);
        let units = i64::try_from(self.roll(size)).unwrap();
        if self.roll(6) == 0 { -units } else { units }
    }
}

fn text(units: i64) -> String {
    Amount::from_raw(i128::from(units) * 10_i128.pow(10)).to_string()
}

const RESOURCES: [(&str, &str); 6] = [
    ("AmazonEC2", "i-0a1b2c3d4e5f60718"),
    ("AmazonEC2", "i-0a1b2c3d4e5f60719"),
    ("AmazonS3", "shared"),
    ("AWSQueueService", "arn:aws:sqs:eu-west-1:111122223333:jobs"),
    ("AmazonEC2", ""),
    ("AmazonRDS", "arn:aws:rds:eu-west-1:111122223333:db:orders"),
];

/// One row, and what it costs in units of 1e-10: unblended, amortised, net amortised.
pub(crate) fn line(dice: &mut Dice, month: u32, days: u64) -> (ReportRow, [i64; 3]) {
    let (product, resource) = dice.pick(&RESOURCES);
    let day = dice.roll(days) + 1;
    let cost = dice.amount();
    let mut row = json!({
        "line_item_usage_account_id": dice.pick(&["111122223333", "444455556666"]),
        "line_item_usage_start_date": format!("2026-{month:02}-{day:02}T00:00:00Z"),
        "line_item_usage_end_date": format!("2026-{month:02}-{day:02}T23:59:59Z"),
        "line_item_product_code": product, "line_item_resource_id": resource, "line_item_operation": "RunInstances",
        "line_item_usage_type": dice.pick(&["BoxUsage:m6i.large", "DataTransfer-Out-Bytes"]),
        "line_item_currency_code": dice.pick(&["USD", "USD", "USD", "EUR"]),
        "line_item_unblended_cost": text(cost),
        "line_item_usage_amount": dice.pick(&["0", "24", "0.25", "0.00000000001"]), "pricing_unit": "Hrs",
        "line_item_unblended_rate": dice.pick(&["", "0.0960000000", "0.1"]),
        "product_region_code": dice.pick(&["eu-west-1", "", "us-east-1"]),
    });
    if dice.roll(3) == 0 {
        row["resource_tags"] = json!({"user_component": dice.pick(&["orders", "web"]), "user_env": "prod"});
    }
    let with_net = dice.roll(2) == 0;
    let net = |row: &mut serde_json::Value, column: &str, gross: i64| {
        if !with_net {
            return gross;
        }
        row[column] = text(gross / 10 * 9).into();
        gross / 10 * 9
    };
    let whole_month = |row: &mut serde_json::Value| {
        row["line_item_usage_start_date"] = format!("2026-{month:02}-01T00:00:00Z").into();
        row["line_item_usage_end_date"] = format!("2026-{month:02}-{days:02}T23:59:59Z").into();
    };
    let line_type = dice.pick(&[
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
        "BundledDiscount",
        "SomethingNew",
    ]);
    row["line_item_line_item_type"] = line_type.into();
    let effective = cost / 4 * 3;
    let costs = match line_type {
        "DiscountedUsage" => {
            row["reservation_effective_cost"] = text(effective).into();
            [cost, effective, net(&mut row, "reservation_net_effective_cost", effective)]
        }
        "SavingsPlanCoveredUsage" => {
            row["savings_plan_savings_plan_effective_cost"] = text(effective).into();
            [cost, effective, net(&mut row, "savings_plan_net_savings_plan_effective_cost", effective)]
        }
        "SavingsPlanNegation" | "SavingsPlanUpfrontFee" => [cost, 0, 0],
        "SavingsPlanRecurringFee" => {
            row["savings_plan_total_commitment_to_date"] = text(cost).into();
            row["savings_plan_used_commitment"] = text(effective).into();
            [cost, cost - effective, cost - effective]
        }
        "RIFee" => {
            whole_month(&mut row);
            row["reservation_unused_amortized_upfront_fee_for_billing_period"] = text(effective).into();
            row["reservation_unused_recurring_fee"] = text(7).into();
            let upfront = "reservation_net_unused_amortized_upfront_fee_for_billing_period";
            [cost, effective + 7, net(&mut row, upfront, effective) + 7]
        }
        "Fee" if dice.roll(2) == 0 => {
            row["reservation_reservation_a_r_n"] = "arn:aws:ec2:eu-west-1:111122223333:reserved-instances/1".into();
            [cost, 0, 0]
        }
        _ => {
            if !matches!(line_type, "Usage" | "SomethingNew") {
                whole_month(&mut row);
            }
            [cost, cost, net(&mut row, "line_item_net_unblended_cost", cost)]
        }
    };
    (row.as_object().unwrap().clone(), costs)
}

/// A pod's part of an instance on one day: it costs nothing itself.
pub(crate) fn pod(dice: &mut Dice, month: u32, days: u64) -> ReportRow {
    let day = dice.roll(days) + 1;
    let name = dice.pick(&["a", "b", "c"]);
    let mut row = json!({
        "line_item_line_item_type": "Usage", "line_item_usage_account_id": "111122223333",
        "line_item_usage_start_date": format!("2026-{month:02}-{day:02}T00:00:00Z"),
        "line_item_product_code": "AmazonEKS", "line_item_operation": "EKSPod-EC2", "line_item_currency_code": "USD",
        "line_item_resource_id": format!("arn:aws:eks:eu-west-1:111122223333:pod/main/default/{name}/1"),
        "line_item_unblended_cost": "0", "split_line_item_parent_resource_id": RESOURCES[0].1,
        "split_line_item_split_cost": text(dice.amount()), "split_line_item_unused_cost": text(dice.amount()),
    });
    if name != "c" {
        row["resource_tags"] = json!({"user_component": name});
    }
    row.as_object().unwrap().clone()
}

fn csv(rows: &[ReportRow]) -> Bytes {
    let columns: BTreeSet<&String> = rows.iter().flat_map(|row| row.keys()).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Those that decide on the amortised cost are there whether a row needs them or not.
    let commitments = [
        "savings_plan_savings_plan_effective_cost",
        "savings_plan_total_commitment_to_date",
        "savings_plan_used_commitment",
        "reservation_effective_cost",
        "reservation_unused_recurring_fee",
        "reservation_unused_amortized_upfront_fee_for_billing_period",
    ];
    let columns: BTreeSet<&str> = columns.into_iter().map(String::as_str).chain(commitments).collect();
    writer.write_record(&columns).unwrap();
    for row in rows {
        let field = |name: &&str| match row.get(*name) {
            None => String::new(),
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        writer.write_record(columns.iter().map(field)).unwrap();
    }
    writer.into_inner().unwrap().into()
}

fn read(month: u32, files: &[Bytes], parquet: bool) -> LineSums {
    read_into(LineSums::new(format!("2026-{month:02}").parse().unwrap()), files, parquet, |sums| sums)
}

fn read_into<S: Sink>(sink: S, files: &[Bytes], parquet: bool, sums: impl Fn(S) -> LineSums) -> LineSums {
    let (sink, mut all) = (Mutex::new(sink), ReadCounts::default());
    for file in files {
        let keys = TagKeys::default();
        let counts = match parquet {
            true => crate::read_parquet(file, &keys, &sink),
            false => crate::read_csv(file, &keys, &sink),
        };
        all.add(&counts.unwrap());
    }
    let mut sums = sums(sink.into_inner().unwrap());
    sums.count(&all);
    sums
}

/// Takes every line in full.
struct InFull(LineSums);

impl Sink for InFull {
    fn names(&mut self) -> &mut Names {
        self.0.names()
    }

    fn add(&mut self, item: &LineItem) -> Result<(), AmountError> {
        self.0.add(item)
    }

    fn add_split(&mut self, split: &SplitItem) -> Result<(), AmountError> {
        self.0.add_split(split)
    }

    fn is_full(&self) -> bool {
        self.0.is_full()
    }
}

/// All that sums say beside costs, in an order of its own.
fn beside(sums: &LineSums) -> Vec<String> {
    let evidence = sums.evidence();
    let used = evidence.usage().map(|(UsageKey { resource, usage_type, operation, unit, currency }, sum)| {
        let names =
            [resource.id, resource.account, resource.product_code, resource.region, usage_type, operation, unit];
        format!("{:?} {currency} {sum:?}", names.map(|name| sums.name(name)))
    });
    let prices =
        evidence.prices().map(|(PriceKey { region, product_code, usage_type, operation, unit, currency }, price)| {
            let names = [*region, *product_code, *usage_type, *operation, *unit];
            format!("{:?} {currency} {price}", names.map(|name| sums.name(name)))
        });
    let mut all: Vec<String> = used.chain(prices).collect();
    all.sort();
    all.push(format!("{:?} {:?}", sums.counts(), sums.last_complete_day()));
    all
}

/// Some own, some shared by weights, some nobody's.
fn allocation(sums: &LineSums, place: &Place) -> Allocation {
    let share = |name: &str, weight| Share {
        attribution: Attribution::Component(EntityRef::component(name)),
        owner: (name != "web").then(|| "group:default/shop".parse().unwrap()),
        system: (name == "web").then(|| "system:default/store".parse().unwrap()),
        weight,
    };
    let id = sums.name(place.resource.id);
    let entity = (!id.is_empty()).then(|| Identity::of_canonical_arn(&format!("arn:aws:test:::{id}")));
    match (id, sums.said(place.tags.component)) {
        ("shared", _) => {
            let shares = vec![share("orders", 3), share("web", 1), share("api", 3)];
            Allocation { entity, environment: None, shares }
        }
        (_, Some(component)) => Allocation { entity, environment: Some("e".into()), shares: vec![share(component, 1)] },
        ("", None) => Allocation::to_nobody(place.without_resource),
        _ => Allocation::to_nobody(Unallocated::UnknownResource),
    }
}

fn settled(sums: &mut LineSums) -> ScopeRollups {
    let carried: Vec<bool> = sums.places().map(|place| sums.said(place.tags.component).is_some()).collect();
    sums.settle(|place| carried[place as usize]).unwrap();
    let mut rollups = ScopeRollups::new(sums.month());
    for (number, day, amounts) in sums.costs() {
        let place = sums.place(number);
        let dimensions = Dimensions {
            service: sums.name(place.service).to_owned(),
            region: sums.name(place.resource.region).to_owned(),
            account: sums.name(place.resource.account).to_owned(),
            environment: sums.said(place.tags.environment).map(str::to_owned),
            attribution: Attribution::Unallocated(Unallocated::UnresolvedResource),
            owner: None,
            currency: place.currency,
        };
        let target = rollups.target(&dimensions, &allocation(sums, &place));
        rollups.add_to(&target, day, &amounts).unwrap();
    }
    rollups
}

/// Every scope's rollup, as it is stored.
fn texts(rollups: &ScopeRollups) -> Vec<String> {
    let text = |scope| format!("{scope} {}", rollups.get(scope).unwrap().unwrap().to_json());
    rollups.scopes().into_iter().map(text).collect()
}

type Totals = BTreeMap<Currency, Amounts>;

fn total(cells: impl Iterator<Item = (Currency, Amounts)>) -> Totals {
    let mut totals = Totals::new();
    for (currency, amounts) in cells {
        totals.entry(currency).or_default().add(&amounts).unwrap();
    }
    totals
}

#[test]
fn every_level_of_a_thousand_bills_adds_up_to_the_bill() {
    for seed in 0..MONTHS {
        let mut dice = Dice(seed * 7_919 + 1);
        let (month, days) = dice.pick(&[(2_u32, 28_u64), (10, 31), (11, 30)]);
        let (mut rows, mut expected) = (Vec::new(), BTreeMap::<String, [i128; 3]>::new());
        for _ in 0..5 + dice.roll(40) {
            let (row, costs) = line(&mut dice, month, days);
            let sums = expected.entry(row["line_item_currency_code"].as_str().unwrap().to_owned()).or_default();
            for (sum, cost) in sums.iter_mut().zip(costs) {
                *sum += i128::from(cost) * 10_i128.pow(10);
            }
            rows.push(row);
        }
        for _ in 0..dice.roll(6) {
            rows.push(pod(&mut dice, month, days));
        }
        let mut sums = read(month, &[csv(&rows)], false);
        let bill = sums.bill();
        for (currency, amounts) in &bill {
            let found = Metric::ALL.map(|metric| amounts.get(metric).raw());
            assert_eq!(found, expected[currency.as_str()], "month {seed}");
        }
        assert_eq!(bill.len(), expected.len());
        let rollups = settled(&mut sums);
        rollups.check(&bill).unwrap();
        let all = rollups.get(&Scope::All).unwrap().unwrap();
        let statement = Statement::of([&all]).unwrap();
        let is_allocated = |attribution: &Attribution| attribution.component().is_some();
        let (allocated, rest): (Vec<_>, Vec<_>) = statement.rows.iter().partition(|row| is_allocated(&row.attribution));
        let both = allocated.iter().chain(&rest).map(|row| (row.currency, row.amounts));
        assert_eq!(total(both), bill, "month {seed}");
        let of_costs = sums.costs().map(|(place, _, amounts)| (sums.place(place).currency, amounts));
        assert_eq!(total(of_costs), bill, "month {seed}");
        if seed % EVERY == 0 {
            let expected = texts(&rollups);
            let parquet: Bytes = write::parquet(&rows).unwrap().into();
            let mut of_parquet = read(month, std::slice::from_ref(&parquet), true);
            assert_eq!(texts(&settled(&mut of_parquet)), expected, "month {seed}");
            let in_full = InFull(LineSums::new(of_parquet.month()));
            let mut in_full = read_into(in_full, &[parquet], true, |sink| sink.0);
            assert_eq!(beside(&in_full), beside(&of_parquet), "month {seed}");
            assert_eq!(texts(&settled(&mut in_full)), expected, "month {seed}");
            let at = rows.len() / 3;
            rows.rotate_left(at);
            let files: Vec<Bytes> = rows.chunks(7).map(csv).collect();
            assert_eq!(texts(&settled(&mut read(month, &files, false))), expected, "month {seed}");
        }
    }
}

fn shown(sums: &LineSums) -> Vec<String> {
    let mut shown: Vec<String> = sums
        .costs()
        .map(|(number, day, amounts)| {
            let place = sums.place(number);
            let metrics = Metric::ALL.map(|metric| amounts.get(metric).to_string()).join(" ");
            format!("{} {} {metrics}", day.day(), sums.said(place.resource.id).unwrap_or("-"))
        })
        .collect();
    shown.sort();
    shown
}

fn usage(columns: &serde_json::Value) -> ReportRow {
    let mut row = json!({
        "line_item_line_item_type": "Usage", "line_item_usage_account_id": "111122223333",
        "line_item_usage_start_date": "2026-10-05T10:00:00Z", "line_item_usage_end_date": "2026-10-05T11:00:00Z",
        "line_item_product_code": "AmazonEC2", "line_item_currency_code": "USD", "line_item_unblended_cost": "1",
    });
    for (name, value) in columns.as_object().unwrap() {
        row[name] = value.clone();
    }
    row.as_object().unwrap().clone()
}

#[test]
fn a_month_long_line_is_spread_over_its_days_to_the_last_digit() {
    let tax = usage(&json!({
        "line_item_line_item_type": "Tax", "line_item_unblended_cost": "10",
        "line_item_usage_start_date": "2026-10-01T00:00:00Z", "line_item_usage_end_date": "2026-10-31T23:59:59Z",
    }));
    let paid_once = usage(&json!({
        "line_item_line_item_type": "SavingsPlanUpfrontFee", "line_item_unblended_cost": "600",
        "line_item_usage_start_date": "2026-10-07T00:00:00Z", "line_item_usage_end_date": "2029-10-07T00:00:00Z",
    }));
    let earlier = usage(&json!({
        "line_item_line_item_type": "Refund", "line_item_unblended_cost": "-3",
        "line_item_usage_start_date": "2026-08-01T00:00:00Z", "line_item_usage_end_date": "2026-09-01T00:00:00Z",
    }));
    let mut sums = read(10, &[write::parquet(&[tax, paid_once, earlier]).unwrap().into()], true);
    assert_eq!(sums.last_complete_day(), None);
    sums.settle(|_| false).unwrap();
    let shown = shown(&sums);
    let of_tax: Vec<&String> = shown.iter().filter(|line| line.contains("- 0.3225806")).collect();
    assert_eq!(of_tax.len(), 31);
    assert!(
        of_tax.iter().any(|line| *line == "1 - 0.32258064516129032259 0.32258064516129032259 0.32258064516129032259")
    );
    assert!(
        of_tax.iter().any(|line| *line == "31 - 0.32258064516129032258 0.32258064516129032258 0.32258064516129032258")
    );
    assert_eq!(
        shown.iter().filter(|line| !line.contains("- 0.322")).collect::<Vec<_>>(),
        ["1 - -3 -3 -3", "7 - 600 0 0"]
    );
    assert_eq!(total(sums.costs().map(|(_, _, amounts)| ("USD".parse().unwrap(), amounts))), sums.bill());
}

#[test]
fn tasks_and_pods_take_their_part_of_their_instances_compute_and_the_rest_stays() {
    let instance = |usage_type: &str, cost: &str| {
        usage(
            &json!({"line_item_resource_id": "i-1", "line_item_usage_type": usage_type, "line_item_unblended_cost": cost}),
        )
    };
    let pod = |name: &str, used: &str, unused: &str, tag: Option<&str>| {
        usage(&json!({
            "line_item_operation": "EKSPod-EC2", "line_item_unblended_cost": "0", "line_item_resource_id": name,
            "split_line_item_parent_resource_id": "i-1", "split_line_item_split_cost": used,
            "split_line_item_unused_cost": unused, "resource_tags": tag.map(|tag| json!({"user_component": tag})),
        }))
    };
    let of = |rows: &[ReportRow]| {
        let mut sums = read(10, &[write::parquet(rows).unwrap().into()], true);
        let carried: Vec<bool> = sums.places().map(|place| place.tags.component != Names::BLANK).collect();
        sums.settle(|place| carried[place as usize]).unwrap();
        let total = total(sums.costs().map(|(_, _, amounts)| ("USD".parse().unwrap(), amounts)));
        assert_eq!(total, sums.bill());
        shown(&sums)
    };
    let traffic = instance("EUW1-DataTransfer-Out-Bytes", "0.5");
    let (compute, a) = (instance("EUW1-BoxUsage:m6i.large", "8"), pod("a", "1", "1", Some("web")));
    // Two eighths are the pod's, in each metric.
    assert_eq!(of(&[compute.clone(), traffic.clone(), a.clone()]), ["5 a 2 2 2", "5 i-1 0.5 0.5 0.5", "5 i-1 6 6 6"]);
    // What nobody would carry stays with the instance.
    let unknown = pod("b", "3", "0", None);
    assert_eq!(of(&[unknown, a.clone(), compute.clone()]), ["5 a 2 2 2", "5 i-1 6 6 6"]);
    // An instance of a part of an hour: the shares come to more than it cost, and count as weights.
    let more = pod("b", "10", "4", Some("api"));
    assert_eq!(of(&[compute, a.clone(), more]), ["5 a 1 1 1", "5 b 7 7 7", "5 i-1 0 0 0"]);
    // An instance that is not on the bill has nothing to give.
    assert_eq!(of(&[traffic, a]), ["5 i-1 0.5 0.5 0.5"]);
}

#[test]
fn usage_that_a_savings_plan_takes_back_is_no_usage_twice() {
    let row = |line_type: &str, cost: &str| {
        usage(&json!({
            "line_item_line_item_type": line_type, "line_item_resource_id": "i-1", "line_item_unblended_cost": cost,
            "line_item_usage_type": "BoxUsage:m6i.large", "line_item_usage_amount": "24", "pricing_unit": "Hrs",
            "line_item_unblended_rate": "0.0960000000", "savings_plan_savings_plan_effective_cost": "0.07",
        }))
    };
    let rows = [row("SavingsPlanCoveredUsage", "2.304"), row("SavingsPlanNegation", "-2.304"), row("Usage", "2.304")];
    let sums = read(10, &[write::parquet(&rows).unwrap().into()], true);
    let usage: Vec<String> = sums
        .evidence()
        .usage()
        .map(|(key, sum)| {
            format!("{} {} {} {} {}", sums.name(key.usage_type), sum.usage, sum.cost, sum.is_covered, sum.last_day)
        })
        .collect();
    assert_eq!(usage, ["BoxUsage:m6i.large 48 4.608 true 5"]);
    let prices: Vec<String> = sums.evidence().prices().map(|(_, price)| price.to_string()).collect();
    assert_eq!(prices, ["0.096"]);
    assert_eq!(sums.last_complete_day().map(|day| day.to_string()).as_deref(), Some("2026-10-04"));
}
