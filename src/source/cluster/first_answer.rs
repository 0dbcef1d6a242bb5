//! The wait for the API server's first answer. A replica that starts during an outage of the API
//! server waits, not ready, instead of exiting: a restart would change nothing.

use std::{iter, time::Duration};

use kube::Client;
use tokio::time::{sleep, timeout};

/// Time limit of one attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// Delay after the first failed attempt; it doubles with each further one.
const MIN_BACKOFF: Duration = Duration::from_millis(500);
/// Maximum delay between attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// The API server answered, and refused the request. A retry would fail the same way.
#[derive(Debug, thiserror::Error)]
#[error("the API server at {address} refuses the request; check the credentials and the address")]
pub struct ConnectionRefused {
    address: String,
    #[source]
    error: kube::Error,
}

/// Waits until the API server answers, and returns its version. Calls `unreachable` with the error
/// of each failed attempt.
pub(super) async fn wait_for_first_answer(
    client: &Client,
    address: &str,
    mut unreachable: impl FnMut(String),
) -> Result<String, ConnectionRefused> {
    for (attempt, pause) in pauses().enumerate() {
        let error = match timeout(ATTEMPT_TIMEOUT, client.apiserver_version()).await {
            Ok(Ok(version)) => return Ok(version.git_version),
            Ok(Err(error)) if is_final(&error) => {
                return Err(ConnectionRefused { address: address.to_owned(), error });
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", ATTEMPT_TIMEOUT.as_secs()),
        };
        if attempt == 0 {
            tracing::warn!(
                error,
                address,
                "the API server cannot be reached; waiting for it, not ready until then"
            );
        }
        unreachable(error);
        sleep(pause).await;
    }
    unreachable!("the pauses have no end")
}

/// The delays between attempts, without an end.
fn pauses() -> impl Iterator<Item = Duration> {
    iter::successors(Some(MIN_BACKOFF), |pause| Some((*pause * 2).min(MAX_BACKOFF)))
}

/// Returns true if a retry would fail the same way: the server refused the request, or the client's
/// credentials cannot be read.
fn is_final(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => (400..500).contains(&status.code) && status.code != 429,
        kube::Error::Auth(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use http::{Request, Response};
    use kube::client::Body;
    use tokio::time::Instant;
    use tower::service_fn;

    use super::*;

    const VERSION: &str = r#"{"major": "1", "minor": "36", "gitVersion": "v1.36.2", "gitCommit": "", "gitTreeState": "clean", "buildDate": "", "goVersion": "", "compiler": "gc", "platform": "linux/amd64"}"#;

    /// An API server that cannot be reached for some attempts, and then answers with a status.
    fn server(failures: usize, status: u16, body: &'static str) -> (Client, Arc<AtomicUsize>) {
        let attempts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&attempts);
        let service = service_fn(move |_: Request<Body>| {
            let attempt = counted.fetch_add(1, Ordering::SeqCst);
            async move {
                if attempt < failures {
                    return Err(io::Error::from(io::ErrorKind::ConnectionRefused));
                }
                let response = Response::builder().status(status);
                Ok(response.body(Body::from(body.as_bytes().to_vec())).expect("a response"))
            }
        });
        (Client::new(service, "default"), attempts)
    }

    #[tokio::test(start_paused = true)]
    async fn an_unreachable_api_server_is_waited_for_with_backoff() {
        let (client, attempts) = server(40, 200, VERSION);
        let (start, mut told) = (Instant::now(), 0);
        let version = wait_for_first_answer(&client, "https://api.test", |_| told += 1)
            .await
            .expect("it answers");
        assert_eq!(version, "v1.36.2");
        assert_eq!((attempts.load(Ordering::SeqCst), told), (41, 40));
        // 0.5 + 1 + 2 + 4 + 8, then 35 times 10 seconds.
        assert_eq!(start.elapsed().as_secs(), 365);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_ends_the_wait_at_once() {
        for status in [401, 403] {
            let body =
                r#"{"kind": "Status", "status": "Failure", "message": "not you", "code": 401}"#;
            let (client, attempts) = server(0, status, body);
            let refused = wait_for_first_answer(&client, "https://api.test", |_| {})
                .await
                .expect_err("refused");
            assert!(refused.to_string().contains("https://api.test"), "{refused}");
            assert_eq!(attempts.load(Ordering::SeqCst), 1);
        }
        let busy = r#"{"kind": "Status", "status": "Failure", "message": "later", "code": 429}"#;
        let (client, _) = server(0, 429, busy);
        let waiting = timeout(
            Duration::from_secs(60),
            wait_for_first_answer(&client, "https://api.test", |_| {}),
        );
        assert!(waiting.await.is_err(), "an overloaded API server is waited for");
    }
}
