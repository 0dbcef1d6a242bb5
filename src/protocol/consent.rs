//! Consent: when to ask for it, and what to remember (OIDC Core §3.1.2.4, §11).

use std::{collections::BTreeSet, time::Duration};

use super::{
    authorize::{AuthorizationRequest, Prompt},
    records::{AccountMarks, Consent},
};
use crate::model::{ConsentPolicy, ObjectKey, Subject, Timestamp, sha256_base64url};

/// How long consent is remembered.
pub const CONSENT_TTL: Duration = Duration::from_hours(365 * 24);

/// Returns true if the user must be asked for consent.
///
/// `prompt=consent` always asks. Otherwise remembered consent covers the scopes it was given for,
/// including `offline_access`. OIDC Core §11 allows that under "other conditions": the user agreed
/// to offline access on the consent page, or the owner of the client set `consent: Implied`.
///
/// A request with authorization details always asks. They are about one transaction, so they are not remembered.
///
/// A client that a metadata document describes always asks. Another program can use the document with a loopback
/// port of its own, so an earlier answer may have been for another program
/// (draft-ietf-oauth-client-id-metadata-document §8.1).
pub fn is_needed(request: &AuthorizationRequest, remembered: Option<&Consent>) -> bool {
    if request.prompt.contains(&Prompt::Consent)
        || request.client.is_described_by_document()
        || !request.resources.details.is_empty()
    {
        return true;
    }
    match request.client.consent {
        ConsentPolicy::Implied => false,
        ConsentPolicy::Required => remembered
            .is_none_or(|consent| !request.requested_permissions.is_subset(&consent.scopes)),
    }
}

/// Most bytes of remembered permissions, so that they fit into a record.
const MAX_REMEMBERED_LEN: usize = 48 * 1024;

/// Returns the consent to store after Allow: the new permissions and all earlier ones. Earlier ones that
/// would make the record too long are forgotten, so the user is asked for them again.
pub fn extend_consent(
    previous: Option<&Consent>,
    requested: &BTreeSet<String>,
    marks: AccountMarks,
    now: Timestamp,
) -> Consent {
    let mut scopes = requested.clone();
    let mut len: usize = scopes.iter().map(String::len).sum();
    for earlier in previous.into_iter().flat_map(|consent| &consent.scopes) {
        if !scopes.contains(earlier) && len + earlier.len() <= MAX_REMEMBERED_LEN {
            len += earlier.len();
            scopes.insert(earlier.clone());
        }
    }
    Consent { scopes, given_at: now, marks: Some(marks) }
}

/// Returns the ID under which consent for the object of a client is stored. Another object that gets
/// the client's id does not inherit the consent.
pub fn consent_record_id(subject: &Subject, client: &ObjectKey) -> String {
    // Neither value can contain NUL, so different pairs have different IDs. The prefix separates them
    // from those of client ids.
    sha256_base64url(format!("object\0{subject}\0{client}"))
}
