use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;
use crate::fetch::{CallResponse, ClientCall, Fetch, FetchError, FetchedDocument};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const ADDRESS: &str = "https://rp.test/object";

/// A client's server that returns a different document each time.
#[derive(Debug, Default)]
struct RequestObjectServer {
    requests: AtomicUsize,
    max_age: Option<Duration>,
    down: bool,
}

#[async_trait]
impl Fetch for RequestObjectServer {
    async fn get(&self, url: &str, _: usize) -> Result<FetchedDocument, FetchError> {
        let count = self.requests.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        if self.down {
            return Err(FetchError::Late(url.to_owned()));
        }
        let body = format!("document {count}").into();
        Ok(FetchedDocument { body, content_type: None, max_age: self.max_age })
    }

    async fn post_form(&self, _: &str, _: String) -> Result<u16, FetchError> {
        unreachable!("documents are read")
    }

    async fn call(&self, call: ClientCall<'_>, _: usize) -> Result<CallResponse, FetchError> {
        Err(FetchError::Unknown(call.url.to_owned()))
    }
}

struct World {
    server: Arc<RequestObjectServer>,
    documents: RequestObjectCache,
}

impl World {
    fn new(server: RequestObjectServer) -> Self {
        Self { server: Arc::new(server), documents: RequestObjectCache::default() }
    }

    async fn get(&self, uri: &str, seconds: u64) -> Result<Bytes, RemoteDocumentError> {
        let fetch: SharedFetch = self.server.clone();
        let tenant = TenantId::new("team", "shop");
        let now = NOW.plus(Duration::from_secs(seconds));
        self.documents.get(&fetch, (&tenant, uri), 100, now).await
    }

    fn requests(&self) -> usize {
        self.server.requests.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn concurrent_requests_share_one_fetch() {
    let world = World::new(RequestObjectServer::default());
    let answers = futures::future::join_all((0..50).map(|_| world.get(ADDRESS, 0))).await;
    assert!(answers.iter().all(|it| it.as_deref() == Ok(b"document 0")), "{answers:?}");
    assert_eq!(world.requests(), 1);
}

#[tokio::test]
async fn varying_the_fragment_causes_one_fetch_per_second() {
    let world = World::new(RequestObjectServer::default());
    for count in 0..50 {
        let _ = world.get(&format!("{ADDRESS}#{count}"), 0).await;
        let _ = world.get(&format!("{ADDRESS}#{count:043}"), 0).await;
    }
    assert_eq!((world.requests(), world.documents.slots.len()), (1, 1));
    let _ = world.get(&format!("{ADDRESS}#x"), 1).await;
    assert_eq!(world.requests(), 2);
}

#[tokio::test]
async fn a_failed_fetch_is_not_repeated_at_once() {
    let world = World::new(RequestObjectServer { down: true, ..RequestObjectServer::default() });
    assert!(world.get(ADDRESS, 0).await.is_err());
    assert!(world.get(ADDRESS, 0).await.is_err());
    assert_eq!(world.requests(), 1);
    assert!(world.get(ADDRESS, 1).await.is_err());
    assert_eq!(world.requests(), 2);
}

#[tokio::test]
async fn max_age_applies_up_to_ten_minutes() {
    for (max_age, ttl) in [(None, 1), (Some(60), 60), (Some(6000), 600)] {
        let max_age = max_age.map(Duration::from_secs);
        let world = World::new(RequestObjectServer { max_age, ..RequestObjectServer::default() });
        for seconds in [0, ttl - 1] {
            assert_eq!(world.get(ADDRESS, seconds).await.as_deref(), Ok(&b"document 0"[..]));
        }
        assert_eq!(world.get(ADDRESS, ttl).await.as_deref(), Ok(&b"document 1"[..]), "{ttl}");
    }
}

#[tokio::test]
async fn a_document_with_its_hash_in_the_url_is_kept_until_the_fragment_changes() {
    // OIDC Core §6.2
    let named = |content: &[u8]| {
        let hash = digest::digest(&digest::SHA256, content);
        format!("{ADDRESS}#{}", URL_SAFE_NO_PAD.encode(hash))
    };
    let world = World::new(RequestObjectServer::default());
    let first = named(b"document 0");
    assert_eq!(world.get(&first, 0).await.as_deref(), Ok(&b"document 0"[..]));
    assert_eq!(world.get(&first, 599).await.as_deref(), Ok(&b"document 0"[..]));
    assert_eq!(world.get(&named(b"document 1"), 599).await.as_deref(), Ok(&b"document 1"[..]));
    assert_eq!(world.requests(), 2);
}
