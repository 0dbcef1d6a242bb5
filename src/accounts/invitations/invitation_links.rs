//! Invitations: checking their links, and making them.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    invitation_mail,
    invitation_need::{needs_setup, served_invitee},
    invitation_url::{invitation_link_content, invitation_url_prefix, seal_link},
    invited_credentials::{InvitationUse, InvitedCredentials},
};
use crate::{
    accounts::{
        AccountContext, AccountError, AccountServices,
        detached_context::DetachedContext,
        factors::{
            passkeys::load_passkeys,
            required_factors::{MissingFactor, missing_factor},
        },
        outbox::outbox_queue::OutboxTimes,
        records::{invitation_claim::used_invitation, sealed_record::open_record},
    },
    model::{
        Account, Clock, Entropy, InvitationLedger, InvitationLedgerError, InvitationMail,
        InvitationRefusal, PasswordState, Subject, Timestamp, UserInvitation,
    },
    protocol::records::InvitationLink,
    registry::{Snapshot, SnapshotHandle},
};

/// Opens the link of an invitation. `None` if it is damaged, or of another tenant.
pub(crate) fn open_invitation_link(
    context: AccountContext<'_>,
    token: &str,
) -> Result<Option<InvitationLink>, AccountError> {
    context.open(token)
}

/// An opened invitation: its account, and the credentials that the person sets up.
#[derive(Clone, Debug)]
pub(crate) struct OpenedInvitation {
    /// The account of the `OidcUser` that has the invitation.
    pub(crate) account: Arc<Account>,
    /// Whether the person chooses a password.
    pub(crate) chooses_password: bool,
    /// The authenticator that the person sets up: a required one that the person lacks, or a passkey instead of a
    /// password.
    pub(crate) missing: Option<MissingFactor>,
}

/// The person whom a link invites, or the reason why it does not work. Nothing is written.
pub(crate) async fn check_invitation_link(
    context: AccountContext<'_>,
    link: &InvitationLink,
) -> Result<Result<OpenedInvitation, InvitationRefusal>, AccountError> {
    let subject = Subject::new(link.subject.as_str());
    let account = context.tenant.account_by_subject(&subject);
    let Some(account) = account.filter(|account| account.mark == link.person) else {
        return Ok(Err(InvitationRefusal::Withdrawn));
    };
    if account.disabled {
        return Ok(Err(InvitationRefusal::Disabled));
    }
    let Some(current) = account.invitation.as_ref().filter(|it| it.id == link.id) else {
        return Ok(Err(InvitationRefusal::Withdrawn));
    };
    if InvitedCredentials::of_link(context, link).was_used().await? {
        return Ok(Err(InvitationRefusal::Used));
    }
    if context.store_now >= link.not_after.min(current.not_after) {
        return Ok(Err(InvitationRefusal::Expired));
    }
    let chooses_password = account.password == PasswordState::SelfChosen;
    let authenticators = context.tenant.tenant.authenticators;
    let chooses_passkey =
        account.password == PasswordState::Absent && authenticators.admits_by_passkey(account);
    if !chooses_password && !chooses_passkey && authenticators.required().is_none() {
        return Ok(Err(InvitationRefusal::NotOffered));
    }
    if !authenticators.are_kept {
        return Ok(Err(InvitationRefusal::NotKept));
    }
    context.vault()?;
    let mut missing = missing_factor(context, account).await?;
    if chooses_passkey && load_passkeys(context, account).await?.is_empty() {
        missing = Some(MissingFactor::Passkey);
    }
    if !chooses_password && missing.is_none() {
        return Ok(Err(InvitationRefusal::NotOffered));
    }
    Ok(Ok(OpenedInvitation { account: Arc::clone(account), chooses_password, missing }))
}

/// The invitations of the store, for the holder of the Lease.
#[derive(Debug)]
pub struct StoredInvitations {
    services: Arc<AccountServices>,
    registry: SnapshotHandle,
    clock: Arc<dyn Clock>,
}

