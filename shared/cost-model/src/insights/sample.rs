//! Small rollups for tests, written as lines of text.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::amounts::Amounts;
use crate::insights::{Known, Question};
use crate::rollup::{Attribution, Dimensions, Rollup};

/// `day service region account environment component-or-reason owner currency amount`; `-` for none.
pub(crate) fn rollups(lines: &[&str]) -> Vec<Rollup> {
    let mut rollups: Vec<Rollup> = Vec::new();
    for line in lines {
        let parts: Vec<&str> = line.split_whitespace().collect();
        let [day, service, region, account, environment, attribution, owner, currency, amount] = parts.as_slice()
        else {
            panic!("{line}")
        };
        let some = |text: &str| (text != "-").then(|| text.to_owned());
        let dimensions = Dimensions {
            service: (*service).to_owned(),
            region: (*region).to_owned(),
            account: (*account).to_owned(),
            environment: some(environment),
            attribution: attribution.parse().map_or_else(
                |_| Attribution::Component(format!("component:default/{attribution}").parse().unwrap()),
                Attribution::Unallocated,
            ),
            owner: some(owner).map(|owner| format!("group:default/{owner}").parse().unwrap()),
            currency: currency.parse().unwrap(),
        };
        let amount = amount.parse().unwrap();
        let amounts = Amounts { unblended: amount, amortized: amount, net_amortized: amount };
        let month = day[..7].parse().unwrap();
        let at = rollups.iter().position(|rollup| rollup.month() == month).unwrap_or_else(|| {
            rollups.push(Rollup::new(month));
            rollups.len() - 1
        });
        rollups[at].add(day.parse().unwrap(), &dimensions, &amounts).unwrap();
    }
    rollups
}

pub(crate) fn question(intervals: &str) -> Question {
    Question {
        intervals: intervals.parse().unwrap(),
        metric: crate::Metric::Unblended,
        currency: "USD".parse().unwrap(),
        account: None,
    }
}

pub(crate) fn known(months: &[&str], last_complete_day: &str) -> Known {
    Known {
        months: months.iter().map(|month| month.parse().unwrap()).collect::<BTreeSet<_>>(),
        last_complete_day: Some(last_complete_day.parse().unwrap()),
    }
}

fn line() -> impl Strategy<Value = String> {
    (1..=31u8, 0..3usize, 0..3usize, 0..3usize, 0..5usize, 0..3usize, -1000..1000i64, any::<i64>()).prop_map(
        |(day, service, account, environment, attribution, currency, whole, fraction)| {
            let service = ["AmazonEC2", "AmazonS3", "Tax"][service];
            let account = ["111122223333", "444455556666", "777788889999"][account];
            let environment = ["prod", "test", "-"][environment];
            let attribution = ["orders", "billing", "NoComponent", "Tax", "UnknownResource"][attribution];
            let currency = ["USD", "USD", "EUR"][currency];
            let fraction = fraction.unsigned_abs();
            format!(
                "2026-10-{day:02} {service} eu-west-1 {account} {environment} {attribution} team-a {currency} {whole}.{fraction:019}"
            )
        },
    )
}

pub(crate) fn month() -> impl Strategy<Value = Vec<Rollup>> {
    prop::collection::vec(line(), 0..40)
        .prop_map(|lines| rollups(&lines.iter().map(String::as_str).collect::<Vec<_>>()))
}
