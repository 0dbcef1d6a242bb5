//! The recovery codes of people who have an authenticator.

use super::{
    authenticators::{
        authenticator_key, load_authenticator, open_authenticator, remove_authenticator,
    },
    passkeys::load_passkeys,
    totp::{CodeVerdict, load_totp},
};
use crate::{
    accounts::{
        AccountContext, AccountError,
        context::RecordChange,
        outbox::mail_notices::notify_person,
        records::vaulted_record::{open_vaulted_record, seal_vaulted_record},
        revocation::endings,
    },
    identity::{AttemptSource, LoginThrottle, ThrottledAccount},
    model::{Account, AuditEvent, AuditText, Timestamp},
    protocol::{
        records::{NoticedChange, RecoveryCodesRecord},
        recovery_codes::{
            RECOVERY_CODE_BYTES, RECOVERY_CODE_COUNT, parse_recovery_code, recovery_code,
            recovery_code_hash,
        },
    },
    store::{RecordKey, VersionedRecord},
};

/// Bytes of the salt of the hashes.
const SALT: usize = 16;

/// The recovery codes that a person gets with an authenticator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NewRecoveryCodes {
    /// These. They are shown once.
    Shown(Vec<String>),
    /// No codes were made: the person already has codes, or could not use them.
    None,
    /// Those that another page has made at the same time.
    OfOtherPage,
}

/// Recovery codes that were written before the authenticator that they come with.
#[derive(Debug)]
pub(crate) struct PreparedCodes {
    codes: NewRecoveryCodes,
    /// The content of the record, if one was written.
    written: Option<RecoveryCodesRecord>,
}

impl PreparedCodes {
    /// The codes, after the authenticator was stored. Their record is written once more, so that a page which has not
    /// seen the authenticator cannot replace them after they were shown.
    pub(crate) async fn confirm(
        self,
        context: AccountContext<'_>,
        account: &Account,
    ) -> NewRecoveryCodes {
        let Self { codes, written } = self;
        let Some(written) = written else { return codes };
        match rewrite(context, account, &written).await {
            Ok(true) => codes,
            Ok(false) => NewRecoveryCodes::OfOtherPage,
            Err(error) => {
                tracing::warn!(%error, "recovery codes were made, but their record could not be written once more; another page may replace them");
                codes
            }
        }
    }
}

/// Writes the record of these codes again, which changes its version. Returns false if it has other codes by now. A
/// record that was sealed with another key in the meantime has the same codes.
async fn rewrite(
    context: AccountContext<'_>,
    account: &Account,
    written: &RecoveryCodesRecord,
) -> Result<bool, AccountError> {
    let key = codes_key(context, account);
    let stored = context.get(&key).await?;
    let write = |stored: Option<&VersionedRecord>| {
        let open = |stored| open_vaulted_record::<RecoveryCodesRecord>(context, stored);
        let present = stored.map(open).transpose()?.flatten();
        let has_codes =
            |it: &RecoveryCodesRecord| (&it.salt, &it.unused) == (&written.salt, &written.unused);
        let Some(own) = present.filter(has_codes) else { return Ok(RecordChange::Keep(false)) };
        let record = seal_vaulted_record(context, key.clone(), &account.subject, &own)?;
        Ok(RecordChange::Write(record, true))
    };
    context.update(&key, stored, write).await
}

