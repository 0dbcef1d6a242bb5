//! Documents of clients, of identity providers and of the issuers of federated credentials, fetched by URL and
//! cached. They are JWK Sets, metadata documents of clients, request objects, sector identifier documents, and
//! discovery documents. The keys of the cluster's ServiceAccount tokens are cached here too.
//!
//! Must not: know inbound HTTP requests. Each cache is bounded, and fetches a URL once at a time.

mod client_document_cache;
mod cluster_token_cache;
mod document_cache;
mod error;
mod federated_issuer_cache;
mod jwks_cache;
mod request_object_cache;
mod sector_identifier_cache;
mod upstream_metadata_cache;
mod url_cache;

pub use client_document_cache::ClientDocumentCache;
pub use cluster_token_cache::{ClusterKeys, ClusterTokenCache};
pub use document_cache::MAX_BYTES as MAX_DOCUMENT_BYTES;
pub use error::RemoteDocumentError;
pub use federated_issuer_cache::FederatedIssuerCache;
pub use jwks_cache::JwksCache;
pub use request_object_cache::RequestObjectCache;
pub use sector_identifier_cache::SectorIdentifierCache;
pub use upstream_metadata_cache::UpstreamMetadataCache;
