//! Caches the keys that sign ServiceAccount tokens of the cluster, and reviews of such tokens. The API
//! server is asked once at a time and at most once in 30 seconds, regardless of the keys that requests name.
//! Its last answer is used for as long as it says, and no longer.

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::Value;

use super::url_cache::SingleFlight;
use crate::{
    keys::PublicKeys,
    model::{
        BoundedCache, ClusterTokenError, ClusterTokenProbe, ClusterTokenState, Secret, Sha256,
        SharedClusterTokens, Timestamp, sha256,
    },
    protocol::jwt::UnverifiedJwt,
};

/// Least time between two fetches.
const FETCH_INTERVAL: Duration = Duration::from_secs(30);
/// Bounds of how long an answer is used, whatever its `max-age`.
const TTL_BOUNDS: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(24));
/// How long an answer without `max-age` is used.
const DEFAULT_TTL: Duration = Duration::from_hours(1);
/// How long the result of a review is used.
const REVIEW_TTL: Duration = Duration::from_secs(10);
/// Maximum number of reviews that are remembered, of about 50 bytes each.
const MAX_REVIEWS: usize = 8192;

/// The issuer of the cluster and its keys.
#[derive(Clone, Debug)]
pub struct ClusterKeys {
    /// `iss` of the cluster's ServiceAccount tokens.
    pub issuer: Arc<str>,
    /// The public keys that verify them.
    pub keys: Arc<PublicKeys>,
}

/// A cache of the API server's keys and reviews.
#[derive(Debug)]
pub struct ClusterTokenCache {
    /// The API server to ask; unset outside a cluster.
    source: OnceLock<SharedClusterTokens>,
    known: Arc<Mutex<ServiceAccountKeys>>,
    gate: SingleFlight,
    /// The result of each review and the time until which it is used, by the hash of token and audience.
    reviews: Mutex<Reviews>,
}

type Reviews = BoundedCache<[u8; 32], (bool, Timestamp)>;

#[derive(Debug, Default)]
struct ServiceAccountKeys {
    /// It is kept after `valid_until`, because the issuer still identifies the tokens of the cluster.
    answer: Option<ClusterKeys>,
    /// `iss` of Lanyard's own token, if the API server did not answer.
    own_issuer: Option<Arc<str>>,
    /// SHA-256 of the key set.
    digest: [u8; 32],
    renew_at: Timestamp,
    valid_until: Timestamp,
    tried_at: Option<Timestamp>,
    error: Option<ClusterTokenError>,
}

impl Default for ClusterTokenCache {
    fn default() -> Self {
        Self {
            source: OnceLock::new(),
            known: Arc::default(),
            gate: SingleFlight::default(),
            reviews: Mutex::new(BoundedCache::new(MAX_REVIEWS)),
        }
    }
}

impl ClusterTokenCache {
    /// Sets the API server to ask; a second one is ignored.
    pub fn set_source(&self, source: SharedClusterTokens) {
        let _ = self.source.set(source);
    }

    /// The keys of the cluster. `renew`: fetched again unless that was done just now.
    ///
    /// # Errors
    ///
    /// [`ClusterTokenError`] if there is no cluster, or no answer that is still valid.
    pub(crate) async fn keys(
        &self,
        now: Timestamp,
        renew: bool,
    ) -> Result<ClusterKeys, ClusterTokenError> {
        let valid = locked(&self.known).valid(now);
        let Some(keys) = valid.filter(|_| !renew) else {
            self.fetch(now, renew).await?;
            return locked(&self.known).usable(now);
        };
        // No request waits for an answer that only replaces a valid one.
        if locked(&self.known).needs_renewal(now) {
            let source = self.source()?;
            if locked(&self.known).begin(now) {
                let known = Arc::clone(&self.known);
                tokio::spawn(async move { renew_known(&known, &source, now).await });
            }
        }
        Ok(keys)
    }

    /// Returns true if there is a cluster, even if its issuer is unknown.
    pub(crate) fn has_cluster(&self) -> bool {
        self.source.get().is_some()
    }

    /// The issuer of the cluster's tokens, also while its keys are too old; `None` until it is known. Until the
    /// API server has answered, it is the issuer of Lanyard's own token.
    pub(crate) async fn issuer(&self, now: Timestamp) -> Option<Arc<str>> {
        self.source.get()?;
        if locked(&self.known).answer.is_none() {
            let _ = self.fetch(now, false).await;
        }
        locked(&self.known).issuer()
    }

    /// Whether the API server finds a token valid for an audience.
    ///
    /// # Errors
    ///
    /// [`ClusterTokenError`] if it does not answer.
    pub(crate) async fn review(
        &self,
        token: &Secret<String>,
        audience: &str,
        now: Timestamp,
    ) -> Result<bool, ClusterTokenError> {
        let key = Sha256::default().with(token.expose().as_bytes()).with([0]);
        let key = key.with(audience.as_bytes()).finish();
        let known = locked(&self.reviews).get(&key).copied();
        if let Some((is_valid, _)) = known.filter(|(_, until)| now < *until) {
            return Ok(is_valid);
        }
        let is_valid = self.source()?.review(token, audience).await?;
        locked(&self.reviews).put(key, (is_valid, now.plus(REVIEW_TTL)));
        Ok(is_valid)
    }

