//! Federated credentials: identities of other issuers that authenticate the client.

use std::{collections::BTreeSet, sync::Arc};

use url::Url;

use super::{
    flows::CheckedFlows,
    keys::{NO_VERIFYING_KEY, check_jwks},
};
use crate::{
    api::{ConditionReason, FederatedCredentialSpec, OidcClientSpec, ServiceAccountRef},
    keys::PublicKeys,
    model::{
        AuthMethod, FederatedCredential, FederatedIssuer, FederatedSubject, Issuer, SubjectPattern,
        TokenValidation, service_account_subject,
    },
    registry::validate::{CheckedTenant, ProblemList, object_name},
};

/// Maximum number of credentials of a client, and of required claims of a credential.
const MAX_ITEMS: usize = 16;
/// Maximum length of issuers, subjects, audiences and claims in bytes.
const MAX_TEXT: usize = 512;

/// Validates `spec.federatedCredentials` of a client in a namespace. The default audience is the issuer of the tenant,
/// so without a tenant no credential is returned.
pub fn check_federated_credentials(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
    (flows, namespace): (&CheckedFlows, &str),
    tenant: Option<&CheckedTenant>,
) -> Arc<[FederatedCredential]> {
    let own = tenant.map(|tenant| &tenant.tenant.issuer);
    let written = &spec.federated_credentials;
    if !written.is_empty() && flows.auth_method() != AuthMethod::PrivateKeyJwt {
        let message = "requires tokenEndpointAuthMethod: private_key_jwt; set it, or remove them";
        problems.invalid("spec.federatedCredentials", message);
    }
    if written.len() > MAX_ITEMS {
        let message = format!("must have at most {MAX_ITEMS} items");
        problems.invalid("spec.federatedCredentials", message);
    }
    let checked = written.iter().enumerate().filter_map(|(index, credential)| {
        let field = format!("spec.federatedCredentials[{index}]");
        if let Some(audience) = &credential.audience {
            exact_text(problems, &format!("{field}.audience"), audience);
        }
        check_claims(problems, &format!("{field}.claims"), credential);
        let audience = credential.audience.as_deref().or(own.map(Issuer::as_str));
        let (issuer, subject) = if let Some(account) = &credential.service_account_ref {
            check_service_account(problems, &field, (credential, account), namespace)?
        } else {
            check_named_issuer(problems, &field, credential)?
        };
        let claims = credential.claims.clone();
        Some(FederatedCredential { issuer, subject, audience: audience?.into(), claims })
    });
    checked.collect()
}

/// Rule: the issuer of a federated credential must not be a tenant of this installation, because the tokens of tenants
/// are those of users. `own`: the issuers of this installation. `dev`: `serviceAccountRef` is refused too, because
/// `lanyard dev` has no cluster.
pub fn check_federated_issuers(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
    own: &BTreeSet<Box<str>>,
    dev: bool,
) {
    for (index, credential) in spec.federated_credentials.iter().enumerate() {
        if credential.issuer.as_deref().is_some_and(|issuer| own.contains(issuer)) {
            let message = "must not be the issuer of a tenant of this installation, whose tokens are those of people; use another issuer, or jwks of the client";
            problems.invalid(format!("spec.federatedCredentials[{index}].issuer"), message);
        }
        if dev && credential.service_account_ref.is_some() {
            let field = format!("spec.federatedCredentials[{index}].serviceAccountRef");
            let message = "has no effect outside of a cluster: lanyard dev accepts no token of a ServiceAccount; authenticate with a client secret here";
            problems.warn(ConditionReason::NoCluster, field, message);
        }
    }
}

