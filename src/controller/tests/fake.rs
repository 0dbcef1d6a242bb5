//! An in-memory source that checks names and resourceVersions like an API server.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::{
    api::{AnyCachedObject, CachedSecret, ObjectSet, SecretState, SourceHealth, SourceView},
    model::{
        ClientRegistrar, ManagedKind, NewClient, ObjectKey, ObjectKind, ObjectRef, RegistrarError,
        SpecCheck,
    },
    source::{
        EventRecord, ObjectSource, SecretAnnotation, StatusUpdate, WriteError,
        manifests::{ManifestObject, parse_text},
    },
};

#[derive(Debug)]
pub struct Fake {
    view: watch::Sender<Arc<SourceView>>,
    failures: Mutex<VecDeque<WriteError>>,
    /// Writes of Secrets never end, as if the API server did not respond.
    pub hangs: AtomicBool,
    /// Whether writes of statuses are refused, as by a webhook.
    pub refuses_statuses: AtomicBool,
    attempts: watch::Sender<usize>,
    writes: Mutex<Vec<String>>,
    statuses: Mutex<Vec<(ObjectRef, StatusUpdate)>>,
    notices: Mutex<Vec<EventRecord>>,
}

impl Fake {
    pub fn new() -> Self {
        let health = SourceHealth { synced: true, ..SourceHealth::default() };
        let view = SourceView { health, ..SourceView::default() };
        Self {
            view: watch::Sender::new(Arc::new(view)),
            failures: Mutex::default(),
            hangs: AtomicBool::new(false),
            refuses_statuses: AtomicBool::new(false),
            attempts: watch::Sender::new(0),
            writes: Mutex::default(),
            statuses: Mutex::default(),
            notices: Mutex::default(),
        }
    }

    /// Edits the objects like another client; `change` gets the new resourceVersion.
    pub fn edit(&self, change: impl FnOnce(&mut ObjectSet, u64)) {
        self.view.send_modify(|view| {
            let mut next = SourceView::clone(view);
            next.revision += 1;
            change(Arc::make_mut(&mut next.objects), next.revision);
            *view = Arc::new(next);
        });
    }

    /// Creates or replaces the objects of manifests, like `kubectl apply`.
    pub fn apply(&self, text: &str) {
        let (parsed, problems) = parse_text(Path::new("test.yaml"), text);
        assert!(problems.is_empty(), "{problems:?}");
        self.edit(|objects, version| {
            for object in parsed {
                let key = object.reference().key;
                match object {
                    ManifestObject::Managed(mut it) => {
                        stamp(it.metadata_mut(), version);
                        let cached = AnyCachedObject::new(&key, it);
                        objects.managed.insert(key, cached);
                    }
                    ManifestObject::Secret(mut it) => {
                        stamp(&mut it.metadata, version);
                        objects.secrets.insert(key, SecretState::Loaded(CachedSecret::new(it)));
                    }
                    ManifestObject::Namespace(_) => {}
                }
            }
        });
    }

    /// Lets the next write of a Secret fail.
    pub fn fail_next(&self, error: WriteError) {
        self.failures.lock().expect("not poisoned").push_back(error);
    }

    pub fn view(&self) -> Arc<SourceView> {
        self.view.borrow().clone()
    }

    pub fn secret(&self, name: &str) -> Option<Secret> {
        let key = ObjectKey::new("team", name);
        match self.view().objects.secrets.get(&key)? {
            SecretState::Loaded(secret) => Some(secret.to_secret(&key)),
            SecretState::Unreadable(_) => None,
        }
    }

    /// The writes in order, as `create name`, `replace name` or `delete name`.
    pub fn writes(&self) -> Vec<String> {
        self.writes.lock().expect("not poisoned").clone()
    }

    pub fn statuses(&self) -> usize {
        self.statuses.lock().expect("not poisoned").len()
    }

    /// The last status published for an object.
    pub fn status(&self, object: &ObjectRef) -> Option<StatusUpdate> {
        let statuses = self.statuses.lock().expect("not poisoned");
        statuses.iter().rev().find(|(of, _)| of == object).map(|(_, status)| status.clone())
    }

    /// All Events so far, in the order of their publication.
    pub fn events(&self) -> Vec<EventRecord> {
        self.notices.lock().expect("not poisoned").clone()
    }

    /// The reasons of all Events.
    pub fn event_reasons(&self) -> Vec<&'static str> {
        self.events().iter().map(|event| event.reason.as_str()).collect()
    }

    /// Waits until a write of a Secret has started.
    pub async fn attempted(&self) {
        let mut attempts = self.attempts.subscribe();
        attempts.wait_for(|attempts| *attempts > 0).await.expect("the source lives");
    }

    async fn write(
        &self,
        verb: &str,
        key: &ObjectKey,
        change: impl FnOnce(&mut ObjectSet, u64) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.attempts.send_modify(|attempts| *attempts += 1);
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if let Some(error) = self.failures.lock().expect("not poisoned").pop_front() {
            return Err(error);
        }
        let mut done = Ok(());
        self.edit(|objects, version| done = change(objects, version));
        if done.is_ok() {
            self.writes.lock().expect("not poisoned").push(format!("{verb} {}", key.name));
        }
        done
    }
}

