//! The table of routes below an issuer: method, path, handler, caching, CORS, error format.

use std::{future::Future, pin::Pin};

use http::Method;

use super::{EndpointError, Reply, Request, cors::CorsPolicy, error::ErrorFormat};
use crate::{
    http::{
        AppState,
        endpoints::{
            authorize, check_session, consent, discovery, introspect, jwks, login, logout, pages,
            register, revoke, token, userinfo,
        },
    },
    telemetry::Endpoint,
};

pub(crate) type HandlerFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Reply, EndpointError>> + Send + 'a>>;
pub(crate) type Handler = for<'a> fn(&'a AppState, Request) -> HandlerFuture<'a>;

/// A row of the table.
pub(crate) struct Route {
    /// The path below the issuer.
    pub(crate) path: &'static str,
    /// The endpoint's name in metrics and logs.
    pub(crate) endpoint: Endpoint,
    pub(crate) get: Option<Handler>,
    pub(crate) post: Option<Handler>,
    pub(crate) put: Option<Handler>,
    pub(crate) delete: Option<Handler>,
    pub(crate) cors: CorsPolicy,
    pub(crate) audience: ErrorFormat,
    /// Whether the handler sets `Cache-Control`; otherwise the response is `no-store`.
    pub(crate) cacheable: bool,
}

macro_rules! handler {
    ($($path:tt)+) => {
        Some(|app, request| Box::pin($($path)+(app, request)))
    };
}

const fn page(path: &'static str, endpoint: Endpoint) -> Route {
    let (audience, cors) = (ErrorFormat::Html, CorsPolicy::None);
    Route { audience, ..api(path, endpoint, cors) }
}

const fn api(path: &'static str, endpoint: Endpoint, cors: CorsPolicy) -> Route {
    let (get, post, put, delete) = (None, None, None, None);
    let (audience, cacheable) = (ErrorFormat::Json, false);
    Route { path, endpoint, get, post, put, delete, cors, audience, cacheable }
}

static ROUTES: [Route; 15] = [
    Route {
        get: handler!(discovery::get),
        cacheable: true,
        ..api("/.well-known/openid-configuration", Endpoint::Discovery, CorsPolicy::Any)
    },
    Route {
        get: handler!(jwks::get),
        cacheable: true,
        ..api("/oauth/jwks", Endpoint::Jwks, CorsPolicy::Any)
    },
    Route {
        get: handler!(authorize::get),
        post: handler!(authorize::post),
        ..page("/oauth/authorize", Endpoint::Authorize)
    },
    Route {
        post: handler!(token::post),
        ..api("/oauth/token", Endpoint::Token, CorsPolicy::Registered)
    },
    Route {
        get: handler!(userinfo::get),
        post: handler!(userinfo::post),
        ..api("/oauth/userinfo", Endpoint::Userinfo, CorsPolicy::Registered)
    },
    Route {
        post: handler!(introspect::post),
        ..api("/oauth/introspect", Endpoint::Introspect, CorsPolicy::None)
    },
    Route {
        post: handler!(revoke::post),
        ..api("/oauth/revoke", Endpoint::Revoke, CorsPolicy::Registered)
    },
    Route {
        post: handler!(register::post),
        ..api(register::PATH, Endpoint::Register, CorsPolicy::None)
    },
    Route {
        get: handler!(logout::get),
        post: handler!(logout::post),
        ..page("/oauth/logout", Endpoint::Logout)
    },
    Route {
        get: handler!(check_session::get),
        ..page("/oauth/check-session", Endpoint::CheckSession)
    },
    Route {
        get: handler!(login::get),
        post: handler!(login::post),
        ..page("/login", Endpoint::Login)
    },
    Route {
        get: handler!(consent::get),
        post: handler!(consent::post),
        ..page("/consent", Endpoint::Consent)
    },
    Route { get: handler!(logout::done), ..page("/logged-out", Endpoint::LoggedOut) },
    Route { get: handler!(pages::root), ..page("", Endpoint::Other) },
    Route { get: handler!(pages::root), ..page("/", Endpoint::Other) },
];

/// The rest of the path is a client ID.
static CLIENT: Route = Route {
    get: handler!(register::get),
    put: handler!(register::put),
    delete: handler!(register::delete),
    ..api("/oauth/register/", Endpoint::ManageClient, CorsPolicy::None)
};

static ASSETS: Route =
    Route { get: handler!(pages::asset), cacheable: true, ..page("/_lanyard/", Endpoint::Other) };

/// The route of a path below the issuer.
pub(crate) fn route(path: &str) -> Option<&'static Route> {
    if let Some(found) = [&ASSETS, &CLIENT].into_iter().find(|it| path.starts_with(it.path)) {
        return Some(found);
    }
    ROUTES.iter().find(|route| route.path == path)
}

/// A static file of pages without a tenant: the error page of an unknown URL.
pub(crate) fn common_asset(path: &str) -> Option<Reply> {
    pages::file(path.strip_prefix(ASSETS.path)?, None)
}

impl Route {
    /// The handler of a method. HEAD uses the handler of GET, and its body is omitted.
    pub(crate) fn handler(&self, method: &Method) -> Option<Handler> {
        match *method {
            Method::GET | Method::HEAD => self.get,
            Method::POST => self.post,
            Method::PUT => self.put,
            Method::DELETE => self.delete,
            _ => None,
        }
    }

    /// The value of `Allow` (RFC 9110 §10.2.1).
    pub(crate) fn methods(&self) -> String {
        let methods = [
            (self.get, "GET, HEAD"),
            (self.post, "POST"),
            (self.put, "PUT"),
            (self.delete, "DELETE"),
        ];
        let there = methods.iter().filter(|(handler, _)| handler.is_some());
        there.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
    }
}