/// The issuer and the subject of a ServiceAccount of the client's namespace. Whether it exists does not matter.
fn check_service_account(
    problems: &mut ProblemList,
    field: &str,
    (credential, account): (&FederatedCredentialSpec, &ServiceAccountRef),
    namespace: &str,
) -> Option<(FederatedIssuer, FederatedSubject)> {
    let FederatedCredentialSpec { issuer, jwks, subject, subject_pattern, .. } = credential;
    if issuer.is_some() || jwks.is_some() || subject.is_some() || subject_pattern.is_some() {
        let message = "must not have issuer, jwks, subject or subjectPattern besides serviceAccountRef, from which they follow; remove them";
        problems.invalid(field, message);
    }
    let field = format!("{field}.serviceAccountRef");
    object_name(problems, &format!("{field}.name"), &account.name);
    let validation = account.validate.as_ref();
    let validation = problems.supported(format!("{field}.validate"), validation);
    let validation =
        if account.validate.is_some() { validation? } else { TokenValidation::default() };
    let subject = service_account_subject(namespace, &account.name);
    let issuer = FederatedIssuer::Cluster { validation };
    Some((issuer, FederatedSubject::Exact(subject.into())))
}

fn check_named_issuer(
    problems: &mut ProblemList,
    field: &str,
    credential: &FederatedCredentialSpec,
) -> Option<(FederatedIssuer, FederatedSubject)> {
    let Some(issuer) = credential.issuer.as_deref() else {
        problems.invalid(field, "must have issuer or serviceAccountRef");
        return None;
    };
    check_issuer(problems, format!("{field}.issuer"), issuer);
    let jwks = check_keys(problems, &format!("{field}.jwks"), credential);
    let subject = check_subject(problems, field, credential)?;
    Some((FederatedIssuer::Named { issuer: issuer.into(), jwks }, subject))
}

