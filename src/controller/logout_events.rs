//! Emits Events about clients with undelivered back-channel logout notifications (OIDC Back-Channel Logout). The
//! serving side counts the notifications, and the leader emits the Events. A client gets one Event for each change,
//! regardless of the number of sessions.

use std::{collections::BTreeMap, convert::Infallible, future::pending, time::Duration};

use tokio::time::{sleep, timeout};

use super::ControllerContext;
use crate::{
    api::EventReason,
    model::{
        ManagedKind, ObjectKey, ObjectRef, Timestamp, UndeliveredByClient, UndeliveredLogouts,
    },
    source::EventRecord,
};

/// Minimum time between two Events with the same reason about one client. The API's own aggregation
/// would keep the first message for six minutes.
const REPEAT_INTERVAL: Duration = Duration::from_mins(10);
/// Maximum number of Events in one round, in case delivery fails for a thousand clients at once.
const MAX_EVENTS_PER_ROUND: usize = 16;
/// Least time between two rounds of Events.
const EVENT_INTERVAL: Duration = Duration::from_secs(2);
/// Interval at which Events that were held back are reconsidered.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);

/// The Events already emitted about a client.
#[derive(Clone, Debug, Default)]
struct ReportedState {
    /// The counts last reported; empty after a recovery.
    about: UndeliveredLogouts,
    /// The time at which each reason was last reported.
    at: BTreeMap<EventReason, Timestamp>,
}

/// The Events already emitted since this replica leads, by client.
#[derive(Debug, Default)]
struct Log(BTreeMap<ObjectKey, ReportedState>);

/// Emits Events until the future is dropped.
pub(super) async fn publish_logout_events(context: &ControllerContext) -> Infallible {
    let Some(mut undelivered) = context.undelivered_logouts.clone() else { return pending().await };
    let mut log = Log::default();
    loop {
        let state = undelivered.borrow_and_update().clone();
        let notices = log.plan(&state, context.clock.now());
        let more = !notices.is_empty();
        let view = context.source.views().borrow().clone();
        // A deleted client has no reader for its Events.
        for notice in notices.into_iter().filter(|it| {
            view.objects.managed.find(ManagedKind::OidcClient, &it.object.key).is_some()
        }) {
            context.source.publish_event(notice).await;
        }
        sleep(EVENT_INTERVAL).await;
        // Reconsider Events that were held back even if no count changes.
        let again = if more { Duration::ZERO } else { RETRY_INTERVAL };
        let _ = timeout(again, undelivered.changed()).await;
    }
}

impl Log {
    /// The Events to emit now, which count as reported.
    fn plan(&mut self, state: &UndeliveredByClient, now: Timestamp) -> Vec<EventRecord> {
        let known = self.0.keys().cloned().collect::<Vec<_>>();
        let clients = known.iter().filter(|key| !state.contains_key(key)).chain(state.keys());
        let mut notices = Vec::new();
        for client in clients {
            let undelivered = state.get(client).cloned().unwrap_or_default();
            let reported = self.0.entry(client.clone()).or_default();
            let Some((reason, message)) = changed_counts(&reported.about, &undelivered) else {
                reported.about = undelivered;
                continue;
            };
            let quiet = reported.at.get(&reason).is_some_and(|at| now < at.plus(REPEAT_INTERVAL));
            if quiet || notices.len() >= MAX_EVENTS_PER_ROUND {
                continue;
            }
            reported.at.insert(reason, now);
            reported.about = undelivered;
            notices.push(EventRecord {
                object: ObjectRef::new(ManagedKind::OidcClient, client.clone()),
                reason,
                message,
            });
        }
        // Forget clients with nothing to report and nothing held back.
        self.0.retain(|client, reported| {
            state.contains_key(client)
                || reported.about != UndeliveredLogouts::default()
                || reported.at.values().any(|at| now < at.plus(REPEAT_INTERVAL))
        });
        notices
    }
}

