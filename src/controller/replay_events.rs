//! Emits Events about clients whose superseded refresh tokens were used (RFC 9700 §4.14.2). A client gets one Event
//! an hour, regardless of the number of tokens.

use std::{convert::Infallible, future::pending, time::Duration};

use tokio::time::sleep;

use super::ControllerContext;
use crate::{
    api::EventReason,
    model::{ManagedKind, ObjectRef, ReportedReplays},
    source::EventRecord,
};

/// Time between looks for counts that are due.
const INTERVAL: Duration = Duration::from_secs(10);

/// Emits Events until the future is dropped.
pub(super) async fn publish_replay_events(context: &ControllerContext) -> Infallible {
    let Some(replays) = context.replays.clone() else { return pending().await };
    loop {
        for taken in replays.take_due().await {
            let view = context.source.views().borrow().clone();
            let managed = &view.objects.managed;
            // A deleted client has no reader for its Events.
            if managed.find(ManagedKind::OidcClient, &taken.client).is_some() {
                context.source.publish_event(notice(taken)).await;
            }
        }
        sleep(INTERVAL).await;
    }
}

fn notice(taken: ReportedReplays) -> EventRecord {
    let grants = if taken.tokens == 1 { "1 grant" } else { &format!("{} grants", taken.tokens) };
    EventRecord {
        object: ObjectRef::new(ManagedKind::OidcClient, taken.client),
        reason: EventReason::RefreshTokenReplayed,
        message: format!(
            "Revoked {grants}: a refresh token was used again after it had been replaced, later than spec.refreshTokenReuseWindow allows. The application uses tokens twice, or an attacker copied one. The log has a line for each (target audit)"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::EventType, model::ObjectKey};

    #[test]
    fn an_event_counts_the_revoked_grants() {
        let taken = |tokens| ReportedReplays { client: ObjectKey::new("team", "shop"), tokens };
        let one = notice(taken(1));
        assert_eq!(one.reason.event_type(), EventType::Warning);
        assert!(one.message.starts_with("Revoked 1 grant:"), "{one:?}");
        assert!(notice(taken(7)).message.starts_with("Revoked 7 grants:"));
    }
}
