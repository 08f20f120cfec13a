//! An item -> that its account exists: a record of its own, which every item of the account says in the same words.
//!
//! Resources do not point at it: an account of thousands would be answered with thousands of relations. They say the
//! account as a dimension (`spec.aws.accountId`), and whoever wants them asks by that.

use catalog_model::{
    Facts, Format, Fragment, Identity, Pointer, RecordKey, Role, Said, SourceObject, Version, resource_types, tie_of,
};

const ACCOUNT_TYPE: &str = "AWS::::Account";

/// What stands on the record of an account in which Config sees resources. Equal for all items of the account.
/// `None`: the account has no 12 digits.
pub fn observed_account(partition: &str, account: &str, delivery: &str) -> Option<(RecordKey, Fragment)> {
    if account.len() != 12 {
        return None;
    }
    let identity = Identity::of_account(partition, account);
    let mut facts = Facts::new(Role::Observed);
    facts.say(Pointer::to(["apiVersion"]), "backstage.io/v1alpha1");
    facts.say(Pointer::to(["kind"]), "Resource");
    facts.say(Pointer::spec("type"), resource_types::spec_type(ACCOUNT_TYPE));
    for (annotation, value) in [("resource-type", ACCOUNT_TYPE), ("resource-id", account), ("account-id", account)] {
        facts.say(Pointer::annotation(&format!("aws.amazon.com/{annotation}")), value);
    }
    for (field, value) in [("resourceType", ACCOUNT_TYPE), ("accountId", account)] {
        facts.say(Pointer::to(["spec", "aws", field]), value);
    }
    let said = Said::Facts(facts);
    let source = SourceObject::config(Format::ConfigAccount, account, &identity);
    let version = Version::of_serial(1, tie_of(said.canonical().as_bytes()));
    Some((RecordKey::Entity(identity), Fragment { source, version, delivery: delivery.to_owned(), said }))
}
