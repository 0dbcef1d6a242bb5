//! How and when a user proved their identity. `auth_time`, `amr` and `acr` are derived from it.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::model::{Subject, Timestamp};

/// The method of a recovery code in records. `amr` does not contain it.
const RECOVERY_CODE: &str = "lanyard:recovery-code";

/// A way of proving an identity, as a value of `amr` (RFC 8176 §2). Its stored form is that text,
/// so a release reads methods that only a later one performs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticationMethod(Arc<str>);

impl AuthenticationMethod {
    /// The method `pwd`: a password (RFC 8176 §2).
    pub fn password() -> Self {
        Self::new("pwd")
    }

    /// A sign-in at an identity provider: `fed`, the value that Microsoft Entra uses, because RFC 8176
    /// has none.
    pub fn federated() -> Self {
        Self::new("fed")
    }

    /// The method `otp`: a one-time password (RFC 8176 §2), by an authenticator app or a recovery code.
    pub fn one_time_password() -> Self {
        Self::new("otp")
    }

    /// More than one factor: `mfa`.
    pub fn multiple_factors() -> Self {
        Self::new("mfa")
    }

    /// The methods that a passkey proves. These are possession of a key (`pop`), presence of the person (`user`),
    /// and more than one factor, because the authenticator has verified the person. `hwk` and `swk` are not used:
    /// without attestation it is unknown whether the key is in hardware.
    pub fn of_passkey() -> [Self; 3] {
        [Self::new("pop"), Self::new("user"), Self::multiple_factors()]
    }

    /// The methods that a code of an authenticator app proves in addition to the first factor.
    pub fn of_second_factor() -> [Self; 2] {
        [Self::one_time_password(), Self::multiple_factors()]
    }

    /// The methods that a recovery code proves in addition to the first factor. Applications see those of a one-time
    /// password, because RFC 8176 has none for it.
    fn of_recovery_code() -> [Self; 3] {
        [Self::one_time_password(), Self::multiple_factors(), Self::new(RECOVERY_CODE)]
    }

    /// The method with this value in `amr`.
    pub fn new(amr: &str) -> Self {
        Self(amr.into())
    }

    /// The value in the claim `amr`, such as `pwd`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AuthenticationMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One proof of a user's identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticationEvent {
    /// The method that was used, as it appears in `amr`.
    pub method: AuthenticationMethod,
    /// The time at which the proof succeeded.
    pub at: Timestamp,
}

/// The user of a session or grant, and the proofs of their identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// The user's `sub` at this tenant, before any pairwise conversion for a client.
    pub subject: Subject,
    /// The proofs, in the order in which they succeeded. Never empty.
    pub events: Vec<AuthenticationEvent>,
}

impl Authentication {
    /// The authentication of a user who has just proved their identity by one method.
    pub fn by(method: AuthenticationMethod, subject: Subject, at: Timestamp) -> Self {
        Self { subject, events: vec![AuthenticationEvent { method, at }] }
    }

    /// The authentication of a user who has just used a passkey.
    pub fn by_passkey(subject: Subject, at: Timestamp) -> Self {
        let methods = AuthenticationMethod::of_passkey();
        Self { subject, events: methods.map(|method| AuthenticationEvent { method, at }).into() }
    }

    /// `auth_time`: the time of the latest proof (OIDC Core §2).
    pub fn auth_time(&self) -> Timestamp {
        self.events.iter().map(|event| event.at).max().unwrap_or(Timestamp::from_secs(0))
    }

    /// `amr`: the methods, each once, in the order of their first use (OIDC Core §2).
    pub fn amr(&self) -> Vec<&str> {
        let mut methods: Vec<&str> = Vec::with_capacity(self.events.len());
        for event in self.events.iter().filter(|event| event.method.as_str() != RECOVERY_CODE) {
            if !methods.contains(&event.method.as_str()) {
                methods.push(event.method.as_str());
            }
        }
        methods
    }

    /// Records that the user has typed a code of the authenticator app.
    pub fn prove_app_code(&mut self, at: Timestamp) {
        self.prove_methods(&AuthenticationMethod::of_second_factor(), at);
    }

    /// Records that the user has typed a recovery code.
    pub fn prove_recovery_code(&mut self, at: Timestamp) {
        self.prove_methods(&AuthenticationMethod::of_recovery_code(), at);
    }

    /// Records that the user has used a passkey in addition to what was proved before.
    pub fn prove_passkey(&mut self, at: Timestamp) {
        self.prove_methods(&AuthenticationMethod::of_passkey(), at);
    }

    fn prove_methods(&mut self, methods: &[AuthenticationMethod], at: Timestamp) {
        self.events.retain(|event| !methods.contains(&event.method));
        let proved = methods.iter().cloned();
        self.events.extend(proved.map(|method| AuthenticationEvent { method, at }));
    }

