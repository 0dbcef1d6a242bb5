//! The small relying party that `lanyard dev` serves next to the provider: sign in, view the
//! tokens, refresh, sign out.
//!
//! It uses only what an application has: a client's credentials, and the public endpoints, called
//! over HTTP. Its own state is in memory, bounded, and found by a random cookie.
//!
//! Must not: read snapshot, store or keys, or be served by `lanyard run`.

mod client;
mod flow;
mod id_token;
mod pages;
mod pinned_certificate;
mod problem;
mod provider_http_client;
mod reply;
mod sessions;

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc};

use hyper::{
    HeaderMap, Method, StatusCode,
    header::{COOKIE, HOST, SET_COOKIE},
    http::request::Parts,
};

pub use client::{DemoClient, SignInForm};

use crate::{
    model::{Clock, Entropy, Issuer},
    protocol::params::RequestParams,
};
use flow::DemoFlow;
use problem::DemoError;
use provider_http_client::ProviderHttpClient;
use reply::{
    DemoReply, html_reply, method_not_allowed, see_other, style_reply, with_security_headers,
};
use sessions::{DemoSession, DemoSessions};

/// The demo's path below the installation's base URL.
pub const PATH: &str = "/_lanyard/demo";

const COOKIE_NAME: &str = "lanyard-demo";

/// The addresses of the server, as browsers and the demo reach it.
#[derive(Clone, Debug)]
pub struct DemoConfig {
    /// The installation's base URL in browsers.
    pub base_url: Issuer,
    /// The listen address of the endpoints, to which the demo's own requests are sent.
    pub server: SocketAddr,
    /// The certificate (PEM) served there, if the server uses TLS.
    pub certificate: Option<PathBuf>,
}

/// Returns the clients that the demo offers now.
pub type ListClients = Arc<dyn Fn() -> Vec<DemoClient> + Send + Sync>;

