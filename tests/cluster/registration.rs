//! Dynamic registration at two replicas against a real API server, with the chart's RBAC: the role
//! that it needs, use at both replicas, adoption, deletion and expiry.

use std::{
    fs,
    time::{Duration, Instant},
};

use reqwest::{
    Method,
    blocking::{Client, Response},
};
use serde_json::{Value, json};

use crate::support::{
    cluster::{ApiServer, Replica, eventually},
    stalls::Stopwatch,
    turns,
};

const NAMESPACE: &str = "lanyard-system";
const AUTHORITY: &str = "localhost:8080";
/// Timeout of every wait. It allows for slow machines and is longer than any bound that Lanyard documents.
const SOON: Duration = Duration::from_mins(2);
/// Upper bound until a change by one replica takes effect at the others.
const SECOND: Duration = Duration::from_secs(1);

const TENANTS: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main, namespace: team}
spec:
  registration: {mode: Open}
  clients: {grantTypes: [authorization_code, client_credentials]}
---
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: brief, namespace: team}
spec: {registration: {mode: Open, unusedLifetime: 1m}}
";

/// An API server, two replicas of Lanyard, and an HTTP client.
struct World {
    api: ApiServer,
    replicas: Vec<Replica>,
    http: Client,
}

impl World {
    fn start() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let api = ApiServer::start();
        api.kubectl(&["create", "namespace", NAMESPACE]);
        api.kubectl(&["create", "namespace", "team"]);
        let replicas = Replica::two(&api, NAMESPACE, AUTHORITY);
        // Connections that were idle are not used again, as a replica may close them.
        let http = Client::builder().pool_idle_timeout(Duration::from_secs(1)).build();
        Self { api, replicas, http: http.expect("a client") }
    }

    fn send(
        &self,
        at: usize,
        method: Method,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let url = format!("http://127.0.0.1:{}{path}", self.replicas[at].port);
        let request = self.http.request(method, url).header("host", AUTHORITY);
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let request = body.into_iter().fold(request, reqwest::blocking::RequestBuilder::json);
        answered(request.send())
    }

    fn register(&self, at: usize, tenant: &str, metadata: &Value) -> (u16, Value) {
        let path = format!("/team/{tenant}/oauth/register");
        self.send(at, Method::POST, &path, "", Some(metadata))
    }

    fn manage(
        &self,
        at: usize,
        client: &Value,
        method: Method,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let uri = client["registration_client_uri"].as_str().expect("an address");
        let path = uri.strip_prefix(&format!("http://{AUTHORITY}")).expect("of the issuer");
        let token = client["registration_access_token"].as_str().expect("a token");
        self.send(at, method, path, token, body)
    }

    /// A `client_credentials` token request.
    fn token(&self, at: usize, client: &Value) -> (u16, Value) {
        let url = format!("http://127.0.0.1:{}/team/main/oauth/token", self.replicas[at].port);
        let id = client["client_id"].as_str().expect("an id");
        let request = self.http.post(url).header("host", AUTHORITY);
        let request = request.basic_auth(id, client["client_secret"].as_str());
        answered(request.form(&[("grant_type", "client_credentials")]).send())
    }

    fn get(&self, object: &str, path: &str) -> Result<String, String> {
        let path = format!("jsonpath={{{path}}}");
        self.api.try_kubectl(&["-n", "team", "get", object, "-o", &path])
    }
}

/// Status and body; 0 and the error if there is no response.
fn answered(answer: reqwest::Result<Response>) -> (u16, Value) {
    match answer {
        Ok(answer) => (answer.status().as_u16(), answer.json().unwrap_or_default()),
        Err(error) => (0, error.to_string().into()),
    }
}

fn object(client: &Value) -> String {
    let id = client["client_id"].as_str().expect("an id");
    format!("oidcclient/{}", id.strip_prefix("team.").expect("the default id"))
}

fn machine() -> Value {
    json!({"grant_types": ["client_credentials"], "client_name": "Robot"})
}

