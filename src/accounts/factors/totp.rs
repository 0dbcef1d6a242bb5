//! The authenticator apps of people: setting up, checking codes, removing.

use std::time::Duration;

use super::{
    authenticators::{
        authenticator_key, load_authenticator, open_authenticator, remove_authenticator,
    },
    factor_attempts::{begin_attempt, take_back_attempt},
    passkey_challenge::claim_single_use,
};
use crate::{
    accounts::{
        AccountContext, AccountError,
        records::{
            invitation_claim::{keep_invitation_used, own_invitation},
            vaulted_record::{open_vaulted_record, seal_vaulted_record},
        },
        revocation::endings,
    },
    model::{Account, AuthenticatorPolicy, Timestamp},
    protocol::{
        records::{TotpEnrolment, TotpRecord},
        totp::{TOTP_SECRET_LEN, TotpVerdict, parse_totp_code, verify_totp_code},
    },
    store::VersionedRecord,
};

/// How long a page for setting up an app can be used: time to install the app.
const ENROLMENT_TTL: Duration = Duration::from_mins(10);

/// The authenticator app of a person, as stored.
#[derive(Clone, Debug)]
pub(crate) struct EnrolledTotp {
    stored: VersionedRecord,
    totp: TotpRecord,
}

impl EnrolledTotp {
    /// The time at which the person set the app up.
    pub(crate) const fn enrolled_at(&self) -> Timestamp {
        self.totp.enrolled_at
    }
}

/// The result of the check of a code that a person typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeVerdict {
    /// The code is right.
    Accepted,
    /// The code is wrong.
    Wrong,
    /// The code was used before.
    Replayed,
    /// The clock of the app differs.
    OtherClock,
    /// The attempt comes too soon after others.
    Wait(Duration),
}

/// An app that has shown a right code. It is not stored yet.
#[derive(Clone, Debug)]
pub(crate) struct ProvedTotp {
    /// The app that it replaces.
    before: Option<EnrolledTotp>,
    secret: Vec<u8>,
    last_step: u64,
}

impl ProvedTotp {
    /// Returns true if the app replaces another app.
    pub(crate) const fn is_replacement(&self) -> bool {
        self.before.is_some()
    }
}

/// The reason why an app is not set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TotpSetupRefusal {
    /// The person has an app already.
    AlreadyEnrolled,
    /// The code does not confirm it.
    Code(CodeVerdict),
}

