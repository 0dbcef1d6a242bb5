//! The stored sessions of people at identity providers. They begin at a sign-in, and last as long as the session
//! here or a grant that outlives it (docs/design/state.md#upstream-sessions).

use std::time::Duration;

use super::upstream_session_record::{
    StoredUpstreamSession, change_upstream_session, upstream_session_record,
};
use crate::{
    accounts::{AccountContext, AccountError},
    protocol::{
        records::{Grant, Session, SignInOrigin, StoredUpstreamTokens, UpstreamSession},
        session::CLOCK_SKEW,
    },
    store::RecordKind,
};

/// How long an upstream session is kept after the session here has ended, for codes that are not
/// redeemed yet.
const REDEMPTION_TIME: Duration = Duration::from_mins(5);

/// Where a user has just signed in.
#[derive(Debug)]
pub enum SignInSource {
    /// At the tenant itself.
    Tenant,
    /// With the directory of this provider.
    Directory(String),
    /// At an OpenID provider or at GitHub.
    Provider(Box<NewUpstreamSession>),
    /// Where the session of the browser is from, which a further factor continues.
    Continued,
}

/// A session that has just begun at a provider.
#[derive(Debug)]
pub struct NewUpstreamSession {
    /// The name of the provider's object.
    pub provider: String,
    /// The issuer of the ID token, or that of GitHub. Empty for a directory.
    pub issuer: String,
    /// The claim `sub` there.
    pub subject: String,
    /// The claim `sid` there.
    pub sid: Option<String>,
    /// The tokens that the provider issued, to refresh claims and to sign out there.
    pub tokens: StoredUpstreamTokens,
}

/// Stores the session of a sign-in at a provider, and returns the origin of the session here. A
/// sign-in that continues a session here continues its upstream session, so that its grants live on.
pub(in crate::accounts) async fn begin_upstream_session(
    context: AccountContext<'_>,
    source: SignInSource,
    session: &Session,
    previous: Option<&Session>,
) -> Result<Option<SignInOrigin>, AccountError> {
    let new = match source {
        SignInSource::Tenant => return Ok(None),
        SignInSource::Continued => return Ok(previous.and_then(|it| it.origin.clone())),
        SignInSource::Directory(provider) => {
            return Ok(Some(SignInOrigin { provider, upstream_session: None }));
        }
        SignInSource::Provider(new) => new,
    };
    let previous = previous.filter(|previous| previous.sid == session.sid);
    let id = match continued_session(context, &new, previous, session).await? {
        Some(id) => id,
        None => insert_session(context, &new, session).await?,
    };
    Ok(Some(SignInOrigin { provider: new.provider, upstream_session: Some(id) }))
}

/// Gives the upstream session of the previous session the new tokens, if it is of the same person at
/// the same provider.
async fn continued_session(
    context: AccountContext<'_>,
    new: &NewUpstreamSession,
    previous: Option<&Session>,
    session: &Session,
) -> Result<Option<String>, AccountError> {
    let origin = previous.and_then(|previous| previous.origin.as_ref());
    let origin = origin.filter(|origin| origin.provider == new.provider);
    let Some(id) = origin.and_then(|origin| origin.upstream_session.as_deref()) else {
        return Ok(None);
    };
    let now = context.store_now;
    change_upstream_session(context, id, |stored| {
        let old = &stored.session;
        if (&old.issuer, &old.upstream_subject) != (&new.issuer, &new.subject) || old.ended {
            return false;
        }
        stored.session.tokens.renew(new.tokens.clone());
        stored.session.upstream_sid.clone_from(&new.sid);
        (stored.session.created_at, stored.session.refreshed_at) = (now, now);
        stored.session.asked_at = now;
        (stored.session.incomplete, stored.session.asking) = (false, false);
        stored.expires_at = stored.expires_at.max(session.ends_at.plus(CLOCK_SKEW));
        true
    })
    .await
    .map(|continued| continued.then(|| id.to_owned()))
}

