//! The provider with the clients of every variant, and a client that acts as its variant says.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use lanyard::http::ServerConfig;
use serde_json::{Value, json};

use super::{
    app::TestApp,
    browser::{Application, Browser, Page, verified},
    certificates::{Identity, NamedAuthority},
    dpop::DpopKey,
    variants::{FapiRequestMethod, FapiResponseMode, ProfileOwner, SenderConstrain, Variant},
    world::{ClientKeys, Party, World, assert_error, pairs, text},
};

pub const PAR: &str = "pushed_authorization_request_endpoint";
const TOKEN: &str = "token_endpoint";

/// The provider, which has two clients for each variant.
pub struct Suite {
    pub world: World,
    /// The authority of the provider's certificate.
    servers: NamedAuthority,
    /// The certificates of the clients, by name.
    identities: BTreeMap<String, Identity>,
    /// The browser in which Alice is signed in, for each tenant.
    browsers: BTreeMap<&'static str, Browser>,
}

/// A client that follows a variant.
pub struct VariantClient<'s> {
    pub suite: &'s Suite,
    pub variant: Variant,
    pub party: Party<'s>,
    /// The certificate of the client, which only some variants present.
    pub identity: &'s Identity,
}

/// The module and variant that run now. If a test panics, it prints them.
pub struct RunningModule {
    pub module: &'static str,
    pub variant: Variant,
}

impl Drop for RunningModule {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("module {} failed in the variant {}", self.module, self.variant);
        }
    }
}

impl Suite {
    pub async fn start() -> Self {
        let servers = NamedAuthority::new("Servers");
        let identities: BTreeMap<_, _> = clients()
            .into_keys()
            .map(|name| {
                let identity = Identity::self_signed(&format!("{name}.test"));
                (name, identity)
            })
            .collect();
        let (tls, config) = (Arc::new(servers.server_tls()), ServerConfig::default());
        let app = TestApp::start_mutual_tls(&manifests(&identities), tls, config).await;
        let world = World { app, http: reqwest::Client::new() };
        let browsers = Variant::all().iter().map(|it| (it.tenant(), Browser::new())).collect();
        Self { world, servers, identities, browsers }
    }

    /// The first or second client of a variant.
    pub async fn client(&self, variant: Variant, number: u8) -> VariantClient<'_> {
        let name = variant.client_name(number);
        let (issuer, id) = (self.world.app.issuer(variant.tenant()), format!("default.{name}"));
        let mut application = Application::discover(&issuer, &id, None, "https://rp.test/cb").await;
        let identity = &self.identities[&name];
        let mut http = self.world.http.clone();
        if variant.has_certificate() {
            http = self.servers.http_client(Some(identity));
            let aliases = application.metadata["mtls_endpoint_aliases"].clone();
            for (endpoint, url) in aliases.as_object().expect("an object") {
                application.metadata[endpoint] = url.clone();
            }
        }
        let keys = client_keys(number);
        let party = Party { world: &self.world, application, keys, key: DpopKey::new(), http };
        VariantClient { suite: self, variant, party, identity }
    }
}

