//! Clients that ServiceAccounts of the cluster authenticate, with real tokens of a real API server and the
//! permissions of the chart.

use std::time::Duration;

use reqwest::blocking::Client;
use serde_json::Value;

use crate::support::{
    cluster::{ApiServer, Replica, TOKEN_ISSUER, eventually, install_chart},
    turns,
};

const NAMESPACE: &str = "lanyard-system";
const AUTHORITY: &str = "localhost:8080";
const ISSUER: &str = "http://localhost:8080/team/main";
const SOON: Duration = Duration::from_mins(2);
/// The cluster's own binding, which permits all ServiceAccounts to read the keys, and that of the chart.
const BINDINGS: [&str; 2] =
    ["system:service-account-issuer-discovery", "lanyard-system-lanyard-token-keys"];

const OBJECTS: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: billing, namespace: team}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: reviewed, namespace: team}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: billing, namespace: elsewhere}
---
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: main, namespace: team}
spec: {scopes: {invoices: {description: Read invoices}}}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: billing, namespace: team}
spec:
  tenantRef: {name: main}
  grantTypes: [client_credentials]
  scopes: [invoices]
  tokenEndpointAuthMethod: private_key_jwt
  federatedCredentials:
  - serviceAccountRef: {name: billing}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: reviewed, namespace: team}
spec:
  tenantRef: {name: main}
  grantTypes: [client_credentials]
  scopes: [invoices]
  tokenEndpointAuthMethod: private_key_jwt
  federatedCredentials:
  - serviceAccountRef: {name: reviewed, validate: TokenReview}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: by-name, namespace: team}
spec:
  tenantRef: {name: main}
  grantTypes: [client_credentials]
  scopes: [invoices]
  tokenEndpointAuthMethod: private_key_jwt
  federatedCredentials:
  - {issuer: 'https://kubernetes.default.svc', subject: 'system:serviceaccount:elsewhere:billing'}
";

struct World {
    api: ApiServer,
    replica: Replica,
    http: Client,
}

impl World {
    /// With a role that is not bound yet.
    fn start() -> Self {
        let api = Self::cluster();
        for binding in BINDINGS {
            api.kubectl(&["delete", "clusterrolebinding", binding]);
        }
        Self::serve(api)
    }

    /// A cluster with the chart.
    fn cluster() -> ApiServer {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let api = ApiServer::start();
        for namespace in [NAMESPACE, "team", "elsewhere"] {
            api.kubectl(&["create", "namespace", namespace]);
        }
        install_chart(&api, NAMESPACE);
        api
    }

    /// A replica in a cluster, and the objects.
    fn serve(api: ApiServer) -> Self {
        let replica = Replica::start(&api, NAMESPACE, "a", AUTHORITY, &[]);
        eventually(SOON, || api.try_apply(OBJECTS));
        api.kubectl(&[
            "-n",
            "team",
            "wait",
            "--for=condition=Ready",
            "tenants.lanyard.dev/main",
            "--timeout=120s",
        ]);
        Self { api, replica, http: Client::new() }
    }

    /// A token of a ServiceAccount, as a Pod gets it.
    fn token(&self, namespace: &str, account: &str, audience: &str) -> String {
        let audience = format!("--audience={audience}");
        let create = ["-n", namespace, "create", "token", account, "--duration=1h", &audience];
        self.api.kubectl(&create).trim().to_owned()
    }

