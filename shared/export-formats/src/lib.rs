//! What a pipeline hands over, as its tool printed it -> statements about records.
//!
//! | format | specification |
//! |---|---|
//! | `catalog-info` | <https://backstage.io/docs/features/software-catalog/descriptor-format> |
//! | `terraform-state` | state format 4, as `terraform state pull` prints it |
//! | `terraform-show` | <https://developer.hashicorp.com/terraform/internals/json-format> |
//! | `cloudformation` | what `aws cloudformation describe-stacks`, `list-stack-resources` and the like print |
//! | `cdk-outputs` | what `cdk synth` and `cdk deploy --outputs-file` write; CloudFormation and SAM templates |
//! | `openapi` | OpenAPI 2.0 and 3.x, <https://spec.openapis.org/oas/latest.html> |
//! | `asyncapi` | AsyncAPI 2.x and 3.x, <https://www.asyncapi.com/docs/reference/specification/latest> |
//!
//! Parsers know no AWS SDK and do no I/O. What they keep is allow-listed: of a Terraform state nothing is read into
//! memory but the attributes that [`terraform_attributes`] names; of a stack neither parameters nor outputs are.

mod api_definition;
mod aws_resource;
mod belonging;
mod catalog_info;
mod catalog_info_stream;
mod cdk_outputs;
mod cdk_said;
mod cloudformation;
mod cloudformation_said;
mod document;
mod error;
mod format;
mod json;
mod outline;
mod parameters;
mod parsed;
mod physical_id;
mod terraform_attributes;
mod terraform_managed;
mod terraform_place;
mod terraform_resource;
mod terraform_show;
mod terraform_state;
mod yaml;
mod yaml_documents;

pub use belonging::stub_of;
pub use catalog_info::MAX_CATALOG_INFO_BYTES;
pub use catalog_info_stream::{CatalogInfoStatements, CatalogInfoSurvey, MAX_STREAMED_BYTES, Repeated, SurveyedExport};
pub use document::{DocumentVerdict, MAX_LISTED_VERDICTS, Verdict, Verdicts};
pub use error::ExportError;
pub use format::{ACCEPTED_FORMATS, FormatError, LATER_FORMATS, format_named};
pub use parameters::{PARAMETERS, ParameterError, Parameters};
pub use parsed::{ClockHint, Definition, ParsedExport};
pub use yaml_documents::{DocumentSplitter, DocumentText};

use api_definition::ApiType;
use catalog_model::Format;

/// Largest export of a format that may be dropped, in bytes.
pub fn max_dropped_bytes(format: Format) -> u64 {
    let bytes = match format {
        Format::TerraformState | Format::TerraformShow => terraform_state::MAX_STATE_BYTES,
        Format::Cloudformation => cloudformation::MAX_CLOUDFORMATION_BYTES,
        Format::CdkOutputs => cdk_outputs::MAX_CDK_BYTES,
        Format::Openapi | Format::Asyncapi | Format::Deployment => api_definition::MAX_DEFINITION_BYTES,
        Format::CatalogInfo
        | Format::Config
        | Format::ConfigNotice
        | Format::ConfigOversized
        | Format::ConfigAccount
        | Format::ConfigCompliance
        | Format::ConfigClaim
        | Format::PipelineState => return MAX_STREAMED_BYTES,
    };
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Reads an export; `name` is that of its source object. One bad document never loses the good ones; a file without
/// any good document is an error, since taking it for an empty set would delete all that the file said before.
///
/// # Errors
/// Fails on a format that is not accepted, on a file over the limits of its format, on a file that is not of the
/// format at all (with the line, or with the format that it is), on a file without one usable document, on missing
/// parameters, and on a name that cannot be that of the one entity that the file is about.
pub fn parse(format: &str, name: &str, body: &[u8], parameters: &Parameters) -> Result<ParsedExport, ExportError> {
    match format_named(format)? {
        Format::TerraformState => terraform_state::parse(body, parameters),
        Format::TerraformShow => terraform_show::parse(body, parameters),
        Format::Cloudformation => cloudformation::parse(body, parameters),
        Format::CdkOutputs => cdk_outputs::parse(name, body, parameters),
        Format::Openapi => api_definition::parse(ApiType::Openapi, name, body, parameters),
        Format::Asyncapi => api_definition::parse(ApiType::Asyncapi, name, body, parameters),
        Format::CatalogInfo => catalog_info::parse(body, parameters),
        // No file of entities: `pipeline-event` reads deployments, and the others are no exports.
        Format::Deployment
        | Format::Config
        | Format::ConfigNotice
        | Format::ConfigOversized
        | Format::ConfigAccount
        | Format::ConfigCompliance
        | Format::ConfigClaim
        | Format::PipelineState => Err(FormatError::Unknown { format: format.to_owned() }.into()),
    }
}

#[cfg(test)]
mod sample_tests;
