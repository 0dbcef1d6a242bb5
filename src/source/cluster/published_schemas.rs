//! Follows the schemas that the API server publishes for Lanyard's kinds, because it removes fields
//! that an older `CustomResourceDefinition` lacks without an error.

use std::{collections::BTreeSet, time::Duration};

use http::{
    HeaderValue, Request, StatusCode,
    header::{ACCEPT, ETAG, IF_NONE_MATCH},
};
use kube::{Client, client::Body};
use serde_json::Value;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use crate::api::{GROUP, VERSION, missing_restrictions};

/// Interval between reads of complete schemas.
const CHECK_INTERVAL: Duration = Duration::from_secs(30);
/// Interval between reads while schemas lack fields, have just changed, or cannot be read.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);
/// Time in which the API server must send the schemas.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How long complete schemas may lack fields: an API server that starts publishes them one by one.
const GRACE_TIME: Duration = Duration::from_secs(20);

/// The result of comparing the API server's schemas with those of this release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PublishedSchemas {
    /// The schemas have not been read yet.
    #[default]
    Unread,
    /// The schemas have every restricting field.
    Complete,
    /// The schemas lack these restricting fields and kinds.
    Lacking(BTreeSet<String>),
    /// The schemas may not be read, so nothing is known about them.
    Forbidden,
}

impl PublishedSchemas {
    /// The reason why a replica must not be ready.
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Complete | Self::Forbidden => None,
            Self::Unread => Some("not read yet".to_owned()),
            Self::Lacking(missing) => Some(format!(
                "the API server's definitions are older than this release and lack {}; upgrade the CustomResourceDefinitions",
                missing.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
            )),
        }
    }
}

/// Follows the published schemas once it is started.
#[derive(Debug)]
pub struct PublishedSchemasFollower {
    states: watch::Sender<PublishedSchemas>,
}

impl PublishedSchemasFollower {
    /// Creates a follower, which has read nothing before it is started.
    pub fn new() -> (Self, watch::Receiver<PublishedSchemas>) {
        let (states, receiver) = watch::channel(PublishedSchemas::default());
        (Self { states }, receiver)
    }

    /// Follows until the receivers are dropped.
    pub fn start(self, client: Client) {
        tokio::spawn(follow(client, self.states));
    }
}

async fn follow(client: Client, states: watch::Sender<PublishedSchemas>) {
    let mut etag = None;
    let mut observed = (PublishedSchemas::Unread, Instant::now());
    let (mut logged, mut failed) = (PublishedSchemas::Unread, false);
    while !states.is_closed() {
        let answer = timeout(READ_TIMEOUT, read(&client, etag.as_ref())).await;
        match answer.unwrap_or(Err(ReadSchemasError::Timeout)) {
            Ok(SchemasResponse::Unchanged) => failed = false,
            Ok(SchemasResponse::Changed(schemas, tag)) => {
                (etag, failed) = (tag, false);
                if observed.0 != schemas {
                    observed = (schemas, Instant::now());
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut failed, true) {
                    tracing::warn!(%error, "failed to read the API server's schemas; retrying");
                }
            }
        }
        let lasted = observed.1.elapsed();
        publish(&states, &observed.0, lasted);
        log_observed(&mut logged, &observed.0, lasted);
        let is_settled = *states.borrow() == observed.0 && !failed;
        let is_final = !matches!(observed.0, PublishedSchemas::Lacking(_));
        sleep(if is_settled && is_final { CHECK_INTERVAL } else { RETRY_INTERVAL }).await;
    }
}

/// Makes the observed state known to the receivers, unless complete schemas lack fields for a moment only.
fn publish(
    states: &watch::Sender<PublishedSchemas>,
    observed: &PublishedSchemas,
    lasted: Duration,
) {
    states.send_if_modified(|state| {
        let differs = state != observed && may_follow(state, observed, lasted);
        if differs {
            state.clone_from(observed);
        }
        differs
    });
}

/// Logs what was observed, unless that was logged last. Missing fields are logged after some time, since
/// the definitions may have been installed a moment ago.
fn log_observed(logged: &mut PublishedSchemas, observed: &PublishedSchemas, lasted: Duration) {
    if logged == observed {
        return;
    }
    match (observed, observed.problem()) {
        (PublishedSchemas::Lacking(_), Some(_)) if lasted < GRACE_TIME => return,
        (PublishedSchemas::Lacking(_), Some(problem)) => {
            tracing::warn!(error = problem, "not ready, because restrictions could be lost");
        }
        (PublishedSchemas::Forbidden, _) => tracing::warn!(
            "the API server's schemas may not be read, so definitions that are too old would not be noticed; allow the ServiceAccount to get /openapi/v3/*"
        ),
        (PublishedSchemas::Complete, _) if matches!(logged, PublishedSchemas::Lacking(_)) => {
            tracing::info!("the API server's schemas have every restricting field again");
        }
        _ => {}
    }
    logged.clone_from(observed);
}

/// Returns true if a state becomes another one that has lasted for some time.
fn may_follow(state: &PublishedSchemas, observed: &PublishedSchemas, lasted: Duration) -> bool {
    let was_complete = *state == PublishedSchemas::Complete;
    !(was_complete && *observed != PublishedSchemas::Complete && lasted < GRACE_TIME)
}

