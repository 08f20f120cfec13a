//! A catalog file too long to hold -> what it speaks of, in a first pass; its statements one by one, in a second.
//!
//! The set of records must be known before the first of them is written, so a file that is not held is read twice. Of
//! the first pass stays the set of keys, and as many verdicts as a receipt lists.

use std::collections::BTreeSet;

use bytes::Bytes;
use catalog_model::{RecordKey, Said};

use crate::catalog_info::{self, FirstDeclared};
use crate::document::{Verdict, Verdicts};
use crate::error::ExportError;
use crate::parameters::Parameters;
use crate::yaml::Budget;
use crate::yaml_documents::{DocumentSplitter, DocumentText};

/// Longest catalog file that is read in two passes.
pub const MAX_STREAMED_BYTES: u64 = 1 << 30;

/// Bounds the set of keys in memory.
const MAX_DOCUMENTS: usize = 1_000_000;

/// The first pass.
#[derive(Debug, Default)]
pub struct CatalogInfoSurvey {
    splitter: DocumentSplitter,
    budget: Budget,
    first: FirstDeclared,
    repeated: Repeated,
    verdicts: Verdicts,
    not_utf8: Option<usize>,
}

/// Lines of the documents that would be right, if what they declare were not declared before.
#[derive(Debug, Default)]
pub struct Repeated(BTreeSet<usize>);

/// What a first pass found.
#[derive(Debug)]
pub struct SurveyedExport {
    /// All that the file speaks of.
    pub records: BTreeSet<RecordKey>,
    /// What the second pass has to leave out.
    pub repeated: Repeated,
    /// `false`: the file names more than could be read, so nothing may be deleted because it is not named.
    pub complete: bool,
    pub verdicts: Verdicts,
    /// About the file as a whole, for its sender.
    pub notes: Vec<String>,
}

impl CatalogInfoSurvey {
    /// The next piece of the file.
    ///
    /// # Errors
    /// Fails on too many documents.
    pub fn push(&mut self, piece: Bytes) -> Result<(), ExportError> {
        self.splitter.push(piece);
        while let Some(document) = self.splitter.next_document() {
            self.add(&document)?;
        }
        Ok(())
    }

    /// Documents so far.
    pub fn documents(&self) -> usize {
        self.verdicts.documents()
    }

    /// The end of the file.
    ///
    /// # Errors
    /// Fails on a file without one usable document, and on too many.
    pub fn finish(mut self, parameters: &Parameters) -> Result<SurveyedExport, ExportError> {
        while let Some(document) = self.splitter.finish() {
            self.add(&document)?;
        }
        if self.verdicts.documents() == 0 {
            return Err(ExportError::Empty);
        }
        if self.first.is_empty() {
            return Err(catalog_info::nothing_usable(self.not_utf8, self.verdicts.into_listed()));
        }
        Ok(SurveyedExport {
            complete: self.verdicts.refused == 0,
            records: self.first.into_records(),
            repeated: self.repeated,
            verdicts: self.verdicts,
            notes: catalog_info::notes(parameters),
        })
    }

    fn add(&mut self, document: &DocumentText) -> Result<(), ExportError> {
        let Some(read) = catalog_info::read(document, &self.budget) else { return Ok(()) };
        let index = self.verdicts.documents();
        if index == MAX_DOCUMENTS {
            return Err(ExportError::TooManyDocuments { limit: MAX_DOCUMENTS });
        }
        self.not_utf8 = self.not_utf8.or(read.not_utf8);
        let is_right = read.is_right();
        let (judged, _) = read.judge(document.line, &mut self.first);
        if is_right && matches!(judged.verdict, Verdict::Refused { .. }) {
            self.repeated.0.insert(document.line);
        }
        self.verdicts.add(judged.of(index, document.line));
        Ok(())
    }
}

/// The second pass, over the same bytes.
#[derive(Debug)]
pub struct CatalogInfoStatements {
    repeated: Repeated,
    splitter: DocumentSplitter,
    budget: Budget,
}

