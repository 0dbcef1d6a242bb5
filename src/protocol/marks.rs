//! Rules by which sessions, grants and consents end with the user they were made for
//! (docs/design/state.md#marks).

use super::records::{AccountMarks, Consent, VoidBefore};
use crate::model::{Account, AccountSource, CredentialMark, ObjectMark, PasswordState, Timestamp};

/// A session or grant, as far as its end depends on the user.
#[derive(Clone, Copy, Debug)]
pub struct MarkedRecord<'a> {
    /// The user that it was made for; `None` in records of earlier releases.
    pub marks: Option<AccountMarks>,
    /// The time at which the session or grant was made.
    pub created_at: Timestamp,
    /// The session that it is, or belongs to.
    pub sid: Option<&'a str>,
}

/// The last time that a person chose a password, and the session in which the person did so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordChange {
    /// The time of the choice.
    pub at: Timestamp,
    /// The session, by its public id; `None` if the person was not signed in.
    pub sid: Option<String>,
    /// The mark of sessions that the password begins.
    pub mark: Option<CredentialMark>,
}

impl PasswordChange {
    /// Returns true if the change has ended a session or grant. It ends older ones, except those of the session in
    /// which it was made.
    pub fn ends(&self, record: MarkedRecord<'_>) -> bool {
        record.created_at < self.at && !self.was_made_in(record)
    }

    /// The marks that those of a session or grant are compared with. A record keeps its own mark in two cases: it began
    /// with the password of this change, or this change was made in its session. All others are compared with `now`,
    /// the mark of a person without a declared password. This ends a session whose password was replaced during
    /// sign-in.
    pub fn marks_for(&self, record: MarkedRecord<'_>, now: AccountMarks) -> AccountMarks {
        let made = record.marks.and_then(|made| made.credential);
        let is_begun_with_it = made.is_some() && made == self.mark;
        let credential = made.filter(|_| is_begun_with_it || self.was_made_in(record));
        AccountMarks { credential: credential.or(now.credential), ..now }
    }

    fn was_made_in(&self, record: MarkedRecord<'_>) -> bool {
        self.sid.is_some() && self.sid.as_deref() == record.sid
    }
}

/// Returns true if the user permits the use of a session or grant. The user has to be enabled, the password
/// readable, and person and password those of the record. For people of identity providers the tenant has to be the
/// same object too, so a restore ends their sessions.
///
/// A record without marks belongs to the user that has its subject.
pub fn account_permits_record(
    record: MarkedRecord<'_>,
    account: &Account,
    now: AccountMarks,
    at: Timestamp,
) -> bool {
    let same = record.marks.is_none_or(|made| {
        let credentials = made.credential.zip(now.credential);
        // The mark of an OidcUser differs in a restored cluster, that of a provider's person does not.
        let is_of_provider = matches!(account.source, AccountSource::Provider(_));
        let is_same_tenant = made.tenant == now.tenant || !is_of_provider;
        made.person == now.person
            && is_same_tenant
            && credentials.is_none_or(|(made, now)| made == now)
    });
    let signed_out = [account.sign_out_before, account.reset_authenticators_before]
        .into_iter()
        .any(|before| is_before(record.created_at, before, at));
    same && !account.disabled && account.password != PasswordState::Unreadable && !signed_out
}

/// Returns true if a record was made for this person, also if it cannot be used any more. Another person
/// with the same subject has other marks.
pub fn is_made_for(marks: Option<AccountMarks>, account: &Account) -> bool {
    marks.is_none_or(|made| made.person == account.mark)
}

/// Returns true if the user may have been disabled or deleted since the record was made, so that the
/// store has to be asked. An object that has the same generation was not changed.
pub fn may_record_be_void(record: MarkedRecord<'_>, now: AccountMarks) -> bool {
    let made = record.marks.map(|made| made.generation);
    now.generation == 0 || made != Some(now.generation)
}

/// Returns true if the user was disabled or deleted after the record was made.
pub fn is_void(record: MarkedRecord<'_>, void: &VoidBefore, now: AccountMarks) -> bool {
    if void.person != now.person {
        return false;
    }
    match record.marks {
        Some(made) if made.generation > 0 && void.generation > 0 => {
            made.generation < void.generation
        }
        _ => record.created_at <= void.at,
    }
}

/// Returns true if a consent is still accepted. Another person with the same name inherits nothing, but
/// if the tenant is another object too, both were restored.
pub fn consent_counts(consent: &Consent, now: AccountMarks) -> bool {
    consent.marks.is_none_or(|made| marks_are_current(made, now.person, now.tenant))
}

/// Whether an authenticator is accepted for a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticatorStanding {
    /// The user has set the authenticator up.
    Counts,
    /// The authenticator is accepted, but has the marks of an earlier object: after a restore, or since an OidcUser declares
    /// the person. It gets the present ones, so that it is void for the next person with the subject.
    Adopted,
    /// An administrator has reset the authenticator.
    Reset,
    /// Another person with the subject has set the authenticator up. It is not accepted, and not taken for absent
    /// either.
    OfOtherPerson,
}

