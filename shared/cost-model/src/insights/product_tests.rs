use proptest::prelude::*;

use super::*;
use crate::insights::sample::{month, question, rollups};

fn october() -> Vec<Rollup> {
    rollups(&[
        "2026-10-01 AmazonEC2 eu-west-1 111122223333 prod orders team-a USD 60",
        "2026-10-03 AmazonEC2 eu-west-1 111122223333 prod orders team-a USD 100",
        "2026-10-03 AmazonEC2 eu-west-1 444455556666 - orders team-a USD 20",
        "2026-10-04 AmazonEC2 eu-west-1 444455556666 test billing team-a USD 300",
        "2026-10-04 AmazonEC2 eu-west-1 444455556666 test NoComponent team-a USD 1000",
        "2026-10-04 AmazonEC2 eu-west-1 444455556666 test NoComponent team-a EUR 1000",
        "2026-10-04 AmazonRDS eu-west-1 444455556666 test orders team-a USD 7",
    ])
}

#[test]
fn a_product_is_shown_by_component_and_what_has_none_comes_last() {
    let cost = product_cost("amazon-ec2", &october(), &question("R2/P2D/2026-10-05")).unwrap();
    let lines: Vec<String> = cost.entities[COMPONENT]
        .iter()
        .map(|entity| {
            let [previous, current] = &entity.aggregation;
            let below: Vec<String> =
                entity.entities.iter().map(|(key, entities)| format!("{key} {}", entities.len())).collect();
            format!("{:?} {} {} {}", entity.id, previous.as_str(), current.as_str(), below.join(", "))
        })
        .collect();
    assert_eq!(
        lines,
        [
            r#"Some("component:default/billing") 0 300 account 1, environment 1, region 1"#,
            r#"Some("component:default/orders") 60 120 account 2, environment 2, region 1"#,
            r#"None 0 1000 account 1, environment 1, reason 1, region 1"#,
        ]
    );
    assert_eq!(serde_json::to_string(&cost.change).unwrap(), r#"{"ratio":22.666666666666667,"amount":1360}"#);
    assert_eq!(cost.entities.len(), 1);
}

#[test]
fn a_product_goes_by_its_name_with_and_without_the_sellers() {
    for name in ["AmazonEC2", "ec2", "amazon-ec2", "AMAZON_EC2"] {
        let cost = product_cost(name, &october(), &question("R2/P2D/2026-10-05")).unwrap();
        assert_eq!((cost.id.as_deref(), cost.aggregation[1].as_str()), (Some(name), "1420"));
    }
    let nothing = product_cost("lambda", &october(), &question("R2/P2D/2026-10-05")).unwrap();
    assert_eq!((nothing.aggregation[1].as_str(), nothing.entities.len()), ("0", 0));
}

fn parsed(cost: &ProductCost) -> [Amount; 2] {
    cost.aggregation.clone().map(|number| number.as_str().parse().unwrap())
}

fn adds_up(cost: &ProductCost) {
    for (key, entities) in &cost.entities {
        let mut sums = [Amount::ZERO; 2];
        for entity in entities {
            let own = parsed(entity);
            sums = [sums[0].plus(own[0]).unwrap(), sums[1].plus(own[1]).unwrap()];
            adds_up(entity);
        }
        assert_eq!(sums, parsed(cost), "{key} of {:?}", cost.id);
        assert!(entities.iter().filter(|entity| entity.id.is_none()).count() <= 1);
    }
}

proptest! {
    #[test]
    fn every_key_adds_up_to_what_it_is_below(month in month()) {
        for product in ["ec2", "s3", "tax"] {
            adds_up(&product_cost(product, &month, &question("R2/P7D/2026-10-20")).unwrap());
        }
    }
}
