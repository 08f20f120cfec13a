//! Random histories of records, names and inheritance: a follower that stops anywhere ends where a full read ends.

use catalog_model::{Claim, EntityRef, Facts, Identity, Key, Pointer, RecordKey, Relation, Role, Said};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::follower::{Follower, read_all};
use crate::stack::Stack;

const CASES: u32 = 150;
const THINGS: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    /// A component with an owner, a system and dependencies on names.
    Component {
        n: usize,
        owner: Option<usize>,
        system: Option<usize>,
        depends_on: Vec<usize>,
        by_arn: bool,
        uses: Option<usize>,
        of_stack: bool,
    },
    NoComponent {
        n: usize,
    },
    /// A resource that declares a name and says whose dependency it is.
    Resource {
        n: usize,
        name: Option<usize>,
        owner: Option<usize>,
        dependency_of: Vec<usize>,
        in_stack: bool,
    },
    NoResource {
        n: usize,
    },
    /// What the resources may be part of, and whose that is.
    Stack {
        owner: Option<usize>,
        dependency_of: Option<usize>,
    },
    NoStack,
    /// A resource that has nothing but its name.
    Named {
        name: usize,
        owner: Option<usize>,
        is_there: bool,
    },
    Claim {
        file: usize,
        name: usize,
        resource: usize,
        by_arn: bool,
    },
    NoClaim {
        file: usize,
        name: usize,
    },
    Group {
        n: usize,
        is_there: bool,
    },
    /// The stream hands over what waits.
    Index,
    /// The follower takes a page.
    Page {
        limit: usize,
    },
    /// The follower takes all there is, so that nothing from before can hide what a later change must name.
    CatchUp,
}

fn step() -> impl Strategy<Value = Step> {
    let n = || 0..THINGS;
    let maybe = || prop::option::of(0..THINGS);
    let some = || prop::collection::vec(0..THINGS, 0..3);
    prop_oneof![
        4 => (n(), maybe(), maybe(), some(), any::<bool>(), maybe(), any::<bool>()).prop_map(
            |(n, owner, system, depends_on, by_arn, uses, of_stack)| {
                Step::Component { n, owner, system, depends_on, by_arn, uses, of_stack }
            }
        ),
        2 => n().prop_map(|n| Step::NoComponent { n }),
        4 => (n(), maybe(), prop::option::weighted(0.3, n()), some(), any::<bool>()).prop_map(
            |(n, name, owner, dependency_of, in_stack)| Step::Resource { n, name, owner, dependency_of, in_stack }
        ),
        2 => (prop::option::weighted(0.3, n()), maybe())
            .prop_map(|(owner, dependency_of)| Step::Stack { owner, dependency_of }),
        1 => Just(Step::NoStack),
        2 => n().prop_map(|n| Step::NoResource { n }),
        2 => (n(), prop::option::weighted(0.3, n()), any::<bool>())
            .prop_map(|(name, owner, is_there)| Step::Named { name, owner, is_there }),
        3 => (0usize..2, n(), n(), any::<bool>())
            .prop_map(|(file, name, resource, by_arn)| Step::Claim { file, name, resource, by_arn }),
        2 => (0usize..2, n()).prop_map(|(file, name)| Step::NoClaim { file, name }),
        1 => (n(), any::<bool>()).prop_map(|(n, is_there)| Step::Group { n, is_there }),
        8 => Just(Step::Index),
        4 => Just(Step::CatchUp),
        2 => (1usize..6).prop_map(|limit| Step::Page { limit }),
    ]
}

/// Names of a case of its own: all cases share one catalog, and its log.
struct Case(u32);

impl Case {
    fn component(&self, n: usize) -> EntityRef {
        EntityRef::component(&format!("c{}-{n}", self.0))
    }

    fn group(&self, n: usize) -> String {
        format!("group:default/g{}-{n}", self.0)
    }

    fn name(&self, n: usize) -> EntityRef {
        EntityRef::resource(&format!("r{}-{n}", self.0))
    }

    fn resource(&self, n: usize) -> Identity {
        Identity::of_canonical_arn(&format!("arn:aws:sqs:eu-west-1:111122223333:q{}-{n}", self.0))
    }

    fn stack(&self) -> Identity {
        Identity::of_canonical_arn(&format!("arn:aws:cloudformation:eu-west-1:111122223333:stack/s{}/0a", self.0))
    }

    fn owned(&self, role: Role, owner: Option<usize>) -> Facts {
        let mut facts = Facts::new(role);
        facts.say(Pointer::spec("type"), "thing");
        facts.say(Pointer::spec("owner"), owner.map(|n| self.group(n)));
        facts
    }

