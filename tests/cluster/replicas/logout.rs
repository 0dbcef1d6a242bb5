//! Failed back-channel logout is reported as one Event on the client for many sessions, and Lanyard
//! calls no address inside the network.

use super::{
    SOON, World,
    browser::{Browser, Page},
    eventually,
};

const OBJECTS: &str = r#"
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: doors, namespace: team}
spec: {}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: deaf, namespace: team}
spec:
  tenantRef: {name: doors}
  redirectUris: ["https://deaf.test/cb"]
  scopes: [openid]
  consent: Implied
  tokenEndpointAuthMethod: none
  grantTypes: [implicit]
  responseTypes: [id_token]
  # An address of the machine itself, which Lanyard must not call.
  backchannelLogoutUri: https://127.0.0.1:1/logout
---
apiVersion: v1
kind: Secret
metadata: {name: ada, namespace: team}
stringData: {password: a long enough password}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: ada, namespace: team}
spec: {tenantRef: {name: doors}, username: ada, passwordSecretRef: {name: ada}}
"#;

const ISSUER: &str = "http://localhost:8080/team/doors";
const AUTHORIZE: &str = "/oauth/authorize?client_id=team.deaf&redirect_uri=https%3A%2F%2Fdeaf.test%2Fcb&response_type=id_token&scope=openid&nonce=n";

pub fn outcomes_are_events(world: &World) {
    world.api.apply(OBJECTS);
    for object in ["tenants.lanyard.dev/doors", "oidcclient/deaf", "oidcuser/ada"] {
        world.ready(object);
    }
    world.everywhere("/team/doors/.well-known/openid-configuration", 200);
    // The replicas share no store here, so sign out at the leader, which writes the Events.
    let port = world.leader().port;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for _ in 0..3 {
        runtime.block_on(sign_in_and_out(port));
    }
    let notes = eventually(SOON, || match events(world, "LogoutNotDelivered")?.as_str() {
        "" => Err("no Event".to_owned()),
        notes => Ok(notes.to_owned()),
    });
    assert!(notes.starts_with("Warning "), "{notes}");
    assert!(notes.contains("127.0.0.1"), "it names the address that may not be called: {notes}");
    let described = world.api.kubectl(&["-n", "team", "describe", "oidcclient", "deaf"]);
    assert!(described.contains("LogoutNotDelivered"), "{described}");
    // No session is left to report.
    let patch = r#"[{"op":"remove","path":"/spec/backchannelLogoutUri"}]"#;
    let args = ["-n", "team", "patch", "oidcclient", "deaf", "--type=json", "-p", patch];
    world.api.kubectl(&args);
    eventually(SOON, || match events(world, "LogoutDelivered")?.as_str() {
        notes if notes.starts_with("Normal ") => Ok(()),
        notes => Err(format!("no Event: {notes:?}")),
    });
    let notes = events(world, "LogoutNotDelivered").expect("read");
    assert_eq!(notes.lines().count(), 1, "one Event for three sessions: {notes}");
}

/// Signs in, then out.
async fn sign_in_and_out(port: u16) {
    let browser = Browser::through(port);
    let page = browser.open(&format!("{ISSUER}{AUTHORIZE}")).await;
    let who = [("username", "ada"), ("password", "a long enough password")];
    let page = browser.submit(&page.form("/login"), &who).await;
    assert!(page.answer().contains_key("id_token"), "{:?}", page.left_for);
    let page: Page = browser.open(&format!("{ISSUER}/oauth/logout")).await;
    let page = browser.submit(&page.form("/oauth/logout"), &[("action", "logout")]).await;
    assert_eq!((page.status, page.url.path()), (200, "/team/doors/logged-out"), "{}", page.body);
}

/// Type and note of the client's Events with a reason, one per line.
fn events(world: &World, reason: &str) -> Result<String, String> {
    let path = "jsonpath={range .items[*]}{.type} {.note}{\"\\n\"}{end}";
    let fields = format!("reason={reason},regarding.name=deaf");
    let args =
        ["-n", "team", "get", "events.events.k8s.io", "--field-selector", &fields, "-o", path];
    world.api.try_kubectl(&args)
}
