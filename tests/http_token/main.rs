//! Token endpoint, userinfo and metadata over real HTTP, as applications see them.

#[path = "../common/app.rs"]
mod app;
#[path = "../common/browser.rs"]
mod browser;
#[path = "../common/publisher.rs"]
mod publisher;
#[path = "../common/stalls.rs"]
mod stalls;

mod advertised;
mod algorithms;
mod assertions;
mod clients;
mod clocks;
mod codes;
mod edge;
mod introspection;
mod metadata;
mod outages;
mod pairwise;
mod races;
mod refresh;
mod revocation;
mod signatures;
mod store;
mod userinfo;
mod world;
