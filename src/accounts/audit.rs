//! The audit lines of the log (docs/reference/logs.md#audit-lines). Must not: contain a credential.

use crate::{
    model::{Client, Subject},
    protocol::{access::RefusedEntry, records::Grant, token::CredentialKind},
};

/// The version of the members of audit lines. Members that are added do not change it.
const SCHEMA: u32 = 1;

/// Reports that a grant was revoked because its code or refresh token was used again.
pub(super) fn credential_replayed(client: &Client, grant: &Grant, kind: CredentialKind) {
    let (event, message) = match kind {
        CredentialKind::Code => ("code_replayed", "a code was used again; its grant is revoked"),
        CredentialKind::RefreshToken => {
            ("refresh_token_replayed", "a superseded refresh token was used; its grant is revoked")
        }
    };
    tracing::warn!(
        target: "audit",
        schema = SCHEMA,
        event,
        client = %client.object,
        client_id = client.id.as_str(),
        subject = grant.authentication.subject.as_str(),
        sid = grant.sid.as_deref(),
        granted_at = %grant.created_at,
        "{message}"
    );
}

/// Reports that a person may not use a client.
pub(crate) fn entry_refused(client: &Client, subject: &Subject, refused: &RefusedEntry) {
    tracing::warn!(
        target: "audit",
        schema = SCHEMA,
        event = "entry_refused",
        client = %client.object,
        client_id = client.id.as_str(),
        subject = subject.as_str(),
        by = refused.by.as_str(),
        cause = %refused.cause,
        "a person may not use the client"
    );
}