impl AuthenticatorStanding {
    /// Returns true if it can be used.
    pub const fn counts(self) -> bool {
        matches!(self, Self::Counts | Self::Adopted)
    }
}

/// Decides on an authenticator that was set up at a time: under the same rule as a consent, and unless an
/// administrator has reset it. `declared` are the marks of the provider's people who are this user.
pub fn decide_authenticator_standing(
    (made, set_up_at): (AccountMarks, Timestamp),
    account: &Account,
    declared: &[ObjectMark],
    now: AccountMarks,
    at: Timestamp,
) -> AuthenticatorStanding {
    if is_before(set_up_at, account.reset_authenticators_before, at) {
        return AuthenticatorStanding::Reset;
    }
    match (made.person == now.person, made.tenant == now.tenant) {
        (true, true) => AuthenticatorStanding::Counts,
        (_, false) => AuthenticatorStanding::Adopted,
        (false, true) if declared.contains(&made.person) => AuthenticatorStanding::Adopted,
        (false, true) => AuthenticatorStanding::OfOtherPerson,
    }
}

/// Returns true if something is older than a limit. A limit in the future has no effect yet.
fn is_before(made: Timestamp, limit: Option<Timestamp>, now: Timestamp) -> bool {
    limit.is_some_and(|limit| made < limit && limit <= now)
}

/// Returns true if an accepted consent has the marks of earlier objects, after a restore.
pub fn consent_needs_new_marks(made: Option<AccountMarks>, now: AccountMarks) -> bool {
    made.is_none_or(|made| made.tenant != now.tenant)
}

