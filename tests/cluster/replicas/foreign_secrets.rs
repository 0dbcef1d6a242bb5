//! Secrets that carry Lanyard's label but belong to no object cost no memory.

use std::{collections::BTreeMap, fs};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api,
    api::{ObjectMeta, PostParams},
};

use super::{
    AUTHORITY, NAMESPACE, OBJECTS, SOON, api_with_chart,
    cluster::{ApiServer, Replica, eventually},
    turns,
};

/// Number of Secrets, of a megabyte each.
const SECRETS: usize = 250;
/// Number of Secrets that are created at a time.
const CONCURRENT_WRITES: usize = 8;
/// The most memory that they may cost at any time: the old pages of a hundred took four times their
/// size.
const MAX_GROWTH_KIB: usize = 24 * 1024;

/// The peak of the memory of a replica that starts now. It serves a tenant that is applied after its
/// lists are complete, so that its watches have events too.
fn peak(api: &ApiServer, name: &'static str) -> usize {
    let replica = Replica::start(api, NAMESPACE, name, AUTHORITY, &[]);
    eventually(SOON, || replica.serves(AUTHORITY, "main"));
    let robot = format!("name: robot-{name}");
    api.apply(
        &OBJECTS.replace("name: main", &format!("name: {name}")).replace("name: robot", &robot),
    );
    eventually(SOON, || replica.serves(AUTHORITY, name));
    let status = fs::read_to_string(format!("/proc/{}/status", replica.process.id()));
    let status = status.expect("Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    peak.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// A Secret with Lanyard's label. Some pretend to belong to an object that exists, or to one that does not.
fn foreign_secret(number: usize) -> Secret {
    let owner = ["OidcClient/robot", "OidcClient/gone", "Tenant/main"][number % 3];
    let pair =
        |name: &str, value: &str| Some(BTreeMap::from([(name.to_owned(), value.to_owned())]));
    let metadata = ObjectMeta {
        name: Some(format!("foreign-{number}")),
        labels: pair("lanyard.dev/managed", "true"),
        annotations: pair("lanyard.dev/owner", owner),
        ..ObjectMeta::default()
    };
    let content = ByteString(vec![7; 1_000_000]);
    let data = Some(BTreeMap::from([("x".to_owned(), content)]));
    Secret { metadata, data, ..Secret::default() }
}

async fn create_foreign_secrets(api: &ApiServer) {
    let all: Api<Secret> = Api::namespaced(api.client().await, "team");
    let (secrets, params) = (&all, &PostParams::default());
    let created = stream::iter(0..SECRETS).map(|number| async move {
        secrets.create(params, &foreign_secret(number)).await.map(drop)
    });
    let created = created.buffer_unordered(CONCURRENT_WRITES).try_collect::<()>();
    created.await.expect("created");
}

#[test]
fn secrets_with_the_label_that_belong_to_no_object_cost_no_memory() {
    let _turn = turns::of("replicas");
    let api = api_with_chart();
    eventually(SOON, || api.try_apply(OBJECTS));
    let without = peak(&api, "before");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(create_foreign_secrets(&api));
    let with = peak(&api, "after");
    println!("peak without {without} KiB, with {SECRETS} Secrets {with} KiB");
    assert!(with.saturating_sub(without) < MAX_GROWTH_KIB, "{without} KiB, then {with} KiB");
}
