//! The API server's answers about ServiceAccount tokens: its discovery document, its keys, and reviews.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt, Limited};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
    client::Body,
};
use tokio::time::timeout;

use crate::model::{ClusterDocument, ClusterTokenError, ClusterTokens, Secret};

/// Time in which the API server must answer a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Most bytes of a discovery document or JWK set.
const MAX_BYTES: usize = 256 * 1024;
/// The permission by a binding to `system:service-account-issuer-discovery`.
const READ_KEYS: &str = "read the keys of ServiceAccount tokens";
/// The permission `create` for `tokenreviews.authentication.k8s.io`.
const REVIEW_TOKENS: &str = "review ServiceAccount tokens";

/// Asks the API server that the objects come from.
pub struct ApiServerTokens {
    client: Client,
    own_token_file: Option<String>,
}

impl fmt::Debug for ApiServerTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiServerTokens").finish_non_exhaustive()
    }
}

impl ApiServerTokens {
    /// Asks with a client of the API server. `own_token_file`: the token of Lanyard's own ServiceAccount, if the kubelet
    /// has mounted one.
    pub fn new(client: Client, own_token_file: Option<String>) -> Self {
        Self { client, own_token_file }
    }

    async fn get(&self, path: &'static str) -> Result<ClusterDocument, ClusterTokenError> {
        let request = Request::get(path).header(header::ACCEPT, "application/json, */*");
        let request =
            request.body(Body::empty()).map_err(|error| unavailable(error.to_string()))?;
        let answer =
            self.client.send(request).await.map_err(|error| unavailable(error.to_string()))?;
        let (head, body) = answer.into_parts();
        match head.status.as_u16() {
            200 => {}
            401 | 403 => return Err(ClusterTokenError::Forbidden(READ_KEYS)),
            status => return Err(unavailable(format!("{path} has the status {status}"))),
        }
        let body = Limited::new(body, MAX_BYTES)
            .collect()
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        let max_age = max_age(&head.headers);
        Ok(ClusterDocument { body: body.to_bytes().to_vec(), max_age })
    }
}

#[async_trait]
impl ClusterTokens for ApiServerTokens {
    async fn discovery(&self) -> Result<ClusterDocument, ClusterTokenError> {
        within_limit(self.get("/.well-known/openid-configuration")).await
    }

    async fn keys(&self) -> Result<ClusterDocument, ClusterTokenError> {
        within_limit(self.get("/openid/v1/jwks")).await
    }

    async fn review(
        &self,
        token: &Secret<String>,
        audience: &str,
    ) -> Result<bool, ClusterTokenError> {
        let spec = TokenReviewSpec {
            audiences: Some(vec![audience.to_owned()]),
            token: token.expose().clone(),
        };
        let review = TokenReview { metadata: ObjectMeta::default(), spec, status: None };
        let reviews: Api<TokenReview> = Api::all(self.client.clone());
        let asked = within_limit(async {
            reviews.create(&PostParams::default(), &review).await.map_err(|error| match error {
                kube::Error::Api(status) if matches!(status.code, 401 | 403) => {
                    ClusterTokenError::Forbidden(REVIEW_TOKENS)
                }
                error => unavailable(error.to_string()),
            })
        });
        let status = asked.await?.status.unwrap_or_default();
        let is_for = |audiences: &Vec<String>| audiences.iter().any(|it| it == audience);
        Ok(status.authenticated == Some(true) && status.audiences.as_ref().is_some_and(is_for))
    }

    async fn own_token(&self) -> Option<Secret<String>> {
        let file = self.own_token_file.as_deref()?;
        tokio::fs::read_to_string(file).await.ok().map(Secret::new)
    }
}

async fn within_limit<T>(
    asking: impl Future<Output = Result<T, ClusterTokenError>>,
) -> Result<T, ClusterTokenError> {
    let late = || unavailable(format!("no answer within {} s", REQUEST_TIMEOUT.as_secs()));
    timeout(REQUEST_TIMEOUT, asking).await.unwrap_or_else(|_| Err(late()))
}

fn unavailable(message: String) -> ClusterTokenError {
    ClusterTokenError::Unavailable(message)
}

/// `max-age` of `Cache-Control` (RFC 9111 §5.2.2.1).
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(header::CACHE_CONTROL).iter();
    let directives = values.filter_map(|value| value.to_str().ok()).flat_map(|it| it.split(','));
    let seconds = directives.filter_map(|it| it.trim().strip_prefix("max-age=")?.parse().ok());
    seconds.min().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Response, StatusCode};
    use serde_json::{Value, json};
    use tower::service_fn;

    use super::*;

    /// An API server that answers every request with a status and a body.
    fn server(status: u16, body: Value) -> ApiServerTokens {
        let answer = service_fn(move |request: Request<Body>| {
            let body = match request.uri().path() {
                "/apis/authentication.k8s.io/v1/tokenreviews" => json!({
                    "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
                    "metadata": {}, "spec": {}, "status": body,
                }),
                _ => body.clone(),
            };
            async move {
                let mut answer = Response::new(Body::from(body.to_string().into_bytes()));
                *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
                let cache = HeaderValue::from_static("public, max-age=3600");
                answer.headers_mut().insert(header::CACHE_CONTROL, cache);
                Ok::<_, std::convert::Infallible>(answer)
            }
        });
        ApiServerTokens::new(Client::new(answer, "default"), None)
    }

    #[tokio::test]
    async fn keys_come_with_their_lifetime() {
        let found = server(200, json!({ "keys": [] })).keys().await.expect("keys");
        assert_eq!(found.max_age, Some(Duration::from_hours(1)));
        assert_eq!(found.body, br#"{"keys":[]}"#);
        let huge = server(200, json!("x".repeat(MAX_BYTES))).keys().await;
        assert!(matches!(huge, Err(ClusterTokenError::Unavailable(_))), "{huge:?}");
    }

    #[tokio::test]
    async fn a_missing_permission_differs_from_an_outage() {
        for status in [401, 403] {
            let refused = server(status, json!({})).discovery().await;
            assert_eq!(refused, Err(ClusterTokenError::Forbidden(READ_KEYS)));
        }
        let failed = server(503, json!({})).keys().await;
        assert!(matches!(failed, Err(ClusterTokenError::Unavailable(_))), "{failed:?}");
    }

    #[tokio::test]
    async fn the_own_token_is_that_of_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token");
        let mut tokens = server(403, json!({}));
        assert_eq!(tokens.own_token().await, None);
        tokens.own_token_file = Some(file.display().to_string());
        assert_eq!(tokens.own_token().await, None);
        std::fs::write(&file, "a.b.c").expect("written");
        assert_eq!(tokens.own_token().await, Some(Secret::new("a.b.c".to_owned())));
    }

    #[tokio::test]
    async fn a_review_counts_for_the_audience_that_was_asked_for() {
        let token = Secret::new("token".to_owned());
        for (status, expected) in [
            (json!({ "authenticated": true, "audiences": ["a"] }), true),
            (json!({ "authenticated": true, "audiences": ["b"] }), false),
            (json!({ "authenticated": true }), false),
            (json!({ "authenticated": false, "error": "expired" }), false),
            (json!({}), false),
        ] {
            assert_eq!(server(201, status).review(&token, "a").await, Ok(expected));
        }
    }
}