/// The change since the last report, as a reason and a message.
fn changed_counts(
    reported: &UndeliveredLogouts,
    now: &UndeliveredLogouts,
) -> Option<(EventReason, String)> {
    let cause = match &now.last_error {
        Some(cause) => format!("Last error: {cause}"),
        None => "See the logs of the replica that sent them for the error".to_owned(),
    };
    if now.given_up > reported.given_up {
        return Some((
            EventReason::LogoutGivenUp,
            format!(
                "Gave up delivering {} back-channel logout notifications. {cause}. Users may still be signed in to this client. Check spec.backchannelLogoutUri and egress policy.",
                now.given_up
            ),
        ));
    }
    if now.waiting > 0 && reported.waiting == 0 {
        return Some((
            EventReason::LogoutNotDelivered,
            format!(
                "Failed to deliver {} back-channel logout notifications; retrying for more than an hour. {cause}. Check spec.backchannelLogoutUri and egress policy.",
                now.waiting
            ),
        ));
    }
    // A count of given up notifications that expires is not a delivery, so compare `waiting` only.
    (reported.waiting > 0 && now.waiting == 0).then(|| {
        (
            EventReason::LogoutDelivered,
            "All back-channel logout notifications have been delivered".to_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::api::EventType;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn state(waiting: u32, given_up: u32) -> UndeliveredByClient {
        let undelivered =
            UndeliveredLogouts { waiting, given_up, last_error: Some("status 500".to_owned()) };
        Arc::new(BTreeMap::from([(ObjectKey::new("team", "shop"), undelivered)]))
    }

    fn plan_reasons(
        log: &mut Log,
        state: &UndeliveredByClient,
        now: Timestamp,
    ) -> Vec<EventReason> {
        log.plan(state, now).into_iter().map(|notice| notice.reason).collect()
    }

    #[test]
    fn a_failure_is_reported_once_for_any_number_of_sessions() {
        let mut log = Log::default();
        let notice = log.plan(&state(1, 0), NOW).remove(0);
        assert_eq!(notice.reason.event_type(), EventType::Warning);
        assert!(notice.message.contains("status 500"), "{notice:?}");
        for more in 2..50 {
            assert!(plan_reasons(&mut log, &state(more, 0), NOW).is_empty());
        }
    }

    #[test]
    fn recovery_and_giving_up_are_reported() {
        let mut log = Log::default();
        assert_eq!(plan_reasons(&mut log, &state(2, 0), NOW), [EventReason::LogoutNotDelivered]);
        assert_eq!(plan_reasons(&mut log, &state(1, 1), NOW), [EventReason::LogoutGivenUp]);
        assert_eq!(plan_reasons(&mut log, &state(0, 1), NOW), [EventReason::LogoutDelivered]);
        assert!(
            plan_reasons(&mut log, &UndeliveredByClient::default(), NOW).is_empty(),
            "merely forgotten"
        );
    }

    #[test]
    fn an_intermittent_failure_is_reported_every_ten_minutes() {
        let mut log = Log::default();
        let mut count = 0;
        for minute in 0..60 {
            let now = NOW.plus(Duration::from_mins(minute));
            count += plan_reasons(&mut log, &state(u32::from(minute % 2 == 0), 0), now).len();
        }
        assert!((6..=12).contains(&count), "{count}");
    }

    #[test]
    fn reports_that_were_held_back_are_emitted_later() {
        let mut log = Log::default();
        plan_reasons(&mut log, &state(1, 0), NOW);
        plan_reasons(&mut log, &UndeliveredByClient::default(), NOW);
        assert!(plan_reasons(&mut log, &state(1, 0), NOW).is_empty());
        assert_eq!(
            plan_reasons(&mut log, &state(1, 0), NOW.plus(REPEAT_INTERVAL)),
            [EventReason::LogoutNotDelivered]
        );
    }

    #[test]
    fn many_clients_are_reported_in_rounds() {
        let mut log = Log::default();
        let undelivered = UndeliveredLogouts { waiting: 1, ..UndeliveredLogouts::default() };
        let many = (0..40).map(|n| (ObjectKey::new("team", format!("c{n}")), undelivered.clone()));
        let many: UndeliveredByClient = Arc::new(many.collect());
        let rounds: Vec<usize> = (0..4).map(|_| log.plan(&many, NOW).len()).collect();
        assert_eq!(rounds, [16, 16, 8, 0]);
    }

    #[test]
    fn giving_up_again_after_a_while_is_reported_again() {
        let mut log = Log::default();
        assert_eq!(plan_reasons(&mut log, &state(0, 1), NOW), [EventReason::LogoutGivenUp]);
        assert!(
            plan_reasons(&mut log, &UndeliveredByClient::default(), NOW.plus(REPEAT_INTERVAL))
                .is_empty()
        );
        assert_eq!(
            plan_reasons(&mut log, &state(0, 1), NOW.plus(2 * REPEAT_INTERVAL)),
            [EventReason::LogoutGivenUp]
        );
    }

    #[test]
    fn clients_without_failures_are_forgotten() {
        let mut log = Log::default();
        plan_reasons(&mut log, &state(1, 0), NOW);
        plan_reasons(&mut log, &UndeliveredByClient::default(), NOW);
        plan_reasons(&mut log, &UndeliveredByClient::default(), NOW.plus(REPEAT_INTERVAL));
        assert!(log.0.is_empty(), "{log:?}");
    }
}