    /// When the user last proved more than one factor, here or at a provider that is trusted for it.
    pub fn factors_proved_at(&self) -> Option<Timestamp> {
        self.last_use(AuthenticationMethod::multiple_factors().as_str())
    }

    /// When the user last used a passkey. Other factors prove `mfa` too, so its time does not suffice.
    pub fn passkey_used_at(&self) -> Option<Timestamp> {
        let [possession, presence, _] = AuthenticationMethod::of_passkey();
        let at = |method: &AuthenticationMethod| self.last_use(method.as_str());
        at(&possession).zip(at(&presence)).map(|(one, other)| one.min(other))
    }

    /// When the user last typed a recovery code.
    pub fn recovery_code_used_at(&self) -> Option<Timestamp> {
        self.last_use(RECOVERY_CODE)
    }

    /// When an identity provider last vouched for more than one factor. `None` after a one-time code: a code typed at
    /// this tenant adds `otp`, so the provider's own `otp` cannot be distinguished.
    pub fn upstream_mfa_at(&self) -> Option<Timestamp> {
        let is_vouched_for = self.used(AuthenticationMethod::federated().as_str())
            && !self.used(AuthenticationMethod::one_time_password().as_str());
        self.factors_proved_at().filter(|_| is_vouched_for)
    }

    fn last_use(&self, method: &str) -> Option<Timestamp> {
        let uses = self.events.iter().filter(|event| event.method.as_str() == method);
        uses.map(|event| event.at).max()
    }

    /// Returns true if the user used a passkey.
    pub fn used_passkey(&self) -> bool {
        AuthenticationMethod::of_passkey().iter().all(|method| self.used(method.as_str()))
    }

    /// Returns true if the user used the method with this value in `amr`.
    pub fn used(&self, method: &str) -> bool {
        self.events.iter().any(|event| event.method.as_str() == method)
    }
}

/// A way to sign in, and the methods that one sign-in by it can prove together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInWay {
    /// The name of the identity provider; `None`: a password at the tenant itself.
    pub provider: Option<String>,
    /// The methods that one sign-in in this way can prove.
    pub methods: Vec<AuthenticationMethod>,
}

impl SignInWay {
    /// A password, at the tenant itself or at a directory.
    pub fn by_password(directory: Option<&str>) -> Self {
        let methods = vec![AuthenticationMethod::password()];
        Self { provider: directory.map(str::to_owned), methods }
    }

    /// A passkey, at the tenant itself.
    pub fn by_passkey() -> Self {
        Self { provider: None, methods: AuthenticationMethod::of_passkey().into() }
    }

    /// Returns true if one sign-in can prove all these methods.
    pub fn proves(&self, methods: &[String]) -> bool {
        let can = |method: &String| self.methods.iter().any(|it| it.as_str() == method);
        methods.iter().all(can)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn claims_are_derived_from_the_events() {
        // OIDC Core §2
        let first = Timestamp::from_secs(1_900_000_000);
        let later = first.plus(Duration::from_mins(5));
        let password = AuthenticationMethod::password();
        let mut ada = Authentication::by(password.clone(), Subject::new("ada"), first);
        assert_eq!((ada.auth_time(), ada.amr()), (first, vec!["pwd"]));
        for method in [AuthenticationMethod::new("otp"), password] {
            ada.events.push(AuthenticationEvent { method, at: later });
        }
        assert_eq!((ada.auth_time(), ada.amr()), (later, vec!["pwd", "otp"]));
        assert!(ada.used("otp") && !ada.used("hwk"));
        assert_eq!(ada.factors_proved_at(), None);
        let last = later.plus(Duration::from_mins(5));
        for at in [later, last] {
            ada.prove_app_code(at);
        }
        assert_eq!((ada.auth_time(), ada.amr()), (last, vec!["pwd", "otp", "mfa"]));
        assert_eq!((ada.factors_proved_at(), ada.events.len()), (Some(last), 4));
        let again = last.plus(Duration::from_mins(5));
        ada.prove_passkey(again);
        assert_eq!(ada.amr(), ["pwd", "otp", "pop", "user", "mfa"]);
        assert_eq!(ada.factors_proved_at(), Some(again));
        assert_eq!(ada.passkey_used_at(), Some(again));
        let latest = again.plus(Duration::from_mins(5));
        ada.prove_recovery_code(latest);
        assert_eq!(ada.amr(), ["pwd", "pop", "user", "otp", "mfa"], "applications see a code");
        assert_eq!((ada.passkey_used_at(), ada.factors_proved_at()), (Some(again), Some(latest)));
        assert_eq!(ada.recovery_code_used_at(), Some(latest));
        let grace = Authentication::by_passkey(Subject::new("grace"), first);
        assert_eq!((grace.amr(), grace.auth_time()), (vec!["pop", "user", "mfa"], first));
        assert_eq!(grace.factors_proved_at(), Some(first));
    }
}
