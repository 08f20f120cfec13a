//! Attributes of a Terraform resource, and what the rest of the state says -> which AWS resource it is.

use std::collections::BTreeSet;

use catalog_model::resource_types::{self, of_terraform};
use catalog_model::{Arn, Canonical, Identity, Key, Place, SeenAs, Sighting, canonical, secondary_keys};

use crate::aws_resource::{self, partition_of};
use crate::parameters::{Parameters, is_account, is_region};
use crate::terraform_attributes::{Attributes, SECOND_IDS};

/// Why it is unknown what resource an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unresolved {
    #[error("it is no AWS resource")]
    NotAws,
    #[error("it is part of another resource: it has no ARN, and no rule says what resources of its type are")]
    NoRule,
    #[error("unresolved subject: it has no ARN, and the state does not say its account; add `account=<12 digits>`")]
    NoAccount,
    #[error("unresolved subject: it has no ARN, and the state does not say its region; add `region=<region>`")]
    NoRegion,
    #[error("unresolved subject: its ARN does not follow from its id")]
    NoArn,
    #[error("unresolved subject: its ARN is that of another type of resource")]
    OtherType,
}

impl Unresolved {
    /// Whether it might be a resource that an earlier state listed.
    pub(crate) fn may_be_listed(self) -> bool {
        !matches!(self, Self::NotAws | Self::NoRule)
    }
}

/// Where the resources of a state live, as far as it does not say so for each of them.
#[derive(Debug)]
pub(crate) struct Places {
    partition: String,
    account: Option<String>,
    region: Option<String>,
}

impl Places {
    /// What the caller says goes first; else it is what all ARNs of the state agree on.
    pub(crate) fn of<'a>(all: impl Iterator<Item = &'a Attributes>, parameters: &Parameters) -> Self {
        let (mut partitions, mut accounts, mut regions) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for arn in all.filter_map(arn_of) {
            partitions.insert(arn.partition);
            if is_account(arn.account) {
                accounts.insert(arn.account);
            }
            if is_region(arn.region) {
                regions.insert(arn.region);
            }
        }
        let partition = only(&partitions).or_else(|| parameters.region.as_deref().map(partition_of));
        Self {
            partition: partition.unwrap_or("aws").to_owned(),
            account: parameters.account.clone().or_else(|| only(&accounts).map(str::to_owned)),
            region: parameters.region.clone().or_else(|| only(&regions).map(str::to_owned)),
        }
    }

    /// The ARN of the instance decides, then an id that is an ARN, then the table of types.
    pub(crate) fn identity(&self, terraform_type: &str, attributes: &Attributes) -> Result<Identity, Unresolved> {
        if !terraform_type.starts_with("aws_") {
            return Err(Unresolved::NotAws);
        }
        let known = of_terraform(terraform_type);
        let place = self.place(attributes);
        let arn = attributes.text("arn").filter(|arn| Arn::parse(arn).is_some());
        let id = attributes.text("id");
        let (seen_as, id) = match (arn, id) {
            (Some(arn), _) => (SeenAs::Arn, arn),
            (None, Some(id)) if known.is_some() => (SeenAs::TerraformType(terraform_type), id),
            _ => return Err(if known.is_some() { Unresolved::NoArn } else { Unresolved::NoRule }),
        };
        match canonical(&Sighting { place, seen_as, id }) {
            Canonical::Exact(identity) if is_other_type(known, &identity) => Err(Unresolved::OtherType),
            Canonical::Exact(identity) => Ok(identity),
            Canonical::Unknown if place.account.is_empty() => Err(Unresolved::NoAccount),
            Canonical::Unknown if place.region.is_empty() => Err(Unresolved::NoRegion),
            Canonical::Secondary(_) | Canonical::Unknown => Err(Unresolved::NoArn),
        }
    }

    /// Second ids under which others may speak of the resource.
    pub(crate) fn keys(&self, identity: &Identity, terraform_type: &str, attributes: &Attributes) -> BTreeSet<Key> {
        let place = self.place_of(identity, attributes);
        let Some(aws_type) = of_terraform(terraform_type) else { return BTreeSet::new() };
        let seen_as = SeenAs::ResourceType(aws_type);
        let ids = SECOND_IDS.iter().filter_map(|name| attributes.text(name));
        let sightings: Vec<Sighting<'_>> = ids.map(|id| Sighting { place, seen_as, id }).collect();
        secondary_keys(identity, &sightings)
    }

    /// Account and region of a resource whose identity is known; each is empty where nothing says it.
    pub(crate) fn place_of<'a>(&'a self, identity: &'a Identity, attributes: &'a Attributes) -> Place<'a> {
        let place = self.place(attributes);
        aws_resource::place_of(identity, place)
    }

    fn place<'a>(&'a self, attributes: &'a Attributes) -> Place<'a> {
        let own = |name, is_one: fn(&str) -> bool| attributes.text(name).filter(|text| is_one(text));
        let arn = arn_of(attributes);
        let arn_says = |part: fn(&Arn<'a>) -> &'a str| arn.as_ref().map(part).filter(|part| !part.is_empty());
        let account = arn_says(|arn| arn.account).or_else(|| own("owner_id", is_account)).or(self.account.as_deref());
        let region = arn_says(|arn| arn.region).or_else(|| own("region", is_region)).or(self.region.as_deref());
        Place {
            partition: arn_says(|arn| arn.partition).unwrap_or(&self.partition),
            account: account.unwrap_or_default(),
            region: region.unwrap_or_default(),
        }
    }
}

fn arn_of(attributes: &Attributes) -> Option<Arn<'_>> {
    attributes.text("arn").and_then(Arn::parse)
}

fn only<'a>(values: &BTreeSet<&'a str>) -> Option<&'a str> {
    values.first().copied().filter(|_| values.len() == 1)
}

fn is_other_type(known: Option<&str>, identity: &Identity) -> bool {
    let (Some(known), Some(found)) = (known, resource_types::of_arn(identity.as_str())) else { return false };
    known != found
}
