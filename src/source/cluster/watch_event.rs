//! Changes that watches report: objects, the ends of lists, and failures.

use std::{collections::BTreeMap, sync::Arc};

use kube::{Resource, runtime::watcher};

use super::forbidden::ForbiddenWatch;
use crate::{
    api::{AnyCachedObject, CachedSecret, MalformedObject},
    model::{ManagedKind, ObjectKey, ObjectKind, ObjectRef},
};

/// An object in a watch.
#[derive(Clone, Debug)]
pub(super) enum WatchEntry {
    Object(AnyCachedObject),
    Malformed(MalformedObject),
    /// A Secret that Lanyard manages, with its content.
    ManagedSecret(CachedSecret),
    /// The resourceVersion of any other Secret.
    OtherSecret(String),
    Namespace(BTreeMap<String, String>),
}

/// A change, and the index of its watch.
#[derive(Debug)]
pub(super) struct WatchChange {
    pub(super) watch: usize,
    pub(super) what: WatchEvent,
}

#[derive(Debug)]
pub(super) enum WatchEvent {
    /// A list begins. Its objects follow, and [`Self::Complete`] ends it.
    Begin,
    /// An object exists: it is in a list, was created, or was changed.
    There(ObjectRef, WatchEntry),
    /// An object was deleted.
    Gone(ObjectRef),
    /// A list is complete. Objects of this watch that were not in it are deleted.
    Complete,
    /// The watch failed and is retried.
    Failed(String),
    /// The watch of one of several namespaces is forbidden. It is retried.
    Denied(ForbiddenWatch),
}

/// The event for a failed watch. If several namespaces are watched, a missing Role in one of them
/// must not affect the others.
pub(super) fn watch_failure(
    kind: ObjectKind,
    namespace: Option<&String>,
    error: &watcher::Error,
) -> WatchEvent {
    match (refused_status(error), namespace) {
        (Some(status), Some(namespace)) if status.code == 403 => {
            WatchEvent::Denied(ForbiddenWatch {
                namespace: namespace.clone(),
                kind,
                message: status.message.clone(),
            })
        }
        _ => WatchEvent::Failed(format!("{kind}: {error}")),
    }
}

/// The answer of an API server that refused a list or a watch.
pub(super) fn refused_status(error: &watcher::Error) -> Option<&kube::core::Status> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status),
        _ => None,
    }
}

/// The reference of an object. Lists are sorted by namespace, so reusing the namespace string of
/// the previous object shares it between the objects of a namespace.
pub(super) fn object_reference(
    kind: ObjectKind,
    object: &impl Resource,
    last: &mut Arc<str>,
) -> ObjectRef {
    let metadata = object.meta();
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    if **last != *namespace {
        *last = namespace.into();
    }
    let name = metadata.name.as_deref().unwrap_or_default();
    let key = ObjectKey::within(last, name);
    // The names of other objects are not shared.
    let is_shared = matches!(kind, ObjectKind::Managed(ManagedKind::Tenant) | ObjectKind::Secret);
    ObjectRef { kind, key: if is_shared { key.shared() } else { key } }
}
