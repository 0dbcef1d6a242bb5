//! The credentials that were set up with an invitation: each record names it. An invitation whose own record could not be
//! written last is used up by them.

use super::{
    AccountContext, AccountError,
    vaulted_record::{open_with_vault, record_key_of_subject},
};
use crate::{
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

/// A search of the store for what a person set up with an invitation.
#[derive(Clone, Copy, Debug)]
pub(super) struct InvitedCredentials<'a> {
    /// The store.
    pub(super) store: &'a dyn Store,
    /// The vault keys; `None` until they exist.
    pub(super) vault: Option<&'a Vault>,
    /// The tenant.
    pub(super) tenant: &'a TenantId,
    /// The mark of the tenant's object.
    pub(super) tenant_mark: ObjectMark,
    /// The invitation and its person.
    pub(super) link: &'a InvitationLink,
    /// The time by which records expire.
    pub(super) now: Timestamp,
}

impl<'a> InvitedCredentials<'a> {
    /// A search for the person of a link, with the services of a request.
    pub(super) fn of_link(context: AccountContext<'a>, link: &'a InvitationLink) -> Self {
        Self {
            store: &*context.services.store,
            vault: context.vault.map(|vault| &**vault),
            tenant: context.tenant_id(),
            tenant_mark: context.tenant.tenant.mark,
            link,
            now: context.now,
        }
    }

    /// Returns true if the person set up a password or an authenticator.
    pub(super) async fn has_any(self) -> Result<bool, AccountError> {
        let password = |it: PasswordRecord| (it.marks, it.invitation);
        Ok(self.has_one(RecordKind::Password, password).await? || self.has_authenticator().await?)
    }

    /// Returns true if the person set up an authenticator.
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

    /// Returns true if a record names the invitation, and is of this person and not of an earlier one with the name.
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
