//! A YAML stream, piece by piece -> its documents, each as text of its own.
//!
//! A parser that meets an error cannot say where the next document starts. The text can: `---` at the start of a line
//! begins a document and `...` ends one, even inside a block scalar. <https://yaml.org/spec/1.2.2/#912-document-markers>
//!
//! No more is held than the open document, at most [`MAX_DOCUMENT_BYTES`], and the piece that was given last.

use bytes::{Buf, Bytes};
use memchr::memchr;

/// What the HTTP door takes as a whole.
pub(crate) const MAX_DOCUMENT_BYTES: usize = 4_500_000;

/// Enough of a line to see whether it is a marker.
const MARKER_BYTES: usize = 4;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// One document that has content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentText {
    /// From its directives and marker to the next marker; empty if it is too long.
    pub text: Vec<u8>,
    /// Its length, whether it is kept or not.
    pub bytes: usize,
    /// Lines of the stream before `text`.
    pub lines_before: usize,
    /// Line of the stream, from 1, where its content starts.
    pub line: usize,
}

impl DocumentText {
    pub(crate) fn is_too_long(&self) -> bool {
        self.bytes > MAX_DOCUMENT_BYTES
    }
}

/// Finds the documents of a stream that comes in pieces: after each [`Self::push`] call [`Self::next_document`] until
/// it has none, and after the last one [`Self::finish`] likewise. Documents with nothing but comments are left out.
#[derive(Debug, Default)]
pub struct DocumentSplitter {
    piece: Bytes,
    /// The line that the last piece broke off in; of one that is too long, its beginning.
    line: Vec<u8>,
    line_bytes: usize,
    lines: usize,
    open: Open,
}

/// The document that is being read.
#[derive(Debug, Default)]
struct Open {
    text: Vec<u8>,
    bytes: usize,
    lines_before: usize,
    has_marker: bool,
    content_line: Option<usize>,
}

impl DocumentSplitter {
    /// The next piece of the stream. Whatever is left of the last one comes first.
    pub fn push(&mut self, piece: Bytes) {
        if self.piece.is_empty() {
            self.piece = piece;
        } else {
            self.piece = [self.piece.as_ref(), piece.as_ref()].concat().into();
        }
    }

    /// The next document that is known to have ended.
    pub fn next_document(&mut self) -> Option<DocumentText> {
        while let Some(end) = memchr(b'\n', &self.piece) {
            let ended = if self.line_bytes == 0 {
                let line = self.piece.split_to(end + 1);
                self.see(&line, line.len())
            } else {
                self.keep(end + 1);
                self.see_kept()
            };
            if ended.is_some() {
                return ended;
            }
        }
        self.keep(self.piece.len());
        None
    }

    /// The last documents, once the stream has ended and [`Self::next_document`] has no more: a last line may end one
    /// and be one.
    pub fn finish(&mut self) -> Option<DocumentText> {
        let ended = self.see_kept();
        if ended.is_some() { ended } else { std::mem::take(&mut self.open).close() }
    }

    /// Moves the beginning of the piece to the line that is not whole yet.
    fn keep(&mut self, bytes: usize) {
        let room = MAX_DOCUMENT_BYTES.saturating_sub(self.open.bytes).max(MARKER_BYTES);
        let kept = bytes.min(room.saturating_sub(self.line.len()));
        self.line.extend_from_slice(&self.piece[..kept]);
        self.line_bytes += bytes;
        self.piece.advance(bytes);
    }

    fn see_kept(&mut self) -> Option<DocumentText> {
        let line = std::mem::take(&mut self.line);
        let bytes = std::mem::take(&mut self.line_bytes);
        if bytes == 0 { None } else { self.see(&line, bytes) }
    }

    /// Takes a line of `bytes`, of which at least the beginning is given. Returns the document that it ends.
    fn see(&mut self, line: &[u8], bytes: usize) -> Option<DocumentText> {
        self.lines += 1;
        let number = self.lines;
        // Files that were put behind each other may each have a mark.
        let unmarked = line.strip_prefix(BYTE_ORDER_MARK);
        let unmarked = unmarked.filter(|rest| self.open.bytes == 0 || is_marker(rest, b"---"));
        let (line, bytes) = unmarked.map_or((line, bytes), |rest| (rest, bytes - BYTE_ORDER_MARK.len()));
        let mut ended = None;
        if is_marker(line, b"---") {
            if self.open.has_marker || self.open.content_line.is_some() {
                let next = Open { lines_before: number - 1, ..Open::default() };
                ended = std::mem::replace(&mut self.open, next).close();
            }
            self.open.has_marker = true;
            let rest = line[3..].trim_ascii();
            if !rest.is_empty() && !rest.starts_with(b"#") {
                self.open.content_line.get_or_insert(number);
            }
        } else if is_marker(line, b"...") {
            let next = Open { lines_before: number, ..Open::default() };
            return std::mem::replace(&mut self.open, next).close();
        } else if has_content(line, self.open.has_marker) {
            self.open.content_line.get_or_insert(number);
        }
        self.open.add(line, bytes);
        ended
    }
}

