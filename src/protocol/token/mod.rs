//! Rules of the token endpoint (RFC 6749 §3.2, OIDC Core §3.1.3). The rules of a grant type are in
//! its file. This file contains the shared rules.

mod bound_key;
mod client_credentials;
mod code;
mod code_request;
mod cross_device;
mod decision;
mod exchange;
mod exchange_request;
mod refresh;
mod sender;
mod subject_token;
mod target;

pub use bound_key::{bind_public_grant, select_bound_key};
pub use client_credentials::decide_client_credentials;
pub use code::{decide_code, needs_stored_grant};
pub use code_request::{CodeRequest, check_code};
pub use cross_device::{PolledRequest, PollingCredential, decide_polled, slow_down};
pub use decision::{
    CredentialKind, DecisionInput, GrantWrite, RefreshTokenResponse, ReplayedCredential,
    TokenDecision, TokenRefusal, UserGrant,
};
pub use exchange::{ExchangeParties, allow_exchange, decide_exchange, exchange_target};
pub use exchange_request::{ExchangeRequest, TokenTypeIdentifier};
pub use refresh::{
    RefreshDecision, RefreshRequest, access_token_end, check_refresh, decide_refresh,
    refresh_until, rotate_grant, token_until,
};
pub use sender::check_proof_is_sent;
pub use subject_token::{
    MAX_ACTORS, SubjectContext, SubjectToken, check_access_subject, check_actor, check_id_subject,
    invalid_subject,
};
pub use target::{
    SelectedScopes, TokenTarget, client_target, grant_target, select_client_scopes,
    select_token_scopes,
};

use super::{
    error::{ErrorCode, OAuthError, abbreviate_value},
    params::RequestParams,
};
use crate::model::{Client, GrantType, Secret};

/// Returns the error for a grant type that the token endpoint does not support.
pub fn unsupported_grant_type(requested: &str, supported: &[GrantType]) -> OAuthError {
    let names: Vec<_> = supported.iter().map(|it| it.as_str()).collect();
    let (last, others) = names.split_last().expect("the token endpoint supports a grant type");
    let text = format!(
        "The grant type '{}' is not supported; use {} or {last}.",
        abbreviate_value(requested),
        others.join(", ")
    );
    OAuthError::new(ErrorCode::UnsupportedGrantType, text)
}

/// Rule: a client may use only its registered grant types (RFC 6749 §5.2, RFC 7591 §2), and some of them only
/// if it is confidential (RFC 6749 §4.4, RFC 8693 §5).
pub fn check_grant_type(client: &Client, grant_type: GrantType) -> Result<(), OAuthError> {
    let unproven = grant_type.requires_client_authentication() && client.is_public();
    if client.grant_types.contains(&grant_type) && !unproven {
        return Ok(());
    }
    let text = format!("The grant type '{grant_type}' is not allowed for this client.");
    Err(OAuthError::new(ErrorCode::UnauthorizedClient, text))
}

/// Returns the error for a code or refresh token (`credential`) whose grant is not active.
pub fn inactive_grant(credential: &str) -> OAuthError {
    invalid_grant(&format!(
        "The user of the {credential} is disabled or deleted, or the session has ended."
    ))
}

/// Returns a required parameter that contains a secret.
fn secret(params: &RequestParams, name: &str) -> Result<Secret<String>, OAuthError> {
    params.require(name).map(|value| Secret::new(value.to_owned()))
}

/// Returns `invalid_grant`, the error for an unusable code or refresh token.
pub fn invalid_grant(text: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidGrant, text)
}

#[cfg(test)]
mod tests;
