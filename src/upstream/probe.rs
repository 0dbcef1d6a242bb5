//! Asks identity providers whether they can be used: over the network, as a sign-in would.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use super::ldap::{DirectoryFault, LdapDirectories};
use crate::{
    fetch::{ClientCall, FetchError, SharedFetch, is_certificate_error, trusting_client},
    model::{ProbeError, ProbeFailure, ProbeQuestion, ProbeTarget, UpstreamProbe},
    protocol::{
        identity_provider::{ORGANIZATIONS, TENANT_PLACEHOLDER},
        upstream::UpstreamMetadata,
    },
    remote::MAX_DOCUMENT_BYTES,
};

/// Largest answer of GitHub, in bytes. Discovery documents have the limit of a sign-in.
const MAX_ANSWER: usize = 256 * 1024;

/// Asks providers by clients of its own, so that a probe never waits for a person's sign-in, nor a
/// sign-in for a probe.
#[derive(Debug)]
pub struct NetworkProbe {
    /// The HTTP client for providers with public addresses.
    pub public: SharedFetch,
    /// The HTTP client for providers inside the network.
    pub internal: SharedFetch,
    /// The LDAP directories, with separate connections.
    pub directories: LdapDirectories,
}

#[async_trait]
impl UpstreamProbe for NetworkProbe {
    async fn probe(&self, target: &ProbeTarget) -> Result<(), ProbeError> {
        let fetch = if target.inside_network { &self.internal } else { &self.public };
        let fetch = &trusting_client(Arc::clone(fetch), target.certificates.as_ref());
        match &target.question {
            ProbeQuestion::Discovery(issuer) => probe_discovery(fetch, issuer).await,
            ProbeQuestion::GitHubApi(host) => probe_github(fetch, host).await,
            ProbeQuestion::Directory(settings) => {
                self.directories.check_account(settings).await.or_else(|fault| {
                    let cause = fault.to_string();
                    failure_of_directory(&fault)
                        .map_or(Ok(()), |failure| Err(ProbeError { failure, cause }))
                })
            }
        }
    }
}

/// Fetches a discovery document, and compares its issuer (OIDC Discovery §4.3).
async fn probe_discovery(fetch: &SharedFetch, issuer: &str) -> Result<(), ProbeError> {
    // A template of issuers has one document for all directories.
    let base = issuer.replace(TENANT_PLACEHOLDER, ORGANIZATIONS);
    let fetched = fetch.get(&UpstreamMetadata::url_of(&base), MAX_DOCUMENT_BYTES).await;
    let document = fetched.map_err(|error| ProbeError {
        failure: failure_of_fetch(&error),
        cause: error.to_string(),
    })?;
    let bad = |cause| ProbeError { failure: ProbeFailure::BadMetadata, cause };
    let metadata =
        UpstreamMetadata::parse(&document.body).map_err(|error| bad(error.to_string()))?;
    if metadata.issuer == issuer {
        return Ok(());
    }
    Err(bad(format!("the discovery document of {issuer} is about {:?}", metadata.issuer)))
}

/// Asks GitHub's API for the rate limit, which costs nothing of it.
async fn probe_github(fetch: &SharedFetch, host: &str) -> Result<(), ProbeError> {
    let url = format!("{}/rate_limit", super::github_api::api_base(host));
    let call = ClientCall {
        url: &url,
        authorization: None,
        accept: "application/vnd.github+json",
        body: None,
    };
    match fetch.call(call, MAX_ANSWER).await {
        Ok(answer) if is_answer_of_github(&answer.body) => Ok(()),
        Ok(answer) => {
            let is_failing = answer.status >= 500 || answer.status == 429;
            let failure =
                if is_failing { ProbeFailure::Unreachable } else { ProbeFailure::NotGitHub };
            let cause = format!(
                "{url} answered with status {}, and not as the API of GitHub does",
                answer.status
            );
            Err(ProbeError { failure, cause })
        }
        Err(error) => {
            Err(ProbeError { failure: failure_of_fetch(&error), cause: error.to_string() })
        }
    }
}

/// Whether an answer is one of GitHub's API: the limits, or an error with a link to its documentation. A server
/// may hide its API from strangers, or have no limits.
fn is_answer_of_github(body: &[u8]) -> bool {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return false };
    let link = answer.get("documentation_url").and_then(Value::as_str);
    let link = link.and_then(|link| Url::parse(link).ok());
    let of_github = |host: &str| host == "github.com" || host.ends_with(".github.com");
    link.is_some_and(|link| link.host_str().is_some_and(of_github))
        || answer.get("resources").and_then(|it| it.get("core")).is_some_and(Value::is_object)
}

