//! Metadata (OIDC Discovery §3, RFC 8414 §2): every field is true, and nothing is advertised that
//! is not there.

use serde_json::{Value, json};

use super::{claims, scope::STANDARD};
use crate::model::{AuthMethod, GrantType, ResponseType, Tenant};

/// The discovery document of a tenant.
pub fn discovery(tenant: &Tenant) -> Value {
    let at = |path: &str| tenant.issuer.join(path);
    let scopes: Vec<&str> =
        STANDARD.into_iter().chain(tenant.scopes.keys().map(String::as_str)).collect();
    let custom = tenant.scopes.values().flat_map(|scope| scope.claims.iter().map(String::as_str));
    let own: [&str; 10] =
        ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "amr", "sid", "at_hash"];
    let mut names: Vec<&str> = own.into_iter().chain(claims::standard()).collect();
    names.extend(custom);
    names.sort_unstable();
    names.dedup();
    let words = |all: &[&'static str]| all.to_vec();
    json!({
        "issuer": tenant.issuer.as_str(),
        "authorization_endpoint": at("/oauth/authorize"),
        "token_endpoint": at("/oauth/token"),
        "userinfo_endpoint": at("/oauth/userinfo"),
        "jwks_uri": at("/oauth/jwks"),
        "end_session_endpoint": at("/oauth/logout"),
        "scopes_supported": scopes,
        "claims_supported": names,
        "claim_types_supported": ["normal"],
        "response_types_supported": ResponseType::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        "response_modes_supported": words(&["query", "fragment"]),
        "grant_types_supported": GrantType::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        "subject_types_supported": words(&["public"]),
        "id_token_signing_alg_values_supported":
            tenant.algorithms.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        "token_endpoint_auth_methods_supported":
            AuthMethod::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        "code_challenge_methods_supported": words(&["S256"]),
        "prompt_values_supported": words(&["none", "login", "consent", "select_account"]),
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    })
}