/// Returns true if a decision that a person made once is still accepted: for the same person, or after a restore of
/// everything.
pub fn marks_are_current(made: AccountMarks, person: ObjectMark, tenant: ObjectMark) -> bool {
    made.person == person || made.tenant != tenant
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use super::*;
    use crate::model::{ObjectKey, fixtures};

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn marks() -> AccountMarks {
        AccountMarks {
            person: ObjectMark::of("uid-1"),
            tenant: ObjectMark::of("tenant-1"),
            credential: Some(CredentialMark::new([1; 16])),
            generation: 3,
        }
    }

    fn made() -> MarkedRecord<'static> {
        MarkedRecord { marks: Some(marks()), created_at: NOW, sid: Some("sid-1") }
    }

    fn holds(now: AccountMarks, account: &Account) -> bool {
        account_permits_record(made(), account, now, NOW.plus(Duration::from_hours(1)))
    }

    #[test]
    fn a_record_ends_with_its_person_and_password() {
        let account = fixtures::user();
        assert!(holds(marks(), &account));
        assert!(holds(AccountMarks { generation: 9, ..marks() }, &account), "edited");
        let other = ObjectMark::of("uid-2");
        assert!(!holds(AccountMarks { person: other, ..marks() }, &account), "re-created");
        let restored = AccountMarks { person: other, tenant: other, ..marks() };
        assert!(!holds(restored, &account), "restored");
        // The marks of a provider's people are the same in any cluster.
        let elsewhere = AccountMarks { tenant: other, ..marks() };
        let source = AccountSource::Provider(ObjectKey::new("team", "corp"));
        assert!(!holds(elsewhere, &Account { source, ..account.clone() }), "another tenant object");
        assert!(holds(elsewhere, &account), "the OidcUser is the same object");
        let changed = Some(CredentialMark::new([2; 16]));
        assert!(!holds(AccountMarks { credential: changed, ..marks() }, &account));
        assert!(!holds(marks(), &Account { disabled: true, ..account.clone() }));
        let suspended = Account { password: PasswordState::Unreadable, ..account };
        assert!(!holds(marks(), &suspended), "while the Secret cannot be read");
    }

    #[test]
    fn a_record_without_marks_belongs_to_the_user_with_its_subject() {
        let record = MarkedRecord { marks: None, ..made() };
        assert!(account_permits_record(record, &fixtures::user(), marks(), NOW));
        assert!(may_record_be_void(record, marks()));
    }

    #[test]
    fn sign_out_before_ends_what_was_made_before() {
        let second = Duration::from_secs(1);
        let account = |before| Account { sign_out_before: Some(before), ..fixtures::user() };
        assert!(!holds(marks(), &account(NOW.plus(second))));
        assert!(holds(marks(), &account(NOW)), "made at that time");
        assert!(holds(marks(), &account(NOW.plus(Duration::from_hours(2)))), "not yet");
    }

    #[test]
    fn a_reset_voids_authenticators_and_ends_sessions() {
        let (second, later) = (Duration::from_secs(1), NOW.plus(Duration::from_hours(1)));
        let account =
            |before| Account { reset_authenticators_before: Some(before), ..fixtures::user() };
        let standing = |account: &Account, now: AccountMarks| {
            decide_authenticator_standing((marks(), NOW), account, &[], now, later)
        };
        assert_eq!(standing(&fixtures::user(), marks()), AuthenticatorStanding::Counts);
        assert_eq!(standing(&account(NOW.plus(second)), marks()), AuthenticatorStanding::Reset);
        assert!(!holds(marks(), &account(NOW.plus(second))), "the session too");
        assert!(standing(&account(NOW), marks()).counts(), "set up at that time");
        assert!(standing(&account(later.plus(second)), marks()).counts(), "not yet");
    }

    #[test]
    fn an_authenticator_is_adopted_by_its_person_only() {
        let standing = |declared: &[ObjectMark], now: AccountMarks| {
            decide_authenticator_standing((marks(), NOW), &fixtures::user(), declared, now, NOW)
        };
        let other = ObjectMark::of("uid-2");
        let heir = AccountMarks { person: other, ..marks() };
        let restored = AccountMarks { tenant: other, ..heir };
        assert_eq!(standing(&[], heir), AuthenticatorStanding::OfOtherPerson);
        assert_eq!(standing(&[], restored), AuthenticatorStanding::Adopted);
        assert_eq!(standing(&[other], heir), AuthenticatorStanding::OfOtherPerson);
        let declared = AuthenticatorStanding::Adopted;
        assert_eq!(standing(&[marks().person], heir), declared, "an OidcUser declares the person");
    }

    #[test]
    fn a_disabled_user_s_records_are_void_for_good() {
        let void = VoidBefore {
            person: marks().person,
            generation: 4,
            at: NOW.minus(Duration::from_hours(1)),
        };
        let enabled = AccountMarks { generation: 5, ..marks() };
        assert!(!may_record_be_void(made(), marks()), "the object did not change");
        assert!(may_record_be_void(made(), enabled));
        // Generations decide, not the clocks of replicas.
        assert!(is_void(made(), &void, enabled));
        let later = MarkedRecord { marks: Some(enabled), ..made() };
        assert!(!is_void(later, &void, enabled));
        let other = VoidBefore { person: ObjectMark::of("uid-0"), ..void };
        assert!(!is_void(made(), &other, enabled), "an earlier person with the name");
    }

    #[test]
    fn without_generations_the_time_decides() {
        let now = AccountMarks { generation: 0, ..marks() };
        let record = MarkedRecord { marks: Some(now), ..made() };
        let void = |at| VoidBefore { person: now.person, generation: 0, at };
        assert!(may_record_be_void(record, now), "in dev the store is always asked");
        assert!(is_void(record, &void(NOW), now));
        assert!(!is_void(record, &void(NOW.minus(Duration::from_secs(1))), now));
    }

    #[test]
    fn a_password_that_a_person_chose_ends_what_was_made_before() {
        let change =
            |at, sid: Option<&str>| PasswordChange { at, sid: sid.map(str::to_owned), mark: None };
        let later = NOW.plus(Duration::from_secs(1));
        assert!(change(later, None).ends(made()));
        assert!(!change(NOW, None).ends(made()), "made by a sign-in with it");
        assert!(change(later, Some("sid-2")).ends(made()));
        assert!(!change(later, Some("sid-1")).ends(made()), "the session that did it");
        let of_none = MarkedRecord { sid: None, ..made() };
        assert!(change(later, None).ends(of_none), "a record of no session");
    }

    #[test]
    fn a_session_ends_with_the_chosen_password_that_began_it() {
        let mark = |of: u8| Some(CredentialMark::new([of; 16]));
        let undeclared = AccountMarks { credential: mark(9), ..marks() };
        let begun_with = |of| MarkedRecord {
            marks: Some(AccountMarks { credential: of, ..marks() }),
            created_at: NOW.plus(Duration::from_mins(1)),
            ..made()
        };
        let counts = |record: MarkedRecord<'_>, sid: Option<&str>| {
            let change = PasswordChange { at: NOW, sid: sid.map(str::to_owned), mark: mark(2) };
            let now = change.marks_for(record, undeclared);
            account_permits_record(record, &fixtures::user(), now, NOW) && !change.ends(record)
        };
        assert!(counts(begun_with(mark(2)), None));
        assert!(!counts(begun_with(mark(1)), None), "a sign-in that was faster than the change");
        assert!(counts(begun_with(mark(1)), Some("sid-1")), "the session that changed it");
        assert!(!counts(begun_with(mark(1)), Some("sid-2")));
        assert!(counts(begun_with(mark(9)), None), "a passkey began it");
        assert!(
            !account_permits_record(begun_with(mark(2)), &fixtures::user(), undeclared, NOW),
            "it was reset"
        );
    }

    #[test]
    fn consent_is_the_person_s_unless_all_was_restored() {
        let consent = Consent { scopes: BTreeSet::new(), given_at: NOW, marks: Some(marks()) };
        let other = ObjectMark::of("uid-2");
        assert!(consent_counts(&consent, marks()));
        assert!(
            consent_counts(&consent, AccountMarks { credential: None, ..marks() }),
            "a new password"
        );
        assert!(!consent_counts(&consent, AccountMarks { person: other, ..marks() }));
        assert!(consent_counts(&consent, AccountMarks { person: other, tenant: other, ..marks() }));
    }
}
