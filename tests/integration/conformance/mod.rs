//! The OpenID Foundation's conformance suite for providers, played against the server: a test for
//! each module of each plan, named as the suite names it, with the conditions that it checks.
//! `docs/conformance.md` has the list, and how to run the suite itself.
//!
//! - a file for each plan: which modules, in which variants
//! - `modules/`: what a module does
//! - `op`, `rp`, `person`: the provider under test, the suite's relying party, who signs in
//! - `checks`: conditions that many modules share

use crate::support::{app, browser};

#[macro_use]
mod tables;

mod back_channel_logout;
mod basic;
mod checks;
mod config;
mod dynamic;
mod form_post;
mod front_channel_logout;
mod hybrid;
mod implicit;
mod keys;
mod logout;
mod modules;
mod op;
mod person;
mod registrar;
mod rp;
mod rp_initiated_logout;
mod session_management;
mod third_party_login;
