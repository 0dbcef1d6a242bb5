use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;

use super::*;
use crate::{
    fetch::{CallResponse, ClientCall, FetchError, FetchedDocument},
    model::{ApplicationType, ClientDetails, PairwiseSubjectInputs, RedirectUri, Secret, fixtures},
};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const BOTH: &str = r#"["https://a.test/cb", "https://b.test/cb"]"#;

/// A server that counts its requests.
#[derive(Debug)]
struct SectorServer {
    requests: AtomicUsize,
    document: Mutex<Option<&'static str>>,
}

impl SectorServer {
    fn with(text: &'static str) -> Self {
        Self { requests: AtomicUsize::new(0), document: Mutex::new(Some(text)) }
    }

    fn publish(&self, text: Option<&'static str>) {
        *self.document.lock().expect("whole") = text;
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Fetch for SectorServer {
    async fn get(&self, url: &str, _: usize) -> Result<FetchedDocument, FetchError> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let document = *self.document.lock().expect("whole");
        let body = document.ok_or_else(|| FetchError::Late(url.to_owned()))?.into();
        Ok(FetchedDocument { body, content_type: None, max_age: None })
    }

    async fn post_form(&self, url: &str, _: String) -> Result<u16, FetchError> {
        Err(FetchError::Late(url.to_owned()))
    }

    async fn call(&self, call: ClientCall<'_>, _: usize) -> Result<CallResponse, FetchError> {
        Err(FetchError::Unknown(call.url.to_owned()))
    }
}

fn client() -> Client {
    let uri = |text| RedirectUri::parse(text, ApplicationType::Web).expect("valid");
    let pairwise =
        PairwiseSubjectInputs { sector: "a.test".into(), salt: Secret::new(vec![1; 32]) };
    let sector_identifier_uri = Some("https://a.test/sector.json".into());
    let details = ClientDetails { sector_identifier_uri, ..ClientDetails::default() };
    Client {
        pairwise: Some(Box::new(pairwise)),
        details: Arc::new(details),
        redirect_uris: vec![uri("https://a.test/cb"), uri("https://b.test/cb")],
        ..fixtures::client()
    }
}

async fn check(
    sectors: &SectorIdentifierCache,
    server: &SectorServer,
    client: &Client,
    now: Timestamp,
) -> Option<ErrorCode> {
    sectors.verify_redirect_uris(server, client, now).await.err().map(|error| error.code)
}

#[tokio::test]
async fn a_sector_document_contains_the_redirect_uris() {
    // OIDC Core §8.1
    for (says, error) in [
        (BOTH, None),
        (r#"["https://a.test/cb"]"#, Some(ErrorCode::UnauthorizedClient)),
        ("{}", Some(ErrorCode::UnauthorizedClient)),
        ("", Some(ErrorCode::UnauthorizedClient)),
    ] {
        let server = SectorServer::with(says);
        assert_eq!(
            check(&SectorIdentifierCache::default(), &server, &client(), NOW).await,
            error,
            "{says}"
        );
    }
}

#[tokio::test]
async fn a_client_without_sector_identifier_is_not_checked() {
    let (sectors, server) = (SectorIdentifierCache::default(), SectorServer::with("{}"));
    let own = Client { redirect_uris: client().redirect_uris[..1].to_vec(), ..client() };
    let public = Client { pairwise: None, ..client() };
    for client in [own, public] {
        assert_eq!(check(&sectors, &server, &client, NOW).await, None);
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_document_is_used_for_a_day_while_its_server_fails() {
    let (sectors, server, client) =
        (SectorIdentifierCache::default(), SectorServer::with(BOTH), client());
    assert_eq!(check(&sectors, &server, &client, NOW).await, None);
    server.publish(None);
    let fresh = NOW.plus(TTL / 2);
    assert_eq!(check(&sectors, &server, &client, fresh).await, None);
    assert_eq!(server.requests(), 1);
    assert_eq!(check(&sectors, &server, &client, NOW.plus(TTL)).await, None, "stale");
    assert_eq!(server.requests(), 2);
    let gone = check(&sectors, &server, &client, NOW.plus(STALE_TTL)).await;
    assert_eq!(gone, Some(ErrorCode::TemporarilyUnavailable));
}

#[tokio::test]
async fn a_corrected_document_is_used_within_half_a_minute() {
    let (sectors, server, client) =
        (SectorIdentifierCache::default(), SectorServer::with("[]"), client());
    let wrong = Some(ErrorCode::UnauthorizedClient);
    assert_eq!(check(&sectors, &server, &client, NOW).await, wrong);
    server.publish(Some(BOTH));
    assert_eq!(check(&sectors, &server, &client, NOW).await, wrong, "not fetched again at once");
    assert_eq!(server.requests(), 1);
    assert_eq!(check(&sectors, &server, &client, NOW.plus(REFETCH_INTERVAL)).await, None);
}
