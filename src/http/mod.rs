//! The server: connections, routes, endpoints and pages.
//!
//! Must not: know Kubernetes, or decide a protocol rule; those are in `protocol`.

mod admin;
mod app;
mod by_uri;
mod client_keys;
mod clients;
mod connection;
mod cookies;
mod cors;
mod csp;
pub mod demo;
mod device;
mod directory;
mod dispatch;
mod documents;
mod endpoints;
mod error;
mod finish;
mod forwarded;
mod front_channel;
mod grants;
mod known_sessions;
mod limits;
mod logouts;
mod nothing;
pub mod pages;
mod places;
mod presented;
mod registrations;
mod reply;
mod request;
mod router;
mod sectors;
mod server;
mod session;
mod tls;
mod tokens;
mod untold;

pub use admin::{Admin, Probe};
pub use app::{App, Config};
pub use client_keys::ClientKeys;
pub use cookies::CookiePurpose;
pub use documents::Documents;
pub use error::Failure;
pub use forwarded::{ForwardedHeaders, TrustedProxies};
pub use known_sessions::KnownSessions;
pub use limits::Limits;
pub use logouts::{Logouts, tell_clients};
pub use registrations::Registrations;
pub use reply::Reply;
pub use request::Request;
pub use sectors::Sectors;
pub use server::{Bound, Extra, Listening, Server};
pub use tls::{Tls, TlsError};
