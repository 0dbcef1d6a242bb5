//! The task that collects all watches into views.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use tokio::sync::watch;

use super::{
    ClusterOptions, Failing,
    retention::SecretFilter,
    state::WatchState,
    watch_event::{WatchChange, WatchEvent},
    watches,
};
use crate::{
    api::{CachedSecret, SecretState, SourceHealth, SourceView},
    model::ObjectKey,
};

/// How long successive changes are collected into one view.
const DEBOUNCE: Duration = Duration::from_millis(5);
/// Maximum number of concurrent fetches of Secrets.
const MAX_CONCURRENT_FETCHES: usize = 8;
/// Interval between retries of unreadable Secrets. The cause is a Role, and Roles are not watched.
const REFETCH_INTERVAL: Duration = Duration::from_secs(30);
/// Time in which the API server must send a Secret.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// Collects until all receivers of views are dropped.
pub(super) async fn run_view_collector(
    client: Client,
    options: ClusterOptions,
    views: watch::Sender<Arc<SourceView>>,
    mut health: watch::Receiver<Failing>,
) {
    let ready = watch::Sender::new(false);
    let filter = SecretFilter {
        objects: Arc::default(),
        is_ready: ready.subscribe(),
        key_secrets: options.key_secrets.clone(),
    };
    let (kinds, streams): (Vec<_>, Vec<_>) =
        watches::all_watches(&client, &options, &filter).into_iter().unzip();
    let key_secrets = options.key_secrets.clone();
    let mut state = WatchState::new(kinds, key_secrets, options.reads_labels());
    let mut changes = stream::select_all(streams).ready_chunks(1024);
    let mut retry = false;
    let mut ask = tokio::time::interval(REFETCH_INTERVAL);
    loop {
        let patience = if retry { Duration::from_secs(2) } else { Duration::from_secs(3600) };
        tokio::select! {
            _ = ask.tick() => if !state.ask_again() { continue },
            chunk = changes.next() => {
                let Some(chunk) = chunk else { return };
                take(&mut state, chunk);
                // A burst of changes results in one view.
                let deadline = tokio::time::Instant::now() + DEBOUNCE;
                while let Ok(Some(chunk)) = tokio::time::timeout_at(deadline, changes.next()).await {
                    take(&mut state, chunk);
                }
            }
            changed = health.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = tokio::time::sleep(patience) => {}
        }
        filter.objects.store(Arc::clone(&state.objects));
        if state.objects_complete() {
            ready.send_if_modified(|ready| !std::mem::replace(ready, true));
        }
        if state.complete() {
            retry = !fetch_missing(&client, &mut state).await;
            state.settle();
            publish(&state, &views, &health);
        }
    }
}

fn take(state: &mut WatchState, chunk: Vec<WatchChange>) {
    let before = state.forbidden_namespaces();
    for change in chunk {
        if let WatchEvent::Failed(error) = &change.what {
            tracing::warn!(error, "a watch failed; retrying");
        }
        state.take(change);
    }
    let after = state.forbidden_namespaces();
    // Forbidden requests are repeated for as long as the Role is missing.
    for (namespace, error) in after.iter().filter(|(namespace, _)| !before.contains_key(*namespace))
    {
        tracing::warn!(
            namespace,
            error,
            "a namespace may not be watched, because a RoleBinding is missing; serving the others and retrying"
        );
    }
    for namespace in before.keys().filter(|namespace| !after.contains_key(*namespace)) {
        tracing::info!(namespace, "a namespace that was forbidden is watched now");
    }
}

fn publish(
    state: &WatchState,
    views: &watch::Sender<Arc<SourceView>>,
    health: &watch::Receiver<Failing>,
) {
    let forbidden_namespaces = state.forbidden_namespaces().into_keys().collect();
    let failing = health.borrow().clone();
    let health = SourceHealth { synced: true, failing, forbidden_namespaces };
    // Revision 0 means that nothing was read, which is not true of an empty cluster.
    let view =
        SourceView { objects: Arc::clone(&state.objects), revision: state.revision + 1, health };
    views.send_replace(Arc::new(view));
}

/// Fetches the Secrets that objects refer to. Returns false if a fetch failed.
async fn fetch_missing(client: &Client, state: &mut WatchState) -> bool {
    let missing = state.missing();
    let fetches = missing.into_iter().map(|(key, version)| async move {
        let found = fetch(client, &key).await;
        (key, version, found)
    });
    let fetched: Vec<_> =
        stream::iter(fetches).buffer_unordered(MAX_CONCURRENT_FETCHES).collect().await;
    let mut all = true;
    for (key, version, found) in fetched {
        match found {
            Ok(found) => state.fetched(key, version, found),
            Err(error) => {
                tracing::warn!(secret = %key, %error, "failed to fetch a Secret; retrying");
                all = false;
            }
        }
    }
    all
}

/// Why a Secret could not be fetched.
#[derive(Debug, thiserror::Error)]
enum FetchSecretError {
    #[error("no answer")]
    Timeout,
    #[error(transparent)]
    Call(#[from] kube::Error),
}

async fn fetch(client: &Client, key: &ObjectKey) -> Result<Option<SecretState>, FetchSecretError> {
    let api: Api<Secret> = Api::namespaced(client.clone(), &key.namespace);
    match tokio::time::timeout(FETCH_TIMEOUT, api.get_opt(&key.name)).await {
        Ok(Ok(secret)) => Ok(secret.map(|secret| SecretState::Loaded(CachedSecret::new(secret)))),
        Ok(Err(kube::Error::Api(status))) if status.code == 403 => {
            Ok(Some(SecretState::Unreadable(status.message.as_str().into())))
        }
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(FetchSecretError::Timeout),
    }
}
