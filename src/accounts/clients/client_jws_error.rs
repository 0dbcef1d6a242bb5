//! The error for a JWS that was not verified.

use crate::{keys::JwsError, model::ClusterTokenError, remote::RemoteDocumentError};

/// A JWS of a client, or of an issuer that it trusts, was not verified. The message is for the log.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ClientJwsError {
    #[error(transparent)]
    Signature(#[from] JwsError),
    #[error(transparent)]
    Keys(#[from] RemoteDocumentError),
    #[error(transparent)]
    Cluster(#[from] ClusterTokenError),
    #[error("more than {0} different key sets could have signed it")]
    TooManyKeySets(usize),
}
