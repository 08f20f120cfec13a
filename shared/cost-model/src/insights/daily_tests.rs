use proptest::prelude::*;

use super::*;
use crate::insights::sample::{known, month, question, rollups};

const BY: [(&str, Dimension); 2] = [("product", Dimension::Service), ("component", Dimension::Component)];

fn october() -> Vec<Rollup> {
    rollups(&[
        "2026-10-01 AmazonEC2 eu-west-1 111122223333 prod orders team-a USD 0.1",
        "2026-10-02 AmazonEC2 eu-west-1 111122223333 prod orders team-a USD 0.2",
        "2026-10-02 AmazonS3 eu-west-1 444455556666 - NoComponent team-a USD 0.00000000000000000003",
        "2026-10-03 AmazonS3 eu-west-1 444455556666 - NoComponent team-a USD -0.05",
        "2026-10-04 AmazonS3 eu-west-1 444455556666 - NoComponent team-a EUR 7",
        "2026-10-05 AmazonS3 eu-west-1 444455556666 - NoComponent team-a USD 1",
    ])
}

fn shown(days: &[DailyAmount]) -> Vec<String> {
    days.iter().map(|day| format!("{} {}", day.date, day.amount.as_str())).collect()
}

#[test]
fn a_series_compares_its_last_period_with_the_one_before() {
    let cost =
        daily_cost("team-a", &october(), &question("R2/P2D/2026-10-05"), &known(&["2026-10"], "2026-10-04"), &BY)
            .unwrap();
    assert_eq!(
        serde_json::to_string(&cost).unwrap(),
        concat!(
            r#"{"id":"team-a","aggregation":[{"date":"2026-10-01","amount":0.1},{"date":"2026-10-02","amount":0.20000000000000000003},"#,
            r#"{"date":"2026-10-03","amount":-0.05},{"date":"2026-10-04","amount":0}],"#,
            r#""change":{"ratio":-1.1666666666666667,"amount":-0.35000000000000000003},"#,
            r#""trendline":{"slope":-0.00000063657407407407407,"intercept":1140.13},"#,
            r#""groupedCosts":{"component":[{"id":"component:default/orders","aggregation":[{"date":"2026-10-01","amount":0.1},"#,
            r#"{"date":"2026-10-02","amount":0.2}]},{"id":"unallocated","aggregation":[{"date":"2026-10-02","amount":0.00000000000000000003},"#,
            r#"{"date":"2026-10-03","amount":-0.05}]}],"product":[{"id":"AmazonEC2","aggregation":[{"date":"2026-10-01","amount":0.1},"#,
            r#"{"date":"2026-10-02","amount":0.2}]},{"id":"AmazonS3","aggregation":[{"date":"2026-10-02","amount":0.00000000000000000003},"#,
            r#"{"date":"2026-10-03","amount":-0.05}]}]},"#,
            r#""exact":{"metric":"unblended","currency":"USD","from":"2026-10-01","to":"2026-10-05","total":"0.25000000000000000003","#,
            r#""periods":[{"from":"2026-10-01","to":"2026-10-03","amount":"0.30000000000000000003"},"#,
            r#"{"from":"2026-10-03","to":"2026-10-05","amount":"-0.05"}],"otherCurrencies":{"EUR":"7"}}}"#
        )
    );
}

#[test]
fn a_day_without_a_report_is_unknown_and_not_zero() {
    let days = |intervals: &str, known: &Known| {
        let cost = daily_cost("x", &october(), &question(intervals), known, &[]).unwrap();
        shown(&cost.aggregation)
    };
    // September has no report; what follows the last complete day counts where there is some.
    assert_eq!(
        days("R2/P4D/2026-10-08", &known(&["2026-10"], "2026-10-03")),
        ["2026-10-01 0.1", "2026-10-02 0.20000000000000000003", "2026-10-03 -0.05", "2026-10-05 1"]
    );
    assert_eq!(days("R2/P4D/2026-10-08", &known(&["2026-09", "2026-10"], "2026-10-07")).len(), 8);
    // Nothing was spent: there is no series.
    let nothing =
        daily_cost("x", &[], &question("R2/P4D/2026-10-08"), &known(&["2026-10"], "2026-10-31"), &BY).unwrap();
    assert_eq!((nothing.aggregation.len(), nothing.trendline, nothing.exact.unwrap().total), (0, None, Amount::ZERO));
}

#[test]
fn one_account_is_looked_at_alone() {
    let mut asked = question("R2/P2D/2026-10-05");
    asked.account = Some("444455556666".into());
    let cost = daily_cost("x", &october(), &asked, &known(&["2026-10"], "2026-10-04"), &BY).unwrap();
    assert_eq!(cost.exact.unwrap().total.to_string(), "-0.04999999999999999997");
}

#[test]
fn a_metric_is_of_the_same_sums() {
    let data = metric_data("unblended", &october(), &question("R2/P2D/2026-10-05"), &known(&["2026-10"], "2026-10-04"))
        .unwrap();
    assert_eq!((data.format, data.change.amount.as_str()), ("currency", "-0.35000000000000000003"));
    assert_eq!(data.aggregation.len(), 4);
}

fn total(days: &[DailyAmount]) -> Amount {
    days.iter().fold(Amount::ZERO, |sum, day| sum.plus(day.amount.as_str().parse().unwrap()).unwrap())
}

proptest! {
    #[test]
    fn groups_add_up_to_the_series_and_the_series_to_what_the_costs_say(month in month()) {
        let by: Vec<(&str, Dimension)> = Dimension::ALL.into_iter().map(|dimension| (dimension.as_str(), dimension)).collect();
        let cost = daily_cost("x", &month, &question("R2/P7D/2026-10-20"), &known(&["2026-10"], "2026-10-31"), &by).unwrap();
        let exact = cost.exact.unwrap();
        prop_assert_eq!(total(&cost.aggregation), exact.total);
        for groups in cost.grouped_costs.values() {
            let sum = groups.iter().fold(Amount::ZERO, |sum, group| sum.plus(total(&group.aggregation)).unwrap());
            prop_assert_eq!(sum, exact.total);
        }
        let query = crate::CostQuery {
            from: exact.from.parse().unwrap(),
            to: exact.to.parse().unwrap(),
            by: std::collections::BTreeSet::new(),
            metric: Metric::Unblended,
            granularity: crate::Granularity::Daily,
        };
        let grouped: Vec<_> = month.iter().map(|rollup| rollup.by(&query.by, query.granularity).unwrap()).collect();
        let costs = crate::costs(&grouped, &query).unwrap();
        let usd = "USD".parse().unwrap();
        prop_assert_eq!(exact.total, costs.totals.get(&usd).copied().unwrap_or_default());
        let eur = "EUR".parse().unwrap();
        prop_assert_eq!(exact.other_currencies.get(&eur), costs.totals.get(&eur));
    }
}
