use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use serde_json::json;

use super::*;
use crate::model::{ClusterDocument, ClusterTokens};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

/// An API server that counts what it is asked.
#[derive(Debug)]
struct Cluster {
    asked: AtomicUsize,
    reviews: AtomicUsize,
    fault: Mutex<Option<ClusterTokenError>>,
    issuer: Mutex<&'static str>,
    kid: Mutex<&'static str>,
    own_token: Mutex<Option<String>>,
}

#[async_trait]
impl ClusterTokens for Cluster {
    async fn discovery(&self) -> Result<ClusterDocument, ClusterTokenError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        if let Some(error) = self.fault.lock().expect("whole").clone() {
            return Err(error);
        }
        let issuer = *self.issuer.lock().expect("whole");
        // The address of the keys in it is of no interest.
        let body = json!({ "issuer": issuer, "jwks_uri": "https://evil.test/keys" });
        Ok(ClusterDocument { body: body.to_string().into(), max_age: None })
    }

    async fn keys(&self) -> Result<ClusterDocument, ClusterTokenError> {
        let kid = *self.kid.lock().expect("whole");
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": X, "kid": kid });
        let body = json!({ "keys": [key] }).to_string().into();
        Ok(ClusterDocument { body, max_age: Some(Duration::from_hours(1)) })
    }

    async fn review(&self, token: &Secret<String>, _: &str) -> Result<bool, ClusterTokenError> {
        self.reviews.fetch_add(1, Ordering::SeqCst);
        Ok(token.expose() == "good")
    }

    async fn own_token(&self) -> Option<Secret<String>> {
        self.own_token.lock().expect("whole").clone().map(Secret::new)
    }
}

fn cluster() -> (ClusterTokenCache, Arc<Cluster>) {
    let cluster = Arc::new(Cluster {
        asked: AtomicUsize::new(0),
        reviews: AtomicUsize::new(0),
        fault: Mutex::default(),
        issuer: Mutex::new("https://cluster.test"),
        kid: Mutex::new("a"),
        own_token: Mutex::default(),
    });
    let cache = ClusterTokenCache::default();
    cache.set_source(Arc::<Cluster>::clone(&cluster) as SharedClusterTokens);
    (cache, cluster)
}

impl Cluster {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn fail(&self, error: ClusterTokenError) {
        *self.fault.lock().expect("whole") = Some(error);
    }
}

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

#[tokio::test]
async fn keys_are_fetched_once_and_no_more_often_than_every_30_seconds() {
    let (cache, cluster) = cluster();
    let all = futures::future::join_all((0..10).map(|_| cache.keys(NOW, false))).await;
    assert!(
        all.iter().all(|keys| keys.as_ref().is_ok_and(|it| &*it.issuer == "https://cluster.test"))
    );
    assert_eq!(cluster.asked(), 1, "one fetch at a time");
    for seconds in 0..30 {
        cache.keys(after(seconds), true).await.expect("the last keys");
    }
    assert_eq!(cluster.asked(), 1);
    let many = futures::future::join_all((0..10).map(|_| cache.keys(after(30), true))).await;
    assert!(many.iter().all(Result::is_ok));
    assert_eq!(cluster.asked(), 2);
}

#[tokio::test]
async fn the_last_keys_are_used_for_as_long_as_the_answer_says() {
    let (cache, cluster) = cluster();
    let first = cache.keys(NOW, false).await.expect("keys");
    let fault = ClusterTokenError::Unavailable("it is down".to_owned());
    cluster.fail(fault.clone());
    // From half of the time on they are renewed, which no request waits for.
    let keys = cache.keys(after(1800), false).now_or_never().expect("at once").expect("keys");
    assert!(Arc::ptr_eq(&keys.keys, &first.keys));
    assert!(cache.keys(after(3569), false).await.is_ok());
    // The renewals run in the meantime.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(cache.keys(after(3599), false).await.is_ok());
    assert_eq!(cache.keys(after(3600), false).await.map(drop), Err(fault.clone()));
    assert_eq!(&*cache.issuer(after(3600)).await.expect("still known"), "https://cluster.test");
    let state = cache.state(after(3600)).await;
    assert_eq!((state.issuer.as_deref(), state.error), (Some("https://cluster.test"), Some(fault)));
    *cluster.fault.lock().expect("whole") = None;
    assert!(cache.keys(after(3640), false).await.is_ok());
}

