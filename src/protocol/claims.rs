//! The claims of tokens and of userinfo (OIDC Core §2, §5; RFC 9068 §2.2).

mod access_token;
mod id_token;
mod user;

use serde_json::{Map, Value};

pub use access_token::{
    AccessToken, AccessTokenClaims, CLIENT_OBJECT_CLAIM, GRANT_ID_CLAIM, access_token_expiry,
    access_token_lifetime, client_object,
};
pub use id_token::IdToken;
pub use user::{
    IdTokenContents, id_token_user_claims, named_claims, scope_has_claim, standard_claims,
    userinfo_claims,
};

/// The members of a JWT's claims set or of a userinfo response, by name (RFC 7519 §4).
pub type Claims = Map<String, Value>;

#[cfg(test)]
mod tests;
