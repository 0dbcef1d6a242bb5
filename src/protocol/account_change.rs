//! The proof that a person gives before something is changed on the account page.

use std::time::Duration;

use super::{authentication::Authentication, session::CLOCK_SKEW};
use crate::model::Timestamp;

/// The greatest age of the proof.
pub(super) const MAX_AGE_OF_CHANGES: Duration = Duration::from_mins(5);

/// The proof, by the strongest authenticator of the person. A thief with a password and a code of an app must not
/// be able to add or remove a passkey, because neither of them replaces it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccountChangeProof {
    /// Any sign-in, of a person without an authenticator.
    #[default]
    SignIn,
    /// A second factor: a code of the app, or a recovery code.
    SecondFactor,
    /// A passkey, or a recovery code.
    Passkey,
}

impl AccountChangeProof {
    /// When a sign-in gave the proof. An identity provider can vouch for more than one factor. That replaces a
    /// passkey, unless one of the factors was a code.
    fn given_at(self, authentication: &Authentication) -> Option<Timestamp> {
        match self {
            Self::SignIn => Some(authentication.auth_time()),
            Self::SecondFactor => authentication.factors_proved_at(),
            Self::Passkey => [
                authentication.passkey_used_at(),
                authentication.recovery_code_used_at(),
                authentication.upstream_mfa_at(),
            ]
            .into_iter()
            .flatten()
            .max(),
        }
    }
}

/// Returns true if a session may change something: the person gave the proof within the last five minutes. The clocks
/// of replicas and providers may differ.
pub fn may_change_account(
    authentication: &Authentication,
    proof: AccountChangeProof,
    now: Timestamp,
) -> bool {
    let given_at = proof.given_at(authentication);
    given_at.is_some_and(|at| now.since(at) <= MAX_AGE_OF_CHANGES + CLOCK_SKEW)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Subject,
        protocol::authentication::{AuthenticationEvent, AuthenticationMethod},
    };

    const AT: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn minutes(count: u64) -> Timestamp {
        AT.plus(Duration::from_mins(count))
    }

    fn by_password() -> Authentication {
        Authentication::by(AuthenticationMethod::password(), Subject::new("ada"), AT)
    }

    fn suffices(authentication: &Authentication, now: Timestamp) -> [bool; 3] {
        use AccountChangeProof::{Passkey, SecondFactor, SignIn};
        [SignIn, SecondFactor, Passkey].map(|proof| may_change_account(authentication, proof, now))
    }

    #[test]
    fn changes_want_the_strongest_factor_of_the_last_five_minutes() {
        let mut ada = by_password();
        assert_eq!(suffices(&ada, minutes(5)), [true, false, false]);
        assert_eq!(suffices(&ada, minutes(7)), [false; 3]);
        ada.prove_app_code(minutes(10));
        assert_eq!(suffices(&ada, minutes(14)), [true, true, false], "a code is not a passkey");
        ada.prove_passkey(minutes(20));
        assert_eq!(suffices(&ada, minutes(24)), [true; 3]);
        assert_eq!(suffices(&ada, minutes(27)), [false; 3]);
        ada.prove_app_code(minutes(30));
        assert_eq!(suffices(&ada, minutes(31)), [true, true, false], "the passkey was before");
        ada.prove_recovery_code(minutes(40));
        assert_eq!(suffices(&ada, minutes(44)), [true; 3], "it replaces a lost passkey");
        ada.prove_app_code(minutes(50));
        assert_eq!(suffices(&ada, minutes(51)), [true, true, false]);
    }

    #[test]
    fn the_word_of_a_provider_counts_unless_a_code_was_used() {
        let vouched = |methods: &[&str]| {
            let fed = AuthenticationMethod::federated();
            let mut vouched = Authentication::by(fed, Subject::new("ada"), AT);
            vouched.events.extend(methods.iter().map(|amr| {
                let method = AuthenticationMethod::new(amr);
                AuthenticationEvent { method, at: AT }
            }));
            suffices(&vouched, minutes(1))
        };
        assert_eq!(vouched(&[]), [true, false, false]);
        assert_eq!(vouched(&["mfa"]), [true; 3]);
        assert_eq!(vouched(&["otp", "mfa"]), [true, true, false]);
    }
}
