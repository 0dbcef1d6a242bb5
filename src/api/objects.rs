//! Everything that a source shows at one moment: the input of the registry's build.

use std::{collections::BTreeMap, sync::Arc};

use super::{CachedObject, CachedSecret, OidcClient, OidcUser, Tenant};
use crate::model::{ObjectKey, ObjectRef, Timestamp};

/// The objects of a cluster or a directory. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ObjectSet {
    /// Tenants.
    pub tenants: BTreeMap<ObjectKey, CachedObject<Tenant>>,
    /// Clients.
    pub clients: BTreeMap<ObjectKey, CachedObject<OidcClient>>,
    /// Users.
    pub users: BTreeMap<ObjectKey, CachedObject<OidcUser>>,
    /// Secrets that Lanyard made, and those that an object refers to. A Secret that an object
    /// refers to and that is not here does not exist.
    pub secrets: BTreeMap<ObjectKey, SecretState>,
    /// Labels of namespaces.
    pub namespaces: NamespaceLabels,
    /// Objects that could not be read; the last good one, if there was any, is still above.
    pub malformed: BTreeMap<ObjectRef, MalformedObject>,
    /// Whether there may be more than is seen: a manifest was never read, so that nobody knows
    /// which objects it holds. Then nothing may be concluded from what is not there.
    pub incomplete: bool,
}

/// A Secret as far as it could be read.
#[derive(Clone, Debug)]
pub enum SecretState {
    /// Its content.
    Loaded(CachedSecret),
    /// It is there, but may not be read; the reason as the API server gave it.
    Unreadable(Arc<str>),
}

/// What is known of namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NamespaceLabels {
    /// They may not be read (`watchNamespaces`): selectors cannot be judged.
    #[default]
    Unavailable,
    /// Labels by name.
    Known(BTreeMap<String, BTreeMap<String, String>>),
}

/// An object that does not deserialize.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedObject {
    /// Where and why, for the person who wrote it.
    pub message: String,
    /// Its generation, for the condition.
    pub generation: Option<i64>,
    /// Its resourceVersion.
    pub resource_version: Option<String>,
    /// Its UID, by which `kubectl describe` finds Events.
    pub uid: Option<String>,
}

/// Objects, and how current they are.
#[derive(Clone, Debug, Default)]
pub struct SourceView {
    /// The objects.
    pub objects: Arc<ObjectSet>,
    /// Rises with each change that what is served could depend on, and not when only `status`
    /// or bookkeeping metadata changed. 0: nothing has been read yet.
    pub revision: u64,
    /// How the source is doing.
    pub health: SourceHealth,
}

/// How a source is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceHealth {
    /// Whether every first list is in: before that nothing may be served.
    pub synced: bool,
    /// Since when it has not answered, and what it said; `None` while it answers.
    pub failing: Option<(Timestamp, String)>,
}
