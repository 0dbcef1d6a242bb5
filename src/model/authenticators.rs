//! The authenticators that people may enrol at a tenant.

use super::{account::Account, wire_enum::wire_enum};

wire_enum!(
    /// Whether people may use a passkey or an authenticator app, or have to.
    #[derive(Default)]
    AuthenticatorPolicy {
        /// Not available. Authenticators that were enrolled before are not asked for.
        #[default]
        Disabled = "Disabled",
        /// People may enrol one. It is asked for at each sign-in from then on.
        Optional = "Optional",
        /// Every person must enrol one. The first one is enrolled with an invitation, never with a password alone.
        Required = "Required",
    }
);

wire_enum!(
    /// Whether people may choose a password of their own.
    #[derive(Default)]
    ChosenPasswordPolicy {
        /// Not available. Passwords that were chosen before are refused.
        #[default]
        Disabled = "Disabled",
        /// People may choose one if they are invited to and have no password in a Secret.
        Optional = "Optional",
    }
);

/// The proof that a tenant requires of each person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequiredFactor {
    /// More than one factor: the code of an authenticator app, or a passkey, which proves two.
    SecondFactor,
    /// A passkey (Web Authentication).
    Passkey,
}

impl RequiredFactor {
    /// The field of a Tenant that requires it.
    pub const fn field(self) -> &'static str {
        match self {
            Self::SecondFactor => "authenticators.totp",
            Self::Passkey => "authenticators.passkeys",
        }
    }
}

/// The authenticators that people may enrol at a tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TenantAuthenticators {
    /// Time-based one-time passwords (RFC 6238), from authenticator apps.
    pub totp: AuthenticatorPolicy,
    /// Passkeys (Web Authentication). `Disabled` also for a tenant whose issuer cannot have any.
    pub passkeys: AuthenticatorPolicy,
    /// Passwords that people choose themselves.
    pub passwords: ChosenPasswordPolicy,
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
        self.passwords != ChosenPasswordPolicy::Disabled
    }

    /// Returns true if people who have no password are invited to set up a passkey.
    pub fn invites_to_passkeys(self) -> bool {
        match self.passkeys {
            AuthenticatorPolicy::Disabled => false,
            AuthenticatorPolicy::Optional => !self.has_passwords(),
            AuthenticatorPolicy::Required => true,
        }
    }

    /// Returns true if a person without a password may have been invited to sign in with a passkey alone. A person with a
    /// declared identity is not among them: the passkey is a second factor there, and the provider is asked at each
    /// sign-in whether it still knows the person.
    pub fn admits_by_passkey(self, account: &Account) -> bool {
        self.invites_to_passkeys() && account.identities.is_empty()
    }

    /// The proof that the tenant requires of each person, if it requires one. A passkey proves two factors, so it
    /// satisfies both.
    pub fn required(self) -> Option<RequiredFactor> {
        match (self.passkeys, self.totp) {
            (AuthenticatorPolicy::Required, _) => Some(RequiredFactor::Passkey),
            (_, AuthenticatorPolicy::Required) => Some(RequiredFactor::SecondFactor),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passkey_is_the_stricter_requirement() {
        use AuthenticatorPolicy::{Disabled, Optional, Required};
        let required = |totp, passkeys| {
            TenantAuthenticators { totp, passkeys, ..TenantAuthenticators::default() }.required()
        };
        assert_eq!(required(Disabled, Disabled), None);
        assert_eq!(required(Optional, Optional), None);
        assert_eq!(required(Required, Optional), Some(RequiredFactor::SecondFactor));
        assert_eq!(required(Optional, Required), Some(RequiredFactor::Passkey));
        assert_eq!(required(Required, Required), Some(RequiredFactor::Passkey));
    }
}