    /// What is written where, and by which file.
    fn fragment(&self, step: &Step) -> (RecordKey, String, Said) {
        let entity = |reference: EntityRef| RecordKey::Entity(Identity::of_entity(&reference));
        let (key, file, said) = match step {
            Step::Component { n, owner, system, depends_on, by_arn, uses, of_stack } => {
                let mut facts = self.owned(Role::Declared, *owner);
                facts.say(Pointer::spec("system"), system.map(|n| format!("s{}-{n}", self.0)));
                for n in depends_on {
                    let target = if *by_arn { self.resource(*n).key() } else { Key::of_ref(&self.name(*n)) };
                    facts.relations.insert(Relation::new("dependsOn", target));
                }
                facts.relations.extend(uses.map(|n| Relation::new("uses", self.resource(n).key())));
                facts.relations.extend(of_stack.then(|| Relation::new("dependsOn", self.stack().key())));
                (entity(self.component(*n)), "components".to_owned(), Said::Facts(facts))
            }
            Step::NoComponent { n } => (entity(self.component(*n)), "components".to_owned(), Said::Gone),
            Step::Resource { n, name, owner, dependency_of, in_stack } => {
                let mut facts = self.owned(Role::Listed, *owner);
                facts.say(Pointer::metadata("name"), name.map(|n| self.name(n).name().to_owned()));
                for n in dependency_of {
                    let target = Key::of_ref(&self.component(*n));
                    facts.relations.insert(Relation::new("dependencyOf", target));
                }
                facts.relations.extend(in_stack.then(|| Relation::new("partOf", self.stack().key())));
                (RecordKey::Entity(self.resource(*n)), "state".to_owned(), Said::Facts(facts))
            }
            Step::Stack { owner, dependency_of } => {
                let mut facts = self.owned(Role::Listed, *owner);
                let component = dependency_of.map(|n| Key::of_ref(&self.component(n)));
                facts.relations.extend(component.map(|component| Relation::new("dependencyOf", component)));
                (RecordKey::Entity(self.stack()), "state".to_owned(), Said::Facts(facts))
            }
            Step::NoStack => (RecordKey::Entity(self.stack()), "state".to_owned(), Said::Gone),
            Step::NoResource { n } => (RecordKey::Entity(self.resource(*n)), "state".to_owned(), Said::Gone),
            Step::Named { name, owner, is_there } => {
                let said = if *is_there { Said::Facts(self.owned(Role::Declared, *owner)) } else { Said::Gone };
                (entity(self.name(*name)), "names".to_owned(), said)
            }
            Step::Claim { file, name, resource, by_arn } => {
                let claim = Said::Claim(Claim { identity: self.resource(*resource), by_arn: *by_arn });
                (RecordKey::Alias(Key::of_ref(&self.name(*name))), format!("claims-{file}"), claim)
            }
            Step::NoClaim { file, name } => {
                (RecordKey::Alias(Key::of_ref(&self.name(*name))), format!("claims-{file}"), Said::Gone)
            }
            Step::Group { n, is_there } => {
                let said = if *is_there { Said::Facts(self.owned(Role::Declared, None)) } else { Said::Gone };
                (entity(self.group(*n).parse().unwrap()), "groups".to_owned(), said)
            }
            Step::Index | Step::Page { .. } | Step::CatchUp => unreachable!("nothing is written"),
        };
        (key, format!("{file}-{}", self.0), said)
    }
}

async fn play(stack: &mut Stack, case: &Case, steps: &[Step], limits: (usize, usize)) -> Result<(), TestCaseError> {
    let mut follower: Option<Follower> = None;
    for n in 0..THINGS {
        let (key, file, said) = case.fragment(&Step::Group { n, is_there: true });
        stack.say(&key, &file, said).await;
    }
    for (at, step) in steps.iter().enumerate() {
        if at == limits.1 % steps.len().div_ceil(2) {
            follower = Some(Follower::start(stack).await);
        }
        match step {
            Step::Index => stack.index_all().await,
            Step::Page { limit } => {
                if let Some(follower) = &mut follower {
                    follower.step(stack, *limit).await;
                }
            }
            Step::CatchUp => {
                if let Some(follower) = &mut follower {
                    follower.catch_up(stack, limits.0).await;
                }
            }
            write => {
                let (key, file, said) = case.fragment(write);
                stack.say(&key, &file, said).await;
            }
        }
    }
    stack.index_all().await;
    let mut follower = follower.unwrap();
    follower.catch_up(stack, limits.0).await;
    let all = read_all(stack).await;
    prop_assert_eq!(follower.entities, all);
    Ok(())
}

#[test]
fn a_follower_that_stops_anywhere_ends_where_a_full_read_ends() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let number = std::cell::Cell::new(0);
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let histories = (prop::collection::vec(step(), 1..60), (1usize..8, any::<usize>()));
    TestRunner::new(config)
        .run(&histories, |(steps, limits)| {
            number.set(number.get() + 1);
            let case = Case(number.get());
            runtime.block_on(async {
                let mut stack = Stack::start().await;
                stack.pace_ms = 10_000;
                play(&mut stack, &case, &steps, limits).await
            })
        })
        .unwrap();
}
