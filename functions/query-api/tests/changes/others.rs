//! Entities that change because of others alone, one by one.

use catalog_model::{Claim, EntityRef, Facts, Identity, Key, Pointer, RecordKey, Relation, Role, Said};

use crate::follower::{Follower, read_all};
use crate::stack::Stack;

fn queue() -> Identity {
    Identity::of_canonical_arn("arn:aws:sqs:eu-west-1:111122223333:queue")
}

fn entity(reference: &str) -> RecordKey {
    RecordKey::Entity(Identity::of_entity(&reference.parse().unwrap()))
}

fn facts(owner: Option<&str>, relations: &[(&str, Key)]) -> Said {
    let mut facts = Facts::new(Role::Declared);
    facts.say(Pointer::spec("owner"), owner);
    facts.relations.extend(relations.iter().map(|(kind, target)| Relation::new(kind, target.clone())));
    Said::Facts(facts)
}

/// A follower that had everything is told of `expected` when the change is indexed, and of all it needs.
async fn told_of(stack: &mut Stack, key: &RecordKey, said: Said, expected: &[&str]) {
    stack.index_all().await;
    let mut follower = Follower::start(stack).await;
    follower.catch_up(stack, 1000).await;
    let before = follower.entities.clone();
    stack.say(key, "change", said).await;
    stack.index_all().await;
    follower.catch_up(stack, 1000).await;
    let all = read_all(stack).await;
    assert_eq!(follower.entities, all);
    let changed = all.iter().filter(|(uid, entity)| before.get(*uid) != Some(*entity));
    let mut names: Vec<&str> = changed.map(|(_, entity)| entity["metadata"]["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, expected);
}

async fn begin() -> Stack {
    let mut stack = Stack::start().await;
    stack.pace_ms = 10_000;
    for group in ["group:default/team-a", "group:default/team-b"] {
        stack.say(&entity(group), "file", facts(None, &[])).await;
    }
    stack
}

#[tokio::test]
async fn who_shows_a_name_that_changes_hands() {
    let mut stack = begin().await;
    let mut named = Facts::new(Role::Listed);
    named.say(Pointer::metadata("name"), "orders");
    stack.say(&RecordKey::Entity(queue()), "state", Said::Facts(named)).await;
    stack.say(&entity("component:default/user"), "file", facts(None, &[("uses", queue().key())])).await;
    let claim = Said::Claim(Claim { identity: queue(), by_arn: true });
    let name = RecordKey::Alias(Key::of_ref(&EntityRef::resource("orders")));
    told_of(&mut stack, &name, claim, &["orders", "user"]).await;
}

#[tokio::test]
async fn who_owned_by_inheritance_what_another_gives_an_owner_now() {
    let mut stack = begin().await;
    stack.say(&RecordKey::Entity(queue()), "state", facts(None, &[])).await;
    let depends = [("dependsOn", queue().key())];
    stack.say(&entity("component:default/z"), "file", facts(Some("team-b"), &depends)).await;
    // The first in the order of identities gives its owner.
    let queue_name = catalog_model::derived_name(&queue());
    let expected = ["a", &queue_name, "team-a", "team-b"];
    told_of(&mut stack, &entity("component:default/a"), facts(Some("team-a"), &depends), &expected).await;
}

#[tokio::test]
async fn who_owned_by_inheritance_before_one_that_comes_first_said_its_owner() {
    let mut stack = begin().await;
    stack.say(&RecordKey::Entity(queue()), "state", facts(None, &[])).await;
    let depends = [("dependsOn", queue().key())];
    stack.say(&entity("component:default/z"), "file", facts(Some("team-b"), &depends)).await;
    stack.say(&entity("component:default/a"), "change", facts(None, &depends)).await;
    let queue_name = catalog_model::derived_name(&queue());
    let expected = ["a", &queue_name, "team-a", "team-b"];
    told_of(&mut stack, &entity("component:default/a"), facts(Some("team-a"), &depends), &expected).await;
}

#[tokio::test]
async fn who_is_a_target_no_more() {
    let mut stack = begin().await;
    stack.say(&entity("component:default/a"), "change", facts(Some("team-a"), &[])).await;
    let expected = ["a", "team-a", "team-b"];
    told_of(&mut stack, &entity("component:default/a"), facts(Some("team-b"), &[]), &expected).await;
}

#[tokio::test]
async fn who_takes_the_name_of_one_that_is_gone() {
    let mut stack = begin().await;
    let other = Identity::of_canonical_arn("arn:aws:sqs:eu-west-1:111122223333:zzz");
    let name = Key::of_ref(&EntityRef::resource("orders"));
    for (file, identity) in [("one", queue()), ("two", other)] {
        let mut named = Facts::new(Role::Listed);
        named.say(Pointer::metadata("name"), "orders");
        stack.say(&RecordKey::Entity(identity.clone()), "change", Said::Facts(named)).await;
        let claim = Said::Claim(Claim { identity, by_arn: true });
        stack.say(&RecordKey::Alias(name.clone()), file, claim).await;
    }
    // Who depends on the name gives its owner to whoever holds it.
    stack.say(&entity("component:default/a"), "file", facts(Some("team-a"), &[("dependsOn", name)])).await;
    told_of(&mut stack, &RecordKey::Entity(queue()), Said::Gone, &["orders"]).await;
}
