//! Where objects come from and what is written goes to: a cluster or a directory.
//!
//! Must not: judge objects. It shows them as they are and says which could not be read.

pub mod cluster;
mod deserialize_errors;
pub mod folder;
pub mod manifests;
mod registered_client;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::Condition};
use tokio::sync::watch;

use crate::{
    api::{OidcClientStatus, OidcUserStatus, SourceView, StatusDigest, TenantStatus},
    model::{ClientRegistrar, ObjectKey, ObjectRef},
};

/// A source that any task may use.
pub type SharedSource = Arc<dyn ObjectSource>;

/// A new status of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum StatusUpdate {
    /// Of a `Tenant`.
    Tenant(TenantStatus),
    /// Of an `OidcClient`.
    OidcClient(OidcClientStatus),
    /// Of an `OidcUser`.
    OidcUser(OidcUserStatus),
    /// Of an object that could not be read: conditions are all there is to say.
    Malformed(Vec<Condition>),
}

impl StatusUpdate {
    /// Its conditions.
    pub fn conditions(&self) -> &[Condition] {
        match self {
            Self::Tenant(status) => &status.conditions,
            Self::OidcClient(status) => &status.conditions,
            Self::OidcUser(status) => &status.conditions,
            Self::Malformed(conditions) => conditions,
        }
    }

    /// What it says, for comparing it with the next.
    pub fn told(&self) -> StatusDigest {
        match self {
            Self::Tenant(status) => StatusDigest::of_tenant(status),
            Self::OidcClient(status) => StatusDigest::of_client(status),
            Self::OidcUser(status) => StatusDigest::of_user(status),
            Self::Malformed(conditions) => StatusDigest::of(conditions, &()),
        }
    }
}

/// Something worth an Event on an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// The object it is about.
    pub object: ObjectRef,
    /// Whether it is a warning.
    pub warning: bool,
    /// A fixed CamelCase word.
    pub reason: &'static str,
    /// What was being done, a CamelCase verb.
    pub action: &'static str,
    /// What happened and what to do.
    pub message: String,
}

/// A write that did not happen (or, on `Unavailable`, may have).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The object changed since it was read, or exists already: read again and decide anew.
    #[error("the object changed meanwhile")]
    Conflict,
    /// The object is gone.
    #[error("the object is gone")]
    NotFound,
    /// We may not, or it is not acceptable: waits for an edit.
    #[error("refused: {0}")]
    Refused(String),
    /// No answer in time: worth another try.
    #[error("no answer: {0}")]
    Unavailable(String),
}

/// Where objects come from, and the sink of every write. Writes time out within 3 s.
#[async_trait]
pub trait ObjectSource: ClientRegistrar + Send + Sync + fmt::Debug {
    /// The latest view; the receiver is told of each new one.
    fn views(&self) -> watch::Receiver<Arc<SourceView>>;

    /// Creates a Secret; `Conflict` if there is one of that name.
    async fn create_secret(&self, secret: Secret) -> Result<(), WriteError>;

    /// Replaces a Secret under its `resourceVersion`.
    async fn replace_secret(&self, secret: Secret) -> Result<(), WriteError>;

    /// Deletes a Secret under the `resourceVersion` it was seen at.
    async fn delete_secret(
        &self,
        key: &ObjectKey,
        resource_version: &str,
    ) -> Result<(), WriteError>;

    /// Deletes a registered client, if it is still as it was seen.
    async fn delete_client(
        &self,
        key: &ObjectKey,
        resource_version: Option<&str>,
    ) -> Result<(), WriteError>;

    /// Writes an object's status.
    async fn publish_status(
        &self,
        object: &ObjectRef,
        status: StatusUpdate,
    ) -> Result<(), WriteError>;

    /// Tells of something. Never fails the caller; what cannot be told is logged.
    async fn publish_event(&self, notice: EventRecord);
}
