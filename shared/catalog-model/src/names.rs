//! An identity -> the derived name that always answers: `<slug>-<hash>`, at most 63 characters.
//!
//! The name depends on the identity alone, never on tags, so it is the same for ever and differs between accounts,
//! regions and types. 80 bits of hash: a collision among a million entities has a chance of about 4e-13.

use sha2::{Digest, Sha256};

use crate::arn::Arn;
use crate::canonical::name_in;
use crate::entity_ref::EntityRef;
use crate::identity::Identity;

/// Backstage's limit for a name.
pub const MAX_NAME_CHARS: usize = 63;

/// Hexadecimal digits of the hash at the end of a derived name.
const HASH_DIGITS: usize = 20;

/// Name in the namespace `default` that a resource has when nobody declares a better one.
pub fn derived_name(identity: &Identity) -> String {
    let digest = hex::encode(Sha256::digest(identity.as_str()));
    let named = identity.arn().and_then(Arn::parse).and_then(|arn| name_in(&arn));
    let named = named.filter(|name| name.chars().any(|c| c.is_ascii_alphanumeric()));
    let slug = slug(named.unwrap_or_else(|| last_part(identity.as_str())));
    format!("{slug}-{}", &digest[..HASH_DIGITS])
}

/// The reference of [`derived_name`].
pub fn derived_ref(identity: &Identity) -> EntityRef {
    EntityRef::resource(&derived_name(identity))
}

/// What a person would call the thing, unless its ARN ends in a random id: the part of the identity behind the last `/` or `:` that has a letter or digit.
fn last_part(identity: &str) -> &str {
    identity.rsplit(['/', ':']).find(|part| part.chars().any(|c| c.is_ascii_alphanumeric())).unwrap_or("resource")
}

/// Lower-case letters and digits in groups joined by single hyphens, short enough for the hash to fit behind it.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if slug.len() >= MAX_NAME_CHARS - HASH_DIGITS - 1 {
            break;
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_derived_name_is_readable_and_valid() {
        for (identity, slug) in [
            ("arn:aws:rds:eu-west-1:111122223333:cluster:orders", "orders-"),
            ("arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/front/50dc6c495c0c9188", "front-"),
            ("arn:aws:s3:::My.Bucket_Name", "my-bucket-name-"),
            ("config:aws:111122223333:eu-west-1:AWS::Glue::Classifier/---", "classifier-"),
            ("arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/ünïcode", "n-code-"),
        ] {
            let name = derived_name(&Identity::of_canonical_arn(identity));
            assert!(name.starts_with(slug), "{name}");
            assert_eq!(name.len(), slug.len() + HASH_DIGITS, "{name}");
        }
        let long = format!("arn:aws:s3:::{}", "long-name.".repeat(70));
        assert!(derived_name(&Identity::of_canonical_arn(&long)).len() <= MAX_NAME_CHARS);
    }

    #[test]
    fn names_of_a_hundred_thousand_resources_are_unique() {
        let mut seen = HashSet::new();
        for n in 0..100_000 {
            let account = 111_122_223_333_u64 + n % 300;
            let arn = format!("arn:aws:sqs:eu-west-{}:{account}:jobs-{}", n % 3, n / 300);
            assert!(seen.insert(derived_name(&Identity::of_canonical_arn(&arn))), "{arn}");
        }
    }
}
