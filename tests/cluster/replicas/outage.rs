//! An outage of the API server for a minute: requests are still served, there are never two leaders,
//! and changes made during the outage, through another API server on the same etcd, arrive.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{OBJECTS, Replica, SOON, World, eventually};

const AWAY: Duration = Duration::from_mins(1);
/// Interval between two checks.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

pub fn api_server_outage(world: &World) {
    let leader = world.leader();
    let back = AtomicBool::new(false);
    thread::scope(|scope| {
        let watched = scope.spawn(|| at_most_one_leads(world, &back));
        let until_then = SetOnDrop(&back);
        away(world, leader);
        eventually(SOON, || {
            let led = (0..2).any(|it| leads(world, it) == Ok(true));
            led.then_some(()).ok_or_else(|| "there is no leader".to_owned())
        });
        drop(until_then);
        let (looks, led) = watched.join().expect("never two");
        println!("one of two replicas led in {led} of {looks} checks, never both");
    });
    eventually(SOON, || match readiness(world, 0)?["source"].as_str() {
        Some("ok") => Ok(()),
        _ => Err("the source is still reported as failing".to_owned()),
    });
    metric(world, leader, "lanyard_source_healthy 1");
}

/// Sets the flag when dropped, so that the watching thread ends even if the test fails.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn away(world: &World, leader: &Replica) {
    let secret = world.secret("robot-oidc", "client-secret").expect("made");
    let start = Instant::now();
    world.api.stop_apiserver();
    eventually(SOON, || match readiness(world, 0)?["source"]["failingSince"].as_str() {
        Some(_) => Ok(()),
        None => Err("the source is still reported as healthy".to_owned()),
    });
    metric(world, leader, "lanyard_source_healthy 0");
    let later = OBJECTS.replace("name: main", "name: later").replace("name: robot", "name: late");
    world.api.apply_by_another(&later);
    while start.elapsed() < AWAY {
        for replica in &world.replicas {
            let path = "/team/main/.well-known/openid-configuration";
            assert_eq!(world.get(replica, path).expect("it serves").0, 200);
            let (status, token) =
                world.token(replica, "main", "team.robot", &secret).expect("it serves");
            assert_eq!(status, 200, "{token}");
        }
        thread::sleep(RETRY_PAUSE);
    }
    let led = (0..2).filter(|it| leads(world, *it) == Ok(true)).count();
    assert_eq!(led, 0, "a replica that cannot renew the Lease is not the leader");
    // With an in-memory store only the holder of the Lease is ready, and no replica can take the Lease now.
    let held = detail(world, leader).expect("it answers");
    assert_eq!(held["ready"], true, "it stays ready: {held}");
    world.api.start_apiserver();
    world.everywhere("/team/later/.well-known/openid-configuration", 200);
    world.ready("oidcclient/late");
}

/// Returns the number of checks and the number of checks with a leader.
fn at_most_one_leads(world: &World, back: &AtomicBool) -> (usize, usize) {
    let (mut looks, mut led) = (0, 0);
    while !back.load(Ordering::SeqCst) {
        let leading = (0..2).filter(|it| leads(world, *it) == Ok(true)).count();
        assert!(leading < 2, "two leaders");
        (looks, led) = (looks + 1, led + leading);
        thread::sleep(RETRY_PAUSE);
    }
    (looks, led)
}

fn leads(world: &World, replica: usize) -> Result<bool, String> {
    Ok(readiness(world, replica)?["leads"] == true)
}

fn readiness(world: &World, replica: usize) -> Result<Value, String> {
    detail(world, &world.replicas[replica])
}

fn detail(world: &World, replica: &Replica) -> Result<Value, String> {
    world.get_url(&format!("http://127.0.0.1:{}/readyz", replica.admin))
}

/// Waits for a line in a replica's metrics.
fn metric(world: &World, replica: &Replica, line: &str) {
    let url = format!("http://127.0.0.1:{}/metrics", replica.admin);
    eventually(SOON, || {
        let answer = world.http.get(&url).send().and_then(reqwest::blocking::Response::text);
        let metrics = answer.map_err(|error| error.to_string())?;
        if metrics.lines().any(|found| found == line) { Ok(()) } else { Err(metrics) }
    });
}
