//! Delete by omission, searched: every way in which deliveries of one source object can interleave, stop, be repeated
//! and overtake one another ends in what the newest delivery said. The steps are those of the store's `publish`.

use std::collections::HashSet;

const KEYS: u8 = 2;

/// One delivery: its version, the keys that it names as bits, and whether those are all, or a part.
#[derive(Debug, Clone, Copy)]
struct Delivery {
    version: u8,
    names: u8,
    complete: bool,
}

/// What one try to handle a delivery does next. `left` are keys still to be written, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Next {
    Register,
    Write {
        left: u8,
    },
    Read,
    Sweep {
        head: u8,
        read: Open,
        left: u8,
    },
    /// Adds one entry for all parts that are newer than the head.
    Merge {
        head: u8,
        read: Open,
    },
    Close {
        head: u8,
        read: Open,
    },
    Done,
}

/// Entries `(version, names)` as bits.
type Open = u16;

/// The table, and where each process is. Deliveries are named by their place, heads by that place plus one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    head: u8,
    open: Open,
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
    /// Wrong: of parts it keeps the newest as it is.
    ForgetsOlderParts,
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

    /// 0: there is none.
    fn version_of(&self, head: u8) -> u8 {
        if head == 0 { 0 } else { self.delivery(head - 1).version }
    }

    /// Whether every way ends in what the newest delivery said, and the parts that are newer still.
    fn converges(&self, crashes: u8) -> bool {
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
            if world.next.iter().all(|next| *next == Next::Done) && !self.is_as_said(&world) {
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
                world.open |= entry(delivery.version, delivery.names);
                if delivery.complete && self.version_of(world.head) < delivery.version {
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
                let version = self.version_of(head);
                let counts = |of: u8| self.protocol != Protocol::SweepsOnlyThePreviousHead || of + 1 >= version;
                let named = entries(read).filter(|(of, _)| counts(*of)).fold(0, |all, (_, names)| all | names);
                let left = if head == 0 { 0 } else { named & !self.delivery(head - 1).names };
                go(self.sweep_or_merge(head, read, left), &|_| {});
            }
            Next::Sweep { head, read, left } => {
                let version = match self.protocol {
                    Protocol::SweepsAtItsOwnVersion => delivery.version,
                    _ => self.version_of(head),
                };
                for key in keys_in(left) {
                    let next = self.sweep_or_merge(head, read, left & !(1 << key));
                    go(next, &|world| put(world, key, version, false));
                }
            }
            Next::Merge { head, read } => {
                go(Next::Close { head, read }, &|world| world.open |= self.merged(head, read));
            }
            Next::Close { head, read } => {
                let is_still_head = self.version_of(world.head) == self.version_of(head);
                if is_still_head || self.protocol == Protocol::ClosesWithoutCondition {
                    let goes =
                        |of: u8| of != self.version_of(head) || self.protocol == Protocol::ClosesWithoutCondition;
                    let done =
                        entries(read).filter(|(of, _)| goes(*of)).fold(0, |all, (of, names)| all | entry(of, names));
                    go(Next::Done, &|world| world.open &= !(done & !self.merged(head, read)));
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

    fn sweep_or_merge(&self, head: u8, read: Open, left: u8) -> Next {
        match left {
            0 if self.merged(head, read) & !read != 0 => Next::Merge { head, read },
            0 => Next::Close { head, read },
            left => Next::Sweep { head, read, left },
        }
    }

    /// The one entry for all parts that are newer than the head.
    fn merged(&self, head: u8, read: Open) -> Open {
        let parts = || entries(read).filter(|(of, _)| *of > self.version_of(head));
        let Some((newest, names)) = parts().max() else { return 0 };
        match self.protocol {
            Protocol::ForgetsOlderParts => entry(newest, names),
            _ => entry(newest, parts().fold(0, |all, (_, names)| all | names)),
        }
    }

    /// The last complete delivery, and what parts said since, is there, and nothing else.
    fn is_as_said(&self, world: &World) -> bool {
        let complete = self.deliveries.iter().filter(|delivery| delivery.complete).map(|delivery| delivery.version);
        let since = complete.max().unwrap_or_default();
        world.registers.iter().zip(0..).all(|(register, key)| {
            let names_it = |delivery: &&Delivery| delivery.version >= since && delivery.names & (1 << key) != 0;
            let said = self.deliveries.iter().filter(names_it).map(|delivery| delivery.version).max();
            said == (register % 2 == 1).then_some(register / 2)
        })
    }
}

fn entry(version: u8, names: u8) -> Open {
    1 << (version << KEYS | names)
}

fn entries(open: Open) -> impl Iterator<Item = (u8, u8)> {
    (0..16).filter(move |at| open & (1 << at) != 0).map(|at| (at >> KEYS, at & 0b11))
}

fn keys_in(bits: u8) -> impl Iterator<Item = u8> {
    (0..KEYS).filter(move |key| bits & (1 << key) != 0)
}

fn write_or(then: Next, left: u8) -> Next {
    if left == 0 { then } else { Next::Write { left } }
}

/// The conditional write: a larger version wins, at one version the first.
fn put(world: &mut World, key: u8, version: u8, is_there: bool) {
    let register = &mut world.registers[usize::from(key)];
    if *register == 0 || *register / 2 < version {
        *register = version * 2 + u8::from(is_there);
    }
}

/// All ways to give so many deliveries, of rising versions, their sets of keys.
fn all_sets(deliveries: u8) -> impl Iterator<Item = Vec<Delivery>> {
    (0..1_u32 << (KEYS * deliveries)).map(move |sets| {
        let names = |index: u8| u8::try_from(sets >> (KEYS * index) & 0b11).unwrap();
        (0..deliveries).map(|index| Delivery { version: index + 1, names: names(index), complete: true }).collect()
    })
}

/// The same, with every choice of deliveries that are parts.
fn all_sets_with_parts(deliveries: u8) -> impl Iterator<Item = Vec<Delivery>> {
    all_sets(deliveries).flat_map(move |sets| {
        (0..1_u8 << deliveries).map(move |complete| {
            let sets = sets.iter().zip(0..);
            sets.map(|(delivery, at)| Delivery { complete: complete & (1 << at) != 0, ..*delivery }).collect()
        })
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

#[test]
fn three_deliveries_some_of_them_parts_end_in_the_newest_and_the_parts_behind_it() {
    assert!(all_converge(all_sets_with_parts(3), &[0, 1, 2], 1, Protocol::AsDesigned));
}

#[test]
fn two_deliveries_some_of_them_parts_each_handled_twice_at_once_end_so_too() {
    assert!(all_converge(all_sets_with_parts(2), &[0, 0, 1, 1], 0, Protocol::AsDesigned));
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
    assert!(!all_converge(all_sets_with_parts(3), &[0, 1, 2], 1, Protocol::ForgetsOlderParts));
}