#[tokio::test]
async fn equal_keys_stay_the_same_and_changed_ones_replace_them() {
    let (cache, cluster) = cluster();
    let first = cache.keys(NOW, false).await.expect("keys");
    let same = cache.keys(after(60), true).await.expect("keys");
    assert!(Arc::ptr_eq(&first.keys, &same.keys));
    *cluster.kid.lock().expect("whole") = "b";
    *cluster.issuer.lock().expect("whole") = "https://new.test";
    let other = cache.keys(after(120), true).await.expect("keys");
    assert!(!Arc::ptr_eq(&first.keys, &other.keys));
    assert_eq!(&*cache.issuer(after(120)).await.expect("known"), "https://new.test");
}

#[tokio::test]
async fn unusable_answers_are_errors() {
    let none = ClusterTokenCache::default();
    assert_eq!(none.keys(NOW, false).await.map(drop), Err(ClusterTokenError::NoCluster));
    assert_eq!(none.issuer(NOW).await, None);
    let (cache, cluster) = cluster();
    *cluster.issuer.lock().expect("whole") = "";
    let refused = cache.keys(NOW, false).await.map(drop);
    assert_eq!(refused, Err(ClusterTokenError::Unusable("no issuer")));
    let (cache, cluster) = self::cluster();
    cluster.fail(ClusterTokenError::Forbidden("read keys"));
    let refused = cache.keys(NOW, false).await.map(drop);
    assert_eq!(refused, Err(ClusterTokenError::Forbidden("read keys")));
    // Until the next fetch the reason stays.
    let refused = cache.keys(after(29), false).await.map(drop);
    assert_eq!(refused, Err(ClusterTokenError::Forbidden("read keys")));
    assert_eq!(cluster.asked(), 1);
}

#[tokio::test]
async fn the_own_token_shows_the_issuer_while_the_api_server_permits_nothing() {
    let (cache, cluster) = cluster();
    cluster.fail(ClusterTokenError::Forbidden("read keys"));
    assert_eq!(cache.issuer(NOW).await, None);
    // {"alg":"RS256"}.{"iss":"https://own.test"}
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL293bi50ZXN0In0.AAAA\n";
    *cluster.own_token.lock().expect("whole") = Some(token.to_owned());
    assert_eq!(cache.issuer(after(29)).await, None, "the file is read with each request only");
    assert_eq!(cache.issuer(after(30)).await.as_deref(), Some("https://own.test"));
    let state = cache.state(after(31)).await;
    assert_eq!(state.issuer.as_deref(), Some("https://own.test"));
    assert_eq!(state.error, Some(ClusterTokenError::Forbidden("read keys")));
    // The answer of the API server replaces it.
    *cluster.fault.lock().expect("whole") = None;
    assert_eq!(cache.issuer(after(60)).await.as_deref(), Some("https://cluster.test"));
    cluster.fail(ClusterTokenError::Forbidden("read keys"));
    let _ = cache.keys(after(90), true).await;
    assert_eq!(cache.issuer(after(90)).await.as_deref(), Some("https://cluster.test"));
}

#[tokio::test]
async fn a_review_counts_for_seconds_and_for_one_audience() {
    let (cache, cluster) = cluster();
    let review = |token: &str, audience: &'static str, at| {
        let (cache, token) = (&cache, Secret::new(token.to_owned()));
        async move { cache.review(&token, audience, at).await }
    };
    assert_eq!(review("good", "a", NOW).await, Ok(true));
    assert_eq!(review("good", "a", after(9)).await, Ok(true));
    assert_eq!(review("bad", "a", NOW).await, Ok(false));
    assert_eq!(cluster.reviews.load(Ordering::SeqCst), 2);
    assert_eq!(review("good", "b", NOW).await, Ok(true));
    assert_eq!(review("good", "a", after(10)).await, Ok(true));
    assert_eq!(cluster.reviews.load(Ordering::SeqCst), 4);
}
