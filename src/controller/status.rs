//! Computes and publishes the status of an object.

use std::{sync::Arc, time::Duration};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{
    ControllerContext, ReconcileError, federation_health::client_reachable_reason,
    mail_health::mail_reason, observed::ObservedState, published_status::PublishedStatuses,
    reachability::verdict_reachable_reason, tenant,
};
use crate::{
    api::{
        AnyStatus, ConditionReason, EventReason, IdentityProviderStatus, InvitationStatus,
        OidcClient, OidcClientStatus, OidcUserStatus, ResourceServerStatus, StatusDigest,
        TenantStatus, invitation_secret, ready_condition,
    },
    model::{ObjectKey, ObjectRef, Timestamp},
    registry::{self, ClientSecretPlan, InvitationState, ObjectOutcome, UserOutcome, Verdict},
    source::{EventRecord, StatusUpdate, WriteError},
};

/// How long a problem that other objects may cure has to last before it gets an Event. Objects that
/// are applied together arrive in any order.
const NOTICE_DELAY: Duration = Duration::from_secs(5);

/// Publishes the status of an object if it differs from the current one, and emits an Event for a
/// new problem. Returns the time at which an Event is due if the problem lasts.
pub async fn publish_status(
    context: &ControllerContext,
    observed: &ObservedState,
    statuses: &PublishedStatuses,
    verdict: &Verdict,
) -> Result<Option<Timestamp>, ReconcileError> {
    let object = &verdict.object;
    let malformed = observed.view.objects.malformed.get(object);
    let version = match (malformed, observed.state(object)) {
        (Some(malformed), _) => malformed.resource_version.as_deref(),
        (None, state) => state.and_then(|state| state.version),
    };
    let shown = match (malformed, observed.managed(object)) {
        (_, Some(found)) => Some(found.status_digest().clone()),
        (malformed, None) => malformed.map(|malformed| malformed.status.digest()),
    };
    let before = statuses.current(object, shown, version).unwrap_or_default();
    let now = context.clock.now();
    let mut conditions = registry::verdict_conditions(verdict, &before, now);
    let reachable = verdict_reachable_reason(context, observed, verdict)
        .or_else(|| client_reachable_reason(context, observed, verdict));
    conditions.extend(
        reachable.map(|reason| registry::reachable_condition(verdict, reason, &before, now)),
    );
    let mail = mail_reason(context, observed, verdict);
    conditions.extend(
        mail.map(|reason| registry::mail_reachable_condition(verdict, reason, &before, now)),
    );
    let status = wanted(verdict, observed, conditions, before.salt(), now);
    let digest = status.status_digest();
    if !before.same_content(&digest) {
        let problem = problem(object, &before, status.conditions());
        match write(context, object, status).await {
            Ok(true) => statuses.status_accepted(object),
            Ok(false) => return Ok(None),
            Err(error) => {
                if let Some(notice) =
                    refusal(object, &error).filter(|it| statuses.is_new_refusal(it))
                {
                    context.source.publish_event(notice).await;
                }
                return Err(error);
            }
        }
        statuses.published(object, version.map(str::to_owned), digest);
        match problem {
            ReadyChange::Unchanged => {}
            ReadyChange::Solved => statuses.defer_notice(object, None),
            ReadyChange::Problem(reason, notice) => {
                let delay = if reason.needs_edit() { Duration::ZERO } else { NOTICE_DELAY };
                statuses.defer_notice(object, Some((now.plus(delay), notice)));
            }
        }
    }
    if let Some(notice) = statuses.due_notice(object, now) {
        context.source.publish_event(notice).await;
    }
    Ok(statuses.notice_due_at(object))
}

/// Writes a status. Returns false if the object no longer exists.
async fn write(
    context: &ControllerContext,
    object: &ObjectRef,
    status: StatusUpdate,
) -> Result<bool, ReconcileError> {
    match context.source.publish_status(object, status).await {
        Ok(()) => Ok(true),
        // The object was deleted in the meantime, so it needs no status.
        Err(WriteError::NotFound) => Ok(false),
        Err(error) => {
            Err(ReconcileError::Write { what: format!("update the status of {object}"), error })
        }
    }
}

