//! Lanyard: an OpenID Connect provider and its Kubernetes operator in one process.
//!
//! `ARCHITECTURE.md` is the map. `tests/integration/architecture.rs` checks the dependencies
//! between the modules.

pub mod accounts;
pub mod api;
pub mod cli;
pub mod commands;
pub mod config;
pub mod controller;
pub mod demo;
pub mod expression;
pub mod fetch;
pub mod http;
pub mod identity;
pub mod import;
pub mod keys;
pub mod mail;
pub mod messages;
pub mod model;
pub mod protocol;
pub mod registry;
pub mod remote;
pub mod source;
pub mod store;
pub mod telemetry;
pub mod upstream;
