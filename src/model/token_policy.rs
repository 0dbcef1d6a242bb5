//! The forms of tokens that tenants and clients choose.

use super::wire_enum;

wire_enum!(
    /// The claims about the user in ID tokens.
    #[derive(Default)]
    IdTokenClaimsPolicy {
        /// The claims of the granted scopes, and those that were requested by name.
        #[default]
        Scopes = "Scopes",
        /// The claims that were requested by name, and those of the granted scopes only if no
        /// access token can fetch them (OIDC Core §5.4).
        Minimal = "Minimal",
    }
);

wire_enum!(
    /// The `typ` header of access tokens.
    #[derive(Default)]
    AccessTokenType {
        /// The type of RFC 9068 §2.1, by which resource servers distinguish access tokens from ID tokens.
        #[default]
        AtJwt = "at+jwt",
        /// For resource servers that refuse other types.
        Jwt = "JWT",
    }
);

wire_enum!(
    /// The proof that the tokens of a resource server require of their sender.
    #[derive(Default)]
    TokenBinding {
        /// None: a token that was stolen works for the thief until it expires (RFC 6750).
        #[default]
        Bearer = "Bearer",
        /// A proof of the key that they are bound to (RFC 9449).
        Dpop = "DPoP",
        /// The certificate that they are bound to (RFC 8705 §3).
        MutualTls = "MutualTls",
    }
);

/// The forms of a client's tokens. A client's values override its tenant's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenPolicy {
    /// The claims about the user in ID tokens.
    pub id_token_claims: IdTokenClaimsPolicy,
    /// The `typ` header of access tokens.
    pub access_token_type: AccessTokenType,
}
