//! Finds the lines of fields.

use std::collections::HashMap;

use super::{Reader, guarded};

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::source::manifests) enum YamlPathStep {
    Key(String),
    Index(usize),
}

/// Follows a reader, and notes the lines of fields.
#[derive(Default)]
pub(super) struct FieldLines {
    /// The fields and their parents, with the line where each begins.
    found: HashMap<Vec<YamlPathStep>, Option<usize>>,
    current: Vec<YamlPathStep>,
}

impl FieldLines {
    fn of(paths: &[Vec<YamlPathStep>]) -> Self {
        let parts = paths.iter().flat_map(|path| (1..=path.len()).map(|length| &path[..length]));
        let found = parts.map(|part| (part.to_vec(), None)).collect();
        Self { found, current: Vec::new() }
    }

    pub(super) fn enter(&mut self, step: YamlPathStep, line: usize) {
        self.current.push(step);
        if let Some(found) = self.found.get_mut(&self.current) {
            found.get_or_insert(line);
        }
    }

    pub(super) fn leave(&mut self) {
        self.current.pop();
    }

    /// The line of a field, or of the nearest parent that exists.
    fn field_line(&self, path: &[YamlPathStep]) -> Option<usize> {
        let mut lengths = (1..=path.len()).rev();
        lengths.find_map(|length| self.found.get(&path[..length]).copied().flatten())
    }
}

/// The lines of fields of a document, each that of the nearest parent if it does not exist.
pub(in crate::source::manifests) fn field_lines(
    text: &str,
    paths: &[Vec<YamlPathStep>],
) -> Vec<Option<usize>> {
    let field_lines = guarded(|| {
        let mut reader = Reader::new(text, Some(FieldLines::of(paths)));
        // A later error does not matter.
        let _ = reader.document();
        Ok(reader.field_lines.unwrap_or_default())
    });
    let field_lines = field_lines.unwrap_or_default();
    paths.iter().map(|path| field_lines.field_line(path)).collect()
}

/// The line of a field of a document, or of the nearest parent that exists.
pub(in crate::source::manifests) fn field_line(text: &str, path: &[YamlPathStep]) -> Option<usize> {
    field_lines(text, &[path.to_vec()]).pop().flatten()
}
