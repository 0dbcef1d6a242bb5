//! The clients and grants that events are about.

use schemars::JsonSchema;
use serde::Serialize;

use super::AuditText;
use crate::model::{Client, Timestamp};

/// Scopes, separated by spaces.
pub type AuditedScopes<'a> = AuditText<'a, 1024>;

/// A client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditedClient<'a> {
    /// The client: `namespace/name` of its OidcClient.
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
