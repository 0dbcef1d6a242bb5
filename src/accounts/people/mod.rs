//! People of identity providers and directories, and the account of a signed-in user at each use. Providers and
//! directories are asked again when their last answer is too old.
//!
//! Must not: begin a sign-in or a session. `upstream` and `sessions` do.

pub(crate) mod directory;
pub(super) mod directory_caller;
mod person_budget;
pub(super) mod person_records;
mod person_refresh;
pub(super) mod signed_in_account;
pub(super) mod upstream_credentials;
pub(super) mod upstream_error;
mod upstream_questions;
mod upstream_refresh;
