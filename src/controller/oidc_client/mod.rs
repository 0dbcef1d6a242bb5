//! A client's Secret: made, kept in shape, moved and removed. And the end of registered clients that
//! nobody uses.

mod applied;
mod plan;
mod shape;

use crate::{
    model::{ObjectRef, Timestamp},
    registry::{ClientOutcome, Verdict},
    source::WriteError,
};

use super::{
    ControllerContext, ReconcileError,
    observed::ObservedState,
    reconcile::Action,
    secret_writes::{PlannedWrite, apply},
};

/// Sees that a client has the Secret that it wants.
pub async fn act(
    context: &ControllerContext,
    world: &ObservedState,
    verdict: &Verdict,
    outcome: &ClientOutcome,
) -> Result<Action, ReconcileError> {
    if let Some(at) = outcome.unused_until {
        return unused(context, world, verdict, outcome, at).await;
    }
    keep(context, world, verdict, outcome).await
}

/// A client that registered itself goes when nobody has used it for so long
/// (docs/design/serving.md#dynamic-registration).
async fn unused(
    context: &ControllerContext,
    world: &ObservedState,
    verdict: &Verdict,
    outcome: &ClientOutcome,
    at: Timestamp,
) -> Result<Action, ReconcileError> {
    if at > context.clock.now() {
        return Ok(match keep(context, world, verdict, outcome).await? {
            Action::Nothing(None) => Action::Nothing(Some(at)),
            acted => acted,
        });
    }
    let key = &verdict.object.key;
    let seen = world.state(&verdict.object).and_then(|it| it.version);
    let done = context.source.delete_client(key, seen).await;
    match done {
        Ok(()) | Err(WriteError::NotFound) => {
            tracing::info!(client = %key, "a registered client that was never used is deleted");
            Ok(Action::Wrote)
        }
        Err(error) => Err(ReconcileError::Write {
            what: format!("deleting the unused client {:?}", key.name),
            error,
        }),
    }
}

async fn keep(
    context: &ControllerContext,
    world: &ObservedState,
    verdict: &Verdict,
    outcome: &ClientOutcome,
) -> Result<Action, ReconcileError> {
    let seen = plan::ObservedClient::read(world, verdict, outcome);
    done(context, plan::plan(&seen, context.entropy.as_ref())).await
}

/// Removes what a client that is gone leaves behind.
pub async fn collect(
    context: &ControllerContext,
    world: &ObservedState,
    client: &ObjectRef,
) -> Result<Action, ReconcileError> {
    done(context, plan::collect(world, client)).await
}

async fn done(
    context: &ControllerContext,
    steps: Vec<PlannedWrite>,
) -> Result<Action, ReconcileError> {
    if steps.is_empty() {
        return Ok(Action::Nothing(None));
    }
    apply(context, steps).await?;
    Ok(Action::Wrote)
}
