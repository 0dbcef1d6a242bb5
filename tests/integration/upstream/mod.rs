//! People of identity providers: Lanyard as its own upstream, over HTTP.

use crate::support::{app, browser, upstream};

mod attacks;
mod client_ref;
mod github;
mod replicas;
mod sign_in;
mod world;
