//! Names of attributes, forms of keys, and every expression of the table. Nothing else in the project spells one.
//!
//! | pk | sk | item |
//! |---|---|---|
//! | `e#<identity>`, `a#<key>` | `E` | a record: an entity, or who claims a name |
//! | `e#<identity>` | `D#<time>#<id>`, `X#<time>#<id>`, `V#<time>#<id>` | beside the record: a deployment, a state of an execution, a definition of an API |
//! | `e#<identity>`, `a#<key>` | `K#<id>` | a register beside the record: what one of Config's rules says of it |
//! | `o#<source object>` | `R` | the root of a source object: its newest publication, and those not yet swept |
//! | `r#<producer>/<format>/<name>` | door | the last receipt |
//! | `m#counts` | source | conservation counts |
//! | `m#failures` | `<source>#<message id>` | a delivery that failed |
//! | `m#lag` | account | the latest item of Config that was applied |
//! | `m#parked` | `<source>#<hash of the subject>` | a subject that nothing in the catalog answers to yet |
//! | `l#deltas` | sequence number, 20 digits | rows of the index's log, for seven days |
//! | `x#index` | `segment` | the segment that stands for the log so far, and which ones did before |
//! | `x#index` | `cursor-key` | random bytes that sign the cursors of pages |
//! | `x#reconcile` | `sweep` | how far the sweep against Config's aggregator is |
//! | `x#reconcile` | `drift` | what the last sweep found |
//! | `c#<scope>` | `<month>#<generation>` | a rollup |
//! | `c#heads` | `<export>#<month>` | which generation of a month counts |

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use catalog_model::{FragmentKey, RecordKey, SourceObject};

/// An item, or a map inside one.
pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) const PK: &str = "pk";
pub(crate) const SK: &str = "sk";
/// Seconds since 1970, after which DynamoDB removes the item.
pub(crate) const EXPIRES_AT: &str = "expires_at";

/// A text of JSON - packed, where it is bytes - and where it is instead when it is long: a SHA-256 in hex, the last part of an
/// object's key.
pub(crate) const BODY: &str = "b";
pub(crate) const POINTER: &str = "p";
/// A version, of whatever the item is.
pub(crate) const VERSION: &str = "v";

/// The sort key of a record.
pub(crate) const RECORD_SK: &str = "E";
pub(crate) const RV: &str = "rv";
pub(crate) const FRAGMENT_KEYS: &str = "fk";
const FRAGMENT_PREFIX: &str = "f:";
pub(crate) const SOURCE_OBJECT: &str = "o";
pub(crate) const DELIVERY: &str = "d";

/// The write of the catalog: a fragment, if it is newer than what the same source object said before.
pub(crate) const APPLY: &str = "SET #f = :fragment, rv = if_not_exists(rv, :now_ms) + :one ADD fk :keys";
/// The names of these fragments are no hashes: one attribute is for all source objects of the format.
pub(crate) const APPLY_IF_NEWER: &str = "(attribute_not_exists(#f) OR #f.v < :v) \
     AND (attribute_not_exists(fk) OR contains(fk, :key) OR size(fk) < :max)";
/// An attribute named by a hash is for one source object.
pub(crate) const APPLY_IF_NEWER_OF_SAME_OBJECT: &str = "(attribute_not_exists(#f) OR (#f.o = :o AND #f.v < :v)) \
     AND (attribute_not_exists(fk) OR contains(fk, :key) OR size(fk) < :max)";

/// The sort key of a root.
pub(crate) const ROOT_SK: &str = "R";
pub(crate) const HEAD: &str = "head";
pub(crate) const HEAD_POINTER: &str = "headptr";
pub(crate) const OPEN: &str = "unswept";
pub(crate) const CLOCK: &str = "clk";
pub(crate) const EPOCH: &str = "ep";
pub(crate) const CLOCKS: &str = "clks";

/// Registers a publication as the head and as open.
pub(crate) const REGISTER_HEAD: &str = "SET head = :v, headptr = :p, clk = :clk, ep = :ep ADD unswept :me, clks :marks";
/// Registers a publication as open only: a newer one is the head.
pub(crate) const REGISTER_OPEN: &str = "ADD unswept :me";
/// Registers a publication that names only a part of what its source object holds: it is nobody's head.
pub(crate) const REGISTER_PART: &str =
    "SET clk = if_not_exists(clk, :clk), ep = if_not_exists(ep, :ep) ADD unswept :me, clks :marks";
pub(crate) const IF_NEWER_HEAD: &str = "(attribute_not_exists(head) OR head < :v) AND ";
/// The same clock, or one that this source object has followed at that epoch.
pub(crate) const IF_SAME_CLOCK: &str = "(attribute_not_exists(clk) OR clk = :clk OR contains(clks, :mark))";
/// A Terraform state may also change its lineage when its epoch rises.
pub(crate) const IF_SAME_LINEAGE_OR_NEXT_EPOCH: &str = "(attribute_not_exists(clk) OR clk = :clk \
     OR contains(clks, :mark) OR (begins_with(clk, :terraform) AND ep < :ep))";
