//! The Secrets of the installation's sealing keys and vault keys: created once, then rotated. Keys that
//! this replica works with and that are missing are written back, unless they were discarded by name.
//! Entries that cannot be read are preserved: a newer replica may still be using them.

mod installation_keys;

use std::time::Duration;

use k8s_openapi::{ByteString, api::core::v1::Secret};

use installation_keys::{InstallationKeys, longest_sealed};

use super::{
    ControllerContext, MissingSealingKeys, ReconcileError,
    action::Action,
    key_audit::{KeyChanges, report_key_changes},
    observed::ObservedState,
    secret_writes::{PlannedWrite, SecretWrite, apply_writes},
};
use crate::{
    api::{CachedSecret, DISCARD_ANNOTATION, EventReason, SecretState, owner},
    keys::{
        KeyEntries, MARKING_KEY_ENTRY, Sealer, SealingKey, SealingPlan, new_marking_key,
        new_sealing_key, read_sealing_keys, write_marking_key, write_sealing_key,
    },
    model::{Entropy, KeyChange, ObjectKey, ObjectKind, ObjectRef, Timestamp, VaultKeysInUse},
    registry::discarded_keys,
    source::EventRecord,
};

const OWNER_KIND: &str = "Installation";

/// Creates, rotates or restores the keys of one of the installation's Secrets.
pub async fn reconcile_installation_keys(
    context: &ControllerContext,
    observed: &ObservedState,
    key: &ObjectKey,
) -> Result<Action, ReconcileError> {
    let keys = InstallationKeys::in_secret(key, &context.key_secrets);
    let in_use = context.vault_use.as_ref().and_then(|found| found.borrow().clone());
    let observed_keys = ObservedSealingKeys {
        keys,
        key,
        secret: observed.secret(key),
        held: keys.held(&observed.snapshot),
        had_some: keys.had_some(observed),
        in_use: in_use.as_ref(),
    };
    let longest = longest_sealed(&observed.snapshot);
    let plan = plan(&observed_keys, longest, context.entropy.as_ref(), context.clock.now());
    let Some(step) = plan.step else { return Ok(Action::Nothing(plan.wake)) };
    apply_writes(context, vec![step]).await?;
    report_key_changes(context, None, (keys.key_use(), key), plan.changes);
    if let Some(loss) = plan.loss {
        match loss {
            MissingSealingKeys::Restored => {
                tracing::warn!(secret = %key, "sealing or vault keys were missing from their Secret; wrote them back");
            }
            MissingSealingKeys::Lost => {
                tracing::warn!(secret = %key, "sealing or vault keys are lost; what they sealed can no longer be used");
            }
        }
        context.observer.sealing_keys_missing(loss);
    }
    Ok(Action::Wrote)
}

/// The state that the plan depends on.
struct ObservedSealingKeys<'a> {
    keys: InstallationKeys,
    key: &'a ObjectKey,
    secret: Option<&'a SecretState>,
    /// The keys that this replica works with.
    held: Option<&'a Sealer>,
    /// Whether keys have existed before, as the statuses of tenants show.
    had_some: bool,
    /// The vault keys that records of the store are sealed with.
    in_use: Option<&'a VaultKeysInUse>,
}

/// The changes of a Secret of keys that are due.
#[derive(Default)]
struct SealingKeysPlan {
    step: Option<PlannedWrite>,
    wake: Option<Timestamp>,
    loss: Option<MissingSealingKeys>,
    changes: KeyChanges,
}

