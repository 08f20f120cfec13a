//! Delete by omission, searched: every way in which deliveries of one source object can interleave, stop, be repeated
//! and overtake one another ends in what the newest delivery said. The steps are those of the store's `publish`.

use std::collections::HashSet;

const KEYS: u8 = 2;

/// One delivery: its version, and the keys that it names as bits.
#[derive(Debug, Clone, Copy)]
struct Delivery {
    version: u8,
    names: u8,
}

/// What one try to handle a delivery does next. `left` are keys still to be written, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Next {
    Register,
    Write { left: u8 },
    Read,
    Sweep { head: u8, read: u8, left: u8 },
    Close { head: u8, read: u8 },
    Done,
}

/// The table, and where each process is. Deliveries are named by their place, heads by that place plus one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    head: u8,
    open: u8,
    /// For each key: twice the version, plus one if it is there. 0: never written.
    registers: [u8; KEYS as usize],
    next: Vec<Next>,
    crashes_left: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    AsDesigned,
    /// Wrong: compares with the one head that stood before.
    SweepsOnlyThePreviousHead,
    /// Wrong: marks gone at its own version.
    SweepsAtItsOwnVersion,
    /// Wrong: forgets the open deliveries even if a newer head came meanwhile.
    ClosesWithoutCondition,
}

struct Search<'a> {
    deliveries: &'a [Delivery],
    /// The delivery that each process handles.
    handles: &'a [u8],
    protocol: Protocol,
}

impl Search<'_> {
    fn delivery(&self, index: u8) -> Delivery {
        self.deliveries[usize::from(index)]
    }

    /// Whether every way ends in what the newest delivery said.
    fn converges(&self, crashes: u8) -> bool {
        let newest = self.deliveries.iter().max_by_key(|delivery| delivery.version).unwrap();
        let start = World {
            head: 0,
            open: 0,
            registers: [0; KEYS as usize],
            next: vec![Next::Register; self.handles.len()],
            crashes_left: crashes,
        };
        let mut seen = HashSet::from([start.clone()]);
        let mut todo = vec![start];
        while let Some(world) = todo.pop() {
            if world.next.iter().all(|next| *next == Next::Done) && !is_as_said(&world, *newest) {
                return false;
            }
            for process in 0..world.next.len() {
                for after in self.steps(&world, process) {
                    if seen.insert(after.clone()) {
                        todo.push(after);
                    }
                }
            }
        }
        true
    }

    /// What may happen when one process goes on: its next step, in any order of keys, or a stop.
    fn steps(&self, world: &World, process: usize) -> Vec<World> {
        let me = self.handles[process];
        let delivery = self.delivery(me);
        let mut after = Vec::new();
        let mut go = |next: Next, change: &dyn Fn(&mut World)| {
            let mut world = world.clone();
            change(&mut world);
            world.next[process] = next;
            after.push(world);
        };
        match world.next[process] {
            Next::Register => go(write_or(Next::Read, delivery.names), &|world| {
                world.open |= 1 << me;
                if world.head == 0 || self.delivery(world.head - 1).version < delivery.version {
                    world.head = me + 1;
                }
            }),
            Next::Write { left } => {
                for key in keys_in(left) {
                    go(write_or(Next::Read, left & !(1 << key)), &|world| put(world, key, delivery.version, true));
                }
            }
            Next::Read => {
                let (head, read) = (world.head, world.open);
                let mut named = 0;
                for other in 0..u8::try_from(self.deliveries.len()).unwrap() {
                    let counts = self.protocol != Protocol::SweepsOnlyThePreviousHead || other + 2 >= head;
                    if read & (1 << other) != 0 && counts {
                        named |= self.delivery(other).names;
                    }
                }
                let left = named & !self.delivery(head - 1).names;
                go(sweep_or_close(head, read, left), &|_| {});
            }
            Next::Sweep { head, read, left } => {
                let version = match self.protocol {
                    Protocol::SweepsAtItsOwnVersion => delivery.version,
                    _ => self.delivery(head - 1).version,
                };
                for key in keys_in(left) {
                    go(sweep_or_close(head, read, left & !(1 << key)), &|world| put(world, key, version, false));
                }
            }
            Next::Close { head, read } => {
                let is_still_head = self.delivery(world.head - 1).version == self.delivery(head - 1).version;
                if is_still_head || self.protocol == Protocol::ClosesWithoutCondition {
                    go(Next::Done, &|world| {
                        let head = self.delivery(head - 1).version;
                        for other in 0..u8::try_from(self.deliveries.len()).unwrap() {
                            let is_older = self.delivery(other).version < head;
                            let goes = is_older || self.protocol == Protocol::ClosesWithoutCondition;
                            if goes && read & (1 << other) != 0 {
                                world.open &= !(1 << other);
                            }
                        }
                    });
                } else {
                    go(Next::Read, &|_| {});
                }
            }
            Next::Done => return after,
        }
        if world.crashes_left > 0 && world.next[process] != Next::Register {
            go(Next::Register, &|world| world.crashes_left -= 1);
        }
        after
    }
}

