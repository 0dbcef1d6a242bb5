//! Caches documents by tenant, URL and the rights to fetch it. A URL is fetched by one request at a time and at most
//! four times a minute, so requests cannot amplify traffic. A fresh document is returned without waiting, and a stale
//! one is used while its server does not answer.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    RemoteDocumentError,
    url_cache::{SingleFlight, UrlCache},
};
use crate::{
    fetch::{Fetch, FetchedDocument, SharedFetch},
    model::{TenantId, Timestamp},
};

/// Largest document of a provider or client, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// Maximum number of URLs in a cache.
pub(super) const MAX_ENTRIES: usize = 10_000;
/// Bounds of how long a document is cached, whatever the response's `max-age`.
const TTL_BOUNDS: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(24));
/// How long a document is cached if the response has no `max-age`.
pub(super) const DEFAULT_TTL: Duration = Duration::from_mins(10);
/// Fetches per URL and [`MINUTE`]: more than one, so keys can rotate shortly after their first use.
pub(super) const MAX_FETCHES_PER_MINUTE: usize = 4;
pub(super) const MINUTE: Duration = Duration::from_mins(1);

/// A kind of document that is fetched by URL.
pub(crate) trait RemoteDocument: Send + Sync + Sized + 'static {
    /// How long a document is still used after it is no longer fresh, while its URL cannot be fetched.
    const STALE_TTL: Duration;
    /// Largest document that is read, in bytes.
    const MAX_BYTES: usize = MAX_BYTES;
    /// The name of such documents in the log.
    const DESCRIPTION: &'static str;

    /// Parses the document of a URL.
    fn parse(url: &str, fetched: &FetchedDocument) -> Result<Self, RemoteDocumentError>;
}

/// A cache of documents of a kind, by URL.
#[derive(Debug)]
pub(crate) struct DocumentCache<T, const ENTRIES: usize = MAX_ENTRIES> {
    pub(super) slots: UrlCache<DocumentSlot<T>, ENTRIES>,
}

/// The entry of a URL.
#[derive(Debug)]
pub(super) struct DocumentSlot<T> {
    known: Mutex<FetchedContent<T>>,
    /// Held during a fetch, so that a URL is fetched once at a time.
    gate: SingleFlight,
}

/// The state of a URL.
#[derive(Debug)]
struct FetchedContent<T> {
    document: Option<Arc<T>>,
    fresh_until: Timestamp,
    /// Times of the fetches within the last minute.
    tried: Vec<Timestamp>,
    /// The number of completed fetches, by which a waiting request notices that another one has fetched.
    fetches: u64,
    /// The reason why the last fetch gave no document.
    error: Option<RemoteDocumentError>,
}

impl<T, const ENTRIES: usize> Default for DocumentCache<T, ENTRIES> {
    fn default() -> Self {
        Self { slots: UrlCache::default() }
    }
}

impl<T> Default for DocumentSlot<T> {
    fn default() -> Self {
        Self { known: Mutex::default(), gate: SingleFlight::default() }
    }
}

impl<T> Default for FetchedContent<T> {
    fn default() -> Self {
        Self {
            document: None,
            fresh_until: Timestamp::default(),
            tried: Vec::new(),
            fetches: 0,
            error: None,
        }
    }
}

impl<T: RemoteDocument, const ENTRIES: usize> DocumentCache<T, ENTRIES> {
    /// The document at a URL, if it is fresh.
    pub(crate) fn fresh(
        &self,
        fetch: &SharedFetch,
        (tenant, uri): (&TenantId, &str),
        now: Timestamp,
    ) -> Option<Arc<T>> {
        self.slots.known_slot(&**fetch, (tenant, uri))?.known().fresh(now)
    }

    /// Whether the URL had a document that could be used, however old it is.
    pub(crate) fn had_document(
        &self,
        fetch: &SharedFetch,
        (tenant, uri): (&TenantId, &str),
    ) -> bool {
        let slot = self.slots.known_slot(&**fetch, (tenant, uri));
        slot.is_some_and(|slot| slot.known().document.is_some())
    }

    /// The document at a URL, for a tenant. `renew`: fetched again unless that was done just now.
    pub(crate) async fn find(
        &self,
        fetch: &SharedFetch,
        (tenant, uri): (&TenantId, &str),
        now: Timestamp,
        renew: bool,
    ) -> Result<Arc<T>, RemoteDocumentError> {
        let slot = self.slots.slot(&**fetch, (tenant, uri));
        let seen = {
            let known = slot.known();
            match known.fresh(now) {
                Some(document) if !renew => return Ok(document),
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

impl<T: RemoteDocument> DocumentSlot<T> {
    fn known(&self) -> MutexGuard<'_, FetchedContent<T>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn renew(&self, fetch: &dyn Fetch, uri: &str, now: Timestamp) {
        let fetched = fetch.get(uri, T::MAX_BYTES).await;
        let parsed = fetched.map_err(RemoteDocumentError::from).and_then(|fetched| {
            let document = T::parse(uri, &fetched)?;
            Ok((document, fetched.max_age.unwrap_or(DEFAULT_TTL)))
        });
        let mut known = self.known();
        known.fetches += 1;
        match parsed {
            Ok((document, max_age)) => {
                known.document = Some(Arc::new(document));
                known.fresh_until = now.plus(max_age.clamp(TTL_BOUNDS.0, TTL_BOUNDS.1));
                known.error = None;
            }
            Err(error) => {
                tracing::info!(%error, document = T::DESCRIPTION, "could not fetch document");
                known.error = Some(error);
            }
        }
    }
}

impl<T: RemoteDocument> FetchedContent<T> {
    fn fresh(&self, now: Timestamp) -> Option<Arc<T>> {
        self.document.clone().filter(|_| now < self.fresh_until)
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

    fn usable(&self, now: Timestamp) -> Result<Arc<T>, RemoteDocumentError> {
        let usable = now < self.fresh_until.plus(T::STALE_TTL);
        let error = || self.error.clone().unwrap_or(RemoteDocumentError::Aborted);
        self.document.clone().filter(|_| usable).ok_or_else(error)
    }
}
