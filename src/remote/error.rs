//! Errors of clients' documents.

use crate::fetch::FetchError;

/// A document of a client cannot be used. The message is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteDocumentError {
    /// The client has no URL of such a document.
    #[error("the client has no jwks_uri")]
    NoUrl,
    /// The document could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The JWKS contains no key that can be used.
    #[error("its jwks_uri contains no usable key")]
    NoUsableKey,
    /// The task that fetched the document ended early.
    #[error("the fetch was aborted")]
    Aborted,
}
