//! Client metadata other than flows: keys, subjects, request objects, logout (OIDC Registration §2,
//! Front-Channel and Back-Channel Logout §2).

use url::Url;

use super::{flows::CheckedFlows, keys, signatures, signatures::CheckedAlgorithms};
use crate::{
    api::{self, OidcClientSpec},
    model::{
        AssertionAudience, AssertionPolicy, Client, ClientAuthentication, ClientDetails,
        ClientKeys, JwsAlgorithm, RedirectUri, RefreshTokenRotation, SubjectType,
    },
    registry::validate::{ProblemList, link},
};

/// The validated metadata.
#[derive(Clone, Debug)]
pub struct CheckedMetadata {
    keys: ClientKeys,
    subject_type: SubjectType,
    signatures: CheckedAlgorithms,
    authentication: ClientAuthentication,
    introspects_all: bool,
    /// Overrides the tenant's setting.
    pub refresh_token_rotation: Option<RefreshTokenRotation>,
}

/// Validates the metadata of one client, independent of its tenant.
pub fn check(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
    flows: &CheckedFlows,
) -> CheckedMetadata {
    links(problems, spec);
    logout(problems, spec, flows);
    lists(problems, spec);
    let keys = keys::check(problems, spec, flows.auth_method);
    let subject_type = subject_type(problems, spec.subject_type.as_ref());
    let signatures = signatures::check(problems, spec, flows);
    let audience = audience(problems, spec.client_assertion_audience.as_ref());
    let policy = AssertionPolicy { signing_alg: signatures.assertion, audience };
    CheckedMetadata {
        keys,
        subject_type,
        signatures,
        authentication: ClientAuthentication::new(flows.auth_method, policy, Vec::new()),
        introspects_all: introspection(problems, spec.introspection.as_ref()),
        refresh_token_rotation: spec
            .refresh_token_rotation
            .as_ref()
            .and_then(|written| rotation(problems, "spec.refreshTokenRotation", written)),
    }
}

impl CheckedMetadata {
    /// Sets the metadata on a client.
    pub fn onto(self, client: Client, spec: &OidcClientSpec) -> Client {
        Client {
            details: details(spec, self.signatures.assertion).shared(),
            authentication: self.authentication,
            keys: self.keys,
            subject_type: self.subject_type,
            id_token_signed_response_alg: self.signatures.id_token,
            userinfo_signed_response_alg: self.signatures.userinfo,
            request_object_signing_alg: self.signatures.request_object,
            may_introspect_all: self.introspects_all,
            ..client
        }
    }
}

fn details(spec: &OidcClientSpec, assertion: Option<JwsAlgorithm>) -> ClientDetails {
    ClientDetails {
        client_uri: spec.client_uri.clone(),
        logo_uri: spec.logo_uri.clone(),
        policy_uri: spec.policy_uri.clone(),
        tos_uri: spec.tos_uri.clone(),
        contacts: spec.contacts.clone(),
        sector_identifier_uri: spec.sector_identifier_uri.clone(),
        default_acr_values: spec.default_acr_values.clone(),
        initiate_login_uri: spec.initiate_login_uri.clone(),
        request_uris: spec.request_uris.clone(),
        backchannel_logout_uri: spec.backchannel_logout_uri.clone(),
        backchannel_logout_session_required: spec
            .backchannel_logout_session_required
            .unwrap_or_default(),
        frontchannel_logout_uri: spec.frontchannel_logout_uri.clone(),
        frontchannel_logout_session_required: spec
            .frontchannel_logout_session_required
            .unwrap_or_default(),
        token_endpoint_auth_signing_alg: assertion,
        software_id: spec.software_id.clone(),
        software_version: spec.software_version.clone(),
    }
}

