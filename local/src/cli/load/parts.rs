//! A file of entities -> parts that the HTTP door takes, each a YAML stream of whole documents.

use std::io::{self, Read, Seek, SeekFrom};

use export_formats::{DocumentSplitter, MAX_CATALOG_INFO_BYTES};
use serde_json::Value;

const PIECE_BYTES: usize = 1024 * 1024;

/// Enough to see whether the file has one entity a line: a line and more.
const HEAD_BYTES: u64 = 5 * 1024 * 1024;

/// A part with fewer documents than the door takes; their average is no smaller than the smallest of use.
const MAX_PART_DOCUMENTS: usize = 10_000;

/// Some documents of the file.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) body: Vec<u8>,
    /// Of the file, that it stands for.
    pub(crate) file_bytes: u64,
    /// Line of the part, and line of the file, where each document begins.
    lines: Vec<(usize, usize)>,
    body_lines: usize,
}

impl Part {
    /// `line 12` of the part as a line of the file.
    pub(crate) fn line_in_file(&self, at: &str) -> Option<String> {
        let line: usize = at.strip_prefix("line ")?.parse().ok()?;
        let (in_part, in_file) = self.lines.iter().rev().find(|(in_part, _)| *in_part <= line)?;
        Some(format!("line {}", line - in_part + in_file))
    }

    fn fits(&self, document: &[u8]) -> bool {
        self.body.is_empty()
            || (self.body.len() + document.len() <= MAX_CATALOG_INFO_BYTES && self.lines.len() < MAX_PART_DOCUMENTS)
    }

    fn add(&mut self, document: &Document) {
        self.lines.push((self.body_lines + 1 + document.added_lines, document.line));
        self.body_lines += document.text.iter().filter(|byte| **byte == b'\n').count();
        self.file_bytes += document.file_bytes;
        self.body.extend_from_slice(&document.text);
    }
}

/// A document that stands by itself.
struct Document {
    /// With a marker before it and a line's end after it.
    text: Vec<u8>,
    /// Lines of `text` that are not in the file.
    added_lines: usize,
    /// Line of the file where it begins.
    line: usize,
    file_bytes: u64,
}

/// The parts of a file, read as they are asked for.
#[derive(Debug)]
pub(crate) struct Parts<R> {
    file: R,
    is_one_a_line: bool,
    splitter: DocumentSplitter,
    /// Of a file with one entity a line: what is read and not taken yet, and the line it begins with.
    rest: Vec<u8>,
    line: usize,
    open: Part,
    is_at_end: bool,
}

impl<R: Read + Seek> Parts<R> {
    /// # Errors
    /// Fails when the file cannot be read.
    pub(crate) fn read(mut file: R) -> io::Result<Self> {
        let mut head = Vec::new();
        file.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
        file.seek(SeekFrom::Start(0))?;
        let is_one_a_line = is_one_a_line(&head);
        let (splitter, rest, open) = (DocumentSplitter::default(), Vec::new(), Part::default());
        Ok(Self { file, is_one_a_line, splitter, rest, line: 1, open, is_at_end: false })
    }
}

/// Two lines that are objects each are no YAML document.
fn is_one_a_line(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let is_object = |line: &[u8]| serde_json::from_slice(line).is_ok_and(|value: Value| value.is_object());
    lines.next().is_some_and(is_object) && lines.next().is_some_and(|line| line.starts_with(b"{"))
}

impl<R: Read> Parts<R> {
    fn next_document(&mut self) -> io::Result<Option<Document>> {
        loop {
            let found = if self.is_one_a_line { self.next_line() } else { self.next_of_stream() };
            if found.is_some() || self.is_at_end {
                return Ok(found);
            }
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            self.file.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
            self.is_at_end = piece.is_empty();
            if self.is_one_a_line {
                self.rest.extend_from_slice(&piece);
            } else {
                self.splitter.push(piece.into());
            }
        }
    }

    fn next_of_stream(&mut self) -> Option<Document> {
        let document = if self.is_at_end { self.splitter.finish() } else { self.splitter.next_document() }?;
        let file_bytes = u64::try_from(document.bytes).unwrap_or_default();
        // One that is too long is sent as far as its sender has to know: its door says why it is refused.
        let mut text = if document.text.is_empty() { vec![b' '; MAX_CATALOG_INFO_BYTES] } else { document.text };
        let before: &[u8] = match text.first() {
            Some(b'%') => b"...\n",
            _ if text.starts_with(b"---") => b"",
            _ => b"---\n",
        };
        text.splice(0..0, before.iter().copied());
        if text.last() != Some(&b'\n') {
            text.push(b'\n');
        }
        let added_lines = usize::from(!before.is_empty());
        Some(Document { text, added_lines, line: document.lines_before + 1, file_bytes })
    }

    fn next_line(&mut self) -> Option<Document> {
        loop {
            let end = self.rest.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let end = end.or_else(|| (self.is_at_end && !self.rest.is_empty()).then_some(self.rest.len()))?;
            let line: Vec<u8> = self.rest.drain(..end).collect();
            self.line += 1;
            let content = line.trim_ascii();
            if !content.is_empty() {
                let text = [b"---\n", content, b"\n"].concat();
                let file_bytes = u64::try_from(end).unwrap_or_default();
                return Some(Document { text, added_lines: 1, line: self.line - 1, file_bytes });
            }
        }
    }
}

impl<R: Read> Iterator for Parts<R> {
    type Item = io::Result<Part>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_document() {
                Ok(Some(document)) if self.open.fits(&document.text) => self.open.add(&document),
                Ok(Some(document)) => {
                    let full = std::mem::take(&mut self.open);
                    self.open.add(&document);
                    return Some(Ok(full));
                }
                Ok(None) if self.open.body.is_empty() => return None,
                Ok(None) => return Some(Ok(std::mem::take(&mut self.open))),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn parts(text: &str) -> Vec<Part> {
        Parts::read(Cursor::new(text.to_owned())).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn documents_and_lines_become_documents_that_stand_alone() {
        for (text, expected) in [
            ("", vec![]),
            ("a: 1\n---\nb: 2", vec!["---\na: 1\n---\nb: 2\n"]),
            ("{\"a\":1}\n\n{\"b\":2}", vec!["---\n{\"a\":1}\n---\n{\"b\":2}\n"]),
            ("{\"a\":1}\n---\n{\"b\":2}\n", vec!["---\n{\"a\":1}\n---\n{\"b\":2}\n"]),
            ("%YAML 1.2\n---\na: 1\n...\n# end\n", vec!["...\n%YAML 1.2\n---\na: 1\n"]),
        ] {
            let bodies: Vec<_> = parts(text).into_iter().map(|part| String::from_utf8(part.body).unwrap()).collect();
            assert_eq!(bodies, expected, "{text:?}");
        }
    }

    #[test]
    fn parts_are_as_long_as_the_door_takes_and_know_the_lines_of_the_file() {
        let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(1_000_000));
        let parts = parts(&line.repeat(9));
        assert_eq!(parts.iter().map(|part| part.lines.len()).collect::<Vec<_>>(), [4, 4, 1]);
        assert!(parts.iter().all(|part| part.body.len() <= MAX_CATALOG_INFO_BYTES));
        assert_eq!(parts.iter().map(|part| part.file_bytes).sum::<u64>(), 9 * line.len() as u64);
        // The second document of a part is at its fourth line, behind two markers.
        assert_eq!(parts[1].line_in_file("line 4").as_deref(), Some("line 6"));
        assert_eq!(parts[0].line_in_file("at the end"), None);
    }
}
