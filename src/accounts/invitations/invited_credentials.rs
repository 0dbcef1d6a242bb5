//! Finds out whether an invitation was used. The store has a record of the use, which is written last. If that write
//! fails, the passwords and authenticators that were set up with the invitation prove the use: their records contain
//! its ID.

use crate::{
    accounts::{
        AccountContext, AccountError, AccountServices,
        records::{
            invitation_claim::{invitation_key, is_claim, was_used_by_person},
            vaulted_record::{open_with_vault, record_key_of_subject},
        },
    },
    keys::Vault,
    model::{ObjectMark, TenantId, Timestamp},
    protocol::{
        marks::marks_are_current,
        records::{
            AccountMarks, InvitationLink, PasskeyRecord, PasswordRecord, RecordFormat, TotpRecord,
        },
    },
    store::{IndexEntry, IndexKind, RecordKind, Store, VersionedRecord},
};

/// A search of the store for the use of an invitation, and for the credentials that were set up with it.
#[derive(Clone, Copy, Debug)]
pub(in crate::accounts) struct InvitedCredentials<'a> {
    store: &'a dyn Store,
    /// The vault keys; `None` until they exist.
    vault: Option<&'a Vault>,
    tenant: &'a TenantId,
    /// The mark of the tenant's object.
    tenant_mark: ObjectMark,
    /// The ID of the invitation, and the user it was made for.
    link: &'a InvitationLink,
    /// The time by which records expire.
    now: Timestamp,
}

/// The use of an invitation, by its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::accounts) enum InvitationUse {
    /// The invitation has no record of its use, or the record is of an earlier user with the same name.
    None,
    /// A setup page has claimed the invitation, and may still give it back.
    Claimed,
    /// The user has set up the credentials, so the invitation cannot be used again.
    Used,
}

impl<'a> InvitedCredentials<'a> {
    /// A search for the user of a link. The tenant, with the mark of its object, need not be served at this moment.
    pub(in crate::accounts) fn new(
        (services, vault): (&'a AccountServices, Option<&'a Vault>),
        (tenant, tenant_mark): (&'a TenantId, ObjectMark),
        link: &'a InvitationLink,
        now: Timestamp,
    ) -> Self {
        Self { store: &*services.store, vault, tenant, tenant_mark, link, now }
    }

    /// A search for the user of a link, with the services of a request.
    pub(super) fn of_link(context: AccountContext<'a>, link: &'a InvitationLink) -> Self {
        let services: &'a AccountServices = context.services;
        let vault = context.vault.map(|vault| &**vault);
        let tenant = (context.tenant_id(), context.tenant.tenant.mark);
        Self::new((services, vault), tenant, link, context.now)
    }

    /// Returns true if the invitation was used, or is being used.
    pub(super) async fn was_used(self) -> Result<bool, AccountError> {
        match self.recorded_use().await? {
            InvitationUse::Used | InvitationUse::Claimed => Ok(true),
            // The write of the record failed after the credentials were stored.
            InvitationUse::None => self.has_any().await,
        }
    }

    /// Reads the record of the invitation's use.
    pub(super) async fn recorded_use(self) -> Result<InvitationUse, AccountError> {
        let key = invitation_key(self.tenant, &self.link.subject, &self.link.id);
        let Some(stored) = self.store.get(&key, self.now).await? else {
            return Ok(InvitationUse::None);
        };
        let vault = self.vault.ok_or(AccountError::NoVaultKey)?;
        if !was_used_by_person(vault, &stored, (self.link.person, self.tenant_mark))? {
            return Ok(InvitationUse::None);
        }
        Ok(if is_claim(&stored, self.now) { InvitationUse::Claimed } else { InvitationUse::Used })
    }

    /// Returns true if the user set up a password or an authenticator with the invitation.
    pub(in crate::accounts) async fn has_any(self) -> Result<bool, AccountError> {
        let password = |it: PasswordRecord| (it.marks, it.invitation);
        Ok(self.has_one(RecordKind::Password, password).await? || self.has_authenticator().await?)
    }

    /// Returns true if the user set up an authenticator with the invitation.
    pub(super) async fn has_authenticator(self) -> Result<bool, AccountError> {
        let app = |it: TotpRecord| (it.marks, it.invitation);
        if self.has_one(RecordKind::Totp, app).await? {
            return Ok(true);
        }
        let owner = IndexEntry::new(IndexKind::User, self.link.subject.as_str());
        for stored in self.store.list(RecordKind::Passkey, self.tenant, &owner, self.now).await? {
            let passkey = |it: PasskeyRecord| (it.marks, it.invitation);
            if self.is_set_up(&stored, passkey)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn has_one<T: RecordFormat>(
        self,
        kind: RecordKind,
        set_up: impl FnOnce(T) -> (AccountMarks, Option<String>),
    ) -> Result<bool, AccountError> {
        let key = record_key_of_subject(self.tenant, kind, &self.link.subject);
        match self.store.get(&key, self.now).await? {
            Some(stored) => self.is_set_up(&stored, set_up),
            None => Ok(false),
        }
    }

    /// Returns true if a record contains the invitation's ID and is of this user, not of an earlier user with the name.
    fn is_set_up<T: RecordFormat>(
        self,
        stored: &VersionedRecord,
        set_up: impl FnOnce(T) -> (AccountMarks, Option<String>),
    ) -> Result<bool, AccountError> {
        let vault = self.vault.ok_or(AccountError::NoVaultKey)?;
        let opened: Option<T> = open_with_vault(vault, stored)?;
        Ok(opened.is_some_and(|opened| {
            let (marks, invitation) = set_up(opened);
            invitation.as_ref() == Some(&self.link.id)
                && marks_are_current(marks, self.link.person, self.tenant_mark)
        }))
    }
}
