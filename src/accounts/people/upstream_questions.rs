//! The questions to a provider about a person who is signed in, with the tokens that it gave.

use std::time::Duration;

use tokio::time::Instant;

use super::{upstream_credentials::client_assertion, upstream_error::UpstreamSignInError};
use crate::{
    accounts::{AccountContext, AccountError, records::upstream_sessions},
    model::Secret,
    protocol::{
        identity_provider::{
            GitHubUpstream, IdentityProvider, OidcUpstream, ProviderSource, UpstreamClaims,
        },
        records::{StoredUpstreamTokens, UpstreamSession},
        upstream::UpstreamTokens,
    },
    upstream::{UpstreamClient, UpstreamError, github_claims, refresh_github_tokens},
};

/// The time within which a refresh token is used after the refresh was claimed. The wait for others, the
/// request and the store need up to 25 s more, and after 30 s another replica may ask
/// (`person_refresh::RETRY_INTERVAL`).
const MAX_PREPARATION: Duration = Duration::from_secs(5);
/// Attempts to store new tokens.
const STORE_ATTEMPTS: u32 = 5;
/// Pause between two attempts.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Whether a provider can be asked with the tokens of a session. A provider that was moved, or another
/// provider with its name, never receives them.
pub(super) fn can_ask_provider(provider: &IdentityProvider, session: &UpstreamSession) -> bool {
    let has_token = match provider.source {
        ProviderSource::Oidc(_) => session.tokens.refresh_token.is_some(),
        ProviderSource::GitHub(_) => session.tokens.access_token.is_some(),
        ProviderSource::Ldap(_) => false,
    };
    has_token && provider.has_issuer(&session.issuer)
}

/// Uses the refresh token of a session. The new one is stored before anything else is asked. `old`: the
/// person's claims so far.
pub(super) async fn ask_openid(
    context: AccountContext<'_>,
    of: (&IdentityProvider, &OidcUpstream),
    (session, old): (&UpstreamSession, &UpstreamClaims),
) -> Result<UpstreamClaims, UpstreamSignInError> {
    let (fetch, started) = (context.upstream_client(of.0), Instant::now());
    let upstream = &context.services.upstream;
    let refresh_token = session.tokens.refresh_token.as_deref().unwrap_or_default();
    let metadata = upstream.metadata(&fetch, of, context.now).await?;
    let assertion = client_assertion(context, of.1, &metadata).await?;
    check_in_time(started)?;
    let with = (refresh_token, assertion.as_ref());
    let tokens = UpstreamClient::refresh_tokens(&fetch, (of.1, &metadata), with).await?;
    let kept = StoredUpstreamTokens { access_token: None, ..kept_tokens(&tokens) };
    store_tokens(context, session, kept).await?;
    let subject = session.upstream_subject.as_str();
    Ok(upstream.refreshed_claims(&fetch, of, (&tokens, subject, old), context.now).await?)
}

/// Asks GitHub with the access token of a session. The tokens of a GitHub App expire after hours, so a
/// refused token is renewed first if the session has a refresh token.
pub(super) async fn ask_github(
    context: AccountContext<'_>,
    (provider, github): (&IdentityProvider, &GitHubUpstream),
    session: &UpstreamSession,
) -> Result<UpstreamClaims, UpstreamSignInError> {
    let (fetch, started) = (context.upstream_client(provider), Instant::now());
    let StoredUpstreamTokens { refresh_token, access_token, .. } = &session.tokens;
    let access_token = Secret::new(access_token.clone().unwrap_or_default());
    let asked = github_claims(&fetch, github, &access_token).await;
    let Some(refresh_token) = refresh_token.as_deref().filter(|_| is_refused(&asked)) else {
        return Ok(asked?);
    };
    check_in_time(started)?;
    let tokens = refresh_github_tokens(&fetch, github, refresh_token).await?;
    store_tokens(context, session, kept_tokens(&tokens)).await?;
    let access_token = tokens.access_token.ok_or(UpstreamError::NoAccessToken)?;
    Ok(github_claims(&fetch, github, &access_token).await?)
}

/// Refuses to use a refresh token so late that another replica could use it before the new one is stored.
fn check_in_time(started: Instant) -> Result<(), UpstreamError> {
    if started.elapsed() > MAX_PREPARATION { Err(UpstreamError::TooLate) } else { Ok(()) }
}

/// Whether an access token has expired or was withdrawn.
const fn is_refused(asked: &Result<UpstreamClaims, UpstreamError>) -> bool {
    matches!(asked, Err(UpstreamError::ApiStatus { status: 401, .. }))
}

fn kept_tokens(tokens: &UpstreamTokens) -> StoredUpstreamTokens {
    let text = |token: &Option<Secret<String>>| token.as_ref().map(|token| token.expose().clone());
    StoredUpstreamTokens {
        refresh_token: text(&tokens.refresh_token),
        access_token: text(&tokens.access_token),
        id_token: None,
    }
}

/// Stores new tokens, because the old ones may be spent. A store that fails for a moment ends no session.
async fn store_tokens(
    context: AccountContext<'_>,
    session: &UpstreamSession,
    tokens: StoredUpstreamTokens,
) -> Result<(), AccountError> {
    if tokens == StoredUpstreamTokens::default() {
        return Ok(());
    }
    for _ in 1..STORE_ATTEMPTS {
        match upstream_sessions::renew_tokens(context, &session.id, tokens.clone()).await {
            Ok(()) => return Ok(()),
            Err(_) => tokio::time::sleep(STORE_PAUSE).await,
        }
    }
    upstream_sessions::renew_tokens(context, &session.id, tokens).await
}
