//! Plans the writes for a tenant's keys. Pure.
//!
//! The Secret is created only if it does not exist, and replaced only if the tenant owns it, at its
//! resourceVersion. Entries that a newer release wrote are preserved.

use k8s_openapi::api::core::v1::Secret;

use crate::{
    api::{SecretState, Tenant, owner, signing_keys_backup_name, signing_keys_name},
    keys::{
        KeyEntries, KeyRecord, KeyRing, NewKey, RotationPlan, RotationRules, entry_name,
        plan_rotation as rotate, write_key,
    },
    model::{Issuer, KeyChange, ObjectKey, ObjectRef, Timestamp},
    registry::TenantOutcome,
    source::EventRecord,
};

use super::{
    super::{
        ReconcileError,
        key_audit::KeyChanges,
        observed::ObservedState,
        secret_writes::{PlannedWrite, SecretWrite},
    },
    backup, key_events,
    key_secret::KeySecretContents,
    reservation,
};

/// A tenant and its keys.
#[derive(Debug)]
pub struct ObservedKeys<'a> {
    tenant: &'a ObjectRef,
    secret: Option<&'a SecretState>,
    backup: Option<&'a SecretState>,
    /// The key IDs in the status.
    shown: &'a [Box<str>],
    ring: &'a KeyRing,
    issuer: Option<&'a Issuer>,
}

impl<'a> ObservedKeys<'a> {
    /// Collects what the observed state contains about the tenant's keys.
    pub fn read(
        observed: &'a ObservedState,
        tenant: &'a ObjectRef,
        outcome: &'a TenantOutcome,
    ) -> Self {
        let object = observed.view.objects.managed.get::<Tenant>(&tenant.key);
        Self {
            tenant,
            secret: observed.secret(&key_secret_key(tenant)),
            backup: observed.secret(&backup_key(tenant)),
            shown: object.map_or(&[], |object| &object.status_facts().living_keys),
            ring: &outcome.ring,
            issuer: outcome.issuer.as_ref(),
        }
    }
}

/// The plan for a tenant's keys.
#[derive(Debug, Default)]
pub struct TenantPlan {
    /// Keys to generate before the writes.
    pub generate: Vec<NewKey>,
    /// The time of the next planned change.
    pub wake: Option<Timestamp>,
    /// Keys that get a successor, that are removed, and that are lost.
    pub changes: KeyChanges,
    draft: Option<DesiredKeySecret>,
}

/// The desired key Secret, except for keys that are not generated yet.
#[derive(Debug)]
struct DesiredKeySecret {
    tenant: ObjectRef,
    secret: Box<Secret>,
    create: bool,
    changed: bool,
    backup: Option<SecretWrite>,
    notices: Vec<EventRecord>,
}

/// Plans the writes of the tenant's key Secret, and the time of the next change. Does no I/O.
pub fn plan_tenant(
    observed_keys: &ObservedKeys<'_>,
    rules: &RotationRules,
    now: Timestamp,
) -> Result<TenantPlan, ReconcileError> {
    let key = key_secret_key(observed_keys.tenant);
    let owner =
        owner::owner_annotation(observed_keys.tenant.kind.as_str(), &observed_keys.tenant.key.name);
    let before = match observed_keys.secret {
        None => None,
        Some(SecretState::Loaded(secret)) => {
            // A foreign Secret is reported by the condition. A Secret that is being deleted is
            // created again afterwards.
            if !owner::is_owner(observed_keys.tenant, secret) || secret.is_deleting() {
                return Ok(TenantPlan::default());
            }
            Some(secret.to_secret(&key))
        }
        Some(SecretState::Unreadable(_)) => return Ok(TenantPlan::default()),
    };
    let entries = before.as_ref().and_then(|secret| secret.data.clone()).unwrap_or_default();
    let stored = KeySecretContents::read(&entries, observed_keys.ring);
    let rotation = rotate(&stored.planned(), rules, now);
    let mut secret = before.clone().unwrap_or_else(|| Secret {
        metadata: owner::owned_metadata(&key, &owner),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    });
    owner::mark_owned(&mut secret.metadata, &owner);
    reservation::remember_issuer(&mut secret.metadata, observed_keys.issuer);
    secret.data = Some(rotated(&entries, &stored, &rotation));
    let changed = before.as_ref().is_none_or(|before| {
        before.metadata != secret.metadata || secret.data.as_ref() != Some(&entries)
    });
    let backup_key = backup_key(observed_keys.tenant);
    let kept = backup::keep_backup(
        observed_keys.tenant,
        &backup_key,
        observed_keys.backup,
        &entries,
        &stored.damaged,
    )?;
    Ok(TenantPlan {
        changes: key_changes(&rotation, &stored, observed_keys.shown),
        wake: rotation.wake,
        generate: rotation.generate,
        draft: Some(DesiredKeySecret {
            tenant: observed_keys.tenant.clone(),
            secret: Box::new(secret),
            create: before.is_none(),
            changed,
            backup: kept,
            notices: key_events::key_notices(observed_keys.tenant, &stored, observed_keys.shown),
        }),
    })
}

