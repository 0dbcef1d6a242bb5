//! Reconciles one object: read, plan, apply, publish the status.

use super::{
    ControllerContext, ReconcileError, ReconcileOutcome as Counted, RetryPolicy, action::Action,
    observed::ObservedState, oidc_client, oidc_user, published_status::PublishedStatuses, sealing,
    status, tenant, workqueue::WorkResult,
};
use crate::{
    api::{ConditionReason, ConditionType},
    model::{ManagedKind, ObjectKind, ObjectRef, Timestamp},
    registry::{ObjectOutcome, ValidationProblem, Verdict},
    source::WriteError,
};

/// Reconciles one object: makes the writes that are due, publishes its status, and counts the outcome.
pub async fn reconcile_object(
    context: &ControllerContext,
    observed: &ObservedState,
    statuses: &PublishedStatuses,
    object: &ObjectRef,
) -> WorkResult {
    let (done, healthy) = match object.kind {
        ObjectKind::Secret => {
            (sealing::reconcile_installation_keys(context, observed, &object.key).await, true)
        }
        ObjectKind::Managed(_) => match observed.verdict(object) {
            Some(verdict) => (
                reconcile_existing(context, observed, statuses, verdict).await,
                verdict.problems.is_empty(),
            ),
            None => (reconcile_deleted(context, observed, statuses, object).await, true),
        },
        ObjectKind::Namespace | ObjectKind::ConfigMap => return WorkResult::Done(None),
    };
    let (finish, counted) = match done {
        Ok(Action::Wrote) => (WorkResult::Wrote, Counted::Ok),
        Ok(Action::Nothing(wake)) if healthy => (WorkResult::Done(wake), Counted::Ok),
        Ok(Action::Nothing(wake)) => (WorkResult::Done(wake), Counted::Problem),
        Err(error) => {
            if error.is_expected() {
                tracing::debug!(reason = error.reason(), %error, "reconcile failed");
            } else {
                tracing::warn!(reason = error.reason(), %error, "reconcile failed");
            }
            let finish = match error.retry() {
                RetryPolicy::Transient => WorkResult::Transient,
                RetryPolicy::Permanent => WorkResult::Permanent,
            };
            (finish, error.outcome())
        }
    };
    context.observer.reconciled(object.kind, counted);
    finish
}

/// Reconciles an object that has a verdict.
async fn reconcile_existing(
    context: &ControllerContext,
    observed: &ObservedState,
    statuses: &PublishedStatuses,
    verdict: &Verdict,
) -> Result<Action, ReconcileError> {
    let mut own_verdict = None;
    let acted = match &verdict.outcome {
        ObjectOutcome::Tenant(outcome) => {
            tenant::reconcile_keys(context, observed, &verdict.object, outcome).await
        }
        ObjectOutcome::Client(outcome) => {
            oidc_client::reconcile_client_secret(context, observed, verdict, outcome).await
        }
        ObjectOutcome::User(outcome) => {
            let done = oidc_user::reconcile_invitation(context, observed, verdict, outcome).await;
            done.map(|(action, found)| {
                own_verdict = found;
                action
            })
        }
        ObjectOutcome::Provider(_)
        | ObjectOutcome::ResourceServer(_)
        | ObjectOutcome::Malformed => Ok(Action::Nothing(None)),
    };
    let verdict = own_verdict.as_ref().unwrap_or(verdict);
    match acted {
        // The status is published with the verdict on what was just written.
        Ok(Action::Wrote) => Ok(Action::Wrote),
        Ok(Action::Nothing(wake)) => {
            let notice = status::publish_status(context, observed, statuses, verdict).await?;
            Ok(Action::Nothing(earliest(wake, notice)))
        }
        Err(ReconcileError::Write { error: WriteError::Conflict, what }) => {
            Err(ReconcileError::Write { error: WriteError::Conflict, what })
        }
        // The published state of the invitation stays until the store answers.
        Err(ReconcileError::Invitations(error)) => Err(ReconcileError::Invitations(error)),
        Err(error) => {
            let failed = with_failure(verdict, &error);
            // The first error decides about the retry.
            if let Err(second) = status::publish_status(context, observed, statuses, &failed).await
            {
                tracing::debug!(error = %second, "failed to publish the status");
            }
            Err(error)
        }
    }
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// The verdict, with a rejected write added to its problems.
fn with_failure(verdict: &Verdict, error: &ReconcileError) -> Verdict {
    let mut failed = verdict.clone();
    let condition = match verdict.object.kind {
        ObjectKind::Managed(ManagedKind::Tenant) => ConditionType::KeysReady,
        ObjectKind::Managed(ManagedKind::OidcClient) => ConditionType::SecretReady,
        ObjectKind::Managed(
            ManagedKind::OidcUser | ManagedKind::IdentityProvider | ManagedKind::ResourceServer,
        )
        | ObjectKind::Secret
        | ObjectKind::Namespace
        | ObjectKind::ConfigMap => ConditionType::Programmed,
    };
    if error.retry() == RetryPolicy::Permanent {
        let message = format!("{error}; retrying every few minutes");
        failed
            .problems
            .insert(0, ValidationProblem::of(condition, ConditionReason::WriteFailed, "", message));
    }
    failed
}

/// Handles an object that is deleted, being deleted, or newer than its verdict.
async fn reconcile_deleted(
    context: &ControllerContext,
    observed: &ObservedState,
    statuses: &PublishedStatuses,
    object: &ObjectRef,
) -> Result<Action, ReconcileError> {
    let objects = &observed.view.objects;
    if observed.state(object).is_some() || objects.malformed.contains_key(object) {
        return Ok(Action::Nothing(None));
    }
    statuses.forget(object);
    // While some object cannot be read, an absent object may still exist.
    let whole = objects.malformed.is_empty() && !objects.incomplete;
    if object.is(ManagedKind::Tenant) && !objects.incomplete {
        return tenant::reserve_issuer(context, observed, object).await;
    }
    if context.collects_garbage && whole && object.is(ManagedKind::OidcClient) {
        return oidc_client::delete_secrets_of_client(context, observed, object).await;
    }
    if context.collects_garbage && whole && object.is(ManagedKind::OidcUser) {
        return oidc_user::delete_secrets_of_user(context, observed, object).await;
    }
    Ok(Action::Nothing(None))
}