fn keys_in(bits: u8) -> impl Iterator<Item = u8> {
    (0..KEYS).filter(move |key| bits & (1 << key) != 0)
}

fn write_or(then: Next, left: u8) -> Next {
    if left == 0 { then } else { Next::Write { left } }
}

fn sweep_or_close(head: u8, read: u8, left: u8) -> Next {
    if left == 0 { Next::Close { head, read } } else { Next::Sweep { head, read, left } }
}

/// The conditional write: a larger version wins, at one version the first.
fn put(world: &mut World, key: u8, version: u8, is_there: bool) {
    let register = &mut world.registers[usize::from(key)];
    if *register == 0 || *register / 2 < version {
        *register = version * 2 + u8::from(is_there);
    }
}

fn is_as_said(world: &World, newest: Delivery) -> bool {
    world.registers.iter().zip(0..).all(|(register, key)| {
        let is_there = register % 2 == 1;
        is_there == (newest.names & (1 << key) != 0) && (!is_there || register / 2 == newest.version)
    })
}

/// All ways to give so many deliveries, of rising versions, their sets of keys.
fn all_sets(deliveries: u8) -> impl Iterator<Item = Vec<Delivery>> {
    (0..1_u32 << (KEYS * deliveries)).map(move |sets| {
        let names = |index: u8| u8::try_from(sets >> (KEYS * index) & 0b11).unwrap();
        (0..deliveries).map(|index| Delivery { version: index + 1, names: names(index) }).collect()
    })
}

fn all_converge(
    deliveries: impl Iterator<Item = Vec<Delivery>>,
    handles: &[u8],
    crashes: u8,
    protocol: Protocol,
) -> bool {
    let mut deliveries = deliveries;
    deliveries.all(|deliveries| Search { deliveries: &deliveries, handles, protocol }.converges(crashes))
}

#[test]
fn three_deliveries_with_a_crash_end_in_the_newest() {
    assert!(all_converge(all_sets(3), &[0, 1, 2], 1, Protocol::AsDesigned));
}

#[test]
fn two_deliveries_each_handled_twice_at_once_end_in_the_newest() {
    assert!(all_converge(all_sets(2), &[0, 0, 1, 1], 0, Protocol::AsDesigned));
}

#[test]
fn two_deliveries_with_three_crashes_end_in_the_newest() {
    assert!(all_converge(all_sets(2), &[0, 1], 3, Protocol::AsDesigned));
}

/// One file read by two builds, which name different things: the next version puts it right.
#[test]
fn two_readings_of_one_delivery_are_swept_by_the_next_head() {
    let deliveries = all_sets(3).map(|deliveries| {
        let versions = [1, 1, 2];
        deliveries.into_iter().zip(versions).map(|(delivery, version)| Delivery { version, ..delivery }).collect()
    });
    assert!(all_converge(deliveries, &[0, 1, 2], 0, Protocol::AsDesigned));
}

#[test]
fn the_search_finds_what_is_wrong_with_simpler_protocols() {
    for protocol in
        [Protocol::SweepsOnlyThePreviousHead, Protocol::SweepsAtItsOwnVersion, Protocol::ClosesWithoutCondition]
    {
        assert!(!all_converge(all_sets(3), &[0, 1, 2], 1, protocol), "{protocol:?}");
    }
}