    fn source(&self) -> Result<SharedClusterTokens, ClusterTokenError> {
        self.source.get().cloned().ok_or(ClusterTokenError::NoCluster)
    }

    /// Fetches the keys, unless that was done just now or another request's fetch has brought some.
    async fn fetch(&self, now: Timestamp, renew: bool) -> Result<(), ClusterTokenError> {
        let source = self.source()?;
        let pass = self.gate.acquire().await;
        let wanted = {
            let mut known = locked(&self.known);
            (renew || known.valid(now).is_none()) && known.begin(now)
        };
        if wanted {
            let known = Arc::clone(&self.known);
            let _ = pass.run(async move { renew_known(&known, &source, now).await }).await;
        }
        Ok(())
    }
}

#[async_trait]
impl ClusterTokenProbe for ClusterTokenCache {
    async fn state(&self, now: Timestamp) -> ClusterTokenState {
        let keys = self.keys(now, false).await;
        let issuer = locked(&self.known).issuer();
        ClusterTokenState { issuer, error: keys.err() }
    }
}

impl ServiceAccountKeys {
    fn issuer(&self) -> Option<Arc<str>> {
        let answered = self.answer.as_ref().map(|it| Arc::clone(&it.issuer));
        answered.or_else(|| self.own_issuer.clone())
    }

    fn valid(&self, now: Timestamp) -> Option<ClusterKeys> {
        self.answer.clone().filter(|_| now < self.valid_until)
    }

    fn needs_renewal(&self, now: Timestamp) -> bool {
        now >= self.renew_at
    }

    fn usable(&self, now: Timestamp) -> Result<ClusterKeys, ClusterTokenError> {
        let none = || ClusterTokenError::Unavailable("it was not asked yet".to_owned());
        self.valid(now).ok_or_else(|| self.error.clone().unwrap_or_else(none))
    }

    /// Decides whether to fetch, and counts the fetch.
    fn begin(&mut self, now: Timestamp) -> bool {
        let rested = self.tried_at.is_none_or(|tried| now >= tried.plus(FETCH_INTERVAL));
        if rested {
            self.tried_at = Some(now);
        }
        rested
    }
}

async fn renew_known(
    known: &Mutex<ServiceAccountKeys>,
    source: &SharedClusterTokens,
    now: Timestamp,
) {
    let fetched = fetch_keys(source).await;
    let own_issuer = if fetched.is_err() { own_issuer(source).await } else { None };
    let mut known = locked(known);
    match fetched {
        Ok(FetchedKeys { answer, digest, max_age }) => {
            let ttl = max_age.unwrap_or(DEFAULT_TTL).clamp(TTL_BOUNDS.0, TTL_BOUNDS.1);
            // Equal keys stay the same object, so that what they verified stays known.
            let old = known.answer.take().filter(|_| known.digest == digest);
            let keys = old.map_or(answer.keys, |old| old.keys);
            known.answer = Some(ClusterKeys { keys, ..answer });
            known.digest = digest;
            known.renew_at = now.plus(ttl / 2);
            known.valid_until = now.plus(ttl);
            known.error = None;
        }
        Err(error) => {
            tracing::warn!(%error, "could not fetch the keys of ServiceAccount tokens");
            known.error = Some(error);
            known.own_issuer = own_issuer.or_else(|| known.own_issuer.take());
        }
    }
}

/// `iss` of the token of Lanyard's own ServiceAccount. The kubelet mounted it, so its signature is not verified.
async fn own_issuer(source: &SharedClusterTokens) -> Option<Arc<str>> {
    let token = source.own_token().await?;
    let token = UnverifiedJwt::read(token.expose().trim())?;
    token.text("iss").filter(|issuer| !issuer.is_empty()).map(Arc::from)
}

/// An answer of the API server, not yet in the cache.
struct FetchedKeys {
    answer: ClusterKeys,
    digest: [u8; 32],
    max_age: Option<Duration>,
}

/// The issuer of the discovery document, and the keys at the API server itself: the `jwks_uri` of the document
/// may be an address elsewhere.
async fn fetch_keys(source: &SharedClusterTokens) -> Result<FetchedKeys, ClusterTokenError> {
    let document = source.discovery().await?;
    let document: Value = serde_json::from_slice(&document.body)
        .map_err(|_| ClusterTokenError::Unusable("a discovery document that is not JSON"))?;
    let issuer = document.get("issuer").and_then(Value::as_str).filter(|it| !it.is_empty());
    let issuer = issuer.ok_or(ClusterTokenError::Unusable("no issuer"))?.into();
    let answer = source.keys().await?;
    let keys = serde_json::from_slice(&answer.body).map(|set: Value| PublicKeys::parse(&set));
    let keys = keys.ok().filter(|keys| !keys.is_empty());
    let keys = Arc::new(keys.ok_or(ClusterTokenError::Unusable("no usable key"))?);
    let digest = sha256(&answer.body);
    Ok(FetchedKeys { answer: ClusterKeys { issuer, keys }, digest, max_age: answer.max_age })
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
