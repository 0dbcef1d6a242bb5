//! A watch whose connection died silently is replaced, and the changes that it missed arrive.

use std::time::{Duration, Instant};

use super::{
    AUTHORITY, NAMESPACE, OBJECTS, SOON,
    cluster::{ApiServer, Replica, eventually},
    stalls::Stopwatch,
    turns,
};

/// 25 s of a watch, 5 s until it is abandoned, and the delays of two loaded cores.
const BOUND: Duration = Duration::from_secs(45);

#[test]
fn changes_arrive_soon_after_connections_died_silently() {
    let _turn = turns::of("replicas");
    let api = ApiServer::start();
    for namespace in [NAMESPACE, "team"] {
        api.kubectl(&["create", "namespace", namespace]);
    }
    let install = [
        "install",
        "lanyard",
        "charts/lanyard",
        "-n",
        NAMESPACE,
        "--set",
        "replicas=0,image.repository=lanyard",
    ];
    api.helm(&install).expect("the chart installs");
    let proxy = api.proxy();
    let through = api.kubeconfig_through(proxy.port, NAMESPACE, "lanyard").display().to_string();
    let replica = Replica::start(&api, NAMESPACE, "far", AUTHORITY, &[("KUBECONFIG", &through)]);
    let http = reqwest::blocking::Client::new();
    let serves = |tenant: &str| {
        let path = format!("/team/{tenant}/.well-known/openid-configuration");
        let url = format!("http://127.0.0.1:{}{path}", replica.port);
        let answer = http.get(url).header("host", AUTHORITY).send();
        match answer.map_err(|error| error.to_string())?.status().as_u16() {
            200 => Ok(()),
            status => Err(format!("{tenant}: {status}")),
        }
    };
    eventually(SOON, || api.try_apply(OBJECTS));
    eventually(SOON, || serves("main"));
    let (start, moving) = (Instant::now(), Stopwatch::start());
    proxy.forget_connections();
    api.apply(&OBJECTS.replace("name: main", "name: missed").replace("name: robot", "name: other"));
    eventually(SOON, || serves("missed"));
    let took = moving.elapsed();
    println!("a change that dead watches missed arrived after {took:?}");
    assert!(took < BOUND, "{took:?}, less {:?}", moving.stalled());
    assert!(start.elapsed() > Duration::from_secs(5), "the connections had died");
}
