//! The loop: follows views and snapshots, and works on what changed, while this replica leads.

use std::{future::Future, panic::AssertUnwindSafe, pin::pin, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, future::pending, stream::FuturesUnordered};
use tokio::{
    sync::{oneshot, watch},
    time::{Instant, sleep, sleep_until},
};

use super::{
    Context,
    changes::changes,
    lease::{Campaign, campaign},
    logouts,
    memory::Memory,
    queue::{Finish, Queue},
    reconcile::reconcile,
    world::World,
};
use crate::model::{Kind, ObjectRef};

/// How many objects are in work at once.
const CONCURRENT: usize = 8;
/// How long changes that follow each other closely are gathered.
const GATHER: Duration = Duration::from_millis(25);
/// The longest sleep, since the wall clock may be set while we sleep.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Leadership that nobody disputes: for `dev`.
pub fn always() -> watch::Receiver<bool> {
    watch::channel(true).1
}

/// Acts whenever `leads`, until `stop`. Once it returns, or is dropped, nothing is being written.
pub async fn run(context: Context, mut leads: watch::Receiver<bool>, stop: impl Future) {
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            biased;
            _ = &mut stop => return,
            led = leads.wait_for(|leads| *leads) => if led.is_err() { return },
        }
        tokio::select! {
            biased;
            _ = &mut stop => return,
            () = lost(&mut leads) => tracing::info!("another replica may lead: writing has stopped"),
            () = act(&context) => return,
            never = logouts::tell(&context) => match never {},
        }
    }
}

/// Campaigns for the Lease and acts while it is held, until `stop`. The Lease is released when
/// nothing is being written any more.
pub async fn run_elected(
    context: Context,
    candidate: Campaign,
    leads: watch::Sender<bool>,
    stop: impl Future,
) {
    let (stopped, acting_stopped) = oneshot::channel::<()>();
    let follow = leads.subscribe();
    let acting = async {
        run(context, follow, stop).await;
        drop(stopped);
    };
    tokio::join!(acting, campaign(candidate, leads, acting_stopped));
}

async fn lost(leads: &mut watch::Receiver<bool>) {
    if leads.wait_for(|leads| !*leads).await.is_err() {
        pending::<()>().await;
    }
}

/// Works until the source ends. Dropping it drops every reconcile where it stands.
async fn act(context: &Context) {
    let (mut views, mut snapshots) = (context.source.views(), context.registry.changes());
    let (memory, mut queue, mut running) =
        (Memory::default(), Queue::default(), FuturesUnordered::new());
    let mut world = World::default();
    let mut refresh = Some(Instant::now());
    loop {
        if refresh.is_some_and(|at| at <= Instant::now()) {
            refresh = None;
            views.mark_unchanged();
            snapshots.mark_unchanged();
            world = look(context, world, &mut queue);
        }
        while running.len() < CONCURRENT {
            let Some(object) = queue.next(context.clock.now()) else { break };
            running.push(work(context, world.clone(), &memory, object));
        }
        tokio::select! {
            Some((object, finish)) = running.next(), if !running.is_empty() => {
                queue.finish(object, finish, context.clock.now());
            }
            changed = changed(&mut views, &mut snapshots), if refresh.is_none() => {
                if changed.is_err() {
                    return;
                }
                refresh = Some(Instant::now() + GATHER);
            }
            () = sleep_until(refresh.unwrap_or_else(Instant::now)), if refresh.is_some() => {}
            () = rest(context, &queue), if running.len() < CONCURRENT => {}
        }
    }
}

/// Marks what changed since the world that was looked at before.
fn look(context: &Context, before: World, queue: &mut Queue<ObjectRef>) -> World {
    let view = context.source.views().borrow().clone();
    let after = World::new(view, context.registry.snapshot());
    if !after.is_known() {
        return before;
    }
    let sealing = sealing(context);
    // How long sealing keys are kept goes by the tenants that are served.
    if !Arc::ptr_eq(&before.snapshot, &after.snapshot) {
        queue.mark(sealing.clone());
    }
    for object in changes(&before, &after) {
        if object.kind != Kind::Secret || object == sealing {
            queue.mark(object);
        }
    }
    after
}

fn sealing(context: &Context) -> ObjectRef {
    ObjectRef { kind: Kind::Secret, key: context.sealing_secret.clone() }
}

async fn work(
    context: &Context,
    world: World,
    memory: &Memory,
    object: ObjectRef,
) -> (ObjectRef, Finish) {
    let done = AssertUnwindSafe(reconcile(context, &world, memory, &object)).catch_unwind().await;
    let finish = done.unwrap_or_else(|_| {
        tracing::error!(%object, "reconciling panicked");
        Finish::Transient
    });
    (object, finish)
}

async fn changed(
    views: &mut watch::Receiver<Arc<crate::api::View>>,
    snapshots: &mut watch::Receiver<u64>,
) -> Result<(), watch::error::RecvError> {
    tokio::select! {
        changed = views.changed() => changed,
        changed = snapshots.changed() => changed,
    }
}

/// Sleeps until something is due.
async fn rest(context: &Context, queue: &Queue<ObjectRef>) {
    let due = queue.wake().map(|at| at.since(context.clock.now()));
    sleep(due.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)).await;
}
