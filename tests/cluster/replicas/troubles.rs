//! Faulty objects, each with its condition, do not affect others: objects that cannot be read,
//! Secrets that are foreign, lost or forbidden, and edits of the Lease.

use serde_json::{Value, json};

use super::{AUTHORITY, NAMESPACE, OBJECTS, SOON, World, cluster::Replica, eventually, turns};

#[test]
fn faulty_objects_affect_only_themselves() {
    let _turn = turns::of("replicas");
    let mut world = World::start();
    eventually(SOON, || world.api.try_apply(OBJECTS));
    for object in ["tenants.lanyard.dev/main", "oidcclient/robot"] {
        world.ready(object);
    }
    world.everywhere("/team/main/.well-known/openid-configuration", 200);
    let secret = world.secret("robot-oidc", "client-secret").expect("made");
    world.tokens_everywhere("main", "team.robot", &secret);
    stored_before_a_rule_existed(&world);
    a_crd_without_a_field_of_the_status(&world);
    a_taken_key_secret(&world);
    the_salt_of_pairwise_subjects(&world);
    a_lease_that_others_write_on(&world);
    a_namespace_that_goes(&world);
    // Another installation replaces this one.
    world.replicas.clear();
    a_namespace_whose_secrets_are_forbidden(&world);
}

impl World {
    fn awaits(&self, object: &str, condition: &str, state: &str) {
        eventually(SOON, || match self.condition(object, condition)? {
            found if found == state => Ok(()),
            found => Err(format!("{object}: {condition} is {found:?}, not {state:?}")),
        });
    }

    fn message(&self, object: &str, condition: &str) -> String {
        let path = format!("jsonpath={{.status.conditions[?(@.type==\"{condition}\")].message}}");
        self.api.kubectl(&["-n", "team", "get", object, "-o", &path])
    }

    fn json(&self, args: &[&str]) -> Value {
        let text = self.api.kubectl(&[args, &["-o", "json"]].concat());
        serde_json::from_str(&text).expect("JSON")
    }

    /// `robot` still gets tokens at every replica.
    fn others_go_on(&self) {
        let secret = self.secret("robot-oidc", "client-secret").expect("made");
        for replica in &self.replicas {
            let (status, token) =
                self.token(replica, "main", "team.robot", &secret).expect("it serves");
            assert_eq!(status, 200, "{token}");
        }
    }
}

/// An object stored before a CRD's schema rejected it is reported as malformed, and others are not affected.
fn stored_before_a_rule_existed(world: &World) {
    let crd = "crd/oidcclients.lanyard.dev";
    let strict = world.json(&["get", crd]);
    let schema = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
    let patch = |value: &Value| {
        let patch = json!([{"op": "replace", "path": schema, "value": value}]).to_string();
        world.api.kubectl(&["patch", crd, "--type=json", "-p", &patch]);
    };
    patch(&json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}));
    let odd = "apiVersion: lanyard.dev/v1alpha1\nkind: OidcClient\nmetadata: {name: odd, namespace: team}\nspec: {tenantRef: {name: main}, redirectUris: \"https://odd.test/cb\"}\n";
    eventually(SOON, || world.api.try_apply(odd));
    // The API server refuses every status of an object on which the rules of its schema cannot be
    // evaluated, so the status is there before the rules are.
    world.awaits("oidcclient/odd", "Accepted", "False Malformed");
    patch(strict.pointer(schema).expect("a schema"));
    eventually(SOON, || match world.api.dry_run(&odd.replace("name: odd", "name: odder")) {
        Err(_) => Ok(()),
        Ok(_) => Err("the schema is not in effect yet".to_owned()),
    });
    world.awaits("oidcclient/odd", "Accepted", "False Malformed");
    world.awaits("oidcclient/odd", "Ready", "False Malformed");
    let message = world.message("oidcclient/odd", "Accepted");
    assert!(message.contains("redirectUris"), "{message}");
    let described = eventually(SOON, || {
        let text = world.api.try_kubectl(&["-n", "team", "describe", "oidcclient", "odd"])?;
        if text.contains("Warning") { Ok(text) } else { Err(text) }
    });
    assert!(described.contains("Malformed"), "{described}");
    // An object applied next to it is served: the watches still work.
    world.api.apply(&OBJECTS.replace("name: robot", "name: neighbour"));
    world.ready("oidcclient/neighbour");
    world.others_go_on();
    // A corrected object is served.
    let right = odd.replace("\"https://odd.test/cb\"", "[\"https://odd.test/cb\"]");
    world.api.apply(&right);
    world.ready("oidcclient/odd");
}

