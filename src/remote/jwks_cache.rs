//! Caches each client's `jwks_uri`. Fetches are single-flight and rate-limited per URL, so unknown
//! `kid`s cannot be used to amplify traffic. A fresh entry is returned without waiting.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;

use super::{
    RemoteDocumentError,
    url_cache::{SingleFlight, UrlCache},
};
use crate::{
    fetch::{Fetch, SharedFetch},
    keys::PublicKeys,
    model::{Client, Timestamp},
};

/// Largest JWKS document, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// Maximum number of URLs in the cache.
const MAX_ENTRIES: usize = 10_000;
/// Bounds of how long keys are cached, whatever the response's `max-age`.
const TTL_BOUNDS: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(24));
/// How long keys are cached if the response has no `max-age`.
const DEFAULT_TTL: Duration = Duration::from_mins(10);
/// How long cached keys are still used while the URL cannot be fetched.
const STALE_TTL: Duration = Duration::from_hours(1);
/// Fetches per URL and [`MINUTE`]: more than one, so a client can rotate its keys shortly after its
/// first use.
const MAX_FETCHES_PER_MINUTE: usize = 4;
const MINUTE: Duration = Duration::from_mins(1);

/// A cache of clients' JWKS documents, by URL.
#[derive(Debug, Default)]
pub struct JwksCache {
    slots: UrlCache<Slot, MAX_ENTRIES>,
}

/// The entry of a URL.
#[derive(Debug, Default)]
struct Slot {
    known: Mutex<Known>,
    /// Held during a fetch.
    gate: SingleFlight,
}

/// The state of a URL.
#[derive(Debug, Default)]
struct Known {
    keys: Option<Arc<PublicKeys>>,
    fresh_until: Timestamp,
    /// Times of the last minute's fetches.
    tried: Vec<Timestamp>,
    /// Number of completed fetches.
    fetches: u64,
    /// The reason why the last fetch gave no keys.
    error: Option<RemoteDocumentError>,
}

impl JwksCache {
    /// The keys of a client.
    pub(crate) async fn of(
        &self,
        fetch: &SharedFetch,
        client: &Client,
        now: Timestamp,
    ) -> Result<Arc<PublicKeys>, RemoteDocumentError> {
        self.find(fetch, client, now, false).await
    }

    /// The keys of a client, fetched again unless that was done just now.
    pub(crate) async fn renewed(
        &self,
        fetch: &SharedFetch,
        client: &Client,
        now: Timestamp,
    ) -> Result<Arc<PublicKeys>, RemoteDocumentError> {
        self.find(fetch, client, now, true).await
    }

    async fn find(
        &self,
        fetch: &SharedFetch,
        client: &Client,
        now: Timestamp,
        renew: bool,
    ) -> Result<Arc<PublicKeys>, RemoteDocumentError> {
        let uri = client.keys.url().ok_or(RemoteDocumentError::NoUrl)?;
        let slot = self.slots.slot(&client.tenant, uri);
        let seen = {
            let known = slot.known();
            match known.fresh(now) {
                Some(keys) if !renew => return Ok(keys),
                _ => known.fetches,
            }
        };
        let pass = slot.gate.acquire().await;
        if slot.known().begin(seen, renew, now) {
            let (slot, fetch, uri) = (Arc::clone(&slot), Arc::clone(fetch), uri.to_owned());
            let _ = pass.run(async move { slot.renew(&*fetch, &uri, now).await }).await;
        }
        slot.known().usable(now)
    }
}

impl Slot {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn renew(&self, fetch: &dyn Fetch, uri: &str, now: Timestamp) {
        let fetched = fetch.get(uri, MAX_BYTES).await;
        let mut known = self.known();
        known.fetches += 1;
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(error) => {
                tracing::info!(%error, "could not fetch a client's JWKS");
                known.error = Some(error.into());
                return;
            }
        };
        let keys = serde_json::from_slice::<Value>(&fetched.body)
            .map(|set| PublicKeys::parse(&set))
            .unwrap_or_default();
        if keys.is_empty() {
            known.error = Some(RemoteDocumentError::NoUsableKey);
            return;
        }
        let ttl = fetched.max_age.unwrap_or(DEFAULT_TTL).clamp(TTL_BOUNDS.0, TTL_BOUNDS.1);
        known.keys = Some(Arc::new(keys));
        known.fresh_until = now.plus(ttl);
    }
}

impl Known {
    fn fresh(&self, now: Timestamp) -> Option<Arc<PublicKeys>> {
        self.keys.clone().filter(|_| now < self.fresh_until)
    }

    /// Decides whether to fetch, and counts the fetch. Returns `false` if a fetch has completed
    /// since `seen` were counted.
    fn begin(&mut self, seen: u64, renew: bool, now: Timestamp) -> bool {
        self.tried.retain(|tried| now < tried.plus(MINUTE));
        let wanted = self.fetches == seen && (renew || self.fresh(now).is_none());
        let begins = wanted && self.tried.len() < MAX_FETCHES_PER_MINUTE;
        if begins {
            self.tried.push(now);
        }
        begins
    }

    fn usable(&self, now: Timestamp) -> Result<Arc<PublicKeys>, RemoteDocumentError> {
        let usable = now < self.fresh_until.plus(STALE_TTL);
        let error = || self.error.clone().unwrap_or(RemoteDocumentError::Aborted);
        self.keys.clone().filter(|_| usable).ok_or_else(error)
    }
}

#[cfg(test)]
mod tests;