impl VariantClient<'_> {
    /// The other client of the same variant.
    pub async fn other(&self) -> VariantClient<'_> {
        self.suite.client(self.variant, 2).await
    }

    /// The same client with another key: a new DPoP key, and another certificate or none.
    pub fn with_other_keys(&self, identity: Option<&Identity>) -> VariantClient<'_> {
        let http = if self.variant.has_certificate() {
            self.suite.servers.http_client(identity)
        } else {
            self.party.http.clone()
        };
        let party = Party {
            world: &self.suite.world,
            application: self.party.application.clone(),
            keys: self.party.keys,
            key: DpopKey::new(),
            http,
        };
        VariantClient { suite: self.suite, variant: self.variant, party, identity: self.identity }
    }

    /// The parameters of an authorization request, with changes. An empty value removes one.
    pub fn parameters(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut all = Vec::new();
        if !self.variant.is_openid() {
            all.extend([("scope", "profile offline_access"), ("nonce", "")]);
        }
        if self.variant.is_jarm() {
            all.push(("response_mode", "jwt"));
        }
        all.extend_from_slice(more);
        self.party.parameters(&all)
    }

    /// Posts a form with the client's authentication, and a DPoP proof if one is given.
    pub async fn send(
        &self,
        endpoint: &str,
        form: &[(&str, &str)],
        proof: Option<&str>,
    ) -> (u16, Value) {
        if self.variant.has_assertions() {
            let assertion = self.party.assertion_with("PS256", |_| {});
            return self.party.send(endpoint, form, Some(&assertion), proof).await;
        }
        let mut form = form.to_vec();
        if !form.iter().any(|(name, _)| *name == "client_id") {
            form.push(("client_id", self.party.id()));
        }
        self.party.send(endpoint, &form, None, proof).await
    }

    /// Pushes a request in the form of the variant, with changed parameters.
    pub async fn push(&self, more: &[(&str, &str)]) -> (u16, Value) {
        let parameters = self.parameters(more);
        match self.variant.fapi_request_method {
            FapiRequestMethod::Unsigned => self.send(PAR, &pairs(&parameters), None).await,
            FapiRequestMethod::SignedNonRepudiation => {
                self.push_object(&self.party.object_of(&parameters, "PS256", |_| {}), &[]).await
            }
        }
    }

    /// Pushes a request object, with parameters outside of it.
    pub async fn push_object(&self, object: &str, more: &[(&str, &str)]) -> (u16, Value) {
        let form = [&[("request", object), ("client_id", self.party.id())], more].concat();
        self.send(PAR, &form, None).await
    }

    /// Pushes a request object with changed claims.
    pub async fn push_changed(
        &self,
        algorithm: &str,
        change: impl FnOnce(&mut Value),
    ) -> (u16, Value) {
        let object = self.party.object_of(&self.parameters(&[]), algorithm, change);
        self.push_object(&object, &[]).await
    }

    /// Pushes a request, which is accepted; returns the URL that the browser opens.
    pub async fn pushed_url(&self, more: &[(&str, &str)]) -> String {
        self.url_of(&self.push(more).await)
    }

    /// The URL that the browser opens for the response of a pushed request, which was accepted.
    pub fn url_of(&self, (status, answer): &(u16, Value)) -> String {
        assert_eq!(*status, 201, "{answer}");
        self.party.url_of(text(answer, "request_uri"))
    }

    /// The browser in which Alice signs in once for all clients of the tenant.
    pub fn browser(&self) -> &Browser {
        &self.suite.browsers[self.variant.tenant()]
    }

    /// The authorization response of a sign-in at a URL.
    pub async fn response(&self, url: &str) -> Value {
        self.read_response(&self.party.sign_in(self.browser(), url).await).await
    }

    /// The parameters of the authorization response that a page leads to, from its JWT in the variants with JARM.
    pub async fn read_response(&self, page: &Page) -> Value {
        let answer = page.answer();
        match self.variant.fapi_response_mode {
            FapiResponseMode::PlainResponse => {
                assert!(!answer.contains_key("response"), "{answer:?}");
                json!(answer)
            }
            FapiResponseMode::Jarm => {
                assert_eq!(answer.keys().collect::<Vec<_>>(), ["response"]);
                let jwks = self.party.application.jwks().await;
                verified(&answer["response"], &jwks, self.party.id())
            }
        }
    }

    /// The code of a new sign-in.
    pub async fn code(&self, more: &[(&str, &str)]) -> String {
        let response = self.response(&self.pushed_url(more).await).await;
        text(&response, "code").to_owned()
    }

    /// Sends a token request with the key that the tokens are bound to.
    pub async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let proof = self.variant.is_dpop().then(|| self.party.proof(TOKEN));
        self.send(TOKEN, form, proof.as_deref()).await
    }

    /// Redeems a code.
    pub async fn redeem(&self, code: &str) -> (u16, Value) {
        self.token(&self.party.code_form(code)).await
    }

    /// The tokens of a new sign-in with changed parameters of the request.
    pub async fn tokens(&self, more: &[(&str, &str)]) -> Value {
        let (status, tokens) = self.redeem(&self.code(more).await).await;
        assert_eq!((status, text(&tokens, "token_type")), (200, self.scheme()), "{tokens}");
        tokens
    }

    /// Asserts that a token request is refused without the key that the tokens are bound to.
    pub async fn assert_refused_without_key(&self, form: &[(&str, &str)]) {
        // A client may authenticate with its certificate, and prove no DPoP key.
        let is_dpop = self.variant.is_dpop();
        let keyless = self.with_other_keys(is_dpop.then_some(self.identity));
        let (status, error) = match (is_dpop, self.variant.has_assertions()) {
            (true, _) => (400, "invalid_dpop_proof"),
            (false, true) => (400, "invalid_request"),
            (false, false) => (401, "invalid_client"),
        };
        assert_error(&keyless.send(TOKEN, form, None).await, status, error);
    }

    /// The type of the access tokens, and the scheme that they are sent with.
    pub fn scheme(&self) -> &'static str {
        match self.variant.sender_constrain {
            SenderConstrain::Dpop => "DPoP",
            SenderConstrain::Mtls => "Bearer",
        }
    }

    /// Asks for the claims of the user with the key of this client, and with this spelling of the scheme.
    pub async fn userinfo_as(&self, scheme: &str, token: &str) -> (u16, Value) {
        let proof = self.variant.is_dpop().then(|| self.party.userinfo_proof(token));
        self.party.userinfo(scheme, token, proof.as_deref()).await
    }

    /// Asserts that the provider accepts an access token of this client with its key. Without the scope `openid`
    /// userinfo refuses it only because of that, after the key was checked.
    pub async fn assert_accepted(&self, token: &str) {
        let answer = self.userinfo_as(self.scheme(), token).await;
        if self.variant.is_openid() {
            assert_eq!(answer.0, 200, "{}", answer.1);
        } else {
            assert_error(&answer, 403, "insufficient_scope");
        }
        assert!(self.is_active(token).await);
    }

    /// Whether introspection reports a token of this client as active.
    pub async fn is_active(&self, token: &str) -> bool {
        let (status, answer) = self.send("introspection_endpoint", &[("token", token)], None).await;
        assert_eq!(status, 200, "{answer}");
        answer["active"].as_bool().unwrap_or_else(|| panic!("no active in {answer}"))
    }
}

