//! Caches the metadata documents of clients, by URL (draft-ietf-oauth-client-id-metadata-document §5.2). One that
//! cannot be used is not cached, and neither is an error.

use std::{sync::Arc, time::Duration};

use super::{
    RemoteDocumentError,
    document_cache::{DocumentCache, RemoteDocument},
};
use crate::{
    fetch::{FetchedDocument, SharedFetch},
    model::{TenantId, Timestamp},
    protocol::client_document::{
        ClientDocument, ClientDocumentError, DocumentUrl, MAX_DOCUMENT_LEN,
    },
};

/// Maximum documents in the cache: strangers choose the URLs.
const MAX_ENTRIES: usize = 2_000;
const JSON: &str = "application/json";

/// A cache of client metadata documents, by URL.
#[derive(Debug, Default)]
pub struct ClientDocumentCache(DocumentCache<ClientDocument, MAX_ENTRIES>);

impl RemoteDocument for ClientDocument {
    /// A client whose document is gone has no access any more.
    const STALE_TTL: Duration = Duration::ZERO;
    const MAX_BYTES: usize = MAX_DOCUMENT_LEN;
    const DESCRIPTION: &'static str = "the metadata document of a client";

    fn parse(url: &str, fetched: &FetchedDocument) -> Result<Self, RemoteDocumentError> {
        // Files that users upload to a host are seldom served as JSON (§4), and some without a type.
        let is_json =
            |it: &str| it == JSON || (it.starts_with("application/") && it.ends_with("+json"));
        if fetched.content_type.as_deref().is_none_or(|it| !is_json(it)) {
            return Err(ClientDocumentError::NotJson.into());
        }
        Ok(Self::parse(url, &fetched.body)?)
    }
}

impl ClientDocumentCache {
    /// The document at a URL, if it need not be fetched.
    pub(crate) fn fresh(
        &self,
        fetch: &SharedFetch,
        (tenant, url): (&TenantId, &DocumentUrl),
        now: Timestamp,
    ) -> Option<Arc<ClientDocument>> {
        self.0.fresh(fetch, (tenant, url.as_str()), now)
    }

    /// Whether the URL had a document that could be used, however old it is.
    pub(crate) fn had_document(
        &self,
        fetch: &SharedFetch,
        (tenant, url): (&TenantId, &DocumentUrl),
    ) -> bool {
        self.0.had_document(fetch, (tenant, url.as_str()))
    }

    /// The document at a URL.
    pub(crate) async fn find(
        &self,
        fetch: &SharedFetch,
        (tenant, url): (&TenantId, &DocumentUrl),
        now: Timestamp,
    ) -> Result<Arc<ClientDocument>, RemoteDocumentError> {
        self.0.find(fetch, (tenant, url.as_str()), now, false).await
    }
}