fn plan(
    observed_keys: &ObservedSealingKeys<'_>,
    longest: Duration,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> SealingKeysPlan {
    let key = observed_keys.key;
    let owner = owner::owner_annotation(OWNER_KIND, &key.name);
    let before = match observed_keys.secret {
        None => None,
        // A user-provided Secret is used as it is and never written.
        Some(SecretState::Loaded(secret)) if is_ours(secret, &owner) => Some(secret),
        Some(_) => return SealingKeysPlan::default(),
    };
    let entries = before.map(CachedSecret::entries).unwrap_or_default();
    let mut change = SealingKeysChange::of(observed_keys, &entries, before, now);
    let plan = observed_keys.keys.plan(&change.keys, longest, observed_keys.in_use, now);
    if before.is_some() && plan.is_empty() && change.is_empty() {
        return SealingKeysPlan { wake: plan.wake, ..SealingKeysPlan::default() };
    }
    let none_left = change.keys.is_empty() && change.discarded.is_empty();
    let lost = none_left && (before.is_some() || observed_keys.had_some);
    let data = change.written(&plan, entropy, now);
    let write = match before {
        Some(secret) => {
            SecretWrite::Replace(Box::new(Secret { data: Some(data), ..secret.to_secret(key) }))
        }
        None => SecretWrite::Create(Box::new(Secret {
            metadata: owner::owned_metadata(key, &owner),
            type_: Some("Opaque".to_owned()),
            data: Some(data),
            ..Secret::default()
        })),
    };
    let loss = match (lost, change.restored.is_empty()) {
        (true, _) => Some(MissingSealingKeys::Lost),
        (false, false) => Some(MissingSealingKeys::Restored),
        (false, true) => None,
    };
    let notices = notices(observed_keys, &change, lost);
    let changes = key_changes(&entries, &write, (&change, &plan), lost);
    let step = Some(PlannedWrite { write, notices });
    SealingKeysPlan { step, wake: plan.wake, loss, changes }
}

/// The changes that a write makes to the keys.
fn key_changes(
    before: &KeyEntries,
    write: &SecretWrite,
    (change, plan): (&SealingKeysChange, &SealingPlan),
    lost: bool,
) -> KeyChanges {
    let written = match write {
        SecretWrite::Create(secret) | SecretWrite::Replace(secret) => secret.data.as_ref(),
        SecretWrite::Delete(..) => None,
    };
    let is_new = |name: &&String| {
        !before.contains_key(*name)
            && !change.restored.contains(*name)
            && name.as_str() != MARKING_KEY_ENTRY
    };
    let new = written.into_iter().flat_map(KeyEntries::keys).filter(is_new).cloned();
    let retired = plan.retire.iter().map(|(name, _)| name.clone());
    let mut changes = vec![
        (KeyChange::Published, new.collect::<Vec<_>>()),
        (KeyChange::Retired, retired.collect()),
        (KeyChange::Removed, plan.remove.clone()),
        (KeyChange::Restored, change.restored.clone()),
        (KeyChange::Discarded, change.discarded.clone()),
    ];
    changes.retain(|(_, keys)| !keys.is_empty());
    if lost {
        changes.push((KeyChange::Lost, Vec::new()));
    }
    changes
}

/// The entries of the Secret, compared with the keys that this replica works with.
struct SealingKeysChange {
    entries: KeyEntries,
    /// The keys that are valid, including those that were missing.
    keys: Vec<SealingKey>,
    /// Names of entries that were missing or damaged and are written back.
    restored: Vec<String>,
    /// Names of entries that are void.
    discarded: Vec<String>,
    /// Number of entries that cannot be read.
    damaged: usize,
    /// Whether the entry with the key of credential marks is absent. An entry that cannot be read is
    /// kept.
    lacks_marking_key: bool,
    /// The key of credential marks that this replica works with.
    held_marking_key: Option<(String, ByteString)>,
}

impl SealingKeysChange {
    fn of(
        observed_keys: &ObservedSealingKeys<'_>,
        entries: &KeyEntries,
        secret: Option<&CachedSecret>,
        now: Timestamp,
    ) -> Self {
        let held = observed_keys.held;
        let void = secret.map(discarded_keys).unwrap_or_default();
        let (all, damaged) = read_sealing_keys(entries);
        let is_void = |key: &SealingKey| void.contains(&key.id);
        let (discarded, mut keys): (Vec<_>, Vec<_>) = all.into_iter().partition(is_void);
        let there = Sealer::with_keys(None, keys.clone());
        let missing = held.map(|held| held.keys_missing_in(there.as_ref(), now));
        // An entry of a newer release is not overwritten.
        let foreign = |name: &str| damaged.iter().any(|entry| entry.foreign && entry.name == name);
        let missing: Vec<SealingKey> = missing
            .into_iter()
            .flatten()
            .filter(|key| !is_void(key) && !foreign(&key.entry_name()))
            .collect();
        let names = |keys: &[SealingKey]| keys.iter().map(SealingKey::entry_name).collect();
        let (restored, discarded) = (names(&missing), names(&discarded));
        keys.extend(missing);
        Self {
            entries: entries.clone(),
            keys,
            restored,
            discarded,
            damaged: damaged.len(),
            lacks_marking_key: observed_keys.keys.include_marking_key()
                && !entries.contains_key(MARKING_KEY_ENTRY),
            held_marking_key: held.and_then(Sealer::marking_key).map(write_marking_key),
        }
    }

    fn is_empty(&self) -> bool {
        self.restored.is_empty() && self.discarded.is_empty() && !self.lacks_marking_key
    }

    /// The entries of the Secret after the plan. Sets `retire_at` of the retired keys in `keys`, too.
    fn written(&mut self, plan: &SealingPlan, entropy: &dyn Entropy, now: Timestamp) -> KeyEntries {
        let mut entries = self.entries.clone();
        for name in self.discarded.iter().chain(&plan.remove) {
            entries.remove(name);
        }
        for (name, at) in &plan.retire {
            for key in self.keys.iter_mut().filter(|key| key.entry_name() == *name) {
                key.retire_at = Some(*at);
                entries.extend([write_sealing_key(key)]);
            }
        }
        let restored = self.keys.iter().filter(|key| self.restored.contains(&key.entry_name()));
        entries.extend(restored.map(write_sealing_key));
        if let Some(seals_from) = plan.add {
            entries.extend([write_sealing_key(&new_sealing_key(entropy, now, seals_from))]);
        }
        if self.lacks_marking_key {
            let held = self.held_marking_key.clone();
            entries.extend([held.unwrap_or_else(|| new_marking_key(entropy))]);
        }
        entries
    }
}

fn is_ours(secret: &CachedSecret, owner: &str) -> bool {
    secret.owner() == Some(owner) && !secret.is_deleting()
}

fn notices(
    observed_keys: &ObservedSealingKeys<'_>,
    change: &SealingKeysChange,
    lost: bool,
) -> Vec<EventRecord> {
    let (key, name) = (observed_keys.key, observed_keys.keys.name());
    let mut notices = Vec::new();
    let mut tell = |reason, message| {
        let object = ObjectRef::new(ObjectKind::Secret, key.clone());
        notices.push(EventRecord { object, reason, message });
    };
    if lost {
        let message = format!(
            "There was no {name} key ({} damaged entries are preserved), and a new one was made: {}",
            change.damaged,
            observed_keys.keys.loss()
        );
        tell(EventReason::KeysLost, message);
    }
    if !change.restored.is_empty() {
        let message = format!(
            "{} of {name} keys were missing from the Secret and were written back. To void keys for good, name them in the annotation {DISCARD_ANNOTATION}",
            change.restored.join(", ")
        );
        tell(EventReason::SealingKeysRestored, message);
    }
    if !change.discarded.is_empty() {
        let message = format!(
            "Discarded {name} keys: {}. Values that they sealed are void",
            change.discarded.join(", ")
        );
        tell(EventReason::SealingKeysDiscarded, message);
    }
    notices
}

#[cfg(test)]
mod tests;