fn links(problems: &mut ProblemList, spec: &OidcClientSpec) {
    const WEB: [&str; 2] = ["https", "http"];
    link(problems, "spec.jwksUri", spec.jwks_uri.as_ref(), &WEB);
    let sector = spec.sector_identifier_uri.as_ref();
    link(problems, "spec.sectorIdentifierUri", sector, &["https"]);
    link(problems, "spec.initiateLoginUri", spec.initiate_login_uri.as_ref(), &["https"]);
    for (name, uri) in [
        ("backchannelLogoutUri", spec.backchannel_logout_uri.as_ref()),
        ("frontchannelLogoutUri", spec.frontchannel_logout_uri.as_ref()),
    ] {
        let field = format!("spec.{name}");
        link(problems, &field, uri, &WEB);
        if uri.is_some_and(|uri| uri.contains('#')) {
            problems.invalid(field, "must have no fragment (#)");
        }
    }
    for (index, uri) in spec.request_uris.iter().enumerate() {
        let field = format!("spec.requestUris[{index}]");
        link(problems, &field, Some(uri), &WEB);
    }
}

/// Checks that the front-channel logout URI has the origin of a redirect URI (OIDC Front-Channel
/// Logout §2).
fn logout(problems: &mut ProblemList, spec: &OidcClientSpec, flows: &CheckedFlows) {
    let Some(uri) = spec.frontchannel_logout_uri.as_ref() else { return };
    let Ok(url) = Url::parse(uri) else { return };
    let origin = url.origin().ascii_serialization();
    let known = flows.redirect_uris.iter().filter_map(RedirectUri::origin);
    if !known.into_iter().any(|known| known == origin) {
        let message = "must have the same scheme, host and port as one of redirectUris";
        problems.invalid("spec.frontchannelLogoutUri", message);
    }
}

fn lists(problems: &mut ProblemList, spec: &OidcClientSpec) {
    for (index, value) in spec.default_acr_values.iter().enumerate() {
        if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            let field = format!("spec.defaultAcrValues[{index}]");
            problems.invalid(field, "must be printable ASCII without spaces");
        }
    }
}

fn subject_type(problems: &mut ProblemList, written: Option<&api::SubjectType>) -> SubjectType {
    match written {
        None | Some(api::SubjectType::Public) => SubjectType::Public,
        Some(api::SubjectType::Pairwise) => SubjectType::Pairwise,
        Some(api::SubjectType::Unknown(value)) => {
            problems.unsupported("spec.subjectType", value, api::SubjectType::KNOWN);
            SubjectType::Public
        }
    }
}

fn audience(
    problems: &mut ProblemList,
    written: Option<&api::AssertionAudience>,
) -> AssertionAudience {
    match written {
        None | Some(api::AssertionAudience::IssuerOrEndpoint) => {
            AssertionAudience::IssuerOrEndpoint
        }
        Some(api::AssertionAudience::Issuer) => AssertionAudience::Issuer,
        Some(api::AssertionAudience::Unknown(value)) => {
            let known = api::AssertionAudience::KNOWN;
            problems.unsupported("spec.clientAssertionAudience", value, known);
            AssertionAudience::IssuerOrEndpoint
        }
    }
}

fn introspection(problems: &mut ProblemList, written: Option<&api::Introspection>) -> bool {
    match written {
        None | Some(api::Introspection::Own) => false,
        Some(api::Introspection::Tenant) => true,
        Some(api::Introspection::Unknown(value)) => {
            problems.unsupported("spec.introspection", value, api::Introspection::KNOWN);
            false
        }
    }
}

/// Validates refresh token rotation as set by a client or a tenant.
pub fn rotation(
    problems: &mut ProblemList,
    field: &str,
    written: &api::RefreshTokenRotation,
) -> Option<RefreshTokenRotation> {
    match written {
        api::RefreshTokenRotation::Always => Some(RefreshTokenRotation::Always),
        api::RefreshTokenRotation::PublicClients => Some(RefreshTokenRotation::PublicClients),
        api::RefreshTokenRotation::Unknown(value) => {
            problems.unsupported(field, value, api::RefreshTokenRotation::KNOWN);
            None
        }
    }
}
