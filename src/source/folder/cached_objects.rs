//! Objects of manifest files in cached form. They are shared between views, so that a change of one
//! object costs little.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;

use crate::{
    api::{AnyCachedObject, CachedSecret, NamespaceLabels, ObjectSet, SecretState, StatusDigest},
    model::{ObjectRef, sha256},
    source::{StatusUpdate, manifests::ManifestObject},
};

/// A cached object of a manifest.
#[derive(Clone, Debug)]
pub(crate) enum CachedManifest {
    Managed(AnyCachedObject),
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
            ManifestObject::Managed(object) => Self::Managed(AnyCachedObject::new(key, object)),
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

    fn managed(&self) -> Option<&AnyCachedObject> {
        match self {
            Self::Managed(object) => Some(object),
            Self::Secret(_) | Self::Namespace(_) => None,
        }
    }

    /// Takes the status over from an earlier version, because a file contains no status.
    pub(super) fn take_over(&mut self, before: &Self) {
        if let (Self::Managed(own), Some(before)) = (self, before.managed())
            && let Some(with_status) = own.with_status_of(before)
        {
            *own = with_status;
        }
    }

    /// Returns true if both have the same desired state. Kinds without one are always equal.
    pub(super) fn same_desired_state(&self, other: &Self) -> bool {
        let both = self.managed().zip(other.managed());
        both.is_none_or(|(own, other)| own.same_desired_state(other))
    }

    /// The digest of the object's status.
    pub(super) fn status_digest(&self) -> Option<&StatusDigest> {
        self.managed().map(AnyCachedObject::status_digest)
    }

    /// Sets the status in memory, without writing a file. An object of another kind is left as it is.
    pub(super) fn apply_status(&mut self, status: &StatusUpdate) -> AppliedStatus {
        if let (Self::Managed(own), StatusUpdate::Managed(status)) = (self, status)
            && let Some(with_status) = own.with_status(status)
        {
            let before = std::mem::replace(own, with_status);
            let changes_inputs = !before.same_inputs(own);
            return AppliedStatus { before: before.status_digest().clone(), changes_inputs };
        }
        AppliedStatus::default()
    }
}

/// The outcome of a new status.
#[derive(Debug, Default)]
pub(super) struct AppliedStatus {
    /// The digest of the previous one.
    pub(super) before: StatusDigest,
    /// Whether a snapshot is made of it, as of the reachability of a provider.
    pub(super) changes_inputs: bool,
}

/// Collects objects as a cluster would list them. If two have the same name, the first is used.
pub(crate) fn collect_objects(all: impl Iterator<Item = (ObjectRef, CachedManifest)>) -> ObjectSet {
    let mut objects = ObjectSet::default();
    let mut namespaces = BTreeMap::new();
    for (ObjectRef { key, .. }, shown) in all {
        match shown {
            CachedManifest::Managed(object) => {
                if objects.managed.find(object.kind(), &key).is_none() {
                    objects.managed.insert(key, object);
                }
            }
            CachedManifest::Secret(secret) => {
                objects.secrets.entry(key).or_insert(SecretState::Loaded(secret));
            }
            CachedManifest::Namespace(labels) => {
                namespaces.entry(key.name.to_string()).or_insert(labels);
            }
        }
    }
    objects.namespaces = NamespaceLabels::Known(namespaces);
    objects
}

/// A resourceVersion computed from the content.
fn version(secret: &Secret) -> String {
    let text = serde_json::to_vec(secret).unwrap_or_default();
    sha256(text)[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