/// The API server's answer to a conditional request for its schemas.
enum SchemasResponse {
    /// The document has not changed since the last read.
    Unchanged,
    /// The state of the schemas, and the `ETag` of the document.
    Changed(PublishedSchemas, Option<HeaderValue>),
}

/// Why the schemas could not be read.
#[derive(Debug, thiserror::Error)]
enum ReadSchemasError {
    #[error("no answer")]
    Timeout,
    #[error(transparent)]
    Call(#[from] kube::Error),
    #[error("the answer has the status {0}")]
    Status(StatusCode),
    #[error("the answer is not JSON")]
    Json(#[from] serde_json::Error),
}

/// Reads the `OpenAPI` v3 document of Lanyard's API version, unless it has the tag.
async fn read(
    client: &Client,
    etag: Option<&HeaderValue>,
) -> Result<SchemasResponse, ReadSchemasError> {
    let path = format!("/openapi/v3/apis/{GROUP}/{VERSION}");
    let mut request = Request::get(path).header(ACCEPT, "application/json");
    if let Some(etag) = etag {
        request = request.header(IF_NONE_MATCH, etag);
    }
    let request = request.body(Body::empty()).map_err(kube::Error::HttpError)?;
    let response = client.send(request).await?;
    match response.status() {
        StatusCode::NOT_MODIFIED => Ok(SchemasResponse::Unchanged),
        StatusCode::FORBIDDEN => Ok(SchemasResponse::Changed(PublishedSchemas::Forbidden, None)),
        // The API server has no such document before the first definition is installed.
        StatusCode::NOT_FOUND => Ok(SchemasResponse::Changed(compare(&Value::Null), None)),
        status if status.is_success() => {
            let etag = response.headers().get(ETAG).cloned();
            let body = response.into_body().collect_bytes().await?;
            Ok(SchemasResponse::Changed(compare(&serde_json::from_slice(&body)?), etag))
        }
        status => Err(ReadSchemasError::Status(status)),
    }
}

fn compare(document: &Value) -> PublishedSchemas {
    let missing = missing_restrictions(document);
    if missing.is_empty() { PublishedSchemas::Complete } else { PublishedSchemas::Lacking(missing) }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        sync::{Arc, Mutex},
    };

    use http::Response;
    use tower::service_fn;

    use super::*;

    /// An API server that gives each answer once, and the last one from then on. Answers have a status
    /// and the tag of the document.
    fn server(answers: &[(u16, &'static str)]) -> Client {
        let answers = Arc::new(Mutex::new(VecDeque::from(answers.to_vec())));
        let service = service_fn(move |request: Request<Body>| {
            assert_eq!(request.uri().path(), "/openapi/v3/apis/lanyard.dev/v1alpha1");
            let mut answers = answers.lock().expect("whole");
            let (status, tag) = *answers.front().expect("an answer");
            if answers.len() > 1 {
                answers.pop_front();
            }
            let known = request.headers().get(IF_NONE_MATCH).is_some_and(|it| it == tag);
            let status = if known { 304 } else { status };
            // A document without schemas: every kind is missing.
            let response = Response::builder().status(status).header(ETAG, tag);
            let response = response.body(Body::from(b"{}".to_vec())).expect("a response");
            async move { Ok::<_, std::convert::Infallible>(response) }
        });
        Client::new(service, "default")
    }

    fn started(answers: &[(u16, &'static str)]) -> watch::Receiver<PublishedSchemas> {
        let (follower, states) = PublishedSchemasFollower::new();
        assert_eq!(states.borrow().problem().as_deref(), Some("not read yet"));
        follower.start(server(answers));
        states
    }

    #[tokio::test(start_paused = true)]
    async fn missing_kinds_are_a_problem() {
        for answer in [(200, "a"), (404, "a")] {
            let mut states = started(&[answer]);
            states.changed().await.expect("a state");
            let problem = states.borrow().problem().expect("a problem");
            assert!(
                problem.contains(
                    "lack IdentityProvider, OidcClient, OidcUser, ResourceServer, Tenant; upgrade"
                ),
                "{problem}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_replica_waits_for_schemas_that_cannot_be_read_but_not_for_forbidden_ones() {
        let mut states = started(&[(503, "a"), (500, "a"), (403, "a")]);
        let start = Instant::now();
        states.changed().await.expect("a state");
        assert_eq!(*states.borrow(), PublishedSchemas::Forbidden);
        assert_eq!(states.borrow().problem(), None);
        assert_eq!(start.elapsed(), 2 * RETRY_INTERVAL);
    }

    #[test]
    fn complete_schemas_lack_fields_only_after_some_time() {
        let lacking = PublishedSchemas::Lacking(BTreeSet::from(["Tenant".to_owned()]));
        let complete = PublishedSchemas::Complete;
        assert!(!may_follow(&complete, &lacking, GRACE_TIME / 2));
        assert!(may_follow(&complete, &lacking, GRACE_TIME));
        assert!(may_follow(&PublishedSchemas::Unread, &lacking, Duration::ZERO));
        assert!(may_follow(&lacking, &complete, Duration::ZERO));
    }
}
