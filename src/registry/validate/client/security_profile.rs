//! Rules of FAPI 2.0 for clients: what contradicts the profile of client or tenant is refused, and the rest follows
//! from it.

use std::{fmt::Display, sync::Arc};

use super::flows::CheckedFlows;
use crate::{
    api::{ConditionReason, EnumSpec, OidcClientSpec},
    model::{
        ApplicationType, AssertionAudience, AssertionPolicy, Client, ClientAuthentication,
        ClientDetails, FAPI2_AUTH_METHODS, Fapi2Rules, IdTokenAlgorithm, JwsAlgorithm,
        RedirectScheme, RedirectUri, RefreshTokenRotation, ResponseType, SigningAlgorithm, Tenant,
    },
    registry::validate::{
        CheckedTenant, ProblemList,
        security_profile::{NO_ROTATION, spec_has_value, written_rules},
    },
};

const ALGORITHMS: &str = "must be PS256, ES256 or EdDSA";

/// Problems with the profile of a client.
struct Contradictions<'a> {
    problems: &'a mut ProblemList,
    /// Where the profile is set.
    source: String,
}

impl Contradictions<'_> {
    fn add(&mut self, field: impl Display, message: impl Display) {
        let (field, message) = (format!("spec.{field}"), format!("{message} ({})", self.source));
        self.problems.add_refusal(ConditionReason::ProfileViolated, field, message);
    }

    fn add_if(&mut self, contradicts: bool, field: &str, message: &str) {
        if contradicts {
            self.add(field, message);
        }
    }
}

/// Reports fields that contradict the profile of the client or of its tenant. Returns the rules of both.
pub fn check_client_profile(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
    flows: &CheckedFlows,
    tenant: Option<&CheckedTenant>,
) -> Option<Fapi2Rules> {
    let tenant = tenant.map(|tenant| &tenant.tenant);
    let own = written_rules(problems, spec.profile.as_ref(), spec.message_signing.as_ref());
    let of_tenant = tenant.and_then(|tenant| tenant.fapi2);
    let rules = Fapi2Rules::combined(own, of_tenant)?;
    let source = match (of_tenant, tenant) {
        (Some(of_tenant), Some(tenant)) if own.is_none() => {
            format!("profile: {} of Tenant \"{}\"", of_tenant.profile(), tenant.id)
        }
        _ => format!("profile: {}", rules.profile()),
    };
    let mut found = Contradictions { problems, source };
    authentication(&mut found, spec, flows);
    flows_and_uris(&mut found, flows);
    algorithms(&mut found, spec);
    if let Some(tenant) = tenant.filter(|tenant| first_algorithm(tenant).is_none()) {
        let message = format!(
            "needs a key of Tenant \"{}\" for PS256, ES256 or EdDSA; add one to the tenant's spec.signing.algorithms",
            tenant.id
        );
        found.add("profile", message);
    }
    found.add_if(spec.require_pkce == Some(false), "requirePkce", REQUIRED);
    let pushed = spec.require_pushed_authorization_requests;
    found.add_if(pushed == Some(false), "requirePushedAuthorizationRequests", REQUIRED);
    let by_certificate = spec.tls_client_certificate_bound_access_tokens == Some(true);
    let is_bearer = spec.dpop_bound_access_tokens == Some(false) && !by_certificate;
    found.add_if(is_bearer, "dpopBoundAccessTokens", REQUIRED);
    let rotates =
        spec_has_value(spec.refresh_token_rotation.as_ref(), RefreshTokenRotation::Always);
    found.add_if(rotates, "refreshTokenRotation", NO_ROTATION);
    let message = "must be empty, since requests are pushed and not fetched; remove it";
    found.add_if(!spec.request_uris.is_empty(), "requestUris", message);
    Some(rules)
}

const REQUIRED: &str = "must not be false, since it is required; remove it";

/// Rule: clients authenticate with keys of their own, and for this issuer alone (Security Profile §5.3.2.1).
fn authentication(found: &mut Contradictions<'_>, spec: &OidcClientSpec, flows: &CheckedFlows) {
    if flows.named_auth_method.is_none_or(|method| !FAPI2_AUTH_METHODS.contains(&method)) {
        let message = "must be private_key_jwt, with the application's public keys in jwks or jwksUri, or tls_client_auth or self_signed_tls_client_auth";
        found.add("tokenEndpointAuthMethod", message);
    }
    let message = "must be empty, since the application signs its assertions itself; remove it";
    found.add_if(!spec.federated_credentials.is_empty(), "federatedCredentials", message);
    let audience = spec.client_assertion_audience.as_ref();
    let accepts_endpoints = spec_has_value(audience, AssertionAudience::IssuerOrEndpoint);
    let message = "must be Issuer, the only audience of assertions; remove it";
    found.add_if(accepts_endpoints, "clientAssertionAudience", message);
    let jwks_uri = spec.jwks_uri.as_ref().map(|uri| RedirectUri::parse(uri, ApplicationType::Web));
    let is_insecure = jwks_uri.is_some_and(|uri| uri.is_ok_and(|uri| is_insecure(&uri)));
    found.add_if(is_insecure, "jwksUri", "must use https");
}

