//! A provider ends sessions of its people by a logout token (OIDC Back-Channel Logout §2.7).

use crate::{
    accounts::{
        AccountContext, AccountError,
        context::RecordChange,
        people::upstream_error::UpstreamSignInError,
        records::upstream_session_record::{UpstreamName, list_upstream_sessions, name_hash},
        revocation::upstream_session_end::end_session_here,
    },
    model::{AuditEvent, AuditText, LogoutKind, LogoutTokenRefusal, Timestamp},
    protocol::{
        authorize::INTERACTION_TTL,
        identity_provider::{IdentityProvider, OidcUpstream},
        records::ProviderLogout,
        session::CLOCK_SKEW,
    },
    store::{Record, RecordKind, VersionedRecord},
    upstream::UpstreamError,
};

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
    let logout = ProviderLogout::of(name_hash(of, name), &token, context.now);
    remember_logout(context, &logout).await?;
    let mut ended = 0;
    for session in list_upstream_sessions(context, of, name).await? {
        let named = (session.upstream_subject.as_str(), session.upstream_sid.as_deref());
        if logout.ends(named, session.created_at) {
            end_session_here(context, &session, LogoutKind::Upstream).await?;
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

/// Remembers a logout token for sign-ins that wait for a second factor, and have no session yet.
async fn remember_logout(
    context: AccountContext<'_>,
    logout: &ProviderLogout,
) -> Result<(), AccountError> {
    let key = context.key(RecordKind::ProviderLogout, &logout.id);
    let stored = context.get(&key).await?;
    let record = Record {
        key: key.clone(),
        value: context.seal(logout)?.into_bytes().into(),
        expires_at: context.now.plus(INTERACTION_TTL).plus(CLOCK_SKEW),
        owners: Vec::new(),
        due_at: None,
    };
    let change = |_: Option<&VersionedRecord>| Ok(RecordChange::Write(record.clone(), ()));
    context.update(&key, stored, change).await
}

/// Whether a logout token has ended the session `(sub, sid)` at the provider that began here at `since`.
pub(in crate::accounts) async fn was_ended_by_provider(
    context: AccountContext<'_>,
    of: (&str, &str),
    (subject, sid): (&str, Option<&str>),
    since: Timestamp,
) -> Result<bool, AccountError> {
    for name in sid.map(UpstreamName::Sid).into_iter().chain([UpstreamName::Subject(subject)]) {
        let key = context.key(RecordKind::ProviderLogout, name_hash(of, name));
        let Some(stored) = context.get(&key).await? else { continue };
        // A record that cannot be opened, or is of another place, restricts.
        let logout = open_logout(context, &stored)?;
        if logout.is_none_or(|logout| logout.ends_sign_in((subject, sid), since)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Opens a record; `None` if it was altered, or written for another place.
fn open_logout(
    context: AccountContext<'_>,
    stored: &VersionedRecord,
) -> Result<Option<ProviderLogout>, AccountError> {
    let Ok(sealed) = std::str::from_utf8(&stored.record.value) else { return Ok(None) };
    let logout: Option<ProviderLogout> = context.open(sealed)?;
    Ok(logout.filter(|logout| *logout.id == *stored.record.key.id))
}
