//! Each rule by an example that it finds and one that it passes over.

use super::*;
use crate::insights::sample::{known, rollups};

/// `resource usage-type operation unit usage cost [covered]`; `-` for none.
fn evidence(month: &str, usage: &[&str], prices: &[&str]) -> Evidence {
    let some = |text: &str| (text != "-").then(|| text.to_owned());
    let usage = usage.iter().map(|line| {
        let parts: Vec<&str> = line.split_whitespace().collect();
        Usage {
            resource: parts[0].to_owned(),
            account: "111122223333".into(),
            region: "eu-west-1".into(),
            product_code: "AmazonEC2".into(),
            usage_type: parts[1].to_owned(),
            operation: some(parts[2]),
            unit: some(parts[3]),
            usage: parts[4].parse().unwrap(),
            cost: parts[5].parse().unwrap(),
            currency: "USD".parse().unwrap(),
            component: Some("component:default/orders".parse().unwrap()),
            owner: None,
            last_day: None,
            covered: parts.get(6) == Some(&"covered"),
        }
    });
    let prices = prices.iter().map(|line| {
        let parts: Vec<&str> = line.split_whitespace().collect();
        Price {
            region: parts[0].to_owned(),
            product_code: "AmazonEC2".into(),
            usage_type: parts[1].to_owned(),
            operation: some(parts[2]),
            unit: some(parts[3]),
            currency: "USD".parse().unwrap(),
            price: parts[4].parse().unwrap(),
        }
    });
    Evidence { month: month.parse().unwrap(), usage: usage.collect(), prices: prices.collect() }
}

fn found(evidence: &[Evidence], states: &[(&str, &str)]) -> Vec<String> {
    let states = states.iter().map(|(resource, state)| ((*resource).to_owned(), (*state).to_owned())).collect();
    let facts = Facts { rollups: &[], known: &Known::default(), evidence, states: &states };
    let actions = actions(&facts).unwrap();
    actions.iter().map(|a| format!("{} {} {}", a.rule, a.target.resource.as_deref().unwrap(), a.amount)).collect()
}

fn of_rollups(lines: &[&str], known: &Known) -> Vec<Action> {
    let rollups = rollups(lines);
    let rollups: Vec<&Rollup> = rollups.iter().collect();
    actions(&Facts { rollups: &rollups, known, evidence: &[], states: &BTreeMap::new() }).unwrap()
}

#[test]
fn every_rule_has_a_name_of_its_own() {
    let names: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), RULES.len());
}

#[test]
fn an_instance_moves_to_the_cheapest_family_whose_price_was_seen_in_its_region() {
    let usage = [
        "i-1 EU-BoxUsage:m5.large RunInstances Hrs 744 79.608",
        // Nobody runs Windows on Arm; another size; a commitment; Arm already.
        "i-2 EU-BoxUsage:m5.large RunInstances:0002 Hrs 744 150",
        "i-3 EU-BoxUsage:m5.metal RunInstances Hrs 744 3000",
        "i-4 EU-BoxUsage:m5.large RunInstances Hrs 744 79.608 covered",
        "i-5 EU-BoxUsage:m7g.large RunInstances Hrs 744 66",
        "i-6 EU-BoxUsage:m4.large RunInstances Hrs 10 1.11",
        // Cheaper than what there is.
        "i-7 EU-BoxUsage:t3.micro RunInstances Hrs 744 1",
        "db-1 EU-InstanceUsage:db.r5.large CreateDBInstance:0014 Hrs 100 25",
        "db-2 EU-InstanceUsage:db.r5.large CreateDBInstance:0004 Hrs 100 60",
    ];
    let prices = [
        "eu-west-1 EU-BoxUsage:m7g.large RunInstances Hrs 0.0911",
        "eu-west-1 EU-BoxUsage:m6g.large RunInstances Hrs 0.086",
        "us-east-1 BoxUsage:m6g.large RunInstances Hrs 0.077",
        "eu-west-1 EU-BoxUsage:m5.large RunInstances Hrs 0.107",
        "eu-west-1 EU-BoxUsage:t4g.micro RunInstances Hrs 0.0092",
        "eu-west-1 EU-InstanceUsage:db.r6g.large CreateDBInstance:0014 Hrs 0.22",
    ];
    let all = [evidence("2026-10", &usage, &prices)];
    // 744 h at 0.107 less 744 h at 0.086; 10 h of an m4 less 10 h at 0.086; 100 h of a database less 100 h at 0.22.
    assert_eq!(found(&all, &[]), ["graviton i-1 15.624", "graviton db-1 3", "previous-generation i-6 0.25"]);
}