impl StoredInvitations {
    /// The invitations in the store of these services. `clock` is the replica's own.
    pub fn new(
        services: &Arc<AccountServices>,
        registry: SnapshotHandle,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        Self { services: Arc::clone(services), registry, clock: Arc::clone(clock) }
    }

    /// Returns true if the invitation is used for good. A claim may still be given back, so the link is kept in the
    /// meantime.
    async fn find_used(&self, invited: &UserInvitation) -> Result<bool, AccountError> {
        let (link, now) = (invitation_link_content(invited), self.clock.now());
        let snapshot = self.registry.snapshot();
        // The tenant may not be served now, so there is no context.
        let with = (&*self.services, snapshot.vault.as_deref());
        let tenant = (&invited.tenant, invited.tenant_mark);
        let credentials = InvitedCredentials::new(with, tenant, &link, now);
        match credentials.recorded_use().await? {
            InvitationUse::Used => return Ok(true),
            InvitationUse::Claimed => return Ok(false),
            InvitationUse::None => {}
        }
        Ok(credentials.has_any().await? && self.keep_used(&snapshot, (invited, &link), now).await?)
    }

    /// Writes the record of a used invitation that has none, because the person may remove what it set up. Returns
    /// false if a page has claimed the invitation in the meantime: it may give the invitation back.
    async fn keep_used(
        &self,
        snapshot: &Snapshot,
        (invited, link): (&UserInvitation, &InvitationLink),
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        let Some((tenant, account)) = served_invitee(snapshot, invited) else { return Ok(true) };
        let detached = DetachedContext::of_process(&self.services, snapshot, tenant, now);
        let context = detached.context();
        used_invitation(context, account, &link.id)?.record(context).await
    }
}

#[async_trait]
impl InvitationLedger for StoredInvitations {
    async fn is_redeemed(&self, invited: &UserInvitation) -> Result<bool, InvitationLedgerError> {
        let found = self.find_used(invited).await;
        found.map_err(|error| InvitationLedgerError(error.to_string()))
    }

    async fn needs_setup(&self, invited: &UserInvitation) -> Result<bool, InvitationLedgerError> {
        let (snapshot, now) = (self.registry.snapshot(), self.clock.now());
        let needs = needs_setup(&self.services, &snapshot, invited, now).await;
        needs.map_err(|error| InvitationLedgerError(error.to_string()))
    }

    fn new_link(&self, invited: &UserInvitation) -> Option<String> {
        let sealer = self.registry.snapshot().sealer.clone()?;
        let entropy: &dyn Entropy = &*self.services.entropy;
        let now = self.services.store_clock.now();
        let of = (&invited.tenant, &invited.issuer);
        Some(seal_link(&sealer, of, &invitation_link_content(invited), entropy, now))
    }

    async fn mail_link(
        &self,
        invited: &UserInvitation,
    ) -> Result<InvitationMail, InvitationLedgerError> {
        let Some(to) = &invited.mail_to else {
            return Err(InvitationLedgerError("the link is not to be mailed".to_owned()));
        };
        let sealer = self.registry.snapshot().sealer.clone();
        let now = OutboxTimes::now(&*self.clock, &self.services.store_clock);
        let with = (&*self.services, sealer.as_deref(), now);
        let queued =
            invitation_mail::mail_link(with, (invited, to), &invitation_link_content(invited))
                .await;
        queued.map_err(|error| InvitationLedgerError(error.to_string()))
    }

    fn is_link(&self, invited: &UserInvitation, link: &str) -> bool {
        let Some(sealer) = self.registry.snapshot().sealer.clone() else { return false };
        let token = link.strip_prefix(&invitation_url_prefix(&invited.issuer));
        let opened =
            token.and_then(|token| open_record::<InvitationLink>(&sealer, &invited.tenant, token));
        opened == Some(invitation_link_content(invited))
    }
}
