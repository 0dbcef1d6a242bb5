//! Sources of objects and targets of writes: a cluster or a folder.
//!
//! Must not validate objects. A source returns them as they are, and reports those that do not
//! deserialize.

pub mod cluster;
mod deserialize_errors;
pub mod folder;
mod host_settings;
pub mod language_files;
pub mod manifests;
mod registered_client;

use std::{collections::BTreeSet, fmt, sync::Arc};

use async_trait::async_trait;
use k8s_openapi::{
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta},
};
use tokio::sync::watch;

use crate::{
    api::{AnyStatus, EventReason, RawStatus, SourceView, StatusDigest},
    model::{ClientRegistrar, ObjectKey, ObjectRef},
};

/// A source that the tasks of the process share.
pub type SharedSource = Arc<dyn ObjectSource>;

/// A new status of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum StatusUpdate {
    /// The whole status of an object that deserializes. It replaces the stored one at any resourceVersion.
    Managed(AnyStatus),
    /// The whole status of an object that does not deserialize, at a resourceVersion. If the status has changed
    /// since then, it may have fields that this one lacks.
    Malformed {
        /// The whole status, with the fields of the stored one that Lanyard did not change.
        status: RawStatus,
        /// The resourceVersion at which its fields were read.
        resource_version: Option<String>,
    },
}

impl StatusUpdate {
    /// The conditions of the status.
    pub fn conditions(&self) -> &[Condition] {
        match self {
            Self::Managed(status) => status.conditions(),
            Self::Malformed { status, .. } => status.conditions(),
        }
    }

    /// The digest of the status.
    pub fn status_digest(&self) -> StatusDigest {
        match self {
            Self::Managed(status) => status.digest(),
            Self::Malformed { status, .. } => status.digest(),
        }
    }
}

/// The name of an annotation, and its new value; `None` removes it.
pub type SecretAnnotation = (&'static str, Option<String>);

/// Sets and removes annotations in an object's metadata.
fn annotate(metadata: &mut ObjectMeta, changes: &[SecretAnnotation]) {
    let annotations = metadata.annotations.get_or_insert_default();
    for (name, value) in changes {
        match value {
            Some(value) => drop(annotations.insert((*name).to_owned(), value.clone())),
            None => drop(annotations.remove(*name)),
        }
    }
}

/// An object in a namespace that is not watched.
#[derive(Clone, Debug)]
pub struct UnwatchedObject {
    /// The kind, namespace and name of the object.
    pub object: ObjectRef,
    /// `metadata.generation`, which the API server increases with each change of the spec.
    pub generation: Option<i64>,
    /// `metadata.resourceVersion`, which changes with each write.
    pub resource_version: Option<String>,
    /// The status of the object.
    pub status: RawStatus,
}

/// A Kubernetes Event on an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// The object that the Event is about.
    pub object: ObjectRef,
    /// The reason. It determines type and action.
    pub reason: EventReason,
    /// The note: what happened and what to do.
    pub message: String,
}

/// A write that failed (or, on `Unavailable`, may have).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The object was modified since it was read, or exists already: read it again and retry.
    #[error("the object was modified")]
    Conflict,
    /// The object does not exist, or its namespace is being deleted or is gone.
    #[error("the object or its namespace does not exist")]
    NotFound,
    /// The write is forbidden or invalid: retry only after an edit.
    #[error("refused: {0}")]
    Refused(String),
    /// No response in time. The write may have taken effect; read the object again and retry.
    #[error("no answer: {0}")]
    Unavailable(String),
}

/// Source of all objects, and target of all writes. Writes time out within 3 s.
#[async_trait]
pub trait ObjectSource: ClientRegistrar + Send + Sync + fmt::Debug {
    /// The latest view of all objects; the receiver is notified of each new one.
    fn views(&self) -> watch::Receiver<Arc<SourceView>>;

    /// Creates a Secret; `Conflict` if it exists.
    async fn create_secret(&self, secret: Secret) -> Result<(), WriteError>;

    /// Replaces a Secret at its resourceVersion; `Conflict` if it has changed since.
    async fn replace_secret(&self, secret: Secret) -> Result<(), WriteError>;

    /// Changes annotations of a Secret at this resourceVersion, and nothing else of it.
    async fn annotate_secret(
        &self,
        key: &ObjectKey,
        resource_version: &str,
        changes: &[SecretAnnotation],
    ) -> Result<(), WriteError>;

    /// Deletes a Secret at this resourceVersion; `Conflict` if it has changed since.
    async fn delete_secret(
        &self,
        key: &ObjectKey,
        resource_version: &str,
    ) -> Result<(), WriteError>;

    /// Deletes a registered client, if it has not changed since it was read.
    async fn delete_client(
        &self,
        key: &ObjectKey,
        resource_version: Option<&str>,
    ) -> Result<(), WriteError>;

    /// Writes an object's status as a whole. `Conflict` if [`StatusUpdate::Malformed`] is for an earlier
    /// resourceVersion.
    async fn publish_status(
        &self,
        object: &ObjectRef,
        status: StatusUpdate,
    ) -> Result<(), WriteError>;

    /// Objects in namespaces that are not watched; none if all are, or if they may not be listed.
    async fn unwatched(&self) -> Vec<UnwatchedObject> {
        Vec::new()
    }

    /// The namespaces that were watched and no longer are; those of `unwatched` change with them.
    fn left_namespaces(&self) -> watch::Receiver<BTreeSet<String>> {
        watch::channel(BTreeSet::new()).1
    }

    /// Publishes an Event. Never fails; errors are logged.
    async fn publish_event(&self, notice: EventRecord);
}
