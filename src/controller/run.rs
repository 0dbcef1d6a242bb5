//! The controller's loop: follows views and snapshots, and reconciles what changed while this
//! replica leads.

use std::{
    convert::Infallible, future::Future, panic::AssertUnwindSafe, pin::pin, sync::Arc,
    time::Duration,
};

use futures::{FutureExt, StreamExt, future::pending, stream::FuturesUnordered};
use tokio::{
    sync::{oneshot, watch},
    time::{Instant, sleep, sleep_until},
};
use tracing::Instrument;

use super::{
    ControllerContext,
    diff::changed_objects,
    federation_health::watch_cluster_keys,
    host_settings_events,
    lease::{LeaderElectionConfig, run_leader_election},
    logout_events,
    mail_health::watch_mail_servers,
    observed::ObservedState,
    published_status::PublishedStatuses,
    reachability::probe_providers,
    reconcile::reconcile_object,
    replay_events, tenant, unwatched,
    workqueue::{WorkResult, Workqueue},
};
use crate::{
    keys::KeyMaker,
    model::{ObjectKind, ObjectRef, Timestamp, pause_after},
    registry::ObjectOutcome,
};

/// Maximum number of concurrent reconciles that only write.
const MAX_CONCURRENT_RECONCILES: usize = 8;
/// Number of concurrent reconciles that make keys, for each thread that makes keys. While one writes, others wait
/// for keys.
const RECONCILES_PER_KEY: usize = 3;
/// How long successive changes are collected, at least.
const DEBOUNCE: Duration = Duration::from_millis(25);
/// Maximum sleep, because the wall clock may be set in the meantime.
const MAX_SLEEP: Duration = Duration::from_secs(30);

/// A receiver of permanent leadership, for `dev`, where no other replica exists.
pub fn always_leader() -> watch::Receiver<bool> {
    watch::channel(true).1
}

/// Reconciles while `leads` is true, until `stop`. No write is in progress after it returns or is
/// dropped.
pub async fn run_controller(
    context: ControllerContext,
    mut leads: watch::Receiver<bool>,
    stop: impl Future,
) {
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
            () = lost(&mut leads) => tracing::info!("lost leadership; stopped writing"),
            () = run_while_leading(&context) => return,
            never = report_unwatched(&context) => match never {},
            never = logout_events::publish_logout_events(&context) => match never {},
            never = replay_events::publish_replay_events(&context) => match never {},
            never = host_settings_events::publish_host_settings_events(&context) => match never {},
            never = probe_providers(&context) => match never {},
            never = watch_cluster_keys(&context) => match never {},
            never = watch_mail_servers(&context) => match never {},
        }
    }
}

/// Campaigns for the Lease and reconciles while it is held, until `stop`. Releases the Lease only
/// when no write is in progress.
pub async fn run_elected(
    context: ControllerContext,
    candidate: LeaderElectionConfig,
    leads: watch::Sender<bool>,
    stop: impl Future,
) {
    let (stopped, acting_stopped) = oneshot::channel::<()>();
    let follow = leads.subscribe();
    let acting = async {
        run_controller(context, follow, stop).await;
        drop(stopped);
    };
    tokio::join!(acting, run_leader_election(candidate, leads, acting_stopped));
}

/// Reports the objects of namespaces that are not watched, again whenever these change.
async fn report_unwatched(context: &ControllerContext) -> Infallible {
    let mut left = context.source.left_namespaces();
    loop {
        left.borrow_and_update();
        unwatched::report_unwatched_objects(context).await;
        if left.changed().await.is_err() {
            pending::<()>().await;
        }
    }
}

async fn lost(leads: &mut watch::Receiver<bool>) {
    if leads.wait_for(|leads| !*leads).await.is_err() {
        pending::<()>().await;
    }
}

/// Reconciles until the source ends. Dropping it aborts every reconcile in progress.
async fn run_while_leading(context: &ControllerContext) {
    let (mut views, mut snapshots) = (context.source.views(), context.registry.changes());
    let (statuses, mut queue, mut running) =
        (PublishedStatuses::default(), Workqueue::default(), FuturesUnordered::new());
    let mut slots = ReconcileSlots::default();
    let mut observed = ObservedState::default();
    let mut refresh = Some(Instant::now());
    let mut pause = DEBOUNCE;
    loop {
        let started = Instant::now();
        if refresh.is_some_and(|at| at <= started) {
            refresh = None;
            views.mark_unchanged();
            snapshots.mark_unchanged();
            observed = enqueue_changes(context, observed, &mut queue);
            pause = pause_after(started.elapsed(), DEBOUNCE);
        }
        while let Some((object, lane)) = slots.next(&mut queue, &observed, context.clock.now()) {
            running.push(reconcile_one(context, observed.clone(), &statuses, object, lane));
        }
        tokio::select! {
            Some((object, finish, lane)) = running.next(), if !running.is_empty() => {
                *slots.of(lane) += 1;
                queue.finish(object, finish, context.clock.now());
            }
            changed = changed(&mut views, &mut snapshots), if refresh.is_none() => {
                if changed.is_err() {
                    return;
                }
                refresh = Some(Instant::now() + pause);
            }
            () = sleep_until(refresh.unwrap_or_else(Instant::now)), if refresh.is_some() => {}
            concluded = context.reachability.changed() => {
                for provider in concluded {
                    queue.add(provider);
                }
            }
            concluded = context.federation.changed() => {
                for client in concluded {
                    queue.add(client);
                }
            }
            concluded = context.mail_health.changed() => {
                for tenant in concluded {
                    queue.add(tenant);
                }
            }
            () = sleep_until_due(context, &queue), if slots.cheap > 0 => {}
        }
    }
}

