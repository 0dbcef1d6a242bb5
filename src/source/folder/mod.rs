//! A folder of manifests as the source, for `dev`. Generated Secrets and keys are written to a
//! state folder, as manifests too; statuses and Events are logged.

mod cached_objects;
mod files;
mod registrar;
mod state;
mod watcher;

use std::{
    fmt, io, mem,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Secret;
use tokio::sync::watch;

use super::{EventRecord, ObjectSource, SecretAnnotation, StatusUpdate, WriteError};
use crate::{
    api::{CachedSecret, EventType, SecretState, SourceHealth, SourceView},
    model::{ObjectKey, ObjectKind, ObjectRef, RegistrarError},
};
pub(crate) use cached_objects::{CachedManifest, collect_objects};
use files::ManifestFiles;
pub(crate) use files::ManifestValidator;

/// A folder of manifests, and a state folder.
pub struct FolderSource {
    inner: Mutex<FolderState>,
    views: watch::Sender<Arc<SourceView>>,
    /// The number of the last published view.
    published: AtomicU64,
    manifests: PathBuf,
    state: PathBuf,
}

struct FolderState {
    files: ManifestFiles,
    revision: u64,
    /// Views made, including those with a new status only, which have no revision of their own.
    views: u64,
}

impl fmt::Debug for FolderSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("manifests", &self.manifests).finish_non_exhaustive()
    }
}

impl FolderSource {
    /// Reads a folder, and follows changes while the source is in use. If `validate` rejects an edit,
    /// the previous version of the object is kept.
    pub(crate) fn start(
        manifests: &Path,
        state: &Path,
        validate: ManifestValidator,
    ) -> io::Result<Arc<Self>> {
        if !manifests.is_dir() {
            let text = format!("{} is not a folder of manifests", manifests.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, text));
        }
        state::create_state_folder(state)?;
        let inner = FolderState { files: ManifestFiles::new(validate), revision: 0, views: 0 };
        let directory = Arc::new(Self {
            inner: Mutex::new(inner),
            views: watch::Sender::new(Arc::new(SourceView::default())),
            published: AtomicU64::new(0),
            manifests: manifests.canonicalize()?,
            state: state.canonicalize()?,
        });
        directory.reload();
        watcher::spawn_folder_watcher(&directory);
        Ok(directory)
    }

    /// The file that contains a Secret, if any.
    pub fn file_of_secret(&self, key: &ObjectKey) -> Option<PathBuf> {
        let reference = ObjectRef::new(ObjectKind::Secret, key.clone());
        self.lock().files.file_of(&reference)
    }

    /// Reads changed files and publishes the view.
    fn reload(&self) {
        let mut inner = self.lock();
        if self.read_files(&mut inner) || inner.views == 0 {
            self.publish(inner);
        }
    }

    /// Reads changed files, changes some of them, and publishes the view, even if the change fails:
    /// what was read once is not found again.
    fn change_files<E>(&self, change: impl FnOnce(&FolderState) -> Result<(), E>) -> Result<(), E> {
        let mut inner = self.lock();
        let edited = self.read_files(&mut inner);
        let done = change(&inner);
        if self.read_files(&mut inner) || edited {
            self.publish(inner);
        }
        done
    }

    fn read_files(&self, inner: &mut FolderState) -> bool {
        let changed = inner.files.reload(&[&self.manifests, &self.state]);
        inner.revision += u64::from(changed);
        changed
    }

    /// Publishes a view of the current objects. Releases the lock first: a reader that holds the
    /// published view may wait for it.
    fn publish(&self, mut inner: MutexGuard<'_, FolderState>) {
        inner.views += 1;
        let number = inner.views;
        let objects = Arc::new(inner.files.objects());
        let health = SourceHealth { synced: true, ..SourceHealth::default() };
        let mut view = Arc::new(SourceView { objects, revision: inner.revision, health });
        drop(inner);
        self.views.send_if_modified(|current| {
            let newer = self.published.fetch_max(number, Ordering::Relaxed) < number;
            if newer {
                mem::swap(current, &mut view);
            }
            newer
        });
    }

    fn lock(&self) -> MutexGuard<'_, FolderState> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes or deletes the file of a Secret, after a check of the current one.
    fn write(
        &self,
        key: &ObjectKey,
        check: impl FnOnce(Option<&CachedSecret>) -> Result<(), WriteError>,
        new: Option<&Secret>,
    ) -> Result<(), WriteError> {
        self.change_files(|inner| {
            let reference = ObjectRef::new(ObjectKind::Secret, key.clone());
            check(inner.files.secret(&reference))?;
            let there = inner.files.file_of(&reference);
            if there.is_some_and(|file| !file.starts_with(&self.state)) {
                return Err(WriteError::Refused(format!(
                    "Secret \"{key}\" is in your manifests; remove it, or use another name"
                )));
            }
            let path = state::secret_file_path(&self.state, key);
            let done = match new {
                Some(secret) => state::write_secret_file(&path, secret),
                None => std::fs::remove_file(&path),
            };
            done.map_err(|error| WriteError::Unavailable(format!("{}: {error}", path.display())))
        })
    }
}

