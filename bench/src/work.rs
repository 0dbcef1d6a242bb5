//! Kinds of work, and one worker that does them: a browser, its connections, the tokens it holds.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use crate::{
    browser::{Browser, Person},
    device::WaitingDevices,
    dpop::DpopKey,
    federated::client_assertion,
    http::{Answer, Http},
    target::Target,
};

/// A kind of work, measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Work {
    /// The provider's metadata
    Discovery,
    /// Its keys
    Jwks,
    /// A token for the application itself
    ClientCredentials,
    /// The same, bound to a key by DPoP (RFC 9449)
    DpopClientCredentials,
    /// A token for the application itself, which authenticates by an assertion of another issuer (RFC 7523)
    FederatedClientCredentials,
    /// Sign in with name and password, up to the tokens
    SignIn,
    /// Sign in at an identity provider that the browser is sent to at once, up to the tokens
    UpstreamSignIn,
    /// Sign in with a passkey of Lanyard, up to the tokens
    PasskeySignIn,
    /// With a session: authorize, code, tokens
    Session,
    /// The same, with a pushed authorization request (RFC 9126)
    PushedSession,
    /// A new access token for a refresh token
    Refresh,
    /// An access token for an API, by exchange of the one for the issuer (RFC 8693)
    Exchange,
    /// Claims for an access token
    Userinfo,
    /// Introspection of an access token (RFC 7662)
    Introspection,
    /// Polls of devices that no person has answered yet (RFC 8628), each within its interval
    DevicePoll,
    /// The account page of Lanyard, with a session
    AccountPage,
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names of RFC 6749 §5.1")]
struct Tokens {
    access_token: String,
    id_token: Option<String>,
    refresh_token: Option<String>,
}

/// One of the concurrent callers.
pub struct Worker {
    target: Arc<Target>,
    browser: Browser,
    tokens: Option<Tokens>,
    person: Person,
    /// Makes each state, nonce and verifier differ.
    serial: u64,
    seed: [u8; 16],
    key: DpopKey,
    /// The assertion of the application, which it presents again and again as workloads do.
    assertion: Option<String>,
    devices: WaitingDevices,
}

/// The resource server of bench/tenants.
const EXCHANGED_FOR: &str = "https://api.bench.test";

/// Devices of each worker. All workers together stay within the quota of a client.
const DEVICES: usize = 16;

impl Worker {
    /// The worker with this number, which signs in as one of the users in turn.
    ///
    /// # Errors
    ///
    /// There are no users, or the system has no randomness.
    #[expect(clippy::disallowed_methods, reason = "a driver is an edge: it may ask the system")]
    pub fn new(target: Arc<Target>, number: usize) -> Result<Self> {
        let mut seed = [0; 16];
        aws_lc_rs::rand::fill(&mut seed)
            .map_err(|_| anyhow!("the system gives no random bytes"))?;
        let people = &target.application.people;
        let person =
            people.get(number % people.len().max(1)).context("no user to sign in")?.clone();
        let browser = Browser::new(Http::new(target.tls.clone()));
        let key = DpopKey::generate()?;
        let devices = WaitingDevices::default();
        let (tokens, assertion) = (None, None);
        Ok(Self { target, browser, tokens, person, serial: 0, seed, key, assertion, devices })
    }

    /// Prepares `work` before the clock starts: a session, tokens.
    ///
    /// # Errors
    ///
    /// The provider refuses, with its answer.
    pub async fn prepare(&mut self, work: Work) -> Result<()> {
        match work {
            Work::Session
            | Work::PushedSession
            | Work::Refresh
            | Work::Exchange
            | Work::Userinfo
            | Work::Introspection
            | Work::AccountPage => self.sign_in().await,
            Work::PasskeySignIn => {
                self.sign_in().await?;
                let mut setup = self.target.account.clone();
                setup.set_query(Some("setup=passkey"));
                self.browser.set_up_passkey(&setup, &self.person).await
            }
            Work::DevicePoll => self.start_devices(DEVICES).await,
            Work::FederatedClientCredentials => {
                self.assertion = Some(client_assertion(&self.target.issuer)?);
                Ok(())
            }
            Work::Discovery
            | Work::Jwks
            | Work::ClientCredentials
            | Work::DpopClientCredentials
            | Work::SignIn
            | Work::UpstreamSignIn => Ok(()),
        }
    }

