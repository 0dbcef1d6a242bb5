use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use serde_json::json;

use super::*;
use crate::{
    fetch::{FetchError, Fetched},
    model::samples,
};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// A server that counts how often it was asked.
#[derive(Debug, Default)]
struct Server {
    asked: AtomicUsize,
    down: Mutex<bool>,
    max_age: Option<Duration>,
}

#[async_trait]
impl Fetch for Server {
    async fn get(&self, url: &str, _: usize) -> Result<Fetched, FetchError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        if *self.down.lock().expect("whole") {
            return Err(FetchError::Late(url.to_owned()));
        }
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        let body = json!({ "keys": [key] }).to_string().into();
        Ok(Fetched { body, content_type: None, max_age: self.max_age })
    }

    async fn post_form(&self, url: &str, _: String) -> Result<u16, FetchError> {
        Err(FetchError::Late(url.to_owned()))
    }
}

fn client() -> Client {
    Client { jwks_uri: Some("https://rp.test/jwks".into()), ..samples::client() }
}

impl Server {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn keys_are_fetched_once_while_they_are_fresh() {
    let (cache, server) = (ClientKeys::default(), Server::default());
    let client = client();
    let all = futures::future::join_all((0..10).map(|_| cache.of(&server, &client, NOW))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(server.asked(), 1, "one fetch at a time");
    cache.of(&server, &client, NOW.plus(KEPT_BY_DEFAULT)).await.expect("keys");
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn an_unknown_key_fetches_again_but_not_at_once() {
    let (cache, server, client) = (ClientKeys::default(), Server::default(), client());
    cache.of(&server, &client, NOW).await.expect("keys");
    for _ in 0..10 {
        cache.renewed(&server, &client, NOW.plus(PAUSE)).await.expect("keys");
    }
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn keys_outlive_a_server_that_is_down_for_a_while() {
    let (cache, server, client) = (ClientKeys::default(), Server::default(), client());
    cache.of(&server, &client, NOW).await.expect("keys");
    *server.down.lock().expect("whole") = true;
    let later = NOW.plus(KEPT_BY_DEFAULT + Duration::from_mins(59));
    assert!(cache.of(&server, &client, later).await.is_ok());
    assert!(cache.of(&server, &client, later.plus(Duration::from_mins(2))).await.is_err());
}

#[tokio::test]
async fn what_the_answer_says_of_its_age_counts_within_bounds() {
    let server = Server { max_age: Some(Duration::ZERO), ..Server::default() };
    let (cache, client) = (ClientKeys::default(), client());
    for seconds in [0, 59, 60] {
        let now = NOW.plus(Duration::from_secs(seconds));
        cache.of(&server, &client, now).await.expect("keys");
    }
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn remembers_a_bounded_number_of_addresses() {
    let cache = ClientKeys::default();
    for number in 0..=MOST {
        drop(cache.slot(&number.to_string()));
    }
    assert!(cache.by_uri.lock().expect("whole").len() <= MOST);
}
