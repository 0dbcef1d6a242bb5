//! The clients and grants that events are about.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    AuditCause, AuditText, AuditedAuthenticator, MailKind, PasswordChangeWay, PasswordResetRefusal,
    PersonRefusal,
};
use crate::model::{Client, Timestamp};

/// Scopes, separated by spaces.
pub type AuditedScopes<'a> = AuditText<'a, 1024>;

/// A client, by its object or document and by its ID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditedClient<'a> {
    /// The client: `namespace/name` of its OidcClient, or the URL of its metadata document.
    pub client: AuditText<'a>,
    /// The client's `client_id`.
    pub client_id: AuditText<'a>,
}

impl<'a> From<&'a Client> for AuditedClient<'a> {
    fn from(client: &'a Client) -> Self {
        Self {
            client: AuditText::new(client.object.to_string()),
            client_id: AuditText::new(client.id.as_str()),
        }
    }
}

/// The person whom a token is about. The fields are absent if the client acts for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditedTokenOwner<'a> {
    /// The person's `sub`, before it is made pairwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<AuditText<'a>>,
    /// The name of the identity provider that the person came from, or `Local`. It is absent where the
    /// person was not looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<AuditText<'a>>,
    /// The session, as in the claim `sid` of tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<AuditText<'a>>,
    /// The grant, as in the claim of access tokens that names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<AuditText<'a>>,
}

/// A person's answer to what an application asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditedConsent<'a> {
    /// The application that asked.
    #[serde(flatten)]
    pub client: AuditedClient<'a>,
    /// The person's `sub`; absent if a device was refused before a person signed in, or if the application named an
    /// unknown person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<AuditText<'a>>,
    /// The session, as in the claim `sid` of tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<AuditText<'a>>,
    /// The scopes that were asked for, allowed or refused.
    pub scope: AuditedScopes<'a>,
    /// The resource servers that were asked for, allowed or refused, by `identifier`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<AuditText<'a>>,
    /// The types of the authorization details that were asked for, allowed or refused (RFC 9396).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types: Vec<AuditText<'a>>,
    /// The address that a device, or an application over the backchannel, asked from; absent for applications that
    /// sent the browser here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_address: Option<AuditText<'a, 64>>,
}

/// A provider's person who was not admitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditedRefusedPerson<'a> {
    /// The `IdentityProvider` by its name.
    pub provider: AuditText<'a>,
    /// The person's `sub`, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<AuditText<'a>>,
    /// Why the person is not admitted.
    pub reason: PersonRefusal,
    /// The reason in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<AuditCause<'a>>,
}

/// The contents of an access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditedAccess<'a> {
    /// The scopes of the access token, or of the code in a response without one.
    pub scope: AuditedScopes<'a>,
    /// The resource server that the access token is for, by its `identifier`; absent for the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<AuditText<'a>>,
    /// The audience of the token that was exchanged for it (RFC 8693).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchanged_from: Option<AuditText<'a>>,
    /// The clients that act for the person by the access token, the last one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actors: Vec<AuditText<'a>>,
}

/// The invitation of a link. Both fields are absent if the link is damaged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditedInvitation<'a> {
    /// The `sub` of the invited person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<AuditText<'a>>,
    /// `spec.invitation.id` of the OidcUser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation: Option<AuditText<'a>>,
}

/// A message to a person. Its address is not logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditedMail<'a> {
    /// The subject of the message.
    #[serde(rename = "mail")]
    pub kind: MailKind,
    /// The person's `sub`.
    pub subject: AuditText<'a>,
    /// The failure in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<AuditCause<'a>>,
    /// Whether another attempt follows the one that failed. If not, the message is lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub will_retry: Option<bool>,
}

/// The link by which a person who forgot the password chooses another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditedPasswordReset<'a> {
    /// The person's `sub`.
    pub subject: AuditText<'a>,
    /// Why the link does not work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<PasswordResetRefusal>,
}

/// The setup or the removal of an authenticator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditedAuthenticatorChange<'a> {
    /// The authenticator.
    pub authenticator: AuditedAuthenticator,
    /// The person's `sub`.
    pub subject: AuditText<'a>,
    /// The session in which the person did so, as in the claim `sid` of tokens; absent for an invited person who
    /// signs in after that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<AuditText<'a>>,
}

/// The second use of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditedReplay<'a> {
    /// The client that sent it.
    #[serde(flatten)]
    pub client: AuditedClient<'a>,
    /// The grant that is revoked.
    #[serde(flatten)]
    pub grant: AuditedGrant<'a>,
}

/// The choice of a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditedPasswordChange<'a> {
    /// How the person proved the right to do so.
    pub by: PasswordChangeWay,
    /// The person's `sub`.
    pub subject: AuditText<'a>,
    /// The session in which the person did so, as in the claim `sid` of tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<AuditText<'a>>,
}

/// A person's grant to a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditedGrant<'a> {
    /// The person's `sub`, before it is made pairwise.
    pub subject: AuditText<'a>,
    /// The session, as in the claim `sid` of tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<AuditText<'a>>,
    /// When the grant was made (RFC 3339, UTC).
    pub granted_at: AuditText<'a, 64>,
}

impl<'a> AuditedGrant<'a> {
    /// A grant that was made at a time.
    pub fn new(subject: &'a str, sid: Option<&'a str>, granted_at: Timestamp) -> Self {
        let granted_at = AuditText::new(granted_at.to_string());
        Self { subject: AuditText::new(subject), sid: sid.map(AuditText::new), granted_at }
    }
}
