//! Stores messages to people in the outbox.

use super::{
    mail_outbox::SealedMail,
    outbox_queue::{self, OutboxTimes},
};
use crate::{
    accounts::{AccountContext, AccountError},
    protocol::records::WaitingMail,
    store::{IndexEntry, IndexKind, RecordKind},
};

/// Stores a message, which is sent when it is queued, or by another replica when its claim ends.
pub(in crate::accounts) async fn queue_mail(
    context: AccountContext<'_>,
    mail: &WaitingMail,
) -> Result<(), AccountError> {
    let now = OutboxTimes { own: context.now, store: context.store_now };
    let owner = IndexEntry::new(IndexKind::User, mail.subject.as_str());
    let key = context.key(RecordKind::Mail, context.services.entropy.id());
    let message = (SealedMail { sealed: context.seal(mail)? }, owner);
    let claim = outbox_queue::put_message(&context.services.store, key, message, now).await?;
    let claim = claim.ok_or(AccountError::DuplicateId(RecordKind::Mail))?;
    context.services.mail_outbox.queue.push(claim);
    Ok(())
}
