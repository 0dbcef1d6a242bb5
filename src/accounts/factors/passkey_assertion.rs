//! The use of a passkey: to sign in, or as the second factor of a person who is known.

use std::sync::Arc;

use super::{
    passkey_challenge::{challenge_issued_at, claim_challenge, is_current},
    passkeys::{StoredPasskey, is_valid_passkey_of, open_passkey, passkey_key, uses_passkeys},
};
use crate::{
    accounts::{
        AccountContext, AccountError, outbox::mail_notices::notify_person,
        records::vaulted_record::seal_vaulted_record, revocation::endings,
    },
    model::{Account, Timestamp},
    protocol::{
        records::{ChallengePurpose, NoticedChange, PasskeyChallenge, PasskeyRecord},
        webauthn::{
            AssertionResponse, KnownCredential, LastAssertion, MAX_CREDENTIAL_ID_LEN, RelyingParty,
            SignCountVerdict, VerifiedAssertion, WebauthnError, check_sign_count, verify_assertion,
        },
    },
    store::{RecordChange, VersionedRecord},
};

/// The answer of a passkey.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PasskeyAnswer<'a> {
    /// The ID of the credential that the authenticator chose, in bytes (`rawId`).
    pub(crate) credential_id: &'a [u8],
    /// The user handle; authenticators may omit it where the page named the credentials.
    pub(crate) user_handle: Option<&'a [u8]>,
    /// The signed part of the answer.
    pub(crate) response: AssertionResponse<'a>,
}

/// The reason why an answer is refused.
#[derive(Clone, Debug)]
pub(crate) enum PasskeyRefusal {
    /// The passkey does not exist here, or the answer does not hold. The reason is for logs.
    Wrong(Option<WebauthnError>),
    /// The passkey is right, but its user is disabled. People see the same message as for [`Self::Wrong`].
    Disabled(Arc<Account>),
    /// The answer came too late, or was used before.
    Replayed,
    /// A copy of the authenticator may exist. The passkey is refused until the person removes it.
    Cloned(Arc<Account>),
    /// The person first has to sign in at the identity provider with this name.
    NotAlone(String),
}

/// Checks an answer, and uses it up if it is right. `waiting`: the person whose second factor it has to be;
/// `None` for a sign-in by the passkey alone. Returns the person.
pub(crate) async fn use_passkey(
    context: AccountContext<'_>,
    (challenge, browser): (&PasskeyChallenge, Option<[u8; 32]>),
    answer: PasskeyAnswer<'_>,
    waiting: Option<&Arc<Account>>,
) -> Result<Result<Arc<Account>, PasskeyRefusal>, AccountError> {
    let wrong = |error| Ok(Err(PasskeyRefusal::Wrong(error)));
    let issuer = &context.tenant.tenant.issuer;
    let relying_party = RelyingParty::of(issuer).filter(|_| uses_passkeys(context));
    let Some(relying_party) = relying_party else { return wrong(None) };
    if !is_of_browser(challenge, browser) || !is_current(context, challenge) {
        return Ok(Err(PasskeyRefusal::Replayed));
    }
    let Some(StoredPasskey { stored, passkey }) = find_passkey(context, answer).await? else {
        return wrong(None);
    };
    let is_handle = match answer.user_handle {
        Some(handle) => handle == passkey.user_handle,
        None => waiting.is_some(),
    };
    if !is_handle {
        return wrong(None);
    }
    let known = KnownCredential {
        public_key: &passkey.public_key,
        backup_eligible: passkey.backup_eligible,
    };
    let verified = verify_assertion(relying_party, &challenge.challenge, known, answer.response);
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => return wrong(Some(error)),
    };
    let account = match person_of(context, &passkey, waiting) {
        Ok(account) => account,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if !claim_challenge(context, challenge, &account.subject).await? {
        return Ok(Err(PasskeyRefusal::Replayed));
    }
    record_use(context, stored, account, (verified, challenge_issued_at(challenge))).await
}

/// The challenge is one for a sign-in, and was made for this browser.
fn is_of_browser(challenge: &PasskeyChallenge, browser: Option<[u8; 32]>) -> bool {
    match challenge.purpose {
        ChallengePurpose::SignIn(made_for) => browser == Some(made_for),
        ChallengePurpose::Enrolment { .. } => false,
    }
}

