//! People of identity providers cost the API server no writes and a replica no memory.

use std::{collections::BTreeMap, fs};

use serde_json::json;

use super::{
    NAMESPACE, SOON, api_with_chart,
    cluster::{ApiServer, Database, LoadBalancer, Replica, eventually},
    load::OBJECTS,
    restore::{PEOPLE, blocking, sign_in_at_provider},
    turns,
};
use crate::support::upstream::Upstream;

/// People who sign in before anything is measured, so that connections, statements and caches of fixed size
/// are there.
const BEFORE: usize = 200;
/// People who sign in then.
const PEOPLE_MEASURED: usize = 600;
/// The largest growth of a replica in KiB: a third of what their records take in the store.
const MAX_GROWTH_KIB: usize = PEOPLE_MEASURED * 2;

const FAST_ROTATION: &str =
    "spec: {signing: {rotation: {interval: 5s, publishAhead: 2s, retain: 60s}}}";
/// Resources that the API server itself writes at intervals.
const OWN_WRITES: [&str; 2] = ["leases", "endpoints"];

/// The writes that an API server has taken, by resource, without those of Leases and its own.
fn writes(api: &ApiServer) -> BTreeMap<String, f64> {
    let metrics = api.kubectl(&["get", "--raw", "/metrics"]);
    let mut counts = BTreeMap::new();
    for line in metrics.lines().filter(|line| line.starts_with("apiserver_request_total{")) {
        let label = |name: &str| {
            let rest = line.split_once(&format!("{name}=\""))?.1;
            rest.split_once('"').map(|(value, _)| value)
        };
        let (verb, resource) = (label("verb").expect("a verb"), label("resource").expect("one"));
        let writes = ["POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"];
        if writes.contains(&verb) && !OWN_WRITES.contains(&resource) {
            let count = line.rsplit(' ').next().and_then(|it| it.parse::<f64>().ok());
            *counts.entry(resource.to_owned()).or_default() += count.expect("a number");
        }
    }
    counts
}

/// The resident memory of a replica in KiB.
fn memory(replica: &Replica) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", replica.process.id()));
    let status = status.expect("the replica runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux");
    line.split_whitespace().nth(1).and_then(|it| it.parse().ok()).expect("a number")
}

/// Signs in as a person of the provider.
async fn sign_in_as(number: usize, issuer: &str, upstream: &Upstream) -> Result<String, String> {
    let claims = json!({"sub": format!("p{number}"), "preferred_username": format!("p{number}")});
    upstream.answers(|script| {
        script.id_token = claims.clone();
        script.userinfo = claims;
    });
    sign_in_at_provider(issuer, upstream).await.map(|signed_in| signed_in.subject)
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_providers_cost_no_write_in_the_cluster_and_no_memory() {
    let _turn = turns::of("replicas");
    let upstream = Upstream::start().await;
    let (api, database, service, replica) = blocking(|| {
        let (api, database, service) = (api_with_chart(), Database::start(), LoadBalancer::start());
        let url = database.url();
        let settings = [
            ("LANYARD_STORE", "postgres"),
            ("LANYARD_POSTGRES_URL", url.as_str()),
            ("LANYARD_FETCH_ALLOW", "127.0.0.0/8"),
        ];
        let authority = format!("localhost:{}", service.port);
        let replica = Replica::start(&api, NAMESPACE, "a", &authority, &settings);
        service.add(replica.port, replica.admin);
        let people = PEOPLE.replace("UPSTREAM", &upstream.issuer);
        // Nothing else is due in the meantime: keys are rotated at the default interval.
        let objects = OBJECTS.replace(FAST_ROTATION, "spec: {}");
        assert_ne!(objects, OBJECTS, "the tenant of the load rotates fast");
        eventually(SOON, || api.try_apply(&format!("{objects}---\n{people}")));
        for object in ["tenants.lanyard.dev/main", "oidcclient/wall", "identityprovider/corp"] {
            let args = ["-n", "team", "wait", "--for=condition=Ready", object, "--timeout=120s"];
            api.kubectl(&args);
        }
        (api, database, service, replica)
    });
    let issuer = format!("http://localhost:{}/team/main", service.port);
    let mut subjects = std::collections::BTreeSet::new();
    for number in 0..BEFORE {
        subjects.insert(sign_in_as(number, &issuer, &upstream).await.expect("a sign-in"));
    }
    let (written, resident) = blocking(|| (writes(&api), memory(&replica)));
    assert!(written["secrets"] > 0.0, "the replica has written before: {written:?}");
    for number in BEFORE..BEFORE + PEOPLE_MEASURED {
        subjects.insert(sign_in_as(number, &issuer, &upstream).await.expect("a sign-in"));
    }
    assert_eq!(subjects.len(), BEFORE + PEOPLE_MEASURED, "each is a person of their own");
    assert_eq!(blocking(|| writes(&api)), written);
    let growth = memory(&replica).saturating_sub(resident);
    println!("{PEOPLE_MEASURED} people: {growth} KiB");
    assert!(growth < MAX_GROWTH_KIB, "{growth} KiB for {PEOPLE_MEASURED} people");
    drop(database);
}