    /// Does one unit of `work`.
    ///
    /// # Errors
    ///
    /// An unexpected response.
    pub async fn once(&mut self, work: Work) -> Result<()> {
        let target = Arc::clone(&self.target);
        let http = &mut self.browser.http;
        match work {
            Work::Discovery => good(http.get(&target.discovery, HeaderMap::new()).await?).map(drop),
            Work::Jwks => good(http.get(&target.jwks, HeaderMap::new()).await?).map(drop),
            Work::ClientCredentials => {
                let form = "grant_type=client_credentials".to_owned();
                good(http.post(&target.token, target.basic(), form).await?).map(drop)
            }
            Work::DpopClientCredentials => self.bound_token().await,
            Work::FederatedClientCredentials => self.federated_token().await,
            Work::DevicePoll => self.devices.poll(http, &target).await,
            Work::SignIn | Work::PasskeySignIn => {
                self.browser.forget();
                self.sign_in().await
            }
            Work::UpstreamSignIn => {
                self.browser.forget();
                self.authorize(false, false).await
            }
            Work::Session => self.authorize(false, false).await,
            Work::PushedSession => self.authorize(false, true).await,
            Work::Refresh => self.refresh().await,
            Work::Exchange => self.exchange().await,
            Work::Userinfo => {
                let mut headers = HeaderMap::new();
                headers.insert(
                    header::AUTHORIZATION,
                    format!("Bearer {}", self.held()?.access_token).parse()?,
                );
                let answer = good(self.browser.http.get(target.userinfo()?, headers).await?)?;
                if !answer.body.starts_with(b"{\"") {
                    bail!("userinfo answered something else than claims");
                }
                Ok(())
            }
            Work::Introspection => {
                let form = encoded(&[("token", &self.held()?.access_token)]);
                let answer =
                    self.browser.http.post(target.introspection()?, target.basic(), form).await?;
                let said: serde_json::Value = serde_json::from_slice(&good(answer)?.body)?;
                if said["active"] != true {
                    bail!("introspection calls a live token inactive");
                }
                Ok(())
            }
            Work::AccountPage => {
                let page = good(self.browser.get(&target.account).await?)?;
                let page = std::str::from_utf8(&page.body).context("the account page is text")?;
                if !page.contains("/account") || !page.contains(&self.person.username) {
                    bail!("the account page is about another person");
                }
                Ok(())
            }
        }
    }

    /// With a session: let another application in, up to its tokens.
    ///
    /// # Errors
    ///
    /// An unexpected response.
    pub async fn enter(&mut self, target: Arc<Target>) -> Result<()> {
        self.target = target;
        self.authorize(true, false).await
    }

    async fn sign_in(&mut self) -> Result<()> {
        self.authorize(true, false).await
    }

    /// Authorize, return with a code, redeem it (OpenID Connect Core 1.0 §3.1, RFC 7636).
    async fn authorize(&mut self, may_type: bool, pushed: bool) -> Result<()> {
        let target = Arc::clone(&self.target);
        let application = &target.application;
        self.serial += 1;
        let [state, nonce, verifier] = ["state", "nonce", "verifier"]
            .map(|what| fingerprint(&format!("{what} {:x?} {}", self.seed, self.serial)));
        let mut url = target.authorization.clone();
        let challenge = fingerprint(&verifier);
        let request = [
            ("response_type", "code"),
            ("client_id", &application.client_id),
            ("redirect_uri", &application.redirect_uri),
            ("scope", &application.scope),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        if pushed {
            let request_uri = self.push(encoded(&request)).await?;
            url.query_pairs_mut()
                .append_pair("client_id", &application.client_id)
                .append_pair("request_uri", &request_uri);
        } else {
            url.query_pairs_mut().extend_pairs(request);
        }
        let person = may_type.then_some(&self.person);
        let back = self.browser.follow(url, &application.redirect_uri, person).await?;
        let said = |name| {
            back.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        if said("state").as_deref() != Some(&state) {
            bail!("the answer came back with another state: {back}");
        }
        let code = said("code").with_context(|| format!("no code came back: {back}"))?;
        let form = encoded(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &application.redirect_uri),
            ("code_verifier", &verifier),
        ]);
        let tokens = self.ask_for_tokens(form).await?;
        tokens
            .id_token
            .as_ref()
            .context("the token endpoint gave no id_token: is openid in --scope?")?;
        self.tokens = Some(tokens);
        Ok(())
    }

