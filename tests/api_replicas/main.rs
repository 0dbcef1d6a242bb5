//! Two replicas of `lanyard run` against a real API server, with the chart's own RBAC: one writes,
//! both serve; Secrets, rotation, deletion, an unreachable API server, and the death of the leader.

#[path = "../common/browser.rs"]
mod browser;
#[path = "../common/cluster/mod.rs"]
mod cluster;
mod load;
mod logout;
mod outage;
mod restore;
mod shared_store;
mod troubles;
mod watches;

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use browser::verified;
use cluster::{ApiServer, Replica, Stopwatch, eventually};
use serde_json::Value;

const NAMESPACE: &str = "lanyard-system";
const AUTHORITY: &str = "localhost:8080";
const SOON: Duration = Duration::from_secs(30);

struct World {
    api: ApiServer,
    replicas: Vec<Replica>,
    http: reqwest::blocking::Client,
}

impl World {
    fn start() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let api = ApiServer::start();
        api.kubectl(&["create", "namespace", NAMESPACE]);
        api.kubectl(&["create", "namespace", "team"]);
        api.kubectl(&["create", "namespace", "other"]);
        let replicas = Replica::two(&api, NAMESPACE, AUTHORITY);
        // None is used that the server may be closing just then.
        let http = reqwest::blocking::Client::builder().pool_idle_timeout(Duration::from_secs(1));
        Self { api, replicas, http: http.build().expect("a client") }
    }

    fn get(&self, replica: &Replica, path: &str) -> Result<(u16, Value), String> {
        let url = format!("http://127.0.0.1:{}{path}", replica.port);
        let response = self.http.get(url).header("host", AUTHORITY).send();
        let response = response.map_err(|error| error.to_string())?;
        Ok((response.status().as_u16(), response.json().unwrap_or_default()))
    }

    /// A machine's token of a tenant of namespace `team`.
    fn token(&self, replica: &Replica, tenant: &str, client: &str, secret: &str) -> (u16, Value) {
        let url = format!("http://127.0.0.1:{}/team/{tenant}/oauth/token", replica.port);
        let form = [("grant_type", "client_credentials")];
        let request =
            self.http.post(url).header("host", AUTHORITY).basic_auth(client, Some(secret));
        match request.form(&form).send() {
            Ok(response) => (response.status().as_u16(), response.json().unwrap_or_default()),
            Err(error) => (0, error.to_string().into()),
        }
    }

    fn ready(&self, object: &str) {
        let args = ["-n", "team", "wait", "--for=condition=Ready", object, "--timeout=30s"];
        self.api.kubectl(&args);
    }

    fn secret(&self, name: &str, entry: &str) -> Result<String, String> {
        let path = format!("jsonpath={{.data.{entry}}}");
        let text = self.api.try_kubectl(&["-n", "team", "get", "secret", name, "-o", &path])?;
        let bytes = STANDARD.decode(&text).map_err(|error| error.to_string())?;
        if bytes.is_empty() {
            return Err(format!("no entry {entry}"));
        }
        String::from_utf8(bytes).map_err(|error| error.to_string())
    }

    fn condition(&self, object: &str, condition: &str) -> Result<String, String> {
        let path = format!(
            "jsonpath={{.status.conditions[?(@.type==\"{condition}\")].status}} {{.status.conditions[?(@.type==\"{condition}\")].reason}}"
        );
        self.api.try_kubectl(&["-n", "team", "get", object, "-o", &path])
    }

    /// Awaits that every replica gives a status for a path; how long it took.
    fn everywhere(&self, path: &str, status: u16) -> Duration {
        let start = Stopwatch::start();
        for replica in &self.replicas {
            eventually(SOON, || match self.get(replica, path)? {
                (found, _) if found == status => Ok(()),
                (found, body) => Err(format!("{path} at {}: {found} {body}", replica.name)),
            });
        }
        start.elapsed()
    }
}

const OBJECTS: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main, namespace: team}
spec: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: robot, namespace: team}
spec:
  tenantRef: {name: main}
  grantTypes: [client_credentials]
  scopes: [profile]
";

#[test]
fn two_replicas_of_which_one_writes_and_both_serve() {
    let mut world = World::start();
    world.api.apply(OBJECTS);
    for object in ["tenants.lanyard.dev/main", "oidcclient/robot"] {
        world.ready(object);
    }
    world.everywhere("/team/main/.well-known/openid-configuration", 200);
    secrets(&world);
    consent(&world);
    rotation(&world);
    deletion(&world);
    logout::outcomes_are_events(&world);
    outage::an_api_server_that_is_away(&world);
    death_of_the_leader(&mut world);
}

