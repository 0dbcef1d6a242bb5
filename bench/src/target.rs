//! The provider under load: an issuer, a client, a user. Everything else comes from discovery.

use anyhow::{Context, Result, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use tokio_rustls::TlsConnector;
use url::Url;

use crate::{
    browser::Person,
    http::{Http, TargetUrl},
};

/// The settings of the driver.
#[derive(Clone, Debug)]
pub struct Application {
    pub client_id: String,
    pub client_secret: String,
    pub redirect_uri: String,
    pub scope: String,
    /// Users who sign in; workers take them in turn.
    pub people: Vec<Person>,
}

/// The provider as discovered at its issuer (OpenID Connect Discovery 1.0 §4).
#[derive(Clone)]
pub struct Target {
    pub application: Application,
    pub tls: TlsConnector,
    pub issuer: String,
    pub discovery: TargetUrl,
    pub authorization: Url,
    pub token: TargetUrl,
    pub jwks: TargetUrl,
    /// The account page, where Lanyard has it.
    pub account: Url,
    userinfo: Option<TargetUrl>,
    introspection: Option<TargetUrl>,
    pushed_authorization: Option<TargetUrl>,
    device_authorization: Option<TargetUrl>,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    introspection_endpoint: Option<String>,
    pushed_authorization_request_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
}

impl Target {
    /// Find the endpoints of `issuer`.
    ///
    /// # Errors
    ///
    /// No metadata there, or that of another issuer.
    pub async fn discover(
        issuer: &str,
        application: Application,
        tls: TlsConnector,
    ) -> Result<Self> {
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let discovery = TargetUrl::parse(&url)?;
        let answer = Http::new(tls.clone()).get(&discovery, HeaderMap::new()).await?;
        if !answer.status.is_success() {
            bail!("{url} answered {}: is the issuer right?", answer.status);
        }
        let found: Metadata =
            serde_json::from_slice(&answer.body).with_context(|| format!("reading {url}"))?;
        if found.issuer != issuer {
            bail!("{url} is the metadata of {}, not of {issuer}", found.issuer);
        }
        let optional = |url: Option<String>| url.map(|url| TargetUrl::parse(&url)).transpose();
        Ok(Self {
            application,
            tls,
            issuer: found.issuer,
            discovery,
            authorization: Url::parse(&found.authorization_endpoint)?,
            token: TargetUrl::parse(&found.token_endpoint)?,
            jwks: TargetUrl::parse(&found.jwks_uri)?,
            account: Url::parse(&format!("{}/account", issuer.trim_end_matches('/')))?,
            userinfo: optional(found.userinfo_endpoint)?,
            introspection: optional(found.introspection_endpoint)?,
            pushed_authorization: optional(found.pushed_authorization_request_endpoint)?,
            device_authorization: optional(found.device_authorization_endpoint)?,
        })
    }

    /// The target with another client of the provider, which has the same secret and redirect URI.
    #[must_use]
    pub fn with_client(&self, client_id: String) -> Self {
        let application = Application { client_id, ..self.application.clone() };
        Self { application, ..self.clone() }
    }

    /// The same provider, with metadata and keys read from another server.
    ///
    /// # Errors
    ///
    /// Not an http or https URL.
    pub fn read_from(&self, base: &str) -> Result<Self> {
        let endpoint = TargetUrl::parse(base)?;
        Ok(Self { discovery: endpoint.clone(), jwks: endpoint, ..self.clone() })
    }

    /// # Errors
    ///
    /// The provider has none.
    pub fn userinfo(&self) -> Result<&TargetUrl> {
        self.userinfo.as_ref().context("the provider's metadata names no userinfo_endpoint")
    }

    /// # Errors
    ///
    /// The provider has none.
    pub fn introspection(&self) -> Result<&TargetUrl> {
        self.introspection
            .as_ref()
            .context("the provider's metadata names no introspection_endpoint")
    }

    /// # Errors
    ///
    /// The provider has none.
    pub fn pushed_authorization(&self) -> Result<&TargetUrl> {
        self.pushed_authorization
            .as_ref()
            .context("the provider's metadata names no pushed_authorization_request_endpoint")
    }

    /// # Errors
    ///
    /// The provider has none.
    pub fn device_authorization(&self) -> Result<&TargetUrl> {
        self.device_authorization
            .as_ref()
            .context("the provider's metadata names no device_authorization_endpoint")
    }

    /// Headers of a request with client authentication: `client_secret_basic` (RFC 6749 §2.3.1).
    pub fn basic(&self) -> HeaderMap {
        let encoded =
            |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let Application { client_id, client_secret, .. } = &self.application;
        let pair = format!("{}:{}", encoded(client_id), encoded(client_secret));
        let value = format!("Basic {}", BASE64_STANDARD.encode(pair));
        HeaderMap::from_iter([(
            header::AUTHORIZATION,
            HeaderValue::try_from(value).expect("base64 is a header value"),
        )])
    }
}