/// Rule: the code flow, to URIs with https (Security Profile §5.3.2.2).
fn flows_and_uris(found: &mut Contradictions<'_>, flows: &CheckedFlows) {
    for grant in flows.grant_types.iter().filter(|grant| !grant.is_fapi2()) {
        let message = format!("must not contain {grant}; remove it");
        found.add("grantTypes", message);
    }
    let others = flows.response_types.iter().filter(|it| **it != ResponseType::Code);
    for response_type in others {
        found.add("responseTypes", format!("must be code; remove {response_type}"));
    }
    for (field, uris) in flows.uris.fields() {
        for uri in uris.iter().filter(|uri| is_insecure(uri)) {
            found.add(field, format!("must use https, unlike {}", uri.as_str()));
        }
    }
}

/// Returns true for http, except on a loopback host.
fn is_insecure(uri: &RedirectUri) -> bool {
    uri.scheme() == RedirectScheme::InsecureHttp
}

/// Rule: nothing is signed with another algorithm, in either direction (Security Profile §5.4.1).
fn algorithms(found: &mut Contradictions<'_>, spec: &OidcClientSpec) {
    let own = |written: Option<&EnumSpec<SigningAlgorithm>>| {
        written.and_then(EnumSpec::supported).is_some_and(|it| !it.is_fapi2())
    };
    let id_token = spec.id_token_signed_response_alg.as_ref().and_then(EnumSpec::supported);
    let id_token = id_token.is_some_and(|it| match it {
        IdTokenAlgorithm::Signed(algorithm) => !algorithm.is_fapi2(),
        IdTokenAlgorithm::None => true,
    });
    let of_client = |written: Option<&EnumSpec<JwsAlgorithm>>| {
        written.and_then(EnumSpec::supported).is_some_and(|it| !it.is_fapi2())
    };
    for (contradicts, field) in [
        (id_token, "idTokenSignedResponseAlg"),
        (own(spec.userinfo_signed_response_alg.as_ref()), "userinfoSignedResponseAlg"),
        (own(spec.authorization_signed_response_alg.as_ref()), "authorizationSignedResponseAlg"),
        (of_client(spec.request_object_signing_alg.as_ref()), "requestObjectSigningAlg"),
        (of_client(spec.token_endpoint_auth_signing_alg.as_ref()), "tokenEndpointAuthSigningAlg"),
    ] {
        found.add_if(contradicts, field, ALGORITHMS);
    }
}

/// The tenant's first algorithm that the profiles allow.
fn first_algorithm(tenant: &Tenant) -> Option<SigningAlgorithm> {
    tenant.algorithms.iter().copied().find(|algorithm| algorithm.is_fapi2())
}

/// The client with what follows from its rules.
pub fn client_under_profile(client: Client, rules: Option<Fapi2Rules>, tenant: &Tenant) -> Client {
    let Some(rules) = rules else { return client };
    let algorithm = first_algorithm(tenant);
    let signing_alg = client.details.token_endpoint_auth_signing_alg;
    let policy = AssertionPolicy { signing_alg, audience: AssertionAudience::Issuer };
    let dpop_bound_access_tokens = !client.details.tls_client_certificate_bound_access_tokens;
    let details = ClientDetails { dpop_bound_access_tokens, ..(*client.details).clone() };
    let authentication = if client.authentication.method().has_certificate() {
        client.authentication
    } else {
        ClientAuthentication::PrivateKeyJwt { policy }
    };
    Client {
        fapi2: Some(rules),
        authentication,
        federated_credentials: Arc::default(),
        require_pkce: true,
        require_pushed_requests: true,
        refresh_token_rotation: RefreshTokenRotation::PublicClients,
        details: details.shared(),
        id_token_signed_response_alg: client
            .id_token_signed_response_alg
            .or(algorithm.map(IdTokenAlgorithm::Signed)),
        authorization_signed_response_alg: client.authorization_signed_response_alg.or(algorithm),
        ..client
    }
}
