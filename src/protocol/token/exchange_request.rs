//! The parameters of a token exchange (RFC 8693 §2.1).

use super::{secret, subject_token::invalid_subject};
use crate::{
    model::{Secret, WireEnum, wire_enum},
    protocol::{
        error::{OAuthError, abbreviate_value},
        params::RequestParams,
    },
};

wire_enum!(
    /// The type of a token in an exchange (RFC 8693 §3).
    TokenTypeIdentifier {
        /// An access token of the issuer.
        AccessToken = "urn:ietf:params:oauth:token-type:access_token",
        /// A JWT, which every access token of the issuer is.
        Jwt = "urn:ietf:params:oauth:token-type:jwt",
        /// An ID token of the issuer.
        IdToken = "urn:ietf:params:oauth:token-type:id_token",
    }
);

impl TokenTypeIdentifier {
    /// The types of access tokens.
    const OF_ACCESS_TOKENS: [Self; 2] = [Self::AccessToken, Self::Jwt];
}

/// A token request with a token to exchange.
#[derive(Clone, Debug)]
pub struct ExchangeRequest {
    /// `subject_token`: the token of the person that the client acts for.
    pub subject_token: Secret<String>,
    /// `subject_token_type`: whether the token is an access token or an ID token (RFC 8693 §3).
    pub subject_token_type: TokenTypeIdentifier,
    /// `actor_token`, which is an access token.
    pub actor_token: Option<Secret<String>>,
    /// `requested_token_type`: the name of the access token in the response.
    pub requested_token_type: TokenTypeIdentifier,
    /// `scope`, which may narrow the scopes of the new token.
    pub scope: Option<String>,
}

impl ExchangeRequest {
    /// Parses a request. The caller has rejected duplicate parameters.
    pub fn parse(params: &RequestParams) -> Result<Self, OAuthError> {
        let access = &TokenTypeIdentifier::OF_ACCESS_TOKENS;
        let all = &TokenTypeIdentifier::ALL;
        let subject_token = secret(params, "subject_token")?;
        let subject_token_type =
            token_type("subject_token_type", params.require("subject_token_type")?, all)?;
        let actor_token = match (params.get("actor_token"), params.get("actor_token_type")) {
            (None, None) => None,
            (Some(token), Some(name)) => {
                token_type("actor_token_type", name, access)?;
                Some(Secret::new(token.to_owned()))
            }
            (_, named) => {
                let missing = if named.is_some() { "actor_token" } else { "actor_token_type" };
                let text = format!("The parameter '{missing}' is missing.");
                return Err(invalid_subject(&text));
            }
        };
        let requested = params.get("requested_token_type");
        let requested = requested.map(|name| token_type("requested_token_type", name, access));
        Ok(Self {
            subject_token,
            subject_token_type,
            actor_token,
            requested_token_type: requested
                .transpose()?
                .unwrap_or(TokenTypeIdentifier::AccessToken),
            scope: params.get("scope").map(str::to_owned),
        })
    }
}

/// The type that a parameter names.
fn token_type(
    parameter: &str,
    name: &str,
    allowed: &[TokenTypeIdentifier],
) -> Result<TokenTypeIdentifier, OAuthError> {
    let found = TokenTypeIdentifier::from_name(name).filter(|it| allowed.contains(it));
    found.ok_or_else(|| {
        let names: Vec<_> = allowed.iter().map(|it| it.as_str()).collect();
        invalid_subject(&format!(
            "The value '{}' of '{parameter}' is not supported; use {}.",
            abbreviate_value(name),
            names.join(" or ")
        ))
    })
}
