//! Secrets that carry Lanyard's label but belong to no object cost no memory.

use std::{fmt::Write as _, fs, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    AUTHORITY, NAMESPACE, OBJECTS, SOON,
    cluster::{ApiServer, Replica, eventually},
    turns,
};

/// Number of Secrets, of a megabyte each.
const SECRETS: usize = 60;
/// The most memory that they may cost at any time: the old pages of a hundred took four times their
/// size.
const MAX_GROWTH_KIB: usize = 24 * 1024;

/// The peak of the memory of a replica that starts now and serves the objects.
fn peak(api: &ApiServer, name: &'static str) -> usize {
    let replica = Replica::start(api, NAMESPACE, name, AUTHORITY, &[]);
    let http = reqwest::blocking::Client::new();
    eventually(SOON, || {
        let path = "/team/main/.well-known/openid-configuration";
        let url = format!("http://127.0.0.1:{}{path}", replica.port);
        let answer = http.get(url).header("host", AUTHORITY).send();
        match answer.map_err(|error| error.to_string())?.status().as_u16() {
            200 => Ok(()),
            status => Err(status.to_string()),
        }
    });
    // A watch ends and resumes meanwhile.
    std::thread::sleep(Duration::from_secs(5));
    let status = fs::read_to_string(format!("/proc/{}/status", replica.process.id()));
    let status = status.expect("Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    peak.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn secrets_with_the_label_that_belong_to_no_object_cost_no_memory() {
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
