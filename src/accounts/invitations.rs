//! Invitations: judging and using their links.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    AccountContext, AccountError, AccountServices,
    current_marks::current_marks,
    invitation_mail,
    invitation_need::needs_setup,
    invitation_url::{link_of, link_start, seal_link},
    invited_credentials::InvitedCredentials,
    outbox::OutboxTimes,
    passkeys::load_passkeys,
    required_factors::{MissingFactor, missing_factor},
    vaulted_record::{open_with_vault, seal_vaulted_record},
};
use crate::{
    keys::Vault,
    model::{
        Account, Clock, Entropy, InvitationLedger, InvitationLedgerError, InvitationMail,
        InvitationRefusal, InvitedUser, ObjectMark, PasswordState, Subject, TenantId, Timestamp,
        sha256_base64url,
    },
    protocol::{
        marks,
        records::{InvitationLink, InvitationRecord, SealedRecord as _, decode_record},
    },
    registry::SnapshotHandle,
    store::{Record, RecordChange, RecordKey, RecordKind, VersionedRecord},
};

/// Opens the link of an invitation. `None` if it is damaged, or of another tenant.
pub(crate) fn open_link(
    context: AccountContext<'_>,
    token: &str,
) -> Result<Option<InvitationLink>, AccountError> {
    context.open(token)
}

