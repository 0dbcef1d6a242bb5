//! Setting up a passkey.

use super::{
    passkey_challenge::{claim_challenge, is_current},
    passkeys::{
        MAX_PASSKEYS, StoredPasskey, discard_passkey, is_valid_passkey_of, load_passkeys,
        open_passkey, passkey_key, uses_passkeys,
    },
};
use crate::{
    accounts::{
        AccountContext, AccountError,
        records::{
            invitation_claim::{keep_invitation_used, own_invitation},
            vaulted_record::seal_vaulted_record,
        },
        revocation::endings,
        sessions::active_session::ActiveSession,
    },
    model::Account,
    protocol::{
        records::{ChallengePurpose, PasskeyChallenge, PasskeyRecord},
        webauthn::{
            RegisteredCredential, RegistrationResponse, RelyingParty, WebauthnError,
            verify_registration,
        },
    },
    store::Record,
};

/// A passkey whose answer holds. It is not stored yet.
#[derive(Clone, Debug)]
pub(crate) struct NewPasskey {
    record: Record,
    challenge: PasskeyChallenge,
}

/// The reason why a passkey is not set up.
#[derive(Clone, Debug)]
pub(crate) enum NewPasskeyRefusal {
    /// The answer is not to the challenge of the page.
    Answer(WebauthnError),
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

/// The person who sets up a passkey.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PasskeyOwner<'a> {
    /// The account that gets the passkey.
    pub(crate) account: &'a Account,
    /// The name of the identity provider that the person has signed in at.
    pub(crate) provider: Option<&'a str>,
    /// The place that the challenge was made for: the public id of the session, or an id of the invitation.
    pub(crate) place: &'a str,
    /// The id of the invitation that is used up with the passkey.
    pub(crate) invitation: Option<&'a str>,
}

impl<'a> From<&'a ActiveSession> for PasskeyOwner<'a> {
    fn from(active: &'a ActiveSession) -> Self {
        let origin = active.session.origin.as_ref();
        Self {
            account: &active.account,
            provider: origin.map(|origin| origin.provider.as_str()),
            place: &active.session.sid,
            invitation: None,
        }
    }
}

/// Returns true if a challenge was made for this person to set up a passkey, and can still be answered.
pub(crate) fn is_enrolment_of(
    context: AccountContext<'_>,
    owner: PasskeyOwner<'_>,
    challenge: &PasskeyChallenge,
) -> bool {
    let sid = match &challenge.purpose {
        ChallengePurpose::Enrolment { sid, .. } => Some(sid),
        ChallengePurpose::SignIn(_) => None,
    };
    sid.is_some_and(|sid| sid == owner.place) && is_current(context, challenge)
}

/// Checks the answer by which a person sets a passkey up. Nothing is stored.
pub(crate) async fn prove_new_passkey(
    context: AccountContext<'_>,
    owner: PasskeyOwner<'_>,
    challenge: &PasskeyChallenge,
    (response, name): (RegistrationResponse<'_>, String),
) -> Result<Result<NewPasskey, NewPasskeyRefusal>, AccountError> {
    let relying_party = RelyingParty::of(&context.tenant.tenant.issuer);
    let (ChallengePurpose::Enrolment { user_handle, .. }, Some(relying_party)) =
        (&challenge.purpose, relying_party)
    else {
        return Ok(Err(NewPasskeyRefusal::Expired));
    };
    if !is_enrolment_of(context, owner, challenge) || !can_enrol_passkeys(context) {
        return Ok(Err(NewPasskeyRefusal::Expired));
    }
    let registered = match verify_registration(relying_party, &challenge.challenge, response) {
        Ok(registered) => registered,
        Err(error) => return Ok(Err(NewPasskeyRefusal::Answer(error))),
    };
    if load_passkeys(context, owner.account).await?.len() >= MAX_PASSKEYS {
        return Ok(Err(NewPasskeyRefusal::Exists));
    }
    let key = passkey_key(context, &registered.id);
    let passkey = passkey_record(context, owner, (registered, user_handle), name);
    let record = seal_vaulted_record(context, key, &owner.account.subject, &passkey)?;
    Ok(Ok(NewPasskey { record, challenge: challenge.clone() }))
}

/// Uses up the challenge of a passkey. One of several requests with the same answer gets true.
pub(crate) async fn claim_new_passkey(
    context: AccountContext<'_>,
    account: &Account,
    new: &NewPasskey,
) -> Result<bool, AccountError> {
    claim_challenge(context, &new.challenge, &account.subject).await
}

/// Stores a passkey whose challenge was claimed. Returns false if the credential is set up already, or the person has
/// as many passkeys as can be.
pub(crate) async fn store_new_passkey(
    context: AccountContext<'_>,
    account: &Account,
    new: NewPasskey,
) -> Result<bool, AccountError> {
    let id = new.record.key.id.clone();
    if !insert_passkey(context, account, new.record).await? {
        return Ok(false);
    }
    // Requests at the same time may have added some too. It is stored, so what fails here is not reported.
    let Ok(all) = load_passkeys(context, account).await else { return Ok(true) };
    let surplus = all.iter().find(|it| it.id() == id).filter(|_| all.len() > MAX_PASSKEYS);
    if let Some(surplus) = surplus {
        discard_passkey(context, surplus).await?;
    }
    Ok(surplus.is_none())
}

/// Inserts the record. It replaces a record of the same user that is no longer valid, whose invitation stays used.
/// Returns false if another valid record has the key.
async fn insert_passkey(
    context: AccountContext<'_>,
    account: &Account,
    record: Record,
) -> Result<bool, AccountError> {
    if context.insert(record.clone()).await? {
        return Ok(true);
    }
    let Some(before) = context.get(&record.key).await? else { return Ok(false) };
    let version = before.version;
    if let Some(StoredPasskey { passkey, .. }) = open_passkey(context, before)? {
        // The subject can be that of another person by now.
        if passkey.subject != account.subject || is_valid_passkey_of(context, &passkey, account) {
            return Ok(false);
        }
        let invitation = own_invitation(context, account, (passkey.marks, passkey.invitation));
        keep_invitation_used(context, account, invitation.as_deref()).await?;
    }
    Ok(context.compare_and_swap(version, record).await?)
}

fn passkey_record(
    context: AccountContext<'_>,
    owner: PasskeyOwner<'_>,
    (registered, user_handle): (RegisteredCredential, &[u8]),
    name: String,
) -> PasskeyRecord {
    PasskeyRecord {
        subject: owner.account.subject.clone(),
        provider: owner.provider.map(str::to_owned),
        credential_id: registered.id,
        public_key: registered.public_key,
        user_handle: user_handle.to_vec(),
        sign_count: registered.sign_count,
        backup_eligible: registered.backup_eligible,
        backed_up: registered.backed_up,
        name,
        enrolled_at: context.store_now,
        used_at: None,
        marks: endings::current_marks(context, owner.account),
        copied_at: None,
        invitation: owner.invitation.map(str::to_owned),
    }
}
