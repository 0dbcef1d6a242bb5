//! `POST I/callback/{provider}/logout`: the back-channel logout URI at an identity provider.

use http::StatusCode;

use crate::{
    accounts::upstream::{
        upstream_logout::end_sessions_of_provider,
        upstream_sign_in::{SignInProblem, UpstreamSignInError},
    },
    http::{AppState, EndpointError, Reply, Request},
    protocol::{
        error::{ErrorCode, OAuthError},
        identity_provider::ProviderSource,
    },
};

/// A logout token (OIDC Back-Channel Logout §2.5, §2.8). Sessions that are not known here have ended
/// already.
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let params = request.form()?.reject_duplicates()?;
    let logout_token = params.require("logout_token")?;
    let found = request.tenant.provider(&request.path_param);
    let oidc = found.and_then(|provider| match &provider.source {
        ProviderSource::Oidc(oidc) => Some((&**provider, oidc)),
        ProviderSource::GitHub(_) | ProviderSource::Ldap(_) => None,
    });
    let Some(of) = oidc else {
        let text = "No OpenID provider of this tenant has this back-channel logout URI.";
        return Err(EndpointError::NotOffered(OAuthError::new(ErrorCode::InvalidRequest, text)));
    };
    let provider = &of.0.object;
    match end_sessions_of_provider(app.context(&request), of, logout_token).await {
        Ok(sessions) => {
            tracing::info!(%provider, sessions, "a provider has ended sessions of a person");
            Ok(Reply::empty(StatusCode::OK))
        }
        Err(UpstreamSignInError::Account(error)) => Err(error.into()),
        Err(error) if error.problem() == SignInProblem::Unavailable => {
            tracing::warn!(%provider, %error, "a logout token cannot be verified");
            let text = "The keys of the provider cannot be fetched at the moment.";
            Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, text).into())
        }
        Err(error) => {
            tracing::warn!(%provider, %error, "a logout token is refused");
            Err(OAuthError::new(ErrorCode::InvalidRequest, error.logout_refusal()).into())
        }
    }
}
