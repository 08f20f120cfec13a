//! Of a stream of changes some are lost, the rest comes twice and in any order: one sweep, and two for deletions, and the
//! catalog says what Config says; the reports name exactly what was lost.
//!
//! `CALLBOARD_LOSS=100000/20000` plays so many changes of so many resources instead of the few that fit into every run, and
//! `CALLBOARD_LOSS=100000/20000/10` only with a loss of 10 in 1,000.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use callboard_tests::deliveries::config::{Resource, item_change};
use catalog_model::{Identity, Said};
use catalog_reconcile::SweepEvent;
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::world::{Estate, database, identity, now, second_id, table, totals, write};

const FIRST_MS: i64 = 1_793_520_000_000; // 2026-11-01T08:00:00Z
const BEGIN: SweepEvent = SweepEvent { begin: true, allow_deletes: true };

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

/// One change of the stream; its place in it is its time.
#[derive(Clone)]
struct Change {
    resource: usize,
    at: usize,
    is_deletion: bool,
    event: Value,
}

/// Some of them with a second id; in four accounts and three regions.
fn resource(number: usize, owner: usize) -> Resource {
    if number.is_multiple_of(7) {
        return Resource { tags: vec![("owner", format!("team-{owner}"))], ..database(&format!("d{number}")) };
    }
    let account = ["111122223333", "444455556666", "777788889999", "000011112222"][number % 4];
    let region = ["eu-west-1", "us-east-1", "ap-southeast-2"][number / 4 % 3];
    table(account, region, &format!("t-{number}"), &format!("team-{owner}"))
}

fn stream_of(changes: usize, resources: usize, dice: &mut Dice) -> Vec<Change> {
    let mut stream = Vec::with_capacity(changes);
    for at in 0..changes {
        let number = if at < resources { at } else { dice.below(resources) };
        let is_deletion = at >= resources && dice.below(10) == 0;
        let ms = FIRST_MS + i64::try_from(at).unwrap() * 10;
        let time = format!("{:.3}", jiff::Timestamp::from_millisecond(ms).unwrap());
        let mut resource = resource(number, dice.below(5));
        resource.configuration["tableStatus"] = json!(["ACTIVE", "UPDATING"][dice.below(2)]);
        let status = if is_deletion { "ResourceDeleted" } else { "OK" };
        let event = item_change(&resource, status, &time, ms);
        stream.push(Change { resource: number, at, is_deletion, event });
    }
    stream
}

/// What of the truth the catalog does not know: missing, stale, live although deleted.
type Lost = [BTreeSet<Identity>; 3];

fn lost(truth: &BTreeMap<usize, Change>, told: &BTreeMap<usize, Change>) -> Lost {
    let mut lost = Lost::default();
    for (number, last) in truth {
        let name = identity(&resource(*number, 0));
        let sort = match (told.get(number), last.is_deletion) {
            (None, false) => 0,
            (Some(known), false) if known.is_deletion && known.at < last.at => 0,
            (Some(known), false) if known.at < last.at => 1,
            (Some(known), true) if !known.is_deletion => 2,
            _ => continue,
        };
        lost[sort].insert(name);
    }
    lost
}

fn newest(changes: &[Change]) -> BTreeMap<usize, Change> {
    let mut newest: BTreeMap<usize, Change> = BTreeMap::new();
    for change in changes {
        let standing = newest.entry(change.resource).or_insert_with(|| change.clone());
        if standing.at < change.at {
            *standing = change.clone();
        }
    }
    newest
}

#[expect(clippy::print_stderr, reason = "figures for who asked for a size")]
async fn play(changes: usize, resources: usize, lost_per_mille: usize) {
    let estate = Estate::start().await;
    let mut dice = Dice(u64::try_from(lost_per_mille).unwrap() + 7);
    let all = stream_of(changes, resources, &mut dice);
    for change in &all {
        estate.lose(&change.event);
    }
    let told: Vec<Change> = all.iter().filter(|_| dice.below(1_000) >= lost_per_mille).cloned().collect();
    let (truth, known) = (newest(&all), newest(&told));
    let [missing, stale, deleted] = lost(&truth, &known);
    assert!(told.len() < all.len(), "nothing was lost");
    let is_seen = [&missing, &stale, &deleted].map(|lost| !lost.is_empty());
    assert!(lost_per_mille < 100 || is_seen == [true; 3], "the stream must lose some of each: {is_seen:?}");
    let mut deliveries: Vec<&Change> = told.iter().chain(&told).collect();
    dice.shuffle(&mut deliveries);
    let store = estate.store();
    stream::iter(deliveries).for_each_concurrent(16, |change| write(store, &change.event)).await;

    let began = Instant::now();
    let first = estate.swept(BEGIN).await.unwrap();
    let first_ms = began.elapsed().as_millis();
    let report = estate.report(&first).await;
    assert_eq!(report.named.missing, missing);
    assert_eq!(report.named.stale, stale);
    assert_eq!(report.named.suspect, deleted);
    assert!(report.named.deleted.is_empty() && report.named.revived.is_empty() && report.named.refused.is_empty());
    let second = estate.swept(BEGIN).await.unwrap();
    assert_eq!(estate.report(&second).await.named.deleted, deleted);
    let live = truth.values().filter(|change| !change.is_deletion).count() as u64;
    let began = Instant::now();
    assert_eq!(totals(&estate.swept(BEGIN).await.unwrap()), [live, 0, 0, 0, 0, 0, 0]);
    let quiet_ms = began.elapsed().as_millis();

    for (number, last) in &truth {
        let resource = resource(*number, 0);
        assert_eq!(estate.exists(&resource).await, !last.is_deletion, "{}", resource.arn);
        if resource.arn.contains(":db:") {
            let holder = (!last.is_deletion).then(|| identity(&resource));
            assert_eq!(estate.holder(&second_id(resource.name.as_deref().unwrap())).await, holder);
        }
        let now_ms = u64::try_from(now().as_millisecond()).unwrap();
        let message = config_item::parse(&last.event).remove(0).unwrap();
        let said = message.statements("x", now_ms).unwrap().fragments.remove(0).1.said;
        let expected = match said {
            Said::Facts(facts) => Some(facts),
            _ => None,
        };
        assert_eq!(estate.facts(&resource).await, expected, "{}", resource.arn);
    }
    eprintln!(
        "{changes} changes of {resources} resources, {lost_per_mille} of 1000 lost: {} missing, {} stale, {} deletions; \
         the first sweep took {first_ms} ms, one that finds nothing {quiet_ms} ms",
        missing.len(),
        stale.len(),
        deleted.len()
    );
    estate.world.stack.shutdown().await;
}

/// As many as fit into every run, unless somebody asks for more. Of few changes, a loss of one in a thousand is none.
fn plan() -> (usize, usize, Vec<usize>) {
    let Ok(wanted) = std::env::var("CALLBOARD_LOSS") else { return (500, 100, vec![20, 100]) };
    let mut numbers = wanted.split('/').map(|number| number.parse().expect("changes/resources/lost of a thousand"));
    let (changes, resources) = (numbers.next().unwrap(), numbers.next().unwrap());
    let losses: Vec<usize> = numbers.collect();
    (changes, resources, if losses.is_empty() { vec![1, 10, 100] } else { losses })
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_share_of_the_changes_is_lost_the_catalog_says_what_config_says() {
    let (changes, resources, losses) = plan();
    for lost_per_mille in losses {
        play(changes, resources, lost_per_mille).await;
    }
}
