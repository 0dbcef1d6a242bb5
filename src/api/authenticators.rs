//! The authenticators that people may enrol at a `Tenant`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::EnumSpec;
use crate::model::{AuthenticatorPolicy, ChosenPasswordPolicy};

/// The authenticators that people may or have to enrol at a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticatorsSpec {
    /// Codes of authenticator apps (TOTP, RFC 6238) as a second factor. `Disabled` (default): people are not
    /// asked for a code. `Optional`: people may set up an app on their account page, and are asked for
    /// a code at each sign-in from then on. `Required`: everyone signs in with more than one factor: a code, or a
    /// passkey, or an identity provider whose `assurance` vouches for `mfa`. The first app is set up by an invitation
    /// (`invitation` of the OidcUser), never with the password alone. The store has to keep records, as the
    /// condition `EnrolmentAvailable` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp: Option<EnumSpec<AuthenticatorPolicy>>,
    /// Passkeys (Web Authentication), in place of a password or as a second factor. `Disabled` (default): people
    /// cannot use one. `Optional`: people may set up passkeys on their account page, and sign in with them.
    /// `Required`: everyone signs in with a passkey, or with an identity provider whose `assurance` vouches for
    /// `mfa`. The first passkey is set up by an invitation (`invitation` of the OidcUser), never with the password
    /// alone. The issuer has to be an https URL with a domain; browsers refuse passkeys elsewhere, except at
    /// `localhost`. The store has to keep records, as the condition `EnrolmentAvailable` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkeys: Option<EnumSpec<AuthenticatorPolicy>>,
    /// Passwords that people choose themselves. `Disabled` (default): people sign in with the password of
    /// `passwordSecretRef` of their OidcUser only. `Optional`: a person whose OidcUser has no
    /// `passwordSecretRef` chooses a password by an invitation (`invitation` of the OidcUser), and can
    /// change it on the account page. The store has to keep records, as the condition
    /// `EnrolmentAvailable` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passwords: Option<EnumSpec<ChosenPasswordPolicy>>,
}
