//! The four figures of histories small enough to work out by hand.

use proptest::prelude::*;

use super::*;
use crate::deployment::ToldBy;

const HOUR_MS: u64 = 3_600_000;
/// 2026-11-01T00:00:00Z
const START_MS: u64 = 1_793_491_200_000;
const WINDOW: Window = Window { from_ms: START_MS, to_ms: START_MS + 30 * DAY_MS };

fn deployment(id: &str, hour: u64, outcome: Outcome) -> Deployment {
    Deployment {
        id: id.to_owned(),
        component: Some("component:default/orders".to_owned()),
        environment: "production".to_owned(),
        outcome,
        started_ms: START_MS + hour * HOUR_MS - 600_000,
        finished_ms: Some(START_MS + hour * HOUR_MS),
        commit: None,
        commit_ms: None,
        url: None,
        rollback: false,
        rollback_of: None,
        told_by: ToldBy::Document,
        pipeline: None,
        stage: None,
        attempt: 1,
    }
}

fn with_commit(mut deployment: Deployment, commit: &str, hours_before: u64) -> Deployment {
    deployment.commit = Some(commit.to_owned());
    deployment.commit_ms = deployment.finished_ms.map(|at| at - hours_before * HOUR_MS);
    deployment
}

fn rollback(id: &str, hour: u64, of: Option<&str>) -> Deployment {
    Deployment { rollback: true, rollback_of: of.map(str::to_owned), ..deployment(id, hour, Outcome::Succeeded) }
}