fn stamp(metadata: &mut ObjectMeta, version: u64) {
    metadata.uid = metadata.name.as_ref().map(|name| format!("uid-of-{name}"));
    metadata.generation = i64::try_from(version).ok();
    metadata.resource_version = Some(version.to_string());
}

fn object_key(secret: &Secret) -> ObjectKey {
    let text = |field: &Option<String>| field.clone().expect("the field is set");
    ObjectKey::new(text(&secret.metadata.namespace), text(&secret.metadata.name))
}

/// The resourceVersion of an existing Secret.
fn version_of(objects: &ObjectSet, key: &ObjectKey) -> Option<String> {
    match objects.secrets.get(key)? {
        SecretState::Loaded(secret) => secret.version().map(str::to_owned),
        SecretState::Unreadable(_) => None,
    }
}

fn put(objects: &mut ObjectSet, mut secret: Secret, version: u64) {
    secret.metadata.resource_version = Some(version.to_string());
    objects.secrets.insert(object_key(&secret), SecretState::Loaded(CachedSecret::new(secret)));
}

#[async_trait]
impl ObjectSource for Fake {
    fn views(&self) -> watch::Receiver<Arc<SourceView>> {
        self.view.subscribe()
    }

    async fn create_secret(&self, secret: Secret) -> Result<(), WriteError> {
        let key = object_key(&secret);
        let create = |objects: &mut ObjectSet, version| {
            if objects.secrets.contains_key(&key) {
                return Err(WriteError::Conflict);
            }
            put(objects, secret, version);
            Ok(())
        };
        self.write("create", &key, create).await
    }

    async fn replace_secret(&self, secret: Secret) -> Result<(), WriteError> {
        let key = object_key(&secret);
        let replace = |objects: &mut ObjectSet, version| {
            let found = version_of(objects, &key).ok_or(WriteError::NotFound)?;
            if secret.metadata.resource_version.as_deref() != Some(&found) {
                return Err(WriteError::Conflict);
            }
            put(objects, secret, version);
            Ok(())
        };
        self.write("replace", &key, replace).await
    }

    async fn annotate_secret(
        &self,
        key: &ObjectKey,
        version: &str,
        changes: &[SecretAnnotation],
    ) -> Result<(), WriteError> {
        let mut secret = self.secret(&key.name).ok_or(WriteError::NotFound)?;
        secret.metadata.resource_version = Some(version.to_owned());
        let annotations = secret.metadata.annotations.get_or_insert_default();
        for (name, value) in changes {
            match value {
                Some(value) => drop(annotations.insert((*name).to_owned(), value.clone())),
                None => drop(annotations.remove(*name)),
            }
        }
        self.replace_secret(secret).await
    }

    async fn delete_secret(&self, key: &ObjectKey, seen: &str) -> Result<(), WriteError> {
        let delete = |objects: &mut ObjectSet, _| {
            if version_of(objects, key).ok_or(WriteError::NotFound)? != seen {
                return Err(WriteError::Conflict);
            }
            objects.secrets.remove(key);
            Ok(())
        };
        self.write("delete", key, delete).await
    }

    async fn delete_client(&self, key: &ObjectKey, _: Option<&str>) -> Result<(), WriteError> {
        let delete = |objects: &mut ObjectSet, _| {
            objects
                .managed
                .remove(ManagedKind::OidcClient, key)
                .map(|_| ())
                .ok_or(WriteError::NotFound)
        };
        self.write("delete client", key, delete).await
    }

    async fn publish_status(
        &self,
        object: &ObjectRef,
        status: StatusUpdate,
    ) -> Result<(), WriteError> {
        if self.refuses_statuses.load(Ordering::Relaxed) {
            return Err(WriteError::Refused("status is invalid".to_owned()));
        }
        self.view.send_modify(|view| {
            let mut next = SourceView::clone(view);
            let objects = Arc::make_mut(&mut next.objects);
            if let (ObjectKind::Managed(kind), StatusUpdate::Managed(status)) =
                (object.kind, &status)
            {
                let found = objects.managed.find(kind, &object.key).expect("it is there");
                let changed = found.with_status(status).expect("the status is of its kind");
                objects.managed.insert(object.key.clone(), changed);
            }
            *view = Arc::new(next);
        });
        self.statuses.lock().expect("not poisoned").push((object.clone(), status));
        Ok(())
    }

    async fn publish_event(&self, notice: EventRecord) {
        self.notices.lock().expect("not poisoned").push(notice);
    }
}

/// The controller never registers clients.
#[async_trait]
impl ClientRegistrar for Fake {
    async fn create_registered(&self, _: NewClient) -> Result<(), RegistrarError> {
        Err(RegistrarError::NotFound)
    }

    async fn replace_registered(
        &self,
        _: &ObjectKey,
        _: Map<String, Value>,
        _: SpecCheck<'_>,
    ) -> Result<Map<String, Value>, RegistrarError> {
        Err(RegistrarError::NotFound)
    }

    async fn delete_registered(&self, _: &ObjectKey) -> Result<(), RegistrarError> {
        Err(RegistrarError::NotFound)
    }

    async fn mark_used(&self, _: &ObjectKey) -> Result<(), RegistrarError> {
        Err(RegistrarError::NotFound)
    }
}
