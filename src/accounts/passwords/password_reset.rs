//! Links by which users who forgot their password choose a new password. A link is mailed to the verified address
//! of the person, and works once and for an hour.
//!
//! A stranger cannot find out whether an account exists, because the request ends before the name is looked up.

use std::{sync::Arc, time::Duration};

use super::chosen_passwords::{load_password, replace_password};
use crate::{
    accounts::{
        AccountContext, AccountError, detached_context::DetachedContext,
        outbox::mail_queue::queue_mail, records::vaulted_record::person_record_key,
    },
    model::{
        Account, AuditEvent, AuditText, AuditedPasswordReset, Endpoint, Entropy,
        PasswordResetRefusal, PasswordState, Subject, Tenant, normalize_username, sha256_base64url,
    },
    protocol::records::{
        MailContent, PasswordResetLink, PasswordResetRecord, WaitingMail, decode_record,
        encode_record,
    },
    store::{IndexEntry, IndexKind, Record, RecordChange, RecordKey, RecordKind, VersionedRecord},
};

/// How long a link works.
const LINK_TTL: Duration = Duration::from_hours(1);
/// A person gets one mail in this time, regardless of the number of requests.
const MAIL_INTERVAL: Duration = Duration::from_mins(5);

/// Returns true if users of the tenant who forgot their password can choose a new password.
pub(crate) fn offers_reset(tenant: &Tenant) -> bool {
    let authenticators = tenant.authenticators;
    tenant.mail.is_some() && authenticators.has_passwords() && authenticators.are_kept
}

/// Counts a request of the client's address, or returns how long to wait.
pub(crate) fn admit_reset_request(context: AccountContext<'_>) -> Result<(), Duration> {
    let (tenant, address) = (context.tenant_id(), context.origin.address);
    context.services.reset_requests.admit(tenant, address, context.now)
}

/// Mails a link to the user with a name or an e-mail address, if a user may have it. Returns at once.
pub(crate) fn request_reset(context: AccountContext<'_>, typed: &str) {
    let Some(slot) = context.services.reset_requests.begin() else {
        tracing::warn!(tenant = %context.tenant_id(), "too many password reset requests at once; dropped one");
        return;
    };
    let (detached, typed) = (DetachedContext::of(context), normalize_username(typed));
    tokio::spawn(async move {
        let _slot = slot;
        let context = detached.context();
        if let Err(error) = mail_reset_link(context, &typed).await {
            tracing::warn!(tenant = %context.tenant_id(), %error, "failed to mail a password reset link");
        }
    });
}

async fn mail_reset_link(context: AccountContext<'_>, typed: &str) -> Result<(), AccountError> {
    let tenant = context.tenant;
    let found = tenant.account_by_username(typed).or_else(|| tenant.account_by_email(typed));
    let Some(account) = found.filter(|account| !account.disabled) else { return Ok(()) };
    let Some(to) = account.verified_email() else { return Ok(()) };
    let Some(password) = load_password(context, account).await? else { return Ok(()) };
    let Some(ClaimedReset { before, id }) = claim_interval(context, account).await? else {
        return Ok(());
    };
    let link = PasswordResetLink {
        subject: account.subject.to_string(),
        person: account.mark,
        id,
        chosen_at: password.chosen_at(),
        expires_at: context.store_now.plus(LINK_TTL),
        address: sha256_base64url(to),
    };
    let (subject, to) = (link.subject.clone(), to.to_owned());
    let mail = WaitingMail { subject, to, content: MailContent::PasswordReset(link) };
    if let Err(error) = queue_mail(context, &mail).await {
        give_interval_back(context, account, before).await?;
        return Err(error);
    }
    let subject = AuditText::new(account.subject.as_str());
    let reset = AuditedPasswordReset { subject, reason: None };
    context.audit(AuditEvent::PasswordReset { reset });
    Ok(())
}

/// The right to mail a link now.
struct ClaimedReset {
    /// The record of the mail before.
    before: Option<PasswordResetRecord>,
    /// The id of the link. An earlier link that still works keeps its id, so a stranger who asks for another mail
    /// does not void it.
    id: String,
}

