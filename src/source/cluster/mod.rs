//! A cluster as the source: one task gathers every watch into one view, and writes go to the API
//! server under their resource versions.

mod collect;
mod denied;
mod events;
mod guarded;
mod lean;
mod registrar;
mod state;
mod watches;
mod wrapped;
mod write;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use tokio::sync::watch;

use super::{Notice, Source, Status, WriteError};
use crate::{
    api::View,
    model::{Clock, ObjectKey, ObjectRef},
};

/// What to watch.
#[derive(Clone, Debug)]
pub struct Options {
    /// These namespaces; none: all.
    pub namespaces: Vec<String>,
    /// The Secret of the installation's sealing keys.
    pub sealing_secret: ObjectKey,
    /// This replica's name, for Events.
    pub identity: String,
}

/// How often the API server is asked whether it answers.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// How long it may take to answer that.
const PATIENCE: Duration = Duration::from_secs(3);

/// A cluster.
pub struct Cluster {
    client: Client,
    views: watch::Sender<Arc<View>>,
    recorder: kube::runtime::events::Recorder,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}

impl Cluster {
    /// Starts to watch. The first view that is synced has every first list.
    pub fn start(client: Client, options: Options, clock: Arc<dyn Clock>) -> Arc<Self> {
        let views = watch::Sender::new(Arc::new(View::default()));
        let cluster = Arc::new(Self {
            recorder: events::recorder(client.clone(), options.identity.clone()),
            client: client.clone(),
            views: views.clone(),
        });
        // The receiver comes first: the heartbeat ends when there is none.
        let (health, follow) = watch::channel(None);
        tokio::spawn(heartbeat(client.clone(), health, clock));
        tokio::spawn(collect::run(client, options, views, follow));
        cluster
    }
}

/// Since when the API server does not answer, and how.
type Failing = Option<(crate::model::Timestamp, String)>;

/// Asks the API server now and then, since a watch that has nothing to tell tells nothing.
async fn heartbeat(client: Client, health: watch::Sender<Failing>, clock: Arc<dyn Clock>) {
    while !health.is_closed() {
        let asked = tokio::time::timeout(PATIENCE, client.apiserver_version()).await;
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
        tokio::time::sleep(HEARTBEAT).await;
    }
}

#[async_trait]
impl Source for Cluster {
    fn views(&self) -> watch::Receiver<Arc<View>> {
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

    async fn publish_status(&self, object: &ObjectRef, status: Status) -> Result<(), WriteError> {
        write::status(&self.client, object, status).await
    }

    async fn notify(&self, notice: Notice) {
        let view = Arc::clone(&self.views.borrow());
        events::publish(&self.recorder, &view, notice).await;
    }
}
