//! Sends mail by the servers of the tenants, and tries again if that fails. Messages wait in an outbox, so no
//! request waits for a mail server. The text is rendered when a message is sent, from the objects at that time.

use std::sync::Arc;

use super::{
    mail_slots::MailSlots,
    mail_texts::{invitation_text, notice_text, password_reset_text, request_text},
};
use crate::{
    accounts::{
        AccountServices,
        invitations::{
            invitation_mail::{is_current_invitation, store_mail_answer},
            invitation_url::invitation_url,
        },
        outbox::{
            mail_outbox::SealedMail,
            outbox_queue::{
                DeliveryOutcome, OutboxDelivery, OutboxEntry, OutboxMessage as _, OutboxWorker,
                StoredEntry,
            },
        },
        passwords::password_reset::reset_link_start,
        records::sealed_record::{open_record, seal_record},
    },
    keys::Sealer,
    mail::{MailError, MailText, render_mail},
    model::{
        AuditCause, AuditEvent, AuditRecord, AuditText, AuditedMail, Clock, Endpoint, Entropy,
        MailKind, Subject, TenantId, Timestamp,
    },
    protocol::records::{InvitationLink, MailContent, WaitingMail},
    registry::{ServedTenant, SnapshotHandle},
    store::StoreError,
};

/// Sends the mail of all tenants.
#[derive(Debug)]
pub struct MailDelivery {
    accounts: Arc<AccountServices>,
    registry: SnapshotHandle,
    clock: Arc<dyn Clock>,
    slots: MailSlots,
}

/// A message could not be sent.
#[derive(Debug, thiserror::Error)]
enum MailDeliveryError {
    #[error("the tenant has no mail server that can be used")]
    NoServer,
    #[error("the link or request has expired before the mail server has taken the message")]
    TooLate,
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// Sends mail until the process ends. `clock` is the replica's own.
pub async fn run_mail_delivery(
    (accounts, registry): (Arc<AccountServices>, SnapshotHandle),
    clock: Arc<dyn Clock>,
) {
    let (store, store_clock) = (Arc::clone(&accounts.store), Arc::clone(&accounts.store_clock));
    let services = Arc::clone(&accounts);
    let slots = MailSlots::default();
    let delivery = MailDelivery { accounts, registry, clock: Arc::clone(&clock), slots };
    let worker = OutboxWorker::new(Arc::new(delivery), store, clock, store_clock);
    worker.run(&services.mail_outbox.queue).await;
}

impl OutboxDelivery for MailDelivery {
    type Message = SealedMail;

    fn is_ready(&self) -> bool {
        self.registry.snapshot().tenants().next().is_some()
    }

    fn review(&self, _: &[StoredEntry<SealedMail>]) {}

    fn can_deliver(&self, tenant: &TenantId) -> bool {
        self.registry.snapshot().tenant(tenant).is_some()
    }

    async fn deliver(
        &self,
        tenant: &TenantId,
        entry: &OutboxEntry<SealedMail>,
        _: Timestamp,
    ) -> DeliveryOutcome {
        let snapshot = self.registry.snapshot();
        let (Some(served), Some(sealer)) = (snapshot.tenant(tenant), &snapshot.sealer) else {
            return DeliveryOutcome::Postponed;
        };
        let Some(mail) = open_record::<WaitingMail>(sealer, tenant, &entry.message.sealed) else {
            tracing::warn!(%tenant, "a message of the outbox was sealed with a key that is gone; it is not sent");
            return DeliveryOutcome::Done;
        };
        if self.is_too_late(&mail.content) {
            self.report(served, &mail, Err((MailDeliveryError::TooLate, false)));
            return DeliveryOutcome::Done;
        }
        let Some(text) = self.write(served, sealer, &mail) else { return DeliveryOutcome::Done };
        let Some(_slot) = self.slots.begin(tenant).await else { return DeliveryOutcome::Postponed };
        let sent = self.send(served, &mail.to, &text).await;
        self.finish(served, (&mail, entry.failed_attempts + 1), sent).await
    }
}

impl MailDelivery {
    /// The text of a message; `None` if there is no reason for it any more.
    fn write(
        &self,
        served: &ServedTenant,
        sealer: &Sealer,
        mail: &WaitingMail,
    ) -> Option<MailText> {
        let subject = Subject::new(mail.subject.as_str());
        let account = served.account_by_subject(&subject).filter(|it| !it.disabled);
        match &mail.content {
            MailContent::Invitation(link) => {
                let account = account?;
                is_current_invitation(account, link, &mail.to).then_some(())?;
                let entropy: &dyn Entropy = &*self.accounts.entropy;
                let now = self.accounts.store_clock.now();
                let url = invitation_url(sealer, &served.tenant, link, entropy, now);
                Some(invitation_text(&served.tenant, account, (&url, link.not_after)))
            }
            MailContent::PasswordReset(link) => {
                let account = account?;
                let is_same =
                    account.mark == link.person && account.verified_email() == Some(&*mail.to);
                is_same.then_some(())?;
                let (entropy, now): (&dyn Entropy, _) =
                    (&*self.accounts.entropy, self.accounts.store_clock.now());
                let token = seal_record(sealer, &served.tenant.id, link, entropy, now);
                let url = format!("{}{token}", reset_link_start(&served.tenant));
                Some(password_reset_text(&served.tenant, account, &url))
            }
            MailContent::Notice(notice) => {
                let url = Endpoint::Account.url(&served.tenant.issuer);
                Some(notice_text(&served.tenant, notice, &url))
            }
            MailContent::Request(notice) => {
                let url = Endpoint::Account.url(&served.tenant.issuer);
                Some(request_text(&served.tenant, notice, &url))
            }
        }
    }

