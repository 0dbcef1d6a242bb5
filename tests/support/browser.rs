//! A browser and a relying party for sign-ins over real HTTP: cookies, forms, redirects, and token
//! requests. They discover the provider from its issuer URL.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use url::Url;

/// Idle timeout of pooled connections: shorter than that of any server, including one that drains,
/// so that no request is sent on a connection that the server is closing.
const IDLE: Duration = Duration::from_secs(1);

/// A browser with a cookie jar and one page at a time.
pub struct Browser {
    client: reqwest::Client,
    /// The port of the provider, if it differs from that of its URLs.
    port: Option<u16>,
    /// Headers of every request.
    headers: reqwest::header::HeaderMap,
}

/// The response after the redirects within the provider.
pub struct Page {
    /// The URL of the page, after redirects within the provider.
    pub url: Url,
    /// The HTTP status of the page.
    pub status: u16,
    /// The headers of the response.
    pub headers: reqwest::header::HeaderMap,
    /// The body as text, in most cases HTML.
    pub body: String,
    /// The URL of the application that the response redirects to.
    pub left_for: Option<Url>,
}

/// A form of a page.
pub struct Form {
    /// The URL that it is sent to.
    pub action: Url,
    /// Names and values of its filled-in fields.
    pub fields: Vec<(String, String)>,
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Browser {
    /// A new browser without cookies.
    pub fn new() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .cookie_store(true)
            .pool_idle_timeout(IDLE)
            .build()
            .expect("a client");
        Self { client, port: None, headers: reqwest::header::HeaderMap::new() }
    }

    /// A browser that reaches the provider through another port of this machine, as through a proxy.
    pub fn through(port: u16) -> Self {
        Self { port: Some(port), ..Self::new() }
    }

    /// Reaches the provider through another port from now on, as a load balancer would send requests to
    /// another replica.
    pub fn reach(&mut self, port: u16) {
        self.port = Some(port);
    }

    /// Adds a header to every later request, as a proxy would.
    pub fn send(&mut self, name: &'static str, value: &str) {
        self.headers.insert(name, value.parse().expect("a value"));
    }

    fn request(&self, method: reqwest::Method, url: &Url) -> reqwest::RequestBuilder {
        let mut target = url.clone();
        if self.port.is_some() {
            target.set_port(self.port).expect("an http URL");
        }
        self.client
            .request(method, target)
            .headers(self.headers.clone())
            .header("host", &url[url::Position::BeforeHost..url::Position::AfterPort])
    }

    /// Opens a URL and follows redirects within its origin.
    pub async fn open(&self, url: &str) -> Page {
        let url = Url::parse(url).expect("a URL");
        let request = self.request(reqwest::Method::GET, &url);
        self.follow(url, request).await
    }