async fn insert_session(
    context: AccountContext<'_>,
    new: &NewUpstreamSession,
    session: &Session,
) -> Result<String, AccountError> {
    let subject = session.authentication.subject.as_str();
    let mut tokens = StoredUpstreamTokens::default();
    tokens.renew(new.tokens.clone());
    let id = context.services.entropy.id();
    let upstream = UpstreamSession {
        id: id.clone(),
        subject: subject.to_owned(),
        provider: new.provider.clone(),
        issuer: new.issuer.clone(),
        upstream_subject: new.subject.clone(),
        upstream_sid: new.sid.clone(),
        sid: session.sid.clone(),
        tokens,
        created_at: context.store_now,
        refreshed_at: context.store_now,
        asked_at: context.store_now,
        incomplete: false,
        asking: false,
        offline_until: None,
        ended: false,
    };
    let record = upstream_session_record(context, &upstream, session.ends_at.plus(CLOCK_SKEW))?;
    let inserted = context.insert(record).await?;
    inserted.then_some(id).ok_or(AccountError::DuplicateId(RecordKind::UpstreamSession))
}

/// Claims the refresh of an upstream session. Returns `false` if another request was faster: a refresh
/// token may be used once only.
pub(in crate::accounts) async fn claim_refresh(
    context: AccountContext<'_>,
    stored: &StoredUpstreamSession,
) -> Result<bool, AccountError> {
    let asked_at = context.store_now;
    let claimed = UpstreamSession { asked_at, asking: true, ..stored.session.clone() };
    let record = upstream_session_record(context, &claimed, stored.expires_at)?;
    Ok(context.compare_and_swap(stored.version, record).await?)
}

/// Stores tokens that the provider gave in place of others, which may be spent.
pub(in crate::accounts) async fn renew_tokens(
    context: AccountContext<'_>,
    id: &str,
    tokens: StoredUpstreamTokens,
) -> Result<(), AccountError> {
    let renew = |stored: &mut StoredUpstreamSession| {
        stored.session.tokens.renew(tokens.clone());
        true
    };
    change_upstream_session(context, id, renew).await.map(drop)
}

/// Stores the result of a refresh: `Some` if the provider has answered, with whether the answer is
/// incomplete.
pub(in crate::accounts) async fn store_refresh_result(
    context: AccountContext<'_>,
    id: &str,
    incomplete: Option<bool>,
) -> Result<(), AccountError> {
    let answered = |stored: &mut StoredUpstreamSession| {
        stored.session.asking = false;
        stored.session.incomplete = incomplete.unwrap_or(stored.session.incomplete);
        if incomplete == Some(false) {
            stored.session.refreshed_at = context.store_now;
        }
        true
    };
    change_upstream_session(context, id, answered).await.map(drop)
}

/// Keeps the upstream session of a grant for as long as the grant outlives its session here.
pub(in crate::accounts) async fn keep_for_grant(
    context: AccountContext<'_>,
    grant: &Grant,
) -> Result<(), AccountError> {
    let id = grant.origin.as_ref().and_then(|origin| origin.upstream_session.as_deref());
    let Some(id) = id.filter(|_| grant.is_offline()) else { return Ok(()) };
    let until = grant.ends_at;
    let keep = |stored: &mut StoredUpstreamSession| {
        let before = stored.session.offline_until;
        stored.session.offline_until = before.max(Some(until));
        stored.expires_at = stored.expires_at.max(until.plus(CLOCK_SKEW));
        stored.session.offline_until != before
    };
    change_upstream_session(context, id, keep).await.map(drop)
}

/// Notes that a session here has ended: only grants that outlive it go on.
pub(in crate::accounts) async fn release_upstream_session(
    context: AccountContext<'_>,
    ended: &Session,
) -> Result<(), AccountError> {
    let origin = ended.origin.as_ref();
    let Some(id) = origin.and_then(|origin| origin.upstream_session.as_deref()) else {
        return Ok(());
    };
    let now = context.now;
    let release = |stored: &mut StoredUpstreamSession| {
        stored.session.ended = true;
        let offline_until = stored.session.offline_until.map(|until| until.plus(CLOCK_SKEW));
        stored.expires_at = now.plus(REDEMPTION_TIME).max(offline_until.unwrap_or(now));
        true
    };
    change_upstream_session(context, id, release).await.map(drop)
}
