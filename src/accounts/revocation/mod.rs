//! The ends of sessions and grants: whether one has ended with its user (docs/design/state.md#marks), and the writes
//! and notifications that end one.
//!
//! Must not: begin sessions or issue tokens.

pub(super) mod directory_person_end;
pub(super) mod ended_users;
pub(super) mod endings;
pub(super) mod grant_ends;
pub(super) mod session_end;
pub(super) mod upstream_session_end;