/// Enqueues the objects that changed since the previous state.
fn enqueue_changes(
    context: &ControllerContext,
    before: ObservedState,
    queue: &mut Workqueue<ObjectRef>,
) -> ObservedState {
    let view = context.source.views().borrow().clone();
    let after = ObservedState::new(view, context.registry.snapshot());
    if !after.is_known() {
        return before;
    }
    // The retention of sealing keys depends on the served tenants.
    if !Arc::ptr_eq(&before.snapshot, &after.snapshot) {
        for secret in context.key_secrets.all() {
            queue.add(ObjectRef::new(ObjectKind::Secret, secret.clone()));
        }
    }
    for object in changed_objects(&before, &after) {
        if object.kind != ObjectKind::Secret || context.key_secrets.contains(&object.key) {
            queue.add(object);
        }
    }
    after
}

async fn reconcile_one(
    context: &ControllerContext,
    observed: ObservedState,
    statuses: &PublishedStatuses,
    object: ObjectRef,
    lane: WorkLane,
) -> (ObjectRef, WorkResult, WorkLane) {
    let span = tracing::error_span!(
        "reconcile",
        kind = object.kind.as_str(),
        namespace = &*object.key.namespace,
        name = &*object.key.name,
    );
    let attempt =
        AssertUnwindSafe(reconcile_object(context, &observed, statuses, &object)).catch_unwind();
    let result = attempt.map(|done| {
        done.unwrap_or_else(|_| {
            tracing::error!("reconcile panicked");
            WorkResult::Transient
        })
    });
    let result = result.instrument(span).await;
    (object, result, lane)
}

/// A bound on concurrent reconciles. Those that make keys have a separate lane, so that a
/// thousand new tenants do not delay a client's Secret.
#[derive(Clone, Copy, Debug)]
enum WorkLane {
    Cheap,
    Costly,
}

/// The reconciles that may still be started.
struct ReconcileSlots {
    cheap: usize,
    costly: usize,
}

impl Default for ReconcileSlots {
    fn default() -> Self {
        let costly = KeyMaker::parallelism() * RECONCILES_PER_KEY;
        Self { cheap: MAX_CONCURRENT_RECONCILES, costly }
    }
}

impl ReconcileSlots {
    fn of(&mut self, lane: WorkLane) -> &mut usize {
        match lane {
            WorkLane::Cheap => &mut self.cheap,
            WorkLane::Costly => &mut self.costly,
        }
    }

    /// Takes the next object that there is a slot for.
    fn next(
        &mut self,
        queue: &mut Workqueue<ObjectRef>,
        observed: &ObservedState,
        now: Timestamp,
    ) -> Option<(ObjectRef, WorkLane)> {
        while self.cheap > 0 {
            let Some(object) = queue.next(now) else { break };
            if !is_costly(observed, &object, now) {
                self.cheap -= 1;
                return Some((object, WorkLane::Cheap));
            }
            queue.defer_costly_item(object);
        }
        if self.costly == 0 {
            return None;
        }
        let object = queue.next_costly()?;
        self.costly -= 1;
        Some((object, WorkLane::Costly))
    }
}

/// Returns true if the reconcile of an object makes keys.
fn is_costly(observed: &ObservedState, object: &ObjectRef, now: Timestamp) -> bool {
    match observed.verdict(object).map(|verdict| &verdict.outcome) {
        Some(ObjectOutcome::Tenant(tenant)) => tenant::needs_new_keys(tenant, now),
        _ => false,
    }
}

async fn changed(
    views: &mut watch::Receiver<Arc<crate::api::SourceView>>,
    snapshots: &mut watch::Receiver<u64>,
) -> Result<(), watch::error::RecvError> {
    tokio::select! {
        changed = views.changed() => changed,
        changed = snapshots.changed() => changed,
    }
}

/// Sleeps until the next item is due.
async fn sleep_until_due(context: &ControllerContext, queue: &Workqueue<ObjectRef>) {
    let due = queue.wake().map(|at| at.since(context.clock.now()));
    sleep(due.unwrap_or(MAX_SLEEP).min(MAX_SLEEP)).await;
}
