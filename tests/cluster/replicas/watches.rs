//! A watch whose connection died silently is replaced, and the changes that it missed arrive.

use std::time::{Duration, Instant};

use super::{
    AUTHORITY, NAMESPACE, OBJECTS, SOON, api_with_chart,
    cluster::{Replica, eventually},
    stalls::Stopwatch,
    turns,
};

/// 25 s of a watch, 5 s until it is abandoned, and the delays of two loaded cores.
const BOUND: Duration = Duration::from_secs(45);

#[test]
fn changes_arrive_soon_after_connections_died_silently() {
    let _turn = turns::of("replicas");
    let api = api_with_chart();
    let proxy = api.proxy();
    let through = api.kubeconfig_through(proxy.port, NAMESPACE, "lanyard").display().to_string();
    let replica = Replica::start(&api, NAMESPACE, "far", AUTHORITY, &[("KUBECONFIG", &through)]);
    eventually(SOON, || api.try_apply(OBJECTS));
    eventually(SOON, || replica.serves(AUTHORITY, "main"));
    let (start, moving) = (Instant::now(), Stopwatch::start());
    proxy.forget_connections();
    api.apply(&OBJECTS.replace("name: main", "name: missed").replace("name: robot", "name: other"));
    eventually(SOON, || replica.serves(AUTHORITY, "missed"));
    let took = moving.elapsed();
    println!("a change that dead watches missed arrived after {took:?}");
    assert!(took < BOUND, "{took:?}, less {:?}", moving.stalled());
    assert!(start.elapsed() > Duration::from_secs(5), "the connections had died");
}
