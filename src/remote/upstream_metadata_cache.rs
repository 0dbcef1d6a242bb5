//! Caches the discovery documents of identity providers, by issuer.

use std::{sync::Arc, time::Duration};

use super::{
    RemoteDocumentError,
    document_cache::{DocumentCache, RemoteDocument},
};
use crate::{
    fetch::{FetchedDocument, SharedFetch},
    model::{TenantId, Timestamp},
    protocol::upstream::UpstreamMetadata,
};

/// A cache of discovery documents, by issuer.
#[derive(Debug, Default)]
pub struct UpstreamMetadataCache(DocumentCache<UpstreamMetadata>);

impl RemoteDocument for UpstreamMetadata {
    const STALE_TTL: Duration = Duration::from_hours(24);
    const DESCRIPTION: &'static str = "the discovery document of an identity provider";

    fn parse(_: &str, fetched: &FetchedDocument) -> Result<Self, RemoteDocumentError> {
        Self::parse(&fetched.body).map_err(RemoteDocumentError::Metadata)
    }
}

impl UpstreamMetadataCache {
    /// The metadata of an issuer (OIDC Discovery §4). `base`: the URL below which they are, which differs
    /// from the issuer where that is a template.
    ///
    /// # Errors
    ///
    /// [`RemoteDocumentError::OtherIssuer`] if the document is about another issuer.
    pub(crate) async fn of(
        &self,
        fetch: &SharedFetch,
        (tenant, base, issuer): (&TenantId, &str, &str),
        now: Timestamp,
    ) -> Result<Arc<UpstreamMetadata>, RemoteDocumentError> {
        let url = UpstreamMetadata::url_of(base);
        let found = self.0.find(fetch, (tenant, &url), now, false).await?;
        if found.issuer != issuer {
            return Err(RemoteDocumentError::OtherIssuer(found.issuer.clone()));
        }
        Ok(found)
    }
}
