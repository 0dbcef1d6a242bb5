//! YAML manifests, as `dev` and `check` read them: strictly, so that a typing error is found here
//! and not by a puzzled person. The one module that knows `serde_yaml`.

mod fields;
mod read;
mod write;

use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{Namespace, Secret};

pub use read::{find, parse, parse_read, parse_text, read};
pub use write::to_yaml;

use crate::{
    api::{OidcClient, OidcUser, Tenant},
    model::{ObjectKey, ObjectKind, ObjectRef},
};

/// An object of a manifest.
#[derive(Clone, Debug)]
pub enum ManifestObject {
    /// A tenant.
    Tenant(Tenant),
    /// A client.
    OidcClient(Box<OidcClient>),
    /// A user.
    OidcUser(OidcUser),
    /// A Secret, its `stringData` merged into `data`.
    Secret(Secret),
    /// A namespace.
    Namespace(Namespace),
}

impl ManifestObject {
    /// Kind, namespace and name.
    pub fn reference(&self) -> ObjectRef {
        let (kind, metadata) = match self {
            Self::Tenant(object) => (ObjectKind::Tenant, &object.metadata),
            Self::OidcClient(object) => (ObjectKind::OidcClient, &object.metadata),
            Self::OidcUser(object) => (ObjectKind::OidcUser, &object.metadata),
            Self::Secret(object) => (ObjectKind::Secret, &object.metadata),
            Self::Namespace(object) => (ObjectKind::Namespace, &object.metadata),
        };
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        ObjectRef { kind, key: ObjectKey::new(text(&metadata.namespace), text(&metadata.name)) }
    }
}

/// Something to change in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    /// The file.
    pub file: PathBuf,
    /// The object (`Kind namespace/name`), or the document's number.
    pub object: String,
    /// Path of the field; empty where none is to blame.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
    /// A warning does not keep the file from being used.
    pub warning: bool,
}

impl FileProblem {
    pub(super) fn new(file: &Path, object: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            object: object.into(),
            field: String::new(),
            message: message.into(),
            warning: false,
        }
    }
}

impl std::fmt::Display for FileProblem {
    /// `file: object: field: message`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}: ", self.file.display(), self.object)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests;
