//! The condition `Reachable` of identity providers. The Lease holder asks their servers; a status is
//! written only when a conclusion changes.

mod judgement;
mod schedule;

use std::{collections::BTreeSet, convert::Infallible, future::pending, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use tokio::time::{Instant, sleep, sleep_until};

pub(super) use self::judgement::{FailureCounter, ProbeResult};
use self::schedule::{ProbeSchedule, ProbeTask, ProbedProvider};
use super::{
    ControllerContext,
    observed::ObservedState,
    probe_conclusions::{probe_result, reason_of},
};
use crate::{
    api::{ConditionReason, IdentityProvider},
    model::{ObjectKey, UpstreamProbe},
    registry::{ObjectOutcome, Verdict},
};

/// Probes that run at the same time.
const MAX_CONCURRENT: usize = 32;
/// How long changes of the providers are collected.
const DEBOUNCE: Duration = Duration::from_secs(1);
/// Maximum sleep, because the wall clock may be set in the meantime.
const MAX_SLEEP: Duration = Duration::from_secs(30);

/// Probes identity providers until the future is dropped.
pub(super) async fn probe_providers(context: &ControllerContext) -> Infallible {
    let Some(probe) = context.probe.clone() else { return pending().await };
    let conclusions = &context.reachability;
    conclusions.retain(|_| false);
    let mut schedule = ProbeSchedule::default();
    let mut snapshots = context.registry.changes();
    let mut running = FuturesUnordered::new();
    let mut refresh = Some(Instant::now());
    loop {
        if refresh.is_some_and(|at| at <= Instant::now()) {
            refresh = None;
            snapshots.mark_unchanged();
            refresh_providers(context, &mut schedule);
        }
        while running.len() < MAX_CONCURRENT
            && let Some(task) = schedule.next(context.clock.now())
        {
            running.push(run_probe(&*probe, task));
        }
        let due = schedule.wake().filter(|_| running.len() < MAX_CONCURRENT);
        let due = due.map(|at| at.since(context.clock.now()));
        tokio::select! {
            Some((task, result)) = running.next(), if !running.is_empty() => {
                let (now, jitter) = (context.clock.now(), random_byte(context));
                conclusions.conclude(schedule.finish(&task, result, now, jitter));
            }
            changed = snapshots.changed(), if refresh.is_none() => {
                if changed.is_err() {
                    return pending().await;
                }
                refresh = Some(Instant::now() + DEBOUNCE);
            }
            () = sleep_until(refresh.unwrap_or_else(Instant::now)), if refresh.is_some() => {}
            () = sleep(due.unwrap_or(MAX_SLEEP).min(MAX_SLEEP)) => {}
        }
    }
}

/// Takes the providers of the current snapshot over.
fn refresh_providers(context: &ControllerContext, schedule: &mut ProbeSchedule) {
    let view = context.source.views().borrow().clone();
    let observed = ObservedState::new(view, context.registry.snapshot());
    if !observed.is_known() {
        return;
    }
    let verdicts = observed.snapshot.verdicts().iter();
    let providers: Vec<ProbedProvider<'_>> = verdicts
        .filter_map(|verdict| match &verdict.outcome {
            ObjectOutcome::Provider(outcome) => {
                let key = &verdict.object.key;
                Some((key, outcome.probe.as_ref()?, published(context, &observed, key)))
            }
            _ => None,
        })
        .collect();
    let known: BTreeSet<&ObjectKey> = providers.iter().map(|(key, ..)| *key).collect();
    context.reachability.retain(|key| known.contains(key));
    let changed = schedule.update(providers.iter().copied(), context.clock.now());
    context.reachability.conclude(changed);
}

/// The reason of the condition `Reachable` of a verdict; `None` without the condition.
pub(super) fn verdict_reachable_reason(
    context: &ControllerContext,
    observed: &ObservedState,
    verdict: &Verdict,
) -> Option<ConditionReason> {
    match &verdict.outcome {
        ObjectOutcome::Provider(provider) if provider.probe.is_some() => {
            published(context, observed, &verdict.object.key).map(reason_of)
        }
        _ => None,
    }
}

/// The conclusion that the status of a provider has, or is about to have.
fn published(
    context: &ControllerContext,
    observed: &ObservedState,
    provider: &ObjectKey,
) -> Option<ProbeResult> {
    // Where providers are not asked, no status says that they can be used.
    context.probe.as_ref()?;
    let cached = || observed.view.objects.managed.get::<IdentityProvider>(provider);
    let reason = context.reachability.reason(provider);
    reason.or_else(|| *cached()?.status_facts()).and_then(probe_result)
}

async fn run_probe(probe: &dyn UpstreamProbe, task: ProbeTask) -> (ProbeTask, ProbeResult) {
    let result = probe.probe(&task.target).await.map_err(|error| {
        tracing::info!(upstream = task.target.host(), %error, "an identity provider cannot be used");
        error.failure
    });
    (task, result)
}

fn random_byte(context: &ControllerContext) -> u8 {
    let mut byte = [0];
    context.entropy.fill(&mut byte);
    byte[0]
}
