//! The text of the file of ownership -> the rules by which records are stitched; or what is wrong, at which line.
//!
//! `docs/ownership.md` describes the file. A Backstage app-config is one too, if it configures AWS's or Roadie's provider of
//! AWS resources: its words are taken over as far as our rules can say the same, and refused by name where they cannot.

mod imported;
mod own;
mod tree;

use catalog_model::Rules;

/// Longest file. A rule is a hundred bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ownership {
    pub rules: Rules,
    /// What was taken over otherwise than it was written.
    pub notes: Vec<String>,
}

/// What is wrong with a file, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OwnershipError {
    #[error("the file has {bytes} bytes, and may have {MAX_BYTES}")]
    TooLong { bytes: usize },
    #[error("{problem}")]
    Yaml { problem: String },
    #[error("line {line}: `{path}` {problem}")]
    Value { line: u64, path: String, problem: String },
}

/// Reads a file. An empty one says the rules of a catalog without a file.
///
/// # Errors
/// Fails on anything that is not understood, as a whole: rules that count in part would be somebody else's.
pub fn read(text: &str) -> Result<Ownership, OwnershipError> {
    if text.len() > MAX_BYTES {
        return Err(OwnershipError::TooLong { bytes: text.len() });
    }
    let root = tree::parse(text)?;
    let mut ownership = Ownership { rules: Rules::default(), notes: Vec::new() };
    let root = tree::Place::root(&root);
    if imported::is_app_config(&root) {
        imported::read(&root, &mut ownership)?;
    } else {
        own::read(&root, &mut ownership.rules)?;
    }
    Ok(ownership)
}

#[cfg(test)]
mod tests;