    /// A token for the application itself, bound to the worker's key.
    async fn bound_token(&mut self) -> Result<()> {
        self.serial += 1;
        let jti = format!("{:x?}{}", self.seed, self.serial);
        let proof = self.key.proof(&self.target.token.to_string(), &jti)?;
        let mut headers = self.target.basic();
        headers.insert("dpop", proof.parse()?);
        let form = "grant_type=client_credentials".to_owned();
        let answer = good(self.browser.http.post(&self.target.token, headers, form).await?)?;
        let said: serde_json::Value = serde_json::from_slice(&answer.body)?;
        if said["token_type"] != "DPoP" {
            bail!("the token is not bound to the key");
        }
        Ok(())
    }

    /// A token for the application itself, which has no secret.
    async fn federated_token(&mut self) -> Result<()> {
        let assertion = self.assertion.as_ref().context("this worker has no assertion")?;
        let form = encoded(&[
            ("grant_type", "client_credentials"),
            ("client_id", &self.target.application.client_id),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
        ]);
        good(self.browser.http.post(&self.target.token, HeaderMap::new(), form).await?).map(drop)
    }

    /// Asks for the codes of devices.
    ///
    /// # Errors
    ///
    /// The provider refuses, with its answer.
    pub async fn start_devices(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            self.devices.add(&mut self.browser.http, &self.target).await?;
        }
        Ok(())
    }

    /// Pushes a request; returns its reference (RFC 9126 §2.2).
    async fn push(&mut self, form: String) -> Result<String> {
        let (endpoint, headers) = (self.target.pushed_authorization()?, self.target.basic());
        let answer = self.browser.http.post(endpoint, headers, form).await?;
        let said: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let request_uri = said["request_uri"].as_str();
        request_uri.map(str::to_owned).with_context(|| format!("no request was pushed: {said}"))
    }

    async fn refresh(&mut self) -> Result<()> {
        let held = self.held()?.refresh_token.clone();
        let held =
            held.context("the provider gave no refresh token: is offline_access in --scope?")?;
        let form = encoded(&[("grant_type", "refresh_token"), ("refresh_token", &held)]);
        let mut tokens = self.ask_for_tokens(form).await?;
        tokens.refresh_token = tokens.refresh_token.or(Some(held));
        self.tokens = Some(tokens);
        Ok(())
    }

    /// Exchanges the access token (RFC 8693 §2.1).
    async fn exchange(&mut self) -> Result<()> {
        let form = encoded(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", &self.held()?.access_token),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("resource", EXCHANGED_FOR),
        ]);
        let exchanged = self.ask_for_tokens(form).await?;
        if exchanged.refresh_token.is_some() || exchanged.access_token == self.held()?.access_token
        {
            bail!("the exchange did not give exactly one access token");
        }
        Ok(())
    }

    async fn ask_for_tokens(&mut self, form: String) -> Result<Tokens> {
        let answer = self.browser.http.post(&self.target.token, self.target.basic(), form).await?;
        serde_json::from_slice(&good(answer)?.body).context("reading the token endpoint's answer")
    }

    fn held(&self) -> Result<&Tokens> {
        self.tokens.as_ref().context("this worker has signed no user in")
    }
}

fn good(answer: Answer) -> Result<Answer> {
    if answer.status == StatusCode::OK {
        return Ok(answer);
    }
    bail!(
        "{}: {}",
        answer.status,
        String::from_utf8_lossy(&answer.body).chars().take(400).collect::<String>()
    )
}

pub fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn fingerprint(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}
