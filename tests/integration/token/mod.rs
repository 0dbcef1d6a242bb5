//! Token endpoint, userinfo and metadata over real HTTP, as clients see them.

use crate::support::{app, browser, publisher, stalls};

mod access;
mod advertised;
mod algorithms;
mod assertions;
mod authorization_details;
mod clients;
mod clocks;
mod codes;
mod dpop;
mod edge;
mod endings;
mod federated;
mod forms;
mod in_cluster;
mod introspection;
mod jarm;
mod metadata;
mod outages;
mod outbox;
mod pairwise;
mod pushed;
mod races;
mod refresh;
mod resource_grants;
mod resource_servers;
mod revocation;
mod service_accounts;
mod signatures;
pub mod store;
mod userinfo;
mod world;
