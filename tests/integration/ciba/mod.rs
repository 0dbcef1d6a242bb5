//! Requests over the backchannel (OpenID Connect CIBA Core 1.0) over real HTTP, as clients and browsers see them.

use crate::support::{app, authenticator, browser};

mod attacks;
mod flow;
mod limits;
mod mail;
mod ping;
mod rules;
mod world;
