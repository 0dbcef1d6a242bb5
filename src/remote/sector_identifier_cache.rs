//! Caches the sector identifier documents of clients from manifests, which are not checked at
//! registration. They are fetched at a sign-in and still used for a while when their server fails.
//! A URL is fetched by one request at a time, and not again soon after a failure.

use std::time::Duration;

use bytes::Bytes;

use super::url_cache::UrlCache;
use crate::{
    fetch::{Fetch, FetchError},
    model::{Client, Timestamp},
    protocol::{
        error::{ErrorCode, OAuthError},
        registration::check_sector_document,
        subject::sector_document,
    },
};

/// Largest document that is read, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// Maximum URLs in the cache: documents of at most 16 MiB.
const MAX_ENTRIES: usize = 256;
/// Time after which a document is fetched again.
const TTL: Duration = Duration::from_hours(1);
/// How long a document is still used while its URL cannot be fetched.
const STALE_TTL: Duration = Duration::from_hours(24);
/// Minimum time between two fetches of a URL.
const REFETCH_INTERVAL: Duration = Duration::from_secs(30);

/// A cache of sector identifier documents by URL.
#[derive(Debug, Default)]
pub struct SectorIdentifierCache {
    slots: UrlCache<SectorSlot, MAX_ENTRIES>,
}

/// The entry of a URL, locked during a fetch.
#[derive(Debug, Default)]
struct SectorSlot {
    known: tokio::sync::Mutex<FetchedSector>,
}

#[derive(Debug, Default)]
struct FetchedSector {
    /// The document, and the time of its fetch.
    document: Option<(Bytes, Timestamp)>,
    tried_at: Option<Timestamp>,
    /// The error of the last fetch that failed.
    error: Option<FetchError>,
}

impl SectorIdentifierCache {
    /// Rule: the sector identifier document of a client contains all its redirect URIs. Otherwise a
    /// client could learn the pairwise subjects of another sector (OIDC Core §8.1, OIDC
    /// Registration §5).
    pub(crate) async fn verify_redirect_uris(
        &self,
        fetch: &dyn Fetch,
        client: &Client,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        let Some(uri) = sector_document(client) else { return Ok(()) };
        let slot = self.slots.slot(fetch, (&client.tenant, uri));
        let mut known = slot.known.lock().await;
        let rested = known.tried_at.is_none_or(|tried| now >= tried.plus(REFETCH_INTERVAL));
        let checked = known.check_document(client, TTL, now);
        if checked.is_ok() || !rested {
            return known.check_document(client, STALE_TTL, now);
        }
        known.renew(fetch, uri, now).await;
        known.check_document(client, STALE_TTL, now)
    }
}

impl FetchedSector {
    async fn renew(&mut self, fetch: &dyn Fetch, uri: &str, now: Timestamp) {
        self.tried_at = Some(now);
        match fetch.get(uri, MAX_BYTES).await {
            Ok(fetched) => self.document = Some((fetched.body, now)),
            Err(error) => {
                tracing::info!(%error, "could not fetch a client's sector identifier document");
                self.error = Some(error);
            }
        }
    }

    fn check_document(
        &self,
        client: &Client,
        age: Duration,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        match &self.document {
            Some((document, came_at)) if now < came_at.plus(age) => {
                check_sector_document(document, &client.redirect_uris).map_err(|error| {
                    let text = format!("The client is misconfigured: {}", error.public);
                    OAuthError::new(ErrorCode::UnauthorizedClient, text)
                })
            }
            _ => {
                let text =
                    "The document at the client's sector_identifier_uri could not be fetched.";
                let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, text);
                let cause = self.error.as_ref().map(FetchError::to_string);
                Err(error.because(cause.unwrap_or_default()))
            }
        }
    }
}

#[cfg(test)]
mod tests;
