//! The condition `MailReachable` of tenants: whether their mail servers answer and accept their accounts. Only the
//! Lease holder probes, at long intervals, because mail providers limit connections.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    future::pending,
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    ControllerContext,
    observed::ObservedState,
    probe_conclusions::{probe_result, reason_of},
    reachability::{FailureCounter, ProbeResult},
};
use crate::{
    api::{ConditionReason, Tenant},
    model::{MailProbe, MailServer, MailSettings, ObjectKey, ProbeFailure, Timestamp},
    registry::{ObjectOutcome, Verdict},
};

/// The interval of probes of a server that answers. It also holds for a server that refuses the account, because
/// frequent failures could lock the account.
const INTERVAL: Duration = Duration::from_mins(10);
/// The interval of probes of a server that does not answer.
const FAILING_INTERVAL: Duration = Duration::from_mins(1);
/// The pause before a result that differs from the last one is probed again.
const DOUBT_INTERVAL: Duration = Duration::from_secs(15);
/// Probes that run at the same time.
const MAX_CONCURRENT: usize = 16;
/// How long changes of the tenants are collected.
const DEBOUNCE: Duration = Duration::from_secs(1);
/// Maximum sleep, because the wall clock may be set in the meantime.
const MAX_SLEEP: Duration = Duration::from_secs(30);

/// The mail server of a tenant, with the conclusion from its answers.
struct WatchedServer {
    settings: Arc<MailSettings>,
    judgement: FailureCounter,
    /// The time of the next probe; `None` while a probe runs.
    due: Option<Timestamp>,
}

/// Probes the mail servers of all tenants until the future is dropped.
pub(super) async fn watch_mail_servers(context: &ControllerContext) -> Infallible {
    let Some(probe) = context.mail_probe.clone() else { return pending().await };
    let mut watched = HashMap::new();
    let mut snapshots = context.registry.changes();
    let mut running = FuturesUnordered::new();
    let mut refresh = Some(Instant::now());
    loop {
        if refresh.is_some_and(|at| at <= Instant::now()) {
            refresh = None;
            snapshots.mark_unchanged();
            refresh_tenants(context, &mut watched);
        }
        while running.len() < MAX_CONCURRENT
            && let Some((tenant, settings)) = take_due(&mut watched, context.clock.now())
        {
            running.push(ask(&*probe, tenant, settings));
        }
        let next = watched.values().filter_map(|it| it.due).min();
        let next = next.filter(|_| running.len() < MAX_CONCURRENT);
        let next = next.map_or(MAX_SLEEP, |at| at.since(context.clock.now()).min(MAX_SLEEP));
        tokio::select! {
            Some((tenant, settings, result)) = running.next(), if !running.is_empty() => {
                conclude(context, &mut watched, (&tenant, &settings), result);
            }
            changed = snapshots.changed(), if refresh.is_none() => {
                if changed.is_err() {
                    return pending().await;
                }
                refresh = Some(Instant::now() + DEBOUNCE);
            }
            () = sleep_until(refresh.unwrap_or_else(Instant::now)), if refresh.is_some() => {}
            () = sleep(next) => {}
        }
    }
}

/// Updates the watched servers from the tenants of the current snapshot. A new server is probed at once.
fn refresh_tenants(context: &ControllerContext, watched: &mut HashMap<ObjectKey, WatchedServer>) {
    let view = context.source.views().borrow().clone();
    let observed = ObservedState::new(view, context.registry.snapshot());
    if !observed.is_known() {
        return;
    }
    let mut known = HashSet::new();
    for verdict in observed.snapshot.verdicts().iter() {
        let ObjectOutcome::Tenant(tenant) = &verdict.outcome else { continue };
        let (Some(settings), key) = (&tenant.mail, &verdict.object.key) else { continue };
        known.insert(key.clone());
        let is_same = watched.get(key).is_some_and(|it| it.settings.server == settings.server);
        if !is_same {
            let earlier = watched.contains_key(key);
            let published = published(context, &observed, key).filter(|_| !earlier);
            let (settings, judgement) = (Arc::clone(settings), FailureCounter::of(published));
            let due = Some(context.clock.now());
            watched.insert(key.clone(), WatchedServer { settings, judgement, due });
        }
    }
    watched.retain(|key, _| known.contains(key));
    context.mail_health.retain(|key| known.contains(key));
}

fn take_due(
    watched: &mut HashMap<ObjectKey, WatchedServer>,
    now: Timestamp,
) -> Option<(ObjectKey, Arc<MailSettings>)> {
    let due = watched.iter_mut().find(|(_, it)| it.due.is_some_and(|due| due <= now))?;
    due.1.due = None;
    Some((due.0.clone(), Arc::clone(&due.1.settings)))
}

async fn ask(
    probe: &dyn MailProbe,
    tenant: ObjectKey,
    settings: Arc<MailSettings>,
) -> (ObjectKey, Arc<MailSettings>, ProbeResult) {
    let server: &MailServer = &settings.server;
    let result = probe.probe(server).await.map_err(|error| {
        tracing::info!(upstream = %server, %error, "a mail server cannot be used");
        error.failure
    });
    (tenant, settings, result)
}

/// Records the result of a probe, unless the tenant has another server by now.
fn conclude(
    context: &ControllerContext,
    watched: &mut HashMap<ObjectKey, WatchedServer>,
    (tenant, settings): (&ObjectKey, &Arc<MailSettings>),
    result: ProbeResult,
) {
    let Some(server) = watched.get_mut(tenant) else { return };
    if !Arc::ptr_eq(&server.settings, settings) {
        return;
    }
    server.judgement.learn(result);
    let concluded = server.judgement.concluded();
    let pause = match concluded {
        _ if server.judgement.is_in_doubt() => DOUBT_INTERVAL,
        Some(Ok(()) | Err(ProbeFailure::AccountRefused)) | None => INTERVAL,
        Some(Err(_)) => FAILING_INTERVAL,
    };
    server.due = Some(context.clock.now().plus(pause));
    if let Some(concluded) = concluded
        && context.mail_health.reason(tenant) != Some(reason_of(concluded))
    {
        context.mail_health.conclude(vec![(tenant.clone(), concluded)]);
    }
}

/// The reason of the condition `MailReachable` of a verdict; `None` without the condition.
pub(super) fn mail_reason(
    context: &ControllerContext,
    observed: &ObservedState,
    verdict: &Verdict,
) -> Option<ConditionReason> {
    match &verdict.outcome {
        ObjectOutcome::Tenant(tenant) if tenant.mail.is_some() => {
            published(context, observed, &verdict.object.key).map(reason_of)
        }
        _ => None,
    }
}

/// The conclusion that the status of a tenant has, or is about to have.
fn published(
    context: &ControllerContext,
    observed: &ObservedState,
    tenant: &ObjectKey,
) -> Option<ProbeResult> {
    // Where servers are not asked, no status says that they can be used.
    context.mail_probe.as_ref()?;
    let shown =
        || observed.view.objects.managed.get::<Tenant>(tenant)?.status_facts().mail_reachable;
    context.mail_health.reason(tenant).or_else(shown).and_then(probe_result)
}
