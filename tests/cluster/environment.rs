//! Tests of the test environment itself.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, api::PostParams};

use crate::support::{
    cluster,
    cluster::{ApiServer, Node, eventually},
    turns,
};

#[tokio::test(flavor = "multi_thread")]
async fn api_server_preserves_objects_across_a_restart_and_authorizes_service_accounts() {
    let _turn = turns::of("environment");
    let server = tokio::task::spawn_blocking(ApiServer::start).await.expect("it starts");
    server.kubectl(&["create", "namespace", "kept"]);
    let maps: Api<ConfigMap> = Api::namespaced(server.client().await, "kept");
    let map = serde_json::from_value(serde_json::json!({ "metadata": { "name": "it" } }));
    maps.create(&PostParams::default(), &map.expect("a ConfigMap")).await.expect("created");

    server.kubectl(&["-n", "kept", "create", "serviceaccount", "unprivileged"]);
    let unprivileged = server.service_account_kubeconfig("kept", "unprivileged");
    let refused =
        Api::<ConfigMap>::namespaced(cluster::client(&unprivileged).await, "kept").get("it").await;
    assert!(matches!(&refused, Err(kube::Error::Api(status)) if status.code == 403), "{refused:?}");

    server.stop_apiserver();
    maps.get("it").await.expect_err("it is stopped");
    server.start_apiserver();
    maps.get("it").await.expect("its data is preserved");
}

#[tokio::test(flavor = "multi_thread")]
async fn node_runs_restricted_pods_reachable_at_their_addresses() {
    let _turn = turns::of("environment");
    if let Some(reason) = cluster::unavailable() {
        println!("SKIPPED: Pods: {reason}");
        return;
    }
    tokio::task::spawn_blocking(|| {
        let node = Node::start();
        let server = [(cluster::binary("pause"), "/server".to_owned())];
        node.load_image("registry.local/server:1", &server, &["/server", "8080"]);
        node.api.kubectl(&["create", "namespace", "pods"]);
        let enforce = "pod-security.kubernetes.io/enforce=restricted";
        node.api.kubectl(&["label", "namespace", "pods", enforce]);
        node.api.apply(PODS);
        node.api.kubectl(&["-n", "pods", "rollout", "status", "deployment/web", "--timeout=60s"]);
        let answers = |kind: &str, path: &str| {
            let path = format!("jsonpath={path}");
            let address =
                node.api.kubectl(&["-n", "pods", "get", kind, "-l", "app=web", "-o", &path]);
            eventually(Duration::from_secs(60), || get(&address, 8080))
        };
        assert!(answers("pods", "{.items[0].status.podIP}").contains("web-"));
        assert!(answers("services", "{.items[0].spec.clusterIP}").contains("web-"));
        node.api.kubectl(&["-n", "pods", "logs", "deployment/web"]);
        let (_forward, port) = node.api.port_forward("pods", "service/web", 8080);
        assert!(get("127.0.0.1", port).expect("an answer").contains("web-"));
    })
    .await
    .expect("it ran");
}

/// The response of an HTTP server at an IP address.
fn get(address: &str, port: u16) -> Result<String, String> {
    let to = SocketAddr::new(address.parse().expect("an IP address"), port);
    // Packets to a Service that the node does not route yet are dropped. The kernel would repeat them for two minutes,
    // and each repetition would belong to the connection that was not routed.
    let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(2))
        .map_err(|error| format!("{address}: {error}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).map_err(|error| error.to_string())?;
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").map_err(|error| error.to_string())?;
    let mut text = String::new();
    stream.read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

const PODS: &str = r"
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: pods, labels: { app: web } }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      securityContext:
        runAsNonRoot: true
        seccompProfile: { type: RuntimeDefault }
      containers:
        - name: server
          image: registry.local/server:1
          imagePullPolicy: Never
          readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 }
          resources: { limits: { memory: 16Mi, cpu: 100m } }
          securityContext:
            readOnlyRootFilesystem: true
            allowPrivilegeEscalation: false
            capabilities: { drop: [ALL] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: pods, labels: { app: web } }
spec:
  selector: { app: web }
  ports: [{ port: 8080 }]
";
