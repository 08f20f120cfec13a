//! A company, and bills of it as they are stored: every scope's rollups under a generation, and a head that names it.

use std::collections::{BTreeMap, BTreeSet};

use catalog_model::{EntityRef, Facts, Identity, Pointer, RecordKey, Relation, Role, Said};
use catalog_store::RollupHead;
use cost_model::{Amount, Amounts, Attribution, Currency, Dimensions, Month, Rollup, Scope};
use serde_json::{Value, json};

use crate::stack::Stack;

pub(crate) const PRODUCTION: &str = "111122223333";
pub(crate) const STAGING: &str = "444455556666";

pub(crate) fn entity(text: &str) -> Identity {
    Identity::of_entity(&text.parse().unwrap())
}

pub(crate) fn table() -> Identity {
    Identity::of_canonical_arn("arn:aws:dynamodb:eu-west-1:111122223333:table/orders")
}

pub(crate) fn volume() -> Identity {
    Identity::of_canonical_arn("arn:aws:ec2:eu-west-1:111122223333:volume/vol-1")
}

/// Anna is in `team-a`, which is in `shop`, which is in `company`. `orders` and `billing` are of `team-a` and of system
/// `checkout`; a table works for `orders`, and so does a volume that is attached to nothing.
pub(crate) async fn company() -> Stack {
    let mut stack = Stack::start().await;
    for (group, parent, title) in
        [("company", None, "The Company"), ("shop", Some("company"), "The Shop"), ("team-a", Some("shop"), "Team A")]
    {
        let mut facts = declared(&[("type", "team")]);
        facts.say(Pointer::to(["spec", "profile", "displayName"]), title);
        facts.relations.extend(parent.map(|parent| related("childOf", &format!("group:default/{parent}"))));
        say(&mut stack, &format!("group:default/{group}"), facts).await;
    }
    let mut anna = declared(&[]);
    anna.say(Pointer::to(["spec", "profile", "email"]), "anna@example.com");
    anna.relations.insert(related("memberOf", "group:default/team-a"));
    say(&mut stack, "user:default/anna", anna).await;
    say(&mut stack, "system:default/checkout", declared(&[("owner", "team-a")])).await;
    for name in ["orders", "billing"] {
        let mut facts = declared(&[("owner", "team-a"), ("system", "checkout"), ("type", "service")]);
        facts.relations.insert(related("partOf", "system:default/checkout"));
        facts.relations.insert(related("ownedBy", "group:default/team-a"));
        say(&mut stack, &format!("component:default/{name}"), facts).await;
    }
    for resource in [table(), volume()] {
        works_for(&mut stack, resource, "component:default/orders").await;
    }
    stack.index_all().await;
    stack
}

/// A resource of a component, which the index has not heard of yet.
pub(crate) async fn works_for(stack: &mut Stack, resource: Identity, component: &str) {
    let mut facts = Facts::new(Role::Listed);
    facts.relations.insert(related("dependencyOf", component));
    facts.say(Pointer::to(["spec", "aws", "state"]), "available");
    stack.say(&RecordKey::Entity(resource), "state", Said::Facts(facts)).await;
}

fn declared(fields: &[(&str, &str)]) -> Facts {
    let mut facts = Facts::new(Role::Declared);
    for (field, value) in fields {
        facts.say(Pointer::spec(field), *value);
    }
    facts
}

fn related(relation: &str, target: &str) -> Relation {
    Relation::new(relation, entity(target).key())
}

async fn say(stack: &mut Stack, name: &str, facts: Facts) {
    stack.say(&RecordKey::Entity(entity(name)), "catalog", Said::Facts(facts)).await;
}

/// One line of a bill: day, service, account, whose, amount.
pub(crate) type Line<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

/// A month of every scope that has costs.
pub(crate) struct Bill {
    month: Month,
    rollups: BTreeMap<Scope, Rollup>,
}