/// The accepted authenticator app of a person; `None` also if the tenant does not use any.
pub(crate) async fn load_totp(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<Option<EnrolledTotp>, AccountError> {
    if context.tenant.tenant.authenticators.totp == AuthenticatorPolicy::Disabled {
        return Ok(None);
    }
    let loaded = load_authenticator(context, account).await?;
    Ok(loaded.map(|(stored, totp)| EnrolledTotp { stored, totp }))
}

/// Returns true if people can set up an app now.
pub(crate) fn can_enrol(context: AccountContext<'_>) -> bool {
    let authenticators = context.tenant.tenant.authenticators;
    authenticators.totp != AuthenticatorPolicy::Disabled
        && authenticators.are_kept
        && context.vault.is_some()
}

/// Makes the secret of an app that a person sets up in this session.
pub(crate) fn begin_enrolment(context: AccountContext<'_>, sid: &str) -> TotpEnrolment {
    let expires_at = context.now.plus(ENROLMENT_TTL);
    TotpEnrolment { secret: new_secret(context), sid: sid.to_owned(), expires_at }
}

/// Makes the secret of an app.
pub(crate) fn new_secret(context: AccountContext<'_>) -> Vec<u8> {
    let mut secret = vec![0; TOTP_SECRET_LEN];
    context.services.entropy.fill(&mut secret);
    secret
}

/// Checks the code by which a user sets an app up. Nothing is stored. If the tenant requires a factor, the new app
/// replaces the earlier app, because the user must not be without an app. Otherwise the user has to remove the earlier
/// app first.
pub(crate) async fn prove_new_app(
    context: AccountContext<'_>,
    account: &Account,
    secret: &[u8],
    typed: &str,
) -> Result<Result<ProvedTotp, TotpSetupRefusal>, AccountError> {
    let before = load_totp(context, account).await?;
    // A form that is sent twice does not make its code valid again.
    let may_replace = |before: &EnrolledTotp| replaces_app(context) && before.totp.secret != secret;
    if before.as_ref().is_some_and(|before| !may_replace(before)) {
        return Ok(Err(TotpSetupRefusal::AlreadyEnrolled));
    }
    let step = check_new_code(context, secret, typed);
    let proved = |last_step| ProvedTotp { before, secret: secret.to_owned(), last_step };
    Ok(step.map(proved).map_err(TotpSetupRefusal::Code))
}

/// Stores an app. Returns false if the user has set up another app in the meantime. `invitation`: the id of the
/// invitation that is used up with it. The invitation of an app that it replaces stays used.
pub(crate) async fn store_new_app(
    context: AccountContext<'_>,
    account: &Account,
    new: ProvedTotp,
    invitation: Option<&str>,
) -> Result<bool, AccountError> {
    let key = authenticator_key::<TotpRecord>(context, &account.subject);
    let (version, earlier) = match (new.before, context.get(&key).await?) {
        // It is no longer accepted.
        (None, Some(stored))
            if open_authenticator::<TotpRecord>(context, account, &stored)?.is_none() =>
        {
            let void: Option<TotpRecord> = open_vaulted_record(context, &stored)?;
            let set_up = void.map(|void| (void.marks, void.invitation));
            let earlier = set_up.and_then(|set_up| own_invitation(context, account, set_up));
            (Some(stored.version), earlier)
        }
        (Some(before), Some(_)) => (Some(before.stored.version), before.totp.invitation),
        (None, None) => (None, None),
        // Another page was faster.
        (None, Some(_)) | (Some(_), None) => return Ok(false),
    };
    // The record has room for one.
    if invitation.is_some() && earlier.as_deref() != invitation {
        keep_invitation_used(context, account, earlier.as_deref()).await?;
    }
    let totp = TotpRecord {
        secret: new.secret,
        last_step: new.last_step,
        enrolled_at: context.store_now,
        marks: endings::current_marks(context, account),
        invitation: invitation.map(str::to_owned).or(earlier),
    };
    let record = seal_vaulted_record(context, key, &account.subject, &totp)?;
    Ok(match version {
        Some(version) => context.compare_and_swap(version, record).await?,
        None => context.insert(record).await?,
    })
}

/// Uses up the page on which a person sets up an app. If it was sent twice, only one request gets true. The other
/// request therefore cannot replace the recovery codes that were shown.
pub(crate) async fn claim_enrolment(
    context: AccountContext<'_>,
    account: &Account,
    enrolment: &TotpEnrolment,
) -> Result<bool, AccountError> {
    let unique = (&*enrolment.secret, enrolment.expires_at);
    claim_single_use(context, unique, &account.subject).await
}

/// Returns true if a new app replaces the app that a user has. Otherwise the user has to remove it first.
pub(crate) fn replaces_app(context: AccountContext<'_>) -> bool {
    context.tenant.tenant.authenticators.required().is_some()
}

/// Checks the code by which a person sets up an app with this secret. Returns its step.
fn check_new_code(
    context: AccountContext<'_>,
    secret: &[u8],
    typed: &str,
) -> Result<u64, CodeVerdict> {
    let verdict = parse_totp_code(typed)
        .map_or(TotpVerdict::Wrong, |code| verify_totp_code(secret, 0, code, context.now));
    match verdict {
        TotpVerdict::Accepted(step) => Ok(step),
        TotpVerdict::OtherClock(_) => Err(CodeVerdict::OtherClock),
        TotpVerdict::Wrong | TotpVerdict::Replayed => Err(CodeVerdict::Wrong),
    }
}

/// Checks a code. A code that is right is used up. `known_browser` is the ID of a browser that the person has
/// proved the app with.
pub(crate) async fn check_totp_code(
    context: AccountContext<'_>,
    account: &Account,
    enrolled: EnrolledTotp,
    typed: &str,
    known_browser: Option<&str>,
) -> Result<CodeVerdict, AccountError> {
    // Other text is not a guess.
    let Some(code) = parse_totp_code(typed) else { return Ok(CodeVerdict::Wrong) };
    let attempt = match begin_attempt(context, &account.subject, known_browser).await? {
        Ok(attempt) => attempt,
        Err(wait) => return Ok(CodeVerdict::Wait(wait)),
    };
    let EnrolledTotp { stored, totp } = enrolled;
    let (step, verdict) = match verify_totp_code(&totp.secret, totp.last_step, code, context.now) {
        TotpVerdict::Accepted(step) => (step, CodeVerdict::Accepted),
        TotpVerdict::OtherClock(step) => (step, CodeVerdict::OtherClock),
        TotpVerdict::Replayed => return Ok(CodeVerdict::Replayed),
        TotpVerdict::Wrong => return Ok(CodeVerdict::Wrong),
    };
    let used = TotpRecord { last_step: step, ..totp };
    let record = seal_vaulted_record(context, stored.record.key, &account.subject, &used)?;
    if !context.compare_and_swap(stored.version, record).await? {
        // Another request has used a code at the same moment, or the app was removed.
        return Ok(CodeVerdict::Replayed);
    }
    if verdict == CodeVerdict::Accepted {
        take_back_attempt(context, &account.subject, attempt).await;
    }
    Ok(verdict)
}

/// Removes the app of a person. Returns false if it was removed before. The invitation that set it up stays used.
pub(crate) async fn remove_totp(
    context: AccountContext<'_>,
    account: &Account,
    enrolled: &EnrolledTotp,
) -> Result<bool, AccountError> {
    keep_invitation_used(context, account, enrolled.totp.invitation.as_deref()).await?;
    remove_authenticator::<TotpRecord>(context, account).await
}
