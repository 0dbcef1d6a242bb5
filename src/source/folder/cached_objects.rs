//! Objects of manifest files in cached form. They are shared between views, so that a change of one
//! object costs little.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use k8s_openapi::api::core::v1::Secret;

use crate::{
    api::{
        CachedObject, CachedSecret, ManagedKind, NamespaceLabels, ObjectSet, OidcClient, OidcUser,
        SecretState, StatusDigest, Tenant,
    },
    model::{ObjectKey, ObjectRef},
    source::{StatusUpdate, manifests::ManifestObject},
};

/// A cached object of a manifest.
#[derive(Clone, Debug)]
pub(crate) enum CachedManifest {
    Tenant(CachedObject<Tenant>),
    OidcClient(CachedObject<OidcClient>),
    OidcUser(CachedObject<OidcUser>),
    Secret(CachedSecret),
    /// The labels of a Namespace.
    Namespace(BTreeMap<String, String>),
}

impl CachedManifest {
    /// Converts an object of a manifest, and returns its reference.
    pub(crate) fn of(object: ManifestObject) -> (ObjectRef, Self) {
        let reference = object.reference();
        let key = &reference.key;
        let shown = match object {
            ManifestObject::Tenant(tenant) => Self::Tenant(CachedObject::new(key, tenant)),
            ManifestObject::OidcClient(client) => Self::OidcClient(CachedObject::new(key, *client)),
            ManifestObject::OidcUser(user) => Self::OidcUser(CachedObject::new(key, user)),
            ManifestObject::Secret(mut secret) => {
                secret.metadata.resource_version = Some(version(&secret));
                Self::Secret(CachedSecret::new(secret))
            }
            ManifestObject::Namespace(namespace) => {
                Self::Namespace(namespace.metadata.labels.unwrap_or_default())
            }
        };
        (reference, shown)
    }

    /// Takes the status over from an earlier version, because a file contains no status.
    pub(super) fn take_over(&mut self, before: &Self) {
        match (self, before) {
            (Self::Tenant(own), Self::Tenant(before)) => *own = own.with_status_of(before),
            (Self::OidcClient(own), Self::OidcClient(before)) => *own = own.with_status_of(before),
            (Self::OidcUser(own), Self::OidcUser(before)) => *own = own.with_status_of(before),
            _ => {}
        }
    }

    /// Returns true if both have the same desired state. Kinds without one are always equal.
    pub(super) fn same_desired_state(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tenant(own), Self::Tenant(other)) => own.same_desired_state(other),
            (Self::OidcClient(own), Self::OidcClient(other)) => own.same_desired_state(other),
            (Self::OidcUser(own), Self::OidcUser(other)) => own.same_desired_state(other),
            _ => true,
        }
    }

    /// The digest of the object's status.
    pub(super) fn status_digest(&self) -> Option<&StatusDigest> {
        match self {
            Self::Tenant(own) => Some(own.status_digest()),
            Self::OidcClient(own) => Some(own.status_digest()),
            Self::OidcUser(own) => Some(own.status_digest()),
            Self::Secret(_) | Self::Namespace(_) => None,
        }
    }

    /// Sets the status, and returns the digest of the previous one.
    pub(super) fn apply_status(&mut self, status: &StatusUpdate) -> StatusDigest {
        match (self, status) {
            (Self::Tenant(own), StatusUpdate::Tenant(status)) => set_status(own, status),
            (Self::OidcClient(own), StatusUpdate::OidcClient(status)) => set_status(own, status),
            (Self::OidcUser(own), StatusUpdate::OidcUser(status)) => set_status(own, status),
            _ => StatusDigest::default(),
        }
    }
}

fn set_status<K: ManagedKind>(own: &mut CachedObject<K>, status: &K::Status) -> StatusDigest {
    let before = own.status_digest().clone();
    *own = own.with_status(status);
    before
}

/// Collects objects as a cluster would list them. If two have the same name, the first is used.
pub(crate) fn collect(all: impl Iterator<Item = (ObjectRef, CachedManifest)>) -> ObjectSet {
    let mut objects = ObjectSet::default();
    let mut namespaces = BTreeMap::new();
    for (ObjectRef { key, .. }, shown) in all {
        match shown {
            CachedManifest::Tenant(tenant) => put(&mut objects.tenants, key, tenant),
            CachedManifest::OidcClient(client) => put(&mut objects.clients, key, client),
            CachedManifest::OidcUser(user) => put(&mut objects.users, key, user),
            CachedManifest::Secret(secret) => {
                put(&mut objects.secrets, key, SecretState::Loaded(secret));
            }
            CachedManifest::Namespace(labels) => {
                namespaces.entry(key.name.to_string()).or_insert(labels);
            }
        }
    }
    objects.namespaces = NamespaceLabels::Known(namespaces);
    objects
}

fn put<V>(objects: &mut BTreeMap<ObjectKey, V>, key: ObjectKey, object: V) {
    objects.entry(key).or_insert(object);
}

/// A resourceVersion computed from the content.
fn version(secret: &Secret) -> String {
    let text = serde_json::to_vec(secret).unwrap_or_default();
    let hash = digest::digest(&digest::SHA256, &text);
    hash.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
