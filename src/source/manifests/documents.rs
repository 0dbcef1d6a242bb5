//! Splits the text of a file into documents, as kubectl does: JSON objects one after the other, or
//! YAML documents between lines that begin with `---`. A document that cannot be read does not
//! affect those after it.

use serde_json::Value;

use super::{
    json,
    yaml::{self, YamlPathStep, YamlProblem},
};

/// Start of a line between two documents.
const SEPARATOR: &str = "---";

/// A document of a manifest file.
#[derive(Debug)]
pub(super) struct ManifestDocument<'t> {
    text: &'t str,
    /// The line of the file where the text begins, counted from 1.
    first_line: usize,
    pub(super) content: Result<DocumentContent, DocumentError>,
}

/// The content of a document. Lines are those of the file.
#[derive(Debug)]
pub(super) struct DocumentContent {
    /// The value; null if there are only comments.
    pub(super) value: Value,
    /// Keys that a map contains twice, each with a line.
    pub(super) duplicates: Vec<(String, usize)>,
    /// The line of text after the end of the document, which is not read.
    pub(super) ignored_from: Option<usize>,
}

/// A document cannot be read. Lines are those of the file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DocumentError {
    #[error("is not YAML: line {line}: {problem}")]
    Yaml { line: usize, problem: YamlProblem },
    #[error("is not JSON: line {line}: {message}")]
    Json { line: usize, message: String },
    #[error("is not read, because its first line has text after ---; begin it on the next line")]
    Separator,
}

impl ManifestDocument<'_> {
    /// The line of a field in the file, or of the nearest parent that exists.
    pub(super) fn field_line(&self, path: &[YamlPathStep]) -> Option<usize> {
        yaml::field_line(self.text, path).map(|line| self.first_line + line - 1)
    }
}

impl ManifestDocument<'_> {
    /// The lines of fields in the file, each that of the nearest parent if it does not exist.
    pub(super) fn field_lines(&self, paths: &[Vec<YamlPathStep>]) -> Vec<Option<usize>> {
        let lines = yaml::field_lines(self.text, paths).into_iter();
        lines.map(|line| line.map(|line| self.first_line + line - 1)).collect()
    }
}

/// Reads the documents of a file.
pub(super) fn split_documents(text: &str) -> Vec<ManifestDocument<'_>> {
    if !text.trim_start().starts_with('{') {
        return yaml_documents(text, 1);
    }
    let (mut documents, failure) = json_documents(text);
    let Some((offset, failure)) = failure else { return documents };
    let first_line = line_at(text, offset);
    let failed = ManifestDocument { text: "", first_line, content: Err(failure) };
    // Two objects make a file JSON beyond doubt. A single one may be YAML in braces.
    if documents.len() > 1 {
        documents.push(failed);
        return documents;
    }
    let mut others = yaml_documents(&text[offset..], first_line);
    match others.first_mut() {
        Some(first) if first.content.is_ok() => {}
        Some(first) => *first = failed,
        None => others.push(failed),
    }
    documents.extend(others);
    documents
}

/// Reads JSON objects up to the first error, with the offset of the text that is not read.
fn json_documents(text: &str) -> (Vec<ManifestDocument<'_>>, Option<(usize, DocumentError)>) {
    let mut documents = Vec::new();
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<json::ManifestJson>();
    loop {
        let start = stream.byte_offset();
        let Some(read) = stream.next() else { return (documents, None) };
        match read {
            Ok(json) => {
                let text_before = &text[start..stream.byte_offset()];
                let start = start + text_before.len() - text_before.trim_start().len();
                let first_line = line_at(text, start);
                let duplicates = json.duplicates.into_iter().map(|key| (key, first_line));
                let content = DocumentContent {
                    value: json.value,
                    duplicates: duplicates.collect(),
                    ignored_from: None,
                };
                let text = &text[start..stream.byte_offset()];
                documents.push(ManifestDocument { text, first_line, content: Ok(content) });
            }
            Err(error) => {
                let message = json_message(&error);
                let failure = DocumentError::Json { line: error.line().max(1), message };
                return (documents, Some((start, failure)));
            }
        }
    }
}

