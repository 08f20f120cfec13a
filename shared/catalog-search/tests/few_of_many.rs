//! A page of a few entities among many is looked up instead of walked to: the rows are the same.

mod held;

use catalog_model::{
    Door, EntityRef, Facts, Format, Fragment, Identity, Pointer, Record, RecordKey, Role, Said, SourceObject, Version,
};
use catalog_search::{Filter, IndexRow, Order, Query, Start, row_of};
use held::Held;
use serde_json::json;

/// More than are looked up: the whole list is walked, and the few are not.
const MANY: usize = 1_000;

fn row(n: usize) -> IndexRow {
    let mut facts = Facts::new(Role::Declared);
    facts.say(Pointer::metadata("tags"), json!([format!("t{}", n % 7), format!("u{}", n % 5)]));
    facts.say(Pointer::spec("rare"), json!(n.is_multiple_of(40).to_string()));
    let source = SourceObject { door: Door::Http, producer: "p".into(), format: Format::CatalogInfo, name: "n".into() };
    let identity = Identity::of_entity(&EntityRef::component(&format!("c-{:04}", n * 37 % MANY)));
    let mut record = Record::empty(RecordKey::Entity(identity));
    record.apply(Fragment {
        source,
        version: Version::of_serial(1, 0),
        delivery: "d".into(),
        said: Said::Facts(facts),
    });
    row_of(&record, &catalog_model::Rules::default())
}

#[test]
fn a_page_of_a_few_entities_is_the_part_of_the_whole_list_that_passes() {
    let mut held = Held::default();
    held.apply((0..MANY - 10).map(row));
    held.compact();
    held.apply((MANY - 10..MANY).map(row));
    for (field, descending) in
        [("metadata.name", false), ("metadata.name", true), ("metadata.tags", false), ("metadata.tags", true)]
    {
        let query = |filter: &[&str]| Query {
            filter: Filter::parse(filter.iter().copied()).unwrap(),
            order: Some(Order { field: field.into(), descending }),
            text: None,
        };
        let page = |query: &Query, start: &Start, limit| held.ask(|catalog| catalog.page(query, start, limit));
        let all = page(&query(&[]), &Start::Offset(0), usize::MAX).items;
        let rare = query(&["spec.rare=true"]);
        let few: Vec<Identity> = page(&rare, &Start::Offset(0), usize::MAX).items;
        let wanted = |identity: &&Identity| few.contains(identity);
        assert_eq!(few, all.iter().filter(wanted).cloned().collect::<Vec<_>>(), "{field} {descending}");
        assert_eq!(few.iter().collect::<std::collections::BTreeSet<_>>().len(), MANY / 40);

        let first = page(&rare, &Start::Offset(0), 2);
        let second = page(&rare, &Start::After(first.ends.clone().unwrap().1), 2);
        assert_eq!([first.items.clone(), second.items.clone()].concat(), few[..4], "{field} {descending}");
        assert_eq!(page(&rare, &Start::Before(second.ends.unwrap().0), 2).items, first.items);
    }
}