    async fn send(
        &self,
        served: &ServedTenant,
        to: &str,
        text: &MailText,
    ) -> Result<(), MailDeliveryError> {
        let settings = served.tenant.mail.as_ref().ok_or(MailDeliveryError::NoServer)?;
        let (from, entropy) =
            ((&*settings.from, &*served.tenant.display_name), &*self.accounts.entropy);
        let mail = render_mail(from, to, text, entropy, self.clock.now())?;
        let sent = self.accounts.mail_outbox.transport.send(&settings.server, &mail).await;
        let is_late = matches!(sent, Err(MailError::Late(_)));
        self.slots.finish(&served.tenant.id, is_late);
        Ok(sent?)
    }

    /// Reports an attempt, the number of which is given.
    async fn finish(
        &self,
        served: &ServedTenant,
        (mail, attempts): (&WaitingMail, u32),
        sent: Result<(), MailDeliveryError>,
    ) -> DeliveryOutcome {
        let outcome = match &sent {
            Ok(()) => DeliveryOutcome::Done,
            Err(MailDeliveryError::Mail(error)) if error.is_about_recipient() => {
                DeliveryOutcome::Done
            }
            Err(_) => DeliveryOutcome::Failed,
        };
        let will_retry =
            outcome == DeliveryOutcome::Failed && SealedMail::retry_delay(attempts).is_some();
        let is_sent = sent.is_ok();
        self.report(served, mail, sent.map_err(|error| (error, will_retry)));
        if let (DeliveryOutcome::Done, MailContent::Invitation(link)) = (outcome, &mail.content) {
            let stored = self.record_answer(served, (link, &mail.to), is_sent).await;
            if let Err(error) = stored {
                tracing::warn!(tenant = %served.tenant.id, %error, "the answer of a mail server could not be stored; the mail may be sent again");
                return DeliveryOutcome::Postponed;
            }
        }
        outcome
    }

    /// Writes the audit line of an attempt. For a failed attempt it says whether another follows.
    fn report(
        &self,
        served: &ServedTenant,
        mail: &WaitingMail,
        sent: Result<(), (MailDeliveryError, bool)>,
    ) {
        let kind = kind_of(&mail.content);
        let (cause, will_retry) = match sent {
            Ok(()) => (None, None),
            Err((error, will_retry)) => {
                (Some(AuditCause::new(error.to_string())), Some(will_retry))
            }
        };
        let subject = AuditText::new(mail.subject.as_str());
        let mail = AuditedMail { kind, subject, cause, will_retry };
        let event = AuditEvent::MailDelivery { mail };
        let tenant = Some(&served.tenant.id);
        self.accounts.audit.record(&AuditRecord { tenant, origin: None, event });
    }

    /// Returns true if the link or the request of a message has expired.
    fn is_too_late(&self, content: &MailContent) -> bool {
        let end = match content {
            MailContent::Invitation(link) => link.not_after,
            MailContent::PasswordReset(link) => link.expires_at,
            MailContent::Request(notice) => notice.expires_at,
            MailContent::Notice(_) => return false,
        };
        self.accounts.store_clock.now() >= end
    }

    async fn record_answer(
        &self,
        served: &ServedTenant,
        (link, to): (&InvitationLink, &str),
        is_sent: bool,
    ) -> Result<(), StoreError> {
        let (now, store_now) = (self.clock.now(), self.accounts.store_clock.now());
        store_mail_answer(
            &self.accounts.store,
            (&served.tenant.id, link, to),
            (is_sent, now, store_now),
        )
        .await
    }
}

const fn kind_of(content: &MailContent) -> MailKind {
    match content {
        MailContent::Invitation(_) => MailKind::Invitation,
        MailContent::PasswordReset(_) => MailKind::PasswordReset,
        MailContent::Notice(_) => MailKind::Notice,
        MailContent::Request(_) => MailKind::WaitingRequest,
    }
}