async fn find_passkey(
    context: AccountContext<'_>,
    answer: PasskeyAnswer<'_>,
) -> Result<Option<StoredPasskey>, AccountError> {
    if answer.credential_id.len() > MAX_CREDENTIAL_ID_LEN {
        return Ok(None);
    }
    match context.get(&passkey_key(context, answer.credential_id)).await? {
        Some(stored) => open_passkey(context, stored),
        None => Ok(None),
    }
}

/// The person of a passkey, who may sign in with it.
fn person_of(
    context: AccountContext<'_>,
    passkey: &PasskeyRecord,
    waiting: Option<&Arc<Account>>,
) -> Result<Arc<Account>, PasskeyRefusal> {
    if let Some(account) = waiting {
        let counts = is_valid_passkey_of(context, passkey, account);
        return if counts { Ok(Arc::clone(account)) } else { Err(PasskeyRefusal::Wrong(None)) };
    }
    // The provider is asked at each sign-in whether the person is still there.
    if let Some(provider) = &passkey.provider {
        return Err(PasskeyRefusal::NotAlone(provider.clone()));
    }
    let account = context.tenant.account_by_subject(&passkey.subject);
    let account = account.filter(|account| is_valid_passkey_of(context, passkey, account));
    let account = account.ok_or(PasskeyRefusal::Wrong(None))?;
    if account.disabled {
        return Err(PasskeyRefusal::Disabled(Arc::clone(account)));
    }
    // The same holds for a passkey that was set up by an invitation.
    if let Some(provider) = account.asked_provider() {
        return Err(PasskeyRefusal::NotAlone(provider.to_owned()));
    }
    Ok(Arc::clone(account))
}

/// The result of recording an assertion.
enum RecordedAssertion {
    /// The passkey no longer exists.
    Removed,
    /// The use is accepted. Its counter was recorded, or a higher counter was.
    Counted,
    /// A copy may exist.
    Copied {
        /// Whether this use showed it.
        is_new: bool,
    },
}

/// Records the counter of a use, which is compared with that of the use before, whichever replica saw it. Each
/// refusal raises the counter of the copy, so a passkey that was copied once is refused for good. An answer
/// that a later answer has just overtaken changes nothing. A recorded use therefore excuses only answers to earlier
/// challenges.
async fn record_use(
    context: AccountContext<'_>,
    stored: VersionedRecord,
    account: Arc<Account>,
    (verified, issued_at): (VerifiedAssertion, Timestamp),
) -> Result<Result<Arc<Account>, PasskeyRefusal>, AccountError> {
    let key = stored.record.key.clone();
    let write = |stored: Option<&VersionedRecord>| {
        let opened = stored.map(|stored| open_passkey(context, stored.clone())).transpose()?;
        let Some(StoredPasskey { passkey, .. }) = opened.flatten() else {
            return Ok(RecordChange::Keep(RecordedAssertion::Removed));
        };
        if passkey.copied_at.is_some() {
            return Ok(RecordChange::Keep(RecordedAssertion::Copied { is_new: false }));
        }
        let last = LastAssertion { sign_count: passkey.sign_count, at: passkey.used_at };
        let verdict = check_sign_count(last, verified.sign_count, (issued_at, context.store_now));
        // After a restore the user has other marks. A later user with the same subject must not get the passkey.
        let passkey = PasskeyRecord { marks: endings::current_marks(context, &account), ..passkey };
        let (passkey, recorded) = match verdict {
            SignCountVerdict::Overtaken => {
                return Ok(RecordChange::Keep(RecordedAssertion::Counted));
            }
            SignCountVerdict::Copied => {
                let copied = PasskeyRecord { copied_at: Some(context.now), ..passkey };
                (copied, RecordedAssertion::Copied { is_new: true })
            }
            SignCountVerdict::Grown => {
                let used = PasskeyRecord {
                    sign_count: verified.sign_count,
                    backed_up: verified.backed_up,
                    used_at: Some(context.store_now),
                    ..passkey
                };
                (used, RecordedAssertion::Counted)
            }
        };
        let record = seal_vaulted_record(context, key.clone(), &account.subject, &passkey)?;
        Ok(RecordChange::Write(record, recorded))
    };
    Ok(match context.update(&key, Some(stored), write).await? {
        RecordedAssertion::Counted => Ok(account),
        // It was removed at the same moment.
        RecordedAssertion::Removed => Err(PasskeyRefusal::Wrong(None)),
        RecordedAssertion::Copied { is_new } => {
            if is_new {
                notify_person(context, &account, NoticedChange::PasskeyCopied).await;
            }
            Err(PasskeyRefusal::Cloned(account))
        }
    })
}
