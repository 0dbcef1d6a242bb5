//! The recovery codes of people who have an authenticator.

use super::{
    AccountContext, AccountError,
    context::RecordChange,
    endings,
    factor_attempts::{begin_attempt, forget_attempts},
    totp::CodeVerdict,
    vaulted_record::{open_authenticator, person_record_key, seal_vaulted_record},
};
use crate::{
    model::{Account, AuditEvent, AuditText},
    protocol::{
        records::RecoveryCodesRecord,
        recovery_codes::{
            RECOVERY_CODE_BYTES, RECOVERY_CODES, parse_recovery_code, recovery_code,
            recovery_code_hash,
        },
    },
    store::{RecordKey, RecordKind, VersionedRecord},
};

/// Bytes of the salt of the hashes.
const SALT: usize = 16;

/// Makes new codes in place of those that a person has. They are readable only here.
pub(crate) async fn make_recovery_codes(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<Vec<String>, AccountError> {
    let entropy = &context.services.entropy;
    let mut salt = vec![0; SALT];
    entropy.fill(&mut salt);
    let new = |_| {
        let mut random = [0; RECOVERY_CODE_BYTES];
        entropy.fill(&mut random);
        recovery_code(random)
    };
    let codes: Vec<String> = (0..RECOVERY_CODES).map(new).collect();
    let parsed = codes.iter().filter_map(|code| parse_recovery_code(code));
    let made = RecoveryCodesRecord {
        unused: parsed.map(|code| recovery_code_hash(&salt, &code)).collect(),
        salt,
        made_at: context.store_now,
        marks: endings::current_marks(context, account),
    };
    let key = codes_key(context, account);
    let record = seal_vaulted_record(context, key.clone(), &account.subject, &made)?;
    let stored = context.get(&key).await?;
    let write = |_: Option<&VersionedRecord>| Ok(RecordChange::Write(record.clone(), ()));
    context.update(&key, stored, write).await?;
    Ok(codes)
}

/// The number of codes that a person has not used; `None` for a person who has none.
pub(crate) async fn count_recovery_codes(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<Option<usize>, AccountError> {
    let stored = context.get(&codes_key(context, account)).await?;
    let Some(stored) = stored else { return Ok(None) };
    Ok(read_codes(context, account, &stored)?.map(|codes| codes.unused.len()))
}

/// Judges a code, which is used up if it is right.
pub(crate) async fn use_recovery_code(
    context: AccountContext<'_>,
    account: &Account,
    typed: &str,
) -> Result<CodeVerdict, AccountError> {
    let Some(code) = parse_recovery_code(typed) else { return Ok(CodeVerdict::Wrong) };
    if let Some(wait) = begin_attempt(context, &account.subject).await? {
        return Ok(CodeVerdict::Wait(wait));
    }
    let key = codes_key(context, account);
    let stored = context.get(&key).await?;
    let take = |stored: Option<&VersionedRecord>| {
        let codes = stored.map(|stored| read_codes(context, account, stored)).transpose()?;
        let Some(mut codes) = codes.flatten() else { return Ok(RecordChange::Keep(None)) };
        let hash = recovery_code_hash(&codes.salt, &code);
        let before = codes.unused.len();
        codes.unused.retain(|unused| *unused != hash);
        if codes.unused.len() == before {
            return Ok(RecordChange::Keep(None));
        }
        let record = seal_vaulted_record(context, key.clone(), &account.subject, &codes)?;
        Ok(RecordChange::Write(record, Some(codes.unused.len())))
    };
    let Some(left) = context.update(&key, stored, take).await? else {
        return Ok(CodeVerdict::Wrong);
    };
    forget_attempts(context, &account.subject).await?;
    context.audit(AuditEvent::RecoveryCodeUsed {
        subject: AuditText::new(account.subject.as_str()),
        left: u64::try_from(left).unwrap_or_default(),
    });
    Ok(CodeVerdict::Accepted)
}

/// Forgets the codes of a person who has no authenticator any more.
pub(crate) async fn forget_recovery_codes(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<(), AccountError> {
    context.take(&codes_key(context, account)).await?;
    Ok(())
}

fn codes_key(context: AccountContext<'_>, account: &Account) -> RecordKey {
    person_record_key(context, RecordKind::RecoveryCodes, &account.subject)
}

/// The codes of a record; `None` if they are those of an earlier person, or void.
fn read_codes(
    context: AccountContext<'_>,
    account: &Account,
    stored: &VersionedRecord,
) -> Result<Option<RecoveryCodesRecord>, AccountError> {
    open_authenticator(context, account, stored, |codes: &RecoveryCodesRecord| {
        (codes.marks, codes.made_at)
    })
}