fn web() -> Value {
    json!({"redirect_uris": ["https://rp.test/cb"]})
}

#[test]
fn registered_clients_are_objects_that_every_replica_serves() {
    let _turn = turns::of("replicas");
    let world = World::start();
    eventually(SOON, || world.api.try_apply(TENANTS));
    for tenant in ["tenants.lanyard.dev/main", "tenants.lanyard.dev/brief"] {
        let args = ["-n", "team", "wait", "--for=condition=Ready", tenant, "--timeout=120s"];
        world.api.kubectl(&args);
    }
    without_its_role(&world);
    let set =
        ["--set", "replicas=0,image.repository=lanyard", "--set", "registration.enabled=true"];
    let upgrade = ["upgrade", "lanyard", "charts/lanyard", "-n", NAMESPACE];
    world.api.helm(&[&upgrade[..], &set].concat()).expect("the chart upgrades");
    // Set before each attempt, of which the last one registers the client.
    let mut registered_at = Instant::now();
    let unused = eventually(SOON, || {
        registered_at = Instant::now();
        match world.register(0, "brief", &web()) {
            (201, client) => Ok(client),
            other => Err(format!("{other:?}")),
        }
    });
    let client = usable_everywhere(&world);
    managed_anywhere(&world, &client);
    adopted(&world);
    fields_of_a_newer_release_are_preserved(&world);
    world.api.kubectl(&["-n", "team", "delete", &object(&client)]);
    for at in 0..2 {
        eventually(SOON, || match world.token(at, &client).0 {
            401 => Ok(()),
            status => Err(format!("a deleted client is answered {status}")),
        });
    }
    // The client was not used for a minute.
    eventually(2 * SOON, || match world.get(&object(&unused), ".metadata.name") {
        Err(gone) if gone.contains("NotFound") => Ok(()),
        other => Err(format!("{other:?}")),
    });
    assert!(registered_at.elapsed() > Duration::from_secs(55), "{:?}", registered_at.elapsed());
    println!("an unused client was gone after {:?}", registered_at.elapsed());
}

/// Without the role no object is written, and the log contains the remedy.
fn without_its_role(world: &World) {
    for at in 0..2 {
        eventually(SOON, || match world.register(at, "main", &web()) {
            (503, _) => Ok(()),
            other => Err(format!("{other:?}")),
        });
        eventually(SOON, || match fs::read_to_string(&world.replicas[at].log) {
            Ok(log) if log.contains("registration.enabled") => Ok(()),
            other => Err(format!("the remedy is not in {other:?}")),
        });
    }
}

