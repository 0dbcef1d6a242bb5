//! Grants, consents, authorization codes and stored interactions: whether a grant gives tokens now, the lookup of a
//! presented token, the limits of the records of a person, and what the account page lists and ends.
//!
//! Must not: issue tokens. `token_grants` and `tokens` do.

pub(crate) mod access_denial;
pub(crate) mod account_access;
pub(crate) mod account_sign_out;
pub(crate) mod codes;
pub(crate) mod consents;
pub(super) mod exchanged_tokens;
pub(super) mod grant_counts;
pub(crate) mod grant_validity;
pub(crate) mod interactions;
pub(crate) mod record_limits;
pub(crate) mod token_lookup;
