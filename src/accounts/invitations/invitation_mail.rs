//! The mail with the link of an invitation. Each link goes to an address once, whichever replica leads: the end is
//! stored before the message leaves the outbox.

use crate::{
    accounts::{
        AccountError, AccountServices,
        outbox::{
            mail_outbox::SealedMail,
            outbox_queue::{self, OutboxMessage as _, OutboxTimes, StoredEntry},
        },
        records::sealed_record::seal_record,
    },
    keys::Sealer,
    model::{
        Account, Entropy, InvitationMail, TenantId, Timestamp, UserInvitation, sha256_base64url,
    },
    protocol::records::{
        InvitationLink, InvitationMailRecord, MailContent, WaitingMail, decode_record,
        encode_record,
    },
    store::{IndexEntry, IndexKind, Record, RecordKey, RecordKind, SharedStore, StoreError},
};

/// Mails a link, unless it was mailed already.
pub(super) async fn mail_link(
    (services, sealer, now): (&AccountServices, Option<&Sealer>, OutboxTimes),
    (invited, to): (&UserInvitation, &str),
    link: &InvitationLink,
) -> Result<InvitationMail, AccountError> {
    let waiting = mail_key(RecordKind::Mail, &invited.tenant, link, to);
    // The message is looked up first: its end is stored before it is taken.
    if let Some(stored) = services.store.get(&waiting, now.own).await? {
        let entry = StoredEntry::<SealedMail>::read(stored);
        let has_failed = entry.is_none_or(|stored| stored.entry.failed_attempts > 0);
        return Ok(if has_failed { InvitationMail::Failing } else { InvitationMail::Queued });
    }
    let ended = mail_key(RecordKind::InvitationMail, &invited.tenant, link, to);
    if let Some(stored) = services.store.get(&ended, now.own).await? {
        let answer: InvitationMailRecord = decode_record(&stored.record.value)
            .map_err(|_| AccountError::Undecodable(RecordKind::InvitationMail))?;
        return Ok(if answer.is_sent { InvitationMail::Sent } else { InvitationMail::Refused });
    }
    let sealer = sealer.ok_or(AccountError::NoSealingKeys)?;
    let mail = WaitingMail {
        subject: link.subject.clone(),
        to: to.to_owned(),
        content: MailContent::Invitation(link.clone()),
    };
    let entropy: &dyn Entropy = &*services.entropy;
    let sealed = seal_record(sealer, &invited.tenant, &mail, entropy, now.store);
    let owner = IndexEntry::new(IndexKind::User, link.subject.as_str());
    let message = (SealedMail { sealed }, owner);
    let claim = outbox_queue::put_message(&services.store, waiting, message, now).await?;
    if let Some(claim) = claim {
        services.mail_outbox.queue.push(claim);
    }
    Ok(InvitationMail::Queued)
}

/// Stores the answer of the mail server.
pub(in crate::accounts) async fn store_mail_answer(
    store: &SharedStore,
    (tenant, link, to): (&TenantId, &InvitationLink, &str),
    (is_sent, now, store_now): (bool, Timestamp, Timestamp),
) -> Result<(), StoreError> {
    let answer = InvitationMailRecord { answered_at: store_now, is_sent };
    let record = Record {
        key: mail_key(RecordKind::InvitationMail, tenant, link, to),
        value: encode_record(&answer).into(),
        // Nothing is mailed after the end of the link.
        expires_at: link.not_after.max(now).plus(SealedMail::TTL),
        owners: vec![IndexEntry::new(IndexKind::User, link.subject.as_str())],
        due_at: None,
    };
    store.insert(record, now).await.map(drop)
}

/// Returns true if a link is that of the person's invitation, and the address is still the person's.
pub(in crate::accounts) fn is_current_invitation(
    account: &Account,
    link: &InvitationLink,
    to: &str,
) -> bool {
    let invitation = account.invitation.as_ref();
    let is_same = |id: &str, not_after| id == link.id && not_after == link.not_after;
    account.mark == link.person
        && account.email() == Some(to)
        && invitation.is_some_and(|it| is_same(&it.id, it.not_after))
}

fn mail_key(kind: RecordKind, tenant: &TenantId, link: &InvitationLink, to: &str) -> RecordKey {
    let InvitationLink { subject, person, id, not_after } = link;
    let id = sha256_base64url(format!("{subject}\0{person}\0{id}\0{not_after}\0{to}"));
    RecordKey::new(kind, tenant, id)
}
