//! Notes on what is not imported.

use super::source_field::SourceField;

/// Something that is not imported, or that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportNote {
    /// The number of the source file, from 0.
    pub file: usize,
    /// The field of the source, as a JSON pointer (RFC 6901); empty for the whole file.
    pub pointer: String,
    /// The message, which says what to do. It contains no secret.
    pub message: String,
}

impl ImportNote {
    /// The field as people write it: `connectors[0].config`.
    pub fn field(&self) -> String {
        let mut field = String::new();
        for step in self.pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            if step.bytes().all(|byte| byte.is_ascii_digit()) && !step.is_empty() {
                field.extend(["[", &step, "]"]);
            } else {
                if !field.is_empty() {
                    field.push('.');
                }
                field.push_str(&step);
            }
        }
        field
    }
}

/// The notes of one import.
#[derive(Debug, Default)]
pub(super) struct ImportNotes(Vec<ImportNote>);

impl ImportNotes {
    /// Adds a note on a field.
    pub(super) fn add(&mut self, field: &SourceField<'_>, message: impl Into<String>) {
        let SourceField { file, pointer, .. } = field;
        self.0.push(ImportNote { file: *file, pointer: pointer.clone(), message: message.into() });
    }

    /// Adds a note on each member of a map that is neither known nor empty.
    pub(super) fn add_unknown(&mut self, field: &SourceField<'_>, known: &[&str]) {
        for member in field.members() {
            let name = member.pointer.rsplit('/').next().unwrap_or_default();
            if !known.contains(&name) && !member.is_empty() {
                self.add(&member, "not imported");
            }
        }
    }

    /// The notes, in the order of the source as far as the converter followed it.
    pub(super) fn into_notes(self) -> Vec<ImportNote> {
        self.0
    }
}