pub(crate) const CLOSE: &str = "DELETE unswept :done";
pub(crate) const IF_STILL_HEAD: &str = "head = :head";
pub(crate) const IF_STILL_WITHOUT_HEAD: &str = "attribute_not_exists(head)";

pub(crate) const IF_NOT_OLDER: &str = "attribute_not_exists(v) OR v <= :v";
pub(crate) const IF_EXISTS: &str = "attribute_exists(pk)";
pub(crate) const IF_ABSENT: &str = "attribute_not_exists(pk)";

pub(crate) const COUNTS_PK: &str = "m#counts";
pub(crate) const FAILURES_PK: &str = "m#failures";
pub(crate) const PARKED_PK: &str = "m#parked";
pub(crate) const LAG_PK: &str = "m#lag";
pub(crate) const CAPTURED_MS: &str = "captured_ms";
pub(crate) const TOLD_MS: &str = "told_ms";
pub(crate) const APPLIED_MS: &str = "applied_ms";
pub(crate) const SET_LAG: &str = "SET captured_ms = :captured, told_ms = :told, applied_ms = :applied";
pub(crate) const IF_LATER_CAPTURE: &str = "attribute_not_exists(captured_ms) OR captured_ms < :captured";
const COUNT_PREFIX: &str = "n:";
/// The newest ids of what a count counted: a set.
const COUNTED_PREFIX: &str = "i:";
pub(crate) const COUNT_ONCE: &str = "ADD #n :one, #i :id_set";
pub(crate) const IF_NOT_COUNTED: &str = "attribute_not_exists(#i) OR NOT contains(#i, :id)";
pub(crate) const FORGET_COUNTED: &str = "DELETE #i :oldest";
pub(crate) const LAST_EVENT: &str = "last_event_ms";
pub(crate) const SET_LAST_EVENT: &str = "SET last_event_ms = :last";
pub(crate) const IF_LATER_EVENT: &str = "attribute_not_exists(last_event_ms) OR last_event_ms < :last";

pub(crate) const DELTAS_PK: &str = "l#deltas";

/// Of an item of the log: its format (none: the first one), the rules that made its rows, when it was appended, and its
/// rows compressed, with the length that they have otherwise.
pub(crate) const FORMAT: &str = "fmt";
pub(crate) const RULES: &str = "rule_hash";
pub(crate) const AT_MS: &str = "at";
pub(crate) const COMPRESSED: &str = "z";
pub(crate) const TEXT_BYTES: &str = "len";

pub(crate) const INDEX_PK: &str = "x#index";
pub(crate) const SEGMENT_SK: &str = "segment";
/// How far the log went at least, should its end have expired.
pub(crate) const END: &str = "log_end";
/// The segment that counts as a list of one, and those that did before: maps of `h` (hash) and `at` (since when).
pub(crate) const CURRENT: &str = "cur";
pub(crate) const SUPERSEDED: &str = "superseded";
pub(crate) const HASH: &str = "h";
pub(crate) const FLIP_SEGMENT: &str = "SET superseded = list_append(if_not_exists(superseded, :none), \
     if_not_exists(cur, :none)), cur = :cur, seq = :seq, rule_hash = :rules, gen = :gen, b = :b";
/// A compaction goes on from the generation that it began with, and only forward.
pub(crate) const IF_GOES_ON: &str = "attribute_not_exists(seq) OR (rule_hash = :rules AND gen = :gen AND seq < :seq)";
/// A rebuild begins a generation; what it knows must not be older, unless other rules made what stands.
pub(crate) const IF_BEGINS: &str = "attribute_not_exists(seq) OR rule_hash <> :rules OR seq <= :seq";
pub(crate) const DROP_OLDEST: &str = "REMOVE superseded[0]";
pub(crate) const IF_OLDEST: &str = "superseded[0].h = :h";
pub(crate) const SET_END: &str = "SET log_end = :end";
pub(crate) const IF_LATER_END: &str = "attribute_not_exists(log_end) OR log_end < :end";

pub(crate) const CURSOR_KEY_SK: &str = "cursor-key";
pub(crate) const SECRET: &str = "k";

pub(crate) const IS_RECORD: &str = "sk = :sk";

pub(crate) const RECONCILE_PK: &str = "x#reconcile";
pub(crate) const SWEEP_SK: &str = "sweep";
pub(crate) const DRIFT_SK: &str = "drift";
/// How often the state was written.
pub(crate) const REVISION: &str = "rev";
pub(crate) const PUT_STATE: &str = "SET rev = :next, b = :b REMOVE p";
pub(crate) const PUT_STATE_POINTER: &str = "SET rev = :next, p = :p REMOVE b";
pub(crate) const IF_FIRST_REVISION: &str = "attribute_not_exists(rev)";
pub(crate) const IF_SAME_REVISION: &str = "rev = :rev";
pub(crate) const PUT_DRIFT: &str = "SET b = :b";

