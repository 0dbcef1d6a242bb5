//! The authorization request of a device (RFC 8628 §3.1): the checks of the authorization endpoint that do not
//! depend on a redirect. The person is always asked for consent, whatever the client's policy.

use super::{
    super::{
        error::{ErrorCode, OAuthError},
        params::RequestParams,
        token::check_grant_type,
    },
    AuthorizationRequest, Prompt, ResourcesToGrant, ReturnTo, TenantLookup, acr, client,
    duplicates, max_age,
    parameters::AuthorizationParams,
    permissions, requested_claims, resource, scope,
};
use crate::model::{GrantType, ResponseType, Tenant};

/// The maximum length of the parameters, as a query string: they are stored before a user has signed in.
const MAX_REQUEST_BYTES: usize = 2 * 1024;

/// Runs all checks of the request of a device, in order, when it arrives and at each step of the person.
pub fn validate_device_request(
    tenant: &Tenant,
    served: &dyn TenantLookup,
    params: &RequestParams,
) -> Result<AuthorizationRequest, OAuthError> {
    let params = AuthorizationParams::new(params);
    check_size(params)?;
    duplicates::check_duplicates(params)?;
    let client = client::check_client(params, served)?;
    check_grant_type(&client, GrantType::DeviceCode)?;
    let resources = resource::check_resource(params, tenant, served, &client)?;
    let scopes = scope::check_scope(params, &client, ResponseType::Code, &resources)?;
    let resources = ResourcesToGrant::new(&tenant.issuer, resources, &scopes.all)?;
    let max_age = max_age::check_max_age(params, &client)?;
    let asked = requested_claims::check_requested_claims(params, tenant, &client)?;
    Ok(AuthorizationRequest {
        return_to: ReturnTo::device_page(&tenant.issuer),
        redirect_uri: None,
        response_type: ResponseType::Code,
        nonce: None,
        code_challenge: None,
        dpop_key: None,
        prompt: [Prompt::Consent].into(),
        max_age,
        wants_auth_time: client.require_auth_time || max_age.is_some(),
        login_hint: None,
        identity_provider: None,
        ui_locales: None,
        allowed_subjects: None,
        requested_permissions: permissions::requested_permissions(
            tenant,
            (&scopes.own, &resources),
            &asked.claims,
        ),
        claims: asked.claims,
        acr: acr::requested_acr(params, &client, None),
        acr_levels: tenant.acr_levels.clone(),
        pushed: None,
        scopes: scopes.own,
        resources,
        client,
    })
}

fn check_size(params: AuthorizationParams<'_>) -> Result<(), OAuthError> {
    if params.to_query().len() <= MAX_REQUEST_BYTES {
        return Ok(());
    }
    let text = "The request is too long: its parameters must not exceed 2 KiB.";
    Err(OAuthError::new(ErrorCode::InvalidRequest, text))
}
