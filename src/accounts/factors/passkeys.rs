//! The passkeys of people in the store: listing, renaming, removing.
//!
//! A record is found by the hash of its credential ID within its tenant, so tenants with one host have
//! passkeys of their own. It is sealed for that place and contains its person.

use super::authenticators::declared_subjects;
use crate::{
    accounts::{
        AccountContext, AccountError,
        records::{
            invitation_claim::keep_invitation_used,
            oldest_records::records_of_person,
            vaulted_record::{open_vaulted_record, seal_vaulted_record},
        },
        revocation::endings,
    },
    model::{
        Account, AuditEvent, AuditText, AuditedAuthenticator, AuthenticatorPolicy, ObjectMark,
        Timestamp, invisible_characters::find_invisible, sha256_base64url,
    },
    protocol::{marks::decide_authenticator_standing, records::PasskeyRecord},
    store::{RecordChange, RecordKey, RecordKind, VersionedRecord},
};

/// Maximum number of passkeys of a person.
pub(crate) const MAX_PASSKEYS: usize = 16;
/// Maximum number of characters of a name.
pub(crate) const MAX_PASSKEY_NAME: usize = 64;

/// An accepted passkey of a person, as stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredPasskey {
    pub(in crate::accounts) stored: VersionedRecord,
    /// The decrypted content of the record.
    pub(crate) passkey: PasskeyRecord,
}

impl StoredPasskey {
    /// The id on the account page: the hash of the credential ID.
    pub(crate) fn id(&self) -> &str {
        &self.stored.record.key.id
    }

    /// Returns false if its counter has shown a copy. It is refused then, and not taken for absent either.
    pub(crate) const fn is_usable(&self) -> bool {
        self.passkey.copied_at.is_none()
    }
}

/// Returns true if the tenant uses passkeys.
pub(crate) fn uses_passkeys(context: AccountContext<'_>) -> bool {
    context.tenant.tenant.authenticators.passkeys != AuthenticatorPolicy::Disabled
}

