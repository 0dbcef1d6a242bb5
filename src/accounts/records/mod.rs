//! Records that several folders use: sealed records, counted records, the marks of accounts, and the records of
//! grants, sessions, upstream sessions and invitations (docs/design/state.md), and the worker that seals records
//! again with the newest vault key.
//!
//! Must not: decide whether a session or grant is valid. `grant_records` writes the revocation of a grant; `revocation`
//! ends sessions and notifies applications.

pub(crate) mod budgeted_records;
pub(super) mod current_marks;
pub(super) mod grant_records;
pub(super) mod invitation_claim;
pub(super) mod oldest_records;
pub(super) mod sealed_record;
pub(super) mod session_record;
pub(super) mod upstream_session_record;
pub(crate) mod upstream_sessions;
pub(super) mod vault_resealing;
pub(super) mod vaulted_record;
