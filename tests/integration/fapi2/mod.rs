//! The rules of FAPI 2.0 Security Profile (Final) and FAPI 2.0 Message Signing (Final), module by module as the
//! conformance suite of the OpenID Foundation has them, and attacks on them. The modules of both test plans begin with
//! `fapi2-security-profile-final-`.
//!
//! - `plan`: the modules of both plans, each with its test, and the variants that it runs in
//! - `modules/`: the steps of the modules that depend on the variant
//! - `variants`, `suite`: the variants, and the provider with two clients for each
//! - other files: rules and attacks in one variant. A test that a module of the suite has too bears its name.

use crate::support::{app, browser, certificates, dpop};

mod clients;
mod message_signing;
mod metadata;
mod modules;
mod plan;
mod security;
mod security_tokens;
mod suite;
mod userinfo_proofs;
mod variants;
mod world;
