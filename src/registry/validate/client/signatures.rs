//! Algorithms that a client registers, for what it receives and for what it sends.

use super::flows::CheckedFlows;
use crate::{
    api::{self, OidcClientSpec},
    model::{AuthMethod, IdTokenAlgorithm, JwsAlgorithm, SigningAlgorithm, Tenant},
    registry::validate::ProblemList,
};

/// The validated algorithms.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckedAlgorithms {
    /// Algorithm of ID tokens.
    pub id_token: Option<IdTokenAlgorithm>,
    /// Algorithm of userinfo responses.
    pub userinfo: Option<SigningAlgorithm>,
    /// Algorithm of request objects.
    pub request_object: Option<JwsAlgorithm>,
    /// Algorithm of client assertions.
    pub assertion: Option<JwsAlgorithm>,
}

/// Validates the algorithms, independent of the tenant.
pub fn check(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
    flows: &CheckedFlows,
) -> CheckedAlgorithms {
    let id_token = spec.id_token_signed_response_alg.as_ref().and_then(|written| {
        let parsed = match written {
            api::IdTokenAlgorithm::None => Some(IdTokenAlgorithm::None),
            signed => signed.as_str().parse().ok().map(IdTokenAlgorithm::Signed),
        };
        known(
            problems,
            "idTokenSignedResponseAlg",
            written.as_str(),
            parsed,
            api::IdTokenAlgorithm::KNOWN,
        )
    });
    let userinfo = spec.userinfo_signed_response_alg.as_ref().and_then(|written| {
        let (text, all) = (written.as_str(), api::SigningAlgorithm::KNOWN);
        known(problems, "userinfoSignedResponseAlg", text, text.parse().ok(), all)
    });
    let mut own = |name: &str, written: Option<&api::JwsAlgorithm>| {
        let text = written?.as_str();
        known(problems, name, text, text.parse().ok(), api::JwsAlgorithm::KNOWN)
    };
    let request_object = own("requestObjectSigningAlg", spec.request_object_signing_alg.as_ref());
    let assertion =
        own("tokenEndpointAuthSigningAlg", spec.token_endpoint_auth_signing_alg.as_ref());
    if id_token == Some(IdTokenAlgorithm::None)
        && flows.response_types.iter().any(|it| it.has_id_token())
    {
        // OIDC Registration §2, `id_token_signed_response_alg`.
        let message = "none requires that ID tokens are issued at the token endpoint only; remove the response types with id_token, or set an algorithm";
        problems.invalid("spec.idTokenSignedResponseAlg", message);
    }
    if assertion.is_some_and(|algorithm| !fits(flows.auth_method, algorithm)) {
        let message = format!("cannot be used with tokenEndpointAuthMethod: {}", flows.auth_method);
        problems.invalid("spec.tokenEndpointAuthSigningAlg", message);
    }
    CheckedAlgorithms { id_token, userinfo, request_object, assertion }
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
pub fn offered(problems: &mut ProblemList, spec: &OidcClientSpec, tenant: &Tenant) {
    let wanted = [
        (
            "idTokenSignedResponseAlg",
            spec.id_token_signed_response_alg.as_ref().map(api::IdTokenAlgorithm::as_str),
        ),
        (
            "userinfoSignedResponseAlg",
            spec.userinfo_signed_response_alg.as_ref().map(api::SigningAlgorithm::as_str),
        ),
    ];
    for (name, algorithm) in wanted {
        let Some(Ok(algorithm)) = algorithm.map(str::parse::<SigningAlgorithm>) else { continue };
        if !tenant.algorithms.contains(&algorithm) {
            let message = format!(
                "Tenant \"{}\" has no {algorithm} key; add {algorithm} to the tenant's spec.signing.algorithms, or set another algorithm here",
                tenant.id
            );
            problems.invalid(format!("spec.{name}"), message);
        }
    }
}

fn known<T>(
    problems: &mut ProblemList,
    name: &str,
    text: &str,
    parsed: Option<T>,
    all: &[&str],
) -> Option<T> {
    if parsed.is_none() {
        problems.unsupported(format!("spec.{name}"), text, all);
    }
    parsed
}