const ROLLUP_PREFIX: &str = "c#";
pub(crate) const HEADS_PK: &str = "c#heads";
pub(crate) const PREVIOUS: &str = "prev";
pub(crate) const FLIP: &str = "SET prev = if_not_exists(v, :none), v = :v, b = :b";
pub(crate) const IF_NEWER: &str = "attribute_not_exists(v) OR v < :v";
pub(crate) const EXPIRE: &str = "SET expires_at = :at";
pub(crate) const NOTE: &str = "SET b = :b, expires_at = :at";
/// What is left of the note expires when all of it would have.
pub(crate) const TAKE_NOTE_AWAY: &str = "REMOVE b";
pub(crate) const HAS_BODY: &str = "attribute_exists(b)";

pub(crate) const DEPLOYMENT_PREFIX: &str = "D#";
pub(crate) const STATE_PREFIX: &str = "X#";
pub(crate) const DEFINITION_PREFIX: &str = "V#";
pub(crate) const PUT_SIBLING: &str = "SET v = :v, b = :b, expires_at = :at";
pub(crate) const COMPLIANCE_PREFIX: &str = "K#";
pub(crate) const PUT_REGISTER: &str = "SET v = :v, b = :b";
pub(crate) const BEGINS: &str = "pk = :pk AND begins_with(sk, :prefix)";
pub(crate) const BETWEEN: &str = "pk = :pk AND sk BETWEEN :from AND :to";

pub(crate) const ALL_OF: &str = "pk = :pk";
pub(crate) const AFTER: &str = "pk = :pk AND sk > :sk";

/// The filter of records with some of `count` fragments, `#f0` to the last, and the projection on them.
pub(crate) fn of_fragments(count: usize) -> (String, String) {
    let names: Vec<String> = (0..count).map(|at| format!("#f{at}")).collect();
    let exists: Vec<String> = names.iter().map(|name| format!("attribute_exists({name})")).collect();
    (format!("{IS_RECORD} AND ({})", exists.join(" OR ")), format!("pk, rv, {}", names.join(", ")))
}

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn b(bytes: Vec<u8>) -> AttributeValue {
    AttributeValue::B(bytes.into())
}

pub(crate) fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// A set of one.
pub(crate) fn ss(text: impl Into<String>) -> AttributeValue {
    AttributeValue::Ss(vec![text.into()])
}

pub(crate) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub(crate) fn number(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

pub(crate) fn bytes<'a>(item: &'a Item, name: &str) -> Option<&'a [u8]> {
    item.get(name)?.as_b().ok().map(AsRef::as_ref)
}

/// The texts of a set; a set that is not there is empty.
pub(crate) fn texts<'a>(item: &'a Item, name: &str) -> &'a [String] {
    item.get(name).and_then(|value| value.as_ss().ok()).map_or(&[], Vec::as_slice)
}

pub(crate) fn key(pk: &str, sk: &str) -> Item {
    Item::from([(PK.to_owned(), s(pk)), (SK.to_owned(), s(sk))])
}

pub(crate) fn record_key(record: &RecordKey) -> Item {
    key(&record.to_string(), RECORD_SK)
}

pub(crate) fn root_key(object: &SourceObject) -> Item {
    key(&format!("o#{object}"), ROOT_SK)
}

pub(crate) fn receipts_pk(producer: &str, format: &str, name: &str) -> String {
    format!("r#{producer}/{format}/{name}")
}

pub(crate) fn rollup_key(scope: &str, month: &str, generation: &str) -> Item {
    key(&format!("{ROLLUP_PREFIX}{scope}"), &format!("{month}#{generation}"))
}

/// The other way round.
pub(crate) fn scope_of(rollup: &Item) -> Option<&str> {
    text(rollup, PK)?.strip_prefix(ROLLUP_PREFIX)
}

/// Sixteen digits: siblings order as their times do.
pub(crate) fn sibling_sk(prefix: &str, at_ms: u64, id: &str) -> String {
    format!("{}#{id}", sibling_bound(prefix, at_ms))
}

/// Comes before every sibling of that time, and after all before.
pub(crate) fn sibling_bound(prefix: &str, at_ms: u64) -> String {
    format!("{prefix}{at_ms:016x}")
}

/// Twenty digits: the sort keys of the log order as their numbers do.
pub(crate) fn delta_sk(seq: u64) -> String {
    format!("{seq:020}")
}

pub(crate) fn fragment_attribute(fragment: &FragmentKey) -> String {
    format!("{FRAGMENT_PREFIX}{fragment}")
}

pub(crate) fn fragment_key(attribute: &str) -> Option<FragmentKey> {
    attribute.strip_prefix(FRAGMENT_PREFIX).map(FragmentKey::from_stored)
}

pub(crate) fn count_attribute(name: &str) -> String {
    format!("{COUNT_PREFIX}{name}")
}

pub(crate) fn counted_attribute(name: &str) -> String {
    format!("{COUNTED_PREFIX}{name}")
}

pub(crate) fn count_name(attribute: &str) -> Option<&str> {
    attribute.strip_prefix(COUNT_PREFIX)
}