fn failure_of_fetch(error: &FetchError) -> ProbeFailure {
    match error {
        FetchError::Forbidden(_) => ProbeFailure::HostNotAllowed,
        FetchError::Unencrypted(_) => ProbeFailure::Unencrypted,
        FetchError::Url(_) | FetchError::TooLarge(..) => ProbeFailure::BadMetadata,
        // The server answers, but has no such document.
        FetchError::Status(_, status) if *status < 500 && *status != 429 => {
            ProbeFailure::BadMetadata
        }
        error if error.is_about_certificate() => ProbeFailure::CertificateInvalid,
        FetchError::Unknown(_)
        | FetchError::Broken(..)
        | FetchError::Late(_)
        | FetchError::Busy
        | FetchError::Status(..) => ProbeFailure::Unreachable,
    }
}

/// The failure of a directory; `None` for a fault that is not the server's.
fn failure_of_directory(fault: &DirectoryFault) -> Option<ProbeFailure> {
    Some(match fault {
        DirectoryFault::ForbiddenAddress(_) => ProbeFailure::HostNotAllowed,
        DirectoryFault::Certificates(..) => ProbeFailure::CertificateInvalid,
        DirectoryFault::Tls(_, cause) if is_certificate_error(cause) => {
            ProbeFailure::CertificateInvalid
        }
        DirectoryFault::RefusesAccount { .. } => ProbeFailure::AccountRefused,
        DirectoryFault::UnknownHost(_)
        | DirectoryFault::Unreachable(..)
        | DirectoryFault::Tls(..)
        | DirectoryFault::Late { .. }
        | DirectoryFault::Closed { .. }
        | DirectoryFault::Malformed { .. }
        | DirectoryFault::Refuses { .. }
        | DirectoryFault::NothingVisible { .. }
        | DirectoryFault::TooLarge { .. }
        | DirectoryFault::TooManyPages { .. } => ProbeFailure::Unreachable,
        DirectoryFault::Busy(_)
        | DirectoryFault::TooManyGroups { .. }
        | DirectoryFault::CutAttribute { .. }
        | DirectoryFault::NoName { .. }
        | DirectoryFault::AmbiguousName { .. }
        | DirectoryFault::NoIdentifier { .. }
        | DirectoryFault::NoPrimaryGroup
        | DirectoryFault::NoDistinguishedName => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use bytes::Bytes;
    use rustls::{CertificateError, RootCertStore};

    use super::*;
    use crate::{
        fetch::{CallResponse, EgressPolicy, Fetch, FetchedDocument},
        model::ErrorCause,
    };

    /// A server with one answer.
    #[derive(Debug)]
    struct Answering(Result<&'static str, FetchError>);

    /// A server that has a document at one URL.
    #[derive(Debug)]
    struct DocumentAt(&'static str, &'static str);

    #[async_trait]
    impl Fetch for DocumentAt {
        async fn get(&self, url: &str, _: usize) -> Result<FetchedDocument, FetchError> {
            assert_eq!(url, self.0);
            let body = Bytes::from(self.1);
            Ok(FetchedDocument { body, content_type: None, max_age: None })
        }

        async fn post_form(&self, _: &str, _: String) -> Result<u16, FetchError> {
            Err(FetchError::Busy)
        }

        async fn call(&self, _: ClientCall<'_>, _: usize) -> Result<CallResponse, FetchError> {
            Err(FetchError::Busy)
        }
    }

    #[async_trait]
    impl Fetch for Answering {
        async fn get(&self, _: &str, _: usize) -> Result<FetchedDocument, FetchError> {
            let body = Bytes::from(self.0.clone()?);
            Ok(FetchedDocument { body, content_type: None, max_age: None })
        }

        async fn post_form(&self, _: &str, _: String) -> Result<u16, FetchError> {
            Err(FetchError::Busy)
        }

        async fn call(&self, _: ClientCall<'_>, _: usize) -> Result<CallResponse, FetchError> {
            let body = Bytes::from(self.0.clone()?);
            Ok(CallResponse { status: 403, body, content_type: None, next: None, github_sso: None })
        }
    }

    async fn probe(
        question: ProbeQuestion,
        inside_network: bool,
        answer: Result<&'static str, FetchError>,
    ) -> Result<(), ProbeFailure> {
        let (right, wrong): (SharedFetch, SharedFetch) =
            (Arc::new(Answering(answer)), Arc::new(Answering(Err(FetchError::Busy))));
        let (public, internal) = if inside_network { (wrong, right) } else { (right, wrong) };
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let directories = LdapDirectories::new(EgressPolicy::default(), RootCertStore::empty());
        let probe = NetworkProbe { public, internal, directories };
        let asked =
            probe.probe(&ProbeTarget { question, certificates: None, inside_network }).await;
        asked.map_err(|error| error.failure)
    }

    fn certificate_error() -> FetchError {
        let error = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let error = io::Error::new(io::ErrorKind::InvalidData, error);
        FetchError::Broken("sso.test".into(), ErrorCause::new(error))
    }

    #[tokio::test]
    async fn a_provider_is_judged_by_its_discovery_document() {
        const OWN: &str = r#"{"issuer": "https://sso.test", "authorization_endpoint": "https://sso.test/a",
            "token_endpoint": "https://sso.test/t", "jwks_uri": "https://sso.test/k",
            "response_types_supported": ["code"]}"#;
        const OTHER: &str = r#"{"issuer": "https://other.test", "authorization_endpoint": "https://sso.test/a",
            "token_endpoint": "https://sso.test/t", "jwks_uri": "https://sso.test/k",
            "response_types_supported": ["code"]}"#;
        let host = || "sso.test".to_owned();
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "refused");
        for (answer, expected) in [
            (Ok(OWN), Ok(())),
            (Ok(OTHER), Err(ProbeFailure::BadMetadata)),
            (Ok("{}"), Err(ProbeFailure::BadMetadata)),
            (Err(FetchError::Status(host(), 404)), Err(ProbeFailure::BadMetadata)),
            (Err(FetchError::Status(host(), 503)), Err(ProbeFailure::Unreachable)),
            (Err(FetchError::Late(host())), Err(ProbeFailure::Unreachable)),
            (
                Err(FetchError::Broken(host(), ErrorCause::new(refused))),
                Err(ProbeFailure::Unreachable),
            ),
            (Err(certificate_error()), Err(ProbeFailure::CertificateInvalid)),
            (Err(FetchError::Forbidden(host())), Err(ProbeFailure::HostNotAllowed)),
            (Err(FetchError::Unencrypted(host())), Err(ProbeFailure::Unencrypted)),
        ] {
            for inside_network in [false, true] {
                let question = ProbeQuestion::Discovery("https://sso.test".into());
                let found = probe(question, inside_network, answer.clone()).await;
                assert_eq!(found, expected, "{answer:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_template_of_issuers_has_one_document_for_all_directories() {
        const AT: &str = "https://login.test/organizations/v2.0/.well-known/openid-configuration";
        const DOCUMENT: &str = r#"{"issuer": "https://login.test/{tenantid}/v2.0",
            "authorization_endpoint": "https://login.test/a", "token_endpoint": "https://login.test/t",
            "jwks_uri": "https://login.test/k", "response_types_supported": ["code"]}"#;
        let fetch: SharedFetch = Arc::new(DocumentAt(AT, DOCUMENT));
        let template = "https://login.test/{tenantid}/v2.0";
        assert!(probe_discovery(&fetch, template).await.is_ok());
        let own: SharedFetch = Arc::new(DocumentAt(AT, "{}"));
        let failed = probe_discovery(&own, template).await.map_err(|error| error.failure);
        assert_eq!(failed, Err(ProbeFailure::BadMetadata));
    }

    #[tokio::test]
    async fn a_server_that_is_not_github_is_recognized_by_its_answer() {
        let github = || ProbeQuestion::GitHubApi("github.com".into());
        for (answer, expected) in [
            (r#"{"resources": {"core": {"limit": 60, "remaining": 59}}, "rate": {}}"#, Ok(())),
            (
                r#"{"message": "Must authenticate to access this API.", "documentation_url": "https://docs.github.com/enterprise-server@3.15/rest"}"#,
                Ok(()),
            ),
            (
                r#"{"message": "API rate limit exceeded", "documentation_url": "https://developer.github.com/v3/#rate-limiting"}"#,
                Ok(()),
            ),
            (r#"{"message": "404 Not Found"}"#, Err(ProbeFailure::NotGitHub)),
            ("<html><title>Sign in</title></html>", Err(ProbeFailure::NotGitHub)),
            (
                r#"{"documentation_url": "https://github.com.evil.test/"}"#,
                Err(ProbeFailure::NotGitHub),
            ),
            ("", Err(ProbeFailure::NotGitHub)),
        ] {
            assert_eq!(probe(github(), false, Ok(answer)).await, expected, "{answer}");
        }
        let late = Err(FetchError::Late("api.github.com".into()));
        assert_eq!(probe(github(), false, late).await, Err(ProbeFailure::Unreachable));
    }
}