/// The Event for a status that the API server refuses, because no condition can report it.
fn refusal(object: &ObjectRef, error: &ReconcileError) -> Option<EventRecord> {
    let ReconcileError::Write { error: WriteError::Refused(_), .. } = error else { return None };
    let (object, reason) = (object.clone(), EventReason::StatusRefused);
    Some(EventRecord { object, reason, message: error.to_string() })
}

/// The status that follows from a verdict.
fn wanted(
    verdict: &Verdict,
    observed: &ObservedState,
    conditions: Vec<Condition>,
    known_salt: Option<&str>,
    now: Timestamp,
) -> StatusUpdate {
    let observed_generation = verdict.generation;
    let status: AnyStatus = match &verdict.outcome {
        ObjectOutcome::Tenant(tenant) => TenantStatus {
            observed_generation,
            issuer: tenant.issuer.as_ref().map(ToString::to_string),
            internal_url: tenant.internal_url.as_deref().map(str::to_owned),
            signing_keys: tenant::signing_keys(tenant, now),
            next_rotation: tenant::rotation_time(tenant, now).map(|at| at.to_string()),
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
            tenant: tenant_of(observed, &verdict.object.key),
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
            invitation: invitation(user, &verdict.object.key),
            conditions,
        }
        .into(),
        ObjectOutcome::Provider(provider) => IdentityProviderStatus {
            observed_generation,
            redirect_uri: provider.redirect_uri.clone(),
            post_logout_redirect_uri: provider.post_logout_redirect_uri.clone(),
            backchannel_logout_uri: provider.backchannel_logout_uri.clone(),
            issuer: provider.issuer.clone(),
            identity_key: provider.identity_key.clone(),
            conditions,
        }
        .into(),
        ObjectOutcome::ResourceServer(_) => {
            ResourceServerStatus { observed_generation, conditions }.into()
        }
        ObjectOutcome::Malformed => return of_malformed(verdict, observed, conditions),
    };
    StatusUpdate::Managed(status)
}

/// The invitation of a user, while its link can be used.
fn invitation(user: &UserOutcome, key: &ObjectKey) -> Option<InvitationStatus> {
    let invitation = user.invitation.as_ref()?;
    let secret_name = match invitation.state {
        InvitationState::Ready => Some(invitation_secret(key).name.to_string()),
        InvitationState::Mailed => None,
        _ => return None,
    };
    Some(InvitationStatus { id: invitation.invited.invitation.id.clone(), secret_name })
}

/// The status of an object that does not deserialize.
fn of_malformed(
    verdict: &Verdict,
    observed: &ObservedState,
    conditions: Vec<Condition>,
) -> StatusUpdate {
    let malformed = observed.view.objects.malformed.get(&verdict.object);
    let before = malformed.map(|malformed| Arc::clone(&malformed.status)).unwrap_or_default();
    StatusUpdate::Malformed {
        status: before.with_conditions(verdict.generation, conditions),
        resource_version: malformed.and_then(|malformed| malformed.resource_version.clone()),
    }
}

/// The tenant of a client for its status, with the namespace if that differs.
fn tenant_of(observed: &ObservedState, client: &ObjectKey) -> Option<String> {
    let found = observed.view.objects.managed.get::<OidcClient>(client)?;
    let tenant = &found.summary().tenant;
    Some(if tenant.0.namespace == client.namespace {
        tenant.0.name.to_string()
    } else {
        tenant.to_string()
    })
}

/// A change of the Ready condition.
enum ReadyChange {
    Unchanged,
    Solved,
    /// The object has a problem with a new reason or message, and its Event.
    Problem(ConditionReason, EventRecord),
}

/// Compares the Ready condition with the published one. `Pending` is not a problem.
fn problem(object: &ObjectRef, before: &StatusDigest, now: &[Condition]) -> ReadyChange {
    let Some(ready) = ready_condition(now) else { return ReadyChange::Unchanged };
    if before.same_ready_reason(ready) {
        return ReadyChange::Unchanged;
    }
    let reason = ConditionReason::ALL.iter().find(|reason| reason.as_str() == ready.reason);
    match reason {
        Some(reason) if ready.status == "False" && *reason != ConditionReason::Pending => {
            let record = EventRecord {
                object: object.clone(),
                reason: EventReason::NotReady(*reason),
                message: ready.message.clone(),
            };
            ReadyChange::Problem(*reason, record)
        }
        _ => ReadyChange::Solved,
    }
}

#[cfg(test)]
mod tests;
