//! Copies damaged entries to a backup Secret before they are replaced, so that a user may repair
//! them.

use k8s_openapi::{ByteString, api::core::v1::Secret};

use crate::{
    api::{CachedSecret, SecretState, owner},
    keys::{DamagedEntry, KeyEntries},
    model::{ObjectKey, ObjectRef},
};

use super::super::{ReconcileError, secret_writes::SecretWrite};

/// Plans the write that backs up damaged entries, unless they are already in the backup.
pub fn keep_backup(
    tenant: &ObjectRef,
    key: &ObjectKey,
    backup: Option<&SecretState>,
    entries: &KeyEntries,
    damaged: &[DamagedEntry],
) -> Result<Option<SecretWrite>, ReconcileError> {
    // The backup Secret does not matter while there is nothing to back up.
    if damaged.is_empty() {
        return Ok(None);
    }
    let before = match backup {
        None => None,
        Some(SecretState::Loaded(secret)) if owner::is_owner(tenant, secret) => Some(secret),
        Some(SecretState::Loaded(_)) => return Err(ReconcileError::NotOwned(key.name.to_string())),
        Some(SecretState::Unreadable(why)) => {
            return Err(ReconcileError::Unreadable(key.name.to_string(), why.to_string()));
        }
    };
    let mut kept = before.map(CachedSecret::entries).unwrap_or_default();
    let mut news = false;
    for entry in damaged {
        let Some(content) = entries.get(&entry.name) else { continue };
        if !kept.values().any(|known| known == content) {
            kept.insert(free_name(&kept, &entry.name), content.clone());
            news = true;
        }
    }
    Ok(news.then(|| write(tenant, key, before, kept)))
}

fn write(
    tenant: &ObjectRef,
    key: &ObjectKey,
    before: Option<&CachedSecret>,
    kept: KeyEntries,
) -> SecretWrite {
    match before {
        Some(secret) => {
            let mut secret = secret.to_secret(key);
            secret.data = Some(kept);
            SecretWrite::Replace(Box::new(secret))
        }
        None => {
            let owner = owner::owner_annotation(tenant.kind.as_str(), &tenant.key.name);
            SecretWrite::Create(Box::new(Secret {
                metadata: owner::owned_metadata(key, &owner),
                type_: Some("Opaque".to_owned()),
                data: Some(kept),
                ..Secret::default()
            }))
        }
    }
}

/// The entry's name, with a number appended if the backup has another entry of that name.
fn free_name(kept: &std::collections::BTreeMap<String, ByteString>, name: &str) -> String {
    let numbered = (1..).map(|number| format!("{name}.{number}"));
    std::iter::once(name.to_owned())
        .chain(numbered)
        .find(|name| !kept.contains_key(name))
        .expect("there are more numbers than entries")
}