impl Open {
    fn add(&mut self, line: &[u8], bytes: usize) {
        self.bytes += bytes;
        if self.bytes > MAX_DOCUMENT_BYTES {
            self.text = Vec::new();
        } else {
            self.text.extend_from_slice(line);
        }
    }

    fn close(self) -> Option<DocumentText> {
        let Self { text, bytes, lines_before, content_line, .. } = self;
        content_line.map(|line| DocumentText { text, bytes, lines_before, line })
    }
}

fn is_marker(line: &[u8], marker: &[u8]) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| matches!(rest.first(), None | Some(b' ' | b'\t' | b'\r' | b'\n')))
}

/// A `%` starts a directive only before the marker.
fn has_content(line: &[u8], behind_marker: bool) -> bool {
    let trimmed = line.trim_ascii();
    !(trimmed.is_empty() || trimmed.starts_with(b"#") || (!behind_marker && line.starts_with(b"%")))
}

/// All documents of a whole stream.
#[cfg(test)]
pub(crate) fn split(stream: &[u8]) -> Vec<DocumentText> {
    split_pieces(stream, stream.len().max(1))
}

#[cfg(test)]
fn split_pieces(stream: &[u8], piece_bytes: usize) -> Vec<DocumentText> {
    let mut splitter = DocumentSplitter::default();
    let mut documents = Vec::new();
    for piece in stream.chunks(piece_bytes) {
        splitter.push(Bytes::copy_from_slice(piece));
        documents.extend(std::iter::from_fn(|| splitter.next_document()));
    }
    documents.extend(std::iter::from_fn(|| splitter.finish()));
    documents
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines_and_texts(stream: &str) -> Vec<(usize, String)> {
        let text = |document: DocumentText| (document.line, String::from_utf8(document.text).unwrap());
        split(stream.as_bytes()).into_iter().map(text).collect()
    }

    #[test]
    fn markers_at_the_start_of_a_line_separate_documents() {
        for (stream, expected) in [
            ("", vec![]),
            ("# nothing\n---\n# here\n---\n", vec![]),
            ("a: 1", vec![(1, "a: 1")]),
            ("---\na: 1\n---\n---\nb: 2\n", vec![(2, "---\na: 1\n"), (5, "---\nb: 2\n")]),
            ("a: |\n  ---\n text\n---\r\nb: 2", vec![(1, "a: |\n  ---\n text\n"), (5, "---\r\nb: 2")]),
            ("a: |\n  x\n---\n  y\n", vec![(1, "a: |\n  x\n"), (4, "---\n  y\n")]),
            (
                "--- # first\n{\"a\":1}\n--- # second\n\n{\"b\":2}",
                vec![(2, "--- # first\n{\"a\":1}\n"), (5, "--- # second\n\n{\"b\":2}")],
            ),
            (
                "%YAML 1.2\n---\na: 1\n...\n%YAML 1.2\n--- {b: 2}\n",
                vec![(3, "%YAML 1.2\n---\na: 1\n"), (6, "%YAML 1.2\n--- {b: 2}\n")],
            ),
            ("a: 1\n...\n# end\n", vec![(1, "a: 1\n")]),
            ("a: 1\n--- b", vec![(1, "a: 1\n"), (2, "--- b")]),
            ("---x: 1\n", vec![(1, "---x: 1\n")]),
            ("\u{feff}a: 1\n", vec![(1, "a: 1\n")]),
            ("\u{feff}---\na: 1\n\u{feff}---\nb: 2\n", vec![(2, "---\na: 1\n"), (4, "---\nb: 2\n")]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(line, text)| (line, text.to_owned())).collect();
            assert_eq!(lines_and_texts(stream), expected, "{stream:?}");
        }
    }

    #[test]
    fn a_document_that_is_too_long_is_dropped_and_the_next_one_is_not() {
        let lines = format!("a: [\n{}]\n---\nb: 2\n", "1,\n".repeat(MAX_DOCUMENT_BYTES / 3));
        let line = format!("--- '{}'\n---\nb: 2\n", "x".repeat(MAX_DOCUMENT_BYTES));
        let endless = format!("---\nb: 2\n--- '{}", "x".repeat(2 * MAX_DOCUMENT_BYTES));
        for (stream, long) in [(lines, 0), (line, 0), (endless, 1)] {
            let documents = split_pieces(stream.as_bytes(), 64 * 1024);
            assert_eq!(documents.len(), 2);
            let (too_long, other) = (&documents[long], &documents[1 - long]);
            assert!(too_long.is_too_long() && too_long.text.is_empty(), "{}", too_long.bytes);
            assert_eq!(other.text, b"---\nb: 2\n");
        }
    }

    proptest! {
        #[test]
        fn where_the_stream_is_cut_into_pieces_changes_nothing(
            lines in proptest::collection::vec("(---|\\.\\.\\.|%Y|#|\u{feff}|a: 1|--- b|  ---| |\r){0,2}\r?\n?", 0..12),
            piece_bytes in 1_usize..9,
        ) {
            let stream = lines.concat();
            prop_assert_eq!(split_pieces(stream.as_bytes(), piece_bytes), split(stream.as_bytes()));
        }
    }
}
