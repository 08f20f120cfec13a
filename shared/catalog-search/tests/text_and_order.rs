//! Text search on the field that orders: Backstage 4.0.0 then filters the rows that it sorts, if the field is written as
//! the lower-cased one that sorts, and whole entities if it is not.

#![expect(clippy::unwrap_used, reason = "tests, and the words that they share")]

use catalog_model::{
    Door, EntityRef, Facts, Format, Fragment, Identity, Pointer, Record, RecordKey, Role, Said, SourceObject, Version,
};
use catalog_search::{Catalog, Order, Query, Start, TextFilter, row_of};
use serde_json::json;

fn catalog_of_one_with_two_tags() -> Catalog {
    let identity = Identity::of_entity(&EntityRef::component("orders"));
    let mut facts = Facts::new(Role::Declared);
    facts.say(Pointer::metadata("tags"), json!(["java", "rust"]));
    let source = SourceObject { door: Door::Http, producer: "p".into(), format: Format::CatalogInfo, name: "n".into() };
    let mut record = Record::empty(RecordKey::Entity(identity));
    record.apply(Fragment {
        source,
        version: Version::of_serial(1, 0),
        delivery: "d".into(),
        said: Said::Facts(facts),
    });
    let mut catalog = Catalog::default();
    catalog.apply([row_of(&record, &catalog_model::Rules::default())]).unwrap();
    catalog
}

#[test]
fn only_the_field_as_the_index_writes_it_filters_the_rows_that_are_sorted() {
    let catalog = catalog_of_one_with_two_tags();
    for (ordered_by, searched, items) in [
        ("metadata.tags", vec!["metadata.tags"], 1),
        ("METADATA.TAGS", vec!["metadata.tags"], 1),
        ("METADATA.TAGS", vec!["METADATA.TAGS"], 2),
        ("metadata.tags", vec!["METADATA.TAGS"], 2),
        ("metadata.tags", vec![], 1),
        ("METADATA.TAGS", vec![], 2),
    ] {
        let query = Query {
            order: Some(Order { field: ordered_by.to_owned(), descending: false }),
            text: Some(TextFilter {
                term: "rus".to_owned(),
                fields: searched.iter().map(|&field| field.to_owned()).collect(),
            }),
            ..Query::default()
        };
        let page = catalog.page(&query, &Start::Offset(0), 10).unwrap();
        assert_eq!((page.items.len(), page.total), (items, 1), "ordered by {ordered_by}, searched in {searched:?}");
    }
}
