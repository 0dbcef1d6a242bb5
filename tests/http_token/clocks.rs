//! What a replica says whose clock is not the store's (design §6, "Clocks").

use std::{sync::Arc, time::Duration};

use lanyard::{
    http::{Admin, Probe},
    model::{Clock as _, Timestamp},
};

use super::{
    app::TestApp,
    store::{Interleaving, Plan},
    world::MANIFESTS,
};

/// Whether it is ready and what it counts, on a store whose clock shows a time.
async fn beside(time: impl FnOnce(Timestamp) -> Timestamp) -> (bool, String) {
    let plan = Arc::new(Plan::default());
    let over = Arc::clone(&plan);
    let world =
        TestApp::start_over(MANIFESTS, move |inner| Arc::new(Interleaving { inner, plan: over }));
    let world = world.await;
    *plan.time.lock().expect("no panic") = Some(time(world.clock.now()));
    let probe = || Probe { synced: true, ..Probe::default() };
    let (ready, _) = Admin::new(Arc::clone(&world.app), probe).readiness().await;
    (ready, world.app.metrics.render(world.clock.now()))
}

#[tokio::test]
async fn a_clock_half_a_minute_off_is_told_and_borne() {
    let (ready, metrics) = beside(|now| now.minus(Duration::from_secs(30))).await;
    assert!(ready);
    assert!(metrics.contains("lanyard_clock_skew_seconds 30.0\n"), "{metrics}");
    let (ready, metrics) = beside(|now| now.plus(Duration::from_secs(60))).await;
    assert!(ready);
    assert!(metrics.contains("lanyard_clock_skew_seconds -60.0\n"), "{metrics}");
}

#[tokio::test]
async fn what_took_long_to_be_said_is_no_measure() {
    // A clock that is 30 s ahead, where the answer took 5 of them: nobody knows when it was given.
    let plan = Arc::new(Plan::default());
    let over = Arc::clone(&plan);
    let world =
        TestApp::start_over(MANIFESTS, move |inner| Arc::new(Interleaving { inner, plan: over }));
    let world = world.await;
    let probe = || Probe { synced: true, ..Probe::default() };
    let admin = Admin::new(Arc::clone(&world.app), probe);
    let shows = |ahead| {
        let time = world.clock.now().minus(Duration::from_secs(ahead));
        *plan.time.lock().expect("no panic") = Some(time);
    };
    *plan.slow.lock().expect("no panic") = Some((Arc::clone(&world.clock), Duration::from_secs(5)));
    shows(25);
    assert!(!admin.readiness().await.0, "nothing is known yet");
    assert_eq!(world.app.store_clock.own_is_ahead(), 0);
    *plan.slow.lock().expect("no panic") = None;
    shows(30);
    assert!(admin.readiness().await.0);
    assert_eq!(world.app.store_clock.own_is_ahead(), 30_000);
}

#[tokio::test]
async fn beyond_what_expiries_tolerate_a_replica_is_not_ready() {
    assert!(!beside(|now| now.minus(Duration::from_secs(61))).await.0);
    assert!(!beside(|now| now.plus(Duration::from_secs(61))).await.0);
}
