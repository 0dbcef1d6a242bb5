//! Algorithms that a client registers, for what it receives and for what it sends.

use super::flows::CheckedFlows;
use crate::{
    api::{EnumSpec, OidcClientSpec},
    model::{AuthMethod, IdTokenAlgorithm, JwsAlgorithm, SigningAlgorithm, Tenant},
    registry::validate::ProblemList,
};

/// The validated algorithms of a client. `None`: the client names none, or one that is not supported.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckedAlgorithms {
    /// Algorithm of ID tokens (`id_token_signed_response_alg`).
    pub id_token: Option<IdTokenAlgorithm>,
    /// Algorithm of userinfo responses (`userinfo_signed_response_alg`).
    pub userinfo: Option<SigningAlgorithm>,
    /// Algorithm of authorization responses that are JWTs (`authorization_signed_response_alg`, JARM).
    pub authorization_response: Option<SigningAlgorithm>,
    /// Algorithm of request objects (`request_object_signing_alg`).
    pub request_object: Option<JwsAlgorithm>,
    /// Algorithm of client assertions (`token_endpoint_auth_signing_alg`).
    pub assertion: Option<JwsAlgorithm>,
}

/// Validates the algorithms, independent of the tenant.
pub fn check_client_signatures(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
    flows: &CheckedFlows,
) -> CheckedAlgorithms {
    let id_token = spec.id_token_signed_response_alg.as_ref();
    let id_token = problems.supported("spec.idTokenSignedResponseAlg", id_token);
    let userinfo = spec.userinfo_signed_response_alg.as_ref();
    let userinfo = problems.supported("spec.userinfoSignedResponseAlg", userinfo);
    let response = spec.authorization_signed_response_alg.as_ref();
    let authorization_response =
        problems.supported("spec.authorizationSignedResponseAlg", response);
    let request_object = spec.request_object_signing_alg.as_ref();
    let request_object = problems.supported("spec.requestObjectSigningAlg", request_object);
    let assertion = spec.token_endpoint_auth_signing_alg.as_ref();
    let assertion = problems.supported("spec.tokenEndpointAuthSigningAlg", assertion);
    if id_token == Some(IdTokenAlgorithm::None)
        && flows.response_types.iter().any(|it| it.has_id_token())
    {
        // OIDC Registration §2, `id_token_signed_response_alg`.
        let message = "none requires that ID tokens are issued at the token endpoint only; remove the response types with id_token, or set an algorithm";
        problems.invalid("spec.idTokenSignedResponseAlg", message);
    }
    if assertion.is_some_and(|algorithm| !fits(flows.auth_method(), algorithm)) {
        let message =
            format!("cannot be used with tokenEndpointAuthMethod: {}", flows.auth_method());
        problems.invalid("spec.tokenEndpointAuthSigningAlg", message);
    }
    CheckedAlgorithms { id_token, userinfo, authorization_response, request_object, assertion }
}

/// Returns true if assertions of a method may use an algorithm (OIDC Core §9).
fn fits(method: AuthMethod, algorithm: JwsAlgorithm) -> bool {
    match method {
        AuthMethod::ClientSecretJwt => algorithm.is_symmetric(),
        AuthMethod::PrivateKeyJwt => algorithm.is_asymmetric(),
        // The field has no effect with other methods (OIDC Registration §2).
        _ => algorithm != JwsAlgorithm::None,
    }
}

/// Checks that the tenant has keys for the algorithms that the client requests.
pub fn check_offered_algorithms(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
    tenant: &Tenant,
) {
    let id_token = spec.id_token_signed_response_alg.as_ref().and_then(EnumSpec::supported);
    let id_token = id_token.and_then(|algorithm| match algorithm {
        IdTokenAlgorithm::Signed(algorithm) => Some(algorithm),
        IdTokenAlgorithm::None => None,
    });
    let userinfo = spec.userinfo_signed_response_alg.as_ref().and_then(EnumSpec::supported);
    let response = spec.authorization_signed_response_alg.as_ref();
    let wanted = [
        ("idTokenSignedResponseAlg", id_token),
        ("userinfoSignedResponseAlg", userinfo),
        ("authorizationSignedResponseAlg", response.and_then(EnumSpec::supported)),
    ];
    for (name, algorithm) in wanted {
        // A profile has its own message about algorithms that it forbids.
        let has_message = |it: &SigningAlgorithm| tenant.fapi2.is_some() && !it.is_fapi2();
        let Some(algorithm) = algorithm.filter(|it| !has_message(it)) else { continue };
        if !tenant.algorithms.contains(&algorithm) {
            let message = format!(
                "Tenant \"{}\" has no {algorithm} key; add {algorithm} to the tenant's spec.signing.algorithms, or set another algorithm here",
                tenant.id
            );
            problems.invalid(format!("spec.{name}"), message);
        }
    }
}