impl CatalogInfoStatements {
    /// `repeated` is what the first pass found.
    pub fn new(repeated: Repeated) -> Self {
        Self { repeated, splitter: DocumentSplitter::default(), budget: Budget::default() }
    }

    /// The next piece of the file, once [`Self::next_statements`] has no more.
    pub fn push(&mut self, piece: Bytes) {
        self.splitter.push(piece);
    }

    /// What the next document says that counts; `None`: it takes another piece.
    pub fn next_statements(&mut self) -> Option<Vec<(RecordKey, Said)>> {
        while let Some(document) = self.splitter.next_document() {
            let said = self.said(&document);
            if !said.is_empty() {
                return Some(said);
            }
        }
        None
    }

    /// What the last documents say, one after the other.
    pub fn finish(&mut self) -> Option<Vec<(RecordKey, Said)>> {
        self.splitter.finish().map(|document| self.said(&document))
    }

    fn said(&self, document: &DocumentText) -> Vec<(RecordKey, Said)> {
        let Some(read) = catalog_info::read(document, &self.budget) else { return Vec::new() };
        if self.repeated.0.contains(&document.line) { Vec::new() } else { read.into_statements() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::DocumentVerdict;

    type Passes = (Vec<(RecordKey, Said)>, Vec<DocumentVerdict>, bool);

    fn in_two_passes(body: &[u8], piece_bytes: usize) -> Result<Passes, ExportError> {
        let pieces = || body.chunks(piece_bytes.max(1)).map(Bytes::copy_from_slice);
        let mut survey = CatalogInfoSurvey::default();
        for piece in pieces() {
            survey.push(piece)?;
        }
        let SurveyedExport { records, repeated, complete, verdicts, .. } = survey.finish(&Parameters::default())?;
        let mut pass = CatalogInfoStatements::new(repeated);
        let mut statements = Vec::new();
        for piece in pieces() {
            pass.push(piece);
            while let Some(said) = pass.next_statements() {
                statements.extend(said);
            }
        }
        while let Some(said) = pass.finish() {
            statements.extend(said);
        }
        let mut said: Vec<_> = statements.iter().map(|(key, _)| key).collect();
        said.sort_unstable();
        assert!(said.into_iter().eq(&records), "the set is what is said");
        Ok((statements, verdicts.into_listed(), complete))
    }

    fn document(kind: &str, name: &str, at: usize) -> String {
        match kind {
            "broken" => "a: [1\n".to_owned(),
            "wrong" => "kind: Component\n".to_owned(),
            "nothing" => "# nothing\n".to_owned(),
            "null" => "~\n".to_owned(),
            kind => format!(
                "{{\"apiVersion\":\"backstage.io/v1alpha1\",\"kind\":\"{kind}\",\"metadata\":{{\"name\":\"{name}\",\
                 \"annotations\":{{\"n\":\"{at}\"}}}},\"spec\":{{\"type\":\"x\",\"lifecycle\":\"production\",\"owner\":\"a\"}}}}\n"
            ),
        }
    }

    proptest! {
        #[test]
        fn two_passes_in_pieces_read_what_one_reading_of_the_whole_does(
            documents in proptest::collection::vec(
                (prop_oneof!["Component", "Resource", "System", "broken", "wrong", "nothing", "null"], "[a-c]"), 0..12),
            piece_bytes in 1_usize..600,
            bad_byte in proptest::option::of(0_usize..2000),
        ) {
            let texts = documents.iter().enumerate().map(|(at, (kind, name))| document(kind, name, at));
            let mut body = texts.collect::<Vec<_>>().join("---\n").into_bytes();
            if let Some(byte) = bad_byte.and_then(|at| body.get_mut(at)) {
                *byte = 0xff;
            }
            let whole = catalog_info::parse(&body, &Parameters::default());
            let whole = whole.map(|whole| (whole.statements, whole.documents, whole.complete));
            prop_assert_eq!(in_two_passes(&body, piece_bytes), whole);
        }
    }
}
