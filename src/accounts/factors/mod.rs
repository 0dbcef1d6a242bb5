//! Second factors and passkeys: setting up, checking and removing authenticators, and the sign-ins that wait for one
//! (docs/second-factors.md).
//!
//! Must not: begin sessions. `sessions` does.

pub(super) mod authenticators;
mod factor_attempts;
pub(crate) mod passkey_assertion;
pub(crate) mod passkey_challenge;
pub(crate) mod passkey_enrolment;
pub(crate) mod passkeys;
pub(crate) mod recovery_codes;
pub(crate) mod required_factors;
pub(crate) mod suspended_sign_in;
pub(crate) mod totp;
pub(crate) mod used_factor;