/// The keys that a client signs with.
fn client_keys(number: u8) -> &'static ClientKeys {
    if number == 1 { ClientKeys::of_app() } else { ClientKeys::of_other() }
}

/// The clients: a variant of each, and its number.
fn clients() -> BTreeMap<String, (Variant, u8)> {
    let all = Variant::all();
    let numbered = |variant: &Variant| [1, 2].map(|number| (*variant, number));
    let named = all.iter().flat_map(numbered).map(|it| (it.0.client_name(it.1), it));
    named.collect()
}

/// The tenants, each with Alice, and the clients.
fn manifests(identities: &BTreeMap<String, Identity>) -> String {
    let mut text = "apiVersion: v1
kind: Secret
metadata: {name: passwords}
stringData: {alice: correct horse}
"
    .to_owned();
    let mut tenants = BTreeSet::new();
    for variant in Variant::all() {
        if tenants.insert(variant.tenant()) {
            text.push_str(&tenant_manifests(variant));
        }
    }
    for (name, (variant, number)) in clients() {
        text.push_str(&client_manifest(variant, number, &identities[&name]));
    }
    text
}

fn tenant_manifests(variant: Variant) -> String {
    let name = variant.tenant();
    let spec = match variant.profile_owner {
        ProfileOwner::Tenant => variant.profile(),
        ProfileOwner::Client => "  signing: {algorithms: [RS256, ES256]}\n".to_owned(),
    };
    format!(
        "---
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {{name: {name}}}
spec:
{spec}---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {{name: alice-{name}}}
spec:
  tenantRef: {{name: {name}}}
  username: alice
  name: Alice Rivera
  email: alice@example.com
  passwordSecretRef: {{name: passwords, key: alice}}
"
    )
}

/// A client. The second one of a variant asks for consent.
fn client_manifest(variant: Variant, number: u8, identity: &Identity) -> String {
    let mut jwks = client_keys(number).jwks.clone();
    let method = if variant.has_assertions() {
        "private_key_jwt"
    } else {
        jwks["keys"].as_array_mut().expect("a list").push(identity.jwk.clone());
        "self_signed_tls_client_auth"
    };
    let mut text = format!(
        "---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {{name: {}}}
spec:
  tenantRef: {{name: {}}}
  redirectUris: [\"https://rp.test/cb\"]
  grantTypes: [authorization_code, refresh_token, client_credentials]
  scopes: [openid, profile, email, offline_access]
  tokenEndpointAuthMethod: {method}
  jwks: {jwks}
",
        variant.client_name(number),
        variant.tenant(),
    );
    text.push_str(if number == 1 { "  consent: Implied\n" } else { "  clientName: Ledger\n" });
    if !variant.is_dpop() {
        text.push_str("  tlsClientCertificateBoundAccessTokens: true\n");
    }
    if variant.profile_owner == ProfileOwner::Client {
        text.push_str(&variant.profile());
    }
    text
}
