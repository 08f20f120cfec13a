//! A YAML stream -> its documents, each as text of its own.
//!
//! A parser that meets an error cannot say where the next document starts. The text can: `---` at the start of a line
//! begins a document and `...` ends one, even inside a block scalar. <https://yaml.org/spec/1.2.2/#912-document-markers>

/// The text of one document that has content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DocumentText<'a> {
    /// From its directives and marker to the next marker.
    pub(crate) text: &'a str,
    /// Lines of the stream before `text`.
    pub(crate) lines_before: usize,
    /// Line of the stream, from 1, where its content starts.
    pub(crate) line: usize,
}

/// Documents in the order of the stream. Those with nothing but comments are left out.
pub(crate) fn split(stream: &str) -> Vec<DocumentText<'_>> {
    let stream = stream.strip_prefix('\u{feff}').unwrap_or(stream);
    let mut documents = Vec::new();
    let mut open = Open::default();
    let mut at = 0;
    for (number, line) in stream.split_inclusive('\n').enumerate() {
        if is_marker(line, "---") && (open.has_marker || open.content_line.is_some()) {
            open.close(stream, at, &mut documents);
            open = Open { start: at, lines_before: number, ..Open::default() };
        }
        if is_marker(line, "---") {
            open.has_marker = true;
            let rest = line[3..].trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                open.content_line.get_or_insert(number + 1);
            }
        } else if is_marker(line, "...") {
            open.close(stream, at, &mut documents);
            open = Open { start: at + line.len(), lines_before: number + 1, ..Open::default() };
        } else if has_content(line, open.has_marker) {
            open.content_line.get_or_insert(number + 1);
        }
        at += line.len();
    }
    open.close(stream, at, &mut documents);
    documents
}

/// The document that is being read.
#[derive(Default)]
struct Open {
    start: usize,
    lines_before: usize,
    has_marker: bool,
    content_line: Option<usize>,
}

impl Open {
    fn close<'a>(&self, stream: &'a str, end: usize, documents: &mut Vec<DocumentText<'a>>) {
        if let Some(line) = self.content_line {
            documents.push(DocumentText { text: &stream[self.start..end], lines_before: self.lines_before, line });
        }
    }
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// A `%` starts a directive only before the marker.
fn has_content(line: &str, behind_marker: bool) -> bool {
    let trimmed = line.trim();
    !(trimmed.is_empty() || trimmed.starts_with('#') || (!behind_marker && line.starts_with('%')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_and_texts(stream: &str) -> Vec<(usize, &str)> {
        split(stream).into_iter().map(|document| (document.line, document.text)).collect()
    }

    #[test]
    fn markers_at_the_start_of_a_line_separate_documents() {
        for (stream, expected) in [
            ("", vec![]),
            ("# nothing\n---\n# here\n---\n", vec![]),
            ("a: 1", vec![(1, "a: 1")]),
            ("---\na: 1\n---\n---\nb: 2\n", vec![(2, "---\na: 1\n"), (5, "---\nb: 2\n")]),
            ("a: |\n  ---\n text\n---\r\nb: 2", vec![(1, "a: |\n  ---\n text\n"), (5, "---\r\nb: 2")]),
            (
                "%YAML 1.2\n---\na: 1\n...\n%YAML 1.2\n--- {b: 2}\n",
                vec![(3, "%YAML 1.2\n---\na: 1\n"), (6, "%YAML 1.2\n--- {b: 2}\n")],
            ),
            ("---x: 1\n", vec![(1, "---x: 1\n")]),
            ("\u{feff}a: 1\n", vec![(1, "a: 1\n")]),
        ] {
            assert_eq!(lines_and_texts(stream), expected, "{stream:?}");
        }
    }
}
