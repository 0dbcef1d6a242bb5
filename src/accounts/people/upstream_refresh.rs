//! Asks an OpenID provider or GitHub again about a person who is signed in, with the tokens of the
//! person's session there. Refresh tokens may be used once only, so one request of all replicas asks
//! (docs/design/state.md#upstream-sessions).

use std::time::Duration;

use super::{
    person_records::{self, AccountReference},
    person_refresh::{
        ClaimsFreshness, PersonRefreshOutcome, UPSTREAM_TIMEOUT, claims_after_refusal,
        decide_freshness,
    },
    upstream_error::UpstreamSignInError,
    upstream_questions::{ask_github, ask_openid, can_ask_provider},
};
use crate::{
    accounts::{
        AccountContext, AccountError,
        detached_context::DetachedContext,
        records::{
            upstream_session_record::{StoredUpstreamSession, load_upstream_session},
            upstream_sessions,
        },
        revocation::upstream_session_end::end_upstream_session,
    },
    model::{LogoutKind, Subject},
    protocol::{
        identity_provider::{
            IdentityProvider, ProviderSource, UpstreamClaims, identity_of, map_account,
        },
        records::UpstreamSession,
        upstream::{IdTokenError, TokenResponseError},
    },
    store::RecordKind,
    upstream::UpstreamError,
};

/// Time for which a request waits for another request that asks the provider, if the stored claims may not be used.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// Pause between two looks at the answer to another request.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// A session at a provider, with the person's claims.
struct SignedInUpstream {
    stored: StoredUpstreamSession,
    claims: UpstreamClaims,
}

/// The claims of a person of an OpenID provider or GitHub, if they are still accepted.
pub(super) async fn upstream_claims(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    person: AccountReference<'_>,
) -> Result<Option<UpstreamClaims>, AccountError> {
    let Some(signed_in) = load(context, provider, person).await? else { return Ok(None) };
    let session = &signed_in.stored.session;
    match decide_freshness(provider.refresh, session.age(), context.store_now) {
        ClaimsFreshness::Usable => Ok(Some(signed_in.claims)),
        ClaimsFreshness::Refused if session.asking => {
            wait_for_answer(context, provider, person).await
        }
        ClaimsFreshness::Refused => Err(claims_after_refusal(provider, session.age())),
        ClaimsFreshness::Stale { usable } if !can_ask_provider(provider, session) => {
            let refused = || AccountError::NotAdmitted(provider.name().to_owned());
            usable.then_some(signed_in.claims).map(Some).ok_or_else(refused)
        }
        ClaimsFreshness::Stale { usable } => {
            if upstream_sessions::claim_refresh(context, &signed_in.stored).await? {
                refresh_in_background(context, signed_in, usable).await
            } else if usable {
                Ok(Some(signed_in.claims))
            } else {
                wait_for_answer(context, provider, person).await
            }
        }
    }
}

/// Loads the session that a session or grant depends on. `None` if it has ended, or is another
/// person's or provider's.
async fn load(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    person: AccountReference<'_>,
) -> Result<Option<SignedInUpstream>, AccountError> {
    let id = person.origin.and_then(|origin| origin.upstream_session.as_deref());
    let Some(id) = id else { return Ok(None) };
    let Some(stored) = load_upstream_session(context, id).await? else { return Ok(None) };
    let session = &stored.session;
    let is_it = session.subject == person.subject.as_str()
        && session.provider == provider.name()
        && (!session.ended || person.is_offline);
    if !is_it {
        return Ok(None);
    }
    let known = person_records::load_person(context, person.subject, provider).await?;
    let claims = known.and_then(|known| person_records::claims_of(&known.person));
    Ok(claims.map(|claims| SignedInUpstream { stored, claims }))
}

/// Waits for the answer that another request gets.
async fn wait_for_answer(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    person: AccountReference<'_>,
) -> Result<Option<UpstreamClaims>, AccountError> {
    let started = tokio::time::Instant::now();
    while started.elapsed() < MAX_WAIT {
        tokio::time::sleep(POLL_INTERVAL).await;
        let Some(signed_in) = load(context, provider, person).await? else { return Ok(None) };
        let session = &signed_in.stored.session;
        let freshness = decide_freshness(provider.refresh, session.age(), context.store_now);
        if freshness == ClaimsFreshness::Usable {
            return Ok(Some(signed_in.claims));
        }
        if !session.asking {
            return Err(claims_after_refusal(provider, session.age()));
        }
    }
    Err(AccountError::Conflict(RecordKind::UpstreamSession))
}

/// Asks the provider in a separate task. If a connection closes, the handler of its request is dropped, and a new
/// refresh token would be lost. `usable`: whether the stored claims may be used until the provider has answered.
async fn refresh_in_background(
    context: AccountContext<'_>,
    signed_in: SignedInUpstream,
    usable: bool,
) -> Result<Option<UpstreamClaims>, AccountError> {
    let detached = DetachedContext::of(context);
    let SignedInUpstream { stored, claims } = signed_in;
    let kept = usable.then(|| claims.clone());
    let provider = stored.session.provider.clone();
    let mut task =
        tokio::spawn(async move { refresh(detached.context(), &stored.session, &claims).await });
    let finished = if usable {
        tokio::time::timeout(UPSTREAM_TIMEOUT, &mut task).await.ok()
    } else {
        Some(task.await)
    };
    match finished {
        Some(Ok(Ok(PersonRefreshOutcome::Claims(claims)))) => Ok(Some(claims)),
        Some(Ok(Ok(PersonRefreshOutcome::Gone(_) | PersonRefreshOutcome::Ended))) => Ok(None),
        Some(Ok(Ok(PersonRefreshOutcome::Incomplete))) => Err(AccountError::NotAdmitted(provider)),
        Some(Ok(Err(error))) => Err(error),
        Some(Ok(Ok(PersonRefreshOutcome::Unavailable)) | Err(_)) | None => {
            kept.map(Some).ok_or(AccountError::ProviderUnavailable(provider))
        }
    }
}

