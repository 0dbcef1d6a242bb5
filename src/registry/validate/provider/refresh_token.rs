//! Whether an OpenID provider gives the refresh token with which it is asked again.

use url::Url;

use super::ProblemList;
use crate::{
    api::{ConditionReason, EnumSpec, IdentityProviderSpec},
    model::RefreshMode,
};

/// The scope for which most providers give a refresh token (OIDC Core §11).
const OFFLINE_ACCESS: &str = "offline_access";
/// Google gives one for a parameter of its own.
const GOOGLE: &str = "accounts.google.com";
const ACCESS_TYPE: &str = "access_type";
/// GitLab gives one for every scope, and refuses the scope. Installations of it mostly have the label in
/// their host.
const GITLAB: &str = "gitlab";
/// The part of an issuer's path at Keycloak, which gives one for as long as the session there lasts.
const KEYCLOAK_PATH: &str = "/realms/";

/// Warns of a provider that is to be asked again and will give no refresh token: its people are refused
/// when their claims are no longer accepted.
pub(super) fn warn_without_refresh_token(problems: &mut ProblemList, spec: &IdentityProviderSpec) {
    let mode = spec.refresh.as_ref().and_then(|refresh| refresh.mode.as_ref());
    let Some(oidc) = spec.oidc.as_ref() else { return };
    // A tenant of this installation gives one for every scope.
    if mode != Some(&EnumSpec::Supported(RefreshMode::Upstream)) || oidc.client_ref.is_some() {
        return;
    }
    let url = oidc.issuer.as_deref().and_then(|issuer| Url::parse(issuer).ok());
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let reason = ConditionReason::NoRefreshToken;
    if host == GOOGLE {
        let is_asked = oidc
            .authorization_parameters
            .iter()
            .any(|parameter| parameter.name == ACCESS_TYPE && parameter.value == "offline");
        if !is_asked {
            let message = "lacks access_type with the value offline, so Google issues no refresh token, and users are refused after refresh.keepFor; add it, and prompt with the value consent";
            problems.warn(reason, "spec.oidc.authorizationParameters", message);
        }
        return;
    }
    let needs_scope = !host.split('.').any(|label| label == GITLAB)
        && !url.as_ref().is_some_and(|url| url.path().contains(KEYCLOAK_PATH));
    let is_requested =
        oidc.scopes.is_empty() || oidc.scopes.iter().any(|scope| scope == OFFLINE_ACCESS);
    if needs_scope && !is_requested {
        let message = "lacks offline_access, so most providers issue no refresh token, and users are refused after refresh.keepFor; add offline_access, or remove scopes to request it where the provider supports it";
        problems.warn(reason, "spec.oidc.scopes", message);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::api::ConditionType;

    /// The field of the warning.
    fn warned(issuer: &str, scopes: &[&str], refresh: &Value) -> Option<String> {
        let spec = json!({
            "tenantRef": {"name": "main"}, "type": "OIDC", "admit": "Everyone",
            "oidc": {"issuer": issuer, "clientId": "lanyard", "scopes": scopes},
            "refresh": refresh,
        });
        let spec: IdentityProviderSpec = serde_json::from_value(spec).expect("a spec");
        let mut problems = ProblemList::default();
        warn_without_refresh_token(&mut problems, &spec);
        assert!(!problems.refused());
        problems.find(ConditionType::Warning).map(|problem| problem.field.clone())
    }

    #[test]
    fn missing_scopes_for_a_refresh_token_are_a_warning() {
        let upstream = json!({"mode": "Upstream"});
        let okta = "https://example.okta.com";
        let without = ["openid", "email"];
        let with = ["openid", "offline_access"];
        assert_eq!(warned(okta, &without, &upstream).as_deref(), Some("spec.oidc.scopes"));
        for (scopes, refresh) in [
            (&with[..], &upstream),
            (&[], &upstream),
            (&without, &json!({"mode": "Disabled"})),
            (&without, &json!({})),
        ] {
            assert_eq!(warned(okta, scopes, refresh), None, "{scopes:?} {refresh}");
        }
    }

    #[test]
    fn some_providers_need_no_scope_and_google_needs_a_parameter() {
        let upstream = json!({"mode": "Upstream"});
        for issuer in [
            "https://sso.test/realms/a",
            "https://sso.test/auth/realms/a",
            "https://gitlab.com",
            "https://gitlab.acme.test",
        ] {
            assert_eq!(warned(issuer, &["openid"], &upstream), None, "{issuer}");
        }
        for scopes in [&["openid"][..], &["openid", "offline_access"], &[]] {
            let field = warned("https://accounts.google.com", scopes, &upstream);
            assert_eq!(field.as_deref(), Some("spec.oidc.authorizationParameters"));
        }
        let spec = json!({
            "tenantRef": {"name": "main"}, "type": "OIDC", "admit": "Everyone",
            "oidc": {
                "issuer": "https://accounts.google.com", "clientId": "lanyard",
                "authorizationParameters": [{"name": "access_type", "value": "offline"}],
            },
            "refresh": upstream,
        });
        let spec: IdentityProviderSpec = serde_json::from_value(spec).expect("a spec");
        let mut problems = ProblemList::default();
        warn_without_refresh_token(&mut problems, &spec);
        assert_eq!(problems.len(), 0);
    }
}
