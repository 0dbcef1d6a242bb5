//! Settings about hosts, which may change while the process runs.

use std::sync::Arc;

use tokio::sync::watch;

use super::{HostSettings, ObjectKey};

/// The host settings in force, and the problems with their source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostSettingsState {
    /// The settings in force.
    pub settings: HostSettings,
    /// The `ConfigMap` that they are read from, if they are not flags.
    pub source: Option<ObjectKey>,
    /// The fields that could not be read, each with the reason. The last readable value is in force.
    pub problems: Vec<String>,
}

/// Receives the host settings; `None` until they have been read once.
pub type HostSettingsReceiver = watch::Receiver<Option<Arc<HostSettingsState>>>;

impl HostSettingsState {
    /// A receiver of settings that do not change.
    pub fn fixed(settings: HostSettings) -> HostSettingsReceiver {
        watch::channel(Some(Arc::new(Self { settings, ..Self::default() }))).1
    }
}
