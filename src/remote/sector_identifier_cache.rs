//! Sector documents of clients that were not checked when they registered: those of manifests.
//! They are fetched when somebody signs in, kept, and still used for a while when their server is
//! away. One fetch at a time for an address, and none soon after one that failed.

use std::time::Duration;

use bytes::Bytes;

use super::url_cache::UrlCache;
use crate::{
    fetch::Fetch,
    model::{Client, Timestamp},
    protocol::{
        error::{ErrorCode, OAuthError},
        registration::check_sector,
        subject::sector_document,
    },
};

/// Largest document.
const MAX_BYTES: usize = 64 * 1024;
/// Addresses that are remembered: 16 MiB at most.
const MAX_ENTRIES: usize = 256;
/// How long a document is taken as it is.
const TTL: Duration = Duration::from_hours(1);
/// How long it is still used when its address does not answer.
const STALE_TTL: Duration = Duration::from_hours(24);
/// The least time between two fetches of an address.
const REFETCH_INTERVAL: Duration = Duration::from_secs(30);

/// The documents.
#[derive(Debug, Default)]
pub struct SectorIdentifierCache {
    slots: UrlCache<Slot, MAX_ENTRIES>,
}

/// What is known of an address; the lock is held while it is fetched.
#[derive(Debug, Default)]
struct Slot {
    known: tokio::sync::Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The document, and when it came.
    document: Option<(Bytes, Timestamp)>,
    tried_at: Option<Timestamp>,
    why: String,
}

impl SectorIdentifierCache {
    /// Rule: the sector that a client claims knows all its redirect URIs, or it could learn the
    /// subjects of another's people (OIDC Core §8.1, OIDC Registration §5).
    pub(crate) async fn check(
        &self,
        fetch: &dyn Fetch,
        client: &Client,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        let Some(uri) = sector_document(client) else { return Ok(()) };
        let slot = self.slots.slot(uri);
        let mut known = slot.known.lock().await;
        let rested = known.tried_at.is_none_or(|tried| now >= tried.plus(REFETCH_INTERVAL));
        let judged = known.judge(client, TTL, now);
        if judged.is_ok() || !rested {
            return known.judge(client, STALE_TTL, now);
        }
        known.renew(fetch, uri, now).await;
        known.judge(client, STALE_TTL, now)
    }
}

impl Known {
    async fn renew(&mut self, fetch: &dyn Fetch, uri: &str, now: Timestamp) {
        self.tried_at = Some(now);
        match fetch.get(uri, MAX_BYTES).await {
            Ok(fetched) => self.document = Some((fetched.body, now)),
            Err(error) => {
                tracing::info!(%error, "the sector document of a client cannot be fetched");
                self.why = error.to_string();
            }
        }
    }

    fn judge(&self, client: &Client, age: Duration, now: Timestamp) -> Result<(), OAuthError> {
        match &self.document {
            Some((document, came_at)) if now < came_at.plus(age) => {
                check_sector(document, &client.redirect_uris).map_err(|error| {
                    let text = format!("The client is not set up right: {}", error.public);
                    OAuthError::new(ErrorCode::UnauthorizedClient, text)
                })
            }
            _ => {
                let text = "The document at the client's sector_identifier_uri cannot be fetched.";
                let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, text);
                Err(error.because(self.why.as_str()))
            }
        }
    }
}

#[cfg(test)]
mod tests;
