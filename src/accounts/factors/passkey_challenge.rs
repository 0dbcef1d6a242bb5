//! Challenges for passkeys: made without a record, and answered once.

use std::time::Duration;

use super::passkeys::StoredPasskey;
use crate::{
    accounts::{AccountContext, AccountError},
    model::{Subject, Timestamp, sha256_base64url},
    protocol::{
        records::{ChallengePurpose, PasskeyChallenge},
        session::CLOCK_SKEW,
        webauthn::{CHALLENGE_LEN, USER_HANDLE_LEN},
    },
    store::{IndexEntry, IndexKind, Record, RecordKind},
};

/// How long a challenge can be answered.
const CHALLENGE_TTL: Duration = Duration::from_mins(5);

/// The challenge of a page that asks for a passkey, in the browser whose pre-session cookie has this hash.
pub(crate) fn sign_in_challenge(
    context: AccountContext<'_>,
    browser: [u8; 32],
) -> PasskeyChallenge {
    new_challenge(context, ChallengePurpose::SignIn(browser))
}

/// The challenge of the page for setting up a passkey in this session. The passkeys of a person share a user
/// handle.
pub(crate) fn enrolment_challenge(
    context: AccountContext<'_>,
    sid: &str,
    existing: &[StoredPasskey],
) -> PasskeyChallenge {
    let user_handle = existing.first().map_or_else(
        || {
            let mut handle = vec![0; USER_HANDLE_LEN];
            context.services.entropy.fill(&mut handle);
            handle
        },
        |passkey| passkey.passkey.user_handle.clone(),
    );
    new_challenge(context, ChallengePurpose::Enrolment { sid: sid.to_owned(), user_handle })
}

fn new_challenge(context: AccountContext<'_>, purpose: ChallengePurpose) -> PasskeyChallenge {
    let mut challenge = [0; CHALLENGE_LEN];
    context.services.entropy.fill(&mut challenge);
    PasskeyChallenge { challenge, purpose, expires_at: context.store_now.plus(CHALLENGE_TTL) }
}

/// When a challenge was issued, by the store's clock.
pub(super) fn challenge_issued_at(challenge: &PasskeyChallenge) -> Timestamp {
    challenge.expires_at.minus(CHALLENGE_TTL)
}

/// Returns true if a challenge can still be answered.
pub(crate) fn is_current(context: AccountContext<'_>, challenge: &PasskeyChallenge) -> bool {
    context.store_now < challenge.expires_at
}

/// Uses up a challenge that was answered rightly. Returns false if it was used before. If several requests have the
/// same answer, only one gets true, across all replicas. Only a person with a passkey can cause the record.
pub(super) async fn claim_challenge(
    context: AccountContext<'_>,
    challenge: &PasskeyChallenge,
    subject: &Subject,
) -> Result<bool, AccountError> {
    claim_single_use(context, (&challenge.challenge, challenge.expires_at), subject).await
}

/// Marks a single-use value as used. Returns true for exactly one caller.
pub(super) async fn claim_single_use(
    context: AccountContext<'_>,
    (unique, expires_at): (&[u8], Timestamp),
    subject: &Subject,
) -> Result<bool, AccountError> {
    let record = Record {
        key: context.key(RecordKind::UsedChallenge, sha256_base64url(unique)),
        value: Vec::new().into(),
        // Clocks differ, and expiry is checked by the replica's own.
        expires_at: expires_at.plus(2 * CLOCK_SKEW),
        owners: vec![IndexEntry::new(IndexKind::User, subject.as_str())],
        due_at: None,
    };
    Ok(context.insert(record).await?)
}