/// A client's Secret: an edit is live, a deletion brings a new one, a taken name is left alone.
fn secrets(world: &World) {
    let first = world.secret("robot-oidc", "client-secret").expect("made");
    // The leader told that it is made; the other learns of it by a watch of its own.
    for replica in &world.replicas {
        eventually(SOON, || match world.token(replica, "main", "team.robot", &first) {
            (200, _) => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }
    let edited = "an-edited-secret-of-some-length";
    let patch = format!(r#"{{"stringData":{{"client-secret":"{edited}"}}}}"#);
    world.api.kubectl(&["-n", "team", "patch", "secret", "robot-oidc", "-p", &patch]);
    for replica in &world.replicas {
        eventually(SOON, || match world.token(replica, "main", "team.robot", edited) {
            (200, _) => Ok(()),
            other => Err(format!("{other:?}")),
        });
        assert_eq!(
            world.token(replica, "main", "team.robot", &first).0,
            401,
            "the old one is gone"
        );
    }
    world.api.kubectl(&["-n", "team", "delete", "secret", "robot-oidc"]);
    let again = eventually(SOON, || world.secret("robot-oidc", "client-secret"));
    assert_ne!(again, edited);
    assert_eq!(world.secret("robot-oidc", "client-id").as_deref(), Ok("team.robot"));

    world.api.kubectl(&[
        "-n",
        "team",
        "create",
        "secret",
        "generic",
        "taken-oidc",
        "--from-literal=a=b",
    ]);
    world.api.apply(&OBJECTS.replace("name: robot", "name: taken"));
    eventually(SOON, || match world.condition("oidcclient/taken", "SecretReady")?.as_str() {
        "False NotOwned" => Ok(()),
        other => Err(other.to_owned()),
    });
    assert_eq!(world.secret("taken-oidc", "a").as_deref(), Ok("b"), "it was not touched");
    let described = eventually(SOON, || {
        let text = world.api.try_kubectl(&["-n", "team", "describe", "oidcclient", "taken"])?;
        if text.contains("Warning") { Ok(text) } else { Err(text) }
    });
    assert!(described.contains("NotOwned"), "{described}");
    world.api.kubectl(&["-n", "team", "delete", "oidcclient", "taken"]);
    assert_eq!(world.secret("taken-oidc", "a").as_deref(), Ok("b"), "it was not ours to remove");
}

/// A client of another namespace is refused on both replicas until the tenant consents.
fn consent(world: &World) {
    world.api.apply(
        "apiVersion: lanyard.dev/v1alpha1\nkind: OidcClient\nmetadata: {name: guest, namespace: other}\nspec:\n  tenantRef: {name: main, namespace: team}\n  redirectUris: [\"https://guest.test/cb\"]\n  scopes: [openid]\n",
    );
    let query = "/team/main/oauth/authorize?client_id=other.guest&redirect_uri=https%3A%2F%2Fguest.test%2Fcb&response_type=code&scope=openid";
    eventually(SOON, || {
        let path = "jsonpath={.status.conditions[?(@.type==\"Accepted\")].reason}";
        let reason =
            world.api.try_kubectl(&["-n", "other", "get", "oidcclient", "guest", "-o", path])?;
        if reason == "NamespaceNotAllowed" { Ok(()) } else { Err(reason) }
    });
    world.everywhere(query, 400);
    let patch = r#"{"spec":{"clients":{"namespaces":{"from":"All"}}}}"#;
    world.api.kubectl(&[
        "-n",
        "team",
        "patch",
        "tenants.lanyard.dev",
        "main",
        "--type=merge",
        "-p",
        patch,
    ]);
    world.everywhere(query, 200);
}

/// Tokens verify with what JWKS showed `publishAhead` earlier, before, during and after rotations.
fn rotation(world: &World) {
    world.api.apply(
        &OBJECTS
            .replace("name: main", "name: turn")
            .replace("name: robot", "name: turner")
            .replace("spec: {}", "spec: {signing: {rotation: {interval: 5s, publishAhead: 2s, retain: 1s}}, lifetimes: {accessToken: 3s, idToken: 3s}}"),
    );
    world.ready("tenants.lanyard.dev/turn");
    world.ready("oidcclient/turner");
    let secret = world.secret("turner-oidc", "client-secret").expect("made");
    world.everywhere("/team/turn/oauth/jwks", 200);
    for replica in &world.replicas {
        eventually(SOON, || match world.token(replica, "turn", "team.turner", &secret) {
            (200, _) => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }
    let (mut shown, mut signed_by, mut compared) =
        (Vec::<(Instant, Value)>::new(), std::collections::BTreeSet::new(), 0);
    let start = Instant::now();
    eventually(Duration::from_secs(60), || {
        for replica in &world.replicas {
            let (_, jwks) = world.get(replica, "/team/turn/oauth/jwks")?;
            let asked = Instant::now();
            let (status, answer) = world.token(replica, "turn", "team.turner", &secret);
            assert_eq!(status, 200, "{answer}");
            let token = answer["access_token"].as_str().expect("a token");
            // The oldest JWKS within `publishAhead`, less what a watch may take to show a key. One
            // from before proves nothing, so there is none if this loop stood still.
            let before = |at: &Instant| asked.duration_since(*at) <= Duration::from_millis(1500);
            if let Some((at, jwks)) = shown.iter().find(|(at, _)| before(at)) {
                verified(token, jwks, "http://localhost:8080/team/turn");
                compared += usize::from(asked.duration_since(*at) > Duration::from_secs(1));
            }
            signed_by.insert(jsonwebtoken::decode_header(token).expect("a JWT").kid);
            shown.push((Instant::now(), jwks));
        }
        if signed_by.len() >= 3 { Ok(()) } else { Err(format!("{} keys signed", signed_by.len())) }
    });
    println!("three keys signed within {:?}; {compared} tokens verified", start.elapsed());
    assert!(compared > 10, "{compared}");
}

fn deletion(world: &World) {
    const SECOND: Duration = Duration::from_secs(1);
    let secret = world.secret("turner-oidc", "client-secret").expect("made");
    world.api.kubectl(&["-n", "team", "delete", "oidcclient", "turner", "--wait=false"]);
    let start = Stopwatch::start();
    for replica in &world.replicas {
        eventually(SOON, || match world.token(replica, "turn", "team.turner", &secret) {
            (401, _) => Ok(()),
            other => Err(format!("a deleted client: {other:?}")),
        });
    }
    println!("a client's deletion took effect everywhere within {:?}", start.elapsed());
    assert!(start.elapsed() < SECOND, "{:?}", start.elapsed());
    world.api.kubectl(&["-n", "team", "delete", "tenants.lanyard.dev", "turn"]);
    let took = world.everywhere("/team/turn/.well-known/openid-configuration", 404);
    println!("a deletion took effect everywhere within {took:?} of kubectl's return");
    assert!(took < SECOND, "{took:?}");
    // The Secret goes with its client; the keys outlive their tenant.
    // The garbage collector looks for new kinds twice a minute.
    eventually(4 * SOON, || match world.secret("turner-oidc", "client-id") {
        Ok(_) => Err("turner-oidc is still there".to_owned()),
        Err(_) => Ok(()),
    });
    world.api.kubectl(&["-n", "team", "get", "secret", "turn-signing-keys"]);
}

impl World {
    /// The replica that holds the Lease.
    fn leader(&self) -> &Replica {
        let path = "jsonpath={.spec.holderIdentity}";
        let args = ["-n", NAMESPACE, "get", "lease", "lanyard", "-o", path];
        let holder = self.api.kubectl(&args);
        let leads = |replica: &&Replica| holder == format!("lanyard-{}", replica.name);
        self.replicas.iter().find(leads).unwrap_or_else(|| panic!("nobody leads: {holder:?}"))
    }

    fn get_url(&self, url: &str) -> Result<Value, String> {
        let response = self.http.get(url).send().map_err(|error| error.to_string())?;
        response.json().map_err(|error| error.to_string())
    }
}

/// The other replica acts within 20 s, and serves all the while.
fn death_of_the_leader(world: &mut World) {
    let leader = world.leader().name;
    let at = world.replicas.iter().position(|it| it.name == leader).expect("one of them");
    let mut dead = world.replicas.remove(at);
    dead.process.kill();
    let start = Stopwatch::start();
    world.api.apply(
        &OBJECTS.replace("name: main", "name: heir").replace("name: robot", "name: heiress"),
    );
    let path = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
    eventually(2 * SOON, || {
        let (status, _) =
            world.get(&world.replicas[0], "/team/main/.well-known/openid-configuration")?;
        assert_eq!(status, 200, "serving never stops");
        match world
            .api
            .try_kubectl(&["-n", "team", "get", "oidcclient", "heiress", "-o", path])?
            .as_str()
        {
            "True" => Ok(()),
            other => Err(format!("Ready={other}")),
        }
    });
    println!("the other replica had acted {:?} after the leader was killed", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    // Asked to stop, it releases the Lease and ends by itself.
    let code = world.replicas[0].process.terminate(SOON);
    assert_eq!(code, Some(0));
    let holder = world.api.kubectl(&[
        "-n",
        NAMESPACE,
        "get",
        "lease",
        "lanyard",
        "-o",
        "jsonpath={.spec.holderIdentity}",
    ]);
    assert_eq!(holder, "", "the Lease is released");
}