/// A status is written without a field that the CRD lacks, because it is of an earlier release.
fn a_crd_without_a_field_of_the_status(world: &World) {
    let crd = "crd/tenants.lanyard.dev";
    let field = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/nextRotation";
    let schema = world.json(&["get", crd]).pointer(field).expect("a field").clone();
    let patch = |step: Value| {
        world.api.kubectl(&["patch", crd, "--type=json", "-p", &json!([step]).to_string()]);
    };
    let status_of = |tenant: &str| {
        world.json(&["-n", "team", "get", "tenants.lanyard.dev", tenant])["status"].clone()
    };
    assert_ne!(status_of("main")["nextRotation"], Value::Null);
    patch(json!({"op": "remove", "path": field}));
    // The API server leaves the field out of its answers once the schema is in effect.
    eventually(SOON, || match &status_of("main")["nextRotation"] {
        Value::Null => Ok(()),
        there => Err(there.to_string()),
    });
    world.api.apply(
        "apiVersion: lanyard.dev/v1alpha1\nkind: Tenant\nmetadata: {name: earlier, namespace: team}\nspec: {}\n",
    );
    world.ready("tenants.lanyard.dev/earlier");
    let status = status_of("earlier");
    assert_eq!(status["signingKeys"][0]["state"], "Signing", "{status}");
    let says = |replica: &Replica| {
        let log = std::fs::read_to_string(&replica.log).unwrap_or_default();
        log.lines().filter(|line| line.contains("status.nextRotation")).count()
    };
    let said: Vec<usize> = world.replicas.iter().map(says).collect();
    assert_eq!(said.iter().sum::<usize>(), 1, "the leader warns once: {said:?}");
    patch(json!({"op": "add", "path": field, "value": schema}));
}

/// A foreign Secret with the name of a tenant's keys is neither used nor changed.
fn a_taken_key_secret(world: &World) {
    let create = ["-n", "team", "create", "secret", "generic", "squat-signing-keys"];
    world.api.kubectl(&[&create[..], &["--from-literal=a=b"]].concat());
    world.api.apply(
        "apiVersion: lanyard.dev/v1alpha1\nkind: Tenant\nmetadata: {name: squat, namespace: team}\nspec: {}\n",
    );
    world.awaits("tenants.lanyard.dev/squat", "KeysReady", "False NotOwned");
    assert_eq!(world.secret("squat-signing-keys", "a").as_deref(), Ok("b"));
    world.others_go_on();
    world.api.kubectl(&["-n", "team", "delete", "secret", "squat-signing-keys"]);
    world.ready("tenants.lanyard.dev/squat");
}

/// The salt is immutable and not replaced when lost, which would change subjects; a backup restores it.
fn the_salt_of_pairwise_subjects(world: &World) {
    world.api.apply(
        &OBJECTS
            .replace("name: robot", "name: paired")
            .replace("  scopes: [profile]", "  subjectType: pairwise\n  redirectUris: [\"https://paired.test/cb\"]\n  scopes: [profile]"),
    );
    world.ready("oidcclient/paired");
    let path = ["-n", "team", "get", "secret", "main-pairwise"];
    let mut salt = world.json(&path);
    assert_eq!(salt["immutable"], true, "it cannot be changed by accident");
    world.api.kubectl(&["-n", "team", "delete", "secret", "main-pairwise"]);
    world.awaits("tenants.lanyard.dev/main", "KeysReady", "False KeysDamaged");
    let message = world.message("tenants.lanyard.dev/main", "KeysReady");
    assert!(message.contains("restore it from a backup"), "{message}");
    eventually(SOON, || match world.condition("oidcclient/paired", "Ready")?.as_str() {
        ready if ready.starts_with("False") => Ok(()),
        ready => Err(ready.to_owned()),
    });
    world.others_go_on();
    assert!(world.api.try_kubectl(&path).is_err(), "no new salt is generated");
    for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
        salt["metadata"].as_object_mut().expect("metadata").remove(field);
    }
    world.api.apply(&salt.to_string());
    world.ready("tenants.lanyard.dev/main");
    world.ready("oidcclient/paired");
    assert_eq!(world.json(&path)["data"], salt["data"], "the restored salt is unchanged");
}

/// Renewals preserve foreign labels and annotations on the Lease.
fn a_lease_that_others_write_on(world: &World) {
    let lease = ["-n", NAMESPACE, "get", "lease", "lanyard"];
    world.api.kubectl(&["-n", NAMESPACE, "label", "lease", "lanyard", "team.example/owner=ops"]);
    let annotate = ["-n", NAMESPACE, "annotate", "lease", "lanyard", "team.example/note=ours"];
    world.api.kubectl(&annotate);
    let before = world.json(&lease);
    eventually(SOON, || {
        let now = world.json(&lease);
        if now["spec"]["renewTime"] == before["spec"]["renewTime"] {
            return Err("not renewed yet".to_owned());
        }
        assert_eq!(now["spec"]["holderIdentity"], before["spec"]["holderIdentity"]);
        assert_eq!(now["metadata"]["labels"]["team.example/owner"], "ops");
        assert_eq!(now["metadata"]["annotations"]["team.example/note"], "ours");
        Ok(())
    });
}

