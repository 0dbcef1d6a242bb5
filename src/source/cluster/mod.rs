//! A Kubernetes cluster as the source. One task collects all watches into one view; writes use
//! resourceVersions as preconditions.

mod api_server_tokens;
mod delegate_resource;
mod deserialize_guard;
mod events;
mod first_answer;
mod forbidden;
mod host_settings;
mod published_schemas;
mod registrar;
mod retention;
mod selected_namespaces;
mod state;
mod streaming;
mod undeclared_fields;
mod unwatched;
mod view_collector;
mod watch_event;
mod watches;
mod without_managed_fields;
mod write;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use tokio::sync::watch;

pub use api_server_tokens::ApiServerTokens;
pub use first_answer::ConnectionRefused;
pub use host_settings::HostSettingsFollower;
pub use published_schemas::{PublishedSchemas, PublishedSchemasFollower};
use undeclared_fields::OmittedFields;

use super::{
    EventRecord, ObjectSource, SecretAnnotation, StatusUpdate, UnwatchedObject, WriteError,
};
use crate::{
    api::{SourceHealth, SourceView},
    model::{Clock, KeySecrets, ObjectKey, ObjectRef},
};

/// The namespaces and Secrets that are watched.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// Namespaces to watch; empty: all, or those that the selector matches.
    pub namespaces: Vec<String>,
    /// A label selector for the namespaces to watch, in the API server's form.
    pub selector: Option<String>,
    /// The Secrets with the installation's keys.
    pub key_secrets: KeySecrets,
}

impl ClusterOptions {
    /// Returns true if there is one watch for the objects of all namespaces.
    fn watches_all(&self) -> bool {
        self.namespaces.is_empty() && self.selector.is_none()
    }

    /// Returns true if the labels of all namespaces may be read.
    fn reads_labels(&self) -> bool {
        self.watches_all() || self.selector.is_some()
    }
}

/// Interval of the requests that check whether the API server responds.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(3);
/// Time in which the API server must respond to such a check.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);

/// Reports a write that failed: its operation, and why.
pub type OnWriteError = Box<dyn Fn(ClusterWrite, &WriteError) + Send + Sync>;

/// The writes of a [`ClusterSource`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterWrite {
    /// Creates a Secret that does not exist.
    CreateSecret,
    /// Replaces a Secret, or its annotations, at its resourceVersion.
    ReplaceSecret,
    /// Deletes a Secret at its resourceVersion.
    DeleteSecret,
    /// Deletes the `OidcClient` of a registered client that was never used.
    DeleteClient,
    /// Writes the status of an object (subresource `status`).
    PublishStatus,
    /// Publishes an Event on an object.
    PublishEvent,
    /// Creates, changes or deletes a client for the client itself.
    RegisterClient,
}

/// The objects of a Kubernetes cluster, watched and written through its API server.
pub struct ClusterSource {
    client: Client,
    on_write_error: OnWriteError,
    views: watch::Sender<Arc<SourceView>>,
    watched: OnceLock<Vec<String>>,
    left: watch::Sender<BTreeSet<String>>,
    recorder: kube::runtime::events::Recorder,
    omitted: OmittedFields,
}

impl fmt::Debug for ClusterSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}

impl ClusterSource {
    /// Creates the source. It has no objects before `start`.
    pub fn new(client: Client, identity: String, on_write_error: OnWriteError) -> Arc<Self> {
        let views = watch::Sender::new(Arc::new(SourceView::default()));
        let recorder = events::event_recorder(client.clone(), identity);
        let (watched, left) = (OnceLock::new(), watch::Sender::default());
        let omitted = OmittedFields::default();
        Arc::new(Self { client, on_write_error, views, watched, left, recorder, omitted })
    }

    /// Waits without a limit until the API server answers; ends with an error if it refuses the
    /// request. In the meantime the views' health says that the API server cannot be reached.
    pub async fn wait_for_api_server(
        &self,
        address: &str,
        clock: &dyn Clock,
    ) -> Result<(), ConnectionRefused> {
        let since = clock.now();
        let unreachable = |error| {
            let failing = Some((since, error));
            let health = SourceHealth { failing, ..SourceHealth::default() };
            self.views.send_replace(Arc::new(SourceView { health, ..SourceView::default() }));
        };
        let version =
            first_answer::wait_for_first_answer(&self.client, address, unreachable).await?;
        tracing::info!(version, "connected to the API server");
        self.views.send_replace(Arc::default());
        Ok(())
    }