fn check_issuer(problems: &mut ProblemList, field: String, issuer: &str) {
    exact_text(problems, &field, issuer);
    let is_issuer = |url: &Url| {
        matches!(url.scheme(), "https" | "http")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    if !Url::parse(issuer).is_ok_and(|url| is_issuer(&url)) {
        let message = "must be the issuer of the tokens, an absolute URL without query and fragment, such as https://token.actions.example";
        problems.invalid(field, message);
    }
}

fn check_keys(
    problems: &mut ProblemList,
    field: &str,
    credential: &FederatedCredentialSpec,
) -> Option<Arc<serde_json::Value>> {
    let set = credential.jwks.as_ref()?;
    match check_jwks(set) {
        Ok(()) if PublicKeys::parse(set).is_empty() => problems.invalid(field, NO_VERIFYING_KEY),
        Ok(()) => {}
        Err(message) => problems.invalid(field, message),
    }
    Some(Arc::new(set.clone()))
}

fn check_subject(
    problems: &mut ProblemList,
    field: &str,
    credential: &FederatedCredentialSpec,
) -> Option<FederatedSubject> {
    match (&credential.subject, &credential.subject_pattern) {
        (Some(subject), None) => {
            exact_text(problems, &format!("{field}.subject"), subject);
            Some(FederatedSubject::Exact(subject.as_str().into()))
        }
        (None, Some(pattern)) => {
            let field = format!("{field}.subjectPattern");
            exact_text(problems, &field, pattern);
            match SubjectPattern::parse(pattern) {
                Ok(pattern) => Some(FederatedSubject::Pattern(pattern)),
                Err(message) => {
                    problems.invalid(field, message);
                    None
                }
            }
        }
        _ => {
            problems.invalid(field, "must have subject or subjectPattern, and not both");
            None
        }
    }
}

/// Rule: required claims do not repeat those that the credential has fields for.
fn check_claims(problems: &mut ProblemList, field: &str, credential: &FederatedCredentialSpec) {
    const CHECKED: [&str; 6] = ["iss", "sub", "aud", "exp", "iat", "nbf"];
    let claims = &credential.claims;
    let is_long = |(name, value): (&String, &String)| name.len().max(value.len()) > MAX_TEXT;
    if claims.len() > MAX_ITEMS || claims.iter().any(is_long) {
        let message =
            format!("must have at most {MAX_ITEMS} items of at most {MAX_TEXT} bytes each");
        problems.invalid(field, message);
    }
    if let Some(name) = CHECKED.iter().find(|name| claims.contains_key(**name)) {
        let message = format!("must not have {name}, because {name} is always checked; remove it");
        problems.invalid(field, message);
    }
}

fn exact_text(problems: &mut ProblemList, field: &str, text: &str) {
    let is_exact = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.is_empty() || text.len() > MAX_TEXT || !is_exact {
        let message = format!("must be 1 to {MAX_TEXT} characters of ASCII without spaces");
        problems.invalid(field, message);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        api::OidcClient,
        registry::validate::client::{flows::check_client_flows, redirect_uris::ClientOrigin},
    };

    const JWK: &str =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    /// Validates a client with a credential, at no tenant.
    fn check(credential: &Value, method: &str) -> ProblemList {
        let raw: OidcClient = serde_json::from_value(json!({
            "apiVersion": "lanyard.dev/v1alpha1", "kind": "OidcClient",
            "metadata": {"name": "wiki", "namespace": "team"},
            "spec": {
                "tenantRef": {"name": "shop"}, "grantTypes": ["client_credentials"],
                "tokenEndpointAuthMethod": method, "federatedCredentials": [credential],
            },
        }))
        .expect("a client");
        let mut problems = ProblemList::default();
        let origin = ClientOrigin {
            namespace: "team",
            registered: false,
            has_callbacks: false,
            installation: None,
        };
        let flows = check_client_flows(&mut problems, &raw.spec, origin);
        check_federated_credentials(&mut problems, &raw.spec, (&flows, "team"), None);
        problems
    }

    #[test]
    fn wrong_credentials_are_refused() {
        let issuer = "https://ci.test";
        let jwk: Value = serde_json::from_str(JWK).expect("a key");
        let keys = json!({ "keys": [jwk] });
        for good in [
            json!({ "issuer": issuer, "jwks": keys, "subject": "a" }),
            json!({ "issuer": issuer, "subjectPattern": "repo:acme/*", "claims": {"ref": "main"} }),
            json!({ "serviceAccountRef": {"name": "billing"} }),
            json!({ "serviceAccountRef": {"name": "a.b", "validate": "TokenReview"}, "audience": "a" }),
        ] {
            assert!(!check(&good, "private_key_jwt").refused(), "{good}");
            assert!(check(&good, "client_secret_basic").refused(), "another method");
        }
        let long = "a".repeat(513);
        for bad in [
            json!({ "issuer": issuer }),
            json!({ "subject": "a" }),
            json!({ "serviceAccountRef": {"name": "Billing"} }),
            json!({ "serviceAccountRef": {"name": "a", "validate": "Never"} }),
            json!({ "serviceAccountRef": {"name": "a"}, "issuer": issuer }),
            json!({ "serviceAccountRef": {"name": "a"}, "subject": "a" }),
            json!({ "serviceAccountRef": {"name": "a"}, "subjectPattern": "a*" }),
            json!({ "serviceAccountRef": {"name": "a"}, "jwks": keys }),
            json!({ "issuer": issuer, "subject": "a", "subjectPattern": "a*" }),
            json!({ "issuer": issuer, "subjectPattern": "a" }),
            json!({ "issuer": issuer, "subjectPattern": "*" }),
            json!({ "issuer": issuer, "subject": "a b" }),
            json!({ "issuer": issuer, "subject": "" }),
            json!({ "issuer": issuer, "subject": long }),
            json!({ "issuer": issuer, "subject": "a", "audience": "a b" }),
            json!({ "issuer": issuer, "subject": "a", "claims": {"aud": "b"} }),
            json!({ "issuer": issuer, "subject": "a", "claims": {"ref": long} }),
            json!({ "issuer": issuer, "subject": "a", "jwks": {"keys": []} }),
            json!({ "issuer": issuer, "subject": "a", "jwks": {"keys": [{"kty": "oct", "k": "AA"}]} }),
            json!({ "issuer": "ci.test", "subject": "a" }),
            json!({ "issuer": "https://ci.test?a", "subject": "a" }),
            json!({ "issuer": "https://a:b@ci.test", "subject": "a" }),
        ] {
            assert!(check(&bad, "private_key_jwt").refused(), "{bad}");
        }
    }
}
