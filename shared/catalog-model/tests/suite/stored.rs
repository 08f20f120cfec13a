//! Stored text of earlier versions, kept for ever: it must read back, and mean what it meant.

use catalog_model::{Fragment, Said};

const FRAGMENTS: &[(&str, &str)] = &[
    ("facts-1.json", include_str!("../stored/facts-1.json")),
    ("claim-1.json", include_str!("../stored/claim-1.json")),
    ("gone-1.json", include_str!("../stored/gone-1.json")),
];

#[test]
fn every_fragment_that_was_ever_stored_reads_back_as_it_was() {
    for (file, text) in FRAGMENTS {
        let fragment: Fragment = serde_json::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let again: serde_json::Value = serde_json::to_value(&fragment).unwrap();
        let stored: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(again, stored, "{file} is written differently now: keep this file, and add one of the new form");
    }
}

#[test]
fn stored_fragments_mean_what_they_meant() {
    let of = |index: usize| serde_json::from_str::<Fragment>(FRAGMENTS[index].1).unwrap();
    let Said::Facts(facts) = of(0).said else { panic!("facts") };
    assert_eq!((facts.fields.len(), facts.relations.len(), facts.keys.len()), (9, 1, 1));
    assert_eq!(of(0).source.fragment_key().as_str(), "config");
    let Said::Claim(claim) = of(1).said else { panic!("claim") };
    assert!(claim.by_arn);
    assert_eq!(of(1).source.fragment_key().as_str(), "catalog-info:aa67a93b2513604c");
    assert_eq!(of(2).said, Said::Gone);
}
