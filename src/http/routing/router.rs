//! Attaches handlers, caching, CORS and error format to the table of endpoints
//! (`model::endpoints`), and finds the route of a path.

use std::{future::Future, pin::Pin};

use http::Method;

use crate::{
    http::{
        AppState, EndpointError, Reply, Request,
        endpoints::{
            account, authorize, backchannel_authentication, check_session, consent, device,
            device_authorization, discovery, introspect, invitation, jwks, login, logout, pages,
            par, password_reset, provider_callback, provider_logout, provider_sign_in, register,
            revoke, token, userinfo,
        },
        web::{cors::CorsPolicy, error::ErrorFormat},
    },
    model::{Endpoint, endpoints::STATIC_FILES},
};

pub(crate) type HandlerFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Reply, EndpointError>> + Send + 'a>>;
pub(crate) type Handler = for<'a> fn(&'a AppState, Request) -> HandlerFuture<'a>;

/// How the requests to an endpoint are answered.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    /// The endpoint, whose name is in metrics and logs.
    pub(crate) endpoint: Endpoint,
    get: Option<Handler>,
    post: Option<Handler>,
    put: Option<Handler>,
    delete: Option<Handler>,
    pub(crate) cors: CorsPolicy,
    pub(crate) error_format: ErrorFormat,
    /// Whether the handler sets `Cache-Control`; otherwise the response is `no-store`.
    pub(crate) cacheable: bool,
}

/// Makes a handler of a function.
macro_rules! handler {
    ($handler:path) => {
        Some(|app, request| Box::pin($handler(app, request)))
    };
}

/// Makes a route of a module's functions `get` and `post`.
macro_rules! get_and_post {
    ($module:ident, $base:expr) => {
        Route { get: handler!($module::get), post: handler!($module::post), ..$base }
    };
}

/// The route of an endpoint. A new endpoint does not compile until it has one here.
pub(crate) fn route_of(endpoint: Endpoint) -> Route {
    let page = Route {
        endpoint,
        get: None,
        post: None,
        put: None,
        delete: None,
        cors: CorsPolicy::None,
        error_format: ErrorFormat::Html,
        cacheable: false,
    };
    let api = Route { error_format: ErrorFormat::Json, ..page };
    let registered = Route { cors: CorsPolicy::Registered, ..api };
    let registration = Route { cors: CorsPolicy::OpenRegistration, ..api };
    let public = Route { cors: CorsPolicy::Any, cacheable: true, ..api };
    match endpoint {
        Endpoint::Discovery => Route { get: handler!(discovery::get), ..public },
        Endpoint::Jwks => Route { get: handler!(jwks::get), ..public },
        Endpoint::Authorize => get_and_post!(authorize, page),
        Endpoint::Token => Route { post: handler!(token::post), ..registered },
        Endpoint::PushedAuthorization => Route { post: handler!(par::post), ..registered },
        Endpoint::DeviceAuthorization => {
            Route { post: handler!(device_authorization::post), ..registered }
        }
        // Only confidential clients use it, which have no page that reads the response.
        Endpoint::BackchannelAuthentication => {
            Route { post: handler!(backchannel_authentication::post), ..api }
        }
        Endpoint::Device => get_and_post!(device, page),
        Endpoint::Userinfo => {
            let bearer = Route { error_format: ErrorFormat::Bearer, ..registered };
            Route { get: handler!(userinfo::get), post: handler!(userinfo::post), ..bearer }
        }
        Endpoint::Introspect => Route { post: handler!(introspect::post), ..api },
        Endpoint::Revoke => Route { post: handler!(revoke::post), ..registered },
        Endpoint::Register => Route { post: handler!(register::post), ..registration },
        Endpoint::ManageClient => Route {
            get: handler!(register::get),
            put: handler!(register::put),
            delete: handler!(register::delete),
            ..registration
        },
        Endpoint::Logout => get_and_post!(logout, page),
        Endpoint::CheckSession => Route { get: handler!(check_session::get), ..page },
        Endpoint::Login => get_and_post!(login, page),
        Endpoint::ProviderSignIn => Route { get: handler!(provider_sign_in::get), ..page },
        Endpoint::ProviderCallback => get_and_post!(provider_callback, page),
        Endpoint::ProviderLogout => Route { post: handler!(provider_logout::post), ..api },
        Endpoint::Consent => get_and_post!(consent, page),
        Endpoint::Account => get_and_post!(account, page),
        Endpoint::Invitation => get_and_post!(invitation, page),
        Endpoint::PasswordReset => get_and_post!(password_reset, page),
        Endpoint::LoggedOut => Route { get: handler!(logout::get_logged_out), ..page },
        Endpoint::Other => Route { get: handler!(pages::root_page), ..page },
    }
}

