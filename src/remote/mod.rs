//! Documents that clients publish, fetched by URL and cached: JWK Sets, request objects, and
//! sector identifier documents.
//!
//! Must not: know inbound HTTP requests. Each cache is bounded, and fetches a URL once at a time.

mod error;
mod jwks_cache;
mod request_object_cache;
mod sector_identifier_cache;
mod url_cache;

pub use error::RemoteDocumentError;
pub use jwks_cache::JwksCache;
pub use request_object_cache::RequestObjectCache;
pub use sector_identifier_cache::SectorIdentifierCache;
