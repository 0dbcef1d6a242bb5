//! The authenticators that people may enrol at a tenant.

use super::wire_enum::wire_enum;

wire_enum!(
    /// Whether people may use an authenticator of a kind.
    #[derive(Default)]
    AuthenticatorPolicy {
        /// Nobody. Authenticators that were enrolled before are not asked for.
        #[default]
        Disabled = "Disabled",
        /// Those who enrol one. A second factor is asked for at each sign-in from then on.
        Optional = "Optional",
    }
);

/// The authenticators that people may enrol at a tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TenantAuthenticators {
    /// Time-based one-time passwords (RFC 6238), from authenticator apps.
    pub totp: AuthenticatorPolicy,
    /// Passkeys (Web Authentication). `Disabled` also for a tenant whose issuer cannot have any.
    pub passkeys: AuthenticatorPolicy,
    /// Passwords that people choose themselves.
    pub passwords: AuthenticatorPolicy,
    /// Whether the installation's store keeps authenticators, so that new ones can be enrolled.
    pub are_kept: bool,
}

impl TenantAuthenticators {
    /// Returns true if the tenant offers an authenticator of some kind.
    pub fn has_any(self) -> bool {
        self.has_passwords()
            || [self.totp, self.passkeys].iter().any(|it| *it != AuthenticatorPolicy::Disabled)
    }

    /// Returns true if people can choose a password of their own.
    pub fn has_passwords(self) -> bool {
        self.passwords != AuthenticatorPolicy::Disabled
    }
}
