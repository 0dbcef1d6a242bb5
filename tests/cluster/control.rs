//! Accidents of a platform team: a start without an API server, lost sealing keys, a newer API, and a
//! deleted tenant with a twin.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{
    cluster::{ApiServer, Replica, eventually, install_chart},
    turns,
};

const NAMESPACE: &str = "lanyard-system";
const AUTHORITY: &str = "localhost:8080";
const SOON: Duration = Duration::from_mins(2);
const SEALING_KEYS: &str = "lanyard-sealing-keys";

/// Identity providers of the tests are on this machine.
const PROVIDERS_HERE: [(&str, &str); 1] = [("LANYARD_FETCH_ALLOW", "127.0.0.0/8")];

const OBJECTS: &str = "
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main, namespace: team}
spec: {}
";

const BRIEF: &str = "
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: brief, namespace: brief}
spec: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: shop, namespace: brief}
spec: {tenantRef: {name: brief}, redirectUris: ['https://shop.test/cb']}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: ada, namespace: brief}
spec: {tenantRef: {name: brief}, username: ada, passwordSecretRef: {name: ada}}
---
apiVersion: v1
kind: Secret
metadata: {name: ada, namespace: brief}
stringData: {password: correct horse battery staple}
";

/// An API server and a replica of Lanyard.
pub struct World {
    pub api: ApiServer,
    replica: Replica,
}

fn start_replica(api: &ApiServer, kubeconfig: &Path) -> Replica {
    let binary = ("a", Path::new(env!("CARGO_BIN_EXE_lanyard")));
    Replica::start_with(api, kubeconfig, NAMESPACE, binary, AUTHORITY, &PROVIDERS_HERE)
}

/// Installs the chart without Pods, and returns the kubeconfig of its service account.
fn install(api: &ApiServer) -> std::path::PathBuf {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    for namespace in [NAMESPACE, "team", "storm"] {
        api.kubectl(&["create", "namespace", namespace]);
    }
    install_chart(api, NAMESPACE);
    api.service_account_kubeconfig(NAMESPACE, "lanyard")
}

impl World {
    pub fn start() -> Self {
        let api = ApiServer::start();
        let kubeconfig = install(&api);
        let replica = start_replica(&api, &kubeconfig);
        let world = Self { api, replica };
        world.is_set_up();
        world
    }

    fn is_set_up(&self) {
        eventually(SOON, || self.api.try_apply(OBJECTS));
        self.ready("tenants.lanyard.dev/main");
    }

    fn ready(&self, object: &str) {
        let args = ["-n", "team", "wait", "--for=condition=Ready", object, "--timeout=120s"];
        self.api.kubectl(&args);
    }

    fn admin(&self, path: &str) -> Result<(u16, String), String> {
        let url = format!("http://127.0.0.1:{}{path}", self.replica.admin);
        let answer = reqwest::blocking::get(url).map_err(|error| error.to_string())?;
        Ok((answer.status().as_u16(), answer.text().unwrap_or_default()))
    }