/// The message of an error without its position.
fn json_message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message).to_owned()
}

/// Reads YAML documents of a text that begins at a line of the file.
fn yaml_documents(text: &str, first_line: usize) -> Vec<ManifestDocument<'_>> {
    let mut documents = Vec::new();
    let (mut start, mut start_line, mut separator) = (0, first_line, "");
    let mut offset = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let end = offset;
        offset += line.len();
        let Some(after) = line.strip_prefix(SEPARATOR) else { continue };
        let after = after.trim();
        if start == end && is_separator(separator) && is_separator(after) {
            // Without text before it, kubectl leaves the line in the document.
            (start, start_line) = (end, first_line + number);
            continue;
        }
        documents.extend(yaml_document(&text[start..end], start_line, separator));
        (start, start_line, separator) = (offset, first_line + number + 1, after);
    }
    documents.extend(yaml_document(&text[start..], start_line, separator));
    documents
}

/// Reads a YAML document, given the text after the `---` before it. `None` without any text.
fn yaml_document<'t>(
    text: &'t str,
    first_line: usize,
    after_separator: &str,
) -> Option<ManifestDocument<'t>> {
    let content = if is_separator(after_separator) {
        if text.is_empty() {
            return None;
        }
        let line = |line: usize| first_line + line - 1;
        yaml::read_yaml(text)
            .map(|read| DocumentContent {
                value: read.value,
                duplicates: read.duplicates.into_iter().map(|(key, at)| (key, line(at))).collect(),
                ignored_from: read.ignored_from.map(line),
            })
            .map_err(|error| DocumentError::Yaml { line: line(error.line), problem: error.problem })
    } else {
        Err(DocumentError::Separator)
    };
    Some(ManifestDocument { text, first_line, content })
}

/// Whether a line that begins with `---` and continues with this text separates documents.
fn is_separator(after: &str) -> bool {
    after.is_empty() || after.starts_with('#')
}

fn line_at(text: &str, offset: usize) -> usize {
    text[..offset].bytes().filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<Result<Value, DocumentError>> {
        let read = split_documents(text).into_iter();
        read.map(|document| document.content.map(|content| content.value)).collect()
    }

    #[test]
    fn documents_after_a_malformed_one_are_read() {
        let read = values("a: 1\n---\nb: [\n---\nc: 3\n--- d\ne: 5\n---\nf: 6\n");
        assert_eq!(read.len(), 5);
        assert_eq!(read[0], Ok(serde_json::json!({"a": 1})));
        assert!(matches!(read[1], Err(DocumentError::Yaml { .. })), "{:?}", read[1]);
        assert_eq!(read[2], Ok(serde_json::json!({"c": 3})));
        assert_eq!(read[3], Err(DocumentError::Separator));
        assert_eq!(read[4], Ok(serde_json::json!({"f": 6})));
    }

    #[test]
    fn json_objects_follow_each_other() {
        assert_eq!(values("{\"a\": 1.0}\n{\"b\": 2}").len(), 2);
        assert_eq!(values("{a: 1}\n---\nb: 2\n").len(), 2, "YAML in braces");
        let read = values("{\"a\": 1}{\"b\": 2}{\"c\": }");
        assert!(matches!(read[2], Err(DocumentError::Json { line: 1, .. })), "{read:?}");
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let read = split_documents("# x\n---\na:\n  b:\n  - c: 1\n");
        let path = ["a", "b"].map(|key| YamlPathStep::Key(key.to_owned()));
        let document = read.last().expect("a document");
        assert_eq!(document.field_line(&path), Some(4));
        let path = [path.to_vec(), vec![YamlPathStep::Index(0), YamlPathStep::Key("c".to_owned())]]
            .concat();
        assert_eq!(document.field_line(&path), Some(5));
        let missing = [path, vec![YamlPathStep::Key("d".to_owned())]].concat();
        assert_eq!(document.field_line(&missing), Some(5), "the nearest parent");
        let Err(error) = &split_documents("a: 1\n---\nb: [\n").pop().expect("one").content else {
            panic!("malformed")
        };
        assert!(error.to_string().contains("line 4"), "{error}");
    }
}