    /// Sends a form with additional fields.
    pub async fn submit(&self, form: &Form, more: &[(&str, &str)]) -> Page {
        let mut fields: Vec<(String, String)> = form.fields.clone();
        for (name, value) in more {
            fields.retain(|(other, _)| other != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        let origin = form.action.origin().ascii_serialization();
        let request = self.request(reqwest::Method::POST, &form.action);
        let request = request.header("origin", origin).form(&fields);
        self.follow(form.action.clone(), request).await
    }

    /// Posts fields as a form of another site would.
    pub async fn post(&self, url: &str, origin: &str, fields: impl serde::Serialize) -> Page {
        let url = Url::parse(url).expect("a URL");
        let request = self.request(reqwest::Method::POST, &url);
        let request = request.header("origin", origin).form(&fields);
        self.follow(url, request).await
    }

    async fn follow(&self, mut url: Url, mut request: reqwest::RequestBuilder) -> Page {
        for _ in 0..10 {
            let response = request.send().await.expect("an answer");
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = response.text().await.expect("text");
            let target = headers
                .get("location")
                .map(|to| url.join(to.to_str().expect("ASCII")).expect("a URL"));
            match target {
                Some(to) if to.origin() == url.origin() && !is_callback(&to) => {
                    request = self.request(reqwest::Method::GET, &to);
                    url = to;
                }
                left_for => return Page { url, status, headers, body, left_for },
            }
        }
        panic!("more than ten redirects, at {url}");
    }
}

/// Whether a URL on the provider's origin belongs to an application (the demo of `lanyard dev`).
fn is_callback(url: &Url) -> bool {
    url.path().ends_with("/callback") && url.query_pairs().any(|(name, _)| name == "state")
}

impl Page {
    /// The first form of the page whose action ends with the given text.
    pub fn form(&self, action_ends: &str) -> Form {
        let from = self
            .body
            .match_indices("<form")
            .map(|(at, _)| &self.body[at..])
            .find(|rest| {
                attribute(tag(rest), "action").is_some_and(|action| {
                    action.split('?').next().unwrap_or_default().ends_with(action_ends)
                })
            })
            .unwrap_or_else(|| panic!("no form {action_ends} at {}: {}", self.url, self.body));
        let form = &from[..from.find("</form>").unwrap_or(from.len())];
        let action = attribute(tag(form), "action").expect("found by it");
        let fields = form
            .match_indices("<input")
            .map(|(at, _)| tag(&form[at..]))
            .filter_map(|tag| {
                Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
            })
            .collect();
        Form { action: self.url.join(&action).expect("a URL"), fields }
    }

    /// Parameters of the URL that the response redirects to, from its query and fragment.
    pub fn answer(&self) -> BTreeMap<String, String> {
        let url = self.left_for.as_ref().unwrap_or_else(|| {
            panic!("still at the provider: {} {}: {}", self.status, self.url, self.body)
        });
        let fragment = url.fragment().unwrap_or_default().as_bytes().to_vec();
        url.query_pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .chain(
                form_urlencoded::parse(&fragment)
                    .map(|(name, value)| (name.into_owned(), value.into_owned())),
            )
            .collect()
    }
}

/// The HTML tag at the start of a text.
fn tag(text: &str) -> &str {
    &text[..text.find('>').map_or(text.len(), |end| end + 1)]
}

/// An attribute's value, with entities decoded.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let value = &tag[start..start + tag[start..].find('"')?];
    Some(unescape(value))
}

/// Text of HTML, with entities decoded.
pub fn unescape(value: &str) -> String {
    let mut text = value.to_owned();
    for (entity, plain) in [
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&lt;", "<"),
        ("&#60;", "<"),
        ("&gt;", ">"),
        ("&#62;", ">"),
        ("&amp;", "&"),
        ("&#38;", "&"),
    ] {
        text = text.replace(entity, plain);
    }
    text
}

/// A relying party: the metadata from discovery, its credentials, and its redirect URI.
#[derive(Clone)]
pub struct Application {
    /// The metadata of the provider (OIDC Discovery §3).
    pub metadata: Value,
    /// The `client_id` (RFC 6749 §2.2).
    pub client_id: String,
    /// `client_secret`, `None` for public clients.
    pub client_secret: Option<String>,
    /// The redirect URI of the application. No server has to listen there.
    pub redirect_uri: String,
    client: reqwest::Client,
}

/// The PKCE verifier of every test; the challenge is computed from it.
pub const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-for-tests";

impl Application {
    /// An application with the metadata that the issuer publishes.
    pub async fn discover(
        issuer: &str,
        client_id: &str,
        client_secret: Option<&str>,
        redirect_uri: &str,
    ) -> Self {
        let client = Browser::new().client;
        let url = format!("{issuer}/.well-known/openid-configuration");
        let response = client.get(&url).send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 200, "{url}");
        let metadata: Value = response.json().await.expect("JSON");
        assert_eq!(metadata["issuer"], issuer);
        Self {
            metadata,
            client_id: client_id.to_owned(),
            client_secret: client_secret.map(str::to_owned),
            redirect_uri: redirect_uri.to_owned(),
            client,
        }
    }

    /// Sends everything to the server at a port from now on.
    pub fn reach(&mut self, port: u16) {
        self.client = Browser::through(port).client;
    }

