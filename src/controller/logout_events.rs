//! Events about clients that could not be told of ended sessions (OIDC Back-Channel Logout): what
//! serving counts, told by the replica that leads. One Event a client and change, and few of them:
//! never one a session.

use std::{collections::BTreeMap, convert::Infallible, future::pending, time::Duration};

use tokio::time::{sleep, timeout};

use super::ControllerContext;
use crate::{
    model::{ObjectKey, ObjectKind, ObjectRef, Timestamp, UndeliveredByClient, UndeliveredLogouts},
    source::EventRecord,
};

/// Between two Events about one client that say the same; the API's own aggregation would keep the
/// words of the first for six minutes.
const REPEAT_INTERVAL: Duration = Duration::from_mins(10);
/// Events of one round: an egress that fails for a thousand clients is told in many rounds.
const MAX_EVENTS_PER_ROUND: usize = 16;
/// Between rounds.
const EVENT_INTERVAL: Duration = Duration::from_secs(2);
/// How often what was held back is looked at again.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);

/// What a client's Events have said.
#[derive(Clone, Debug, Default)]
struct ReportedState {
    /// What was told last; nothing after a recovery.
    about: UndeliveredLogouts,
    /// When each reason was told last.
    at: BTreeMap<&'static str, Timestamp>,
}

/// What all Events have said since this replica leads.
#[derive(Debug, Default)]
struct Log(BTreeMap<ObjectKey, ReportedState>);

/// Tells for as long as it is not dropped.
pub(super) async fn publish_events(context: &ControllerContext) -> Infallible {
    let Some(mut untold) = context.untold.clone() else { return pending().await };
    let mut log = Log::default();
    loop {
        let state = untold.borrow_and_update().clone();
        let notices = log.plan(&state, context.clock.now());
        let more = !notices.is_empty();
        let view = context.source.views().borrow().clone();
        // Of a client that is gone nobody reads.
        for notice in
            notices.into_iter().filter(|it| view.objects.clients.contains_key(&it.object.key))
        {
            context.source.publish_event(notice).await;
        }
        sleep(EVENT_INTERVAL).await;
        // What was held back is looked at again; where nobody counts any more, nothing else is.
        let again = if more { Duration::ZERO } else { RETRY_INTERVAL };
        let _ = timeout(again, untold.changed()).await;
    }
}

impl Log {
    /// What to tell now, and that it was told.
    fn plan(&mut self, state: &UndeliveredByClient, now: Timestamp) -> Vec<EventRecord> {
        let known = self.0.keys().cloned().collect::<Vec<_>>();
        let clients = known.iter().filter(|key| !state.contains_key(key)).chain(state.keys());
        let mut notices = Vec::new();
        for client in clients {
            let untold = state.get(client).cloned().unwrap_or_default();
            let said = self.0.entry(client.clone()).or_default();
            let Some((reason, message)) = news(&said.about, &untold) else {
                said.about = untold;
                continue;
            };
            let quiet = said.at.get(reason).is_some_and(|at| now < at.plus(REPEAT_INTERVAL));
            if quiet || notices.len() >= MAX_EVENTS_PER_ROUND {
                continue;
            }
            said.at.insert(reason, now);
            said.about = untold;
            notices.push(EventRecord {
                object: ObjectRef { kind: ObjectKind::OidcClient, key: client.clone() },
                warning: reason != REASON_DELIVERED,
                reason,
                action: "Notify",
                message,
            });
        }
        // Nothing to tell and nothing to hold back: nothing to remember.
        self.0.retain(|client, said| {
            state.contains_key(client)
                || said.about != UndeliveredLogouts::default()
                || said.at.values().any(|at| now < at.plus(REPEAT_INTERVAL))
        });
        notices
    }
}

const REASON_NOT_DELIVERED: &str = "LogoutNotDelivered";
const REASON_GIVEN_UP: &str = "LogoutGivenUp";
const REASON_DELIVERED: &str = "LogoutDelivered";

