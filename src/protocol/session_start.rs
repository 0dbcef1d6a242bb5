//! The session that a sign-in begins, or continues by a further factor. Its expiry and use:
//! [`session`](super::session).

use super::{
    authentication::Authentication,
    records::{AccountMarks, Session},
};
use crate::model::{Lifetimes, Timestamp};

/// Creates a session. A previous session of the same user in the same browser is continued: its
/// public ID and clients are kept, so that signing in again does not end sessions of applications.
pub fn begin_session(
    (authentication, marks): (Authentication, AccountMarks),
    previous: Option<&Session>,
    fresh_sid: String,
    lifetimes: &Lifetimes,
    now: Timestamp,
) -> Session {
    let same_person =
        previous.filter(|previous| previous.authentication.subject == authentication.subject);
    Session {
        sid: same_person.map_or(fresh_sid, |previous| previous.sid.clone()),
        clients: same_person.map(|previous| previous.clients.clone()).unwrap_or_default(),
        client_objects: same_person
            .map(|previous| previous.client_objects.clone())
            .unwrap_or_default(),
        marks: Some(marks),
        origin: None,
        browser: None,
        authentication,
        created_at: now,
        ends_at: now.plus(lifetimes.session_absolute),
        used_at: now,
    }
}

/// Returns a new session after a step-up that reuses the earlier proof of the first factor. Its beginning and end
/// are those of the previous session.
#[must_use]
pub fn continue_session(session: Session, previous: &Session) -> Session {
    Session {
        created_at: previous.created_at,
        ends_at: session.ends_at.min(previous.ends_at),
        ..session
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        model::{ClientId, ObjectMark, Subject},
        protocol::authentication::AuthenticationMethod,
    };

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn signed_in(subject: &str) -> (Authentication, AccountMarks) {
        let (mark, method) = (ObjectMark::of("uid"), AuthenticationMethod::password());
        let marks = AccountMarks { person: mark, tenant: mark, credential: None, generation: 1 };
        (Authentication::by(method, Subject::new(subject), NOW), marks)
    }

    #[test]
    fn keeps_public_id_and_clients_when_the_same_user_signs_in_again() {
        let clients = BTreeSet::from([ClientId::new("team.wiki")]);
        let lifetimes = Lifetimes::default();
        let session = begin_session(signed_in("alice-id"), None, "sid-1".into(), &lifetimes, NOW);
        let first = Session { clients: clients.clone(), ..session };
        let begin = |subject| {
            begin_session(signed_in(subject), Some(&first), "sid-2".into(), &lifetimes, NOW)
        };
        let again = begin("alice-id");
        assert_eq!((again.sid.as_str(), &again.clients), ("sid-1", &clients));
        let other = begin("bob");
        assert_eq!((other.sid.as_str(), other.clients.len()), ("sid-2", 0));
    }
}
