//! Follows the `ConfigMap` of the installation's host settings.

use std::{collections::BTreeMap, pin::pin, sync::Arc};

use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client,
    runtime::{
        WatchStreamExt,
        watcher::{self, Config, Event},
    },
};
use tokio::sync::watch;

use super::{streaming::CappedBackoff, watch_event::refused_status, watches::WATCH_TIMEOUT_SECS};
use crate::{
    model::{HostSettingsReceiver, HostSettingsState, ObjectKey},
    source::host_settings::HostSettingsReader,
};

/// Follows the `ConfigMap` of host settings. If it is missing or unreadable, the last settings stay in force. At
/// first there are no settings, and nothing is allowed.
#[derive(Debug)]
pub struct HostSettingsFollower {
    source: ObjectKey,
    states: watch::Sender<Option<Arc<HostSettingsState>>>,
    reader: HostSettingsReader,
}

impl HostSettingsFollower {
    /// Creates a follower, which sends nothing before it is started.
    pub fn new(source: ObjectKey) -> (Self, HostSettingsReceiver) {
        let (states, receiver) = watch::channel(None);
        (Self { source, states, reader: HostSettingsReader::default() }, receiver)
    }

    /// Follows until the receiver is dropped.
    pub fn start(self, client: Client) {
        tokio::spawn(follow(client, self));
    }
}

async fn follow(client: Client, mut follower: HostSettingsFollower) {
    let api: Api<ConfigMap> = Api::namespaced(client, &follower.source.namespace);
    let only = Config::default().fields(&format!("metadata.name={}", follower.source.name));
    let events = watcher::watcher(api, only.timeout(WATCH_TIMEOUT_SECS));
    let mut events = pin!(events.backoff(CappedBackoff::default()));
    let mut listed = None;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = follower.states.closed() => return,
        };
        match event {
            Some(Ok(Event::Init)) => listed = None,
            Some(Ok(Event::InitApply(found))) => listed = Some(found),
            Some(Ok(Event::InitDone)) => follower.take(listed.take()),
            Some(Ok(Event::Apply(found))) => follower.take(Some(found)),
            Some(Ok(Event::Delete(_))) => follower.take(None),
            Some(Err(error)) => follower.failed(&error),
            None => return,
        }
    }
}

impl HostSettingsFollower {
    /// Reads the `ConfigMap` and publishes its settings. `None`: it does not exist, and the last settings stay in
    /// force.
    fn take(&mut self, found: Option<ConfigMap>) {
        let Some(found) = found else {
            let problem = "does not exist; upgrade the Helm release, which makes it".to_owned();
            return self.publish(vec![problem]);
        };
        let data: BTreeMap<String, String> = found.data.unwrap_or_default();
        let (_, problems) = self.reader.read(&data);
        self.publish(problems);
    }

    /// A watch that fails is retried. One that is forbidden must not keep the replica from serving.
    fn failed(&mut self, error: &watcher::Error) {
        match refused_status(error) {
            Some(status) if status.code == 403 => {
                let problem = format!("cannot be read: {}", status.message);
                self.publish(vec![problem]);
            }
            _ => tracing::warn!(config_map = %self.source, %error, "a watch failed; retrying"),
        }
    }

    fn publish(&self, problems: Vec<String>) {
        let state = HostSettingsState {
            settings: self.reader.settings(),
            source: Some(self.source.clone()),
            problems,
        };
        self.states.send_if_modified(|last| {
            if last.as_deref() == Some(&state) {
                return false;
            }
            if last.as_ref().is_none_or(|last| last.problems != state.problems) {
                for problem in &state.problems {
                    tracing::warn!(config_map = %self.source, error = problem, "host settings cannot be read; the last ones stay in force");
                }
            }
            if last.as_ref().is_some_and(|last| last.settings != state.settings) {
                tracing::info!(config_map = %self.source, "host settings changed");
            }
            *last = Some(Arc::new(state));
            true
        });
    }
}
