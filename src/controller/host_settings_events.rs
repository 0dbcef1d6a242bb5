//! Emits Events about host settings that cannot be read. Every replica logs them; the leader emits
//! the Events.

use std::{convert::Infallible, future::pending};

use super::ControllerContext;
use crate::{
    api::EventReason,
    model::{HostSettingsState, ObjectKind, ObjectRef},
    source::EventRecord,
};

/// Emits Events until the future is dropped.
pub(super) async fn publish_host_settings_events(context: &ControllerContext) -> Infallible {
    let Some(mut states) = context.host_settings.clone() else { return pending().await };
    let mut reported = Vec::new();
    loop {
        let state = states.borrow_and_update().clone();
        if let Some(state) = state.filter(|state| state.problems != reported) {
            reported.clone_from(&state.problems);
            if let Some(event) = event(&state) {
                context.source.publish_event(event).await;
            }
        }
        if states.changed().await.is_err() {
            return pending().await;
        }
    }
}

fn event(state: &HostSettingsState) -> Option<EventRecord> {
    let source = state.source.clone()?;
    (!state.problems.is_empty()).then(|| EventRecord {
        object: ObjectRef::new(ObjectKind::ConfigMap, source),
        reason: EventReason::HostSettingsUnreadable,
        message: format!("{}. The last readable settings stay in force", state.problems.join("; ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectKey;

    #[test]
    fn an_event_names_what_cannot_be_read() {
        let key = ObjectKey::new("lanyard", "lanyard-hosts");
        let state = HostSettingsState {
            source: Some(key.clone()),
            problems: vec!["issuerHosts[0].host: is wrong".to_owned()],
            ..HostSettingsState::default()
        };
        let event = event(&state).expect("an Event");
        assert_eq!(event.object.to_string(), "ConfigMap lanyard/lanyard-hosts");
        assert!(event.message.contains("issuerHosts[0].host: is wrong."), "{}", event.message);
        let good = HostSettingsState { problems: Vec::new(), ..state };
        assert!(super::event(&good).is_none());
    }
}