fn usable_everywhere(world: &World) -> Value {
    let (status, client) = world.register(0, "main", &machine());
    let start = Stopwatch::start();
    assert_eq!(status, 201, "{client}");
    assert_eq!(world.token(0, &client).0, 200, "at once at the replica that registered it");
    eventually(SOON, || match world.token(1, &client) {
        (200, _) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    within_a_second("usable", start);
    let object = object(&client);
    let name = object.strip_prefix("oidcclient/").expect("a name");
    let list = world.api.kubectl(&["-n", "team", "get", "oidcclients"]);
    assert!(list.contains(name), "{list}");
    eventually(SOON, || {
        let ready = world.get(&object, ".status.conditions[?(@.type==\"Ready\")].status")?;
        if ready == "True" { Ok(()) } else { Err(ready) }
    });
    // The controller has adopted the Secret.
    let secret = format!("secret/{name}-oidc");
    eventually(SOON, || match world.get(&secret, ".metadata.annotations")? {
        found if found.contains("lanyard.dev/applied") => Ok(()),
        found => Err(found),
    });
    let owner = world.get(&secret, ".metadata.ownerReferences[*].uid");
    assert_eq!(owner, world.get(&object, ".metadata.uid"));
    // Its first use is recorded once, without a new generation.
    eventually(SOON, || match world.get(&object, ".metadata.annotations")? {
        found if found.contains("\"lanyard.dev/used\":\"true\"") => Ok(()),
        found => Err(found),
    });
    assert_eq!(world.get(&object, ".metadata.generation").as_deref(), Ok("1"));
    assert_eq!(world.token(0, &client).0, 200, "with the same secret");
    client
}

/// Asserts that a change to a client took effect at the other replica within a second, without stalls.
fn within_a_second(what: &str, since: Stopwatch) {
    let took = since.elapsed();
    println!("a registered client was {what} at the other replica after {took:?}");
    assert!(took < SECOND, "{took:?}, without stalls of {:?}", since.stalled());
}

fn managed_anywhere(world: &World, client: &Value) {
    let mut change = machine();
    change["client_name"] = "Other robot".into();
    let (status, changed) = world.manage(1, client, Method::PUT, Some(&change));
    assert_eq!((status, &changed["client_name"]), (200, &json!("Other robot")), "{changed}");
    assert_eq!(changed["client_secret"], client["client_secret"]);
    let start = Stopwatch::start();
    eventually(SOON, || match world.manage(0, client, Method::GET, None) {
        (200, read) if read == changed => Ok(()),
        other => Err(format!("{other:?}")),
    });
    within_a_second("changed", start);
    let (status, other) = world.register(1, "main", &web());
    assert_eq!(status, 201, "{other}");
    assert_eq!(world.manage(1, &other, Method::DELETE, None).0, 204);
    assert_eq!(world.manage(1, &other, Method::GET, None).0, 401);
    let gone = world.get(&object(&other), ".metadata.name");
    assert!(gone.is_err(), "{gone:?}");
}

/// During a roll-out an older replica may record the first use of a client that a newer one wrote.
fn fields_of_a_newer_release_are_preserved(world: &World) {
    let path =
        "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/ofTheNextRelease";
    let patch = json!([{"op": "add", "path": path, "value": {"type": "string"}}]).to_string();
    let crd = "crd/oidcclients.lanyard.dev";
    world.api.kubectl(&["patch", crd, "--type=json", "-p", &patch]);
    let add_field = |object: &str| {
        let patch = r#"{"spec":{"ofTheNextRelease":"kept"}}"#;
        world.api.kubectl(&["-n", "team", "patch", object, "--type=merge", "-p", patch]);
    };
    let (status, first) = world.register(0, "main", &machine());
    assert_eq!(status, 201, "{first}");
    eventually(SOON, || {
        add_field(&object(&first));
        let found = world.get(&object(&first), ".spec.ofTheNextRelease")?;
        if found == "kept" { Ok(()) } else { Err("the schema is not in effect yet".to_owned()) }
    });
    // A replica that has seen the field refuses the client, so that the use has to come before.
    let object = eventually(SOON, || {
        let (201, client) = world.register(0, "main", &machine()) else {
            return Err("no registration".to_owned());
        };
        add_field(&object(&client));
        match world.token(0, &client) {
            (200, _) => Ok(object(&client)),
            other => Err(format!("{other:?}")),
        }
    });
    eventually(SOON, || match world.get(&object, ".metadata.annotations")? {
        found if found.contains("\"lanyard.dev/used\":\"true\"") => Ok(()),
        found => Err(found),
    });
    assert_eq!(world.get(&object, ".spec.ofTheNextRelease").as_deref(), Ok("kept"));
}

/// Without its label it is an ordinary client, and its registration access token is invalid.
fn adopted(world: &World) {
    let (status, client) = world.register(0, "main", &machine());
    assert_eq!(status, 201, "{client}");
    let label = ["-n", "team", "label", &object(&client), "lanyard.dev/registered-"];
    world.api.kubectl(&label);
    eventually(SOON, || match world.manage(0, &client, Method::DELETE, None).0 {
        401 => Ok(()),
        status => Err(format!("{status}")),
    });
    assert_eq!(world.token(0, &client).0, 200);
}