/// Makes new codes in place of those that a person has. They are readable only here.
pub(crate) async fn make_recovery_codes(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<Vec<String>, AccountError> {
    let (codes, made) = new_codes(context, account);
    let key = codes_key(context, account);
    let record = seal_vaulted_record(context, key, &account.subject, &made)?;
    let stored = context.get(&record.key).await?;
    let write = |_: Option<&VersionedRecord>| Ok(RecordChange::Write(record.clone(), ()));
    context.update(&record.key, stored, write).await?;
    Ok(codes)
}

/// New codes, and the content of their record. Nothing is written.
fn new_codes(context: AccountContext<'_>, account: &Account) -> (Vec<String>, RecoveryCodesRecord) {
    let entropy = &context.services.entropy;
    let mut salt = vec![0; SALT];
    entropy.fill(&mut salt);
    let new = |_| {
        let mut random = [0; RECOVERY_CODE_BYTES];
        entropy.fill(&mut random);
        recovery_code(random)
    };
    let codes: Vec<String> = (0..RECOVERY_CODE_COUNT).map(new).collect();
    let parsed = codes.iter().filter_map(|code| parse_recovery_code(code));
    let made = RecoveryCodesRecord {
        unused: parsed.map(|code| recovery_code_hash(&salt, &code)).collect(),
        salt,
        made_at: context.store_now,
        marks: endings::current_marks(context, account),
    };
    (codes, made)
}

/// Makes the codes that come with the first authenticator of a person. A person who has an authenticator and codes
/// keeps them, and one who could not use them gets none. Without an authenticator codes are not accepted. Those that
/// another page writes in the meantime are not replaced, because it may show them.
pub(crate) async fn make_first_recovery_codes(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<PreparedCodes, AccountError> {
    let without = |codes| Ok(PreparedCodes { codes, written: None });
    if account.signs_in_by_passkey_alone() {
        return without(NewRecoveryCodes::None);
    }
    let key = codes_key(context, account);
    for is_retry in [false, true] {
        // Before the authenticators, which another page stores after its codes.
        let stored = context.get(&key).await?;
        let has_any = load_totp(context, account).await?.is_some()
            || !load_passkeys(context, account).await?.is_empty();
        if has_any && count_recovery_codes(context, account).await?.is_some() {
            let of_other_page = NewRecoveryCodes::OfOtherPage;
            return without(if is_retry { of_other_page } else { NewRecoveryCodes::None });
        }
        let (codes, made) = new_codes(context, account);
        let record = seal_vaulted_record(context, key.clone(), &account.subject, &made)?;
        let is_written = match &stored {
            Some(stored) => context.compare_and_swap(stored.version, record).await?,
            None => context.insert(record).await?,
        };
        if is_written {
            let codes = NewRecoveryCodes::Shown(codes);
            return Ok(PreparedCodes { codes, written: Some(made) });
        }
        if !is_gone_or_resealed(context, stored, &key).await? {
            break;
        }
    }
    without(NewRecoveryCodes::OfOtherPage)
}

/// Returns true if a record that was not replaced does not exist any more, or only was sealed with another key or
/// written again. Its codes are not those that another page has made in the meantime.
async fn is_gone_or_resealed(
    context: AccountContext<'_>,
    before: Option<VersionedRecord>,
    key: &RecordKey,
) -> Result<bool, AccountError> {
    let Some(before) = before else { return Ok(false) };
    let Some(present) = context.get(key).await? else { return Ok(true) };
    let before: Option<RecoveryCodesRecord> = open_vaulted_record(context, &before)?;
    let present: Option<RecoveryCodesRecord> = open_vaulted_record(context, &present)?;
    Ok(before.is_some() && before == present)
}

/// The number of codes that a person has not used; `None` for a person who has none.
pub(crate) async fn count_recovery_codes(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<Option<usize>, AccountError> {
    let loaded = load_codes(context, account).await?;
    Ok(loaded.map(|(_, codes)| codes.unused.len()))
}

/// When the codes of a person were made; `None` for a person who has none.
pub(crate) async fn recovery_codes_made_at(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<Option<Timestamp>, AccountError> {
    let loaded = load_codes(context, account).await?;
    Ok(loaded.map(|(_, codes)| codes.made_at))
}

/// A code as typed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecoveryAttempt<'a> {
    /// The text as the user typed it. Case, spaces and hyphens do not matter.
    pub(crate) typed: &'a str,
    /// The address and browser of the attempt. The browser is known if the person has proved the app with it.
    pub(crate) source: AttemptSource<'a>,
}

/// Checks a code, and uses it up if it is right. Codes cannot be guessed, so wrong codes are only slowed down, like
/// wrong passwords. An attacker must not be able to block a user's last way to sign in.
pub(crate) async fn use_recovery_code(
    context: AccountContext<'_>,
    account: &Account,
    attempt: RecoveryAttempt<'_>,
    attempts: &LoginThrottle,
) -> Result<CodeVerdict, AccountError> {
    let Some(code) = parse_recovery_code(attempt.typed) else { return Ok(CodeVerdict::Wrong) };
    // No user name contains NUL.
    let username = &format!("recovery code\0{}", account.subject);
    let throttled = ThrottledAccount { tenant: context.tenant_id(), username, exists: true };
    let permit = match attempts.admit(throttled, attempt.source, context.now) {
        Ok(permit) => permit,
        Err(wait) => return Ok(CodeVerdict::Wait(wait)),
    };
    match take_code(context, account, &code).await {
        Ok(true) => {
            attempts.succeeded(&permit, context.now);
            Ok(CodeVerdict::Accepted)
        }
        Ok(false) => Ok(CodeVerdict::Wrong),
        Err(error) => {
            attempts.withdraw(&permit);
            Err(error)
        }
    }
}

/// Uses a code up; returns false if the person does not have it.
async fn take_code(
    context: AccountContext<'_>,
    account: &Account,
    code: &str,
) -> Result<bool, AccountError> {
    let key = codes_key(context, account);
    let stored = load_codes(context, account).await?.map(|(stored, _)| stored);
    let take = |stored: Option<&VersionedRecord>| {
        let open = |stored| open_authenticator::<RecoveryCodesRecord>(context, account, stored);
        let codes = stored.map(open).transpose()?;
        let Some(mut codes) = codes.flatten() else { return Ok(RecordChange::Keep(None)) };
        let hash = recovery_code_hash(&codes.salt, code);
        let before = codes.unused.len();
        codes.unused.retain(|unused| *unused != hash);
        if codes.unused.len() == before {
            return Ok(RecordChange::Keep(None));
        }
        let record = seal_vaulted_record(context, key.clone(), &account.subject, &codes)?;
        Ok(RecordChange::Write(record, Some(codes.unused.len())))
    };
    let Some(left) = context.update(&key, stored, take).await? else { return Ok(false) };
    context.audit(AuditEvent::RecoveryCodeUsed {
        subject: AuditText::new(account.subject.as_str()),
        left: u64::try_from(left).unwrap_or_default(),
    });
    notify_person(context, account, NoticedChange::RecoveryCodeUsed).await;
    Ok(true)
}

/// Forgets the codes of a person who has no authenticator any more.
pub(crate) async fn forget_recovery_codes(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<(), AccountError> {
    remove_authenticator::<RecoveryCodesRecord>(context, account).await.map(drop)
}

fn codes_key(context: AccountContext<'_>, account: &Account) -> RecordKey {
    authenticator_key::<RecoveryCodesRecord>(context, &account.subject)
}

/// The codes of a person. Those of another person with the subject are replaced with the app.
async fn load_codes(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<Option<(VersionedRecord, RecoveryCodesRecord)>, AccountError> {
    match load_authenticator(context, account).await {
        Err(AccountError::OtherPersonsAuthenticator) => Ok(None),
        loaded => loaded,
    }
}