fn object_key(secret: &Secret) -> ObjectKey {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    ObjectKey::new(text(&secret.metadata.namespace), text(&secret.metadata.name))
}

#[async_trait]
impl ObjectSource for FolderSource {
    fn views(&self) -> watch::Receiver<Arc<SourceView>> {
        self.views.subscribe()
    }

    async fn create_secret(&self, secret: Secret) -> Result<(), WriteError> {
        let absent = |found: Option<&CachedSecret>| match found {
            None => Ok(()),
            Some(_) => Err(WriteError::Conflict),
        };
        self.write(&object_key(&secret), absent, Some(&secret))
    }

    async fn replace_secret(&self, secret: Secret) -> Result<(), WriteError> {
        let seen = secret.metadata.resource_version.as_deref();
        let unchanged = |found: Option<&CachedSecret>| match found {
            None => Err(WriteError::NotFound),
            Some(found) if found.version() == seen => Ok(()),
            Some(_) => Err(WriteError::Conflict),
        };
        self.write(&object_key(&secret), unchanged, Some(&secret))
    }

    async fn annotate_secret(
        &self,
        key: &ObjectKey,
        version: &str,
        changes: &[SecretAnnotation],
    ) -> Result<(), WriteError> {
        let view = Arc::clone(&self.views.borrow());
        let Some(SecretState::Loaded(found)) = view.objects.secrets.get(key) else {
            return Err(WriteError::NotFound);
        };
        let mut secret = found.to_secret(key);
        if secret.metadata.resource_version.as_deref() != Some(version) {
            return Err(WriteError::Conflict);
        }
        super::annotate(&mut secret.metadata, changes);
        self.replace_secret(secret).await
    }

    async fn delete_secret(&self, key: &ObjectKey, version: &str) -> Result<(), WriteError> {
        let unchanged = |found: Option<&CachedSecret>| match found {
            None => Err(WriteError::NotFound),
            Some(found) if found.version() == Some(version) => Ok(()),
            Some(_) => Err(WriteError::Conflict),
        };
        self.write(key, unchanged, None)
    }

    async fn delete_client(&self, key: &ObjectKey, _: Option<&str>) -> Result<(), WriteError> {
        self.remove_client(key).map_err(|error| match error {
            RegistrarError::NotFound => WriteError::Refused(format!(
                "OidcClient \"{key}\" was not registered in the state folder; delete its manifest yourself"
            )),
            other => WriteError::Unavailable(other.to_string()),
        })
    }

    async fn publish_status(
        &self,
        object: &ObjectRef,
        status: StatusUpdate,
    ) -> Result<(), WriteError> {
        let mut inner = self.lock();
        let applied = inner.files.apply_status(object, &status).unwrap_or_default();
        inner.revision += u64::from(applied.changes_inputs);
        let file = inner.files.file_of(object);
        state::log_status(file.as_deref(), &applied.before, &status);
        self.publish(inner);
        Ok(())
    }

    async fn publish_event(&self, notice: EventRecord) {
        let EventRecord { object, reason, message } = notice;
        let (warning, reason) = (reason.event_type() == EventType::Warning, reason.as_str());
        if self
            .lock()
            .files
            .status_digest(&object)
            .is_some_and(|status| status.has_ready_reason(reason, &message))
        {
            return;
        }
        if warning {
            tracing::warn!(%object, reason, note = %message, "event");
        } else {
            tracing::info!(%object, reason, note = %message, "event");
        }
    }
}

#[cfg(test)]
mod tests;