    /// A token request with an assertion.
    fn ask(&self, assertion: &str, client: Option<&str>) -> (u16, Value) {
        let url = format!("http://127.0.0.1:{}/team/main/oauth/token", self.replica.port);
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
        ];
        form.extend(client.map(|client| ("client_id", client)));
        match self.http.post(url).header("host", AUTHORITY).form(&form).send() {
            Ok(answer) => (answer.status().as_u16(), answer.json().unwrap_or_default()),
            Err(error) => (0, error.to_string().into()),
        }
    }

    /// Waits until the condition `Reachable` of a client has a reason.
    fn await_reason(&self, client: &str, reason: &str) {
        let path = r#"jsonpath={.status.conditions[?(@.type=="Reachable")].reason}"#;
        let object = format!("oidcclient/{client}");
        eventually(SOON, || {
            let found = self.api.try_kubectl(&["-n", "team", "get", &object, "-o", path])?;
            if found == reason { Ok(()) } else { Err(format!("{client}: {found:?}")) }
        });
    }

    fn accepts(&self, assertion: &str) {
        eventually(SOON, || match self.ask(assertion, None) {
            (200, _) => Ok(()),
            refused => Err(format!("{refused:?}")),
        });
    }
}

#[test]
fn pods_authenticate_by_their_service_account() {
    let _turn = turns::of("workloads");
    if let Some(reason) = crate::support::cluster::unavailable() {
        println!("SKIPPED: Pods: {reason}");
        return;
    }
    let world = World::start();
    let token = world.token("team", "billing", ISSUER);
    // Without the permission, the condition says what is missing.
    world.await_reason("billing", "ClusterKeysForbidden");
    assert_eq!(world.ask(&token, None).0, 401);
    let upgrade = ["upgrade", "lanyard", "charts/lanyard", "-n", NAMESPACE, "--reuse-values"];
    world.api.helm(&upgrade).expect("the chart binds the role again");
    world.accepts(&token);
    world.await_reason("billing", "Reachable");
    let (status, answer) = world.ask(&token, Some("team.billing"));
    assert_eq!((status, &answer["scope"]), (200, &"invoices".into()), "{answer}");
    // The keys of the cluster, and other tokens of it.
    for (wrong, client) in [
        (world.token("team", "billing", "https://elsewhere.test"), None),
        (world.token("team", "default", ISSUER), None),
        (world.token("elsewhere", "billing", ISSUER), None),
        (world.token("elsewhere", "billing", ISSUER), Some("team.billing")),
        (world.token("elsewhere", "billing", ISSUER), Some("team.by-name")),
    ] {
        assert_eq!(world.ask(&wrong, client).0, 401, "{client:?}");
    }
    world.await_reason("by-name", "ClusterIssuer");
    reviewed_tokens_end_with_their_account(&world);
}

#[test]
fn a_cluster_without_keys_is_reported_and_asked_again() {
    let _turn = turns::of("workloads");
    let api = World::cluster();
    // An API server whose first issuer is not an https URL has no discovery document.
    api.restart_with_issuers(&["cluster", TOKEN_ISSUER]);
    let world = World::serve(api);
    world.await_reason("billing", "ClusterKeysUnavailable");
    let token = world.token("team", "billing", ISSUER);
    assert_ne!(world.ask(&token, None).0, 200);
    // The token of Lanyard itself is of the other issuer.
    world.api.restart_with_issuers(&[TOKEN_ISSUER, "cluster"]);
    world.await_reason("billing", "Reachable");
    world.accepts(&world.token("team", "billing", ISSUER));
}

fn reviewed_tokens_end_with_their_account(world: &World) {
    let reviewed = world.token("team", "reviewed", ISSUER);
    assert_eq!(world.ask(&reviewed, None).0, 401, "no permission to review tokens");
    let upgrade = ["upgrade", "lanyard", "charts/lanyard", "-n", NAMESPACE, "--reuse-values"];
    let reviews = ["--set", "serviceAccountTokens.review=true"];
    world.api.helm(&[&upgrade[..], &reviews].concat()).expect("the chart permits reviews");
    world.accepts(&reviewed);
    let simple = world.token("team", "billing", ISSUER);
    world.api.kubectl(&["-n", "team", "delete", "serviceaccount", "reviewed", "billing"]);
    eventually(SOON, || match world.ask(&reviewed, None) {
        (401, _) => Ok(()),
        accepted => Err(format!("{accepted:?}")),
    });
    assert_eq!(world.ask(&simple, None).0, 200, "valid until it expires");
}
