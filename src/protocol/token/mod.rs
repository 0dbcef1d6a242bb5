//! Rules of the token endpoint (RFC 6749 §3.2, OIDC Core §3.1.3). The rules of a grant type are in
//! its file; this file contains the shared ones.

mod code;
mod refresh;

pub use code::{activate_grant, check_age, check_code};
pub use refresh::{
    REUSE_GRACE, RefreshDecision, check_refresh, referenced_until, refresh_until, rotate,
    scopes_to_refresh, token_until,
};

use super::{
    error::{ErrorCode, OAuthError},
    params::RequestParams,
    scope::{self, Scopes},
};
use crate::model::{Client, GrantType, Secret};

/// A token request, by grant type.
#[derive(Clone, Debug)]
pub enum TokenRequest {
    /// RFC 6749 §4.1.3.
    Code {
        /// The sealed code.
        code: Secret<String>,
        /// `redirect_uri`.
        redirect_uri: Option<String>,
        /// `code_verifier`.
        verifier: Option<Secret<String>>,
    },
    /// RFC 6749 §6.
    Refresh {
        /// The sealed token.
        token: Secret<String>,
        /// `scope`.
        scope: Option<String>,
    },
    /// RFC 6749 §4.4.2.
    ClientCredentials {
        /// `scope`.
        scope: Option<String>,
    },
}

impl TokenRequest {
    /// Parses a request. The caller has rejected duplicate parameters.
    pub fn parse(params: &RequestParams) -> Result<Self, OAuthError> {
        let owned = |name: &str| params.get(name).map(str::to_owned);
        let secret = |name: &str| params.require(name).map(|it| Secret::new(it.to_owned()));
        match params.require("grant_type")? {
            "authorization_code" => Ok(Self::Code {
                code: secret("code")?,
                redirect_uri: owned("redirect_uri"),
                verifier: owned("code_verifier").map(Secret::new),
            }),
            "refresh_token" => {
                Ok(Self::Refresh { token: secret("refresh_token")?, scope: owned("scope") })
            }
            "client_credentials" => Ok(Self::ClientCredentials { scope: owned("scope") }),
            _ => Err(OAuthError::new(
                ErrorCode::UnsupportedGrantType,
                "Use grant_type authorization_code, refresh_token or client_credentials.",
            )),
        }
    }

    /// Returns the grant type that the client must be registered for.
    pub const fn grant_type(&self) -> GrantType {
        match self {
            Self::Code { .. } => GrantType::AuthorizationCode,
            Self::Refresh { .. } => GrantType::RefreshToken,
            Self::ClientCredentials { .. } => GrantType::ClientCredentials,
        }
    }
}

/// Rule: a client may use only its registered grant types (RFC 6749 §5.2, RFC 7591 §2), and
/// `client_credentials` only if it is confidential (§4.4).
pub fn check_grant_type(client: &Client, ask: &TokenRequest) -> Result<(), OAuthError> {
    let grant_type = ask.grant_type();
    let unproven = grant_type == GrantType::ClientCredentials && client.is_public();
    if client.grant_types.contains(&grant_type) && !unproven {
        return Ok(());
    }
    let text = format!("The grant type '{grant_type}' is not allowed for this client.");
    Err(OAuthError::new(ErrorCode::UnauthorizedClient, text))
}

/// Rule: the only supported resource is the issuer itself (RFC 8707 §2).
pub fn check_resources(issuer: &str, params: &RequestParams) -> Result<(), OAuthError> {
    match params.all("resource").find(|resource| *resource != issuer) {
        None => Ok(()),
        Some(_) => Err(OAuthError::new(
            ErrorCode::InvalidTarget,
            "The resource is unknown; omit the parameter.",
        )),
    }
}

/// Rule: a client acting for itself (RFC 6749 §4.4) gets its own scopes except those of user
/// sign-ins, because it gets neither an ID token nor a refresh token (§4.4.3).
pub fn client_scopes(client: &Client, asked: Option<&str>) -> Result<Scopes, OAuthError> {
    let mut own = Scopes::clone(&client.scopes);
    own.retain(|scope| scope != "openid" && scope != "offline_access");
    scope::narrow(asked, &own)
}

/// Returns `invalid_grant`, the error for an unusable code or refresh token.
pub(super) fn invalid_grant(text: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidGrant, text)
}

#[cfg(test)]
mod tests;
