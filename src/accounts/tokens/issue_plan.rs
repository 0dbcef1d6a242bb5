//! The contents of a token response, before and after they are issued.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    model::{Account, Client, GrantType, ResourceServer, Timestamp},
    protocol::{
        authorization_details::AuthorizationDetail, records::Grant, scope::Scopes,
        sender_keys::BoundKey, token::SubjectToken,
    },
};

/// The tokens to issue to a client: the last step of a token request and of an authorization.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IssuePlan<'a> {
    /// The authenticated client that gets the tokens.
    pub(crate) client: &'a Client,
    /// The grant type that the tokens are issued by.
    pub(crate) grant_type: GrantType,
    /// The scopes of the access token.
    pub(crate) scopes: &'a Scopes,
    /// The key that the access token is bound to.
    pub(crate) key: Option<&'a BoundKey>,
    /// The resource server that the access token is for; `None`: the issuer.
    pub(crate) server: Option<&'a ResourceServer>,
    /// The claims about the user that the access token contains.
    pub(crate) claims: &'a BTreeSet<String>,
    /// The authorization details that the access token contains.
    pub(crate) details: &'a [AuthorizationDetail],
    /// Whether an access token is issued.
    pub(crate) access_token: bool,
    /// The code in the same response.
    pub(crate) code: Option<&'a str>,
    /// The latest time at which the token of a client that acts for itself expires, whatever its lifetime is.
    pub(crate) not_after: Option<Timestamp>,
    /// The user's grant that the tokens belong to; `None` if the client acts for itself.
    pub(crate) user: Option<UserTokens<'a>>,
    /// The token that is exchanged; `None` for all other grant types.
    pub(crate) exchange: Option<ExchangePlan<'a>>,
}

/// The grant of an [`IssuePlan`] and the tokens that only a user's grant has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UserTokens<'a> {
    /// The id of the grant.
    pub(crate) grant_id: &'a str,
    /// The grant as stored.
    pub(crate) grant: &'a Grant,
    /// The account of the user that the tokens are about.
    pub(crate) user: &'a Account,
    /// The ID token; `None` if the response contains no ID token.
    pub(crate) id_token: Option<IdTokenPlan<'a>>,
    /// The refresh token in the response.
    pub(crate) refresh_token: RefreshTokenPlan<'a>,
}

/// The refresh token of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefreshTokenPlan<'a> {
    /// The grant's current refresh token, if the grant has one.
    Current,
    /// The refresh token of the request, which the client keeps.
    Kept(&'a str),
    /// The response contains no refresh token.
    Withheld,
}

/// The token that an access token is issued for (RFC 8693).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExchangePlan<'a> {
    /// The subject token, which the new token does not outlive.
    pub(crate) subject: &'a SubjectToken,
    /// The claim `act` of the new token; `None` for impersonation.
    pub(crate) actors: Option<&'a Value>,
}

/// The contents of an ID token in addition to its grant's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdTokenPlan<'a> {
    /// The `nonce` of the request.
    pub(crate) nonce: Option<&'a str>,
    /// The scopes of the ID token: those of the client itself.
    pub(crate) scopes: &'a Scopes,
}

/// An access token that was signed.
#[derive(Clone, Debug)]
pub(crate) struct SignedAccessToken {
    /// The token.
    pub(crate) jwt: String,
    /// The time of its claim `exp`, not rounded to seconds.
    pub(crate) expires_at: Timestamp,
}

/// The tokens of a response (RFC 6749 §5.1). A token that was not issued is `None`.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the names of a token response")]
pub(crate) struct IssuedTokens {
    pub(crate) access_token: Option<SignedAccessToken>,
    pub(crate) id_token: Option<String>,
    pub(crate) refresh_token: Option<String>,
}