/// The sample application: a relying party for every client that it lists.
pub struct Demo {
    flow: DemoFlow,
    /// The path of the index.
    prefix: String,
    base_url: Issuer,
    list: ListClients,
    sessions: DemoSessions,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Demo {
    /// A demo for the clients that `list` returns.
    pub fn new(
        config: DemoConfig,
        list: ListClients,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let DemoConfig { base_url, server, certificate } = config;
        Self {
            flow: DemoFlow {
                provider_client: ProviderHttpClient::new(server, certificate),
                callback: callback_uri(&base_url),
                home: base_url.join(PATH),
            },
            prefix: format!("{}{PATH}", base_url.path()),
            base_url,
            list,
            sessions: DemoSessions::default(),
            clock,
            entropy,
        }
    }

    /// Returns true if the path belongs to the demo.
    pub fn serves(&self, path: &str) -> bool {
        self.rest(path).is_some()
    }

    /// Handles a request for one of its paths.
    pub async fn handle(&self, parts: &Parts) -> DemoReply {
        let Some(rest) = self.rest(parts.uri.path()) else {
            return self.problem(&DemoError::not_found());
        };
        let query = RequestParams::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let cookie = cookie(&parts.headers);
        let get = parts.method == Method::GET || parts.method == Method::HEAD;
        let outcome = match (rest, get) {
            ("" | "/", true) => Ok(self.index(parts, cookie)),
            ("/style.css", true) => Ok(style_reply()),
            ("/sign-in", true) => self.sign_in(&query, cookie).await,
            ("/callback", true) => self.callback(&query, cookie).await,
            ("/session", true) => Ok(self.session(cookie)),
            ("/sign-out", true) => Ok(self.sign_out(cookie)),
            ("/refresh", false) if parts.method == Method::POST => self.refresh(cookie).await,
            ("/refresh", _) => Ok(method_not_allowed("POST")),
            (_, false) => Ok(method_not_allowed("GET, HEAD")),
            _ => Err(DemoError::not_found()),
        };
        with_security_headers(outcome.unwrap_or_else(|problem| self.problem(&problem)))
    }

    fn rest<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(&self.prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn index(&self, parts: &Parts, cookie: Option<&str>) -> DemoReply {
        if let Some(elsewhere) = self.another_loopback_name(parts) {
            return see_other(&elsewhere);
        }
        let signed_in = cookie.and_then(|id| self.sessions.signed_in(id, self.clock.now()));
        html_reply(
            StatusCode::OK,
            pages::index_page(&self.flow, &(self.list)(), signed_in.as_deref()),
        )
    }

    /// Browsers treat `127.0.0.1` and `localhost` as different sites: a cookie of one is not sent
    /// to the other, where the callback is.
    fn another_loopback_name(&self, parts: &Parts) -> Option<String> {
        let loopback = |authority: &str| {
            Issuer::parse(&format!("http://{}", authority.to_ascii_lowercase()))
                .is_ok_and(|issuer| !issuer.is_insecure())
        };
        let host = parts.headers.get(HOST)?.to_str().ok()?;
        let other = host != self.base_url.authority();
        let same_machine = loopback(host) && loopback(self.base_url.authority());
        (other && same_machine).then(|| self.flow.home.clone())
    }

    async fn sign_in(
        &self,
        query: &RequestParams,
        cookie: Option<&str>,
    ) -> Result<DemoReply, DemoError> {
        let (issuer, id) = (query.get("issuer"), query.get("client_id"));
        let client = (self.list)()
            .into_iter()
            .find(|client| Some(client.issuer.as_str()) == issuer && Some(&*client.id) == id)
            .ok_or_else(DemoError::unknown_client)?;
        let (url, waiting) = self.flow.begin(client, &*self.entropy).await?;
        Ok(self.seat(cookie, DemoSession::Waiting(Box::new(waiting)), &url))
    }

    async fn callback(
        &self,
        query: &RequestParams,
        cookie: Option<&str>,
    ) -> Result<DemoReply, DemoError> {
        let now = self.clock.now();
        let waiting = cookie
            .and_then(|id| self.sessions.take_waiting(id, now))
            .ok_or_else(DemoError::no_pending_sign_in)?;
        let signed_in = self.flow.finish(waiting, query, now).await?;
        let session = DemoSession::DemoTokens(Arc::new(signed_in));
        Ok(self.seat(cookie, session, &format!("{}/session", self.prefix)))
    }

    fn session(&self, cookie: Option<&str>) -> DemoReply {
        let now = self.clock.now();
        match cookie.and_then(|id| self.sessions.signed_in(id, now)) {
            Some(signed_in) => {
                html_reply(StatusCode::OK, pages::session_page(&self.flow, &signed_in, now))
            }
            None => see_other(&self.prefix),
        }
    }

    async fn refresh(&self, cookie: Option<&str>) -> Result<DemoReply, DemoError> {
        let now = self.clock.now();
        let Some((id, signed_in)) =
            cookie.and_then(|id| Some((id, self.sessions.signed_in(id, now)?)))
        else {
            return Ok(see_other(&self.prefix));
        };
        let refreshed = self.flow.refresh(&signed_in, now).await?;
        self.sessions.put(id.to_owned(), DemoSession::DemoTokens(Arc::new(refreshed)), now);
        Ok(see_other(&format!("{}/session", self.prefix)))
    }

    /// RP-initiated logout: deletes the demo's session, then redirects to the provider.
    fn sign_out(&self, cookie: Option<&str>) -> DemoReply {
        let signed_in = cookie.and_then(|id| self.sessions.remove(id));
        let url = signed_in.and_then(|signed_in| self.flow.end_session_url(&signed_in));
        let mut reply = see_other(url.as_deref().unwrap_or(&self.prefix));
        self.set_cookie(&mut reply, "", "; Max-Age=0");
        reply
    }

    /// Stores a session under a new cookie, replacing the old one.
    fn seat(&self, old: Option<&str>, session: DemoSession, go_to: &str) -> DemoReply {
        if let Some(old) = old {
            self.sessions.remove(old);
        }
        let id = self.entropy.token();
        let mut reply = see_other(go_to);
        self.set_cookie(&mut reply, &id, "");
        self.sessions.put(id, session, self.clock.now());
        reply
    }

    fn set_cookie(&self, reply: &mut DemoReply, value: &str, more: &str) {
        let secure = if self.base_url.is_https() { "; Secure" } else { "" };
        let cookie = format!(
            "{COOKIE_NAME}={value}; Path={}; HttpOnly; SameSite=Lax{secure}{more}",
            self.prefix
        );
        if let Ok(cookie) = cookie.parse() {
            reply.headers_mut().insert(SET_COOKIE, cookie);
        }
    }

    fn problem(&self, problem: &DemoError) -> DemoReply {
        html_reply(problem.status, pages::demo_problem_page(&self.flow, problem))
    }
}

impl fmt::Debug for Demo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demo").field("home", &self.flow.home).finish_non_exhaustive()
    }
}

/// The redirect URI that a client has to register for the demo.
pub fn callback_uri(base_url: &Issuer) -> String {
    format!("{}{PATH}/callback", base_url.as_str())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

#[cfg(test)]
mod tests;
