//! What people are told when keys are gone or damaged.

use crate::{
    api::signing_keys_backup_name,
    keys::{DamagedEntry, NewKey},
    model::ObjectRef,
    source::EventRecord,
};

use super::key_secret::KeySecretContents;

/// Warnings about keys that tokens in use may have been signed with; `shown` are those that the
/// status told of.
pub fn notices(
    tenant: &ObjectRef,
    stored: &KeySecretContents,
    shown: &[Box<str>],
) -> Vec<EventRecord> {
    let mut notices = Vec::new();
    if !stored.damaged.is_empty() {
        let entries: Vec<String> = stored.damaged.iter().map(describe).collect();
        notices.push(warning(
            tenant,
            "KeysDamaged",
            format!(
                "Entries of the key Secret cannot be used and were moved to the Secret {:?}: {}",
                signing_keys_backup_name(&tenant.key.name),
                entries.join("; ")
            ),
        ));
    }
    let lost: Vec<&str> =
        shown.iter().map(|key_id| &**key_id).filter(|key_id| !stored.has(key_id)).collect();
    if !lost.is_empty() {
        notices.push(warning(
            tenant,
            "KeysLost",
            format!(
                "Keys are gone: {}. Tokens that they signed are not accepted any more; people sign in again",
                lost.join(", ")
            ),
        ));
    }
    notices
}

/// Tells of new keys.
pub fn published(tenant: &ObjectRef, kid: &str, new: &NewKey) -> EventRecord {
    EventRecord {
        object: tenant.clone(),
        warning: false,
        reason: "KeyPublished",
        action: "Rotate",
        message: format!("Key {kid} ({}) signs from {}", new.algorithm, new.times.signs_from),
    }
}

fn warning(tenant: &ObjectRef, reason: &'static str, message: String) -> EventRecord {
    EventRecord { object: tenant.clone(), warning: true, reason, action: "Rotate", message }
}

fn describe(entry: &DamagedEntry) -> String {
    format!("{:?} {}", entry.name, entry.problem)
}
