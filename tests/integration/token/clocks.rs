//! Readiness and metrics of a replica whose clock differs from the store's (docs/design/state.md#clocks).

use std::{sync::Arc, time::Duration};

use lanyard::{
    http::{AdminServer, ReadinessProbe},
    model::{Clock as _, Timestamp},
};

use super::{
    app::TestApp,
    store::{Interleaving, Plan},
    world::MANIFESTS,
};

/// A replica with a store whose clock is set by the test.
struct Replica {
    world: TestApp,
    plan: Arc<Plan>,
    admin: Arc<AdminServer>,
}

impl Replica {
    async fn with_store_time(time: impl FnOnce(Timestamp) -> Timestamp) -> Self {
        let plan = Arc::new(Plan::default());
        let over = Arc::clone(&plan);
        let world = TestApp::start_over(MANIFESTS, move |inner| {
            Arc::new(Interleaving { inner, plan: over })
        });
        let world = world.await;
        *plan.time.lock().expect("no panic") = Some(time(world.clock.now()));
        let probe = || ReadinessProbe { synced: true, ..ReadinessProbe::default() };
        Self { admin: AdminServer::new(Arc::clone(&world.app), probe), world, plan }
    }

    /// Whether the replica is ready, and its metrics.
    async fn status(&self) -> (bool, String) {
        let (ready, _) = self.admin.readiness().await;
        (ready, self.world.app.accounts.metrics.render(self.world.clock.now()))
    }
}

async fn with_store_time(time: impl FnOnce(Timestamp) -> Timestamp) -> (bool, String) {
    Replica::with_store_time(time).await.status().await
}

#[tokio::test]
async fn tolerable_skew_is_reported_and_the_replica_stays_ready() {
    let (ready, metrics) = with_store_time(|now| now.minus(Duration::from_secs(30))).await;
    assert!(ready);
    assert!(metrics.contains("lanyard_clock_skew_seconds 30.0\n"), "{metrics}");
    let (ready, metrics) = with_store_time(|now| now.plus(Duration::from_secs(60))).await;
    assert!(ready);
    assert!(metrics.contains("lanyard_clock_skew_seconds -60.0\n"), "{metrics}");
}

#[tokio::test]
async fn intolerable_skew_makes_a_replica_unready() {
    assert!(!with_store_time(|now| now.minus(Duration::from_secs(61))).await.0);
    assert!(!with_store_time(|now| now.plus(Duration::from_secs(61))).await.0);
}

#[tokio::test]
async fn late_answer_does_not_replace_a_better_measurement() {
    let replica = Replica::with_store_time(|now| now.minus(Duration::from_secs(61))).await;
    assert!(!replica.status().await.0);
    // The machine stalled for 20 s, so the late answer only shows that the skew is between 41 s and 61 s.
    let clock = Arc::clone(&replica.world.clock);
    *replica.plan.time.lock().expect("no panic") = Some(clock.now().minus(Duration::from_secs(41)));
    *replica.plan.journey.lock().expect("no panic") = Some((clock, Duration::from_secs(20)));
    let (ready, metrics) = replica.status().await;
    assert!(!ready);
    assert!(metrics.contains("lanyard_clock_skew_seconds 61.0\n"), "{metrics}");
}