/// The accepted passkeys of a person, the oldest first. A tenant that uses none has none.
///
/// # Errors
///
/// A passkey that cannot be opened is not taken for absent, as [`open_vaulted_record`] says.
pub(crate) async fn load_passkeys(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<Vec<StoredPasskey>, AccountError> {
    if !uses_passkeys(context) {
        return Ok(Vec::new());
    }
    let declared = declared_subjects(context, account);
    let marks: Vec<_> = declared.iter().map(|(_, mark)| *mark).collect();
    let others = declared.iter().map(|(subject, _)| subject);
    let others = others.filter(|subject| **subject != account.subject);
    let mut found = Vec::new();
    for subject in std::iter::once(&account.subject).chain(others) {
        let records = records_of_person(context, RecordKind::Passkey, subject.as_str()).await?;
        for stored in records {
            let Some(opened) = open_passkey(context, stored)? else { continue };
            let is_theirs = opened.passkey.subject == *subject;
            if is_theirs && is_valid_for(context, &opened.passkey, (account, &marks)) {
                found.push(adopted(context, account, opened).await?);
            }
        }
    }
    found.sort_by_key(|it| (it.passkey.enrolled_at, it.id().to_owned()));
    Ok(found)
}

/// A passkey with the present marks of its person. After a restore it has the marks of earlier objects, and the
/// next person with the subject could get it. So it gets the present marks when it is read. It gets the present
/// subject too, if an OidcUser has declared the person since then.
async fn adopted(
    context: AccountContext<'_>,
    account: &Account,
    found: StoredPasskey,
) -> Result<StoredPasskey, AccountError> {
    let marks = endings::current_marks(context, account);
    let StoredPasskey { stored, passkey } = found;
    if (passkey.marks.person, passkey.marks.tenant) == (marks.person, marks.tenant)
        && passkey.subject == account.subject
    {
        return Ok(StoredPasskey { stored, passkey });
    }
    let key = stored.record.key.clone();
    let passkey = PasskeyRecord { marks, subject: account.subject.clone(), ..passkey };
    let record = seal_vaulted_record(context, key.clone(), &account.subject, &passkey)?;
    // Another request may have been faster; then it is adopted already, or gone.
    if context.compare_and_swap(stored.version, record).await? {
        let authenticator = AuditedAuthenticator::Passkey;
        let subject = AuditText::new(account.subject.as_str());
        context.audit(AuditEvent::AuthenticatorAdopted { authenticator, subject });
    }
    let stored = context.get(&key).await?.unwrap_or(stored);
    Ok(StoredPasskey { stored, passkey })
}

/// Renames a passkey of the person. Returns false if the person has no passkey with this id.
pub(crate) async fn rename_passkey(
    context: AccountContext<'_>,
    account: &Account,
    (id, name): (&str, &str),
) -> Result<bool, AccountError> {
    let key = context.key(RecordKind::Passkey, id);
    let stored = context.get(&key).await?;
    let rename = |stored: Option<&VersionedRecord>| {
        let opened = stored.map(|stored| open_passkey(context, stored.clone())).transpose()?;
        let own = opened.flatten().filter(|it| is_valid_passkey_of(context, &it.passkey, account));
        let Some(StoredPasskey { passkey, .. }) = own else {
            return Ok(RecordChange::Keep(false));
        };
        let renamed = PasskeyRecord { name: name.to_owned(), ..passkey };
        let record = seal_vaulted_record(context, key.clone(), &account.subject, &renamed)?;
        Ok(RecordChange::Write(record, true))
    };
    context.update(&key, stored, rename).await
}

/// Returns true if the person has the passkey with this credential ID.
pub(super) async fn has_passkey(
    context: AccountContext<'_>,
    account: &Account,
    credential_id: &[u8],
) -> Result<bool, AccountError> {
    let Some(stored) = context.get(&passkey_key(context, credential_id)).await? else {
        return Ok(false);
    };
    let opened = open_passkey(context, stored)?;
    Ok(opened.is_some_and(|it| is_valid_passkey_of(context, &it.passkey, account)))
}

/// Removes a passkey of a person. Returns false if it was removed before. The invitation that set it up stays used.
pub(crate) async fn remove_passkey(
    context: AccountContext<'_>,
    account: &Account,
    passkey: &StoredPasskey,
) -> Result<bool, AccountError> {
    keep_invitation_used(context, account, passkey.passkey.invitation.as_deref()).await?;
    discard_passkey(context, passkey).await
}

/// Removes a passkey as if it had not been set up. Returns false if it did not exist.
pub(super) async fn discard_passkey(
    context: AccountContext<'_>,
    passkey: &StoredPasskey,
) -> Result<bool, AccountError> {
    Ok(context.take(&passkey.stored.record.key).await?.is_some())
}

/// A name as people type it, without what would disguise it. `None` if nothing is left.
pub(crate) fn passkey_name(typed: &str) -> Option<String> {
    let plain: String = typed.chars().filter(|c| !c.is_control()).collect();
    let name: String = plain.trim().chars().take(MAX_PASSKEY_NAME).collect();
    let name = name.trim_end();
    (!name.is_empty() && find_invisible(name).is_none()).then(|| name.to_owned())
}

/// The key of the record of a credential.
pub(super) fn passkey_key(context: AccountContext<'_>, credential_id: &[u8]) -> RecordKey {
    context.key(RecordKind::Passkey, sha256_base64url(credential_id))
}

/// Opens a record. `None` if its vault key was discarded.
pub(in crate::accounts) fn open_passkey(
    context: AccountContext<'_>,
    stored: VersionedRecord,
) -> Result<Option<StoredPasskey>, AccountError> {
    let passkey: Option<PasskeyRecord> = open_vaulted_record(context, &stored)?;
    Ok(passkey.map(|passkey| StoredPasskey { stored, passkey }))
}

/// Returns true if a passkey is that of the account, and neither void nor of an earlier person.
pub(in crate::accounts) fn is_valid_passkey_of(
    context: AccountContext<'_>,
    passkey: &PasskeyRecord,
    account: &Account,
) -> bool {
    passkey.subject == account.subject && is_valid_for(context, passkey, (account, &[]))
}

/// Returns true if a passkey is valid for the account, or for one of the people of providers whom the account
/// declares.
fn is_valid_for(
    context: AccountContext<'_>,
    passkey: &PasskeyRecord,
    (account, declared): (&Account, &[ObjectMark]),
) -> bool {
    let made: (_, Timestamp) = (passkey.marks, passkey.enrolled_at);
    let now = endings::current_marks(context, account);
    decide_authenticator_standing(made, account, declared, now, context.store_now).counts()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_visible() {
        let name = passkey_name;
        assert_eq!(name("  Ada\u{2019}s phone\n"), Some("Ada\u{2019}s phone".to_owned()));
        assert_eq!(name(&"x".repeat(500)).as_deref().map(str::len), Some(MAX_PASSKEY_NAME));
        for typed in ["", " \t\u{7}", "a\u{202e}b", "\u{200b}"] {
            assert_eq!(name(typed), None, "{typed:?}");
        }
    }
}
