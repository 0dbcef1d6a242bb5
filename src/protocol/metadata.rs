//! Metadata (OIDC Discovery §3, RFC 8414 §2): every field is true, and nothing is advertised that
//! is not there.

use serde_json::{Value, json};

use super::{authorize::ResponseMode, claims, scope::STANDARD};
use crate::model::{AuthMethod, GrantType, JwsAlgorithm, ResponseType, Tenant};

/// The discovery document of a tenant.
pub fn discovery(tenant: &Tenant) -> Value {
    let at = |path: &str| tenant.issuer.join(path);
    let scopes: Vec<&str> =
        STANDARD.into_iter().chain(tenant.scopes.keys().map(String::as_str)).collect();
    let custom = tenant.scopes.values().flat_map(|scope| scope.claims.iter().map(String::as_str));
    let own: [&str; 12] = [
        "sub",
        "iss",
        "aud",
        "exp",
        "iat",
        "auth_time",
        "nonce",
        "acr",
        "amr",
        "sid",
        "at_hash",
        "c_hash",
    ];
    let mut names: Vec<&str> = own.into_iter().chain(claims::standard()).collect();
    names.extend(custom);
    names.sort_unstable();
    names.dedup();
    let words = |all: &[&'static str]| all.to_vec();
    let methods: Vec<_> = AuthMethod::ALL.iter().map(|it| it.as_str()).collect();
    let confidential: Vec<_> = methods.iter().filter(|method| **method != "none").collect();
    let assertions = JwsAlgorithm::ALL.iter().filter(|it| **it != JwsAlgorithm::None);
    let assertions: Vec<_> = assertions.map(|it| it.as_str()).collect();
    let mut document = json!({
        "issuer": tenant.issuer.as_str(),
        "authorization_endpoint": at("/oauth/authorize"),
        "token_endpoint": at("/oauth/token"),
        "userinfo_endpoint": at("/oauth/userinfo"),
        "jwks_uri": at("/oauth/jwks"),
        "end_session_endpoint": at("/oauth/logout"),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "check_session_iframe": at("/oauth/check-session"),
        "scopes_supported": scopes,
        "claims_supported": names,
        "claim_types_supported": ["normal"],
        "response_types_supported": ResponseType::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        "response_modes_supported": ResponseMode::NAMES,
        "grant_types_supported": GrantType::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        "subject_types_supported": words(&["public", "pairwise"]),
        "id_token_signing_alg_values_supported":
            tenant.algorithms.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        "token_endpoint_auth_methods_supported":
            methods,
        "token_endpoint_auth_signing_alg_values_supported": assertions,
        "userinfo_signing_alg_values_supported":
            tenant.algorithms.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        "introspection_endpoint": at("/oauth/introspect"),
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": assertions,
        "revocation_endpoint": at("/oauth/revoke"),
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": assertions,
        "code_challenge_methods_supported": words(&["S256"]),
        "prompt_values_supported": words(&["none", "login", "consent", "select_account"]),
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": true,
        "display_values_supported": words(&["page", "popup", "touch", "wap"]),
        "ui_locales_supported": words(&["en"]),
        "request_parameter_supported": tenant.request_objects.by_value,
        "request_uri_parameter_supported": tenant.request_objects.by_reference,
        "require_request_uri_registration": tenant.request_objects.by_reference,
    });
    if !tenant.acr_levels.is_empty() {
        let levels: Vec<_> = tenant.acr_levels.iter().map(|level| &level.value).collect();
        document["acr_values_supported"] = json!(levels);
    }
    if tenant.request_objects.by_value || tenant.request_objects.by_reference {
        let algorithms: Vec<_> = JwsAlgorithm::ALL.iter().map(|it| it.as_str()).collect();
        document["request_object_signing_alg_values_supported"] = json!(algorithms);
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CustomScope, RequestObjects, SigningAlgorithm, samples};

    fn words<'a>(document: &'a Value, field: &str) -> Vec<&'a str> {
        let list = document[field].as_array().expect("a list");
        list.iter().map(|word| word.as_str().expect("a word")).collect()
    }

    #[test]
    fn has_what_the_specification_requires() {
        // OIDC Discovery §3
        let document = discovery(&samples::tenant());
        assert_eq!(document["issuer"], "https://id.test/team/shop");
        for (field, path) in [
            ("authorization_endpoint", "authorize"),
            ("token_endpoint", "token"),
            ("userinfo_endpoint", "userinfo"),
            ("jwks_uri", "jwks"),
            ("end_session_endpoint", "logout"),
        ] {
            assert_eq!(document[field], format!("https://id.test/team/shop/oauth/{path}"));
        }
        assert_eq!(words(&document, "subject_types_supported"), ["public", "pairwise"]);
        assert!(words(&document, "id_token_signing_alg_values_supported").contains(&"RS256"));
        assert!(words(&document, "scopes_supported").contains(&"openid"));
    }

    #[test]
    fn tells_of_nothing_that_is_not_there() {
        let document = discovery(&samples::tenant());
        for absent in [
            "registration_endpoint",
            "pushed_authorization_request_endpoint",
            "device_authorization_endpoint",
        ] {
            assert!(document.get(absent).is_none(), "{absent}");
        }
        assert_eq!(words(&document, "code_challenge_methods_supported"), ["S256"]);
        let algorithms = words(&document, "token_endpoint_auth_signing_alg_values_supported");
        assert!(!algorithms.contains(&"none"), "OIDC Discovery §3");
        // It defaults to true when absent.
        let mut tenant = samples::tenant();
        tenant.request_objects = RequestObjects { by_value: false, by_reference: false };
        let document = discovery(&tenant);
        assert_eq!(document["request_uri_parameter_supported"], false);
        assert!(document.get("request_object_signing_alg_values_supported").is_none());
    }

    #[test]
    fn tells_of_the_tenants_own_scopes_claims_and_algorithms() {
        let mut tenant = samples::tenant();
        let badges = CustomScope { description: String::new(), claims: vec!["badge".into()] };
        tenant.scopes.insert("badges".into(), badges);
        tenant.algorithms = vec![SigningAlgorithm::ES256, SigningAlgorithm::RS256];
        let document = discovery(&tenant);
        assert!(words(&document, "scopes_supported").contains(&"badges"));
        assert!(words(&document, "claims_supported").contains(&"badge"));
        let algorithms = words(&document, "id_token_signing_alg_values_supported");
        assert_eq!(algorithms, ["ES256", "RS256"]);
    }
}
