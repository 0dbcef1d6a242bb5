//! Documents of clients that are fetched again and again: request objects. Anybody can have one
//! fetched, so an address is asked once at a time, and not twice within a second.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;

use super::url_cache::{SingleFlight, UrlCache};
use crate::{fetch::SharedFetch, model::Timestamp, protocol::authorize::request_object};

/// Addresses that are remembered: documents of 8 MiB at most.
const MAX_ENTRIES: usize = 256;
/// The longest that a document is kept.
const MAX_TTL: Duration = Duration::from_mins(10);
/// For how long what came, or did not, is the answer whatever is asked for.
const REFETCH_INTERVAL: Duration = Duration::from_secs(1);

/// A small cache.
#[derive(Debug, Default)]
pub struct RequestObjectCache {
    slots: UrlCache<Slot, MAX_ENTRIES>,
}

/// An address, without a fragment.
#[derive(Debug, Default)]
struct Slot {
    last: Mutex<Option<Answer>>,
    /// Held while it is fetched.
    gate: SingleFlight,
}

/// What came of the last fetch.
#[derive(Clone, Debug)]
struct Answer {
    /// The document, or why there is none.
    content: Result<Bytes, String>,
    /// What it was fetched as: another fragment says that it has changed (OIDC Core §6.2).
    uri: String,
    fetched_at: Timestamp,
    fresh_until: Timestamp,
}

impl RequestObjectCache {
    /// A document of at most `limit` bytes. What is wrong is for the log.
    pub(crate) async fn get(
        &self,
        fetch: &SharedFetch,
        uri: &str,
        limit: usize,
        now: Timestamp,
    ) -> Result<Bytes, String> {
        let bare = uri.split('#').next().unwrap_or_default();
        let slot = self.slots.slot(bare);
        if let Some(known) = slot.known(uri, now) {
            return known;
        }
        let pass = slot.gate.pass().await;
        // Somebody else's fetch may have ended meanwhile.
        if let Some(known) = slot.known(uri, now) {
            return known;
        }
        let (fetching, fetch, uri) = (Arc::clone(&slot), Arc::clone(fetch), uri.to_owned());
        let fetching = async move {
            let fetched = fetch.get(&uri, limit).await;
            let kept =
                fetched.as_ref().map_or(Duration::ZERO, |it| kept_for(&uri, &it.body, it.max_age));
            let content = fetched.map(|it| it.body).map_err(|error| error.to_string());
            let fresh_until = now.plus(kept.min(MAX_TTL));
            let answer = Answer { content: content.clone(), uri, fetched_at: now, fresh_until };
            *fetching.last() = Some(answer);
            content
        };
        pass.run(fetching).await.unwrap_or_else(|_| Err("the fetch was cut off".to_owned()))
    }
}

/// For how long a document may be kept: as it says, and one that its address names by its hash for
/// as long as there is a place, since another would have another address (OIDC Core §6.2).
fn kept_for(uri: &str, content: &[u8], max_age: Option<Duration>) -> Duration {
    if request_object::fragment_matches(uri, content) {
        return MAX_TTL;
    }
    max_age.unwrap_or_default()
}

impl Slot {
    fn last(&self) -> MutexGuard<'_, Option<Answer>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known already and will do.
    fn known(&self, uri: &str, now: Timestamp) -> Option<Result<Bytes, String>> {
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
