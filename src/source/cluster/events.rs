//! Publishes Events of `events.k8s.io/v1`.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client, Error,
    runtime::events::{self, Event, Recorder, Reporter},
};

use super::{
    EventRecord, WriteError,
    write::{self, is_terminating},
};
use crate::{
    api::{EventType, GROUP, SourceView, VERSION},
    model::{ObjectKind, ObjectRef},
};

/// Maximum length of a note. The API allows 1 KiB.
const MAX_NOTE_LEN: usize = 1000;

pub(super) fn event_recorder(client: Client, identity: String) -> Recorder {
    Recorder::new(client, Reporter { controller: GROUP.to_owned(), instance: Some(identity) })
}

/// Publishes an Event. Errors are only logged, because no decision depends on Events.
pub(super) async fn publish_event(
    recorder: &Recorder,
    view: &SourceView,
    notice: EventRecord,
) -> Result<(), WriteError> {
    let EventRecord { object, reason, mut message } = notice;
    if message.len() > MAX_NOTE_LEN {
        let end = (0..MAX_NOTE_LEN).rev().find(|&at| message.is_char_boundary(at));
        message.truncate(end.unwrap_or(0));
    }
    let event = Event {
        type_: match reason.event_type() {
            EventType::Normal => events::EventType::Normal,
            EventType::Warning => events::EventType::Warning,
        },
        reason: reason.as_str().to_owned(),
        note: Some(message),
        action: reason.action().to_owned(),
        secondary: None,
    };
    recorder.publish(&event, &reference(view, &object)).await.map_err(|error| {
        // Without its namespace, the object is gone too.
        if let Error::Api(status) = &error
            && (status.code == 404 || is_terminating(status))
        {
            tracing::debug!(%object, reason = reason.as_str(), %error, "no Event on a deleted object");
            return WriteError::NotFound;
        }
        tracing::warn!(%object, reason = reason.as_str(), %error, "failed to publish an Event");
        write::write_error(&error)
    })
}

/// The reference of an object. It includes the UID, without which `kubectl describe` does not list
/// the Event.
fn reference(view: &SourceView, object: &ObjectRef) -> ObjectReference {
    let objects = &view.objects;
    let (api_version, found) = match object.kind {
        ObjectKind::Managed(kind) => {
            (format!("{GROUP}/{VERSION}"), objects.managed.find(kind, &object.key))
        }
        ObjectKind::Secret | ObjectKind::Namespace | ObjectKind::ConfigMap => {
            ("v1".to_owned(), None)
        }
    };
    let found = found.map(|it| (it.uid(), it.version().map(str::to_owned)));
    // Malformed objects have Events too.
    let malformed = objects.malformed.get(object);
    let identity =
        found.or_else(|| malformed.map(|it| (it.uid.clone(), it.resource_version.clone())));
    let (uid, resource_version) = identity.unwrap_or_default();
    ObjectReference {
        api_version: Some(api_version),
        kind: Some(object.kind.as_str().to_owned()),
        name: Some(object.key.name.to_string()),
        namespace: Some(object.key.namespace.to_string()),
        uid,
        resource_version,
        field_path: None,
    }
}
