//! The suite's relying party: a client that was registered for one module.

use std::collections::BTreeMap;

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use url::Url;

use super::{
    browser::form_encode,
    checks,
    keys::{FIRST, Key},
    op::Op,
    person::{Person, Visit},
};

/// The origin of the relying party.
pub const RP: &str = "https://rp.test/";
/// The redirect URI of the relying party.
pub const CALLBACK: &str = "https://rp.test/callback";

/// The parameters that a module runs with.
#[derive(Clone, Copy)]
pub struct Variant {
    pub response_type: &'static str,
    pub form_post: bool,
    pub auth: Auth,
}

/// The authentication method of the client.
#[derive(Clone, Copy, PartialEq)]
pub enum Auth {
    Basic,
    Post,
    PrivateKeyJwt,
}

impl Auth {
    pub const fn method(self) -> &'static str {
        match self {
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

impl Variant {
    /// A variant with the default response mode.
    pub const fn of(response_type: &'static str) -> Self {
        Self { response_type, form_post: false, auth: Auth::Basic }
    }

    /// A variant with `response_mode=form_post`.
    pub const fn posted(response_type: &'static str) -> Self {
        Self { form_post: true, ..Self::of(response_type) }
    }

    /// Changes the authentication method.
    pub const fn by(self, auth: Auth) -> Self {
        Self { auth, ..self }
    }

    /// Whether the response type contains this word.
    pub fn has(self, word: &str) -> bool {
        self.response_type.split(' ').any(|other| other == word)
    }
}

/// The parameters of an authorization request.
pub type Request = BTreeMap<&'static str, String>;

/// A relying party that registers itself at the server under test and runs one variant of the tests.
pub struct Rp<'a> {
    pub op: &'a Op,
    pub variant: Variant,
    /// The answer of the registration endpoint.
    pub registered: Value,
    /// The key for client assertions and request objects.
    pub key: &'static Key,
}

impl<'a> Rp<'a> {
    pub fn new(op: &'a Op, variant: Variant, registered: Value) -> Self {
        Self { op, variant, registered, key: &FIRST }
    }

    pub fn text(&self, name: &str) -> &str {
        self.registered[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.registered))
    }

    pub fn client_id(&self) -> &str {
        self.text("client_id")
    }

    /// A request as the suite sends it.
    pub fn request(&self) -> Request {
        let mut request = Request::from([
            ("client_id", self.client_id().to_owned()),
            ("redirect_uri", CALLBACK.to_owned()),
            ("scope", "openid".to_owned()),
            ("state", "Zx8-a_state.that~comes&back=0".to_owned()),
            ("nonce", "a-nonce".to_owned()),
            ("response_type", self.variant.response_type.to_owned()),
        ]);
        if self.variant.form_post {
            request.insert("response_mode", "form_post".to_owned());
        }
        request
    }

    /// A request with changes. Empty parameters are left out.
    pub fn request_with(&self, changes: &[(&'static str, &str)]) -> Request {
        let mut request = self.request();
        request.extend(changes.iter().map(|(name, value)| (*name, (*value).to_owned())));
        request.retain(|_, value| !value.is_empty());
        request
    }

    /// The URL of a request.
    pub fn url<'r>(
        &self,
        request: impl IntoIterator<Item = (&'r &'static str, &'r String)>,
    ) -> String {
        let mut url = Url::parse(self.op.endpoint("authorization_endpoint")).expect("a URL");
        url.query_pairs_mut().extend_pairs(request);
        url.into()
    }

    /// Sends a user to the authorization endpoint with a request.
    pub async fn send(&self, person: &Person, changes: &[(&'static str, &str)]) -> Visit {
        person.visits(&self.url(&self.request_with(changes))).await
    }

    /// Sends a token request.
    pub async fn token(&self, form: &[(&str, &str)]) -> Response {
        let assertion = self.assertion(self.op.endpoint("token_endpoint"));
        self.authenticated(form, &assertion).send().await.expect("an answer")
    }

    /// A client assertion for an audience.
    pub fn assertion(&self, audience: &str) -> String {
        let (id, now) = (self.client_id(), self.op.now());
        let jti = self.op.app.app.accounts.entropy.id();
        self.key.sign(&json!({
            "iss": id, "sub": id, "aud": audience, "jti": jti, "iat": now, "exp": now + 60,
        }))
    }

    pub fn authenticated(&self, form: &[(&str, &str)], assertion: &str) -> RequestBuilder {
        let request = self.op.http.post(self.op.endpoint("token_endpoint"));
        let mut form = form.to_vec();
        match self.variant.auth {
            Auth::Basic => {
                let secret = form_encode(self.text("client_secret"));
                request.basic_auth(form_encode(self.client_id()), Some(secret)).form(&form)
            }
            Auth::Post => {
                form.push(("client_id", self.client_id()));
                form.push(("client_secret", self.text("client_secret")));
                request.form(&form)
            }
            Auth::PrivateKeyJwt => {
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                form.push(("client_assertion_type", kind));
                form.push(("client_assertion", assertion));
                request.form(&form)
            }
        }
    }

    /// Redeems a code, and asserts a successful token response.
    pub async fn redeem(&self, code: &str) -> Value {
        checks::tokens(self.token(&Self::code_form(code)).await).await
    }

    pub fn code_form(code: &str) -> [(&'static str, &str); 3] {
        [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)]
    }

    /// Requests userinfo with the token in the header. It sends `Accept: application/json` even if the
    /// client registered for a JWT.
    pub async fn userinfo(&self, access_token: &str) -> Response {
        let request = self.op.http.get(self.op.endpoint("userinfo_endpoint"));
        let request = request.header("accept", "application/json").bearer_auth(access_token);
        request.send().await.expect("an answer")
    }

    /// Deletes the client, as the suite does after each module.
    pub async fn unregister(self) {
        let request = self.op.http.delete(self.text("registration_client_uri"));
        let request = request.bearer_auth(self.text("registration_access_token"));
        assert_eq!(request.send().await.expect("an answer").status(), 204, "RFC 7592 §2.3");
    }
}
