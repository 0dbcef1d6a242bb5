//! Caches clients' request objects. Any party can cause a fetch, so a URL is fetched by one request
//! at a time, and at most once per second.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;

use super::{
    RemoteDocumentError,
    url_cache::{SingleFlight, UrlCache},
};
use crate::{
    fetch::SharedFetch,
    model::{TenantId, Timestamp},
    protocol::authorize::request_object,
};

/// Maximum URLs in the cache: documents of at most 8 MiB.
const MAX_ENTRIES: usize = 256;
/// Longest time that a document is cached.
const MAX_TTL: Duration = Duration::from_mins(10);
/// Time for which the result of a fetch, good or bad, is reused regardless of its fragment.
const REFETCH_INTERVAL: Duration = Duration::from_secs(1);

/// A small cache of request objects by URL.
#[derive(Debug, Default)]
pub struct RequestObjectCache {
    slots: UrlCache<RequestObjectSlot, MAX_ENTRIES>,
}

/// The entry of a URL without its fragment.
#[derive(Debug, Default)]
struct RequestObjectSlot {
    last: Mutex<Option<FetchedRequestObject>>,
    /// Held during a fetch, so that a URL is fetched once at a time.
    gate: SingleFlight,
}

/// The result of the last fetch.
#[derive(Clone, Debug)]
struct FetchedRequestObject {
    /// The document, or the error.
    content: Result<Bytes, RemoteDocumentError>,
    /// The URL with its fragment: a different fragment means that the document has changed (OIDC
    /// Core §6.2).
    uri: String,
    fetched_at: Timestamp,
    fresh_until: Timestamp,
}

impl RequestObjectCache {
    /// Returns a document of at most `limit` bytes.
    pub(crate) async fn get(
        &self,
        fetch: &SharedFetch,
        (tenant, uri): (&TenantId, &str),
        limit: usize,
        now: Timestamp,
    ) -> Result<Bytes, RemoteDocumentError> {
        let bare = uri.split('#').next().unwrap_or_default();
        let slot = self.slots.slot(&**fetch, (tenant, bare));
        if let Some(known) = slot.known(uri, now) {
            return known;
        }
        let pass = slot.gate.acquire().await;
        // Another request's fetch may have completed in the meantime.
        if let Some(known) = slot.known(uri, now) {
            return known;
        }
        let (fetching, fetch, uri) = (Arc::clone(&slot), Arc::clone(fetch), uri.to_owned());
        let fetching = async move {
            let fetched = fetch.get(&uri, limit).await;
            let ttl =
                fetched.as_ref().map_or(Duration::ZERO, |it| ttl_of(&uri, &it.body, it.max_age));
            let content = fetched.map(|it| it.body).map_err(RemoteDocumentError::from);
            let fresh_until = now.plus(ttl.min(MAX_TTL));
            let answer = FetchedRequestObject {
                content: content.clone(),
                uri,
                fetched_at: now,
                fresh_until,
            };
            *fetching.last() = Some(answer);
            content
        };
        pass.run(fetching).await.unwrap_or_else(|_| Err(RemoteDocumentError::Aborted))
    }
}

/// How long a document may be cached: its `max-age`. A document whose URL contains its hash is
/// cached without expiry, because a changed document would have another URL (OIDC Core §6.2).
fn ttl_of(uri: &str, content: &[u8], max_age: Option<Duration>) -> Duration {
    if request_object::fragment_matches(uri, content) {
        return MAX_TTL;
    }
    max_age.unwrap_or_default()
}

impl RequestObjectSlot {
    fn last(&self) -> MutexGuard<'_, Option<FetchedRequestObject>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cached result, if it is fresh enough for this URL.
    fn known(&self, uri: &str, now: Timestamp) -> Option<Result<Bytes, RemoteDocumentError>> {
        let last = self.last();
        let answer = last.as_ref()?;
        let same = answer.uri == uri
            || answer.content.as_ref().is_ok_and(|it| request_object::fragment_matches(uri, it));
        let will_do =
            now < answer.fetched_at.plus(REFETCH_INTERVAL) || (same && now < answer.fresh_until);
        will_do.then(|| answer.content.clone())
    }
}

#[cfg(test)]
mod tests;
