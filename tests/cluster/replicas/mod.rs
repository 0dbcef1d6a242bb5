//! Two replicas of `lanyard run` against a real API server, with the chart's RBAC: one writes, both
//! serve. Secrets, rotation, deletion, an outage of the API server, and a kill of the leader.

mod definitions;
mod foreign_secrets;
mod hosts;
mod logout;
mod outage;
mod people;
mod restore;
mod rotation;
mod selected;
pub(crate) mod shared_store;
mod troubles;
mod unwatched;
mod watches;

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{
    load,
    support::{
        browser,
        cluster::{self, ApiServer, Replica, eventually, install_chart},
        stalls::{self, Stopwatch},
        turns,
    },
};

const NAMESPACE: &str = "lanyard-system";
const AUTHORITY: &str = "localhost:8080";
/// Timeout of every wait. It allows for slow machines and is longer than any bound that Lanyard documents.
const SOON: Duration = Duration::from_mins(2);

/// An API server, replicas of Lanyard, and an HTTP client.
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
        Self { api, replicas, http: client() }
    }

    fn get(&self, replica: &Replica, path: &str) -> Result<(u16, Value), String> {
        let url = format!("http://127.0.0.1:{}{path}", replica.port);
        let response = self.http.get(url).header("host", AUTHORITY).send();
        let response = response.map_err(|error| error.to_string())?;
        Ok((response.status().as_u16(), response.json().unwrap_or_default()))
    }

    /// A `client_credentials` token request at a tenant of namespace `team`.
    fn token(
        &self,
        replica: &Replica,
        tenant: &str,
        client: &str,
        secret: &str,
    ) -> Result<(u16, Value), String> {
        let url = format!("http://127.0.0.1:{}/team/{tenant}/oauth/token", replica.port);
        let form = [("grant_type", "client_credentials")];
        let request =
            self.http.post(url).header("host", AUTHORITY).basic_auth(client, Some(secret));
        let response = request.form(&form).send().map_err(|error| error.to_string())?;
        Ok((response.status().as_u16(), response.json().unwrap_or_default()))
    }

    /// Waits until every replica issues tokens to a client, because Ready is reported by the leader alone.
    fn tokens_everywhere(&self, tenant: &str, client: &str, secret: &str) {
        for replica in &self.replicas {
            eventually(SOON, || match self.token(replica, tenant, client, secret)? {
                (200, _) => Ok(()),
                other => Err(format!("{client} at {}: {other:?}", replica.name)),
            });
        }
    }

    fn ready(&self, object: &str) {
        let args = ["-n", "team", "wait", "--for=condition=Ready", object, "--timeout=120s"];
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

    /// Waits until every replica answers a path with a status; returns the time that it took, without
    /// stalls.
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

/// An API server with the chart and the namespace `team`, without Pods.
fn api_with_chart() -> ApiServer {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let api = ApiServer::start();
    for namespace in [NAMESPACE, "team"] {
        api.kubectl(&["create", "namespace", namespace]);
    }
    install_chart(&api, NAMESPACE);
    api
}

/// A client that does not reuse idle connections, because a replica that drains or restarts closes them.
fn client() -> reqwest::blocking::Client {
    let builder = reqwest::blocking::Client::builder().pool_idle_timeout(Duration::from_secs(1));
    builder.build().expect("a client")
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
fn the_leader_writes_and_both_replicas_serve() {
    let _turn = turns::of("replicas");
    let mut world = World::start();
    eventually(SOON, || world.api.try_apply(OBJECTS));
    for object in ["tenants.lanyard.dev/main", "oidcclient/robot"] {
        world.ready(object);
    }
    world.everywhere("/team/main/.well-known/openid-configuration", 200);
    secrets(&world);
    consent(&world);
    rotation::rotation(&world);
    deletion(&world);
    logout::outcomes_are_events(&world);
    outage::api_server_outage(&world);
    kill_of_the_leader(&mut world);
}

/// An edited client Secret takes effect, a deleted one is replaced, and a foreign one is left alone.
fn secrets(world: &World) {
    let first = world.secret("robot-oidc", "client-secret").expect("made");
    world.tokens_everywhere("main", "team.robot", &first);
    let edited = "an-edited-secret-of-some-length";
    let patch = format!(r#"{{"stringData":{{"client-secret":"{edited}"}}}}"#);
    world.api.kubectl(&["-n", "team", "patch", "secret", "robot-oidc", "-p", &patch]);
    world.tokens_everywhere("main", "team.robot", edited);
    for replica in &world.replicas {
        let (status, _) = world.token(replica, "main", "team.robot", &first).expect("an answer");
        assert_eq!(status, 401, "the old secret is rejected");
    }
    world.api.kubectl(&["-n", "team", "delete", "secret", "robot-oidc"]);
    let again = eventually(SOON, || world.secret("robot-oidc", "client-secret"));
    assert_ne!(again, edited);
    assert_eq!(world.secret("robot-oidc", "client-id").as_deref(), Ok("team.robot"));

    let create = ["-n", "team", "create", "secret", "generic", "taken-oidc"];
    world.api.kubectl(&[&create[..], &["--from-literal=a=b"]].concat());
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
    assert_eq!(
        world.secret("taken-oidc", "a").as_deref(),
        Ok("b"),
        "a foreign Secret is not deleted"
    );
}

/// Both replicas reject a client of another namespace until the tenant allows it.
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

fn deletion(world: &World) {
    const SECOND: Duration = Duration::from_secs(1);
    let secret = world.secret("turner-oidc", "client-secret").expect("made");
    world.api.kubectl(&["-n", "team", "delete", "oidcclient", "turner", "--wait=false"]);
    let start = Stopwatch::start();
    for replica in &world.replicas {
        eventually(SOON, || match world.token(replica, "turn", "team.turner", &secret)? {
            (401, _) => Ok(()),
            other => Err(format!("a deleted client: {other:?}")),
        });
    }
    let took = start.elapsed();
    println!("a client's deletion took effect everywhere within {took:?}");
    assert!(took < SECOND, "{took:?}, without stalls of {:?}", start.stalled());
    world.api.kubectl(&["-n", "team", "delete", "tenants.lanyard.dev", "turn"]);
    let took = world.everywhere("/team/turn/.well-known/openid-configuration", 404);
    println!("a deletion took effect everywhere within {took:?} of kubectl's return");
    assert!(took < SECOND, "{took:?}");
    // The Secret is deleted with its client; the keys outlive their tenant.
    // The garbage collector discovers new kinds twice a minute.
    eventually(2 * SOON, || match world.secret("turner-oidc", "client-id") {
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
        self.replicas.iter().find(leads).unwrap_or_else(|| panic!("there is no leader: {holder:?}"))
    }

    fn get_url(&self, url: &str) -> Result<Value, String> {
        let response = self.http.get(url).send().map_err(|error| error.to_string())?;
        response.json().map_err(|error| error.to_string())
    }
}

/// After a kill of the leader the other replica takes over within 20 s and never stops serving.
fn kill_of_the_leader(world: &mut World) {
    let leader = world.leader().name;
    let at = world.replicas.iter().position(|it| it.name == leader).expect("one of them");
    let mut dead = world.replicas.remove(at);
    dead.process.kill();
    let start = Stopwatch::start();
    world.api.apply(
        &OBJECTS.replace("name: main", "name: heir").replace("name: robot", "name: heiress"),
    );
    let path = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
    eventually(SOON, || {
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
    let took = start.elapsed();
    println!("the other replica had acted {took:?} after the leader was killed");
    assert!(took < Duration::from_secs(20), "{took:?}, less {:?}", start.stalled());
    // On SIGTERM it releases the Lease and exits.
    let code = world.replicas[0].process.terminate(SOON);
    assert_eq!(code, Some(0));
    let path = "jsonpath={.spec.holderIdentity}";
    let holder = world.api.kubectl(&["-n", NAMESPACE, "get", "lease", "lanyard", "-o", path]);
    assert_eq!(holder, "", "the Lease is released");
}
