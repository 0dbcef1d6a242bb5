//! The loop of a candidate: reads and writes the Lease, and publishes whether it leads.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use super::{
    ElectionStep, LeaderElector, LeaseApi, LeaseError, LeaseTiming, ObservedLease,
    elector::MonotonicTime,
};
use crate::model::Clock;

/// The configuration of a replica that wants to lead.
#[derive(Clone)]
pub struct LeaderElectionConfig {
    /// Reads and writes the Lease.
    pub lease: Arc<dyn LeaseApi>,
    /// Identity of the replica, which must be unique: the Pod's name.
    pub identity: String,
    /// Receives whether this replica held the Lease when it was last read. Unlike leadership, this
    /// stays true while the API server cannot be reached.
    pub holds: watch::Sender<bool>,
    /// The durations of the election, the same in all replicas.
    pub timing: LeaseTiming,
    /// Clock for the times in the Lease, which are informational.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for LeaderElectionConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LeaderElectionConfig")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// Campaigns until `stop`, then releases the Lease. `leads` becomes false as soon as a renewal is
/// overdue, even while a request hangs. The caller must have stopped acting before it triggers
/// `stop`.
pub async fn run_leader_election(
    campaign: LeaderElectionConfig,
    leads: watch::Sender<bool>,
    stop: impl Future,
) {
    let started = Instant::now();
    let mut elector = LeaderElector::new(campaign.identity.clone(), campaign.timing);
    let mut stop = pin!(stop);
    loop {
        let mut attempt = pin!(campaign.attempt(elector.clone(), started));
        let (next, failed) = loop {
            tokio::select! {
                done = &mut attempt => break done,
                () = overdue(&elector, started), if *leads.borrow() => publish_leadership(&leads, false),
                _ = &mut stop => {
                    publish_leadership(&leads, false);
                    // The result contains the resourceVersion for the release.
                    let (elector, _) = attempt.await;
                    return campaign.release(elector, &leads).await;
                }
            }
        };
        elector = next;
        campaign.holds.send_replace(elector.held_last());
        publish_leadership(&leads, elector.leads(started.elapsed()));
        if let Some(error) = failed {
            tracing::warn!(%error, "failed to acquire or renew the Lease");
        }
        let again = Instant::now() + campaign.timing.retry;
        loop {
            tokio::select! {
                () = sleep_until(again) => break,
                () = overdue(&elector, started), if *leads.borrow() => publish_leadership(&leads, false),
                _ = &mut stop => return campaign.release(elector, &leads).await,
            }
        }
    }
}

impl LeaderElectionConfig {
    /// Reads the Lease, and acquires or renews it if that is due.
    async fn attempt(
        &self,
        mut elector: LeaderElector,
        started: Instant,
    ) -> (LeaderElector, Option<LeaseError>) {
        let error = self.try_attempt(&mut elector, started).await.err();
        (elector, error.filter(|error| *error != LeaseError::Conflict))
    }

    async fn try_attempt(
        &self,
        elector: &mut LeaderElector,
        started: Instant,
    ) -> Result<(), LeaseError> {
        let seen = self.in_time(self.lease.get()).await?;
        elector.observe(seen, started.elapsed());
        let sent: MonotonicTime = started.elapsed();
        let accepted: ObservedLease = match elector.propose(sent, self.clock.now()) {
            ElectionStep::Stand => return Ok(()),
            ElectionStep::Create(record) => self.in_time(self.lease.create(record)).await?,
            ElectionStep::Replace(record, version) => {
                self.in_time(self.lease.replace(record, &version)).await?
            }
        };
        elector.accepted(accepted, sent);
        Ok(())
    }

    async fn release(&self, mut elector: LeaderElector, leads: &watch::Sender<bool>) {
        publish_leadership(leads, false);
        self.holds.send_replace(false);
        let Some((record, version)) = elector.release(self.clock.now()) else { return };
        let once = || self.in_time(self.lease.replace(record.clone(), &version));
        let mut outcome = once().await;
        // Without a release, no replica leads until the Lease expires. So a failed release is tried once more.
        if let Err(LeaseError::Failed(error)) = &outcome {
            tracing::warn!(%error, "failed to release the Lease; retrying");
            outcome = once().await;
        }
        match outcome {
            Ok(_) => tracing::info!("released the Lease"),
            // A conflict after a failed attempt means that the release was written, and only the response was lost.
            Err(LeaseError::Conflict) => {
                tracing::info!("the Lease has changed since; not releasing it");
            }
            Err(error) => tracing::warn!(%error, "failed to release the Lease; it will expire"),
        }
    }

    async fn in_time<T>(
        &self,
        request: impl Future<Output = Result<T, LeaseError>>,
    ) -> Result<T, LeaseError> {
        match timeout(self.timing.request, request).await {
            Ok(answer) => answer,
            Err(_) => Err(LeaseError::Failed("the API server did not respond in time".to_owned())),
        }
    }
}

/// Resolves when leadership ends without a renewal.
async fn overdue(elector: &LeaderElector, started: Instant) {
    sleep_until(started + elector.leads_until().unwrap_or(Duration::ZERO)).await;
}

fn publish_leadership(leads: &watch::Sender<bool>, now: bool) {
    let changed = leads.send_if_modified(|before| std::mem::replace(before, now) != now);
    if changed {
        tracing::info!(is_leader = now, "leadership changed");
    }
}
