//! Passwords that people chose themselves, and links to reset a forgotten one.
//!
//! Must not: verify passwords (`identity` does), or end sessions.

pub(crate) mod chosen_passwords;
pub(crate) mod password_reset;
pub(super) mod reset_requests;
