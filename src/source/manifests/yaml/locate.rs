//! Finds the line of a field.

use super::{Reader, guarded};

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::source::manifests) enum Step {
    Key(String),
    Index(usize),
}

/// Follows a reader along the path of a field.
pub(super) struct Trace<'p> {
    path: &'p [Step],
    /// The number of steps of the path that lead to the current node.
    matched: usize,
    depth: usize,
    /// The line of the longest part of the path that exists.
    found: Option<usize>,
    longest: usize,
}

impl Trace<'_> {
    pub(super) fn enter(&mut self, step: &Step, line: usize) {
        if self.depth == self.matched && self.path.get(self.depth) == Some(step) {
            self.matched += 1;
            if self.matched > self.longest {
                (self.longest, self.found) = (self.matched, Some(line));
            }
        }
        self.depth += 1;
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
        self.matched = self.matched.min(self.depth);
    }
}

/// The line of a field of a document, or of the nearest parent that exists.
pub(in crate::source::manifests) fn line_of(text: &str, path: &[Step]) -> Option<usize> {
    let trace = Trace { path, matched: 0, depth: 0, found: None, longest: 0 };
    guarded(|| {
        let mut reader = Reader::new(text, Some(trace));
        // A later error does not matter.
        let _ = reader.document();
        Ok(reader.trace.and_then(|trace| trace.found))
    })
    .ok()
    .flatten()
}