    /// The URL of an endpoint by its name in the metadata, such as `token_endpoint`. Panics if it is missing.
    pub fn endpoint(&self, name: &str) -> &str {
        self.metadata[name].as_str().unwrap_or_else(|| panic!("no {name} in the metadata"))
    }

    /// An authorization request of the code flow with PKCE and additional parameters.
    pub fn authorize_url(&self, scope: &str, more: &[(&str, &str)]) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes()).as_ref(),
        );
        let mut parameters: BTreeMap<&str, &str> = BTreeMap::from([
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("response_type", "code"),
            ("scope", scope),
            ("state", "a-state"),
            ("nonce", "a-nonce"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ]);
        parameters.extend(more.iter().copied());
        parameters.retain(|_, value| !value.is_empty());
        let mut url = Url::parse(self.endpoint("authorization_endpoint")).expect("a URL");
        url.query_pairs_mut().extend_pairs(parameters);
        url.into()
    }

    /// Sends a token request with the client's authentication.
    pub async fn token(&self, parameters: &[(&str, &str)]) -> (u16, Value) {
        let response = self.post("token_endpoint", parameters).await;
        (response.status().as_u16(), response.json().await.expect("JSON"))
    }

    /// Posts a form to an endpoint with the client's authentication.
    pub async fn post(&self, endpoint: &str, parameters: &[(&str, &str)]) -> reqwest::Response {
        let mut request = self.client.post(self.endpoint(endpoint));
        let mut body = parameters.to_vec();
        match &self.client_secret {
            Some(secret) => {
                request =
                    request.basic_auth(form_encode(&self.client_id), Some(form_encode(secret)));
            }
            None => body.push(("client_id", &self.client_id)),
        }
        request.form(&body).send().await.expect("an answer")
    }

    /// Redeems the code of an authorization response.
    pub async fn redeem(&self, code: &str) -> (u16, Value) {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    /// Status and body of the userinfo response for an access token.
    pub async fn userinfo(&self, access_token: &str) -> (u16, Value) {
        let response = self
            .client
            .get(self.endpoint("userinfo_endpoint"))
            .bearer_auth(access_token)
            .send()
            .await
            .expect("an answer");
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    /// The JWK set of the provider, fetched from its `jwks_uri`.
    pub async fn jwks(&self) -> Value {
        let response = self.client.get(self.endpoint("jwks_uri")).send().await.expect("an answer");
        response.json().await.expect("JSON")
    }

    /// Signs in with a password and consents if asked; returns the parameters of the response.
    pub async fn sign_in(
        &self,
        browser: &Browser,
        url: &str,
        (username, password): (&str, &str),
    ) -> BTreeMap<String, String> {
        let page = browser.open(url).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let page = browser
            .submit(&page.form("/login"), &[("username", username), ("password", password)])
            .await;
        let page = agree(browser, page).await;
        page.answer()
    }
}

/// Consents if the page asks for consent; returns any other page unchanged.
pub async fn agree(browser: &Browser, page: Page) -> Page {
    if page.left_for.is_none() && page.body.contains("/consent\"") {
        return browser.submit(&page.form("/consent"), &[("action", "allow")]).await;
    }
    page
}

/// The claims of a JWT, unverified.
pub fn claims(jwt: &str) -> Value {
    let payload = jwt.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

/// The claims of a JWT that a key of the JWKS verifies.
pub fn verified(jwt: &str, jwks: &Value, audience: &str) -> Value {
    let header = jsonwebtoken::decode_header(jwt).expect("a JWT");
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(jwks.clone()).expect("a JWK set");
    let key = set.find(header.kid.as_deref().expect("a kid")).expect("the key is published");
    let mut validation = jsonwebtoken::Validation::new(header.alg);
    validation.set_audience(&[audience]);
    let key = jsonwebtoken::DecodingKey::from_jwk(key).expect("a usable key");
    jsonwebtoken::decode::<Value>(jwt, &key, &validation).expect("it verifies").claims
}

/// form-urlencoding of client credentials (RFC 6749 §2.3.1).
pub fn form_encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
