//! Records that are sealed with a vault key, for the place that they are stored at.

use std::time::Duration;

use crate::{
    accounts::{AccountContext, AccountError},
    keys::{Vault, VaultError, VaultPlace},
    model::{Entropy, Subject, TenantId, sha256_base64url},
    protocol::records::{RecordFormat, decode_record, encode_record},
    store::{IndexEntry, IndexKind, Record, RecordKey, RecordKind, VersionedRecord},
};

/// How long an authenticator is kept after its last use: it does not end with a session.
const TTL: Duration = Duration::from_hours(24 * 3650);

/// The key of the one record of a kind that a person has.
pub(in crate::accounts) fn person_record_key(
    context: AccountContext<'_>,
    kind: RecordKind,
    subject: &Subject,
) -> RecordKey {
    record_key_of_subject(context.tenant_id(), kind, subject.as_str())
}

/// The key of the one record of a kind, by the tenant and the `sub` of the person.
pub(in crate::accounts) fn record_key_of_subject(
    tenant: &TenantId,
    kind: RecordKind,
    subject: &str,
) -> RecordKey {
    RecordKey::new(kind, tenant, sha256_base64url(subject))
}

/// The record of an authenticator. It is due when its key began to seal, so that those of older keys
/// are found.
pub(in crate::accounts) fn seal_vaulted_record<T: RecordFormat>(
    context: AccountContext<'_>,
    key: RecordKey,
    subject: &Subject,
    value: &T,
) -> Result<Record, AccountError> {
    let entropy: &dyn Entropy = &*context.services.entropy;
    let plain = encode_record(value);
    let sealed = context.vault()?.seal(vault_place(&key), &plain, entropy, context.store_now);
    Ok(Record {
        value: sealed.text.into_bytes().into(),
        expires_at: context.now.plus(TTL),
        owners: vec![IndexEntry::new(IndexKind::User, subject.as_str())],
        due_at: Some(sealed.key_since),
        key,
    })
}

/// Opens the record of an authenticator. `None` if its key was discarded: it is void.
///
/// # Errors
///
/// A record that cannot be opened otherwise is not taken for absent, because the loss of a key or a
/// change in the database is not a way around a factor.
pub(in crate::accounts) fn open_vaulted_record<T: RecordFormat>(
    context: AccountContext<'_>,
    stored: &VersionedRecord,
) -> Result<Option<T>, AccountError> {
    open_with_vault(context.vault()?, stored)
}

/// Opens the record of an authenticator with the given vault keys.
pub(in crate::accounts) fn open_with_vault<T: RecordFormat>(
    vault: &Vault,
    stored: &VersionedRecord,
) -> Result<Option<T>, AccountError> {
    let key = &stored.record.key;
    let altered = || AccountError::AlteredRecord(key.kind);
    let text = std::str::from_utf8(&stored.record.value).map_err(|_| altered())?;
    match vault.open(vault_place(key), text) {
        Ok(plain) => {
            decode_record(&plain).map(Some).map_err(|_| AccountError::Undecodable(key.kind))
        }
        Err(VaultError::Discarded) => Ok(None),
        Err(VaultError::MissingKey) => Err(AccountError::NoVaultKey),
        Err(VaultError::Altered) => Err(altered()),
    }
}

fn vault_place(key: &RecordKey) -> VaultPlace<'_> {
    VaultPlace { tenant: &key.tenant, kind: key.kind.as_str(), id: &key.id }
}
