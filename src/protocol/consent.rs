//! Consent: whom to ask, and what to remember (OIDC Core §3.1.2.4, §11).

use std::{collections::BTreeSet, time::Duration};

use super::{
    authorize::{AuthorizationRequest, Prompt},
    digest,
    records::Consent,
};
use crate::model::{ClientId, ConsentPolicy, Subject, Timestamp};

/// How long an answer is remembered.
pub const CONSENT_TTL: Duration = Duration::from_hours(365 * 24);

/// Whether the person must be asked.
///
/// `prompt=consent` always asks. Otherwise an answer counts for the scopes that it named, for
/// `offline_access` as for any other: having been asked for it in words, on this page, or the
/// client's owner having said `consent: Implied`, are the "other conditions" of OIDC Core §11.
pub fn is_needed(ask: &AuthorizationRequest, remembered: Option<&Consent>) -> bool {
    if ask.prompt.contains(&Prompt::Consent) {
        return true;
    }
    match ask.client.consent {
        ConsentPolicy::Implied => false,
        ConsentPolicy::Required => {
            remembered.is_none_or(|consent| !ask.requested_permissions.is_subset(&consent.scopes))
        }
    }
}

/// What is remembered after Allow: all that was agreed to over time.
pub fn agree(previous: Option<&Consent>, wishes: &BTreeSet<String>, now: Timestamp) -> Consent {
    let mut scopes = wishes.clone();
    scopes.extend(previous.into_iter().flat_map(|consent| consent.scopes.iter().cloned()));
    Consent { scopes, given_at: now }
}

/// The id that a consent is stored under.
pub fn record_id(subject: &Subject, client: &ClientId) -> String {
    // Neither holds a NUL, so no two pairs meet.
    digest::sha256(format!("{subject}\0{client}"))
}