    /// Starts the watches. The first synced view contains every initial list.
    pub fn start(&self, options: ClusterOptions, clock: Arc<dyn Clock>) {
        let _ = self.watched.set(options.namespaces.clone());
        // The receiver must exist first: the heartbeat ends with its last receiver.
        let (health, follow) = watch::channel(None);
        tokio::spawn(heartbeat(self.client.clone(), health, clock));
        let (client, views) = (self.client.clone(), self.views.clone());
        match options.selector.clone() {
            Some(selector) => {
                let watched = selected_namespaces::SelectedNamespaces {
                    client,
                    options,
                    selector,
                    health: follow,
                };
                tokio::spawn(watched.collect(views, self.left.clone()));
            }
            None => {
                tokio::spawn(view_collector::run_view_collector(client, options, views, follow));
            }
        }
    }

    /// Reports a failed write to the callback, and returns the outcome.
    fn observed<T>(
        &self,
        write: ClusterWrite,
        done: Result<T, WriteError>,
    ) -> Result<T, WriteError> {
        done.inspect_err(|error| (self.on_write_error)(write, error))
    }
}

/// The time since which the API server does not respond, and the error.
type Failing = Option<(crate::model::Timestamp, String)>;

/// Checks regularly whether the API server responds, because an idle watch does not show it.
async fn heartbeat(client: Client, health: watch::Sender<Failing>, clock: Arc<dyn Clock>) {
    while !health.is_closed() {
        let asked = tokio::time::timeout(REQUEST_TIMEOUT, client.apiserver_version()).await;
        let error = match asked {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("the API server does not respond".to_owned()),
        };
        let now = clock.now();
        health.send_if_modified(|failing| match (&failing, error) {
            (None, None) | (Some(_), Some(_)) => false,
            (Some((since, _)), None) => {
                tracing::info!(%since, "the API server responds again");
                *failing = None;
                true
            }
            (None, Some(error)) => {
                tracing::warn!(error, "the API server does not respond; serving the last snapshot");
                *failing = Some((now, error));
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
        let done = write::create_secret(&self.client, secret).await;
        self.observed(ClusterWrite::CreateSecret, done)
    }

    async fn replace_secret(&self, secret: Secret) -> Result<(), WriteError> {
        let done = write::replace_secret(&self.client, secret).await;
        self.observed(ClusterWrite::ReplaceSecret, done)
    }

    async fn annotate_secret(
        &self,
        key: &ObjectKey,
        version: &str,
        changes: &[SecretAnnotation],
    ) -> Result<(), WriteError> {
        let done = write::annotate_secret(&self.client, key, version, changes).await;
        self.observed(ClusterWrite::ReplaceSecret, done)
    }

    async fn delete_secret(&self, key: &ObjectKey, version: &str) -> Result<(), WriteError> {
        let done = write::delete_secret(&self.client, key, version).await;
        self.observed(ClusterWrite::DeleteSecret, done)
    }

    async fn delete_client(&self, key: &ObjectKey, seen: Option<&str>) -> Result<(), WriteError> {
        let done = write::delete_client(&self.client, key, seen).await;
        self.observed(ClusterWrite::DeleteClient, done)
    }

    async fn publish_status(
        &self,
        object: &ObjectRef,
        status: StatusUpdate,
    ) -> Result<(), WriteError> {
        let done = write::write_status(&self.client, &self.omitted, object, status).await;
        self.observed(ClusterWrite::PublishStatus, done)
    }

    async fn unwatched(&self) -> Vec<UnwatchedObject> {
        let left = self.left.borrow().clone();
        let found = match self.watched.get().filter(|watched| !watched.is_empty()) {
            Some(watched) => unwatched::list_unwatched_objects(&self.client, watched).await,
            None => unwatched::list_objects_of(&self.client, &left).await,
        };
        found.unwrap_or_else(|error| {
            tracing::warn!(%error, "failed to list the objects of other namespaces");
            Vec::new()
        })
    }

    fn left_namespaces(&self) -> watch::Receiver<BTreeSet<String>> {
        self.left.subscribe()
    }

    async fn publish_event(&self, notice: EventRecord) {
        let view = Arc::clone(&self.views.borrow());
        let done = events::publish_event(&self.recorder, &view, notice).await;
        let _ = self.observed(ClusterWrite::PublishEvent, done);
    }
}
