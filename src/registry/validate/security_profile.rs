//! Rules of FAPI 2.0 for tenants: what contradicts the profile is refused, and the rest follows from it.

use super::ProblemList;
use crate::{
    api::{ConditionReason, EnumSpec, MessageSigningSpec, TenantSpec},
    model::{
        ClientDocumentMode, Fapi2Rules, Issuer, RefreshTokenRotation, SecurityProfile,
        SigningAlgorithm, Tenant,
    },
};

/// The algorithm of a tenant under a profile that lists none. Its signatures cost the least.
pub const DEFAULT_ALGORITHM: SigningAlgorithm = SigningAlgorithm::ES256;

/// Validates `spec.profile` and `spec.messageSigning` of a tenant or client.
pub fn written_rules(
    problems: &mut ProblemList,
    profile: Option<&EnumSpec<SecurityProfile>>,
    message_signing: Option<&MessageSigningSpec>,
) -> Option<Fapi2Rules> {
    let known = problems.supported("spec.profile", profile);
    if known != Some(SecurityProfile::Fapi2MessageSigning) {
        if message_signing.is_some() && !matches!(profile, Some(EnumSpec::Unsupported(_))) {
            let message =
                "must only be set with profile: Fapi2MessageSigning; remove it, or set the profile";
            problems.invalid("spec.messageSigning", message);
        }
        return known.map(|_| Fapi2Rules::default());
    }
    let written = message_signing.cloned().unwrap_or_default();
    let rules = Fapi2Rules {
        signed_requests: written.requests.unwrap_or(true),
        signed_responses: written.responses.unwrap_or(true),
        signed_introspection: written.introspection.unwrap_or(true),
    };
    if rules.profile() != SecurityProfile::Fapi2MessageSigning {
        let message = "must require one of requests, responses and introspection; or set profile: Fapi2Security, and remove messageSigning";
        problems.invalid("spec.messageSigning", message);
    }
    Some(rules)
}

/// Validates the profile of a tenant, and reports fields that contradict it.
pub fn check_tenant_profile(
    problems: &mut ProblemList,
    spec: &TenantSpec,
    issuer: Option<&Issuer>,
) -> Option<Fapi2Rules> {
    let rules = written_rules(problems, spec.profile.as_ref(), spec.message_signing.as_ref())?;
    let mut contradicts = |field: &str, message: &str| {
        let message = format!("{message} (profile: {})", rules.profile());
        problems.add_refusal(ConditionReason::ProfileViolated, format!("spec.{field}"), message);
    };
    if issuer.is_some_and(Issuer::is_insecure) {
        // Security Profile §5.2.1
        contradicts("issuer", "must use https");
    }
    let algorithms = spec.signing.iter().flat_map(|signing| &signing.algorithms);
    if algorithms.filter_map(EnumSpec::supported).any(|algorithm| !algorithm.is_fapi2()) {
        // Security Profile §5.4.1
        let message = "must list PS256, ES256 or EdDSA only; remove the others";
        contradicts("signing.algorithms", message);
    }
    if spec.require_pkce == Some(false) {
        contradicts("requirePkce", "must not be false, since PKCE is required; remove it");
    }
    if spec.require_pushed_authorization_requests == Some(false) {
        let message = "must not be false, since pushed requests are required; remove it";
        contradicts("requirePushedAuthorizationRequests", message);
    }
    if spec_has_value(spec.refresh_token_rotation.as_ref(), RefreshTokenRotation::Always) {
        contradicts("refreshTokenRotation", NO_ROTATION);
    }
    let objects = spec.request_objects.clone().unwrap_or_default();
    if objects.by_reference == Some(true) {
        let message = "must not be true, since requests are pushed and not fetched; remove it";
        contradicts("requestObjects.byReference", message);
    }
    if objects.by_value == Some(false) && rules.signed_requests {
        let message = "must not be false, since request objects are required; remove it, or set messageSigning.requests: false";
        contradicts("requestObjects.byValue", message);
    }
    let documents = spec.client_id_metadata_documents.as_ref().and_then(|it| it.mode.as_ref());
    if documents.is_some_and(|mode| !spec_has_value(Some(mode), ClientDocumentMode::Disabled)) {
        let message = "must be Disabled, since clients are registered with their keys; remove it";
        contradicts("clientIdMetadataDocuments.mode", message);
    }
    Some(rules)
}

/// Message about refresh tokens (Security Profile §5.3.2.1).
pub const NO_ROTATION: &str =
    "must not be Always, since refresh tokens are not rotated; remove it, or set PublicClients";

/// Returns true if a field has this value.
pub fn spec_has_value<T: PartialEq>(written: Option<&EnumSpec<T>>, value: T) -> bool {
    written.is_some_and(|written| *written == EnumSpec::Supported(value))
}

/// The tenant with what follows from its profile.
pub fn under_profile(tenant: Tenant) -> Tenant {
    let Some(rules) = tenant.fapi2 else { return tenant };
    let mut request_objects = tenant.request_objects;
    request_objects.by_reference = false;
    request_objects.by_value |= rules.signed_requests;
    Tenant {
        require_pkce: true,
        require_pushed_requests: true,
        refresh_token_rotation: RefreshTokenRotation::PublicClients,
        request_objects,
        ..tenant
    }
}
