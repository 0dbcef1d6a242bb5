//! Client metadata other than flows: keys, subjects, request objects, logout (OIDC Registration §2,
//! Front-Channel and Back-Channel Logout §2).

use std::sync::Arc;

use url::Url;

use super::{details, flows::CheckedFlows, keys, signatures, signatures::CheckedAlgorithms};
use crate::{
    api::{self, OidcClientSpec},
    model::{
        AssertionAudience, AssertionPolicy, Client, ClientAuthentication, ClientDetails,
        ClientKeys, RedirectUri, RefreshTokenRotation, SubjectType,
    },
    registry::validate::{ProblemList, link},
};

/// The validated metadata.
#[derive(Clone, Debug)]
pub struct CheckedMetadata {
    details: Arc<ClientDetails>,
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
    link(problems, "spec.jwksUri", spec.jwks_uri.as_deref(), &["https", "http"]);
    let details = details::check(problems, spec);
    logout(problems, spec, flows);
    let keys = keys::check(problems, spec, flows.auth_method);
    let subject_type = subject_type(problems, spec.subject_type.as_ref());
    let signatures = signatures::check(problems, spec, flows);
    let token_endpoint_auth_signing_alg = signatures.assertion;
    let audience = audience(problems, spec.client_assertion_audience.as_ref());
    let policy = AssertionPolicy { signing_alg: signatures.assertion, audience };
    CheckedMetadata {
        details: ClientDetails { token_endpoint_auth_signing_alg, ..details }.shared(),
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
    pub fn onto(self, client: Client) -> Client {
        Client {
            details: self.details,
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
