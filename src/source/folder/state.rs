//! Files of the state folder, and log messages about statuses.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use k8s_openapi::api::core::v1::Secret;

use crate::{
    api::{ConditionType, OidcClient, StatusDigest, ready_condition},
    model::ObjectKey,
    source::{StatusUpdate, manifests::to_yaml},
};

/// Creates the state folder, readable only by its owner.
pub(super) fn create_state_folder(state: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(state)
}

/// The path of a Secret's file: `NAMESPACE.NAME.secret.yaml` in the state folder.
pub(super) fn secret_file_path(state: &Path, key: &ObjectKey) -> PathBuf {
    state.join(format!("{}.{}.secret.yaml", key.namespace, key.name))
}

/// The path of a registered client's file: `NAMESPACE.NAME.oidcclient.yaml` in the state folder.
pub(super) fn client_file_path(state: &Path, key: &ObjectKey) -> PathBuf {
    state.join(format!("{}.{}.oidcclient.yaml", key.namespace, key.name))
}

/// Writes a Secret as YAML, without its resourceVersion and owner references.
pub(super) fn write_secret_file(path: &Path, secret: &Secret) -> io::Result<()> {
    let mut secret = secret.clone();
    secret.metadata.resource_version = None;
    secret.metadata.owner_references = None;
    put(path, &to_yaml(&secret))
}

/// Writes a client as YAML.
pub(super) fn write_client(path: &Path, client: &OidcClient) -> io::Result<()> {
    put(path, &to_yaml(client))
}

/// Writes a file atomically, readable only by its owner.
fn put(path: &Path, text: &str) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

/// Logs changes of the conditions Ready and Reachable, within the span of a reconcile.
pub(super) fn log_status(file: Option<&Path>, before: &StatusDigest, status: &StatusUpdate) {
    log_reachability(before, status);
    let Some(ready) =
        ready_condition(status.conditions()).filter(|ready| !before.same_ready_reason(ready))
    else {
        return;
    };
    match (&*ready.status, &*ready.reason) {
        ("True", _) => tracing::info!("object is ready"),
        (_, "Pending") => tracing::debug!(error = %ready.message, "object is pending"),
        (_, reason) => {
            let file = file.map(|file| tracing::field::display(file.display()));
            tracing::warn!(file, reason, error = %ready.message, "object is not ready");
        }
    }
}

/// Logs that an identity provider can be reached again, or can no longer be reached.
fn log_reachability(before: &StatusDigest, status: &StatusUpdate) {
    let kind = ConditionType::Reachable;
    let Some(now) = status.conditions().iter().find(|it| it.type_ == kind.as_str()) else { return };
    let was = |status: &str| before.since(kind, status).is_some();
    match &*now.status {
        "True" if was("False") => tracing::info!("the identity provider can be reached again"),
        "False" if !was("False") => {
            let (reason, error) = (&*now.reason, &now.message);
            tracing::warn!(reason, %error, "the identity provider cannot be reached");
        }
        _ => {}
    }
}