/// Whose: a component of `team-a` and `checkout`, `orders+billing` for both, `team-a` for what it owns without a component, or a
/// reason. Amounts in euros end in `EUR`. What is amortised is a tenth less.
pub(crate) fn rollups(month: &str, lines: &[Line<'_>]) -> Bill {
    let month: Month = month.parse().unwrap();
    let mut rollups = BTreeMap::from([(Scope::All, Rollup::new(month))]);
    for (day, service, account, whose, amount) in lines {
        let (amount, currency) = amount.strip_suffix("EUR").map_or((*amount, "USD"), |amount| (amount, "EUR"));
        let amount: Amount = amount.parse().unwrap();
        for (attribution, owner, part) in parts(whose, amount) {
            let mut scopes = BTreeSet::from([Scope::All, Scope::Account((*account).to_owned())]);
            scopes.extend(owner.clone().map(Scope::Entity));
            if let Some(component) = attribution.component() {
                scopes.extend([
                    Scope::Entity(component.clone()),
                    Scope::Entity("system:default/checkout".parse().unwrap()),
                ]);
            }
            scopes.extend((*whose == "orders").then(|| Scope::of_identity(&table())));
            let dimensions = Dimensions {
                service: (*service).to_owned(),
                region: "eu-west-1".to_owned(),
                account: (*account).to_owned(),
                environment: (*account == PRODUCTION).then(|| "production".to_owned()),
                attribution,
                owner,
                currency: currency.parse().unwrap(),
            };
            let amortized = part.minus(Amount::from_raw(part.raw() / 10)).unwrap();
            let amounts = Amounts { unblended: part, amortized, net_amortized: amortized };
            for scope in scopes {
                let rollup = rollups.entry(scope).or_insert_with(|| Rollup::new(month));
                rollup.add(day.parse().unwrap(), &dimensions, &amounts).unwrap();
            }
        }
    }
    Bill { month, rollups }
}

/// Who carries which part of an amount.
fn parts(whose: &str, amount: Amount) -> Vec<(Attribution, Option<EntityRef>, Amount)> {
    if let Ok(reason) = whose.parse() {
        return vec![(Attribution::Unallocated(reason), None, amount)];
    }
    let team: Option<EntityRef> = Some("group:default/team-a".parse().unwrap());
    if whose == "team-a" {
        return vec![(Attribution::Unallocated("NoComponent".parse().unwrap()), team, amount)];
    }
    let components: Vec<&str> = whose.split('+').collect();
    let share = amount.raw() / i128::try_from(components.len()).unwrap();
    let rest = amount.raw() - share * i128::try_from(components.len() - 1).unwrap();
    let part = |(at, component): (usize, &&str)| {
        let raw = if at == 0 { rest } else { share };
        (Attribution::Component(EntityRef::component(component)), team.clone(), Amount::from_raw(raw))
    };
    components.iter().enumerate().map(part).collect()
}

/// Stores rollups under a generation that nobody reads yet.
pub(crate) async fn store(stack: &Stack, generation: &str, bill: &Bill) {
    let month = bill.month.to_string();
    for (scope, rollup) in &bill.rollups {
        stack.store.put_rollup(&scope.to_string(), &month, generation, &rollup.to_json()).await.unwrap();
    }
}

pub(crate) async fn flip(stack: &Stack, export: &str, generation: &str, bill: &Bill, complete: &str) {
    let totals: BTreeMap<Currency, Value> = bill.rollups[&Scope::All]
        .totals()
        .unwrap()
        .into_iter()
        .map(|(currency, amounts)| (currency, json!({"unblended": amounts.unblended})))
        .collect();
    let head: RollupHead = serde_json::from_value(json!({
        "generation": generation, "totals": totals, "lastCompleteDay": complete, "atMs": 1,
    }))
    .unwrap();
    stack.store.flip_head(export, &bill.month.to_string(), &head).await.unwrap();
}

pub(crate) async fn bill(stack: &Stack, month: &str, complete: &str, lines: &[Line<'_>]) {
    let rollups = rollups(month, lines);
    store(stack, "g1", &rollups).await;
    flip(stack, "cur/daily", "g1", &rollups, complete).await;
}

pub(crate) const SEPTEMBER: &[Line<'static>] = &[
    ("2026-09-01", "AmazonEC2", PRODUCTION, "orders", "3"),
    ("2026-09-10", "AmazonEC2", PRODUCTION, "orders", "10.00000000000000000001"),
    ("2026-09-10", "AmazonDynamoDB", PRODUCTION, "orders+billing", "0.00000000000000000003"),
    ("2026-09-15", "AmazonEC2", STAGING, "billing", "7.5"),
    ("2026-09-30", "Tax", PRODUCTION, "Tax", "4"),
];

pub(crate) const OCTOBER: &[Line<'static>] = &[
    ("2026-10-01", "AmazonEC2", PRODUCTION, "orders", "30"),
    ("2026-10-02", "AmazonEC2", PRODUCTION, "orders", "-0.5"),
    ("2026-10-03", "AmazonDynamoDB", PRODUCTION, "orders+billing", "1.1"),
    ("2026-10-10", "AmazonEC2", STAGING, "team-a", "2.25"),
    ("2026-10-11", "AmazonEC2", STAGING, "UnknownResource", "6"),
    ("2026-10-12", "AmazonS3", STAGING, "orders", "5EUR"),
    ("2026-10-20", "AmazonEC2", STAGING, "billing", "20"),
    ("2026-10-20", "ComputeSavingsPlans", PRODUCTION, "SavingsPlanFee", "10"),
    ("2026-10-31", "Tax", PRODUCTION, "Tax", "4"),
];

/// Two months of the company.
pub(crate) async fn autumn() -> Stack {
    let stack = company().await;
    bill(&stack, "2026-09", "2026-09-30", SEPTEMBER).await;
    bill(&stack, "2026-10", "2026-10-31", OCTOBER).await;
    stack
}

pub(crate) async fn ask(stack: &mut Stack, path: &str, parameters: &[(&str, &str)]) -> Value {
    let (status, answer) = stack.get(path, parameters).await;
    assert_eq!(status, 200, "{path} {parameters:?}: {answer}");
    answer
}

/// The same with every number as a text: they have more digits than a double.
pub(crate) async fn ask_exactly(stack: &mut Stack, path: &str, parameters: &[(&str, &str)]) -> Value {
    let (status, answer) = stack.get_text(path, parameters).await;
    assert_eq!(status, 200, "{path} {parameters:?}: {answer}");
    let (mut exact, mut in_text, mut in_number, mut before) = (String::new(), false, false, ' ');
    for character in answer.chars() {
        let is_digit =
            !in_text && (character.is_ascii_digit() || "+-.eE".contains(character) && in_number || character == '-');
        if is_digit != in_number {
            exact.push('"');
        }
        in_number = is_digit;
        in_text ^= character == '"' && before != '\\';
        exact.push(character);
        before = character;
    }
    serde_json::from_str(&exact).unwrap()
}

/// The exact sum of amounts.
pub(crate) fn sum<'a>(amounts: impl IntoIterator<Item = &'a Value>) -> Amount {
    amounts.into_iter().fold(Amount::ZERO, |sum, amount| {
        sum.plus(amount.as_str().unwrap_or_else(|| panic!("{amount} is no text")).parse().unwrap()).unwrap()
    })
}