/// A person whom a link invites, and what the person sets up with it.
#[derive(Clone, Debug)]
pub(crate) struct InvitedPerson {
    /// The account.
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
) -> Result<Result<InvitedPerson, InvitationRefusal>, AccountError> {
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
    if was_used(context, link).await? {
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
    Ok(Ok(InvitedPerson { account: Arc::clone(account), chooses_password, missing }))
}

/// How long an invitation is treated as used while the person's password or authenticator is being stored.
const CLAIM_TTL: Duration = Duration::from_mins(2);

/// An invitation that is being used: no other page uses it.
#[derive(Debug)]
pub(crate) struct ClaimedInvitation {
    /// The record of the used invitation, which does not end with the claim.
    used: Record,
}

impl ClaimedInvitation {
    /// Uses the invitation up.
    pub(crate) async fn use_up(self, context: AccountContext<'_>) -> Result<(), AccountError> {
        let key = self.used.key.clone();
        let stored = context.get(&key).await?;
        let used = self.used;
        let write = |_: Option<&VersionedRecord>| Ok(RecordChange::Write(used.clone(), ()));
        context.update(&key, stored, write).await
    }

    /// Gives the invitation back, unless the claim has ended and another page has the invitation.
    pub(crate) async fn give_back(self, context: AccountContext<'_>) -> Result<(), AccountError> {
        let stored = context.get(&self.used.key).await?;
        if let Some(own) = stored.filter(|stored| stored.record.value == self.used.value) {
            let ended = Record { expires_at: context.now, ..self.used };
            context.compare_and_swap(own.version, ended).await?;
        }
        Ok(())
    }
}

/// Claims an invitation for two minutes. If callers race, exactly one gets it. A claim that is neither finished nor given
/// back ends by itself, so a store that fails in between does not use the invitation up.
pub(crate) async fn claim_invitation(
    context: AccountContext<'_>,
    account: &Account,
    link: &InvitationLink,
) -> Result<Option<ClaimedInvitation>, AccountError> {
    let key = invitation_key(context.tenant_id(), &link.subject, &link.id);
    let used =
        InvitationRecord { redeemed_at: context.store_now, marks: current_marks(context, account) };
    let used = seal_vaulted_record(context, key.clone(), &account.subject, &used)?;
    let claim = Record { expires_at: context.now.plus(CLAIM_TTL), ..used.clone() };
    let is_claimed = match context.get(&key).await? {
        None => context.insert(claim).await?,
        Some(stored) if is_used(context.vault()?, &stored, marks_of(context, link))? => false,
        // It is that of an earlier person.
        Some(stored) => context.compare_and_swap(stored.version, claim).await?,
    };
    Ok(is_claimed.then_some(ClaimedInvitation { used }))
}

/// Returns true if the invitation of a link was used.
async fn was_used(
    context: AccountContext<'_>,
    link: &InvitationLink,
) -> Result<bool, AccountError> {
    let key = invitation_key(context.tenant_id(), &link.subject, &link.id);
    match context.get(&key).await? {
        Some(stored) if is_used(context.vault()?, &stored, marks_of(context, link))? => Ok(true),
        // The record of the invitation could not be kept, but what it set up was stored.
        _ => InvitedCredentials::of_link(context, link).has_any().await,
    }
}

/// Returns true if a record is of this person, and not of an earlier one with the name.
fn is_used(
    vault: &Vault,
    stored: &VersionedRecord,
    (person, tenant): (ObjectMark, ObjectMark),
) -> Result<bool, AccountError> {
    let used: Option<InvitationRecord> = open_with_vault(vault, stored)?;
    Ok(used.is_some_and(|used| marks::is_kept(used.marks, person, tenant)))
}

/// Returns true if a record only claims the invitation. Replicas' clocks may differ by as much as a claim lasts; the
/// record of a used invitation is kept for years.
fn is_claim(stored: &VersionedRecord, now: Timestamp) -> bool {
    stored.record.expires_at <= now.plus(2 * CLAIM_TTL)
}

fn marks_of(context: AccountContext<'_>, link: &InvitationLink) -> (ObjectMark, ObjectMark) {
    (link.person, context.tenant.tenant.mark)
}

fn invitation_key(tenant: &TenantId, subject: &str, id: &str) -> RecordKey {
    RecordKey::new(RecordKind::Invitation, tenant, sha256_base64url(format!("{subject}\0{id}")))
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

    /// Returns true if the invitation is used for good. A claim may still be given back, so the link is kept meanwhile.
    async fn find_used(&self, invited: &InvitedUser) -> Result<bool, AccountError> {
        let (link, now) = (link_of(invited), self.clock.now());
        let vault = self.registry.snapshot().vault.clone();
        let key = invitation_key(&invited.tenant, &link.subject, &link.id);
        let stored = self.services.store.get(&key, now).await?;
        if let Some(stored) = stored.filter(|stored| !is_claim(stored, now)) {
            let vault = vault.as_deref().ok_or(AccountError::NoVaultKey)?;
            if is_used(vault, &stored, (invited.person, invited.tenant_mark))? {
                return Ok(true);
            }
        }
        // The record of the invitation could not be kept, but what it set up was stored.
        let credentials = InvitedCredentials {
            store: &*self.services.store,
            vault: vault.as_deref(),
            tenant: &invited.tenant,
            tenant_mark: invited.tenant_mark,
            link: &link,
            now,
        };
        credentials.has_any().await
    }
}

#[async_trait]
impl InvitationLedger for StoredInvitations {
    async fn is_redeemed(&self, invited: &InvitedUser) -> Result<bool, InvitationLedgerError> {
        let found = self.find_used(invited).await;
        found.map_err(|error| InvitationLedgerError(error.to_string()))
    }

    async fn needs_setup(&self, invited: &InvitedUser) -> Result<bool, InvitationLedgerError> {
        let (snapshot, now) = (self.registry.snapshot(), self.clock.now());
        let needs = needs_setup(&self.services, &snapshot, invited, now).await;
        needs.map_err(|error| InvitationLedgerError(error.to_string()))
    }

    fn new_link(&self, invited: &InvitedUser) -> Option<String> {
        let sealer = self.registry.snapshot().sealer.clone()?;
        let entropy: &dyn Entropy = &*self.services.entropy;
        let now = self.services.store_clock.now();
        let of = (&invited.tenant, &invited.issuer);
        Some(seal_link(&sealer, of, &link_of(invited), entropy, now))
    }

    async fn mail_link(
        &self,
        invited: &InvitedUser,
    ) -> Result<InvitationMail, InvitationLedgerError> {
        let Some(to) = &invited.mail_to else {
            return Err(InvitationLedgerError("the link is not to be mailed".to_owned()));
        };
        let sealer = self.registry.snapshot().sealer.clone();
        let now = OutboxTimes::now(&*self.clock, &self.services.store_clock);
        let with = (&*self.services, sealer.as_deref(), now);
        let queued = invitation_mail::mail_link(with, (invited, to), &link_of(invited)).await;
        queued.map_err(|error| InvitationLedgerError(error.to_string()))
    }

    fn is_link(&self, invited: &InvitedUser, link: &str) -> bool {
        let Some(sealer) = self.registry.snapshot().sealer.clone() else { return false };
        let token = link.strip_prefix(&link_start(&invited.issuer));
        let plain =
            token.and_then(|token| sealer.open(InvitationLink::PURPOSE, &invited.tenant, token));
        let opened = plain.and_then(|plain| decode_record::<InvitationLink>(&plain).ok());
        opened == Some(link_of(invited))
    }
}
