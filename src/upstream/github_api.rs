//! The REST API of GitHub with a person's token.

use serde_json::Value;

use super::UpstreamError;
use crate::{
    fetch::{ClientCall, SharedFetch},
    model::Secret,
    protocol::identity_provider::GitHubUpstream,
};

/// Largest response that is read, in bytes.
pub(super) const MAX_RESPONSE: usize = 1024 * 1024;
/// Most pages of a list, each of 100 entries.
const MAX_PAGES: usize = 20;
/// The host of github.com, whose API has a host of its own.
const PUBLIC_HOST: &str = "github.com";

/// The URL of the REST API of the installation with this host.
pub(super) fn api_base(host: &str) -> String {
    if host == PUBLIC_HOST {
        "https://api.github.com".to_owned()
    } else {
        format!("https://{host}/api/v3")
    }
}

/// The REST API with a person's token.
pub(super) struct GitHubApi<'a> {
    fetch: &'a SharedFetch,
    base: String,
    authorization: Secret<String>,
}

impl<'a> GitHubApi<'a> {
    pub(super) fn new(
        fetch: &'a SharedFetch,
        github: &GitHubUpstream,
        token: &Secret<String>,
    ) -> Self {
        let base = api_base(&github.host);
        let authorization = Secret::new(format!("Bearer {}", token.expose()));
        Self { fetch, base, authorization }
    }

    /// Gets the JSON value at a path of the API. Any status except 200 is an error.
    pub(super) async fn get(&self, path: &str) -> Result<Value, UpstreamError> {
        Ok(self.page(&format!("{}{path}", self.base)).await?.0)
    }

    /// Gets all entries of a list, of at most [`MAX_PAGES`] pages.
    pub(super) async fn list(&self, path: &str) -> Result<Vec<Value>, UpstreamError> {
        let (mut entries, mut url) = (Vec::new(), format!("{}{path}", self.base));
        for _ in 0..MAX_PAGES {
            let (page, next) = self.page(&url).await?;
            let Value::Array(page) = page else {
                return Err(UpstreamError::Api(format!("{path} is not a list")));
            };
            entries.extend(page);
            match next {
                None => return Ok(entries),
                // The token is sent to the API only.
                Some(next) if next.starts_with(&format!("{}/", self.base)) => url = next,
                Some(_) => {
                    return Err(UpstreamError::Api(format!("{path} goes on at another host")));
                }
            }
        }
        Err(UpstreamError::ApiListTooLong(format!("{path}, more than {MAX_PAGES} pages")))
    }

    async fn page(&self, url: &str) -> Result<(Value, Option<String>), UpstreamError> {
        let call = ClientCall {
            url,
            authorization: Some(&self.authorization),
            accept: "application/vnd.github+json",
            body: None,
        };
        let response = self.fetch.call(call, MAX_RESPONSE).await?;
        if response.status != 200 {
            let (url, status) = (url.to_owned(), response.status);
            let is_rate_limited = says_rate_limit(&response.body);
            return Err(UpstreamError::ApiStatus { url, status, is_rate_limited });
        }
        if response.github_sso.as_deref().is_some_and(says_partial) {
            return Err(UpstreamError::ApiPartial(url.to_owned()));
        }
        let value = serde_json::from_slice(&response.body)
            .map_err(|_| UpstreamError::Api(format!("{url} is not JSON")))?;
        Ok((value, response.next))
    }
}

/// Whether entries of organizations are left out, at which the person's token has no SAML sign-in.
fn says_partial(github_sso: &str) -> bool {
    github_sso.split(';').next().is_some_and(|first| first.trim() == "partial-results")
}

/// Whether an error of the API is about a limit of requests, which has the status 403 or 429.
fn says_rate_limit(body: &[u8]) -> bool {
    let error: Option<Value> = serde_json::from_slice(body).ok();
    let message = error.as_ref().and_then(|error| error.get("message")?.as_str());
    message.is_some_and(|message| message.to_ascii_lowercase().contains("rate limit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_results_are_noticed() {
        assert!(says_partial("partial-results; organizations=21955855,20582480"));
        assert!(says_partial("partial-results"));
        assert!(!says_partial("required; url=https://github.com/orgs/acme/sso"));
    }
}