#[test]
fn the_answer_is_the_documented_json() {
    let history = [
        with_commit(deployment("1", 10, Outcome::Succeeded), "aaaa", 4),
        with_commit(deployment("2", 20, Outcome::Failed), "bbbb", 1),
        with_commit(deployment("3", 23, Outcome::Succeeded), "cccc", 7),
        deployment("4", 30, Outcome::Succeeded),
        deployment("5", 31, Outcome::Running),
        deployment("6", 32, Outcome::Stopped),
    ];
    let answer = dora("component:default/orders", WINDOW, &history);
    insta::assert_snapshot!(serde_json::to_string_pretty(&answer).unwrap(), @r#"
    {
      "entity": "component:default/orders",
      "from": "2026-11-01T00:00:00Z",
      "to": "2026-12-01T00:00:00Z",
      "deploymentFrequency": {
        "deployments": 4,
        "succeeded": 3,
        "perDay": {
          "numerator": 2,
          "denominator": 15,
          "decimal": "0.1333"
        }
      },
      "leadTimeForChanges": {
        "medianSeconds": 19800,
        "measured": 2,
        "unknownCommitTime": 1
      },
      "changeFailureRate": {
        "failed": 1,
        "total": 4,
        "rate": {
          "numerator": 1,
          "denominator": 4,
          "decimal": "0.2500"
        }
      },
      "timeToRestore": {
        "medianSeconds": 10800,
        "restored": 1,
        "open": 0
      },
      "environments": {
        "production": {
          "deploymentFrequency": {
            "deployments": 4,
            "succeeded": 3,
            "perDay": {
              "numerator": 2,
              "denominator": 15,
              "decimal": "0.1333"
            }
          },
          "leadTimeForChanges": {
            "medianSeconds": 19800,
            "measured": 2,
            "unknownCommitTime": 1
          },
          "changeFailureRate": {
            "failed": 1,
            "total": 4,
            "rate": {
              "numerator": 1,
              "denominator": 4,
              "decimal": "0.2500"
            }
          },
          "timeToRestore": {
            "medianSeconds": 10800,
            "restored": 1,
            "open": 0
          }
        }
      }
    }
    "#);
}

#[test]
fn nothing_deployed_is_no_rate_and_no_division() {
    let figures = dora("component:default/orders", WINDOW, &[]).figures;
    assert_eq!(figures.deployment_frequency.per_day.unwrap().decimal, "0.0000");
    assert_eq!(figures.change_failure_rate, FailureRate { failed: 0, total: 0, rate: None });
    assert_eq!(figures.lead_time_for_changes.median_seconds, None);
    let empty = Window { from_ms: START_MS, to_ms: START_MS };
    assert_eq!(dora("x", empty, &[]).figures.deployment_frequency.per_day, None);
}

#[test]
fn a_rollback_fails_the_change_before_it_and_restores() {
    let history = [
        deployment("1", 10, Outcome::Succeeded),
        deployment("2", 20, Outcome::Succeeded),
        rollback("3", 22, None),
        deployment("4", 40, Outcome::RolledBack),
        deployment("5", 45, Outcome::Succeeded),
    ];
    let figures = dora("x", WINDOW, &history).figures;
    assert_eq!((figures.change_failure_rate.failed, figures.change_failure_rate.total), (2, 4));
    let restore = figures.time_to_restore;
    assert_eq!((restore.restored, restore.median_seconds), (2, Some((2 + 5) * 3_600 / 2)));
    let named = [
        deployment("1", 10, Outcome::Succeeded),
        deployment("2", 20, Outcome::Succeeded),
        rollback("3", 22, Some("1")),
    ];
    let figures = dora("x", WINDOW, &named).figures;
    assert_eq!(figures.time_to_restore.median_seconds, Some(10 * 3_600));
}

#[test]
fn failures_until_the_next_success_are_one_outage_of_one_environment() {
    let staging = |mut deployment: Deployment| {
        deployment.environment = "staging".to_owned();
        deployment
    };
    let history = [
        deployment("1", 10, Outcome::Failed),
        staging(deployment("2", 11, Outcome::Succeeded)),
        deployment("3", 12, Outcome::Failed),
        deployment("4", 14, Outcome::Succeeded),
        staging(deployment("5", 20, Outcome::Failed)),
    ];
    let answer = dora("x", WINDOW, &history);
    let restore = answer.figures.time_to_restore;
    assert_eq!((restore.restored, restore.open, restore.median_seconds), (1, 1, Some(4 * 3_600)));
    assert_eq!(answer.environments["staging"].time_to_restore.open, 1);
    assert_eq!(answer.environments["production"].change_failure_rate.total, 3);
}

#[test]
fn a_commit_is_a_change_once_for_each_environment() {
    let history = [
        with_commit(deployment("1", 10, Outcome::Succeeded), "aaaa", 2),
        with_commit(deployment("2", 500, Outcome::Succeeded), "aaaa", 492),
        with_commit(deployment("0", 1, Outcome::Failed), "bbbb", 1),
        with_commit(deployment("3", 600, Outcome::Succeeded), "bbbb", 600),
    ];
    let lead = dora("x", WINDOW, &history).figures.lead_time_for_changes;
    // The failed first try of `bbbb` is no lead time; its success is.
    assert_eq!((lead.measured, lead.unknown_commit_time), (2, 0));
    assert_eq!(lead.median_seconds, Some((2 + 600) * 3_600 / 2));
}

#[test]
fn the_window_takes_its_first_moment_and_not_its_last() {
    let history = [deployment("1", 0, Outcome::Failed), deployment("2", 30 * 24, Outcome::Succeeded)];
    let figures = dora("x", WINDOW, &history).figures;
    assert_eq!(figures.deployment_frequency.deployments, 1);
    // What restored it came after the window, and is known all the same.
    assert_eq!(figures.time_to_restore.median_seconds, Some(30 * 86_400));
}

#[test]
fn rates_are_rounded_half_to_even_and_exact_beside() {
    for (numerator, denominator, decimal) in
        [(1, 3, "0.3333"), (2, 3, "0.6667"), (1, 20_000, "0.0000"), (3, 20_000, "0.0002"), (5, 1, "5.0000")]
    {
        let rate = Rate::of(numerator, denominator).unwrap();
        assert_eq!(rate.decimal, decimal, "{numerator}/{denominator}");
    }
    assert_eq!((Rate::of(6, 4).unwrap().numerator, Rate::of(6, 4).unwrap().denominator), (3, 2));
    assert_eq!(Rate::of(1, 0), None);
}

fn any_deployment() -> impl Strategy<Value = Deployment> {
    let outcomes =
        prop_oneof![Just(Outcome::Succeeded), Just(Outcome::Failed), Just(Outcome::RolledBack), Just(Outcome::Running)];
    (0_u8..6, 1_u64..900, outcomes, any::<bool>(), 0_u8..2, proptest::option::of(0_u8..3)).prop_map(
        |(id, hour, outcome, rollback, environment, commit)| {
            let mut one = deployment(&id.to_string(), hour, outcome);
            one.rollback = rollback;
            one.environment = ["production", "staging"][usize::from(environment)].to_owned();
            match commit {
                Some(commit) => with_commit(one, &format!("commit-{commit}"), 1),
                None => one,
            }
        },
    )
}

proptest! {
    #[test]
    fn figures_do_not_depend_on_order_or_repeats(
        history in proptest::collection::vec(any_deployment(), 0..14),
        turn in any::<proptest::sample::Index>(),
    ) {
        let mut other = history.clone();
        other.extend(history.iter().take(4).cloned());
        if !other.is_empty() {
            let len = other.len();
            other.rotate_left(turn.index(len));
            other.reverse();
        }
        prop_assert_eq!(dora("x", WINDOW, &history), dora("x", WINDOW, &other));
    }

    #[test]
    fn environments_add_up_to_the_whole(history in proptest::collection::vec(any_deployment(), 0..14)) {
        let answer = dora("x", WINDOW, &history);
        let sum = |of: &dyn Fn(&Figures) -> u64| answer.environments.values().map(of).sum::<u64>();
        prop_assert_eq!(sum(&|f| f.change_failure_rate.total), answer.figures.change_failure_rate.total);
        prop_assert_eq!(sum(&|f| f.change_failure_rate.failed), answer.figures.change_failure_rate.failed);
        prop_assert_eq!(sum(&|f| f.time_to_restore.restored), answer.figures.time_to_restore.restored);
        prop_assert_eq!(sum(&|f| f.lead_time_for_changes.measured), answer.figures.lead_time_for_changes.measured);
        prop_assert!(answer.figures.change_failure_rate.failed <= answer.figures.change_failure_rate.total);
    }
}
