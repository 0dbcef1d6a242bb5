//! A replica is not ready while the API server's definitions lack a field that restricts something:
//! the API server would remove it from manifests without an error.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{AUTHORITY, NAMESPACE, OBJECTS, SOON, World, cluster::Replica, eventually, turns};

const CRD: &str = "crd/oidcusers.lanyard.dev";
const DISABLED: &str =
    "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/disabled";
const USER: &str = r"
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: ada, namespace: team}
spec:
  tenantRef: {name: main}
  username: ada
  disabled: true
";

#[test]
fn a_replica_is_not_ready_while_a_definition_lacks_a_restriction() {
    let _turn = turns::of("replicas");
    let mut world = World::start();
    eventually(SOON, || world.api.try_apply(OBJECTS));
    world.ready("tenants.lanyard.dev/main");
    world.schemas_are("ok", 1);
    let text = world.api.kubectl(&["get", CRD, "-o", "json"]);
    let definition: Value = serde_json::from_str(&text).expect("JSON");
    let field = definition.pointer(DISABLED).expect("the field").clone();
    world.edit_definition(&json!([{ "op": "remove", "path": DISABLED }]));

    // kubectl would refuse the field; other clients do not ask for strict validation.
    let file = world.api.dir().join("user.yaml");
    std::fs::write(&file, USER).expect("a file");
    world.api.kubectl(&["apply", "--validate=ignore", "-f", &file.display().to_string()]);
    let disabled = "jsonpath={.spec.disabled}";
    let stored = world.api.kubectl(&["-n", "team", "get", "oidcuser", "ada", "-o", disabled]);
    assert_eq!(stored, "", "an older definition removes the field");
    let named = "lack OidcUser spec.disabled; upgrade";
    world.schemas_are(named, 0);
    world.replicas.push(Replica::start(&world.api, NAMESPACE, "late", AUTHORITY, &[]));
    world.schemas_are(named, 0);
    eventually(SOON, || {
        let log = std::fs::read_to_string(&world.replicas[0].log).map_err(|it| it.to_string())?;
        let warned = log.lines().any(|line| line.contains("WARN") && line.contains(named));
        if warned { Ok(()) } else { Err("no warning".to_owned()) }
    });

    world.edit_definition(&json!([{ "op": "add", "path": DISABLED, "value": field }]));
    world.schemas_are("ok", 1);

    // An API server that starts publishes its schemas one by one. No replica becomes unready because of that.
    world.api.stop_apiserver();
    world.api.start_apiserver();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(15) {
        for replica in &world.replicas {
            let (_, text) = world.readiness(replica).expect("it answers");
            assert!(text.contains("\"schemas\":\"ok\""), "{}: {text}", replica.name);
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

impl World {
    fn edit_definition(&self, patch: &Value) {
        self.api.kubectl(&["patch", CRD, "--type=json", "-p", &patch.to_string()]);
    }

    fn readiness(&self, replica: &Replica) -> Result<(u16, String), String> {
        let url = format!("http://127.0.0.1:{}/readyz", replica.admin);
        let answer = self.http.get(url).send().map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().map_err(|error| error.to_string())?))
    }

    /// Waits until all replicas report this about the schemas, and so many of them are ready. The store cannot be
    /// shared, so only the leader can be ready.
    fn schemas_are(&self, said: &str, ready: usize) {
        eventually(SOON, || {
            let answers = self.replicas.iter().map(|replica| self.readiness(replica));
            let answers = answers.collect::<Result<Vec<_>, _>>()?;
            let say_so = answers.iter().all(|(_, text)| {
                let detail: Value = serde_json::from_str(text).unwrap_or_default();
                detail["schemas"].as_str().is_some_and(|text| text.contains(said))
            });
            let found = answers.iter().filter(|(status, _)| *status == 200).count();
            if say_so && found == ready { Ok(()) } else { Err(format!("{answers:?}")) }
        });
    }
}