/// The changes of keys that exist, or did. A key without one is left out.
fn key_changes(
    rotation: &RotationPlan,
    stored: &KeySecretContents,
    shown: &[Box<str>],
) -> KeyChanges {
    let retired = rotation.change.iter().filter(|(_, times)| times.retire_at.is_some());
    let lost = shown.iter().filter(|kid| !stored.has(kid));
    let changes = [
        (KeyChange::Retired, retired.map(|(kid, _)| kid.clone()).collect::<Vec<_>>()),
        (KeyChange::Removed, rotation.remove.clone()),
        (KeyChange::Lost, lost.map(ToString::to_string).collect()),
    ];
    changes.into_iter().filter(|(_, keys)| !keys.is_empty()).collect()
}

/// The entries without damaged and expired ones, with updated times.
fn rotated(
    entries: &KeyEntries,
    stored: &KeySecretContents,
    rotation: &RotationPlan,
) -> KeyEntries {
    let mut rotated = entries.clone();
    for damaged in &stored.damaged {
        rotated.remove(&damaged.name);
    }
    for kid in &rotation.remove {
        rotated.remove(&entry_name(kid));
    }
    for (kid, times) in &rotation.change {
        if let Some(record) = stored.keys.iter().find(|record| record.kid == *kid) {
            rotated.extend([write_key(&KeyRecord { times: *times, ..record.clone() })]);
        }
    }
    rotated
}

impl TenantPlan {
    /// Converts the plan to writes, given the generated keys. Also returns the Events to emit if
    /// there is nothing to write.
    pub fn into_steps(self, made: &[KeyRecord]) -> (Vec<PlannedWrite>, Vec<EventRecord>) {
        let Some(mut draft) = self.draft else { return (Vec::new(), Vec::new()) };
        let entries = draft.secret.data.get_or_insert_default();
        for (record, new) in made.iter().zip(&self.generate) {
            entries.extend([write_key(record)]);
            draft.notices.push(key_events::key_published(&draft.tenant, &record.kid, new));
        }
        if !draft.changed && made.is_empty() {
            return (Vec::new(), draft.notices);
        }
        let write = if draft.create {
            SecretWrite::Create(draft.secret)
        } else {
            SecretWrite::Replace(draft.secret)
        };
        let mut steps: Vec<PlannedWrite> =
            draft.backup.map(PlannedWrite::from).into_iter().collect();
        steps.push(PlannedWrite { write, notices: draft.notices });
        (steps, Vec::new())
    }
}

pub(super) fn key_secret_key(tenant: &ObjectRef) -> ObjectKey {
    ObjectKey::new(&tenant.key.namespace, signing_keys_name(&tenant.key.name))
}

fn backup_key(tenant: &ObjectRef) -> ObjectKey {
    ObjectKey::new(&tenant.key.namespace, signing_keys_backup_name(&tenant.key.name))
}
