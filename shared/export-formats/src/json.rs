//! An error of the JSON parser -> what is wrong and where, without the value that is there: it may be secret.

use crate::error::ExportError;
use crate::yaml::OWN_PROBLEMS;

/// What a file is called in the words of its errors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileKind {
    /// `state`, `file`
    pub(crate) file: &'static str,
    /// `a Terraform state`
    pub(crate) expected: &'static str,
}

impl FileKind {
    pub(crate) fn error(self, error: &serde_json::Error) -> ExportError {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
        if !error.is_data() {
            return ExportError::Syntax { file: self.file, problem: text.to_owned(), line, column };
        }
        let problem = match text.rfind(", expected ") {
            Some(at) => text[at + 2..].to_owned(),
            None if text.starts_with("missing field ") || OWN_PROBLEMS.contains(&text) => text.to_owned(),
            None => "a value does not fit".to_owned(),
        };
        self.shape(problem, line, column)
    }

    /// # Errors
    /// Fails if the first thing in the file is none of these characters.
    pub(crate) fn begins_with(self, body: &[u8], any_of: &[u8], problem: &str) -> Result<(), ExportError> {
        match body.trim_ascii_start().first() {
            Some(first) if !any_of.contains(first) => Err(self.shape(problem.to_owned(), 1, 1)),
            _ => Ok(()),
        }
    }

    pub(crate) fn shape(self, problem: String, line: usize, column: usize) -> ExportError {
        ExportError::Shape { file: self.file, expected: self.expected, problem, line, column }
    }
}

/// The text behind a byte order mark.
pub(crate) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}
