//! Public keys of clients: by value, or fetched from `jwks_uri` and kept for a while. One fetch at
//! a time for an address; a key that is not known fetches again, but not more than twice a minute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;

use crate::{
    fetch::Fetch,
    keys::PublicKeys,
    model::{Client, Timestamp},
};

/// Largest document.
const LARGEST: usize = 64 * 1024;
/// Addresses that are remembered.
const MOST: usize = 10_000;
/// How long keys are kept, whatever the answer says.
const KEPT: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(24));
/// How long they are kept if the answer says nothing.
const KEPT_BY_DEFAULT: Duration = Duration::from_mins(10);
/// How long they are still used when the address does not answer.
const STALE: Duration = Duration::from_hours(1);
/// The least time between two fetches of an address.
const PAUSE: Duration = Duration::from_secs(30);

/// The cache.
#[derive(Debug, Default)]
pub struct ClientKeys {
    by_uri: Mutex<HashMap<String, Arc<Slot>>>,
}

/// What is known of an address; the lock is held while it is fetched.
#[derive(Debug, Default)]
struct Slot {
    known: tokio::sync::Mutex<Known>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    keys: Option<Arc<PublicKeys>>,
    fresh_until: Timestamp,
    tried_at: Option<Timestamp>,
    why: String,
}

impl ClientKeys {
    /// The keys of a client. What is wrong is for the log.
    pub(super) async fn of(
        &self,
        fetch: &dyn Fetch,
        client: &Client,
        now: Timestamp,
    ) -> Result<Arc<PublicKeys>, String> {
        self.find(fetch, client, now, false).await
    }

    /// The same, fetched anew unless that was done just now.
    pub(super) async fn renewed(
        &self,
        fetch: &dyn Fetch,
        client: &Client,
        now: Timestamp,
    ) -> Result<Arc<PublicKeys>, String> {
        self.find(fetch, client, now, true).await
    }

    async fn find(
        &self,
        fetch: &dyn Fetch,
        client: &Client,
        now: Timestamp,
        renew: bool,
    ) -> Result<Arc<PublicKeys>, String> {
        if let Some(set) = &client.jwks {
            return Ok(Arc::new(PublicKeys::parse(set)));
        }
        let uri = client.jwks_uri.as_deref().ok_or("the client has no keys")?;
        let slot = self.slot(uri);
        let mut known = slot.known.lock().await;
        let rested = known.tried_at.is_none_or(|tried| now >= tried.plus(PAUSE));
        let fresh = known.keys.is_some() && now < known.fresh_until;
        if (!fresh || renew) && rested {
            known.renew(fetch, uri, now).await;
        }
        let usable = now < known.fresh_until.plus(STALE);
        known.keys.clone().filter(|_| usable).ok_or_else(|| known.why.clone())
    }

    fn slot(&self, uri: &str) -> Arc<Slot> {
        let mut slots = self.by_uri.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(uri) {
            return Arc::clone(slot);
        }
        if slots.len() >= MOST {
            // Those in use stay. Forgetting one costs a fetch.
            let mut spared = MOST / 2;
            slots.retain(|_, slot| {
                spared = spared.saturating_sub(1);
                spared > 0 || Arc::strong_count(slot) > 1
            });
        }
        Arc::clone(slots.entry(uri.to_owned()).or_default())
    }
}

impl Known {
    async fn renew(&mut self, fetch: &dyn Fetch, uri: &str, now: Timestamp) {
        self.tried_at = Some(now);
        let fetched = match fetch.get(uri, LARGEST).await {
            Ok(fetched) => fetched,
            Err(error) => {
                tracing::info!(%error, "the keys of a client cannot be fetched");
                self.why = error.to_string();
                return;
            }
        };
        let keys = serde_json::from_slice::<Value>(&fetched.body)
            .map(|set| PublicKeys::parse(&set))
            .unwrap_or_default();
        if keys.is_empty() {
            "its jwks_uri holds no usable key".clone_into(&mut self.why);
            return;
        }
        let kept = fetched.max_age.unwrap_or(KEPT_BY_DEFAULT).clamp(KEPT.0, KEPT.1);
        self.keys = Some(Arc::new(keys));
        self.fresh_until = now.plus(kept);
    }
}

#[cfg(test)]
mod tests;
