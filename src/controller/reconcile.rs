//! One object: read → plan → apply → status.

use std::time::Duration;

use super::{
    ControllerContext, ReconcileError, ReconcileOutcome as Counted, RetryPolicy,
    observed::ObservedState, oidc_client, published_status::PublishedStatuses, sealing, status,
    tenant, workqueue::Completion,
};
use crate::{
    api::{ConditionReason, ConditionType},
    model::{ObjectKind, ObjectRef, Timestamp},
    registry::{ObjectOutcome, ValidationProblem, Verdict},
    source::WriteError,
};

/// After a write the view is about to change, and with it what there is to do. Should it not, the
/// object is looked at again anyway.
const REQUEUE_INTERVAL: Duration = Duration::from_secs(1);

/// What was done about an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Secrets were written.
    Wrote,
    /// Nothing was to be written; something will be due at this time, if at any.
    Nothing(Option<Timestamp>),
}

/// Brings one object to where it should be.
pub async fn reconcile(
    context: &ControllerContext,
    world: &ObservedState,
    memory: &PublishedStatuses,
    object: &ObjectRef,
) -> Completion {
    let (done, healthy) = match object.kind {
        ObjectKind::Secret => (sealing::act(context, world).await, true),
        ObjectKind::Tenant | ObjectKind::OidcClient | ObjectKind::OidcUser => {
            match world.verdict(object) {
                Some(verdict) => (
                    reconcile_existing(context, world, memory, verdict).await,
                    verdict.problems.is_empty(),
                ),
                None => (reconcile_deleted(context, world, memory, object).await, true),
            }
        }
        ObjectKind::Namespace => return Completion::Done(None),
    };
    let (finish, counted) = match done {
        Ok(Action::Wrote) => {
            (Completion::Done(Some(context.clock.now().plus(REQUEUE_INTERVAL))), Counted::Ok)
        }
        Ok(Action::Nothing(wake)) if healthy => (Completion::Done(wake), Counted::Ok),
        Ok(Action::Nothing(wake)) => (Completion::Done(wake), Counted::Problem),
        Err(error) => {
            // Conflicts are how a view that lags shows itself.
            if !matches!(error, ReconcileError::Write { error: WriteError::Conflict, .. }) {
                tracing::warn!(%object, reason = error.reason(), %error, "reconciling failed");
            }
            match error.retry() {
                RetryPolicy::Transient => (Completion::Transient, Counted::Retry),
                RetryPolicy::Permanent => (Completion::Permanent, Counted::Problem),
            }
        }
    };
    context.observer.reconciled(object.kind, counted);
    finish
}

/// An object that there is a verdict on.
async fn reconcile_existing(
    context: &ControllerContext,
    world: &ObservedState,
    memory: &PublishedStatuses,
    verdict: &Verdict,
) -> Result<Action, ReconcileError> {
    let acted = match &verdict.outcome {
        ObjectOutcome::Tenant(outcome) => {
            tenant::act(context, world, &verdict.object, outcome).await
        }
        ObjectOutcome::Client(outcome) => oidc_client::act(context, world, verdict, outcome).await,
        ObjectOutcome::User(_) | ObjectOutcome::Malformed => Ok(Action::Nothing(None)),
    };
    match acted {
        // The status will be that of the verdict on what was just written.
        Ok(Action::Wrote) => Ok(Action::Wrote),
        Ok(nothing) => {
            status::publish(context, world, memory, verdict).await?;
            Ok(nothing)
        }
        Err(ReconcileError::Write { error: WriteError::Conflict, what }) => {
            Err(ReconcileError::Write { error: WriteError::Conflict, what })
        }
        Err(error) => {
            let told = with_failure(verdict, &error);
            // The first error is the one to act on.
            if let Err(second) = status::publish(context, world, memory, &told).await {
                tracing::debug!(error = %second, "the status was not published either");
            }
            Err(error)
        }
    }
}

/// The verdict, with a refused write among its problems.
fn with_failure(verdict: &Verdict, error: &ReconcileError) -> Verdict {
    let mut told = verdict.clone();
    let condition = match verdict.object.kind {
        ObjectKind::Tenant => ConditionType::KeysReady,
        _ => ConditionType::SecretReady,
    };
    if error.retry() == RetryPolicy::Permanent {
        let message = format!("{error}; it is tried again every few minutes");
        told.problems
            .insert(0, ValidationProblem::of(condition, ConditionReason::WriteFailed, "", message));
    }
    told
}

/// An object that is not there any more, or about to go, or newer than its verdict.
async fn reconcile_deleted(
    context: &ControllerContext,
    world: &ObservedState,
    memory: &PublishedStatuses,
    object: &ObjectRef,
) -> Result<Action, ReconcileError> {
    let objects = &world.view.objects;
    if world.state(object).is_some() || objects.malformed.contains_key(object) {
        return Ok(Action::Nothing(None));
    }
    memory.forget(object);
    // While anything could not be read, what is missing may be merely unreadable.
    let whole = objects.malformed.is_empty() && !objects.incomplete;
    if context.collects_garbage && whole && object.kind == ObjectKind::OidcClient {
        return oidc_client::collect(context, world, object).await;
    }
    Ok(Action::Nothing(None))
}
