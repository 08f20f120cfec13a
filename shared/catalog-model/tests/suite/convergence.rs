//! Deliveries of four sources come twice, late and in any order: the record and its entity end up the same.

use std::collections::BTreeMap;

use catalog_model::{
    Applied, Claim, Door, Facts, Format, Fragment, FragmentKey, Identity, Pointer, Record, RecordKey, Relation, Role,
    Rules, Said, SourceObject, Version, alias, canonical_json, stitch, tie_of,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

fn identity() -> Identity {
    Identity::of_canonical_arn("arn:aws:rds:eu-west-1:111122223333:cluster:orders")
}

fn source(format: Format) -> SourceObject {
    match format {
        Format::Config | Format::ConfigNotice | Format::ConfigOversized => {
            SourceObject::config(format, "111122223333", &identity())
        }
        _ => SourceObject { door: Door::Http, producer: "shop.orders".into(), format, name: "prod".into() },
    }
}

fn role(format: Format, is_weak: bool) -> Role {
    match format {
        Format::Config | Format::ConfigNotice | Format::ConfigOversized | Format::ConfigAccount => Role::Observed,
        Format::ConfigClaim | Format::ConfigCompliance | Format::PipelineState => Role::Mentioned,
        Format::CatalogInfo => Role::Declared,
        _ if is_weak => Role::Stub,
        Format::TerraformState
        | Format::TerraformShow
        | Format::Cloudformation
        | Format::CdkOutputs
        | Format::Openapi
        | Format::Asyncapi
        | Format::Deployment => Role::Listed,
    }
}

fn any_facts() -> impl Strategy<Value = (bool, Vec<(usize, u8)>)> {
    (any::<bool>(), prop::collection::vec((0..6_usize, 0..3_u8), 0..4))
}

fn facts(format: Format, is_weak: bool, words: Vec<(usize, u8)>) -> Facts {
    let mut facts = Facts::new(role(format, is_weak));
    for (field, word) in words {
        let word = ["team-a", "team-b", "team-c"][usize::from(word)];
        match field {
            0 => facts.say(Pointer::spec("owner"), word),
            1 => facts.say(Pointer::spec("system"), word),
            2 => facts.say(Pointer::to(["spec", "aws", "tags", "team"]), word),
            3 => facts.say(Pointer::metadata("name"), word),
            4 => facts.say(Pointer::spec("aws"), json!({"tags": {"team": word, "x": 1}})),
            _ => {
                let target = Identity::of_canonical_arn(&format!("arn:aws:sqs:eu-west-1:111122223333:{word}"));
                facts.relations.insert(Relation::new("dependsOn", target.key()));
            }
        }
    }
    facts
}

/// A delivery as a source makes it: the tie of its version is the hash of what it says, so that equal versions say the
/// same. Few serials, so that many versions differ in the tie alone, tombstones among them.
fn any_fragment() -> impl Strategy<Value = Fragment> {
    (prop::sample::select(&Format::ALL[..]), 1..4_u64, 0..4_u8, any_facts()).prop_map(
        |(format, serial, said, (is_weak, words))| {
            let said = if said == 0 { Said::Gone } else { Said::Facts(facts(format, is_weak, words)) };
            delivery_of(source(format), serial, said)
        },
    )
}

fn any_claim() -> impl Strategy<Value = Fragment> {
    ("[abc]", 1..4_u64, 0..4_u8, any::<bool>()).prop_map(|(name, serial, word, by_arn)| {
        let identity = Identity::of_canonical_arn(&format!("arn:aws:sqs:eu-west-1:111122223333:q{word}"));
        let said = if word == 0 { Said::Gone } else { Said::Claim(Claim { identity, by_arn }) };
        delivery_of(SourceObject { name, ..source(Format::CatalogInfo) }, serial, said)
    })
}

fn delivery_of(source: SourceObject, serial: u64, said: Said) -> Fragment {
    let version = Version::of_serial(serial, tie_of(said.canonical().as_bytes()));
    Fragment { source, version, delivery: String::new(), said }
}

fn delivered(order: impl IntoIterator<Item = usize>, fragments: &[Fragment]) -> Record {
    let mut record = Record::empty(RecordKey::Entity(identity()));
    let mut counts = [0_u64; 3];
    let mut deliveries = 0;
    for (at, index) in order.into_iter().enumerate() {
        let fragment = Fragment { delivery: format!("{at}"), ..fragments[index].clone() };
        deliveries += 1;
        match record.apply(fragment) {
            Applied::Applied => counts[0] += 1,
            Applied::Stale => counts[1] += 1,
            Applied::Duplicate => counts[2] += 1,
        }
    }
    assert_eq!((counts.iter().sum::<u64>(), counts[0]), (deliveries, record.rv), "every delivery is counted once");
    record
}

/// Everything but `rv` and the delivery ids.
fn text_of(fragments: &BTreeMap<FragmentKey, Fragment>) -> String {
    let mut value =
        serde_json::to_value(fragments.iter().map(|(key, f)| (key.as_str(), f)).collect::<BTreeMap<_, _>>()).unwrap();
    for fragment in value.as_object_mut().unwrap().values_mut() {
        fragment["delivery"] = Value::Null;
    }
    canonical_json(&value)
}

/// The naive reference: of each source object, the fragment of the largest version.
fn newest(fragments: &[Fragment]) -> BTreeMap<FragmentKey, Fragment> {
    let mut newest: BTreeMap<FragmentKey, Fragment> = BTreeMap::new();
    for fragment in fragments {
        let stands = newest.get(&fragment.source.fragment_key()).is_some_and(|other| other.version >= fragment.version);
        if !stands {
            newest.insert(fragment.source.fragment_key(), fragment.clone());
        }
    }
    newest
}

fn same_sets(count: usize, size: usize, seed: u8) -> Vec<Vec<Fragment>> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = prop::collection::vec(any_fragment(), size);
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Every sequence of `length` deliveries in which each of `count` comes at least once.
fn sequences(count: usize, length: u32) -> impl Iterator<Item = Vec<usize>> {
    (0..count.pow(length)).filter_map(move |number| {
        let sequence: Vec<usize> = (0..length).map(|at| number / count.pow(at) % count).collect();
        (0..count).all(|index| sequence.contains(&index)).then_some(sequence)
    })
}

#[test]
fn every_permutation_with_duplicates_of_up_to_six_deliveries_ends_the_same() {
    let mut seen = 0;
    for count in 1..=6 {
        for fragments in same_sets(4, count, u8::try_from(count).unwrap()) {
            let expected = text_of(&newest(&fragments));
            let reference = Record { key: RecordKey::Entity(identity()), fragments: newest(&fragments), rv: 0 };
            let entity = stitch(&identity(), &reference, &Rules::default());
            for length in u32::try_from(count).unwrap()..=6 {
                for order in sequences(count, length) {
                    let record = delivered(order.iter().copied(), &fragments);
                    seen += 1;
                    assert_eq!(text_of(&record.fragments), expected, "{order:?} of {fragments:#?}");
                    if length == 6 && seen % 8 == 0 {
                        assert_eq!(
                            stitch(&identity(), &record, &Rules::default()),
                            entity,
                            "{order:?} of {fragments:#?}"
                        );
                    }
                }
            }
        }
    }
    assert!(seen > 10_000, "{seen}");
}

#[test]
fn ten_thousand_random_schedules_of_more_deliveries_end_the_same() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    for fragments in same_sets(250, 9, 77) {
        let reference = Record { key: RecordKey::Entity(identity()), fragments: newest(&fragments), rv: 0 };
        let (expected, entity) = (text_of(&reference.fragments), stitch(&identity(), &reference, &Rules::default()));
        let twice: Vec<usize> = (0..fragments.len()).chain((0..fragments.len()).step_by(2)).collect();
        let schedules = Just(twice).prop_shuffle();
        for _ in 0..40 {
            let record = delivered(schedules.new_tree(&mut runner).unwrap().current(), &fragments);
            assert_eq!(text_of(&record.fragments), expected);
            assert_eq!(stitch(&identity(), &record, &Rules::default()), entity);
        }
    }
}

