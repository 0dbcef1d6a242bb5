//! Issuing tokens: claims, signature and audit line. DPoP proofs, revoked access tokens and replayed refresh tokens
//! are recorded here too.
//!
//! Must not: decide whether a client or person may have a token. `token_grants` and
//! `protocol::authorize` decide it.

pub(crate) mod dpop_proofs;
pub(crate) mod issue_plan;
pub(super) mod refresh_replays;
pub(super) mod revoked_tokens;
pub(crate) mod signing_key_choice;
pub(crate) mod token_events;
pub(crate) mod token_issuer;
