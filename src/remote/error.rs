//! Errors of documents that are fetched by URL: of clients, of identity providers, and of issuers of workloads.

use crate::{
    fetch::FetchError,
    protocol::{client_document::ClientDocumentError, upstream::MetadataError},
};

/// A document of a client or an issuer cannot be used. The message is for the log.
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
    /// The discovery document of an issuer cannot be used.
    #[error("its discovery document {0}")]
    Metadata(MetadataError),
    /// The discovery document is about another issuer.
    #[error(
        "its discovery document is about the issuer {0:?}; set the issuer to exactly that if it is right"
    )]
    OtherIssuer(String),
    /// The metadata document of a client cannot be used.
    #[error("the document {0}")]
    ClientDocument(#[from] ClientDocumentError),
    /// The task that fetched the document ended early.
    #[error("the fetch was aborted")]
    Aborted,
}
