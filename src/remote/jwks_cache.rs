//! Caches JWK Sets by URL: of clients (`jwks_uri`) and of identity providers.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{
    RemoteDocumentError,
    document_cache::{DocumentCache, RemoteDocument},
};
use crate::{
    fetch::{FetchedDocument, SharedFetch},
    keys::PublicKeys,
    model::{Client, TenantId, Timestamp},
};

/// A cache of JWK Sets, by URL.
#[derive(Debug, Default)]
pub struct JwksCache(DocumentCache<PublicKeys>);

impl RemoteDocument for PublicKeys {
    const STALE_TTL: Duration = Duration::from_hours(1);
    const DESCRIPTION: &'static str = "a JWKS";

    fn parse(_: &str, fetched: &FetchedDocument) -> Result<Self, RemoteDocumentError> {
        let keys = serde_json::from_slice::<Value>(&fetched.body).map(|set| Self::parse(&set));
        keys.ok().filter(|keys| !keys.is_empty()).ok_or(RemoteDocumentError::NoUsableKey)
    }
}

impl JwksCache {
    /// The keys of a client.
    pub(crate) async fn of(
        &self,
        fetch: &SharedFetch,
        client: &Client,
        now: Timestamp,
    ) -> Result<Arc<PublicKeys>, RemoteDocumentError> {
        let uri = client.keys.url().ok_or(RemoteDocumentError::NoUrl)?;
        self.0.find(fetch, (&client.tenant, uri), now, false).await
    }

    /// The keys of a client, fetched again unless that was done just now.
    pub(crate) async fn renewed(
        &self,
        fetch: &SharedFetch,
        client: &Client,
        now: Timestamp,
    ) -> Result<Arc<PublicKeys>, RemoteDocumentError> {
        let uri = client.keys.url().ok_or(RemoteDocumentError::NoUrl)?;
        self.0.find(fetch, (&client.tenant, uri), now, true).await
    }

    /// The keys at a URL, for a tenant. `renew`: fetched again unless that was done just now.
    pub(crate) async fn at(
        &self,
        fetch: &SharedFetch,
        of: (&TenantId, &str),
        now: Timestamp,
        renew: bool,
    ) -> Result<Arc<PublicKeys>, RemoteDocumentError> {
        self.0.find(fetch, of, now, renew).await
    }
}

#[cfg(test)]
mod tests;
