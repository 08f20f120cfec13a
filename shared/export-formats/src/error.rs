//! Why a whole export is refused.

use crate::document::DocumentVerdict;
use crate::format::FormatError;

/// Verdicts that the text of an error quotes; the receipt has all of them.
const QUOTED_VERDICTS: usize = 5;

/// The whole file is refused and changes nothing. The texts are for the pipeline's author: they name lines, fields
/// and formats, and never quote a value of a state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error("the export has {bytes} bytes, more than the {limit} that this format may have")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the file is not UTF-8: line {line} holds other bytes")]
    NotUtf8 { line: usize },
    #[error("the file has no document; to retire the export, delete it")]
    Empty,
    #[error("no document of the file is usable: {}", quoted(documents))]
    NothingUsable { documents: Vec<DocumentVerdict> },
    #[error("the file has more than {limit} documents; split it")]
    TooManyDocuments { limit: usize },
    #[error("the {file} is not valid JSON: {problem} at line {line} column {column}")]
    Syntax { file: &'static str, problem: String, line: usize, column: usize },
    #[error("the {file} does not have the shape of {expected}: {problem} at line {line} column {column}")]
    Shape { file: &'static str, expected: &'static str, problem: String, line: usize, column: usize },
    #[error("the file is not valid YAML: {problem}")]
    Yaml { problem: String },
    #[error("this is {found}, not {expected}; {advice}")]
    WrongFormat { found: &'static str, expected: &'static str, advice: &'static str },
    #[error("the {file} has format version {version}, and only {known} are read")]
    FormatVersion { file: &'static str, version: String, known: &'static str },
    #[error("the definition is wrong at `{path}`: {problem}")]
    Definition { path: &'static str, problem: &'static str },
    #[error(
        "the state has format version {version}, and only version 4 is read; \
         any `terraform apply` of Terraform 0.12 or later rewrites it"
    )]
    StateVersion { version: u64 },
    #[error("the {file} lists more than {limit} resources; split it")]
    TooManyResources { file: &'static str, limit: usize },
    #[error("{} missing: the file does not say where {subject} is; add {}", missing(names), added(names))]
    MissingPlace { subject: String, names: Vec<&'static str> },
    #[error(
        "the export's name cannot be the name of an API: that has 1 to 63 characters of A-Z a-z 0-9 - _ . and begins \
         and ends with a letter or digit"
    )]
    Name,
}

impl ExportError {
    /// A stable reason in kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Format(FormatError::Later { .. }) => "format-not-implemented",
            Self::Format(FormatError::Unknown { .. }) => "unknown-format",
            Self::TooLarge { .. } => "export-too-large",
            Self::NotUtf8 { .. } => "not-utf-8",
            Self::Empty => "empty-export",
            Self::NothingUsable { .. } => "nothing-usable",
            Self::TooManyDocuments { .. } => "too-many-documents",
            Self::Syntax { .. } => "malformed-json",
            Self::Shape { .. } => "wrong-shape",
            Self::Yaml { .. } => "malformed-yaml",
            Self::WrongFormat { .. } => "wrong-format",
            Self::FormatVersion { .. } => "format-version",
            Self::Definition { .. } => "wrong-definition",
            Self::StateVersion { .. } => "state-version",
            Self::TooManyResources { .. } => "too-many-resources",
            Self::MissingPlace { .. } => "missing-place",
            Self::Name => "wrong-name",
        }
    }

    /// The verdicts on single documents, where the file got as far as having some.
    pub fn documents(&self) -> &[DocumentVerdict] {
        match self {
            Self::NothingUsable { documents } => documents,
            _ => &[],
        }
    }
}

fn quoted(documents: &[DocumentVerdict]) -> String {
    let mut texts: Vec<String> = documents.iter().take(QUOTED_VERDICTS).map(ToString::to_string).collect();
    if documents.len() > QUOTED_VERDICTS {
        texts.push(format!("and {} more", documents.len() - QUOTED_VERDICTS));
    }
    texts.join("; ")
}

fn missing(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [name] => format!("parameter {name} is"),
        names => format!("parameters {} are", names.join(" and ")),
    }
}

fn added(names: &[&str]) -> String {
    let value = |name: &&str| match *name {
        "account" => "`account=<12 digits>`".to_owned(),
        name => format!("`{name}=<{name}>`"),
    };
    names.iter().map(value).collect::<Vec<_>>().join(" and ")
}
