//! The function's own binary, killed with SIGKILL while one of its calls to AWS is under way; another process takes the
//! deliveries again. The records end as if nothing had happened.
#![cfg(unix)]

use std::time::Duration;

use callboard_tests::between::{Calls, Halt};
use callboard_tests::indexing::{Fault, World};
use callboard_tests::runtime_api::{RuntimeApi, command_on};
use serde_json::Value;

use crate::killed::{Case, DELIVERIES, ORDERS, SOURCES, Source};

const BINARY: &str = env!("CARGO_BIN_EXE_cicd-export");

/// Longer than all deliveries of a case take on a busy machine; only a hang reaches it.
const BOUND: Duration = Duration::from_secs(120);

/// Calls of one delivery at which a process dies, from the first to the last but evenly spread.
const DEATHS: u32 = 4;

/// One process takes these events and ends well. How many calls to AWS it made.
async fn taken(world: &World, events: Vec<Value>) -> u32 {
    let (count, calls) = (events.len(), Calls::default());
    let api = RuntimeApi::serve_all(events.into_iter().map(|event| event.to_string())).unwrap();
    let endpoints = calls.between(&world.stack.endpoints());
    let mut function = command_on(BINARY, &api, &endpoints).spawn().unwrap();
    let answered = tokio::task::spawn_blocking(move || {
        for _ in 0..count {
            let answer = api.answer(BOUND).unwrap();
            let response: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!((answer.kind.as_str(), &response["statusCode"]), ("response", &Value::from(200)), "{response}");
        }
    });
    let answered = answered.await;
    function.kill().unwrap();
    function.wait().unwrap();
    answered.unwrap();
    let made: u64 = calls.take().values().map(|spent| spent.calls).sum();
    u32::try_from(made).unwrap()
}

/// One process takes an event, and is killed at one of its calls.
async fn killed(world: &World, event: &Value, fault: Fault) {
    let halt = Halt::at(fault);
    let api = RuntimeApi::serve(event).unwrap();
    let endpoints = Calls::default().between_until(&world.stack.endpoints(), Some(&halt));
    let mut function = command_on(BINARY, &api, &endpoints).spawn().unwrap();
    let reached = tokio::time::timeout(BOUND, halt.reached()).await;
    // On Unix this is SIGKILL: no destructor runs, nothing is flushed.
    function.kill().unwrap();
    let status = function.wait().unwrap();
    reached.expect("the process comes to this call");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{fault:?}: {status}");
}

async fn converges(world: &World, source: &Source, cases: &mut impl Iterator<Item = Case>) {
    let mut undisturbed = Vec::new();
    for order in ORDERS {
        let case = cases.next().unwrap();
        let events: Vec<Value> = order.into_iter().zip(1..).map(|which| source.request(&case, which)).collect();
        taken(world, events).await;
        let standing = source.standing(&world.store, &case).await;
        let live = standing.iter().filter(|fragments| !fragments.is_empty()).count();
        assert_eq!(live, DELIVERIES[order[2]].len(), "{} {order:?}", source.format);
        undisturbed.push(standing);
    }
    for at in 0..DEATHS {
        let dying = usize::try_from(at).unwrap() % 3;
        for (order, fault) in [(0, Fault::Before as fn(u32) -> Fault), (1, Fault::After)] {
            let which = |at: usize| (ORDERS[order][at], u64::try_from(at).unwrap() + 1);
            let calls = taken(world, vec![source.request(&cases.next().unwrap(), which(dying))]).await;
            assert!(calls > DEATHS, "{}: {calls}", source.format);
            let fault = fault(at * (calls - 1) / (DEATHS - 1));
            let case = cases.next().unwrap();
            let delivery = |at: usize| source.request(&case, which(at));
            killed(world, &delivery(dying), fault).await;
            let again = [dying + 2, dying, dying + 1].map(|at| delivery(at % 3));
            taken(world, again.to_vec()).await;
            let ended = source.standing(&world.store, &case).await;
            assert_eq!(ended, undisturbed[order], "{} {fault:?} of delivery {dying}", source.format);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_at_a_call_leaves_nothing_that_the_next_does_not_mend() {
    let world = World::start().await;
    let mut cases = (1000..).map(Case::new);
    for source in SOURCES.iter().filter(|source| ["terraform-state", "catalog-info"].contains(&source.format)) {
        converges(&world, source, &mut cases).await;
    }
    world.stack.shutdown().await;
}
