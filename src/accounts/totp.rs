//! The authenticator apps of people: setting up, checking codes, removing.

use std::time::Duration;

use super::{
    AccountContext, AccountError,
    authenticators::{
        authenticator_key, load_authenticator, open_authenticator, remove_authenticator,
    },
    endings,
    factor_attempts::{begin_attempt, take_back_attempt},
    vaulted_record::seal_vaulted_record,
};
use crate::{
    model::{Account, AuthenticatorPolicy, Timestamp},
    protocol::{
        records::{TotpEnrolment, TotpRecord},
        totp::{TOTP_SECRET_LEN, TotpVerdict, judge_totp_code, parse_totp_code},
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
    /// When the person set it up.
    pub(crate) const fn enrolled_at(&self) -> Timestamp {
        self.totp.enrolled_at
    }
}

/// The judgement of a code that a person typed.
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

/// The result of setting up an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnrolmentResult {
    /// The app is set up.
    Enrolled,
    /// The person has an app already.
    AlreadyEnrolled,
    /// The code does not confirm it.
    Refused(CodeVerdict),
}

/// The authenticator app of a person that counts; `None` also if the tenant does not use any.
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
    let mut secret = vec![0; TOTP_SECRET_LEN];
    context.services.entropy.fill(&mut secret);
    let expires_at = context.now.plus(ENROLMENT_TTL);
    TotpEnrolment { secret, sid: sid.to_owned(), expires_at }
}

/// Stores an app once it has shown a right code.
pub(crate) async fn confirm_enrolment(
    context: AccountContext<'_>,
    account: &Account,
    enrolment: &TotpEnrolment,
    typed: &str,
) -> Result<EnrolmentResult, AccountError> {
    if load_authenticator::<TotpRecord>(context, account).await?.is_some() {
        return Ok(EnrolmentResult::AlreadyEnrolled);
    }
    let verdict = parse_totp_code(typed).map_or(TotpVerdict::Wrong, |code| {
        judge_totp_code(&enrolment.secret, 0, code, context.now)
    });
    let last_step = match verdict {
        TotpVerdict::Accepted(step) => step,
        TotpVerdict::OtherClock(_) => {
            return Ok(EnrolmentResult::Refused(CodeVerdict::OtherClock));
        }
        TotpVerdict::Wrong | TotpVerdict::Replayed => {
            return Ok(EnrolmentResult::Refused(CodeVerdict::Wrong));
        }
    };
    let totp = TotpRecord {
        secret: enrolment.secret.clone(),
        last_step,
        enrolled_at: context.store_now,
        marks: endings::current_marks(context, account),
    };
    let key = authenticator_key::<TotpRecord>(context, &account.subject);
    let before = context.get(&key).await?;
    let record = seal_vaulted_record(context, key, &account.subject, &totp)?;
    let written = match before {
        // It does not count any more, or another page was faster.
        Some(stored) if open_authenticator::<TotpRecord>(context, account, &stored)?.is_none() => {
            context.compare_and_swap(stored.version, record).await?
        }
        Some(_) => false,
        None => context.insert(record).await?,
    };
    Ok(if written { EnrolmentResult::Enrolled } else { EnrolmentResult::AlreadyEnrolled })
}

/// Judges a code. A code that is right is used up. `known_browser` is the ID of a browser that the person has
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
    let (step, verdict) = match judge_totp_code(&totp.secret, totp.last_step, code, context.now) {
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

/// Removes the app of a person. Returns false if there was none.
pub(crate) async fn remove_totp(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<bool, AccountError> {
    remove_authenticator::<TotpRecord>(context, account).await
}
