//! Setting up a passkey.

use super::{
    AccountContext, AccountError, endings,
    passkey_challenge::{claim_challenge, is_current},
    passkeys::{
        MAX_PASSKEYS, StoredPasskey, counts_for, load_passkeys, open_passkey, passkey_key,
        remove_passkey, uses_passkeys,
    },
    sessions::ActiveSession,
    vaulted_record::seal_vaulted_record,
};
use crate::{
    protocol::{
        records::{ChallengePurpose, PasskeyChallenge, PasskeyRecord},
        webauthn::{
            RegisteredCredential, RegistrationResponse, RelyingParty, WebauthnError,
            verify_registration,
        },
    },
    store::Record,
};

/// The result of setting up a passkey.
#[derive(Clone, Debug)]
pub(crate) enum PasskeyEnrolmentResult {
    /// It is set up.
    Enrolled(Box<StoredPasskey>),
    /// The answer is not one to the challenge.
    Refused(WebauthnError),
    /// The answer came too late, or was used before.
    Expired,
    /// The credential is set up already, or the person has as many passkeys as can be.
    Exists,
}

/// Returns true if people can set up passkeys now.
pub(crate) fn can_enrol_passkeys(context: AccountContext<'_>) -> bool {
    uses_passkeys(context)
        && context.tenant.tenant.authenticators.are_kept
        && context.vault.is_some()
}

/// Returns true if a challenge was made to set up a passkey in this session, and can still be answered.
pub(crate) fn is_enrolment_of(
    context: AccountContext<'_>,
    active: &ActiveSession,
    challenge: &PasskeyChallenge,
) -> bool {
    let sid = match &challenge.purpose {
        ChallengePurpose::Enrolment { sid, .. } => Some(sid),
        ChallengePurpose::SignIn(_) => None,
    };
    sid == Some(&active.session.sid) && is_current(context, challenge)
}

/// Stores the passkey that answers a challenge of this session.
pub(crate) async fn enrol_passkey(
    context: AccountContext<'_>,
    active: &ActiveSession,
    challenge: &PasskeyChallenge,
    (response, name): (RegistrationResponse<'_>, String),
) -> Result<PasskeyEnrolmentResult, AccountError> {
    let relying_party = RelyingParty::of(&context.tenant.tenant.issuer);
    let (ChallengePurpose::Enrolment { user_handle, .. }, Some(relying_party)) =
        (&challenge.purpose, relying_party)
    else {
        return Ok(PasskeyEnrolmentResult::Expired);
    };
    if !is_enrolment_of(context, active, challenge) || !can_enrol_passkeys(context) {
        return Ok(PasskeyEnrolmentResult::Expired);
    }
    let registered = match verify_registration(relying_party, &challenge.challenge, response) {
        Ok(registered) => registered,
        Err(error) => return Ok(PasskeyEnrolmentResult::Refused(error)),
    };
    if !claim_challenge(context, challenge, &active.account.subject).await? {
        return Ok(PasskeyEnrolmentResult::Expired);
    }
    let key = passkey_key(context, &registered.id);
    let passkey = passkey_record(context, active, (registered, user_handle), name);
    let record = seal_vaulted_record(context, key, &active.account.subject, &passkey)?;
    if !insert_passkey(context, active, record.clone()).await? {
        return Ok(PasskeyEnrolmentResult::Exists);
    }
    let stored = context.get(&record.key).await?;
    let stored = stored.ok_or(AccountError::Lost(record.key.kind))?;
    let enrolled = StoredPasskey { stored, passkey };
    // Requests at the same time may have added some too.
    if load_passkeys(context, &active.account).await?.len() > MAX_PASSKEYS {
        remove_passkey(context, &enrolled).await?;
        return Ok(PasskeyEnrolmentResult::Exists);
    }
    Ok(PasskeyEnrolmentResult::Enrolled(Box::new(enrolled)))
}

/// Inserts the record, also in place of one of this person that does not count any more. Returns false if
/// there is another one.
async fn insert_passkey(
    context: AccountContext<'_>,
    active: &ActiveSession,
    record: Record,
) -> Result<bool, AccountError> {
    if context.insert(record.clone()).await? {
        return Ok(true);
    }
    let Some(before) = context.get(&record.key).await? else { return Ok(false) };
    let version = before.version;
    let is_void = match open_passkey(context, before)? {
        // The subject can be that of another person by now.
        Some(before) => {
            before.passkey.subject == active.account.subject
                && !counts_for(context, &before.passkey, &active.account)
        }
        None => true,
    };
    Ok(is_void && context.compare_and_swap(version, record).await?)
}

fn passkey_record(
    context: AccountContext<'_>,
    active: &ActiveSession,
    (registered, user_handle): (RegisteredCredential, &[u8]),
    name: String,
) -> PasskeyRecord {
    PasskeyRecord {
        subject: active.account.subject.clone(),
        provider: active.session.origin.as_ref().map(|origin| origin.provider.clone()),
        credential_id: registered.id,
        public_key: registered.public_key,
        user_handle: user_handle.to_vec(),
        sign_count: registered.sign_count,
        backup_eligible: registered.backup_eligible,
        backed_up: registered.backed_up,
        name,
        enrolled_at: context.store_now,
        used_at: None,
        marks: endings::current_marks(context, &active.account),
    }
}
