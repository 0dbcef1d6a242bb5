//! The rules of FAPI 2.0 Security Profile (Final) and FAPI 2.0 Message Signing (Final), module by module as the
//! conformance suite of the OpenID Foundation has them, and attacks on them. A test that a module of the suite has too
//! bears its name. The modules of both test plans begin with `fapi2-security-profile-final`.

use crate::support::{app, browser, dpop};

mod clients;
mod message_signing;
mod metadata;
mod security;
mod security_tokens;
mod userinfo_proofs;
mod world;
