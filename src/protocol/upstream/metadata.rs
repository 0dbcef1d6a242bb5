//! The discovery document of an identity provider (OIDC Discovery §3).

use serde::Deserialize;
use url::Url;

use crate::model::AccountSelection;

/// The metadata of an OpenID provider, as far as this provider uses it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct UpstreamMetadata {
    /// `issuer` as it is written. [`Self::parse`] does not compare it with the expected issuer.
    pub issuer: String,
    /// `authorization_endpoint`, an absolute URL.
    pub authorization_endpoint: String,
    /// `token_endpoint`, an absolute URL.
    pub token_endpoint: String,
    /// `jwks_uri`, an absolute URL.
    pub jwks_uri: String,
    /// `userinfo_endpoint`, an absolute URL; `None` if the provider has none.
    #[serde(default)]
    pub userinfo_endpoint: Option<String>,
    /// `end_session_endpoint` (OIDC RP-Initiated Logout §2.1), an absolute URL; `None` if the provider has none.
    #[serde(default)]
    pub end_session_endpoint: Option<String>,
    /// `scopes_supported`; empty: the provider does not say.
    #[serde(default)]
    pub scopes_supported: Vec<String>,
    /// `token_endpoint_auth_methods_supported`; empty: `client_secret_basic`.
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// `id_token_signing_alg_values_supported`; empty: `RS256`.
    #[serde(default)]
    pub id_token_signing_alg_values_supported: Vec<String>,
    /// `prompt_values_supported` (OpenID Connect Prompt Create §4); empty: the provider does not say.
    #[serde(default)]
    pub prompt_values_supported: Vec<String>,
    /// `userinfo_signing_alg_values_supported`; empty: the provider does not say.
    #[serde(default)]
    pub userinfo_signing_alg_values_supported: Vec<String>,
    /// `authorization_response_iss_parameter_supported` (RFC 9207 §3).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

/// The reason why a discovery document cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The document is not JSON, or a member is missing or has another type.
    #[error("cannot be read: {0}")]
    Json(String),
    /// A URL is not absolute.
    #[error("has no usable {0}")]
    Url(&'static str),
}

impl UpstreamMetadata {
    /// The URL of an issuer's discovery document (OIDC Discovery §4).
    pub fn url_of(issuer: &str) -> String {
        format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
    }

    /// Parses a discovery document. Whether it is about the right issuer is for the caller to check.
    ///
    /// # Errors
    ///
    /// [`MetadataError`] if it is malformed or a required endpoint is missing.
    pub fn parse(body: &[u8]) -> Result<Self, MetadataError> {
        let found: Self =
            serde_json::from_slice(body).map_err(|error| MetadataError::Json(error.to_string()))?;
        for (name, url) in [
            ("authorization_endpoint", Some(&found.authorization_endpoint)),
            ("token_endpoint", Some(&found.token_endpoint)),
            ("jwks_uri", Some(&found.jwks_uri)),
            ("userinfo_endpoint", found.userinfo_endpoint.as_ref()),
            ("end_session_endpoint", found.end_session_endpoint.as_ref()),
        ] {
            let is_web = |text: &String| {
                Url::parse(text).is_ok_and(|url| {
                    matches!(url.scheme(), "https" | "http")
                        && url.username().is_empty()
                        && url.password().is_none()
                })
            };
            if url.is_some_and(|url| !is_web(url)) {
                return Err(MetadataError::Url(name));
            }
        }
        Ok(found)
    }

    /// Returns true if the token endpoint takes credentials by HTTP Basic. Otherwise they are in the
    /// form.
    pub fn takes_basic(&self) -> bool {
        let methods = &self.token_endpoint_auth_methods_supported;
        methods.is_empty()
            || methods.iter().any(|method| method == "client_secret_basic")
            || !methods.iter().any(|method| method == "client_secret_post")
    }

    /// `prompt` of a request in which the person chooses another account.
    pub fn account_prompt(&self, selection: AccountSelection) -> Option<&'static str> {
        let offered = &self.prompt_values_supported;
        let offers = |value: &&str| offered.is_empty() || offered.iter().any(|it| it == value);
        let values: &[&str] = match selection {
            AccountSelection::SelectAccount => &["select_account", "login"],
            AccountSelection::Login => &["login"],
        };
        values.iter().copied().find(offers)
    }

    /// The scopes to request where the manifest names none.
    pub fn default_scopes(&self, with_refresh: bool) -> Vec<String> {
        let offers = |scope: &str| self.scopes_supported.iter().any(|offered| offered == scope);
        let mut scopes = vec!["openid".to_owned()];
        for scope in ["profile", "email"] {
            if self.scopes_supported.is_empty() || offers(scope) {
                scopes.push(scope.to_owned());
            }
        }
        if offers("groups") {
            scopes.push("groups".to_owned());
        }
        if with_refresh && offers("offline_access") {
            scopes.push("offline_access".to_owned());
        }
        scopes
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> serde_json::Value {
        json!({
            "issuer": "https://login.test",
            "authorization_endpoint": "https://login.test/authorize",
            "token_endpoint": "https://login.test/token",
            "jwks_uri": "https://login.test/jwks",
            "scopes_supported": ["openid", "email", "groups", "offline_access"],
            "unknown": {"a": 1},
        })
    }

    fn parse(document: &serde_json::Value) -> Result<UpstreamMetadata, MetadataError> {
        UpstreamMetadata::parse(document.to_string().as_bytes())
    }

    #[test]
    fn reads_what_is_used() {
        let found = parse(&document()).expect("metadata");
        assert_eq!(found.issuer, "https://login.test");
        assert!(found.takes_basic() && !found.authorization_response_iss_parameter_supported);
        assert_eq!(found.default_scopes(false), ["openid", "email", "groups"]);
        assert_eq!(found.default_scopes(true), ["openid", "email", "groups", "offline_access"]);
    }

    #[test]
    fn refuses_what_cannot_be_used() {
        let mut missing = document();
        missing.as_object_mut().expect("an object").remove("token_endpoint");
        assert!(matches!(parse(&missing), Err(MetadataError::Json(_))));
        for bad in ["javascript:alert(1)", "/token", "https://a:b@login.test/token"] {
            let mut wrong = document();
            wrong["token_endpoint"] = json!(bad);
            assert_eq!(parse(&wrong), Err(MetadataError::Url("token_endpoint")), "{bad}");
        }
    }

    #[test]
    fn an_account_is_chosen_by_a_prompt_that_the_provider_takes() {
        let with = |values: serde_json::Value, selection| {
            let mut document = document();
            document["prompt_values_supported"] = values;
            parse(&document).expect("metadata").account_prompt(selection)
        };
        let (select, login) = (AccountSelection::SelectAccount, AccountSelection::Login);
        assert_eq!(with(json!([]), select), Some("select_account"));
        assert_eq!(with(json!([]), login), Some("login"));
        assert_eq!(with(json!(["login", "select_account"]), select), Some("select_account"));
        assert_eq!(with(json!(["none", "login", "consent"]), select), Some("login"));
        assert_eq!(with(json!(["none"]), select), None);
    }

    #[test]
    fn credentials_are_posted_only_where_basic_is_not_offered() {
        let with = |methods: serde_json::Value| {
            let mut document = document();
            document["token_endpoint_auth_methods_supported"] = methods;
            parse(&document).expect("metadata").takes_basic()
        };
        assert!(with(json!(["client_secret_post", "client_secret_basic"])));
        assert!(!with(json!(["client_secret_post"])));
        assert!(with(json!(["private_key_jwt"])));
    }
}
