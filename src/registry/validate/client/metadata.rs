//! Client metadata other than flows: keys, subjects, request objects, logout (OIDC Registration §2,
//! Front-Channel and Back-Channel Logout §2).

use std::sync::Arc;

use url::Url;

use super::{
    details, federated, flows::CheckedFlows, keys, signatures, signatures::CheckedAlgorithms,
};
use crate::{
    api::{Introspection, OidcClientSpec},
    model::{
        AssertionPolicy, BackchannelTokenDeliveryMode, Client, ClientAuthentication, ClientDetails,
        ClientKeys, FederatedCredential, GrantType, RedirectUri, RefreshTokenRotation, SubjectType,
    },
    registry::validate::{
        CheckedTenant, ProblemList, link,
        token_policy::{self, WrittenTokenPolicy},
    },
};

/// The validated metadata of a client, before the tenant's settings apply.
#[derive(Clone, Debug)]
pub struct CheckedMetadata {
    details: Arc<ClientDetails>,
    keys: ClientKeys,
    federated_credentials: Arc<[FederatedCredential]>,
    subject_type: SubjectType,
    signatures: CheckedAlgorithms,
    authentication: ClientAuthentication,
    introspects_all: bool,
    /// Overrides the tenant's setting; `None`: the tenant's.
    pub refresh_token_rotation: Option<RefreshTokenRotation>,
    /// Overrides the tenant's settings.
    pub tokens: WrittenTokenPolicy,
}

/// Validates the metadata of a client in a namespace. Namespace and tenant matter only for identities of other issuers.
pub fn check_client_metadata(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
    (flows, namespace): (&CheckedFlows, &str),
    tenant: Option<&CheckedTenant>,
) -> CheckedMetadata {
    link(problems, "spec.jwksUri", spec.jwks_uri.as_deref(), &["https", "http"]);
    let details = details::check_client_details(problems, spec);
    logout(problems, spec, flows);
    let backchannel_token_delivery_mode = delivery_mode(problems, spec, flows);
    let keys = keys::check_client_keys(problems, spec, flows.auth_method());
    let subject_type = problems.supported("spec.subjectType", spec.subject_type.as_ref());
    let signatures = signatures::check_client_signatures(problems, spec, flows);
    let token_endpoint_auth_signing_alg = signatures.assertion;
    let audience = spec.client_assertion_audience.as_ref();
    let audience = problems.supported("spec.clientAssertionAudience", audience).unwrap_or_default();
    let policy = AssertionPolicy { signing_alg: signatures.assertion, audience };
    let federated_credentials =
        federated::check_federated_credentials(problems, spec, (flows, namespace), tenant);
    CheckedMetadata {
        federated_credentials,
        details: ClientDetails {
            token_endpoint_auth_signing_alg,
            backchannel_token_delivery_mode,
            ..details
        }
        .shared(),
        keys,
        subject_type: subject_type.unwrap_or_default(),
        signatures,
        authentication: ClientAuthentication::new(flows.named_auth_method, policy, Vec::new()),
        introspects_all: problems.supported("spec.introspection", spec.introspection.as_ref())
            == Some(Introspection::Tenant),
        refresh_token_rotation: problems
            .supported("spec.refreshTokenRotation", spec.refresh_token_rotation.as_ref()),
        tokens: token_policy::client_token_policy(problems, spec),
    }
}

impl CheckedMetadata {
    /// Sets the metadata on a client.
    pub fn onto(self, client: Client) -> Client {
        Client {
            details: self.details,
            authentication: self.authentication,
            keys: self.keys,
            federated_credentials: self.federated_credentials,
            subject_type: self.subject_type,
            id_token_signed_response_alg: self.signatures.id_token,
            userinfo_signed_response_alg: self.signatures.userinfo,
            authorization_signed_response_alg: self.signatures.authorization_response,
            request_object_signing_alg: self.signatures.request_object,
            may_introspect_all: self.introspects_all,
            ..client
        }
    }
}

/// Checks how a client learns of answers over the backchannel (CIBA Core §4). A client that names no mode polls.
fn delivery_mode(
    problems: &mut ProblemList,
    spec: &OidcClientSpec,
    flows: &CheckedFlows,
) -> Option<BackchannelTokenDeliveryMode> {
    const FIELD: &str = "spec.backchannelTokenDeliveryMode";
    let written = spec.backchannel_token_delivery_mode.as_ref();
    let mode = problems.supported(FIELD, written);
    let has_grant = flows.grant_types.contains(&GrantType::Ciba);
    if written.is_some() && !has_grant {
        problems.invalid(FIELD, format!("requires the grant type {}", GrantType::Ciba));
    }
    let is_ping = mode == Some(BackchannelTokenDeliveryMode::Ping);
    if is_ping != spec.backchannel_client_notification_endpoint.is_some() {
        let message =
            "ping requires backchannelClientNotificationEndpoint, which no other mode has";
        problems.invalid(FIELD, message);
    }
    mode.or(has_grant.then_some(BackchannelTokenDeliveryMode::Poll))
}

/// Checks that the front-channel logout URI has the origin of a redirect URI (OIDC Front-Channel
/// Logout §2).
fn logout(problems: &mut ProblemList, spec: &OidcClientSpec, flows: &CheckedFlows) {
    let Some(uri) = spec.frontchannel_logout_uri.as_ref() else { return };
    let Ok(url) = Url::parse(uri) else { return };
    let origin = url.origin().ascii_serialization();
    let known = flows.uris.redirect.iter().filter_map(RedirectUri::origin);
    if !known.into_iter().any(|known| known == origin) {
        let message = "must have the same scheme, host and port as one of redirectUris";
        problems.invalid("spec.frontchannelLogoutUri", message);
    }
}
