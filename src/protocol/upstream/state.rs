//! The state of a sign-in at a provider. It is sealed into the parameter `state`, so nothing is
//! stored before the provider has answered.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    model::{SealPurpose, Timestamp, sha256},
    protocol::{
        authorize::Interaction,
        identity_provider::{IdentityProvider, ProviderSource},
        records::{FormatVersion, RecordFormat, SealedRecord},
    },
};

/// The state of a sign-in at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamState {
    /// The name of the provider's object.
    pub provider: String,
    /// `nonce` of the request, which the ID token has to repeat.
    pub nonce: String,
    /// `code_verifier` of PKCE (RFC 7636 §4.1).
    pub code_verifier: String,
    /// When the browser was sent to the provider.
    pub started_at: Timestamp,
    /// The demands on the sign-in.
    pub demands: UpstreamRequirements,
    /// The authorization that waits for it. It binds the state to the browser.
    pub interaction: Interaction,
    /// The party that the browser was sent to, and this tenant as its client.
    pub party: UpstreamClientHash,
}

impl UpstreamState {
    /// Returns true if the browser was sent to this provider as it is now. After a change of the
    /// object its code belongs to another party, which must not receive it (RFC 9700 §4.4).
    pub fn is_for(&self, provider: &IdentityProvider) -> bool {
        self.provider == provider.name() && self.party == UpstreamClientHash::of(provider)
    }
}

/// A provider's issuer or host with the client id there, as a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamClientHash([u8; 32]);

impl UpstreamClientHash {
    /// The party that a provider's object names.
    pub fn of(provider: &IdentityProvider) -> Self {
        let (place, client) = match &provider.source {
            ProviderSource::Oidc(oidc) => (oidc.issuer.as_str(), oidc.client_id.as_str()),
            ProviderSource::GitHub(github) => (github.host.as_str(), github.client_id.as_str()),
            ProviderSource::Ldap(_) => ("", ""),
        };
        Self(sha256(format!("{place}\0{client}")))
    }
}

/// Requirements for a sign-in at a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamRequirements {
    /// The person must sign in again (`prompt=login`).
    pub fresh: bool,
    /// `max_age` of the application's request, in seconds; `None` if it has none.
    pub max_age: Option<u64>,
}

impl UpstreamRequirements {
    /// Returns true if a sign-in at `auth_time` satisfies the requirements of a request that was sent at
    /// `started_at`. Clocks may differ by `tolerance`.
    pub fn are_met(
        &self,
        auth_time: Option<Timestamp>,
        started_at: Timestamp,
        tolerance: Duration,
    ) -> bool {
        let max_age = if self.fresh { Some(0) } else { self.max_age };
        let Some(max_age) = max_age else { return true };
        auth_time
            .is_some_and(|at| at.plus(Duration::from_secs(max_age)).plus(tolerance) >= started_at)
    }
}

impl SealedRecord for UpstreamState {
    const PURPOSE: SealPurpose = SealPurpose::UpstreamState;
}

impl RecordFormat for UpstreamState {
    const VERSION: FormatVersion = FormatVersion { major: 0, minor: 2 };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demanded_sign_in_must_be_stated_and_recent() {
        let started = Timestamp::from_secs(1_800_000_000);
        let at = |seconds: i64| Some(Timestamp::from_secs(1_800_000_000 + seconds));
        let minute = Duration::from_mins(1);
        let none = UpstreamRequirements::default();
        assert!(none.are_met(None, started, minute));
        let fresh = UpstreamRequirements { fresh: true, max_age: Some(3600) };
        assert!(fresh.are_met(at(5), started, minute) && fresh.are_met(at(-59), started, minute));
        assert!(!fresh.are_met(at(-61), started, minute), "the provider did not ask again");
        assert!(!fresh.are_met(None, started, minute), "the provider does not say");
        let aged = UpstreamRequirements { fresh: false, max_age: Some(600) };
        assert!(
            aged.are_met(at(-600), started, minute) && !aged.are_met(at(-700), started, minute)
        );
    }
}
