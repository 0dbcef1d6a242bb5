//! The provider with a port for certificates, and clients with certificates.

use std::sync::Arc;

use lanyard::http::{ServerConfig, TlsConfig};
use serde_json::{Value, json};
use url::Url;

use super::{
    app::TestApp,
    browser::{Application, Browser, VERIFIER},
    certificates::{Identity, NamedAuthority},
};

pub const ALICE: (&str, &str) = ("alice", "correct horse");

/// The provider, the authority that its clients name, and the authority of its own certificate.
pub struct World {
    pub app: TestApp,
    pub authority: NamedAuthority,
    pub own: Identity,
    pub tls: Arc<TlsConfig>,
    pub servers: NamedAuthority,
}

/// A client with its metadata, and the certificate that it uses.
pub struct Caller {
    pub application: Application,
    pub document: Value,
    pub http: reqwest::Client,
    /// The port of the endpoints, if it differs from that of the document.
    pub port: Option<u16>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(ServerConfig::default()).await
    }

    /// Starts the provider with other settings of the server.
    pub async fn with(config: ServerConfig) -> Self {
        let (authority, servers) = (NamedAuthority::new("Acme"), NamedAuthority::new("Servers"));
        let own = Identity::self_signed("own.acme.test");
        let tls = Arc::new(servers.server_tls());
        let text = manifests(&authority, &own);
        let app = TestApp::start_mutual_tls(&text, Arc::clone(&tls), config).await;
        Self { app, authority, own, tls, servers }
    }

    /// Serves the manifests with these replacements.
    pub fn change(&self, from: &str, to: &str) {
        let text = manifests(&self.authority, &self.own);
        assert!(text.contains(from), "{from} is not in the manifests");
        self.app.serve(&text.replace(from, to));
    }

    /// An HTTP client. It presents the certificate, if one is given.
    pub fn http(&self, identity: Option<&Identity>) -> reqwest::Client {
        self.servers.http_client(identity)
    }

    /// A certificate of the authority that clients name.
    pub fn issue(&self, dns: &str) -> Identity {
        self.authority.issue(dns)
    }

    /// A client of a tenant. It presents the certificate, if one is given.
    pub async fn caller(
        &self,
        (tenant, name): (&str, &str),
        identity: Option<&Identity>,
    ) -> Caller {
        let (issuer, id) = (self.app.issuer(tenant), format!("default.{name}"));
        let application = Application::discover(&issuer, &id, None, "https://rp.test/cb").await;
        let url = format!("{issuer}/.well-known/openid-configuration");
        let document = reqwest::get(url).await.expect("an answer").json().await.expect("JSON");
        Caller { application, document, http: self.http(identity), port: None }
    }
}

impl Caller {
    /// The address of an endpoint where certificates are presented.
    pub fn alias(&self, endpoint: &str) -> String {
        let alias = self.document["mtls_endpoint_aliases"][endpoint].as_str();
        let mut url = Url::parse(alias.expect("an alias")).expect("a URL");
        if let Some(port) = self.port {
            url.set_port(Some(port)).expect("an https URL");
        }
        url.into()
    }

    /// Posts a form with the client's ID to an endpoint; returns status and body.
    pub async fn post(&self, endpoint: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let alias = self.alias(endpoint);
        self.post_to(&alias, form, &[]).await
    }

    /// Posts a form with the client's ID to a URL, with headers; returns status and body.
    pub async fn post_to(
        &self,
        url: &str,
        form: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        let mut form = form.to_vec();
        form.push(("client_id", &self.application.client_id));
        let mut request = self.http.post(url).form(&form);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request).await
    }

    /// A token request of the client itself.
    pub async fn client_credentials(&self, more: &[(&str, &str)]) -> (u16, Value) {
        let mut form = more.to_vec();
        form.push(("grant_type", "client_credentials"));
        self.post("token_endpoint", &form).await
    }

    /// The code of a new sign-in of Alice.
    pub async fn code(&self, scope: &str) -> String {
        let (application, browser) = (&self.application, Browser::new());
        let url = application.authorize_url(scope, &[]);
        self.code_at(&browser, &url).await
    }

    /// The code of a request at a URL.
    pub async fn code_at(&self, browser: &Browser, url: &str) -> String {
        let page = browser.open(url).await;
        let (name, password) = ALICE;
        let fields = [("username", name), ("password", password)];
        let page = browser.submit(&page.form("/login"), &fields).await;
        let mut answer = page.answer();
        answer.remove("code").unwrap_or_else(|| panic!("no code in {answer:?}"))
    }

    /// Redeems a code of the client; returns the status and body.
    pub async fn redeem(&self, code: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.application.redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        self.post("token_endpoint", &form).await
    }

    /// The tokens of a new sign-in of Alice.
    pub async fn tokens(&self) -> Value {
        let code = self.code("openid profile offline_access").await;
        let (status, tokens) = self.redeem(&code).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    /// Uses a refresh token.
    pub async fn refresh(&self, tokens: &Value) -> (u16, Value) {
        let token = tokens["refresh_token"].as_str().expect("a refresh token");
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post("token_endpoint", &form).await
    }

    /// Asks for the claims about the user.
    pub async fn userinfo(&self, tokens: &Value) -> (u16, Value) {
        let token = tokens["access_token"].as_str().expect("an access token");
        read(self.http.get(self.alias("userinfo_endpoint")).bearer_auth(token)).await
    }
}

impl World {
    /// Introspects a token as the client `plain`.
    pub async fn introspect(&self, token: &str) -> Value {
        let identity = self.issue("plain.acme.test");
        let plain = self.caller(("shop", "plain"), Some(&identity)).await;
        let (status, answer) = plain.post("introspection_endpoint", &[("token", token)]).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }
}

pub async fn read(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("an answer");
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

#[track_caller]
pub fn assert_error((status, answer): &(u16, Value), expected: u16, error: &str) {
    assert_eq!((*status, answer["error"].as_str()), (expected, Some(error)), "{answer}");
}

fn manifests(authority: &NamedAuthority, own: &Identity) -> String {
    include_str!("manifests.yaml")
        .replace("AUTHORITIES}", &format!("{}}}", json!(authority.pem())))
        .replace("jwks: OWN", &format!("jwks: {}", json!({ "keys": [own.jwk] })))
}
