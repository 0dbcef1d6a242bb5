//! Secrets that carry Lanyard's label but belong to no object cost no memory.

use std::{fmt::Write as _, fs};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    AUTHORITY, NAMESPACE, OBJECTS, SOON, api_with_chart,
    cluster::{ApiServer, Replica, eventually},
    turns,
};

/// Number of Secrets, of a megabyte each.
const SECRETS: usize = 60;
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

#[test]
fn secrets_with_the_label_that_belong_to_no_object_cost_no_memory() {
    let _turn = turns::of("replicas");
    let api = api_with_chart();
    eventually(SOON, || api.try_apply(OBJECTS));
    let without = peak(&api, "before");
    let content = STANDARD.encode(vec![7; 1_000_000]);
    for number in 0..SECRETS {
        let mut secret = String::new();
        // Some pretend to belong to an object that exists, or to one that does not.
        let owner = ["OidcClient/robot", "OidcClient/gone", "Tenant/main"][number % 3];
        let metadata = format!(
            "{{name: foreign-{number}, namespace: team, labels: {{lanyard.dev/managed: 'true'}}, \
             annotations: {{lanyard.dev/owner: {owner}}}}}"
        );
        let _ = write!(
            secret,
            "apiVersion: v1\nkind: Secret\nmetadata: {metadata}\ndata: {{x: {content}}}\n"
        );
        let file = api.dir().join("foreign.yaml");
        fs::write(&file, secret).expect("written");
        api.kubectl(&["create", "-f", &file.display().to_string()]);
    }
    let with = peak(&api, "after");
    println!("peak without {without} KiB, with {SECRETS} Secrets {with} KiB");
    assert!(with.saturating_sub(without) < MAX_GROWTH_KIB, "{without} KiB, then {with} KiB");
}