/// A tombstone and a statement of one serial: the tie decides, the same way in both orders.
#[test]
fn a_tombstone_and_a_statement_of_one_serial_do_not_race() {
    for word in 0..3_u8 {
        let said = Said::Facts(facts(Format::TerraformState, false, vec![(0, word)]));
        let both = [
            delivery_of(source(Format::TerraformState), 4, said),
            delivery_of(source(Format::TerraformState), 4, Said::Gone),
        ];
        let (one, other) = (delivered([0, 1], &both), delivered([1, 0], &both));
        assert_eq!(text_of(&one.fragments), text_of(&other.fragments));
        assert_eq!(stitch(&identity(), &one, &Rules::default()), stitch(&identity(), &other, &Rules::default()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_record_is_the_newest_of_each_source(
        fragments in prop::collection::vec(any_fragment(), 1..12),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let order: Vec<usize> = order.into_iter().map(|index| index.index(fragments.len())).collect();
        let record = delivered(order.iter().copied(), &fragments);
        let came: Vec<Fragment> = order.into_iter().map(|index| fragments[index].clone()).collect();
        prop_assert_eq!(text_of(&record.fragments), text_of(&newest(&came)));
    }

    #[test]
    fn whoever_holds_a_name_does_not_depend_on_the_order_of_claims(
        (claims, shuffled) in prop::collection::vec(any_claim(), 1..8).prop_flat_map(|claims| (Just(claims.clone()), Just(claims).prop_shuffle())),
    ) {
        let one = delivered(0..claims.len(), &claims);
        let other = delivered(0..shuffled.len(), &shuffled);
        prop_assert_eq!(alias::holder(&one), alias::holder(&other));
    }
}
