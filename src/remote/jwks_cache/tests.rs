use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use futures::FutureExt;
use serde_json::json;

use super::{
    super::document_cache::{DEFAULT_TTL, MAX_ENTRIES, MAX_FETCHES_PER_MINUTE, MINUTE},
    *,
};
use crate::{
    fetch::{
        CallResponse, ClientCall, Fetch, FetchError, FetchReach, FetchRights, FetchedDocument,
    },
    model::{ClientKeys, TenantId, fixtures},
};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// A server that counts its requests.
#[derive(Debug, Default)]
struct JwksServer {
    /// Delays responses while it has no permits.
    gate: Option<tokio::sync::Semaphore>,
    requests: AtomicUsize,
    down: Mutex<bool>,
    max_age: Option<Duration>,
    rights: FetchRights,
}

#[async_trait]
impl Fetch for JwksServer {
    async fn get(&self, url: &str, _: usize) -> Result<FetchedDocument, FetchError> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        if let Some(gate) = &self.gate {
            gate.acquire().await.expect("open").forget();
        }
        if *self.down.lock().expect("whole") {
            return Err(FetchError::Late(url.to_owned()));
        }
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        let body = json!({ "keys": [key] }).to_string().into();
        Ok(FetchedDocument { body, content_type: None, max_age: self.max_age })
    }

    async fn post_form(&self, url: &str, _: String) -> Result<u16, FetchError> {
        Err(FetchError::Late(url.to_owned()))
    }

    async fn call(&self, call: ClientCall<'_>, _: usize) -> Result<CallResponse, FetchError> {
        Err(FetchError::Unknown(call.url.to_owned()))
    }

    fn rights(&self, _: &str) -> FetchRights {
        self.rights
    }
}

fn client() -> Client {
    Client { keys: ClientKeys::Url("https://rp.test/jwks".into()), ..fixtures::client() }
}

fn server() -> Arc<JwksServer> {
    Arc::default()
}

fn shared(server: &Arc<JwksServer>) -> SharedFetch {
    Arc::<JwksServer>::clone(server)
}

