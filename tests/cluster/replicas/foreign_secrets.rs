//! Secrets that carry Lanyard's label but belong to no object cost no memory.

use std::{collections::BTreeMap, fs};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::json;

use super::{
    AUTHORITY, NAMESPACE, OBJECTS, SOON, api_with_chart,
    cluster::{ApiServer, Replica, eventually},
    turns,
};

/// Number of Secrets that are there when a replica starts, of a megabyte each.
const AT_START: usize = 250;
/// Number of such Secrets that are created, and then changed, while a replica runs.
const WHILE_RUNNING: usize = 20;
/// The most memory that they may cost at any time: a few of them, while they are read, and the
/// difference between two starts. The old pages of a hundred took four times their size.
const MAX_GROWTH_KIB: usize = 16 * 1024;

/// A running replica, whose memory is measured.
struct Measured<'a> {
    api: &'a ApiServer,
    replica: Replica,
}

impl<'a> Measured<'a> {
    /// Starts a replica and waits until it serves the first tenant.
    fn start(api: &'a ApiServer, name: &'static str) -> Self {
        let replica = Replica::start(api, NAMESPACE, name, AUTHORITY, &[]);
        eventually(SOON, || replica.serves(AUTHORITY, "main"));
        Self { api, replica }
    }

    /// Applies a tenant and a client, and waits until they are served. Its watch of Secrets has then
    /// passed all earlier changes, because the Secrets of these objects come last.
    fn catches_up(&self, tenant: &str) {
        let robot = format!("name: robot-{tenant}");
        let objects = OBJECTS.replace("name: main", &format!("name: {tenant}"));
        self.api.apply(&objects.replace("name: robot", &robot));
        eventually(SOON, || self.replica.serves(AUTHORITY, tenant));
    }

    /// A figure of `/proc/PID/status` in KiB.
    fn memory(&self, figure: &str) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.replica.process.id()));
        let status = status.expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix(figure)).expect("a figure");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Runs something; returns by how much memory was above its level at its peak.
    fn growth(&self, work: impl FnOnce()) -> usize {
        let file = format!("/proc/{}/clear_refs", self.replica.process.id());
        fs::write(file, "5").expect("resets the peak");
        let before = self.memory("VmRSS:");
        work();
        self.memory("VmHWM:").saturating_sub(before)
    }
}

/// The API of the Secrets in the namespace `team`, with a runtime for its requests.
struct Foreign {
    runtime: tokio::runtime::Runtime,
    secrets: Api<Secret>,
}

impl Foreign {
    fn at(api: &ApiServer) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let client = runtime.block_on(api.client());
        Self { runtime, secrets: Api::namespaced(client, "team") }
    }

    /// Creates Secrets with Lanyard's label, some of which pretend to belong to an object that exists,
    /// or to one that does not.
    fn create(&self, numbers: std::ops::Range<usize>) {
        let created = stream::iter(numbers).map(|number| async move {
            let owner = ["OidcClient/robot", "OidcClient/gone", "Tenant/main"][number % 3];
            let pair =
                |name: &str, value: &str| Some(BTreeMap::from([(name.into(), value.into())]));
            let metadata = ObjectMeta {
                name: Some(format!("foreign-{number}")),
                labels: pair("lanyard.dev/managed", "true"),
                annotations: pair("lanyard.dev/owner", owner),
                ..ObjectMeta::default()
            };
            let content = ByteString(vec![7; 1_000_000]);
            let data = Some(BTreeMap::from([("x".to_owned(), content)]));
            let secret = Secret { metadata, data, ..Secret::default() };
            self.secrets.create(&PostParams::default(), &secret).await.map(drop)
        });
        let created = created.buffer_unordered(8).try_collect::<()>();
        self.runtime.block_on(created).expect("created");
    }

    /// Changes Secrets, each of which a watch then sends whole.
    fn change(&self, numbers: std::ops::Range<usize>) {
        let patch = json!({ "stringData": { "y": "changed" } });
        let changed = stream::iter(numbers).map(|number| {
            let (name, patch) = (format!("foreign-{number}"), Patch::Merge(&patch));
            async move {
                self.secrets.patch(&name, &PatchParams::default(), &patch).await.map(drop)
            }
        });
        let changed = changed.buffer_unordered(8).try_collect::<()>();
        self.runtime.block_on(changed).expect("changed");
    }
}

#[test]
fn secrets_with_the_label_that_belong_to_no_object_cost_no_memory() {
    let _turn = turns::of("replicas");
    let api = api_with_chart();
    eventually(SOON, || api.try_apply(OBJECTS));
    let foreign = Foreign::at(&api);
    let without = {
        let measured = Measured::start(&api, "before");
        measured.catches_up("before");
        measured.memory("VmHWM:")
    };
    foreign.create(0..AT_START);
    let measured = Measured::start(&api, "after");
    measured.catches_up("after");
    let with = measured.memory("VmHWM:");
    println!("peak without {without} KiB, with {AT_START} Secrets {with} KiB");

    // The same while it runs.
    let alone = measured.growth(|| measured.catches_up("alone"));
    let numbers = AT_START..AT_START + WHILE_RUNNING;
    let meanwhile = measured.growth(|| {
        foreign.create(numbers.clone());
        foreign.change(numbers);
        measured.catches_up("meanwhile");
    });
    println!("growth alone {alone} KiB, with {WHILE_RUNNING} new Secrets {meanwhile} KiB");
    assert!(with.saturating_sub(without) < MAX_GROWTH_KIB, "{without} KiB, then {with} KiB");
    assert!(meanwhile.saturating_sub(alone) < MAX_GROWTH_KIB, "{alone} KiB, then {meanwhile} KiB");
}
