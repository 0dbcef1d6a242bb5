//! The objects of files as they are shown: kept, so that a view with one change shares all others
//! with the view before it.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use k8s_openapi::api::core::v1::Secret;

use crate::{
    api::{
        Keep, Kept, KeptSecret, Namespaces, Objects, OidcClient, OidcUser, SecretState, Tenant,
        Told,
    },
    model::{ObjectKey, ObjectRef},
    source::{Status, manifests::Object},
};

/// An object.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    Tenant(Kept<Tenant>),
    OidcClient(Kept<OidcClient>),
    OidcUser(Kept<OidcUser>),
    Secret(KeptSecret),
    /// Its labels.
    Namespace(BTreeMap<String, String>),
}

impl Shown {
    /// An object of a manifest, and what it is called.
    pub(crate) fn of(object: Object) -> (ObjectRef, Self) {
        let reference = object.reference();
        let key = &reference.key;
        let shown = match object {
            Object::Tenant(tenant) => Self::Tenant(Kept::new(key, tenant)),
            Object::OidcClient(client) => Self::OidcClient(Kept::new(key, *client)),
            Object::OidcUser(user) => Self::OidcUser(Kept::new(key, user)),
            Object::Secret(mut secret) => {
                secret.metadata.resource_version = Some(version(&secret));
                Self::Secret(KeptSecret::new(secret))
            }
            Object::Namespace(namespace) => {
                Self::Namespace(namespace.metadata.labels.unwrap_or_default())
            }
        };
        (reference, shown)
    }

    /// What was said of an earlier form of it, which a file does not tell, said of this one.
    pub(super) fn take_over(&mut self, before: &Self) {
        match (self, before) {
            (Self::Tenant(own), Self::Tenant(before)) => *own = own.told_as(before),
            (Self::OidcClient(own), Self::OidcClient(before)) => *own = own.told_as(before),
            (Self::OidcUser(own), Self::OidcUser(before)) => *own = own.told_as(before),
            _ => {}
        }
    }

    /// Whether both declare the same; of what nobody is asked about, always.
    pub(super) fn declares_what(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tenant(own), Self::Tenant(other)) => own.declares_what(other),
            (Self::OidcClient(own), Self::OidcClient(other)) => own.declares_what(other),
            (Self::OidcUser(own), Self::OidcUser(other)) => own.declares_what(other),
            _ => true,
        }
    }

    /// What its status said.
    pub(super) fn told(&self) -> Option<&Told> {
        match self {
            Self::Tenant(own) => Some(own.told()),
            Self::OidcClient(own) => Some(own.told()),
            Self::OidcUser(own) => Some(own.told()),
            Self::Secret(_) | Self::Namespace(_) => None,
        }
    }

    /// Shows a status; what the one before said.
    pub(super) fn tell(&mut self, status: &Status) -> Told {
        match (self, status) {
            (Self::Tenant(own), Status::Tenant(status)) => tell(own, status),
            (Self::OidcClient(own), Status::OidcClient(status)) => tell(own, status),
            (Self::OidcUser(own), Status::OidcUser(status)) => tell(own, status),
            _ => Told::default(),
        }
    }
}

fn tell<K: Keep>(own: &mut Kept<K>, status: &K::Status) -> Told {
    let before = own.told().clone();
    *own = own.telling(status);
    before
}

/// Objects as a cluster would show them; of two of one name the first counts.
pub(crate) fn collect(all: impl Iterator<Item = (ObjectRef, Shown)>) -> Objects {
    let mut objects = Objects::default();
    let mut namespaces = BTreeMap::new();
    for (ObjectRef { key, .. }, shown) in all {
        match shown {
            Shown::Tenant(tenant) => put(&mut objects.tenants, key, tenant),
            Shown::OidcClient(client) => put(&mut objects.clients, key, client),
            Shown::OidcUser(user) => put(&mut objects.users, key, user),
            Shown::Secret(secret) => put(&mut objects.secrets, key, SecretState::Loaded(secret)),
            Shown::Namespace(labels) => {
                namespaces.entry(key.name.to_string()).or_insert(labels);
            }
        }
    }
    objects.namespaces = Namespaces::Known(namespaces);
    objects
}

fn put<V>(objects: &mut BTreeMap<ObjectKey, V>, key: ObjectKey, object: V) {
    objects.entry(key).or_insert(object);
}

/// A resource version that changes with the content.
fn version(secret: &Secret) -> String {
    let text = serde_json::to_vec(secret).unwrap_or_default();
    let hash = digest::digest(&digest::SHA256, &text);
    hash.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
