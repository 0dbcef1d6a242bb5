//! Clients that a metadata document describes (draft-ietf-oauth-client-id-metadata-document), over real HTTP.

use crate::support::{app, browser, dpop, publisher, tls};

mod documents;
mod policy;
mod servers;
mod sign_in;
mod take_over;
mod world;
