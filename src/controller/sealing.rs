//! The Secret of the installation's sealing keys: made once, create-only, then rotated. What
//! cannot be read in it stays as it is: what it sealed is lost to us, and perhaps not to others.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;

use super::{
    ControllerContext, ReconcileError,
    observed::ObservedState,
    reconcile::Action,
    secret_writes::{PlannedWrite, SecretWrite, apply},
};
use crate::{
    api::{CachedSecret, SecretState, owner},
    keys::{new_sealing_key, read_sealing_keys, sealing_plan, write_sealing_key},
    model::{Entropy, ObjectKey, ObjectKind, ObjectRef, Timestamp},
    registry::Snapshot,
    source::EventRecord,
};

/// The least that a key stays readable: a grant's default life.
const MIN_RETENTION: Duration = Duration::from_secs(90 * 24 * 3600);
/// Beyond the longest lifetime: clocks differ, and a code's record outlives it.
const RETENTION_MARGIN: Duration = Duration::from_secs(24 * 3600);
const OWNER_KIND: &str = "Installation";

/// Sees that there are sealing keys.
pub async fn act(
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

/// The longest that anything sealed is valid.
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
        // One that somebody else made is used as it is, and never written.
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
    secret.owner() == Some(owner) && !secret.is_going()
}

fn lost(key: &ObjectKey, none_left: bool, damaged: usize) -> Vec<EventRecord> {
    let told = none_left.then(|| EventRecord {
        object: ObjectRef { kind: ObjectKind::Secret, key: key.clone() },
        warning: true,
        reason: "KeysLost",
        action: "Rotate",
        message: format!(
            "No sealing key could be read ({damaged} damaged entries are left as they are); sign-ins under way and refresh tokens are lost"
        ),
    });
    told.into_iter().collect()
}

#[cfg(test)]
mod tests;
