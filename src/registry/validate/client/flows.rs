//! A client's flows: grant types, response types, authentication and redirect URIs, which must be
//! consistent (OIDC Registration §2).

use std::collections::BTreeSet;

use crate::{
    api::{ConditionReason, OidcClientSpec, REGISTERED_LABEL},
    model::{ApplicationType, AuthMethod, GrantType, ResponseType},
    registry::validate::{ProblemList, grant_types},
};

use super::redirect_uris::{self, CheckedUris, ClientOrigin};

/// The validated flows of a client.
#[derive(Clone, Debug)]
pub struct CheckedFlows {
    pub application_type: ApplicationType,
    pub grant_types: BTreeSet<GrantType>,
    pub response_types: BTreeSet<ResponseType>,
    /// The client authentication method that the manifest names.
    pub named_auth_method: Option<AuthMethod>,
    pub uris: CheckedUris,
}

impl CheckedFlows {
    /// The authentication method, or the default of the specification (OIDC Registration §2). A
    /// client that names none may also use `client_secret_post`.
    pub fn auth_method(&self) -> AuthMethod {
        self.named_auth_method.unwrap_or(AuthMethod::ClientSecretBasic)
    }
}

/// Validates grant types, response types, redirect URIs and the authentication method of a client, and applies
/// defaults.
pub fn check_client_flows(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
    from: ClientOrigin<'_>,
) -> CheckedFlows {
    let application_type = spec.application_type.as_ref();
    let application_type = problems
        .supported("spec.applicationType", application_type)
        .unwrap_or(ApplicationType::Web);
    let mut grants = grant_types(problems, "spec.grantTypes", &spec.grant_types);
    if spec.grant_types.is_empty() {
        grants.insert(GrantType::AuthorizationCode);
    }
    let flows = CheckedFlows {
        application_type,
        response_types: response_types(problems, &spec.response_types, &grants),
        named_auth_method: problems
            .supported("spec.tokenEndpointAuthMethod", spec.token_endpoint_auth_method.as_ref()),
        uris: redirect_uris::check_redirect_uris(problems, spec, application_type, from),
        grant_types: grants,
    };
    agree(problems, spec, &flows, from);
    if from.registered {
        check_registered_grants(problems, &flows);
    }
    flows
}

/// Rule: a client that registered itself does not ask people over the backchannel. Its name is unverified, and would
/// come to people who have not asked for it.
fn check_registered_grants(problems: &mut ProblemList, flows: &CheckedFlows) {
    let grant = GrantType::Ciba;
    if flows.grant_types.contains(&grant) {
        let message = format!(
            "{grant} is not allowed for dynamically registered clients; remove it, or adopt the client by removing its label {REGISTERED_LABEL}"
        );
        problems.add_refusal(ConditionReason::BoundExceeded, "spec.grantTypes", message);
    }
}

fn response_types(
    problems: &mut ProblemList,
    written: &[String],
    grants: &BTreeSet<GrantType>,
) -> BTreeSet<ResponseType> {
    let mut types = BTreeSet::new();
    for (index, text) in written.iter().enumerate() {
        // The words of a response type have no order (OAuth 2.0 Multiple Response Types §3).
        let mut words: Vec<&str> = text.split(' ').collect();
        words.sort_unstable();
        if let Ok(response_type) = words.join(" ").parse() {
            types.insert(response_type);
        } else {
            let known: Vec<&str> = ResponseType::ALL.iter().map(|it| it.as_str()).collect();
            problems.unsupported(format!("spec.responseTypes[{index}]"), text, &known);
        }
    }
    if written.is_empty() {
        // Hybrid response types must be requested explicitly.
        let plain = ResponseType::ALL.iter().filter(|it| it.grant_types().len() == 1);
        types.extend(plain.filter(|it| it.grant_types().iter().all(|it| grants.contains(it))));
    }
    types
}

fn agree(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
    flows: &CheckedFlows,
    from: ClientOrigin<'_>,
) {
    let granted = |grant| flows.grant_types.contains(&grant);
    for grant in GrantType::ALL.into_iter().filter(|it| it.has_response_types()) {
        let used = flows.response_types.iter().any(|it| it.grant_types().contains(&grant));
        if used && !granted(grant) {
            let message = format!(
                "require the grant type {grant}; add it to spec.grantTypes, or remove the response type"
            );
            problems.invalid("spec.responseTypes", message);
        }
        if granted(grant) && !used {
            let message = format!(
                "must contain a response type for the grant type {grant}; add one, or remove the grant type"
            );
            problems.invalid("spec.responseTypes", message);
        }
    }
    let redirects = flows.grant_types.iter().any(|it| it.has_response_types());
    if redirects && spec.redirect_uris.is_empty() && !from.has_callbacks {
        let message = "must hold at least one URI for authorization_code and implicit (a client without users has grantTypes: [client_credentials]), unless an IdentityProvider refers to the client by clientRef";
        problems.add_refusal(ConditionReason::NoRedirectUri, "spec.redirectUris", message);
    }
    if granted(GrantType::RefreshToken) && !flows.grant_types.iter().any(|it| it.may_refresh()) {
        let grants = GrantType::ALL.into_iter().filter(|it| it.may_refresh());
        let names: Vec<_> = grants.map(GrantType::as_str).collect();
        let message = format!("refresh_token requires one of {}", names.join(", "));
        problems.invalid("spec.grantTypes", message);
    }
    let mut proving = flows.grant_types.iter().filter(|it| it.requires_client_authentication());
    if flows.auth_method() == AuthMethod::None
        && let Some(grant) = proving.next()
    {
        let message = format!(
            "{grant} requires client authentication; set tokenEndpointAuthMethod to a method other than none"
        );
        problems.invalid("spec.grantTypes", message);
    }
    if granted(GrantType::JwtBearer) && spec.federated_credentials.is_empty() {
        let message = format!("{} requires federatedCredentials", GrantType::JwtBearer);
        problems.invalid("spec.grantTypes", message);
    }
    if flows.application_type == ApplicationType::Web && granted(GrantType::Implicit) {
        for (index, uri) in flows.uris.redirect.iter().enumerate() {
            if !uri.as_str().starts_with("https:") {
                // OIDC Registration §2, `application_type`.
                let message = "must use https for web clients with the grant type implicit";
                problems.invalid(format!("spec.redirectUris[{index}]"), message);
            }
        }
    }
}
