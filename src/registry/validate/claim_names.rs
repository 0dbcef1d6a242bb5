//! Claim names that a user's `claims` and a tenant's custom scopes may use.

/// Claims that the protocol sets. A custom claim with such a name could forge them (RFC 7519 §4.1,
/// OIDC Core §2, RFC 9068 §2.2, RFC 7800, RFC 8693).
const PROTOCOL_CLAIMS: [&str; 40] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "azp",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "at_hash",
    "c_hash",
    "s_hash",
    "rt_hash",
    "sid",
    "client_id",
    "client_object",
    "scope",
    "scopes",
    "grant_id",
    "typ",
    "cnf",
    "act",
    "may_act",
    "events",
    "txn",
    "toe",
    "sub_jwk",
    "sub_id",
    "purpose",
    "authorization_details",
    "_claim_names",
    "_claim_sources",
    "verified_claims",
    "tenant_name",
    "tenant_sub",
    "token_type",
    "active",
];

/// Claims that have their own field (OIDC Core §5.1), and `groups`.
pub const STANDARD_CLAIMS: [&str; 20] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
    "groups",
];

/// Why a custom claim may not have this name, if so.
pub fn claim_name_refusal(claim: &str) -> Option<&'static str> {
    PROTOCOL_CLAIMS
        .contains(&claim)
        .then_some("is a reserved claim of the protocol; use another name")
}
