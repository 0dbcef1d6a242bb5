//! The interface for writing dynamically registered clients. It is the only write to the cluster
//! that serving causes.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{ClientId, Issuer, ObjectKey, Secret, Timestamp};

/// A registrar shared between tasks.
pub type SharedRegistrar = Arc<dyn ClientRegistrar>;

/// The name prefix of dynamically registered clients. Object names are immutable, so a declared
/// client cannot become a registered one.
pub const REGISTERED_NAME: &str = "dcr-";

/// A client to create by dynamic registration (RFC 7591).
#[derive(Clone, Debug)]
pub struct NewClient {
    /// The namespace of the tenant and a random name.
    pub object: ObjectKey,
    /// The `client_id` of the object.
    pub id: ClientId,
    /// The issuer of the tenant that the client registers at.
    pub issuer: Issuer,
    /// The validated `spec` of the `OidcClient`, as JSON.
    pub spec: Map<String, Value>,
    /// The hash of the registration access token.
    pub token_hash: String,
    /// The client secret, if the authentication method has one.
    pub secret: Option<Secret<String>>,
    /// The time of registration.
    pub at: Timestamp,
}

/// A failed write. After `Unavailable`, the write may still have been applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrarError {
    /// The installation has no permission to write clients.
    #[error("writing clients is forbidden ({0}); install the chart with registration.enabled")]
    Forbidden(String),
    /// The API server rejected the object.
    #[error("the object was rejected: {0}")]
    Refused(String),
    /// A registered client with that name does not exist.
    #[error("no registered client has this name")]
    NotFound,
    /// The request timed out, or the object kept changing.
    #[error("the request failed: {0}")]
    Unavailable(String),
}

/// The reason why a spec is not written, for the client's developer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SpecRefusal(pub String);

/// Checks the spec of a client before it is written.
pub type SpecCheck<'a> = &'a (dyn Fn(&Map<String, Value>) -> Result<(), SpecRefusal> + Send + Sync);

/// Writes registered clients, and no other objects.
#[async_trait]
pub trait ClientRegistrar: Send + Sync + fmt::Debug {
    /// Creates the client's object and, if it has a secret, its Secret.
    async fn create_registered(&self, client: NewClient) -> Result<(), RegistrarError>;

    /// Replaces the fields of a registered client that no administrator has set, if `check` accepts
    /// the resulting spec. Returns that spec.
    async fn replace_registered(
        &self,
        object: &ObjectKey,
        spec: Map<String, Value>,
        check: SpecCheck<'_>,
    ) -> Result<Map<String, Value>, RegistrarError>;

    /// Deletes a registered client. `NotFound` if no registered client has the name.
    async fn delete_registered(&self, object: &ObjectKey) -> Result<(), RegistrarError>;

    /// Records, once, that a registered client was used.
    async fn mark_used(&self, object: &ObjectKey) -> Result<(), RegistrarError>;
}
