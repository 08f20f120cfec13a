//! The name of a format in a path -> the format, or why it is not taken.

use catalog_model::Format;

/// Formats that are accepted today.
pub const ACCEPTED_FORMATS: &[&str] = &[
    "catalog-info",
    "terraform-state",
    "terraform-show",
    "cloudformation",
    "cdk-outputs",
    "openapi",
    "asyncapi",
    "deployment",
];

/// Formats whose names are reserved: they are refused as not implemented, not as unknown.
pub const LATER_FORMATS: &[&str] = &["pulumi", "sbom", "docs"];

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    #[error("format `{format}` is not accepted yet; accepted are {}", ACCEPTED_FORMATS.join(", "))]
    Later { format: &'static str },
    #[error("format `{format}` is unknown; accepted are {}", ACCEPTED_FORMATS.join(", "))]
    Unknown { format: String },
}

/// # Errors
/// Fails on a name that is reserved for later, and on one that is unknown.
pub fn format_named(name: &str) -> Result<Format, FormatError> {
    match name {
        "catalog-info" => Ok(Format::CatalogInfo),
        "terraform-state" => Ok(Format::TerraformState),
        "terraform-show" => Ok(Format::TerraformShow),
        "cloudformation" => Ok(Format::Cloudformation),
        "cdk-outputs" => Ok(Format::CdkOutputs),
        "openapi" => Ok(Format::Openapi),
        "asyncapi" => Ok(Format::Asyncapi),
        "deployment" => Ok(Format::Deployment),
        _ => Err(match LATER_FORMATS.iter().find(|later| **later == name) {
            Some(format) => FormatError::Later { format },
            None => FormatError::Unknown { format: name.chars().take(64).collect() },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accepted_format_has_the_name_it_is_stored_under() {
        for name in ACCEPTED_FORMATS {
            assert_eq!(format_named(name).unwrap().to_string(), *name);
        }
        for name in LATER_FORMATS {
            assert!(matches!(format_named(name), Err(FormatError::Later { .. })), "{name}");
        }
        assert!(matches!(format_named("config"), Err(FormatError::Unknown { .. })));
        assert!(matches!(format_named(""), Err(FormatError::Unknown { .. })));
    }
}
