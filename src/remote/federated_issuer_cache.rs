//! Caches the keys of the issuers whose identities authenticate clients, by issuer.

use std::{sync::Arc, time::Duration};

use super::{
    JwksCache, RemoteDocumentError,
    document_cache::{DocumentCache, RemoteDocument},
};
use crate::{
    fetch::{FetchedDocument, SharedFetch},
    keys::PublicKeys,
    model::{TenantId, Timestamp},
    protocol::{client_auth::FederatedIssuerMetadata, upstream::UpstreamMetadata},
};

/// A cache of discovery documents, and of the JWK Sets that they name.
#[derive(Debug, Default)]
pub struct FederatedIssuerCache {
    metadata: DocumentCache<FederatedIssuerMetadata>,
    jwks: JwksCache,
}

impl RemoteDocument for FederatedIssuerMetadata {
    const STALE_TTL: Duration = Duration::from_hours(24);
    const DESCRIPTION: &'static str = "the discovery document of a federated issuer";

    fn parse(_: &str, fetched: &FetchedDocument) -> Result<Self, RemoteDocumentError> {
        Self::parse(&fetched.body).map_err(RemoteDocumentError::Metadata)
    }
}

impl FederatedIssuerCache {
    /// The keys of an issuer. `renew`: fetched again unless that was done just now.
    ///
    /// # Errors
    ///
    /// [`RemoteDocumentError`] if discovery document or keys cannot be fetched, or the document is about
    /// another issuer.
    pub(crate) async fn keys(
        &self,
        fetch: &SharedFetch,
        (tenant, issuer): (&TenantId, &str),
        now: Timestamp,
        renew: bool,
    ) -> Result<Arc<PublicKeys>, RemoteDocumentError> {
        let url = UpstreamMetadata::url_of(issuer);
        let found = self.metadata.find(fetch, (tenant, &url), now, false).await?;
        if found.issuer != issuer {
            return Err(RemoteDocumentError::OtherIssuer(found.issuer.clone()));
        }
        self.jwks.at(fetch, (tenant, &found.jwks_uri), now, renew).await
    }
}