#[test]
fn volumes_change_their_type_or_go() {
    let usage = [
        "vol-1 EU-EBS:VolumeUsage.gp2 CreateVolume-Gp2 GB-Mo 100 11",
        "vol-2 EU-EBS:VolumeUsage.gp2 CreateVolume-Gp2 GB-Mo 2000 220",
        "vol-3 EU-EBS:VolumeUsage.gp2 CreateVolume-Gp2 GB-Mo 10 1.1",
        "vol-4 EU-EBS:VolumeUsage.gp3 CreateVolume-Gp3 GB-Mo 10 0.88",
    ];
    let prices = ["eu-west-1 EU-EBS:VolumeUsage.gp3 CreateVolume-Gp3 GB-Mo 0.088"];
    let states = [("vol-1", "in-use"), ("vol-2", "in-use"), ("vol-3", "available"), ("vol-4", "available")];
    let all = [evidence("2026-10", &usage, &prices)];
    assert_eq!(
        found(&all, &states),
        ["gp2-to-gp3 vol-1 2.2", "unattached-volume vol-3 1.1", "unattached-volume vol-4 0.88"]
    );
    assert_eq!(volumes(&all).len(), 4);
    // Nobody paid for gp3 yet: what it costs is not known.
    assert!(found(&[evidence("2026-10", &usage[..1], &[])], &[]).is_empty());
}

#[test]
fn a_snapshot_is_old_if_the_bill_of_three_months_before_has_it() {
    let newest = evidence(
        "2026-10",
        &[
            "snap-1 EU-EBS:SnapshotUsage CreateSnapshot GB-Mo 10 0.5",
            "snap-2 EU-EBS:SnapshotUsage CreateSnapshot GB-Mo 10 0.5",
        ],
        &[],
    );
    let before = evidence("2026-07", &["snap-1 EU-EBS:SnapshotUsage CreateSnapshot GB-Mo 9 0.45"], &[]);
    let month_before = evidence("2026-09", &["snap-2 EU-EBS:SnapshotUsage CreateSnapshot GB-Mo 9 0.45"], &[]);
    assert_eq!(found(&[newest, month_before, before], &[]), ["old-snapshot snap-1 0.5"]);
}

#[test]
fn what_has_nothing_to_do_is_found_by_its_traffic() {
    let usage = [
        "eip-1 EU-ElasticIP:IdleAddress AssociateAddressVPC Hrs 744 3.72",
        "eip-2 EU-PublicIPv4:IdleAddress AllocateAddressVPC Hrs 744 3.72",
        "eip-3 EU-PublicIPv4:InUseAddress AllocateAddressVPC Hrs 744 3.72",
        "alb-1 EU-LoadBalancerUsage LoadBalancing:Application Hrs 744 18.7",
        "alb-1 EU-LCUUsage LoadBalancing:Application LCU-Hrs 1 0.008",
        "alb-2 EU-LoadBalancerUsage LoadBalancing:Application Hrs 744 18.7",
        "alb-2 EU-LCUUsage LoadBalancing:Application LCU-Hrs 400 3.2",
        "clb-1 EU-LoadBalancerUsage LoadBalancing Hrs 744 20",
        "nat-1 EU-NatGateway-Hours NatGateway Hrs 744 35.7",
        "nat-2 EU-NatGateway-Hours NatGateway Hrs 744 35.7",
        "nat-2 EU-NatGateway-Bytes NatGateway GB 80 3.84",
    ];
    assert_eq!(
        found(&[evidence("2026-10", &usage, &[])], &[]),
        [
            "idle-nat-gateway nat-1 35.7",
            "idle-load-balancer clb-1 20",
            "idle-load-balancer alb-1 18.708",
            "idle-address eip-1 3.72",
            "idle-address eip-2 3.72",
        ]
    );
}

#[test]
fn an_action_says_what_it_was_concluded_from() {
    let all = [evidence(
        "2026-10",
        &["vol-1 EU-EBS:VolumeUsage.gp2 CreateVolume-Gp2 GB-Mo 100 11"],
        &["eu-west-1 EU-EBS:VolumeUsage.gp3 CreateVolume-Gp3 GB-Mo 0.088"],
    )];
    let facts = Facts { rollups: &[], known: &Known::default(), evidence: &all, states: &BTreeMap::new() };
    assert_eq!(
        serde_json::to_value(&actions(&facts).unwrap()[0]).unwrap(),
        serde_json::json!({
            "rule": "gp2-to-gp3", "title": "a volume of type gp2 could be gp3", "amount": "2.2", "currency": "USD", "saving": true,
            "from": "2026-10-01", "to": "2026-11-01",
            "target": {"account": "111122223333", "region": "eu-west-1", "resource": "vol-1", "component": "component:default/orders"},
            "evidence": {"usageType": "EU-EBS:VolumeUsage.gp2", "usage": "100", "unit": "GB-Mo", "cost": "11",
                "suggested": "EU-EBS:VolumeUsage.gp3", "suggestedPrice": "0.088", "suggestedCost": "8.8"},
        })
    );
}

