//! Sign-in at identity providers and directories, and sign-out in both directions.
//!
//! Must not: store claims of people. `people` does.

pub(crate) mod directory_sign_in;
pub(crate) mod upstream_logout;
pub(crate) mod upstream_sign_in;
pub(crate) mod upstream_sign_out;
