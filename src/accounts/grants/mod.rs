//! Grants, consents and authorization codes: whether a grant gives tokens now, which token belongs to it, how many a
//! person may hold, and their list on the account page.
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
