//! The Secret of the installation's sealing keys: created once, then rotated. Entries we cannot
//! decode are preserved: a newer replica may still be using them.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;

use super::{
    ControllerContext, ReconcileError,
    action::Action,
    observed::ObservedState,
    secret_writes::{PlannedWrite, SecretWrite, apply},
};
use crate::{
    api::{CachedSecret, EventReason, SecretState, owner},
    keys::{new_sealing_key, read_sealing_keys, sealing_plan, write_sealing_key},
    model::{Entropy, ObjectKey, ObjectKind, ObjectRef, Timestamp},
    registry::Snapshot,
    source::EventRecord,
};

/// Minimum time for which a key stays readable: the default lifetime of a grant.
const MIN_RETENTION: Duration = Duration::from_secs(90 * 24 * 3600);
/// Added to the longest lifetime, for clock differences and records that outlive their codes.
const RETENTION_MARGIN: Duration = Duration::from_secs(24 * 3600);
const OWNER_KIND: &str = "Installation";

/// Creates or rotates the sealing keys.
pub async fn reconcile_sealing_keys(
    context: &ControllerContext,
    world: &ObservedState,
) -> Result<Action, ReconcileError> {
    let key = &context.sealing_secret;
    let longest = longest_sealed(&world.snapshot);
    let (step, wake) =
        plan(key, world.secret(key), longest, context.entropy.as_ref(), context.clock.now());
    let Some(step) = step else { return Ok(Action::Nothing(wake)) };
    apply(context, vec![step]).await?;
    Ok(Action::Wrote)
}

/// The longest lifetime of anything that is sealed.
fn longest_sealed(snapshot: &Snapshot) -> Duration {
    let lifetimes = snapshot.tenants().map(|served| {
        let lifetimes = &served.tenant.lifetimes;
        lifetimes.refresh_token_absolute.max(lifetimes.session_absolute)
    });
    lifetimes.max().unwrap_or_default().max(MIN_RETENTION) + RETENTION_MARGIN
}

fn plan(
    key: &ObjectKey,
    secret: Option<&SecretState>,
    longest: Duration,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> (Option<PlannedWrite>, Option<Timestamp>) {
    let owner = owner::annotation(OWNER_KIND, &key.name);
    let before = match secret {
        None => None,
        // A user-provided Secret is used as it is and never written.
        Some(SecretState::Loaded(secret)) if is_ours(secret, &owner) => Some(secret),
        Some(_) => return (None, None),
    };
    let entries = before.map(CachedSecret::entries).unwrap_or_default();
    let (mut keys, damaged) = read_sealing_keys(&entries);
    let plan = sealing_plan(&keys, longest, now);
    if before.is_some() && plan.is_empty() {
        return (None, plan.wake);
    }
    let mut changed = entries;
    for (name, at) in &plan.retire {
        for key in keys.iter_mut().filter(|key| key.entry_name() == *name) {
            key.retire_at = Some(*at);
            changed.extend([write_sealing_key(key)]);
        }
    }
    for name in &plan.remove {
        changed.remove(name);
    }
    if let Some(seals_from) = plan.add {
        changed.extend([write_sealing_key(&new_sealing_key(entropy, now, seals_from))]);
    }
    let notices = lost(key, before.is_some() && keys.is_empty(), damaged.len());
    let write = match before {
        Some(secret) => {
            SecretWrite::Replace(Box::new(Secret { data: Some(changed), ..secret.to_secret(key) }))
        }
        None => SecretWrite::Create(Box::new(Secret {
            metadata: owner::metadata(key, &owner),
            type_: Some("Opaque".to_owned()),
            data: Some(changed),
            ..Secret::default()
        })),
    };
    (Some(PlannedWrite { write, notices }), plan.wake)
}

fn is_ours(secret: &CachedSecret, owner: &str) -> bool {
    secret.owner() == Some(owner) && !secret.is_deleting()
}

fn lost(key: &ObjectKey, none_left: bool, damaged: usize) -> Vec<EventRecord> {
    let told = none_left.then(|| EventRecord {
        object: ObjectRef::new(ObjectKind::Secret, key.clone()),
        reason: EventReason::KeysLost,
        message: format!(
            "No readable sealing key ({damaged} damaged entries are preserved). Sign-ins in progress and refresh tokens are no longer valid"
        ),
    });
    told.into_iter().collect()
}

#[cfg(test)]
mod tests;
