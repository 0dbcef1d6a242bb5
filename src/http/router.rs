//! The table of routes below an issuer: method, path, handler, caching, CORS, audience.

use std::{future::Future, pin::Pin};

use http::Method;

use super::{
    App, Failure, Reply, Request,
    cors::Cors,
    endpoints::{
        authorize, check_session, consent, discovery, introspect, jwks, login, logout, pages,
        register, revoke, token, userinfo,
    },
    error::Audience,
};
use crate::telemetry::Endpoint;

pub(super) type Answer<'a> = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send + 'a>>;
pub(super) type Handler = for<'a> fn(&'a App, Request) -> Answer<'a>;

/// One row.
pub(super) struct Route {
    /// Below the issuer.
    pub(super) path: &'static str,
    /// Its name in metrics and logs.
    pub(super) endpoint: Endpoint,
    pub(super) get: Option<Handler>,
    pub(super) post: Option<Handler>,
    pub(super) put: Option<Handler>,
    pub(super) delete: Option<Handler>,
    pub(super) cors: Cors,
    pub(super) audience: Audience,
    /// Whether the handler says how its answer may be kept; else nobody may keep it.
    pub(super) cacheable: bool,
}

macro_rules! handler {
    ($($path:tt)+) => {
        Some(|app, request| Box::pin($($path)+(app, request)))
    };
}

const fn person(path: &'static str, endpoint: Endpoint) -> Route {
    let (audience, cors) = (Audience::Person, Cors::None);
    Route { audience, ..program(path, endpoint, cors) }
}

const fn program(path: &'static str, endpoint: Endpoint, cors: Cors) -> Route {
    let (get, post, put, delete) = (None, None, None, None);
    let (audience, cacheable) = (Audience::Program, false);
    Route { path, endpoint, get, post, put, delete, cors, audience, cacheable }
}

static ROUTES: [Route; 15] = [
    Route {
        get: handler!(discovery::get),
        cacheable: true,
        ..program("/.well-known/openid-configuration", Endpoint::Discovery, Cors::Any)
    },
    Route {
        get: handler!(jwks::get),
        cacheable: true,
        ..program("/oauth/jwks", Endpoint::Jwks, Cors::Any)
    },
    Route {
        get: handler!(authorize::get),
        post: handler!(authorize::post),
        ..person("/oauth/authorize", Endpoint::Authorize)
    },
    Route {
        post: handler!(token::post),
        ..program("/oauth/token", Endpoint::Token, Cors::Registered)
    },
    Route {
        get: handler!(userinfo::get),
        post: handler!(userinfo::post),
        ..program("/oauth/userinfo", Endpoint::Userinfo, Cors::Registered)
    },
    Route {
        post: handler!(introspect::post),
        ..program("/oauth/introspect", Endpoint::Introspect, Cors::None)
    },
    Route {
        post: handler!(revoke::post),
        ..program("/oauth/revoke", Endpoint::Revoke, Cors::Registered)
    },
    Route {
        post: handler!(register::post),
        ..program(register::PATH, Endpoint::Register, Cors::None)
    },
    Route {
        get: handler!(logout::get),
        post: handler!(logout::post),
        ..person("/oauth/logout", Endpoint::Logout)
    },
    Route {
        get: handler!(check_session::get),
        ..person("/oauth/check-session", Endpoint::CheckSession)
    },
    Route {
        get: handler!(login::get),
        post: handler!(login::post),
        ..person("/login", Endpoint::Login)
    },
    Route {
        get: handler!(consent::get),
        post: handler!(consent::post),
        ..person("/consent", Endpoint::Consent)
    },
    Route { get: handler!(logout::done), ..person("/logged-out", Endpoint::LoggedOut) },
    Route { get: handler!(pages::root), ..person("", Endpoint::Other) },
    Route { get: handler!(pages::root), ..person("/", Endpoint::Other) },
];

/// Its path goes on with a client's id.
static CLIENT: Route = Route {
    get: handler!(register::get),
    put: handler!(register::put),
    delete: handler!(register::delete),
    ..program("/oauth/register/", Endpoint::ManageClient, Cors::None)
};

static ASSETS: Route =
    Route { get: handler!(pages::asset), cacheable: true, ..person("/_lanyard/", Endpoint::Other) };

/// The route of a path below the issuer.
pub(super) fn route(path: &str) -> Option<&'static Route> {
    if let Some(found) = [&ASSETS, &CLIENT].into_iter().find(|it| path.starts_with(it.path)) {
        return Some(found);
    }
    ROUTES.iter().find(|route| route.path == path)
}

/// A file that pages link where there is no tenant: the error page of an unknown address.
pub(super) fn common_asset(path: &str) -> Option<Reply> {
    pages::file(path.strip_prefix(ASSETS.path)?, None)
}

impl Route {
    /// The handler of a method; HEAD is answered as GET is, without the body.
    pub(super) fn handler(&self, method: &Method) -> Option<Handler> {
        match *method {
            Method::GET | Method::HEAD => self.get,
            Method::POST => self.post,
            Method::PUT => self.put,
            Method::DELETE => self.delete,
            _ => None,
        }
    }

    /// `Allow` (RFC 9110 §10.2.1).
    pub(super) fn methods(&self) -> String {
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
