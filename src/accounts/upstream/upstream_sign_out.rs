//! The sign-out at the provider of a session that has ended here (OIDC RP-Initiated Logout §2).

use crate::{
    accounts::{
        AccountContext, AccountError, records::upstream_session_record::load_upstream_session,
    },
    model::{Endpoint, LogoutScope},
    protocol::{
        identity_provider::{IdentityProvider, OidcUpstream, ProviderSource},
        records::{Session, SignInOrigin},
        upstream::{UpstreamEndSession, UpstreamLogoutState, end_session_url},
    },
    upstream::UpstreamError,
};

/// The sign-out at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamSignOut {
    /// The person is not signed out there.
    NotWanted,
    /// The browser is sent on to the provider.
    Redirect {
        /// The provider's `end_session_endpoint` with all parameters.
        url: String,
        /// The provider's name on pages.
        provider: String,
        /// The value of the cookie that binds the return to this browser, where an application waits.
        cookie: Option<String>,
    },
    /// The person stays signed in there, though the manifest wants otherwise.
    NotPossible {
        /// The provider's name on pages.
        provider: String,
    },
}

/// The reason why a person is not signed out at a provider.
#[derive(Debug, thiserror::Error)]
enum UpstreamSignOutError {
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error("the provider's discovery document has no end_session_endpoint; set logout: Local")]
    NoEndpoint,
    #[error("the person signed in at {0}, which is not the issuer of the provider any more")]
    OtherIssuer(String),
}

/// Begins the sign-out at the provider of a session that has just ended here, if its manifest wants
/// that. A failure is logged: the session here has ended. `return_to`: the registered URL at which the
/// sign-out ends.
pub async fn begin_upstream_sign_out(
    context: AccountContext<'_>,
    ended: &Session,
    return_to: Option<&str>,
) -> UpstreamSignOut {
    let Some(origin) = &ended.origin else { return UpstreamSignOut::NotWanted };
    let provider = context.tenant.provider(&origin.provider);
    let provider = provider.filter(|provider| provider.logout == LogoutScope::Upstream);
    let Some(provider) = provider else { return UpstreamSignOut::NotWanted };
    let ProviderSource::Oidc(oidc) = &provider.source else { return UpstreamSignOut::NotWanted };
    match redirect(context, (provider, oidc), origin, return_to).await {
        Ok(redirect) => redirect,
        Err(error) => {
            let object = &provider.object;
            tracing::warn!(provider = %object, %error, "a person is not signed out at a provider");
            UpstreamSignOut::NotPossible { provider: provider.display_name.clone() }
        }
    }
}

async fn redirect(
    context: AccountContext<'_>,
    (provider, oidc): (&IdentityProvider, &OidcUpstream),
    origin: &SignInOrigin,
    return_to: Option<&str>,
) -> Result<UpstreamSignOut, UpstreamSignOutError> {
    let stored = match &origin.upstream_session {
        Some(id) => load_upstream_session(context, id).await?,
        None => None,
    };
    let session = stored.map(|stored| stored.session);
    if let Some(session) = session.as_ref().filter(|session| !provider.has_issuer(&session.issuer))
    {
        return Err(UpstreamSignOutError::OtherIssuer(session.issuer.clone()));
    }
    let services = context.services;
    let fetch = context.upstream_client(provider);
    let metadata = services.upstream.metadata(&fetch, (provider, oidc), context.now).await?;
    let endpoint = metadata.end_session_endpoint.as_deref();
    let endpoint = endpoint.ok_or(UpstreamSignOutError::NoEndpoint)?;
    let cookie = return_to.map(|_| services.entropy.token());
    let sealed = match return_to.zip(cookie.as_deref()) {
        Some((url, cookie)) => {
            Some(context.seal(&UpstreamLogoutState::begin(url, cookie, context.now))?)
        }
        None => None,
    };
    let request = UpstreamEndSession {
        id_token_hint: session.as_ref().and_then(|session| session.tokens.id_token.as_deref()),
        client_id: &oidc.client_id,
        post_logout_redirect_uri: &Endpoint::LoggedOut.url(&context.tenant.tenant.issuer),
        sealed_state: sealed.as_deref(),
    };
    let url = end_session_url(endpoint, request).ok_or(UpstreamSignOutError::NoEndpoint)?;
    Ok(UpstreamSignOut::Redirect { url, provider: provider.display_name.clone(), cookie })
}