/// Asks the provider, and stores its answer.
async fn refresh(
    context: AccountContext<'_>,
    session: &UpstreamSession,
    old: &UpstreamClaims,
) -> Result<PersonRefreshOutcome, AccountError> {
    let Some(provider) = context.tenant.provider(&session.provider) else {
        return Ok(PersonRefreshOutcome::Unavailable);
    };
    let asked = match &provider.source {
        ProviderSource::Oidc(oidc) => ask_openid(context, (provider, oidc), (session, old)).await,
        ProviderSource::GitHub(github) => ask_github(context, (provider, github), session).await,
        ProviderSource::Ldap(_) => return Ok(PersonRefreshOutcome::Unavailable),
    };
    let asked = match asked {
        Ok(claims) => accept_claims(context, provider, (session, old), claims).await,
        Err(error) => Err(error),
    };
    let answer = match asked {
        Ok(claims) => PersonRefreshOutcome::Claims(claims),
        Err(error) => {
            let person = session.subject.as_str();
            tracing::warn!(provider = %provider.object, user = person, %error, "a person's claims cannot be refreshed");
            let answer = answer_of_error(&error);
            if matches!(answer, PersonRefreshOutcome::Incomplete) {
                person_records::report_incomplete_person(context, provider, person, &error);
            }
            answer
        }
    };
    let id = &session.id;
    match answer {
        PersonRefreshOutcome::Gone(_) | PersonRefreshOutcome::Ended => {
            end_if_current(context, session).await
        }
        PersonRefreshOutcome::Claims(_) => {
            upstream_sessions::store_refresh_result(context, id, Some(false)).await?;
            Ok(answer)
        }
        PersonRefreshOutcome::Incomplete => {
            upstream_sessions::store_refresh_result(context, id, Some(true)).await?;
            Ok(answer)
        }
        PersonRefreshOutcome::Unavailable => {
            upstream_sessions::store_refresh_result(context, id, None).await?;
            Ok(answer)
        }
    }
}

/// Stores the person's claims of now, if they are of the same person and give an account.
async fn accept_claims(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    (session, old): (&UpstreamSession, &UpstreamClaims),
    claims: UpstreamClaims,
) -> Result<UpstreamClaims, UpstreamSignInError> {
    if identity_of(provider, &claims)? != identity_of(provider, old)? {
        return Err(UpstreamError::IdToken(IdTokenError::Subject).into());
    }
    // The rules refuse at the use. Claims that give no account are incomplete.
    if let Err(error) = map_account(provider, &claims)
        && !error.is_refusal()
    {
        return Err(error.into());
    }
    let json = person_records::claims_json(&claims)?;
    person_records::save_person(context, provider, &Subject::new(&*session.subject), json).await?;
    Ok(claims)
}

/// Ends the upstream session and its grants after the provider refused the refresh token, unless newer tokens were
/// stored in the meantime by a new sign-in or by another replica.
async fn end_if_current(
    context: AccountContext<'_>,
    session: &UpstreamSession,
) -> Result<PersonRefreshOutcome, AccountError> {
    let stored = load_upstream_session(context, &session.id).await?;
    let now = stored.map(|stored| stored.session.tokens);
    if now.as_ref() != Some(&session.tokens) {
        upstream_sessions::store_refresh_result(context, &session.id, None).await?;
        return Ok(PersonRefreshOutcome::Unavailable);
    }
    end_upstream_session(context, session, LogoutKind::Upstream).await?;
    Ok(PersonRefreshOutcome::Ended)
}

/// The outcome of a refresh that failed with this error.
fn answer_of_error(error: &UpstreamSignInError) -> PersonRefreshOutcome {
    match error {
        UpstreamSignInError::Upstream(UpstreamError::Token(TokenResponseError::InvalidGrant(
            _,
        ))) => PersonRefreshOutcome::Ended,
        UpstreamSignInError::Upstream(UpstreamError::Token(error)) if error.asks_for_person() => {
            PersonRefreshOutcome::Incomplete
        }
        // GitHub's access tokens last until the person or an organization withdraws them.
        UpstreamSignInError::Upstream(UpstreamError::ApiStatus { status: 401, .. }) => {
            PersonRefreshOutcome::Ended
        }
        UpstreamSignInError::Upstream(error) if error.is_transient() => {
            PersonRefreshOutcome::Unavailable
        }
        UpstreamSignInError::Upstream(
            UpstreamError::IdToken(IdTokenError::Subject)
            | UpstreamError::Userinfo(_)
            | UpstreamError::UserinfoStatus(_)
            | UpstreamError::NoRefreshedClaims
            | UpstreamError::NotRefreshed(_)
            | UpstreamError::GroupsNotRefreshed(_)
            | UpstreamError::ApiStatus { .. }
            | UpstreamError::ApiListTooLong(_)
            | UpstreamError::ApiPartial(_)
            | UpstreamError::NotInOrganization,
        )
        | UpstreamSignInError::Mapping(_)
        | UpstreamSignInError::ClaimsTooLarge(_) => PersonRefreshOutcome::Incomplete,
        _ => PersonRefreshOutcome::Unavailable,
    }
}