/// What differs from what was told, in one sentence or two.
fn news(said: &UndeliveredLogouts, now: &UndeliveredLogouts) -> Option<(&'static str, String)> {
    let why = match &now.why {
        Some(why) => format!("The last try failed: {why}"),
        None => "The log of the replica that tried says why".to_owned(),
    };
    if now.given_up > said.given_up {
        return Some((
            REASON_GIVEN_UP,
            format!(
                "Ended sessions that the client was never told of: {}; it may still treat these people as signed in. {why}. See to spec.backchannelLogoutUri and that it can be reached from here",
                now.given_up
            ),
        ));
    }
    if now.waiting > 0 && said.waiting == 0 {
        return Some((
            REASON_NOT_DELIVERED,
            format!(
                "Ended sessions that the client could not be told of yet: {}; it is tried again for more than an hour. {why}. See to spec.backchannelLogoutUri and that it can be reached from here",
                now.waiting
            ),
        ));
    }
    // What is forgotten was not delivered.
    (said.waiting > 0 && now.waiting == 0).then(|| {
        (REASON_DELIVERED, "No ended session is left that the client has to be told of".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn state(waiting: u32, given_up: u32) -> UndeliveredByClient {
        let untold = UndeliveredLogouts { waiting, given_up, why: Some("status 500".to_owned()) };
        Arc::new(BTreeMap::from([(ObjectKey::new("team", "shop"), untold)]))
    }

    fn told(log: &mut Log, state: &UndeliveredByClient, now: Timestamp) -> Vec<&'static str> {
        log.plan(state, now).into_iter().map(|notice| notice.reason).collect()
    }

    #[test]
    fn a_failure_is_told_once_however_many_sessions_end() {
        let mut log = Log::default();
        let notice = log.plan(&state(1, 0), NOW).remove(0);
        assert!(notice.warning && notice.message.contains("status 500"), "{notice:?}");
        for more in 2..50 {
            assert!(told(&mut log, &state(more, 0), NOW).is_empty());
        }
    }

    #[test]
    fn recovery_and_giving_up_are_told() {
        let mut log = Log::default();
        assert_eq!(told(&mut log, &state(2, 0), NOW), [REASON_NOT_DELIVERED]);
        assert_eq!(told(&mut log, &state(1, 1), NOW), [REASON_GIVEN_UP]);
        assert_eq!(told(&mut log, &state(0, 1), NOW), [REASON_DELIVERED]);
        assert!(
            told(&mut log, &UndeliveredByClient::default(), NOW).is_empty(),
            "merely forgotten"
        );
    }

    #[test]
    fn a_client_that_comes_and_goes_is_told_of_every_ten_minutes() {
        let mut log = Log::default();
        let mut count = 0;
        for minute in 0..60 {
            let now = NOW.plus(Duration::from_mins(minute));
            count += told(&mut log, &state(u32::from(minute % 2 == 0), 0), now).len();
        }
        assert!((6..=12).contains(&count), "{count}");
    }

    #[test]
    fn what_was_held_back_is_told_later() {
        let mut log = Log::default();
        told(&mut log, &state(1, 0), NOW);
        told(&mut log, &UndeliveredByClient::default(), NOW);
        assert!(told(&mut log, &state(1, 0), NOW).is_empty());
        assert_eq!(told(&mut log, &state(1, 0), NOW.plus(REPEAT_INTERVAL)), [REASON_NOT_DELIVERED]);
    }

    #[test]
    fn many_clients_are_told_of_in_rounds() {
        let mut log = Log::default();
        let untold = UndeliveredLogouts { waiting: 1, ..UndeliveredLogouts::default() };
        let many = (0..40).map(|n| (ObjectKey::new("team", format!("c{n}")), untold.clone()));
        let many: UndeliveredByClient = Arc::new(many.collect());
        let rounds: Vec<usize> = (0..4).map(|_| log.plan(&many, NOW).len()).collect();
        assert_eq!(rounds, [16, 16, 8, 0]);
    }

    #[test]
    fn what_was_given_up_and_forgotten_is_told_of_when_it_happens_again() {
        let mut log = Log::default();
        assert_eq!(told(&mut log, &state(0, 1), NOW), [REASON_GIVEN_UP]);
        assert!(
            told(&mut log, &UndeliveredByClient::default(), NOW.plus(REPEAT_INTERVAL)).is_empty()
        );
        assert_eq!(told(&mut log, &state(0, 1), NOW.plus(2 * REPEAT_INTERVAL)), [REASON_GIVEN_UP]);
    }

    #[test]
    fn nothing_is_remembered_of_clients_without_failures() {
        let mut log = Log::default();
        told(&mut log, &state(1, 0), NOW);
        told(&mut log, &UndeliveredByClient::default(), NOW);
        told(&mut log, &UndeliveredByClient::default(), NOW.plus(REPEAT_INTERVAL));
        assert!(log.0.is_empty(), "{log:?}");
    }
}
