//! Certificates of clients (RFC 8705) over real TLS: client authentication, bound tokens, proxies, and attacks on them.

use crate::support::{app, browser, certificates, dpop};

mod authentication;
mod bound_tokens;
mod limits;
mod listener;
mod proxies;
mod world;
