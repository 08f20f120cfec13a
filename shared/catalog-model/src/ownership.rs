//! Which source owns which field: the static table behind every stitched entity, and its version.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use crate::fragment::{Format, Pointer};
use crate::kinds::KINDS;
use crate::relations::FIELD_RELATIONS;

/// Raise it whenever stitching the same record may give another entity for a reason outside [`FIELD_RULES`].
const STITCH_VERSION: u32 = 3;

/// Who may say the fields below a pointer. The first format of `order` that says the field wins;
/// two fragments of one format are tried in the order of their keys.
#[derive(Debug)]
pub struct FieldRule {
    /// The name that `explain` shows.
    pub name: &'static str,
    /// All fields at and below this pointer, unless a longer prefix matches too. One that ends in `~1` is the domain of
    /// an annotation key.
    pub prefix: &'static str,
    pub order: &'static [Format],
    /// Two sources that say different things about the field are worth a status item.
    pub reports_disagreement: bool,
}

const DECLARED_FIRST: &[Format] = &[
    Format::CatalogInfo,
    Format::Openapi,
    Format::Asyncapi,
    Format::TerraformState,
    Format::TerraformShow,
    Format::Cloudformation,
    Format::CdkOutputs,
    Format::Config,
    Format::ConfigNotice,
    Format::ConfigOversized,
    Format::ConfigAccount,
    Format::ConfigCompliance,
    Format::ConfigClaim,
    Format::PipelineState,
    Format::Deployment,
];
const OBSERVED_FIRST: &[Format] = &[
    Format::PipelineState,
    Format::Config,
    Format::ConfigNotice,
    Format::ConfigOversized,
    Format::ConfigAccount,
    Format::ConfigCompliance,
    Format::ConfigClaim,
    Format::TerraformState,
    Format::TerraformShow,
    Format::Cloudformation,
    Format::CdkOutputs,
    Format::Openapi,
    Format::Asyncapi,
    Format::CatalogInfo,
    Format::Deployment,
];
/// The file that a build made of an API says what the API is; a copy in a catalog file was written down some day.
const BUILT_FIRST: &[Format] = &[
    Format::Openapi,
    Format::Asyncapi,
    Format::CatalogInfo,
    Format::TerraformState,
    Format::TerraformShow,
    Format::Cloudformation,
    Format::CdkOutputs,
    Format::Config,
    Format::ConfigNotice,
    Format::ConfigOversized,
    Format::ConfigAccount,
    Format::ConfigCompliance,
    Format::ConfigClaim,
    Format::PipelineState,
    Format::Deployment,
];

pub static FIELD_RULES: &[FieldRule] = &[
    FieldRule { name: "declared first", prefix: "", order: DECLARED_FIRST, reports_disagreement: false },
    FieldRule {
        name: "owner: declared first",
        prefix: "/spec/owner",
        order: DECLARED_FIRST,
        reports_disagreement: true,
    },
    FieldRule {
        name: "system: declared first",
        prefix: "/spec/system",
        order: DECLARED_FIRST,
        reports_disagreement: true,
    },
    FieldRule {
        name: "lifecycle: declared first",
        prefix: "/spec/lifecycle",
        order: DECLARED_FIRST,
        reports_disagreement: true,
    },
    FieldRule {
        name: "definition of an API: its own export first",
        prefix: "/spec/definition",
        order: BUILT_FIRST,
        reports_disagreement: false,
    },
    FieldRule {
        name: "AWS facts: observed first",
        prefix: "/spec/aws",
        order: OBSERVED_FIRST,
        reports_disagreement: false,
    },
    FieldRule {
        name: "executions: observed first",
        prefix: "/spec/execution",
        order: OBSERVED_FIRST,
        reports_disagreement: false,
    },
    FieldRule {
        name: "AWS annotations: observed first",
        prefix: "/metadata/annotations/aws.amazon.com~1",
        order: OBSERVED_FIRST,
        reports_disagreement: false,
    },
];

impl FieldRule {
    /// The place of a format in the order; smaller goes first.
    pub(crate) fn rank(&self, format: Format) -> usize {
        self.order.iter().position(|ranked| *ranked == format).unwrap_or(usize::MAX)
    }
}

/// The rule for one field: the one with the longest prefix.
pub fn rule_for(pointer: &Pointer) -> &'static FieldRule {
    FIELD_RULES
        .iter()
        .filter(|rule| {
            let ends_well = |rest: &str| rest.is_empty() || rest.starts_with('/') || rule.prefix.ends_with("~1");
            pointer.as_str().strip_prefix(rule.prefix).is_some_and(ends_well)
        })
        .max_by_key(|rule| rule.prefix.len())
        .unwrap_or(&FIELD_RULES[0])
}

/// Changes when stitching may give other entities from the same records. An index made under another version is rebuilt.
pub fn rules_version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let digest = Sha256::digest(format!("{STITCH_VERSION}\n{FIELD_RULES:?}\n{FIELD_RELATIONS:?}\n{KINDS:?}"));
        hex::encode(&digest[..8])
    });
    &VERSION
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_decides_and_ends_at_a_token() {
        for (pointer, rule) in [
            ("/spec/owner", "owner: declared first"),
            ("/spec/ownership", "declared first"),
            ("/spec/definition", "definition of an API: its own export first"),
            ("/spec/aws/tags/team", "AWS facts: observed first"),
            ("/metadata/annotations/aws.amazon.com~1region", "AWS annotations: observed first"),
            ("/kind", "declared first"),
        ] {
            let pointer: Pointer = serde_json::from_value(pointer.into()).unwrap();
            assert_eq!(rule_for(&pointer).name, rule);
        }
    }

    #[test]
    fn every_rule_ranks_every_format() {
        for rule in FIELD_RULES {
            for format in Format::ALL {
                assert!(rule.order.contains(&format), "{} leaves out {format}", rule.name);
            }
        }
    }
}
