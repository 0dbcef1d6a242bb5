//! `lanyard run`, with the chart's RBAC, against a real API server and etcd.

use std::{
    fmt::Debug,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use lanyard::api::{OidcClient, Tenant};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    args::Args,
    harness::ApiServer,
    live::Writer,
    measure::TenantFigures,
    objects::{self, Group, LIVE},
    server::{GrowthServer, Ports, base_url},
};

const NAMESPACE: &str = "lanyard-system";
/// Concurrent writes while objects are created.
const CONCURRENT: usize = 16;
/// Timeout for Lanyard to write every status for the first time.
const WAIT_TIMEOUT: Duration = Duration::from_mins(30);

/// Measures with a number of tenants; `None` if they are only to be created.
pub async fn figures(args: &Args, data: &Path, tenants: usize) -> Result<Option<TenantFigures>> {
    let dir = data.join(format!("cluster-{tenants}x{}", args.clients));
    std::fs::create_dir_all(&dir)?;
    let cluster = Cluster::start(&dir).await?;
    let filled = dir.join("filled");
    if !filled.exists() {
        cluster.fill(args, tenants).await?;
        let server = cluster.serve(args, "fill").await?;
        server.settle(WAIT_TIMEOUT).await?;
        server.stop();
        std::fs::write(&filled, "")?;
    }
    if args.fill {
        return Ok(None);
    }
    cluster.clear_live().await?;
    let mut ready = Vec::new();
    for _ in 0..2 {
        let server = cluster.serve(args, "start").await?;
        ready.push(server.ready);
        server.stop();
    }
    let server = cluster.serve(args, "measure").await?;
    let figures = TenantFigures::take(args, &server, ready, &cluster).await?;
    server.stop();
    Ok(Some(figures))
}

struct Cluster {
    api: ApiServer,
    client: Client,
    kubeconfig: PathBuf,
}

impl Cluster {
    async fn start(dir: &Path) -> Result<Self> {
        let dir = dir.to_owned();
        let api = tokio::task::spawn_blocking(move || ApiServer::start_keeping(&dir)).await?;
        let client = api.client().await;
        if api.try_kubectl(&["get", "namespace", NAMESPACE]).is_err() {
            api.kubectl(&["create", "namespace", NAMESPACE]);
            let chart = crate::repository().join("charts/lanyard").display().to_string();
            let install = [
                "install",
                "lanyard",
                &chart,
                "-n",
                NAMESPACE,
                "--set",
                "replicas=0,image.repository=lanyard",
            ];
            api.helm(&install).map_err(anyhow::Error::msg).context("the chart")?;
        }
        let kubeconfig = api.service_account_kubeconfig(NAMESPACE, "lanyard");
        Ok(Self { api, client, kubeconfig })
    }

    async fn serve(&self, args: &Args, log: &str) -> Result<GrowthServer> {
        let ports = Ports::free();
        let store = tempfile::tempdir()?.keep();
        let env = [
            ("KUBECONFIG", self.kubeconfig.display().to_string()),
            ("POD_NAME", "lanyard-growth".to_owned()),
            ("POD_NAMESPACE", NAMESPACE.to_owned()),
            ("LANYARD_BASE_URL", base_url()),
            ("LANYARD_STORE_PATH", store.join("store.redb").display().to_string()),
            ("LANYARD_LISTEN", format!("127.0.0.1:{}", ports.serve)),
            ("LANYARD_ADMIN_LISTEN", format!("127.0.0.1:{}", ports.admin)),
        ];
        let log = self.api.dir().join(format!("lanyard-{log}.log"));
        GrowthServer::start(&args.binary(), &["run".to_owned()], &env, ports, &log).await
    }

    /// Creates every object of an installation with a number of tenants.
    async fn fill(&self, args: &Args, tenants: usize) -> Result<()> {
        let begun = Instant::now();
        for name in objects::namespaces(tenants) {
            let namespace: Namespace = serde_json::from_value(json!({
                "metadata": { "name": name, "labels": { "team": name } },
            }))?;
            self.create(&Api::all(self.client.clone()), namespace).await?;
        }
        let key = objects::key()?;
        let groups = stream::iter((0..tenants).map(|number| Group::new(number, args.clients)));
        groups
            .map(|group| {
                let key = &key;
                async move { self.fill_group(&group, key).await }
            })
            .buffer_unordered(CONCURRENT)
            .try_for_each(|()| async { Ok(()) })
            .await?;
        eprintln!("{tenants} tenants made in {:?}", begun.elapsed());
        Ok(())
    }

    async fn fill_group(&self, group: &Group, key: &lanyard::keys::KeyRecord) -> Result<()> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &group.namespace);
        let clients: Api<OidcClient> = Api::namespaced(self.client.clone(), &group.namespace);
        let tenants: Api<Tenant> = Api::namespaced(self.client.clone(), &group.namespace);
        self.create(&secrets, serde_json::from_value(group.key_secret(key))?).await?;
        self.create(&tenants, serde_json::from_value(group.tenant())?).await?;
        for name in group.client_names() {
            let made = self.create(&clients, serde_json::from_value(group.client(&name))?).await?;
            let uid = made.and_then(|made| made.metadata.uid);
            let secret = group.client_secret(&name, &base_url(), uid.as_deref());
            self.create(&secrets, serde_json::from_value(secret)?).await?;
        }
        Ok(())
    }

    /// Creates an object; `None` if an interrupted run has created it.
    async fn create<K>(&self, api: &Api<K>, object: K) -> Result<Option<K>>
    where
        K: Clone + Debug + serde::Serialize + DeserializeOwned,
    {
        match api.create(&PostParams::default(), &object).await {
            Ok(made) => Ok(Some(made)),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes what an earlier run applied.
    async fn clear_live(&self) -> Result<()> {
        let (all, params) = (ListParams::default(), DeleteParams::default());
        let client = || self.client.clone();
        Api::<OidcClient>::namespaced(client(), LIVE).delete_collection(&params, &all).await?;
        Api::<Tenant>::namespaced(client(), LIVE).delete_collection(&params, &all).await?;
        Api::<Secret>::namespaced(client(), LIVE).delete_collection(&params, &all).await?;
        Ok(())
    }
}

/// The request of `kubectl apply --server-side`, without the start of kubectl.
impl Writer for Cluster {
    async fn apply(&self, object: &Value) -> Result<()> {
        let params = PatchParams::apply("kubectl").force();
        let name = object["metadata"]["name"].as_str().context("a name")?;
        let patch = Patch::Apply(object);
        if object["kind"] == "Tenant" {
            let api = Api::<Tenant>::namespaced(self.client.clone(), LIVE);
            api.patch(name, &params, &patch).await?;
        } else {
            let api = Api::<OidcClient>::namespaced(self.client.clone(), LIVE);
            api.patch(name, &params, &patch).await?;
        }
        Ok(())
    }

    async fn delete(&self, object: &Value) -> Result<()> {
        let name = object["metadata"]["name"].as_str().context("a name")?;
        let params = DeleteParams::default();
        if object["kind"] == "Tenant" {
            Api::<Tenant>::namespaced(self.client.clone(), LIVE).delete(name, &params).await?;
        } else {
            Api::<OidcClient>::namespaced(self.client.clone(), LIVE).delete(name, &params).await?;
        }
        Ok(())
    }
}