    fn json(&self, args: &[&str]) -> Result<Value, String> {
        let text = self.api.try_kubectl(&[args, &["-o", "json"]].concat())?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    /// Status, reason and message of a condition, if the object has it.
    fn condition(&self, object: &str, condition: &str) -> Result<Option<[String; 3]>, String> {
        let found = self.json(&["-n", "team", "get", object])?;
        let conditions = found["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let found = conditions.into_iter().find(|it| it["type"] == condition);
        let text = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
        Ok(found.map(|it| ["status", "reason", "message"].map(|name| text(&it, name))))
    }

    /// Waits for the status and reason of a condition; returns its message.
    fn awaits(&self, object: &str, condition: &str, expected: (&str, &str)) -> String {
        eventually(SOON, || match self.condition(object, condition)? {
            Some([status, reason, message]) if (&*status, &*reason) == expected => Ok(message),
            found => Err(format!("{object}: {condition} is {found:?}, not {expected:?}")),
        })
    }
}

#[test]
fn a_platform_teams_accidents() {
    // It waits most of the time, so it shares the turn of the Pods.
    let _turn = turns::of("e2e");
    let world = start_without_an_api_server();
    lost_sealing_keys(&world);
    a_field_of_a_newer_release(&world);
    a_deleted_tenant_with_a_twin(&world);
    a_deleted_namespace(&world);
    a_provider_that_goes_and_comes(&world);
}

/// The replica lives, is not ready, and becomes ready when the API server comes.
fn start_without_an_api_server() -> World {
    let api = ApiServer::start();
    let kubeconfig = install(&api);
    api.stop_apiserver();
    let replica = start_replica(&api, &kubeconfig);
    let world = World { api, replica };
    eventually(SOON, || match world.admin("/readyz")? {
        (503, detail) if detail.contains("failingSince") => Ok(()),
        other => Err(format!("{other:?}")),
    });
    // Longer than any limit of a start.
    thread::sleep(Duration::from_secs(20));
    assert_eq!(world.admin("/healthz").expect("it lives").0, 200);
    assert_eq!(world.admin("/readyz").expect("it lives").0, 503);
    let log = std::fs::read_to_string(&world.replica.log).expect("a log");
    assert_eq!(log.matches("the API server cannot be reached").count(), 1, "{log}");
    world.api.start_apiserver();
    eventually(SOON, || match world.admin("/readyz")? {
        (200, _) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    world.is_set_up();
    world
}

/// A deleted Secret of sealing keys comes back with the same keys; discarded keys do not.
fn lost_sealing_keys(world: &World) {
    let get = ["-n", NAMESPACE, "get", "secret", SEALING_KEYS];
    let before = world.json(&get).expect("made")["data"].clone();
    world.api.kubectl(&["-n", NAMESPACE, "delete", "secret", SEALING_KEYS]);
    let after = eventually(SOON, || world.json(&get));
    assert_eq!(after["data"], before, "the same keys");
    eventually(SOON, || {
        let (_, metrics) = world.admin("/metrics")?;
        let line = "lanyard_sealing_keys_missing_total{outcome=\"restored\"} 1";
        if metrics.lines().any(|found| found == line) { Ok(()) } else { Err(metrics) }
    });
    let event = |reason: &str| {
        let events = world.json(&["-n", NAMESPACE, "get", "events"])?;
        let all = events["items"].as_array().cloned().unwrap_or_default();
        let found = all.iter().find(|it| it["reason"] == reason && it["type"] != Value::Null);
        found.cloned().ok_or_else(|| format!("no Event {reason}: {events}"))
    };
    assert_eq!(eventually(SOON, || event("SealingKeysRestored"))["type"], "Warning");
    let log = std::fs::read_to_string(&world.replica.log).expect("a log");
    assert!(log.lines().any(|it| it.contains("wrote them back") && it.contains("WARN")), "{log}");

    let entries = before.as_object().expect("entries");
    let is_key = |name: &&String| name.ends_with(".json");
    let entry = entries.keys().find(is_key).expect("one");
    let discard = format!("lanyard.dev/discard={}", entry.trim_end_matches(".json"));
    world.api.kubectl(&["-n", NAMESPACE, "annotate", "secret", SEALING_KEYS, &discard]);
    let replaced = eventually(SOON, || {
        let found = world.json(&get)?["data"].clone();
        if found.get(entry).is_none() { Ok(found) } else { Err(found.to_string()) }
    });
    let keys = replaced.as_object().expect("entries").keys().filter(is_key).count();
    assert_eq!(keys, 1, "another key: {replaced}");
    eventually(SOON, || event("SealingKeysDiscarded"));
    assert_eq!(world.admin("/readyz").expect("it serves").0, 200);
}

/// A field that this release does not know makes an object not accepted, and Stalled.
fn a_field_of_a_newer_release(world: &World) {
    let path =
        "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/requireMoonPhase";
    let patch = json!([{ "op": "add", "path": path, "value": { "type": "boolean" } }]).to_string();
    world.api.kubectl(&["patch", "crd/tenants.lanyard.dev", "--type=json", "-p", &patch]);
    // Watches that began before the change do not see the field, and end within 30 seconds.
    thread::sleep(Duration::from_secs(32));
    let newer = OBJECTS.replace("main", "newer").replace("{}", "{requireMoonPhase: true}");
    eventually(SOON, || {
        world.api.try_apply(&newer)?;
        let found = world.json(&["-n", "team", "get", "tenants.lanyard.dev", "newer"])?;
        if found["spec"]["requireMoonPhase"] == true { Ok(()) } else { Err("pruned".to_owned()) }
    });
    let object = "tenants.lanyard.dev/newer";
    let message = world.awaits(object, "Accepted", ("False", "UnsupportedField"));
    assert!(message.starts_with("spec.requireMoonPhase: "), "{message}");
    world.awaits(object, "Stalled", ("True", "UnsupportedField"));
    let patch = json!([{ "op": "remove", "path": "/spec/requireMoonPhase" }]).to_string();
    world.api.kubectl(&["-n", "team", "patch", object, "--type=json", "-p", &patch]);
    world.ready(object);
    assert_eq!(world.condition(object, "Stalled"), Ok(None), "absent when not True");
    let wide = world.api.kubectl(&["-n", "team", "get", "oidct", "newer", "-o", "wide"]);
    assert!(wide.contains("MESSAGE") && wide.contains("The object is ready."), "{wide}");
}

/// A tenant that is deleted and created again keeps its issuer, although a twin waits for it.
fn a_deleted_tenant_with_a_twin(world: &World) {
    let sso = |name: &str| {
        let issuer = format!("{{issuer: 'http://{AUTHORITY}/team/sso'}}");
        OBJECTS.replace("main", name).replace("{}", &issuer)
    };
    world.api.apply(&sso("first"));
    world.ready("tenants.lanyard.dev/first");
    world.api.apply(&sso("twin"));
    let twin = "tenants.lanyard.dev/twin";
    world.awaits(twin, "Accepted", ("False", "IssuerConflict"));
    world.api.kubectl(&["-n", "team", "delete", "tenants.lanyard.dev", "first"]);
    eventually(SOON, || match world.condition(twin, "Accepted")? {
        Some([_, reason, message]) if message.contains("is reserved until") => {
            assert_eq!(reason, "IssuerConflict");
            Ok(())
        }
        found => Err(format!("{found:?}")),
    });
    let secret = ["-n", "team", "get", "secret", "first-signing-keys"];
    let annotations = world.json(&secret).expect("it stays")["metadata"]["annotations"].clone();
    assert_eq!(annotations["lanyard.dev/issuer"], format!("http://{AUTHORITY}/team/sso"));
    assert!(annotations["lanyard.dev/tenant-gone-since"].is_string(), "{annotations}");
    world.api.apply(&sso("first"));
    world.ready("tenants.lanyard.dev/first");
    world.awaits(twin, "Accepted", ("False", "IssuerConflict"));
    let annotations = world.json(&secret).expect("it stays")["metadata"]["annotations"].clone();
    assert!(annotations["lanyard.dev/tenant-gone-since"].is_null(), "{annotations}");
}

/// A namespace that is deleted, in which objects and Secrets go in any order, causes no warning.
fn a_deleted_namespace(world: &World) {
    world.api.kubectl(&["create", "namespace", "brief"]);
    world.api.apply(BRIEF);
    let ready =
        ["-n", "brief", "wait", "--for=condition=Ready", "--timeout=120s", "lanyard", "--all"];
    world.api.kubectl(&ready);
    let log = || std::fs::read_to_string(&world.replica.log).expect("a log");
    let before = log().len();
    world.api.kubectl(&["delete", "namespace", "brief", "--timeout=120s"]);
    // Longer than the delay of an Event and the first retries.
    thread::sleep(Duration::from_secs(10));
    let log = log();
    let told = |line: &&str| line.contains("\"WARN\"") || line.contains("\"ERROR\"");
    let found: Vec<&str> = log[before..].lines().filter(told).collect();
    assert!(found.is_empty(), "{found:#?}");
}

/// The status says whether the server of an identity provider answers; `Ready` does not depend on it.
fn a_provider_that_goes_and_comes(world: &World) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let issuer = format!("http://{address}");
    let (open, answers) = (Arc::new(AtomicBool::new(true)), issuer.clone());
    let serving = Arc::clone(&open);
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            if serving.load(Ordering::SeqCst) {
                let _ = answer_with_metadata(stream, &answers);
            }
        }
    });
    let provider = |name: &str, issuer: &str| {
        json!({
            "apiVersion": "lanyard.dev/v1alpha1",
            "kind": "IdentityProvider",
            "metadata": { "name": name, "namespace": "team" },
            "spec": {
                "tenantRef": { "name": "main" },
                "type": "OIDC",
                "oidc": { "issuer": issuer, "clientId": "lanyard" },
                "claimMappings": {
                    "username": { "claim": "sub", "prefix": format!("{name}:") },
                    "email": { "claim": "" },
                    "groups": { "claim": "groups", "prefix": format!("{name}:") },
                },
                "admit": "Everyone",
            },
        })
    };
    for (name, issuer) in
        [("near", &*issuer), ("far", "https://sso.invalid"), ("inside", "https://10.255.255.1")]
    {
        eventually(SOON, || world.api.try_apply(&provider(name, issuer).to_string()));
    }
    let near = "identityproviders.lanyard.dev/near";
    world.awaits("identityproviders.lanyard.dev/far", "Reachable", ("False", "Unreachable"));
    world.awaits("identityproviders.lanyard.dev/inside", "Reachable", ("False", "HostNotAllowed"));
    world.awaits(near, "Reachable", ("True", "Reachable"));
    open.store(false, Ordering::SeqCst);
    let message = world.awaits(near, "Reachable", ("False", "Unreachable"));
    assert_eq!(message, "The provider's server does not answer.");
    world.awaits(near, "Ready", ("True", "Ready"));
    open.store(true, Ordering::SeqCst);
    world.awaits(near, "Reachable", ("True", "Reachable"));
}

/// Answers a request with the discovery document of an issuer.
fn answer_with_metadata(mut stream: TcpStream, issuer: &str) -> std::io::Result<()> {
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
    });
    let body = document.to_string();
    if stream.read(&mut [0; 4096])? == 0 {
        return Ok(());
    }
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
