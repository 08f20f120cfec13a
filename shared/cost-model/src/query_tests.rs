use proptest::prelude::*;

use super::*;
use crate::insights::sample::{month, rollups};

type Row = (Date, Vec<Option<String>>, Option<Unallocated>, Currency);

/// Every cell by itself, in the words of the answer.
fn naive(rollups: &[&Rollup], query: &CostQuery) -> (Vec<(String, Amount)>, BTreeMap<Currency, Amount>) {
    let mut totals: BTreeMap<Currency, Amount> = BTreeMap::new();
    let mut rows: BTreeMap<Row, Amount> = BTreeMap::new();
    for (day, dimensions, amounts) in rollups.iter().flat_map(|rollup| rollup.cells()) {
        if day < query.from || day >= query.to {
            continue;
        }
        let date = if query.granularity == Granularity::Daily { day } else { day.first_of_month() };
        let by = query.by.iter().map(|dimension| dimension.of(dimensions)).collect();
        let reason = dimensions.attribution.unallocated().filter(|_| query.by.contains(&Dimension::Component));
        for sum in [
            rows.entry((date, by, reason, dimensions.currency)).or_default(),
            totals.entry(dimensions.currency).or_default(),
        ] {
            *sum = sum.plus(amounts.get(query.metric)).unwrap();
        }
    }
    let row = |((date, by, reason, currency), amount)| (format!("{date} {by:?} {reason:?} {currency}"), amount);
    (rows.into_iter().map(row).collect(), totals)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// Of two bills of a month and one of the month before, in each of the 64 ways to ask.
    #[test]
    fn every_combination_is_what_the_cells_say(october in month(), other in month(), from in 0..45i64, days in 1..50i64) {
        let september = rollups(&[
            "2026-09-20 AmazonEC2 eu-west-1 111122223333 prod orders team-a USD 1.00000000000000000007",
            "2026-09-30 AmazonS3 eu-west-2 111122223333 - Tax - USD -3",
        ]);
        let rollups: Vec<&Rollup> = september.iter().chain(&october).chain(&other).collect();
        let first: Date = "2026-09-18".parse().unwrap();
        let from = first.saturating_add(jiff::Span::new().days(from));
        let to = from.saturating_add(jiff::Span::new().days(days));
        for combination in 0..1_u32 << Dimension::ALL.len() {
            let asked = Dimension::ALL.into_iter().enumerate().filter(|(at, _)| combination >> at & 1 == 1);
            let by: BTreeSet<Dimension> = asked.map(|(_, dimension)| dimension).collect();
            for granularity in [Granularity::Daily, Granularity::Monthly] {
                let metric = Metric::ALL[combination as usize % 3];
                let query = CostQuery { from, to, by: by.clone(), metric, granularity };
                let grouped = |rollup: &&Rollup| rollup.by(&by, query.granularity_of(rollup.month())).unwrap();
                let grouped: Vec<GroupedCosts> = rollups.iter().map(grouped).collect();
                let answer = costs(&grouped, &query).unwrap();
                let row = |row: &CostRow| {
                    let by: Vec<&Option<String>> = row.by.iter().map(|(_, value)| value).collect();
                    (format!("{} {by:?} {:?} {}", row.date, row.unallocated, row.currency), row.amount)
                };
                let (rows, totals) = naive(&rollups, &query);
                prop_assert_eq!(answer.rows.iter().map(row).collect::<Vec<_>>(), rows);
                prop_assert_eq!(&answer.totals, &totals);
            }
        }
    }
}
