//! The test environment itself: that what the other tests stand on is what it says.

#[path = "common/cluster/mod.rs"]
mod cluster;

use cluster::ApiServer;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, api::PostParams};

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_keeps_objects_over_a_restart_and_knows_service_accounts() {
    let server = tokio::task::spawn_blocking(ApiServer::start).await.expect("it starts");
    server.kubectl(&["create", "namespace", "kept"]);
    let maps: Api<ConfigMap> = Api::namespaced(server.client().await, "kept");
    let map = serde_json::from_value(serde_json::json!({ "metadata": { "name": "it" } }));
    maps.create(&PostParams::default(), &map.expect("a ConfigMap")).await.expect("created");

    server.kubectl(&["-n", "kept", "create", "serviceaccount", "nobody"]);
    let nobody = server.service_account_kubeconfig("kept", "nobody");
    let refused =
        Api::<ConfigMap>::namespaced(cluster::client(&nobody).await, "kept").get("it").await;
    assert!(matches!(&refused, Err(kube::Error::Api(status)) if status.code == 403), "{refused:?}");

    server.stop_apiserver();
    maps.get("it").await.expect_err("it is stopped");
    server.start_apiserver();
    maps.get("it").await.expect("it kept its data");
}
