//! All objects of a source at one moment: the input of the registry's build.

use std::{collections::BTreeMap, sync::Arc};

use super::{AnyCachedObject, CachedSecret, ObjectsByKind, RawStatus};
use crate::model::{ObjectKey, ObjectRef, Timestamp};

/// The objects of a cluster or a folder. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ObjectSet {
    /// Objects of Lanyard's own kinds.
    pub managed: ObjectsByKind,
    /// Secrets that Lanyard created and Secrets that an object refers to. A referenced Secret that
    /// is missing here does not exist.
    pub secrets: BTreeMap<ObjectKey, SecretState>,
    /// Labels of the namespaces, if they may be read.
    pub namespaces: NamespaceLabels,
    /// Objects that did not deserialize. The last valid version, if any, is still in `managed`.
    pub malformed: BTreeMap<ObjectRef, MalformedObject>,
    /// True if some manifest could not be read, so that objects may be missing here. Then nothing
    /// may be deleted or concluded because an object is absent.
    pub incomplete: bool,
}

/// A Secret, or the reason why it could not be read.
#[derive(Clone, Debug)]
pub enum SecretState {
    /// The Secret was read.
    Loaded(CachedSecret),
    /// The Secret may not be read; contains the API server's message.
    Unreadable(Arc<str>),
}

/// The labels of all namespaces, for selectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NamespaceLabels {
    /// Namespaces may not be read (`watchNamespaces` is set), so selectors cannot be evaluated.
    #[default]
    Unavailable,
    /// The labels of each namespace, by the namespace's name.
    Known(BTreeMap<String, BTreeMap<String, String>>),
}

/// An object that does not deserialize.
#[derive(Clone, Debug, Default)]
pub struct MalformedObject {
    /// The field and the error, for the object's author.
    pub message: String,
    /// `metadata.generation`, for the condition.
    pub generation: Option<i64>,
    /// `metadata.resourceVersion`, which differs between the versions of the object.
    pub resource_version: Option<String>,
    /// `metadata.uid`, which Events need for `kubectl describe` to list them.
    pub uid: Option<String>,
    /// The status, of which a new one keeps what it does not replace.
    pub status: Arc<RawStatus>,
    /// The object without what does not deserialize, if the rest suffices. It is never served, but its names
    /// stay its own.
    pub readable: Option<AnyCachedObject>,
}

impl PartialEq for MalformedObject {
    fn eq(&self, other: &Self) -> bool {
        let is_same_rest = match (&self.readable, &other.readable) {
            (Some(one), Some(other)) => one.same_desired_state(other),
            (None, None) => true,
            _ => false,
        };
        is_same_rest
            && self.message == other.message
            && self.generation == other.generation
            && self.resource_version == other.resource_version
            && self.uid == other.uid
            && self.status == other.status
    }
}

/// The objects of a source, with a revision and the source's health.
#[derive(Clone, Debug, Default)]
pub struct SourceView {
    /// All objects at this revision.
    pub objects: Arc<ObjectSet>,
    /// Increases with each change that can affect what is served, but not when only unused metadata
    /// or unused parts of a `status` changed. 0: nothing has been read yet.
    pub revision: u64,
    /// Whether the source answers, and what it may read.
    pub health: SourceHealth,
}

/// Whether a source answers, and what it may read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceHealth {
    /// True once every initial list is complete. Nothing may be served before.
    pub synced: bool,
    /// When the source last stopped answering, and its error; `None` while it answers.
    pub failing: Option<(Timestamp, String)>,
    /// Namespaces that are to be watched and may not be.
    pub forbidden_namespaces: Vec<String>,
}
