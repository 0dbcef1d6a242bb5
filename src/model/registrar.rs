//! The one write of the serving side: clients that register themselves (design §6,
//! "Registration").

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{ClientId, Issuer, ObjectKey, Secret, Timestamp};

/// A registrar that any task may use.
pub type SharedRegistrar = Arc<dyn ClientRegistrar>;

/// How the names of clients' objects begin that register themselves. No name ever changes: a client
/// that somebody declared does not become one of these.
pub const REGISTERED_NAME: &str = "dcr-";

/// A client to create.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// Namespace and name of the object: the tenant's namespace, a random name.
    pub object: ObjectKey,
    /// `client_id` that the object comes to.
    pub id: ClientId,
    /// The tenant's issuer.
    pub issuer: Issuer,
    /// The object's spec, checked.
    pub spec: Map<String, Value>,
    /// The hash of its registration access token.
    pub token_hash: String,
    /// Its client secret, if its method has one.
    pub secret: Option<Secret<String>>,
    /// When it registers.
    pub at: Timestamp,
}

/// A write that did not happen (or, on `Unavailable`, may have).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrarError {
    /// This installation may not write clients.
    #[error("clients may not be written here ({0}); install the chart with registration.enabled")]
    Forbidden(String),
    /// The object is not acceptable.
    #[error("refused: {0}")]
    Refused(String),
    /// There is no registered client of that name.
    #[error("there is no such registered client")]
    NotFound,
    /// No answer in time, or others kept changing the object.
    #[error("no answer: {0}")]
    Unavailable(String),
}

/// Who writes registered clients, and nothing else.
#[async_trait]
pub trait ClientRegistrar: Send + Sync + fmt::Debug {
    /// Creates a client's object and, where it has a secret, its Secret.
    async fn create_registered(&self, client: NewClient) -> Result<(), RegistrarError>;

    /// Replaces the spec of a registered client.
    async fn replace_registered(
        &self,
        object: &ObjectKey,
        spec: Map<String, Value>,
    ) -> Result<(), RegistrarError>;

    /// Deletes a registered client.
    async fn delete_registered(&self, object: &ObjectKey) -> Result<(), RegistrarError>;

    /// Notes on a registered client, once, that it was used.
    async fn mark_used(&self, object: &ObjectKey) -> Result<(), RegistrarError>;
}
