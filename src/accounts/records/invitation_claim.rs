//! The use of an invitation. A page claims it first, so that no other page uses it, and uses it up or gives it back.

use std::time::Duration;

use super::{
    current_marks::current_marks,
    vaulted_record::{open_with_vault, seal_vaulted_record},
};
use crate::{
    accounts::{AccountContext, AccountError},
    keys::Vault,
    model::{Account, ObjectMark, TenantId, Timestamp, sha256_base64url},
    protocol::{
        marks,
        records::{AccountMarks, InvitationLink, InvitationRecord},
    },
    store::{Record, RecordChange, RecordKey, RecordKind, VersionedRecord},
};

/// How long an invitation is treated as used while the person's password or authenticator is being stored.
const CLAIM_TTL: Duration = Duration::from_mins(2);

/// An invitation that is being used: no other page uses it.
#[derive(Debug)]
pub(crate) struct ClaimedInvitation {
    /// The record of the used invitation, which does not end with the claim.
    used: Record,
}

impl ClaimedInvitation {
    /// Returns true if no other page has got the invitation. A claim that has ended in the meantime is renewed.
    pub(in crate::accounts) async fn is_held(
        &self,
        context: AccountContext<'_>,
    ) -> Result<bool, AccountError> {
        match context.get(&self.used.key).await? {
            Some(stored) => Ok(stored.record.value == self.used.value),
            None => Ok(context.insert(claim_of(context, &self.used)).await?),
        }
    }

    /// Stores the record of an invitation that has none. Returns false if there is one by now.
    pub(in crate::accounts) async fn record(
        self,
        context: AccountContext<'_>,
    ) -> Result<bool, AccountError> {
        Ok(context.insert(self.used).await?)
    }

    /// Uses the invitation up.
    pub(in crate::accounts) async fn use_up(
        self,
        context: AccountContext<'_>,
    ) -> Result<(), AccountError> {
        let key = self.used.key.clone();
        let stored = context.get(&key).await?;
        let used = self.used;
        let write = |_: Option<&VersionedRecord>| Ok(RecordChange::Write(used.clone(), ()));
        context.update(&key, stored, write).await
    }

    /// Gives the invitation back, unless the claim has ended and another page has the invitation.
    pub(in crate::accounts) async fn give_back(
        self,
        context: AccountContext<'_>,
    ) -> Result<(), AccountError> {
        let stored = context.get(&self.used.key).await?;
        if let Some(own) = stored.filter(|stored| stored.record.value == self.used.value) {
            let ended = Record { expires_at: context.now, ..self.used };
            context.compare_and_swap(own.version, ended).await?;
        }
        Ok(())
    }
}

/// Claims an invitation for two minutes. If callers race, exactly one gets it. A claim that is neither finished nor
/// given back ends by itself, so a store that fails in between does not use the invitation up.
pub(in crate::accounts) async fn claim_invitation(
    context: AccountContext<'_>,
    account: &Account,
    link: &InvitationLink,
) -> Result<Option<ClaimedInvitation>, AccountError> {
    let claimed = used_invitation(context, account, &link.id)?;
    let claim = claim_of(context, &claimed.used);
    let marks = (link.person, context.tenant.tenant.mark);
    let is_claimed = match context.get(&claim.key).await? {
        None => context.insert(claim).await?,
        Some(stored) if was_used_by_person(context.vault()?, &stored, marks)? => false,
        // It is that of an earlier person.
        Some(stored) => context.compare_and_swap(stored.version, claim).await?,
    };
    Ok(is_claimed.then_some(claimed))
}

/// An invitation that a person uses, by its id, with its record. Nothing is written.
pub(in crate::accounts) fn used_invitation(
    context: AccountContext<'_>,
    account: &Account,
    id: &str,
) -> Result<ClaimedInvitation, AccountError> {
    let key = invitation_key(context.tenant_id(), account.subject.as_str(), id);
    let used =
        InvitationRecord { redeemed_at: context.store_now, marks: current_marks(context, account) };
    Ok(ClaimedInvitation { used: seal_vaulted_record(context, key, &account.subject, &used)? })
}

/// Records that an invitation was used, before the authenticator that was set up with it is removed or replaced: it may
/// be all that shows the use. A record that shows it already is kept. `invitation`: its id, if there was one.
pub(in crate::accounts) async fn keep_invitation_used(
    context: AccountContext<'_>,
    account: &Account,
    invitation: Option<&str>,
) -> Result<(), AccountError> {
    let Some(id) = invitation else { return Ok(()) };
    let used = used_invitation(context, account, id)?.used;
    let (vault, marks) = (context.vault()?, (account.mark, context.tenant.tenant.mark));
    let stored = context.get(&used.key).await?;
    let write = |stored: Option<&VersionedRecord>| {
        let is_recorded = match stored {
            Some(stored) => {
                was_used_by_person(vault, stored, marks)? && !is_claim(stored, context.now)
            }
            None => false,
        };
        if is_recorded {
            return Ok(RecordChange::Keep(()));
        }
        Ok(RecordChange::Write(used.clone(), ()))
    };
    context.update(&used.key, stored, write).await
}

/// The id of the invitation that this person set an authenticator up with, which is no longer accepted. `set_up`: its
/// marks and its invitation. That of an earlier person with the name is not used by this one.
pub(in crate::accounts) fn own_invitation(
    context: AccountContext<'_>,
    account: &Account,
    set_up: (AccountMarks, Option<String>),
) -> Option<String> {
    let (marks, invitation) = set_up;
    let is_own = marks::marks_are_current(marks, account.mark, context.tenant.tenant.mark);
    invitation.filter(|_| is_own)
}

/// The claim before the record of a used invitation.
fn claim_of(context: AccountContext<'_>, used: &Record) -> Record {
    Record { expires_at: context.now.plus(CLAIM_TTL), ..used.clone() }
}

/// Returns true if a record is of this user, and not of an earlier user with the same name.
pub(in crate::accounts) fn was_used_by_person(
    vault: &Vault,
    stored: &VersionedRecord,
    (person, tenant): (ObjectMark, ObjectMark),
) -> Result<bool, AccountError> {
    let used: Option<InvitationRecord> = open_with_vault(vault, stored)?;
    Ok(used.is_some_and(|used| marks::marks_are_current(used.marks, person, tenant)))
}

/// Returns true if a record only claims the invitation. Replicas' clocks may differ by as much as a claim lasts; the
/// record of a used invitation is kept for years.
pub(in crate::accounts) fn is_claim(stored: &VersionedRecord, now: Timestamp) -> bool {
    stored.record.expires_at <= now.plus(2 * CLAIM_TTL)
}

/// The place of the record of an invitation.
pub(in crate::accounts) fn invitation_key(tenant: &TenantId, subject: &str, id: &str) -> RecordKey {
    RecordKey::new(RecordKind::Invitation, tenant, sha256_base64url(format!("{subject}\0{id}")))
}