/// The route of a path below the issuer, and the value of its parameter: empty if it has none.
pub(crate) fn find_route(path: &str) -> Option<(Route, &str)> {
    if let Some(name) = static_file(path) {
        let route = Route {
            get: handler!(pages::static_file),
            cacheable: true,
            ..route_of(Endpoint::Other)
        };
        return Some((route, name));
    }
    if matches!(path, "" | "/") {
        return Some((route_of(Endpoint::Other), ""));
    }
    Endpoint::ALL.iter().find_map(|endpoint| {
        let value = match_path(endpoint.path()?, path)?;
        Some((route_of(*endpoint), value))
    })
}

/// The value of the parameter if the path matches the pattern: one segment for `{name}`, which may
/// be empty; empty if the pattern has no parameter.
fn match_path<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let Some((before, parameter)) = pattern.split_once('{') else {
        return (path == pattern).then_some("");
    };
    let (_, after) = parameter.split_once('}')?;
    let value = path.strip_prefix(before)?.strip_suffix(after)?;
    (!value.contains('/')).then_some(value)
}

/// The name of a static file at this path.
fn static_file(path: &str) -> Option<&str> {
    path.strip_prefix('/')?.strip_prefix(STATIC_FILES)?.strip_prefix('/')
}

/// A static file of pages without a tenant: the error page of an unknown URL.
pub(crate) fn common_static_file(path: &str) -> Option<Reply> {
    pages::asset_file(static_file(path)?, None)
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
        let supported = methods.iter().filter(|(handler, _)| handler.is_some());
        supported.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_with_a_path_is_routed_to_a_handler() {
        for endpoint in Endpoint::ALL {
            let Some(pattern) = endpoint.path() else { continue };
            let path = pattern.replace("{client_id}", "team.wiki").replace("{provider}", "corp");
            let (route, value) = find_route(&path).expect("a route");
            assert_eq!(route.endpoint, *endpoint, "{path}");
            assert!(!route.methods().is_empty(), "{path}");
            assert_eq!(value.is_empty(), path == pattern, "{path}");
        }
    }

    #[test]
    fn a_parameter_is_one_segment() {
        for (path, value) in [
            ("/callback/acme", Some("acme")),
            ("/callback/", Some("")),
            ("/callback", None),
            ("/callback/acme/x", None),
            ("/callbacks/acme", None),
        ] {
            assert_eq!(match_path("/callback/{provider}", path), value, "{path}");
        }
        assert_eq!(match_path("/a/{b}/c", "/a/x/c"), Some("x"));
        assert_eq!(match_path("/a/{b}/c", "/a/c"), None);
    }

    #[test]
    fn unknown_paths_have_no_route() {
        for path in ["/oauth", "/oauth/token/", "/consent/x", "/_lanyard", "//"] {
            assert!(find_route(path).is_none(), "{path}");
        }
        for (path, name) in [("/_lanyard/style.css", "style.css"), ("/", ""), ("", "")] {
            let (route, value) = find_route(path).expect("a route");
            assert_eq!((route.endpoint, value), (Endpoint::Other, name), "{path}");
        }
    }
}
