//! What to write about a tenant's keys. Pure.
//!
//! The Secret is created only where there is none, changed only if it is the tenant's, and then
//! under its resourceVersion; entries that a newer release wrote stay as they are.

use k8s_openapi::api::core::v1::Secret;

use crate::{
    api::{SecretState, owner, signing_keys_backup_name, signing_keys_name},
    keys::{
        Entries, KeyRecord, KeyRing, NewKey, RotationPlan, RotationRules, entry_name,
        plan as rotate, write_key,
    },
    model::{ObjectKey, ObjectRef, Timestamp},
    source::Notice,
};

use super::{
    super::{
        Error,
        world::World,
        writes::{Step, Write},
    },
    backup, lost,
    stored::Stored,
};

/// Everything that is known of a tenant's keys.
#[derive(Debug)]
pub struct Seen<'a> {
    tenant: &'a ObjectRef,
    secret: Option<&'a SecretState>,
    backup: Option<&'a SecretState>,
    /// What the status says there is.
    shown: &'a [Box<str>],
    ring: &'a KeyRing,
}

impl<'a> Seen<'a> {
    /// Everything that the world knows of them.
    pub fn read(world: &'a World, tenant: &'a ObjectRef, ring: &'a KeyRing) -> Self {
        let object = world.view.objects.tenants.get(&tenant.key);
        Self {
            tenant,
            secret: world.secret(&keys_key(tenant)),
            backup: world.secret(&backup_key(tenant)),
            shown: object.map_or(&[], |object| object.seen()),
            ring,
        }
    }
}

/// What to do about a tenant's keys.
#[derive(Debug, Default)]
pub struct Plan {
    /// Keys to make first.
    pub generate: Vec<NewKey>,
    /// When something will be due.
    pub wake: Option<Timestamp>,
    draft: Option<Draft>,
}

/// The key Secret as it shall be, save for keys that are not made yet.
#[derive(Debug)]
struct Draft {
    tenant: ObjectRef,
    secret: Box<Secret>,
    create: bool,
    changed: bool,
    backup: Option<Write>,
    notices: Vec<Notice>,
}

/// Plans the keys of a tenant.
pub fn plan(seen: &Seen<'_>, rules: &RotationRules, now: Timestamp) -> Result<Plan, Error> {
    let key = keys_key(seen.tenant);
    let owner = owner::annotation(seen.tenant.kind.as_str(), &seen.tenant.key.name);
    let before = match seen.secret {
        None => None,
        Some(SecretState::Loaded(secret)) => {
            // The condition says so already. One that is going comes back when it is gone.
            if !owner::owns(seen.tenant, secret) || secret.is_going() {
                return Ok(Plan::default());
            }
            Some(secret.whole(&key))
        }
        Some(SecretState::Unreadable(_)) => return Ok(Plan::default()),
    };
    let entries = before.as_ref().and_then(|secret| secret.data.clone()).unwrap_or_default();
    let stored = Stored::read(&entries, seen.ring);
    let rotation = rotate(&stored.planned(), rules, now);
    let mut secret = before.clone().unwrap_or_else(|| Secret {
        metadata: owner::metadata(&key, &owner),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    });
    owner::mark(&mut secret.metadata, &owner);
    secret.data = Some(rotated(&entries, &stored, &rotation));
    let changed = before.as_ref().is_none_or(|before| {
        before.metadata != secret.metadata || secret.data.as_ref() != Some(&entries)
    });
    let backup_key = backup_key(seen.tenant);
    let kept = backup::keep(seen.tenant, &backup_key, seen.backup, &entries, &stored.damaged)?;
    Ok(Plan {
        wake: rotation.wake,
        generate: rotation.generate,
        draft: Some(Draft {
            tenant: seen.tenant.clone(),
            secret: Box::new(secret),
            create: before.is_none(),
            changed,
            backup: kept,
            notices: lost::notices(seen.tenant, &stored, seen.shown),
        }),
    })
}

/// The entries without what is damaged or due to go, and with new times.
fn rotated(entries: &Entries, stored: &Stored, rotation: &RotationPlan) -> Entries {
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

impl Plan {
    /// The writes in their order, given the keys that were made; and what is to be told where
    /// there is nothing to write.
    pub fn into_steps(self, made: &[KeyRecord]) -> (Vec<Step>, Vec<Notice>) {
        let Some(mut draft) = self.draft else { return (Vec::new(), Vec::new()) };
        let entries = draft.secret.data.get_or_insert_default();
        for (record, new) in made.iter().zip(&self.generate) {
            entries.extend([write_key(record)]);
            draft.notices.push(lost::published(&draft.tenant, &record.kid, new));
        }
        if !draft.changed && made.is_empty() {
            return (Vec::new(), draft.notices);
        }
        let write =
            if draft.create { Write::Create(draft.secret) } else { Write::Replace(draft.secret) };
        let mut steps: Vec<Step> = draft.backup.map(Step::from).into_iter().collect();
        steps.push(Step { write, notices: draft.notices });
        (steps, Vec::new())
    }
}

fn keys_key(tenant: &ObjectRef) -> ObjectKey {
    ObjectKey::new(&tenant.key.namespace, signing_keys_name(&tenant.key.name))
}

fn backup_key(tenant: &ObjectRef) -> ObjectKey {
    ObjectKey::new(&tenant.key.namespace, signing_keys_backup_name(&tenant.key.name))
}
