//! The config map of host settings: every replica takes a change without a restart, and a mistake
//! leaves the last settings in force.

use std::process::Command;

use super::{NAMESPACE, OBJECTS, SOON, World, eventually, turns};

const ISSUER: &str = "https://id.example.test";
/// The name of the Service inside the cluster.
const INSIDE: &str = "lanyard.lanyard-system.svc";

#[test]
fn host_settings_change_without_a_restart() {
    let _turn = turns::of("replicas");
    let world = World::start();
    eventually(SOON, || world.api.try_apply(OBJECTS));
    world.ready("tenants.lanyard.dev/main");
    inside(&world);
    let tenant = OBJECTS.split("---").next().expect("the tenant");
    let tenant = tenant.replace("name: main", "name: own-host");
    world.api.apply(&tenant.replace("spec: {}", &format!("spec: {{issuer: {ISSUER}}}")));
    let object = "tenants.lanyard.dev/own-host";
    eventually(SOON, || match world.condition(object, "Accepted")?.as_str() {
        "False HostNotAllowed" => Ok(()),
        other => Err(other.to_owned()),
    });
    let allow = r"- {host: '*.example.test', namespaces: [team]}";
    world.set_issuer_hosts(allow);
    world.ready(object);
    world.serves_own_host();
    discovery_inside(&world, "own-host", ISSUER);
    kube_auth_reads_the_issuer(&world);

    // A mistake is reported in an Event, and both replicas keep the last settings.
    world.set_issuer_hosts("- {host: id.example.test}");
    let event = eventually(SOON, || {
        let args = ["-n", NAMESPACE, "get", "events", "--field-selector"];
        let reason = "reason=HostSettingsUnreadable";
        let text = world.api.try_kubectl(&[&args[..], &[reason, "-o", "wide"]].concat())?;
        if text.contains("namespaces") { Ok(text) } else { Err(text) }
    });
    assert!(event.contains("configmap/lanyard-hosts"), "{event}");
    world.serves_own_host();
    world.api.kubectl(&["-n", NAMESPACE, "delete", "configmap", "lanyard-hosts"]);
    std::thread::sleep(std::time::Duration::from_secs(1));
    world.serves_own_host();

    world.api.kubectl(&["-n", NAMESPACE, "create", "configmap", "lanyard-hosts"]);
    eventually(SOON, || match world.condition(object, "Accepted")?.as_str() {
        "False HostNotAllowed" => Ok(()),
        other => Err(other.to_owned()),
    });
}

/// Asserts that `kube-auth` finds the issuer of a Tenant by the kubeconfig, and says why it prints nothing for others.
fn kube_auth_reads_the_issuer(world: &World) {
    let run = |tenant: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
        command.args(["kube-auth", tenant]).env("KUBECONFIG", world.api.kubeconfig());
        let output = command.output().expect("it runs");
        let [out, err] =
            [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        if output.status.success() { Ok(out) } else { Err(err) }
    };
    let printed = run("team/own-host").unwrap_or_else(|error| panic!("{error}"));
    assert!(printed.contains("kind: AuthenticationConfiguration\n"), "{printed}");
    assert!(printed.contains(&format!("url: {ISSUER}\n")), "{printed}");
    for (tenant, words) in [
        ("team/main", "accepts https issuers only"),
        ("team/absent", "the cluster has no Tenant team/absent"),
        ("other/own-host", "the cluster has no Tenant other/own-host"),
    ] {
        let error = run(tenant).expect_err("nothing is printed");
        assert!(error.contains(words), "{tenant}: {error}");
    }
}

/// Both replicas answer at the Service's name, which the chart has set, and the Secret of a client
/// contains the address.
fn inside(world: &World) {
    discovery_inside(world, "main", "http://localhost:8080/team/main");
    let client =
        OBJECTS.split("---").nth(1).expect("the client").replace("name: robot", "name: inner");
    world.api.apply(&format!("{client}  secret: {{keys: {{internalUrl: INSIDE}}}}\n"));
    world.ready("oidcclient/inner");
    let written = world.secret("inner-oidc", "INSIDE");
    assert_eq!(written, Ok(format!("http://{INSIDE}/team/main")));
    assert_eq!(
        world.secret("inner-oidc", "issuer").as_deref(),
        Ok("http://localhost:8080/team/main")
    );
}

/// Asserts that both replicas serve a tenant at the Service's name, whatever its issuer, and that its
/// status has the address.
fn discovery_inside(world: &World, tenant: &str, issuer: &str) {
    let internal_url = format!("http://{INSIDE}/team/{tenant}");
    for replica in &world.replicas {
        let path = format!("/team/{tenant}/.well-known/openid-configuration");
        let url = format!("http://127.0.0.1:{}{path}", replica.port);
        let document: serde_json::Value = eventually(SOON, || {
            let answer = world.http.get(&url).header("host", INSIDE).send();
            answer.and_then(|answer| answer.error_for_status()?.json()).map_err(|it| it.to_string())
        });
        assert_eq!(document["issuer"], issuer);
        assert_eq!(document["authorization_endpoint"], format!("{issuer}/oauth/authorize"));
        assert_eq!(document["token_endpoint"], format!("{internal_url}/oauth/token"));
    }
    let (object, path) =
        (format!("tenants.lanyard.dev/{tenant}"), "jsonpath={.status.internalUrl}");
    let shown = world.api.kubectl(&["-n", "team", "get", &object, "-o", path]);
    assert_eq!(shown.trim(), internal_url);
}

impl World {
    fn set_issuer_hosts(&self, text: &str) {
        let patch = serde_json::json!({ "data": { "issuerHosts": text } }).to_string();
        self.api.kubectl(&["-n", NAMESPACE, "patch", "configmap", "lanyard-hosts", "-p", &patch]);
    }

    /// Both replicas serve the tenant at its own host.
    fn serves_own_host(&self) {
        for replica in &self.replicas {
            let url = format!("http://127.0.0.1:{}/.well-known/openid-configuration", replica.port);
            eventually(SOON, || {
                let answer = self.http.get(&url).header("host", "id.example.test").send();
                match answer.map_err(|error| error.to_string())?.status().as_u16() {
                    200 => Ok(()),
                    status => Err(format!("{}: {status}", replica.name)),
                }
            });
        }
    }
}
