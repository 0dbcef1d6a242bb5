//! A cluster as the source: one task gathers every watch into one view, and writes go to the API
//! server under their resource versions.

mod delegate_resource;
mod deserialize_guard;
mod events;
mod forbidden;
mod registrar;
mod state;
mod view_collector;
mod watches;
mod without_managed_fields;
mod write;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use tokio::sync::watch;

use super::{EventRecord, ObjectSource, StatusUpdate, WriteError};
use crate::{
    api::SourceView,
    model::{Clock, ObjectKey, ObjectRef},
};

/// What to watch.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// These namespaces; none: all.
    pub namespaces: Vec<String>,
    /// The Secret of the installation's sealing keys.
    pub sealing_secret: ObjectKey,
    /// This replica's name, for Events.
    pub identity: String,
}

/// How often the API server is asked whether it answers.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(3);
/// How long it may take to answer that.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);

/// A cluster.
pub struct ClusterSource {
    client: Client,
    views: watch::Sender<Arc<SourceView>>,
    recorder: kube::runtime::events::Recorder,
}

impl fmt::Debug for ClusterSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}

impl ClusterSource {
    /// Starts to watch. The first view that is synced has every first list.
    pub fn start(client: Client, options: ClusterOptions, clock: Arc<dyn Clock>) -> Arc<Self> {
        let views = watch::Sender::new(Arc::new(SourceView::default()));
        let cluster = Arc::new(Self {
            recorder: events::recorder(client.clone(), options.identity.clone()),
            client: client.clone(),
            views: views.clone(),
        });
        // The receiver comes first: the heartbeat ends when there is none.
        let (health, follow) = watch::channel(None);
        tokio::spawn(heartbeat(client.clone(), health, clock));
        tokio::spawn(view_collector::run(client, options, views, follow));
        cluster
    }
}

/// Since when the API server does not answer, and how.
type Failing = Option<(crate::model::Timestamp, String)>;

/// Asks the API server now and then, since a watch that has nothing to tell tells nothing.
async fn heartbeat(client: Client, health: watch::Sender<Failing>, clock: Arc<dyn Clock>) {
    while !health.is_closed() {
        let asked = tokio::time::timeout(REQUEST_TIMEOUT, client.apiserver_version()).await;
        let problem = match asked {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("the API server does not answer".to_owned()),
        };
        let now = clock.now();
        health.send_if_modified(|failing| match (&failing, problem) {
            (None, None) | (Some(_), Some(_)) => false,
            (Some((since, _)), None) => {
                tracing::info!(%since, "the API server answers again");
                *failing = None;
                true
            }
            (None, Some(problem)) => {
                tracing::warn!(
                    problem,
                    "the API server does not answer; serving goes on from the last snapshot"
                );
                *failing = Some((now, problem));
                true
            }
        });
        tokio::time::sleep(HEARTBEAT_INTERVAL).await;
    }
}

#[async_trait]
impl ObjectSource for ClusterSource {
    fn views(&self) -> watch::Receiver<Arc<SourceView>> {
        self.views.subscribe()
    }

    async fn create_secret(&self, secret: Secret) -> Result<(), WriteError> {
        write::create(&self.client, secret).await
    }

    async fn replace_secret(&self, secret: Secret) -> Result<(), WriteError> {
        write::replace(&self.client, secret).await
    }

    async fn delete_secret(&self, key: &ObjectKey, version: &str) -> Result<(), WriteError> {
        write::delete(&self.client, key, version).await
    }

    async fn delete_client(&self, key: &ObjectKey, seen: Option<&str>) -> Result<(), WriteError> {
        write::delete_client(&self.client, key, seen).await
    }

    async fn publish_status(
        &self,
        object: &ObjectRef,
        status: StatusUpdate,
    ) -> Result<(), WriteError> {
        write::status(&self.client, object, status).await
    }

    async fn publish_event(&self, notice: EventRecord) {
        let view = Arc::clone(&self.views.borrow());
        events::publish(&self.recorder, &view, notice).await;
    }
}
