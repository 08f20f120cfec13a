//! One AWS resource as an export lists it -> the envelope of its entity, and the claims on its second ids.

use std::collections::BTreeMap;

use catalog_model::resource_types::{self, spec_type};
use catalog_model::{Arn, Claim, Facts, Identity, Key, Place, Pointer, RecordKey, Said};

/// What is said of a resource, whatever tool lists it.
#[derive(Debug)]
pub(crate) struct AwsResource<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) place: Place<'a>,
    /// As AWS Config and CloudFormation write it.
    pub(crate) aws_type: Option<&'a str>,
    /// What the resource is called, if `aws_type` is not known.
    pub(crate) tool_type: &'a str,
    /// What AWS Config calls its id.
    pub(crate) id: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) title: Option<&'a str>,
    pub(crate) availability_zone: Option<&'a str>,
}

impl AwsResource<'_> {
    pub(crate) fn say(&self, facts: &mut Facts) {
        let Self { identity, place, aws_type, .. } = *self;
        let annotate = |facts: &mut Facts, key: &str, value: Option<&str>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                facts.say(Pointer::annotation(&format!("aws.amazon.com/{key}")), value);
            }
        };
        facts.say(Pointer::to(["apiVersion"]), "backstage.io/v1alpha1");
        facts.say(Pointer::to(["kind"]), "Resource");
        if let Some(title) = self.title {
            facts.say(Pointer::metadata("title"), title);
        }
        annotate(facts, "arn", identity.arn());
        annotate(facts, "resource-type", aws_type);
        annotate(facts, "resource-id", aws_type.and(self.id));
        annotate(facts, "name", self.name);
        annotate(facts, "region", Some(place.region));
        annotate(facts, "account-id", Some(place.account));
        facts.say(Pointer::spec("type"), aws_type.map_or_else(|| self.tool_type.to_owned(), spec_type));
        for (field, value) in [
            ("resourceType", aws_type),
            ("accountId", Some(place.account)),
            ("region", Some(place.region)),
            ("availabilityZone", self.availability_zone),
        ] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                facts.say(Pointer::to(["spec", "aws", field]), value);
            }
        }
    }
}

/// Account and region of a resource whose identity is known: the words of its ARN go before where it was seen.
pub(crate) fn place_of<'a>(identity: &'a Identity, seen: Place<'a>) -> Place<'a> {
    if let Some(account) = identity.account_id() {
        return Place { account, region: "global", ..seen };
    }
    let arn = identity.arn().and_then(Arn::parse);
    let said = |part: fn(&Arn<'a>) -> &'a str| arn.as_ref().map(part).filter(|part| !part.is_empty());
    let is_global = resource_types::of_arn(identity.as_str()).is_some_and(resource_types::is_global);
    Place {
        partition: said(|arn| arn.partition).unwrap_or(seen.partition),
        account: said(|arn| arn.account).unwrap_or(seen.account),
        region: said(|arn| arn.region).unwrap_or(if is_global { "global" } else { seen.region }),
    }
}

/// The partition that a region is in.
pub(crate) fn partition_of(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("eusc") => "aws-eusc",
        Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// The claims of the listed resources on their second ids, each once.
#[derive(Debug, Default)]
pub(crate) struct Claims(BTreeMap<Key, Claim>);

impl Claims {
    pub(crate) fn add(&mut self, identity: &Identity, facts: &Facts) {
        for key in &facts.keys {
            self.0.entry(key.clone()).or_insert_with(|| Claim { identity: identity.clone(), by_arn: true });
        }
    }

    pub(crate) fn into_statements(self) -> impl Iterator<Item = (RecordKey, Said)> {
        self.0.into_iter().map(|(key, claim)| (RecordKey::Alias(key), Said::Claim(claim)))
    }
}
