//! The state folder, and statuses.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::Condition};

use crate::{
    api::{ConditionType, Objects, OidcClient},
    model::{Kind, ObjectKey, ObjectRef},
    source::{Status, manifests::to_yaml},
};

/// Makes the folder, for its owner's eyes only.
pub(super) fn prepare(state: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(state)
}

/// The file of a Secret.
pub(super) fn path_of(state: &Path, key: &ObjectKey) -> PathBuf {
    state.join(format!("{}.{}.secret.yaml", key.namespace, key.name))
}

/// The file of a registered client.
pub(super) fn path_of_client(state: &Path, key: &ObjectKey) -> PathBuf {
    state.join(format!("{}.{}.oidcclient.yaml", key.namespace, key.name))
}

/// Writes a Secret.
pub(super) fn write(path: &Path, secret: &Secret) -> io::Result<()> {
    let mut secret = secret.clone();
    secret.metadata.resource_version = None;
    secret.metadata.owner_references = None;
    put(path, &to_yaml(&secret))
}

/// Writes a client.
pub(super) fn write_client(path: &Path, client: &OidcClient) -> io::Result<()> {
    put(path, &to_yaml(client))
}

/// Writes a file: whole or not at all, for its owner's eyes only.
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

/// Whether an object is there.
pub(super) fn exists(objects: &Objects, reference: &ObjectRef) -> bool {
    let key = &reference.key;
    match reference.kind {
        Kind::Tenant => objects.tenants.contains_key(key),
        Kind::OidcClient => objects.clients.contains_key(key),
        Kind::OidcUser => objects.users.contains_key(key),
        Kind::Secret | Kind::Namespace => false,
    }
}

/// Puts a status where a cluster would show it.
pub(super) fn put_status(objects: &mut Objects, reference: &ObjectRef, status: &Status) {
    let key = &reference.key;
    match status {
        Status::Tenant(status) => {
            if let Some(tenant) = objects.tenants.get_mut(key) {
                Arc::make_mut(tenant).status = Some(status.clone());
            }
        }
        Status::OidcClient(status) => {
            if let Some(client) = objects.clients.get_mut(key) {
                Arc::make_mut(client).status = Some(status.clone());
            }
        }
        Status::OidcUser(status) => {
            if let Some(user) = objects.users.get_mut(key) {
                Arc::make_mut(user).status = Some(status.clone());
            }
        }
        Status::Malformed(_) => {}
    }
}

fn conditions(status: &Status) -> &[Condition] {
    match status {
        Status::Tenant(status) => &status.conditions,
        Status::OidcClient(status) => &status.conditions,
        Status::OidcUser(status) => &status.conditions,
        Status::Malformed(conditions) => conditions,
    }
}

/// One line for each change of `Ready`.
pub(super) fn log_status(object: &ObjectRef, before: Option<&Status>, after: &Status) {
    let ready = |status: &Status| {
        let mut all = conditions(status).iter();
        all.find(|condition| condition.type_ == ConditionType::Ready.as_str())
            .map(|ready| (ready.status.clone(), ready.reason.clone(), ready.message.clone()))
    };
    let now = ready(after);
    if before.and_then(ready) == now {
        return;
    }
    match now {
        Some((status, ..)) if status == "True" => tracing::info!("{object}: ready"),
        Some((_, reason, message)) if reason == "Pending" => tracing::debug!("{object}: {message}"),
        Some((_, reason, message)) => tracing::warn!("{object}: {reason}: {message}"),
        None => {}
    }
}
