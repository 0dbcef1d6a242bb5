//! A client's Secret: made, kept in shape, moved and removed.

mod applied;
mod plan;
mod shape;

use crate::{
    model::ObjectRef,
    registry::{ClientOutcome, Verdict},
};

use super::{
    Context, Error,
    reconcile::Acted,
    world::World,
    writes::{Step, apply},
};

/// Sees that a client has the Secret that it wants.
pub async fn act(
    context: &Context,
    world: &World,
    verdict: &Verdict,
    outcome: &ClientOutcome,
) -> Result<Acted, Error> {
    let seen = plan::Seen::read(world, verdict, outcome);
    done(context, plan::plan(&seen, context.entropy.as_ref())).await
}

/// Removes what a client that is gone leaves behind.
pub async fn collect(context: &Context, world: &World, client: &ObjectRef) -> Result<Acted, Error> {
    done(context, plan::collect(world, client)).await
}

async fn done(context: &Context, steps: Vec<Step>) -> Result<Acted, Error> {
    if steps.is_empty() {
        return Ok(Acted::Nothing(None));
    }
    apply(context, steps).await?;
    Ok(Acted::Wrote)
}
