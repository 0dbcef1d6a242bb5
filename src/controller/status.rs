//! Computes and publishes the status of an object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{
    ControllerContext, ReconcileError, observed::ObservedState,
    published_status::PublishedStatuses, tenant,
};
use crate::{
    api::{
        AnyStatus, ConditionReason, EventReason, OidcClientStatus, OidcUserStatus, StatusDigest,
        TenantStatus, ready_condition,
    },
    model::{ObjectRef, Timestamp},
    registry::{self, ClientSecretPlan, ObjectOutcome, Verdict},
    source::{EventRecord, StatusUpdate, WriteError},
};

/// Publishes the status of an object if it differs from the current one, and emits an Event for a
/// new problem.
pub async fn publish(
    context: &ControllerContext,
    world: &ObservedState,
    memory: &PublishedStatuses,
    verdict: &Verdict,
) -> Result<(), ReconcileError> {
    let object = &verdict.object;
    let version = world.state(object).and_then(|state| state.version);
    let shown = match verdict.outcome {
        ObjectOutcome::Malformed => None,
        _ => world.managed(object).map(|found| found.status_digest().clone()),
    };
    let before = memory.current(object, shown, version).unwrap_or_default();
    let now = context.clock.now();
    let status = wanted(verdict, registry::conditions(verdict, &before, now), before.salt(), now);
    let told = status.status_digest();
    if before.same_content(&told) {
        return Ok(());
    }
    let notice = notice(object, &before, status.conditions());
    match context.source.publish_status(object, status).await {
        Ok(()) => {}
        // The object was deleted meanwhile, so it needs no status.
        Err(WriteError::NotFound) => return Ok(()),
        Err(error) => {
            return Err(ReconcileError::Write {
                what: format!("update the status of {object}"),
                error,
            });
        }
    }
    if let Some(notice) = notice {
        context.source.publish_event(notice).await;
    }
    memory.published(object, version.map(str::to_owned), told);
    Ok(())
}

/// The status that follows from a verdict.
fn wanted(
    verdict: &Verdict,
    conditions: Vec<Condition>,
    known_salt: Option<&str>,
    now: Timestamp,
) -> StatusUpdate {
    let observed_generation = verdict.generation;
    let status: AnyStatus = match &verdict.outcome {
        ObjectOutcome::Tenant(tenant) => TenantStatus {
            observed_generation,
            issuer: tenant.issuer.as_ref().map(ToString::to_string),
            internal_url: tenant.internal_url.clone(),
            signing_keys: tenant::signing_keys(tenant, now),
            // A known fingerprint is never removed, even if the salt is not needed now or the view
            // is older than the last write.
            pairwise_salt_fingerprint: known_salt
                .map(str::to_owned)
                .or_else(|| tenant.salt.as_ref().and_then(|salt| salt.fingerprint.clone())),
            conditions,
        }
        .into(),
        ObjectOutcome::Client(client) => OidcClientStatus {
            observed_generation,
            client_id: client.client_id.as_ref().map(ToString::to_string),
            issuer: client.issuer.as_ref().map(ToString::to_string),
            secret_name: match &client.secret {
                ClientSecretPlan::None => None,
                ClientSecretPlan::Referenced(key) => Some(key.name.to_string()),
                ClientSecretPlan::Generated(secret) => Some(secret.key.name.to_string()),
            },
            conditions,
        }
        .into(),
        ObjectOutcome::User(user) => OidcUserStatus {
            observed_generation,
            subject: user.subject.as_ref().map(ToString::to_string),
            conditions,
        }
        .into(),
        ObjectOutcome::Malformed => return StatusUpdate::Malformed(conditions),
    };
    StatusUpdate::Managed(status)
}

/// A warning Event if there is a new problem. `Pending` is not a problem.
fn notice(object: &ObjectRef, before: &StatusDigest, now: &[Condition]) -> Option<EventRecord> {
    let problem = ready_condition(now).filter(|ready| ready.status == "False")?;
    let known = before.same_ready_reason(problem);
    let reason = ConditionReason::ALL.iter().find(|reason| reason.as_str() == problem.reason)?;
    (!known && *reason != ConditionReason::Pending).then(|| EventRecord {
        object: object.clone(),
        reason: EventReason::NotReady(*reason),
        message: problem.message.clone(),
    })
}

#[cfg(test)]
mod tests;