/// Lanyard does not block the deletion of a namespace, and its issuer is deleted with it.
fn a_namespace_that_goes(world: &World) {
    world.api.kubectl(&["create", "namespace", "brief"]);
    world.api.apply(&OBJECTS.replace("namespace: team", "namespace: brief"));
    for object in ["tenants.lanyard.dev/main", "oidcclient/robot"] {
        let args = ["-n", "brief", "wait", "--for=condition=Ready", object, "--timeout=120s"];
        world.api.kubectl(&args);
    }
    world.everywhere("/brief/main/.well-known/openid-configuration", 200);
    // Each client's Secret and status are written, and each has an Event.
    let (tenant, client) = OBJECTS.split_once("---").expect("two documents");
    let manifest = |text: &str, name: &str| {
        let text = text.replace("namespace: team", "namespace: brief");
        format!("---\n{}", text.replace("name: robot", &format!("name: {name}")))
    };
    let clients: String = (0..20).map(|at| manifest(client, &format!("late-{at}"))).collect();
    let logged: Vec<usize> = world.replicas.iter().map(|it| log_of(it).len()).collect();
    world.api.apply(&clients);
    world.api.kubectl(&["delete", "namespace", "brief", "--timeout=60s"]);
    world.everywhere("/brief/main/.well-known/openid-configuration", 404);
    world.others_go_on();
    for (replica, logged) in world.replicas.iter().zip(logged) {
        let log = log_of(replica);
        let warnings = log[logged..].lines().filter(|line| {
            (line.contains("WARN") || line.contains("ERROR")) && line.contains("brief")
        });
        let warnings: Vec<_> = warnings.collect();
        assert!(warnings.is_empty(), "the objects are gone: {warnings:#?}");
    }
    // A namespace of the same name begins as a new one.
    eventually(SOON, || world.api.try_kubectl(&["create", "namespace", "brief"]));
    world.api.apply(&manifest(tenant, "main"));
    world.everywhere("/brief/main/.well-known/openid-configuration", 200);
    world.api.kubectl(&["delete", "namespace", "brief", "--wait=false"]);
}

fn log_of(replica: &Replica) -> String {
    std::fs::read_to_string(&replica.log).expect("its log")
}

/// A watched namespace whose Role is incomplete does not affect another one, and is served again when
/// the Role is restored.
fn a_namespace_whose_secrets_are_forbidden(world: &World) {
    let (system, open, closed) = ("lanyard-second", "open", "closed");
    for namespace in [system, open, closed] {
        world.api.kubectl(&["create", "namespace", namespace]);
    }
    let install = ["install", "lanyard", "charts/lanyard", "-n", system, "--set"];
    let values = [
        "replicas=0,image.repository=lanyard,crds.install=false,rbac.aggregate=false,watchNamespaces={open,closed}",
    ];
    world.api.helm(&[&install[..], &values].concat()).expect("the chart installs");
    let role = world.json(&["-n", closed, "get", "role", "lanyard-watched"]);
    let whole = role["rules"].as_array().expect("rules").clone();
    let rules = |rules: &[Value]| {
        let patch = json!([{"op": "replace", "path": "/rules", "value": rules}]).to_string();
        let args = ["-n", closed, "patch", "role", "lanyard-watched", "--type=json", "-p"];
        world.api.kubectl(&[&args[..], &[patch.as_str()]].concat());
    };
    let without = whole.iter().filter(|rule| rule["resources"] != json!(["secrets"])).cloned();
    let without: Vec<Value> = without.collect();
    assert_eq!(without.len() + 1, whole.len());
    rules(&without);
    for namespace in [open, closed] {
        world.api.apply(&OBJECTS.replace("namespace: team", &format!("namespace: {namespace}")));
    }
    let more = [("LANYARD_WATCH_NAMESPACES", "open,closed")];
    let replica = Replica::start(&world.api, system, "second", AUTHORITY, &more);
    let wait = |namespace: &str| {
        let args = ["-n", namespace, "wait", "--for=condition=Ready", "oidcclient/robot"];
        world.api.try_kubectl(&[&args[..], &["--timeout=120s"]].concat())
    };
    wait(open).unwrap_or_else(|error| {
        let log = std::fs::read_to_string(&replica.log).unwrap_or_default();
        panic!("{error}\n{log}")
    });
    let (status, _) =
        world.get(&replica, "/open/main/.well-known/openid-configuration").expect("up");
    assert_eq!(status, 200);
    let condition = "jsonpath={.status.conditions[?(@.type==\"Ready\")].message}";
    let message = eventually(SOON, || {
        let args = ["-n", closed, "get", "tenants.lanyard.dev", "main", "-o", condition];
        let message = world.api.try_kubectl(&args)?;
        if message.contains("secrets") { Ok(message) } else { Err(message) }
    });
    println!("of a namespace whose Secrets are forbidden: {message}");
    rules(&whole);
    wait(closed).expect("it is served once it may be");
}
