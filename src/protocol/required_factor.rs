//! The factor that a tenant requires of everyone (docs/second-factors.md#required).

use super::authentication::{Authentication, AuthenticationMethod};
use crate::model::RequiredFactor;

/// Returns true if a sign-in has proved the factor that the tenant requires, here or at a provider that is trusted
/// for it.
///
/// A code of an app or a recovery code has `otp`, which is not a passkey. A provider can vouch for more than one
/// factor. That is accepted in place of a passkey, unless one of the factors was such a code.
pub fn has_required_factor(
    required: Option<RequiredFactor>,
    authentication: &Authentication,
) -> bool {
    let has_more_than_one = authentication.factors_proved_at().is_some();
    match required {
        None => true,
        Some(RequiredFactor::SecondFactor) => has_more_than_one,
        Some(RequiredFactor::Passkey) => {
            let is_vouched_for = authentication.upstream_mfa_at().is_some();
            has_more_than_one && (authentication.used_passkey() || is_vouched_for)
        }
    }
}

/// Returns true if a sign-in suffices to see the account page, where people replace what they have lost. Any two
/// factors do, a recovery code too. A change needs more ([`super::account_change`]).
pub fn may_see_account_page(
    required: Option<RequiredFactor>,
    authentication: &Authentication,
) -> bool {
    required.is_none() || authentication.factors_proved_at().is_some()
}

/// Returns true if the second factors of a person, by the methods that they prove, can prove what is required.
pub fn can_prove_factor(required: RequiredFactor, second_factor: &[AuthenticationMethod]) -> bool {
    let proves = |method: &AuthenticationMethod| second_factor.contains(method);
    match required {
        RequiredFactor::SecondFactor => proves(&AuthenticationMethod::multiple_factors()),
        RequiredFactor::Passkey => AuthenticationMethod::of_passkey().iter().all(proves),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Subject, Timestamp};

    fn signed_in(methods: &[&str]) -> Authentication {
        let (subject, at) = (Subject::new("ada"), Timestamp::from_secs(1_800_000_000));
        let mut methods = methods.iter().map(|amr| AuthenticationMethod::new(amr));
        let first = methods.next().expect("one at least");
        let mut authentication = Authentication::by(first, subject, at);
        authentication.events.extend(
            methods
                .map(|method| crate::protocol::authentication::AuthenticationEvent { method, at }),
        );
        authentication
    }

    #[test]
    fn a_required_factor_is_proved_here_or_vouched_for() {
        let two =
            |amr: &[&str]| has_required_factor(Some(RequiredFactor::SecondFactor), &signed_in(amr));
        let passkey =
            |amr: &[&str]| has_required_factor(Some(RequiredFactor::Passkey), &signed_in(amr));
        assert!(has_required_factor(None, &signed_in(&["pwd"])));
        for factorless in [&["pwd"][..], &["fed"], &["pwd", "otp"]] {
            assert!(!two(factorless) && !passkey(factorless), "{factorless:?}");
        }
        for code in [&["pwd", "otp", "mfa"][..], &["fed", "otp", "mfa"]] {
            assert!(two(code) && !passkey(code), "a code is not a passkey: {code:?}");
        }
        for good in
            [&["pop", "user", "mfa"][..], &["fed", "mfa"], &["pwd", "otp", "pop", "user", "mfa"]]
        {
            assert!(two(good) && passkey(good), "{good:?}");
        }
        assert!(!passkey(&["pwd", "mfa"]), "a level of two factors without a passkey");
    }

    #[test]
    fn the_account_page_takes_any_two_factors() {
        let manages = |required, amr: &[&str]| may_see_account_page(required, &signed_in(amr));
        let required = Some(RequiredFactor::Passkey);
        assert!(manages(None, &["pwd"]) && manages(required, &["pwd", "otp", "mfa"]));
        assert!(!manages(required, &["pwd"]) && !manages(required, &["fed"]));
    }

    #[test]
    fn an_app_does_not_prove_a_required_passkey() {
        use RequiredFactor::{Passkey, SecondFactor};
        let app = AuthenticationMethod::of_second_factor();
        let passkey = AuthenticationMethod::of_passkey();
        assert!(can_prove_factor(SecondFactor, &app) && can_prove_factor(SecondFactor, &passkey));
        assert!(!can_prove_factor(Passkey, &app) && can_prove_factor(Passkey, &passkey));
        assert!(!can_prove_factor(SecondFactor, &[]) && !can_prove_factor(Passkey, &[]));
    }
}