#[test]
fn growth_is_between_whole_months_and_quarters_of_an_account() {
    let lines = [
        "2026-05-10 AmazonEC2 eu-west-1 111122223333 - orders - USD 90",
        "2026-08-10 AmazonEC2 eu-west-1 111122223333 - orders - USD 40",
        "2026-09-10 AmazonEC2 eu-west-1 111122223333 - orders - USD 60",
        "2026-09-11 AmazonS3 eu-west-1 111122223333 - orders - USD 5",
        // Less than five in a hundred; less than ten; new.
        "2026-08-10 AmazonEC2 eu-west-1 444455556666 - orders - USD 1000",
        "2026-09-10 AmazonEC2 eu-west-1 444455556666 - orders - USD 1049",
        "2026-08-10 AmazonS3 eu-west-1 777788889999 - orders - USD 1",
        "2026-09-10 AmazonS3 eu-west-1 777788889999 - orders - USD 10.99",
        "2026-09-10 AmazonS3 eu-west-1 222233334444 - orders - USD 500",
    ];
    let months = ["2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10"];
    // October is not over.
    let actions = of_rollups(&lines, &known(&months, "2026-10-20"));
    let growth: Vec<&Action> = actions.iter().filter(|action| action.rule.starts_with("project-growth")).collect();
    let shown: Vec<String> =
        growth.iter().map(|action| format!("{} {} {}", action.rule, action.title, action.amount)).collect();
    assert_eq!(
        shown,
        [
            "project-growth-month costs in account 111122223333 grew from 2026-08-01 to 2026-09-01 25",
            "project-growth-quarter costs in account 111122223333 grew from 2026-Q2 to 2026-Q3 15",
        ]
    );
    let Some(Alert::ProjectGrowth(alert)) = &growth[1].alert else { panic!("{growth:?}") };
    assert_eq!(
        serde_json::to_string(alert).unwrap(),
        concat!(
            r#"{"project":"111122223333","periodStart":"2026-Q2","periodEnd":"2026-Q3","aggregation":[90,105],"#,
            r#""change":{"ratio":0.16666666666666667,"amount":15},"products":[{"id":"AmazonEC2","aggregation":[90,100]},"#,
            r#"{"id":"AmazonS3","aggregation":[0,5]}]}"#
        )
    );
    // Without a report of April, nothing is known of the second quarter.
    assert_eq!(
        of_rollups(&lines, &known(&months[1..], "2026-10-20"))
            .iter()
            .filter(|a| a.rule == "project-growth-quarter")
            .count(),
        0
    );
    assert!(of_rollups(&lines, &Known::default()).is_empty());
}

#[test]
fn what_is_on_no_component_is_an_alert_by_account() {
    let lines = [
        "2026-10-30 AmazonEC2 eu-west-1 111122223333 - NoComponent team-a USD 7",
        "2026-10-30 AmazonEC2 eu-west-1 111122223333 - orders team-a USD 3",
        "2026-10-30 AmazonEC2 eu-west-1 444455556666 - orders team-a USD 3",
        "2026-10-30 Tax global 111122223333 - Tax - USD 100",
        // Before the thirty days, and behind the last complete one.
        "2026-10-01 AmazonEC2 eu-west-1 111122223333 - NoComponent team-a USD 70",
        "2026-10-31 AmazonEC2 eu-west-1 111122223333 - UnknownResource - USD 0.5",
        "2026-11-01 AmazonEC2 eu-west-1 111122223333 - NoComponent team-a USD 70",
    ];
    let actions = of_rollups(&lines, &known(&["2026-10", "2026-11"], "2026-10-31"));
    assert_eq!(actions.len(), 1);
    let Some(Alert::Unlabeled(alert)) = &actions[0].alert else { panic!("{actions:?}") };
    assert_eq!(
        serde_json::to_string(alert).unwrap(),
        concat!(
            r#"{"periodStart":"2026-10-02","periodEnd":"2026-10-31","projects":[{"id":"111122223333","unlabeledCost":7.5,"#,
            r#""labeledCost":3}],"unlabeledCost":7.5,"labeledCost":3}"#
        )
    );
}

#[test]
fn what_was_paid_for_and_not_used_is_saved_by_using_it() {
    let lines = [
        "2026-10-30 ComputeSavingsPlans global 777788889999 - SavingsPlanFee - USD 12.5",
        "2026-10-30 AmazonEC2 eu-west-1 777788889999 - ReservationFee - USD 0",
        "2026-10-30 AmazonEC2 eu-west-1 777788889999 - Fee - USD 9",
    ];
    let actions = of_rollups(&lines, &known(&["2026-10"], "2026-10-31"));
    let shown: Vec<String> = actions.iter().map(|action| format!("{}: {}", action.title, action.amount)).collect();
    assert_eq!(shown, ["Savings Plans in account 777788889999 were not used: 12.5"]);
}