impl JwksServer {
    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn keys_are_fetched_once_while_they_are_fresh() {
    let (cache, server) = (JwksCache::default(), server());
    let client = client();
    let fetch = shared(&server);
    let all = futures::future::join_all((0..10).map(|_| cache.of(&fetch, &client, NOW))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(server.requests(), 1, "one fetch at a time");
    cache.of(&shared(&server), &client, NOW.plus(DEFAULT_TTL)).await.expect("keys");
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn an_unknown_key_causes_few_fetches_per_minute() {
    let (cache, server, client) = (JwksCache::default(), server(), client());
    cache.of(&shared(&server), &client, NOW).await.expect("keys");
    cache.renewed(&shared(&server), &client, NOW).await.expect("keys");
    assert_eq!(server.requests(), 2, "keys may rotate right after the first fetch");
    for _ in 0..10 {
        cache.renewed(&shared(&server), &client, NOW).await.expect("keys");
    }
    assert_eq!(server.requests(), MAX_FETCHES_PER_MINUTE);
    cache.renewed(&shared(&server), &client, NOW.plus(MINUTE)).await.expect("keys");
    assert_eq!(server.requests(), MAX_FETCHES_PER_MINUTE + 1);
}

#[tokio::test]
async fn concurrent_misses_fetch_once() {
    let (cache, server, client) = (JwksCache::default(), server(), client());
    let fetch = shared(&server);
    cache.of(&fetch, &client, NOW).await.expect("keys");
    let all = (0..10).map(|_| cache.renewed(&fetch, &client, NOW));
    assert!(futures::future::join_all(all).await.iter().all(Result::is_ok));
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn fresh_keys_are_returned_without_waiting() {
    let gate = Some(tokio::sync::Semaphore::new(1));
    let server = Arc::new(JwksServer { gate, ..JwksServer::default() });
    let (cache, client, fetch) = (JwksCache::default(), client(), shared(&server));
    cache.of(&fetch, &client, NOW).await.expect("keys");
    let mut renewed = Box::pin(cache.renewed(&fetch, &client, NOW));
    assert!((&mut renewed).now_or_never().is_none(), "the server is slow");
    assert!(cache.of(&fetch, &client, NOW).now_or_never().is_some_and(|keys| keys.is_ok()));
    server.gate.as_ref().expect("gate").add_permits(1);
    assert!(renewed.await.is_ok());
}

#[tokio::test]
async fn a_cancelled_request_does_not_cancel_the_fetch() {
    let gate = Some(tokio::sync::Semaphore::new(0));
    let server = Arc::new(JwksServer { gate, ..JwksServer::default() });
    let (cache, client, fetch) = (JwksCache::default(), client(), shared(&server));
    let mut first = Box::pin(cache.of(&fetch, &client, NOW));
    assert!((&mut first).now_or_never().is_none());
    drop(first);
    server.gate.as_ref().expect("gate").add_permits(1);
    assert!(cache.of(&fetch, &client, NOW).await.is_ok());
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn keys_are_used_while_their_server_is_down() {
    let (cache, server, client) = (JwksCache::default(), server(), client());
    cache.of(&shared(&server), &client, NOW).await.expect("keys");
    *server.down.lock().expect("whole") = true;
    let later = NOW.plus(DEFAULT_TTL + Duration::from_mins(59));
    assert!(cache.of(&shared(&server), &client, later).await.is_ok());
    assert!(cache.of(&shared(&server), &client, later.plus(Duration::from_mins(2))).await.is_err());
}

#[tokio::test]
async fn max_age_applies_within_bounds() {
    let server = Arc::new(JwksServer { max_age: Some(Duration::ZERO), ..JwksServer::default() });
    let (cache, client) = (JwksCache::default(), client());
    for seconds in [0, 59, 60] {
        let now = NOW.plus(Duration::from_secs(seconds));
        cache.of(&shared(&server), &client, now).await.expect("keys");
    }
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn the_number_of_urls_is_bounded() {
    let (cache, tenant) = (JwksCache::default(), TenantId::new("team", "shop"));
    for number in 0..=MAX_ENTRIES {
        let server = JwksServer::default();
        drop(cache.0.slots.slot(&server, (&tenant, &number.to_string())));
    }
    assert!(cache.0.slots.len() <= MAX_ENTRIES);
}

#[tokio::test]
async fn a_tenant_cannot_use_up_the_fetches_of_another() {
    let (cache, server) = (JwksCache::default(), server());
    let ours = client();
    let theirs = Client { tenant: TenantId::new("evil", "main"), ..ours.clone() };
    for _ in 0..2 * MAX_FETCHES_PER_MINUTE {
        let _ = cache.renewed(&shared(&server), &theirs, NOW).await;
    }
    let before = server.requests();
    cache.of(&shared(&server), &ours, NOW).await.expect("keys");
    assert_eq!(server.requests(), before + 1);
}

#[tokio::test]
async fn clients_with_other_rights_to_fetch_share_no_document() {
    // An address inside the network that some clients may call, and a server that some trust.
    let (cache, client) = (JwksCache::default(), client());
    let allowed = FetchRights { reach: FetchReach::Internal, certificates: None };
    let trusting = FetchRights { reach: FetchReach::Public, certificates: Some([1; 32]) };
    for rights in [allowed, trusting] {
        let able = Arc::new(JwksServer { rights, ..JwksServer::default() });
        cache.of(&shared(&able), &client, NOW).await.expect("keys");
        cache.of(&shared(&able), &client, NOW).await.expect("keys");
        assert_eq!(able.requests(), 1);
    }
    let unable = Arc::new(JwksServer { down: Mutex::new(true), ..JwksServer::default() });
    assert!(cache.of(&shared(&unable), &client, NOW).await.is_err(), "not from the cache");
    assert_eq!(unable.requests(), 1);
}
