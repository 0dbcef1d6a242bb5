//! Sessions: when they live, and how they change (design §6). The record is
//! [`records::Session`](super::records::Session).

use std::time::Duration;

use super::{
    digest::sha256,
    records::{Authentication, Session},
};
use crate::model::{Lifetimes, Timestamp, User};

/// How far clocks of replicas may be apart: internal expiries tolerate it.
pub const CLOCK_SKEW: Duration = Duration::from_mins(1);
/// How often a session's use is written down.
const TOUCH_INTERVAL: Duration = Duration::from_mins(1);

/// The id that a session is stored under: what is stored does not give the cookie away.
pub fn record_id(cookie: &str) -> String {
    sha256(cookie)
}

/// A new session. One of the same person in the same browser is continued: its public id and its
/// clients stay, so that signing in again does not end what other applications hold.
pub fn begin(
    authentication: Authentication,
    previous: Option<&Session>,
    fresh_sid: String,
    lifetimes: &Lifetimes,
    now: Timestamp,
) -> Session {
    let same_person = previous.filter(|held| held.authentication.subject == authentication.subject);
    Session {
        sid: same_person.map_or(fresh_sid, |held| held.sid.clone()),
        clients: same_person.map(|held| held.clients.clone()).unwrap_or_default(),
        authentication,
        created_at: now,
        ends_at: now.plus(lifetimes.session_absolute),
        used_at: now,
    }
}

/// Whether the session may be used: neither idle for too long nor too old, and its user still
/// served and enabled. The tenant's lifetimes may have become shorter since it began.
pub fn is_live(
    session: &Session,
    user: Option<&User>,
    lifetimes: &Lifetimes,
    now: Timestamp,
) -> bool {
    let enabled =
        user.is_some_and(|user| !user.disabled && user.subject == session.authentication.subject);
    enabled && now < expires_at(session, lifetimes)
}

/// When the session ends unless it is used, clocks that differ included.
pub fn expires_at(session: &Session, lifetimes: &Lifetimes) -> Timestamp {
    let idle = session.used_at.plus(lifetimes.session_idle);
    let absolute = session.ends_at.min(session.created_at.plus(lifetimes.session_absolute));
    idle.min(absolute).plus(CLOCK_SKEW)
}

/// Whether this use is worth writing down: once a minute is enough.
pub fn wants_touch(session: &Session, now: Timestamp) -> bool {
    now.since(session.used_at) >= TOUCH_INTERVAL
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::{ClientId, Subject, fixtures};

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const HOUR: Duration = Duration::from_hours(1);

    fn signed_in(subject: &str) -> Authentication {
        Authentication {
            subject: Subject::new(subject),
            auth_time: NOW,
            amr: vec!["pwd".into()],
            acr: None,
        }
    }

    fn session() -> Session {
        begin(signed_in("alice-id"), None, "sid-1".into(), &Lifetimes::default(), NOW)
    }

    fn live(session: &Session, user: Option<&User>, now: Timestamp) -> bool {
        is_live(session, user, &Lifetimes::default(), now)
    }

    #[test]
    fn lives_while_it_is_used() {
        assert!(live(&session(), Some(&fixtures::user()), NOW.plus(11 * HOUR)));
        assert!(!live(&session(), Some(&fixtures::user()), NOW.plus(13 * HOUR)));
        let used = Session { used_at: NOW.plus(11 * HOUR), ..session() };
        assert!(live(&used, Some(&fixtures::user()), NOW.plus(13 * HOUR)));
    }

    #[test]
    fn ends_in_the_end_however_often_it_is_used() {
        let used = Session { used_at: NOW.plus(167 * HOUR), ..session() };
        assert!(live(&used, Some(&fixtures::user()), NOW.plus(167 * HOUR)));
        assert!(!live(&used, Some(&fixtures::user()), NOW.plus(169 * HOUR)));
    }

    #[test]
    fn obeys_lifetimes_that_became_shorter() {
        let shorter = Lifetimes { session_absolute: HOUR, ..Lifetimes::default() };
        assert!(!is_live(&session(), Some(&fixtures::user()), &shorter, NOW.plus(2 * HOUR)));
    }

    #[test]
    fn ends_with_its_user() {
        assert!(!live(&session(), None, NOW));
        assert!(!live(&session(), Some(&User { disabled: true, ..fixtures::user() }), NOW));
        let other = User { subject: Subject::new("bob"), ..fixtures::user() };
        assert!(!live(&session(), Some(&other), NOW));
    }

    #[test]
    fn keeps_public_id_and_clients_when_the_same_person_signs_in_again() {
        let clients = BTreeSet::from([ClientId::new("team.wiki")]);
        let first = Session { clients: clients.clone(), ..session() };
        let lifetimes = Lifetimes::default();
        let again = begin(signed_in("alice-id"), Some(&first), "sid-2".into(), &lifetimes, NOW);
        assert_eq!((again.sid.as_str(), &again.clients), ("sid-1", &clients));
        let other = begin(signed_in("bob"), Some(&first), "sid-2".into(), &lifetimes, NOW);
        assert_eq!((other.sid.as_str(), other.clients.len()), ("sid-2", 0));
    }

    #[test]
    fn writes_its_use_down_once_a_minute() {
        assert!(!wants_touch(&session(), NOW.plus(Duration::from_secs(59))));
        assert!(wants_touch(&session(), NOW.plus(Duration::from_mins(1))));
    }
}
