//! One object: read → plan → apply → status.

use std::time::Duration;

use super::{
    Context, Error, Outcome as Counted, Retry, memory::Memory, oidc_client, queue::Finish, sealing,
    status, tenant, world::World,
};
use crate::{
    api::{ConditionType, Reason},
    model::{Kind, ObjectRef, Timestamp},
    registry::{Outcome, Problem, Verdict},
    source::WriteError,
};

/// After a write the view is about to change, and with it what there is to do. Should it not, the
/// object is looked at again anyway.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What was done about an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acted {
    /// Secrets were written.
    Wrote,
    /// Nothing was to be written; something will be due at this time, if at any.
    Nothing(Option<Timestamp>),
}

/// Brings one object to where it should be.
pub async fn reconcile(
    context: &Context,
    world: &World,
    memory: &Memory,
    object: &ObjectRef,
) -> Finish {
    let (done, healthy) = match object.kind {
        Kind::Secret => (sealing::act(context, world).await, true),
        Kind::Tenant | Kind::OidcClient | Kind::OidcUser => match world.verdict(object) {
            Some(verdict) => {
                (judged(context, world, memory, verdict).await, verdict.problems.is_empty())
            }
            None => (gone(context, world, memory, object).await, true),
        },
        Kind::Namespace => return Finish::Done(None),
    };
    let (finish, counted) = match done {
        Ok(Acted::Wrote) => (Finish::Done(Some(context.clock.now().plus(LOOK_AGAIN))), Counted::Ok),
        Ok(Acted::Nothing(wake)) if healthy => (Finish::Done(wake), Counted::Ok),
        Ok(Acted::Nothing(wake)) => (Finish::Done(wake), Counted::Problem),
        Err(error) => {
            // Conflicts are how a view that lags shows itself.
            if !matches!(error, Error::Write { error: WriteError::Conflict, .. }) {
                tracing::warn!(%object, reason = error.reason(), %error, "reconciling failed");
            }
            match error.retry() {
                Retry::Transient => (Finish::Transient, Counted::Retry),
                Retry::Permanent => (Finish::Permanent, Counted::Problem),
            }
        }
    };
    context.observer.reconciled(object.kind, counted);
    finish
}

/// An object that there is a verdict on.
async fn judged(
    context: &Context,
    world: &World,
    memory: &Memory,
    verdict: &Verdict,
) -> Result<Acted, Error> {
    let acted = match &verdict.outcome {
        Outcome::Tenant(outcome) => tenant::act(context, world, &verdict.object, outcome).await,
        Outcome::Client(outcome) => oidc_client::act(context, world, verdict, outcome).await,
        Outcome::User(_) | Outcome::Malformed => Ok(Acted::Nothing(None)),
    };
    match acted {
        // The status will be that of the verdict on what was just written.
        Ok(Acted::Wrote) => Ok(Acted::Wrote),
        Ok(nothing) => {
            status::publish(context, world, memory, verdict).await?;
            Ok(nothing)
        }
        Err(Error::Write { error: WriteError::Conflict, what }) => {
            Err(Error::Write { error: WriteError::Conflict, what })
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
fn with_failure(verdict: &Verdict, error: &Error) -> Verdict {
    let mut told = verdict.clone();
    let condition = match verdict.object.kind {
        Kind::Tenant => ConditionType::KeysReady,
        _ => ConditionType::SecretReady,
    };
    if error.retry() == Retry::Permanent {
        let message = format!("{error}; it is tried again every few minutes");
        told.problems.insert(0, Problem::of(condition, Reason::WriteFailed, "", message));
    }
    told
}

/// An object that is not there any more, or about to go, or newer than its verdict.
async fn gone(
    context: &Context,
    world: &World,
    memory: &Memory,
    object: &ObjectRef,
) -> Result<Acted, Error> {
    let objects = &world.view.objects;
    if world.state(object).is_some() || objects.malformed.contains_key(object) {
        return Ok(Acted::Nothing(None));
    }
    memory.forget(object);
    // While anything could not be read, what is missing may be merely unreadable.
    let whole = objects.malformed.is_empty() && !objects.incomplete;
    if context.collects_garbage && whole && object.kind == Kind::OidcClient {
        return oidc_client::collect(context, world, object).await;
    }
    Ok(Acted::Nothing(None))
}
