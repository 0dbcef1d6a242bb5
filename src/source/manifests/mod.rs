//! Reads manifests for `dev` and `check`, as kubectl and an API server do. Strict, so that typos are
//! reported. The only module that uses `serde_yaml`, which writes YAML and reads none.

mod defaults;
mod documents;
mod fields;
mod foreign;
mod json;
mod objects;
mod read;
mod sops;
mod write;
mod yaml;

use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{Namespace, Secret};

pub use foreign::{ForeignDocument, ForeignDocumentError};
pub use read::{
    find_manifest_files, parse_manifest_file, parse_read, parse_text, read_manifest_file,
    read_manifest_stream,
};
pub use write::to_yaml;

use self::yaml::YamlError;
use crate::{
    api::AnyObject,
    model::{ObjectKey, ObjectKind, ObjectRef},
};

/// Reads one YAML or JSON value, as kubectl does.
pub(super) fn read_value(text: &str) -> Result<serde_json::Value, YamlError> {
    yaml::read_yaml(text).map(|document| document.value)
}

/// An object of a manifest.
#[derive(Clone, Debug)]
pub enum ManifestObject {
    /// An object of one of Lanyard's own kinds.
    Managed(AnyObject),
    /// A Secret, with `stringData` merged into `data`.
    Secret(Secret),
    /// A Namespace, of which only the labels are used.
    Namespace(Namespace),
}

impl ManifestObject {
    /// The kind, namespace and name. The namespace is empty for a Namespace.
    pub fn reference(&self) -> ObjectRef {
        let (kind, metadata) = match self {
            Self::Managed(object) => return object.reference(),
            Self::Secret(object) => (ObjectKind::Secret, &object.metadata),
            Self::Namespace(object) => (ObjectKind::Namespace, &object.metadata),
        };
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        ObjectRef { kind, key: ObjectKey::new(text(&metadata.namespace), text(&metadata.name)) }
    }
}

/// A problem with a manifest file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    /// The path of the file.
    pub file: PathBuf,
    /// The line of the file, counted from 1, if known.
    pub line: Option<usize>,
    /// The object (`Kind namespace/name`), or the number of the document.
    pub object: String,
    /// Path of the field; empty if the problem concerns no field.
    pub field: String,
    /// Description of the problem, with the fix.
    pub message: String,
    /// Whether the file can be used nevertheless.
    pub warning: bool,
}

impl FileProblem {
    pub(super) fn new(file: &Path, object: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            object: object.into(),
            field: String::new(),
            message: message.into(),
            warning: false,
        }
    }

    fn into_warning(self) -> Self {
        Self { warning: true, ..self }
    }
}

impl std::fmt::Display for FileProblem {
    /// Formats as `file:line: object: field: message`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}: ", self.object)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