/// Claims the right to mail a link; `None` if a link was mailed lately. If callers race, one of them gets the right.
async fn claim_interval(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<Option<ClaimedReset>, AccountError> {
    let key = reset_key(context, &account.subject);
    let entropy: &dyn Entropy = &*context.services.entropy;
    let new_id = entropy.id();
    let claim = |stored: Option<&VersionedRecord>| {
        let before = stored.map(decode).transpose()?;
        let is_early =
            |it: &PasswordResetRecord| context.store_now < it.mailed_at.plus(MAIL_INTERVAL);
        if before.as_ref().is_some_and(is_early) {
            return Ok(RecordChange::Keep(None));
        }
        let id = before.as_ref().map_or_else(|| new_id.clone(), |it| it.id.clone());
        let record = PasswordResetRecord { id: id.clone(), mailed_at: context.store_now };
        let record = to_record(context, account, &record);
        Ok(RecordChange::Write(record, Some(ClaimedReset { before, id })))
    };
    let stored = context.get(&key).await?;
    context.update(&key, stored, claim).await
}

/// Undoes a claim whose mail could not be queued.
async fn give_interval_back(
    context: AccountContext<'_>,
    account: &Account,
    before: Option<PasswordResetRecord>,
) -> Result<(), AccountError> {
    let key = reset_key(context, &account.subject);
    let Some(before) = before else {
        context.take(&key).await?;
        return Ok(());
    };
    let stored = context.get(&key).await?;
    let write = |_: Option<&VersionedRecord>| {
        Ok(RecordChange::Write(to_record(context, account, &before), ()))
    };
    context.update(&key, stored, write).await
}

fn to_record(
    context: AccountContext<'_>,
    account: &Account,
    record: &PasswordResetRecord,
) -> Record {
    Record {
        key: reset_key(context, &account.subject),
        value: encode_record(record).into(),
        expires_at: context.now.plus(LINK_TTL),
        owners: vec![IndexEntry::new(IndexKind::User, account.subject.as_str())],
        due_at: None,
    }
}

/// The person of a link, or the reason why it does not work. Nothing is written.
pub(crate) async fn check_reset_link(
    context: AccountContext<'_>,
    link: &PasswordResetLink,
) -> Result<Result<Arc<Account>, PasswordResetRefusal>, AccountError> {
    let account = context.tenant.account_by_subject(&Subject::new(link.subject.as_str()));
    let account = account.filter(|it| it.mark == link.person && !it.disabled);
    let Some(account) = account else { return Ok(Err(PasswordResetRefusal::Withdrawn)) };
    let is_offered = account.password == PasswordState::SelfChosen
        && context.tenant.tenant.authenticators.are_kept
        && offers_reset(&context.tenant.tenant);
    // The mailbox may not be the person's any more.
    let has_address =
        account.verified_email().is_some_and(|to| sha256_base64url(to) == link.address);
    if !is_offered || !has_address {
        return Ok(Err(PasswordResetRefusal::Withdrawn));
    }
    if context.store_now >= link.expires_at {
        return Ok(Err(PasswordResetRefusal::Expired));
    }
    let password = load_password(context, account).await?;
    let is_same = password.is_some_and(|password| password.chosen_at() == link.chosen_at);
    if !is_same || find_current(context, link).await?.is_none() {
        return Ok(Err(PasswordResetRefusal::Used));
    }
    Ok(Ok(Arc::clone(account)))
}

/// Stores the password that a person chose by a link. That uses up the link, because it is bound to the earlier
/// password. If callers race, exactly one gets true. If the store fails, the link stays as it was.
pub(crate) async fn choose_by_reset_link(
    context: AccountContext<'_>,
    (account, link): (&Account, &PasswordResetLink),
    hash: String,
) -> Result<bool, AccountError> {
    if !replace_password(context, account, hash, link.chosen_at).await? {
        return Ok(false);
    }
    let key = reset_key(context, &account.subject);
    if let Err(error) = context.take(&key).await {
        tracing::warn!(%error, "failed to remove a used password reset link; it is not accepted again");
    }
    Ok(true)
}

/// The record of a link, if the link was not used and no later link was mailed.
async fn find_current(
    context: AccountContext<'_>,
    link: &PasswordResetLink,
) -> Result<Option<VersionedRecord>, AccountError> {
    let stored = context.get(&reset_key(context, &Subject::new(link.subject.as_str()))).await?;
    let Some(stored) = stored else { return Ok(None) };
    let is_current = decode(&stored)?.id == link.id;
    Ok(is_current.then_some(stored))
}

fn decode(stored: &VersionedRecord) -> Result<PasswordResetRecord, AccountError> {
    decode_record(&stored.record.value)
        .map_err(|_| AccountError::Undecodable(RecordKind::PasswordReset))
}

fn reset_key(context: AccountContext<'_>, subject: &Subject) -> RecordKey {
    person_record_key(context, RecordKind::PasswordReset, subject)
}

/// A link without its token.
pub(in crate::accounts) fn reset_link_start(tenant: &Tenant) -> String {
    format!("{}?token=", Endpoint::PasswordReset.url(&tenant.issuer))
}
