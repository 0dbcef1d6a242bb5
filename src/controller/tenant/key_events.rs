//! Events about new, lost and damaged keys.

use crate::{
    api::{EventReason, signing_keys_backup_name},
    keys::{DamagedEntry, NewKey},
    model::ObjectRef,
    source::EventRecord,
};

use super::key_secret::KeySecretContents;

/// Warnings about lost or damaged keys. Tokens may have been signed with them. `shown` are the key
/// IDs in the status.
pub fn key_notices(
    tenant: &ObjectRef,
    stored: &KeySecretContents,
    shown: &[Box<str>],
) -> Vec<EventRecord> {
    let mut notices = Vec::new();
    if !stored.damaged.is_empty() {
        let entries: Vec<String> = stored.damaged.iter().map(describe).collect();
        notices.push(warning(
            tenant,
            EventReason::KeysDamaged,
            format!(
                "Moved damaged entries of the key Secret to Secret {:?}: {}",
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
            EventReason::KeysLost,
            format!(
                "Signing keys were lost: {}. Tokens signed with them are no longer valid, and users have to sign in again",
                lost.join(", ")
            ),
        ));
    }
    notices
}

/// An Event about a new key.
pub fn key_published(tenant: &ObjectRef, kid: &str, new: &NewKey) -> EventRecord {
    EventRecord {
        object: tenant.clone(),
        reason: EventReason::KeyPublished,
        message: format!(
            "Published key {kid} ({}), which signs from {}",
            new.algorithm, new.times.signs_from
        ),
    }
}

fn warning(tenant: &ObjectRef, reason: EventReason, message: String) -> EventRecord {
    EventRecord { object: tenant.clone(), reason, message }
}

fn describe(entry: &DamagedEntry) -> String {
    format!("{:?} {}", entry.name, entry.problem)
}
