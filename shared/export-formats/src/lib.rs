//! What a pipeline hands over, as its tool printed it -> statements about records.
//!
//! | format | specification |
//! |---|---|
//! | `catalog-info` | <https://backstage.io/docs/features/software-catalog/descriptor-format> |
//! | `terraform-state` | state format 4, as `terraform state pull` prints it |
//!
//! Parsers know no AWS SDK and do no I/O. What they keep is allow-listed: of a Terraform state nothing is read into
//! memory but the attributes that [`terraform_attributes`] names.

mod catalog_info;
mod catalog_info_stream;
mod document;
mod error;
mod format;
mod parameters;
mod parsed;
mod terraform_attributes;
mod terraform_place;
mod terraform_resource;
mod terraform_state;
mod yaml;
mod yaml_documents;

pub use catalog_info::MAX_CATALOG_INFO_BYTES;
pub use catalog_info_stream::{CatalogInfoStatements, CatalogInfoSurvey, MAX_STREAMED_BYTES, Repeated, SurveyedExport};
pub use document::{DocumentVerdict, MAX_LISTED_VERDICTS, Verdict, Verdicts};
pub use error::ExportError;
pub use format::{ACCEPTED_FORMATS, FormatError, LATER_FORMATS, format_named};
pub use parameters::{PARAMETERS, ParameterError, Parameters};
pub use parsed::{ClockHint, ParsedExport};
pub use yaml_documents::{DocumentSplitter, DocumentText};

use catalog_model::Format;

/// Largest export of a format that may be dropped, in bytes.
pub fn max_dropped_bytes(format: Format) -> u64 {
    match format {
        Format::TerraformState => u64::try_from(terraform_state::MAX_STATE_BYTES).unwrap_or(u64::MAX),
        Format::CatalogInfo | Format::Config | Format::ConfigNotice | Format::ConfigClaim | Format::PipelineState => {
            MAX_STREAMED_BYTES
        }
    }
}

/// Reads an export. One bad document never loses the good ones; a file without any good document is an error, since
/// taking it for an empty set would delete all that the file said before.
///
/// # Errors
/// Fails on a format that is not accepted, on a file over the limits of its format, on a file that is not of the
/// format at all (with the line, or with the format that it is), on a file without one usable document, and on
/// missing parameters.
pub fn parse(format: &str, body: &[u8], parameters: &Parameters) -> Result<ParsedExport, ExportError> {
    match format_named(format)? {
        Format::TerraformState => terraform_state::parse(body, parameters),
        Format::CatalogInfo | Format::Config | Format::ConfigNotice | Format::ConfigClaim | Format::PipelineState => {
            catalog_info::parse(body, parameters)
        }
    }
}

#[cfg(test)]
mod sample_tests;
