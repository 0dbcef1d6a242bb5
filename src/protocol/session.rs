//! Rules of sessions: expiry, use and clients. The record is [`records::Session`](super::records::Session); a sign-in
//! begins it by [`session_start`](super::session_start).

use std::time::Duration;

use super::{marks::MarkedRecord, records::Session};
pub use crate::model::CLOCK_SKEW;
use crate::model::{Account, Client, Lifetimes, Timestamp, sha256_base64url};

/// How often the use of a session is stored.
const TOUCH_INTERVAL: Duration = Duration::from_mins(1);

/// Returns the ID that a session is stored under: a hash, so that the store does not reveal the
/// cookie.
pub fn session_record_id(cookie: &str) -> String {
    sha256_base64url(cookie)
}

/// Returns true if the session has not expired and is this user's. The tenant's lifetimes may have
/// become shorter since it began. Whether it ended with the user is decided by
/// [`marks`](super::marks).
pub fn session_is_live(
    session: &Session,
    user: &Account,
    lifetimes: &Lifetimes,
    now: Timestamp,
) -> bool {
    user.subject == session.authentication.subject && now < expires_at(session, lifetimes)
}

/// Returns true if this client signed in with the session: not only a client with the same id.
pub fn session_includes(session: &Session, client: &Client) -> bool {
    session.clients.contains(&client.id)
        && match session.client_objects.get(&client.id) {
            Some(object) => *object == client.object,
            // Earlier releases stored no object, and had no clients that a metadata document describes.
            None => !client.is_described_by_document(),
        }
}

/// Returns true if the session names the client and its object.
pub fn session_names(session: &Session, client: &Client) -> bool {
    session.clients.contains(&client.id)
        && session.client_objects.get(&client.id) == Some(&client.object)
}

/// Adds a client. Returns true if the session did not name it before.
pub fn add_client(session: &mut Session, client: &Client) -> bool {
    if session_names(session, client) {
        return false;
    }
    session.clients.insert(client.id.clone());
    session.client_objects.insert(client.id.clone(), client.object.clone());
    true
}

/// Returns what the end of the session with its user depends on.
pub fn session_marks(session: &Session) -> MarkedRecord<'_> {
    let sid = Some(session.sid.as_str());
    MarkedRecord { marks: session.marks, created_at: session.created_at, sid }
}

/// Returns when the session expires if it is not used, including clock skew.
pub fn expires_at(session: &Session, lifetimes: &Lifetimes) -> Timestamp {
    let idle = session.used_at.plus(lifetimes.session_idle);
    let absolute = session.ends_at.min(session.created_at.plus(lifetimes.session_absolute));
    idle.min(absolute).plus(CLOCK_SKEW)
}

/// Returns true if this use should be stored; once a minute is enough.
pub fn should_store_use(session: &Session, now: Timestamp) -> bool {
    now.since(session.used_at) >= TOUCH_INTERVAL
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{ObjectKey, ObjectMark, Subject, fixtures},
        protocol::{
            authentication::{Authentication, AuthenticationMethod},
            records::AccountMarks,
            session_start::begin_session,
        },
    };

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const HOUR: Duration = Duration::from_hours(1);

    fn signed_in(subject: &str) -> Authentication {
        Authentication::by(AuthenticationMethod::password(), Subject::new(subject), NOW)
    }

    fn marks() -> AccountMarks {
        let mark = ObjectMark::of("uid");
        AccountMarks { person: mark, tenant: mark, credential: None, generation: 1 }
    }

    fn session() -> Session {
        begin_session(
            (signed_in("alice-id"), marks()),
            None,
            "sid-1".into(),
            &Lifetimes::default(),
            NOW,
        )
    }

    fn live(session: &Session, user: &Account, now: Timestamp) -> bool {
        session_is_live(session, user, &Lifetimes::default(), now)
    }

    #[test]
    fn stays_live_while_it_is_used() {
        assert!(live(&session(), &fixtures::user(), NOW.plus(11 * HOUR)));
        assert!(!live(&session(), &fixtures::user(), NOW.plus(13 * HOUR)));
        let used = Session { used_at: NOW.plus(11 * HOUR), ..session() };
        assert!(live(&used, &fixtures::user(), NOW.plus(13 * HOUR)));
    }

    #[test]
    fn ends_at_its_absolute_lifetime_regardless_of_use() {
        let used = Session { used_at: NOW.plus(167 * HOUR), ..session() };
        assert!(live(&used, &fixtures::user(), NOW.plus(167 * HOUR)));
        assert!(!live(&used, &fixtures::user(), NOW.plus(169 * HOUR)));
    }

    #[test]
    fn shorter_lifetimes_apply_to_existing_sessions() {
        let shorter = Lifetimes { session_absolute: HOUR, ..Lifetimes::default() };
        assert!(!session_is_live(&session(), &fixtures::user(), &shorter, NOW.plus(2 * HOUR)));
    }

    #[test]
    fn is_of_one_user() {
        let other = Account { subject: Subject::new("bob"), ..fixtures::user() };
        assert!(!live(&session(), &other, NOW));
    }

    #[test]
    fn another_object_with_the_id_of_a_client_is_not_in_the_session() {
        let (mut session, client) = (session(), fixtures::client());
        assert!(add_client(&mut session, &client));
        assert!(!add_client(&mut session, &client), "once");
        assert!(session_includes(&session, &client));
        let heir = Client { object: ObjectKey::new("other", "app"), ..client.clone() };
        assert!(!session_includes(&session, &heir));
        assert!(add_client(&mut session, &heir));
        assert!(session_includes(&session, &heir) && !session_includes(&session, &client));
        // A record of an earlier release names the id only.
        session.client_objects.clear();
        assert!(session_includes(&session, &client));
    }

    #[test]
    fn its_use_is_stored_once_a_minute() {
        assert!(!should_store_use(&session(), NOW.plus(Duration::from_secs(59))));
        assert!(should_store_use(&session(), NOW.plus(Duration::from_mins(1))));
    }
}
