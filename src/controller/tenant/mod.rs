//! Reconciles a `Tenant`: creates, rotates and repairs its keys.

mod backup;
mod key_events;
mod key_secret;
mod plan;
mod reservation;
mod salt;

use crate::{
    api::SigningKeyStatus,
    keys::{
        KeyRecord, KeyState, NewKey, PlannedKey, next_rotation, plan_rotation as rotation_plan,
    },
    model::{KeyChange, KeyUse, ObjectRef, TenantId, Timestamp},
    registry::{KeySource, TenantOutcome},
};

use super::{
    ControllerContext, ReconcileError, action::Action, key_audit::report_key_changes,
    observed::ObservedState, secret_writes::apply_writes,
};

/// Maximum number of keys in the status.
const MAX_LISTED_KEYS: usize = 32;

pub use reservation::reserve_issuer;

/// Reconciles the tenant's signing keys and pairwise salt.
pub async fn reconcile_keys(
    context: &ControllerContext,
    observed: &ObservedState,
    object: &ObjectRef,
    outcome: &TenantOutcome,
) -> Result<Action, ReconcileError> {
    let now = context.clock.now();
    if let Some(step) = salt::plan_salt(object, outcome.salt.as_ref(), &*context.entropy, now) {
        apply_writes(context, vec![step]).await?;
        return Ok(Action::Wrote);
    }
    let KeySource::Own(rules) = &outcome.keys else {
        let Some(write) = reservation::plan_reservation(
            observed,
            object,
            outcome.issuer.as_ref(),
            outcome.keys == KeySource::Imported,
        ) else {
            return Ok(Action::Nothing(None));
        };
        apply_writes(context, vec![write.into()]).await?;
        return Ok(Action::Wrote);
    };
    let observed_keys = plan::ObservedKeys::read(observed, object, outcome);
    let mut plan = plan::plan_tenant(&observed_keys, rules, now)?;
    let made = make(context, &plan.generate).await?;
    let (wake, mut changes) = (plan.wake, std::mem::take(&mut plan.changes));
    if !made.is_empty() {
        let kids = made.iter().map(|key| key.kid.clone()).collect();
        changes.push((KeyChange::Published, kids));
    }
    let (steps, notices) = plan.into_steps(&made);
    let wrote = !steps.is_empty();
    apply_writes(context, steps).await?;
    if wrote {
        let tenant = TenantId(object.key.clone());
        let secret = plan::key_secret_key(object);
        report_key_changes(context, Some(&tenant), (KeyUse::Signing, &secret), changes);
    }
    for notice in notices {
        context.source.publish_event(notice).await;
    }
    Ok(if wrote { Action::Wrote } else { Action::Nothing(wake) })
}

/// Returns true if the tenant needs keys to be made, which takes long.
pub fn needs_new_keys(outcome: &TenantOutcome, now: Timestamp) -> bool {
    let KeySource::Own(rules) = &outcome.keys else { return false };
    !rotation_plan(&planned_keys(outcome), rules, now).generate.is_empty()
}

fn planned_keys(outcome: &TenantOutcome) -> Vec<PlannedKey> {
    let keys = outcome.ring.keys().iter().map(|key| PlannedKey {
        kid: key.kid.clone(),
        algorithm: key.algorithm,
        times: key.times,
    });
    keys.collect()
}

/// Makes all wanted keys at the same time. Fails if one of them fails.
async fn make(
    context: &ControllerContext,
    wanted: &[NewKey],
) -> Result<Vec<KeyRecord>, ReconcileError> {
    let made = wanted.iter().map(|new| context.key_maker.make(*new));
    Ok(futures::future::try_join_all(made).await?)
}

/// The time of the next rotation for the tenant's status. Imported keys have no schedule.
pub fn rotation_time(outcome: &TenantOutcome, now: Timestamp) -> Option<Timestamp> {
    let KeySource::Own(rules) = &outcome.keys else { return None };
    next_rotation(&planned_keys(outcome), rules, now)
}

/// The keys for the tenant's status.
pub fn signing_keys(outcome: &TenantOutcome, now: Timestamp) -> Vec<SigningKeyStatus> {
    let rotates = matches!(outcome.keys, KeySource::Own(_));
    let mut keys: Vec<_> = outcome.ring.keys().iter().collect();
    keys.sort_by_key(|key| (key.times.signs_from, &key.kid));
    let shown = keys.into_iter().take(MAX_LISTED_KEYS).map(|key| {
        let signs =
            outcome.ring.signing_key(key.algorithm, now).is_some_and(|it| it.kid == key.kid);
        let state = match key.state(now, signs) {
            KeyState::Published => "Published",
            KeyState::Signing => "Signing",
            KeyState::Retired => "Retired",
        };
        SigningKeyStatus {
            key_id: key.kid.clone(),
            algorithm: key.algorithm.to_string(),
            state: state.to_owned(),
            // Imported keys have no schedule.
            signs_from: rotates.then(|| key.times.signs_from.to_string()),
            retire_at: key.times.retire_at.map(|at| at.to_string()),
        }
    });
    shown.collect()
}
