//! The OpenID Foundation's conformance suite for providers, as tests: one for each
//! module of each plan, with the name and the conditions of the suite. `docs/conformance.md` lists
//! them and explains how to run the suite itself.
//!
//! - a file for each plan: its modules and their variants
//! - `modules/`: the steps of each module
//! - `op`, `rp`, `person`: the provider under test, the suite's relying party, the user
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
