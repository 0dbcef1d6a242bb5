//! A provider ends sessions of its people by a logout token (OIDC Back-Channel Logout §2.7).

use std::time::Duration;

use super::{
    AccountContext,
    upstream_error::UpstreamSignInError,
    upstream_session_end::end_session_here,
    upstream_session_record::{UpstreamName, list_upstream_sessions},
};
use crate::{
    model::{AuditEvent, AuditText, LogoutTokenRefusal},
    protocol::{
        identity_provider::{IdentityProvider, OidcUpstream},
        records::UpstreamSession,
        upstream::UpstreamLogoutToken,
    },
    upstream::UpstreamError,
};

/// How far the provider's clock may differ.
const TOLERANCE: Duration = Duration::from_mins(1);

/// Ends the sessions here that a logout token is about. Grants with `offline_access` go on, as long as
/// the provider's own rules let them. Returns the number of sessions at the provider that it found.
pub(crate) async fn end_sessions_of_provider(
    context: AccountContext<'_>,
    (provider, oidc): (&IdentityProvider, &OidcUpstream),
    logout_token: &str,
) -> Result<usize, UpstreamSignInError> {
    let (fetch, upstream) = (context.upstream_client(provider), &context.services.upstream);
    let checked = upstream.check_logout_token(&fetch, (provider, oidc), logout_token, context.now);
    let token = checked.await.inspect_err(|error| report_refusal(context, provider, error))?;
    let name = match (&token.sid, &token.subject) {
        (Some(sid), _) => UpstreamName::Sid(sid),
        (None, subject) => UpstreamName::Subject(subject.as_deref().unwrap_or_default()),
    };
    let of = (provider.name(), token.issuer.as_str());
    let mut ended = 0;
    for session in list_upstream_sessions(context, of, name).await? {
        if is_about(&token, &session) {
            end_session_here(context, &session).await?;
            ended += 1;
        }
    }
    Ok(ended)
}

/// Reports a refused logout token: it may be forged.
fn report_refusal(context: AccountContext<'_>, provider: &IdentityProvider, error: &UpstreamError) {
    let reason = match error {
        UpstreamError::LogoutToken(_) => LogoutTokenRefusal::Claims,
        UpstreamError::Signature => LogoutTokenRefusal::Signature,
        _ => LogoutTokenRefusal::ProviderUnavailable,
    };
    context.audit(AuditEvent::LogoutTokenRefused {
        provider: AuditText::new(provider.name()),
        reason,
        cause: AuditText::new(error.to_string()),
    });
}

/// Whether a logout token is about a session: a sign-in after it was written is another session.
fn is_about(token: &UpstreamLogoutToken, session: &UpstreamSession) -> bool {
    let is_same = |named: &Option<String>, own: Option<&str>| {
        named.as_deref().is_none_or(|named| own == Some(named))
    };
    is_same(&token.sid, session.upstream_sid.as_deref())
        && is_same(&token.subject, Some(&session.upstream_subject))
        && session.created_at <= token.issued_at.plus(TOLERANCE)
}
