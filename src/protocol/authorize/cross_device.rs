//! The authorization request that a person answers on another device (RFC 8628 §3.1, CIBA Core §7.1): the checks of
//! the authorization endpoint that do not depend on a redirect. The person is always asked for consent, whatever the
//! client's policy.

use std::collections::BTreeSet;

use super::{
    super::{
        error::{ErrorCode, OAuthError},
        params::RequestParams,
        subject::subject_for_client,
        token::check_grant_type,
    },
    AuthorizationRequest, Prompt, RequestedAcr, ResourcesToGrant, ReturnTo, TenantLookup, client,
    duplicates, id_token_hint, max_age,
    parameters::AuthorizationParams,
    permissions,
    requested_acr::requested_acr,
    requested_claims, resource, scope,
};
use crate::model::{Client, Endpoint, GrantType, ResponseType, Subject, Tenant};

/// The maximum length of the parameters, as a query string: they are stored before a user has signed in.
const MAX_REQUEST_BYTES: usize = 2 * 1024;
/// The scope of OpenID Connect.
const OPENID: &str = "openid";

/// Runs all checks of the request of a device, in order: when the request arrives, and at each step of the user.
pub fn validate_device_request(
    tenant: &Tenant,
    served: &dyn TenantLookup,
    params: &RequestParams,
) -> Result<AuthorizationRequest, OAuthError> {
    validate_request(tenant, served, params, (GrantType::DeviceCode, Endpoint::Device))
}

/// Runs all checks of a request over the backchannel, in the same way. `person`: the only user who may answer; `None`
/// before the person is found.
pub fn validate_backchannel_request(
    tenant: &Tenant,
    served: &dyn TenantLookup,
    params: &RequestParams,
    person: Option<&Subject>,
) -> Result<AuthorizationRequest, OAuthError> {
    let flow = (GrantType::Ciba, Endpoint::Account);
    let request = validate_request(tenant, served, params, flow)?;
    // CIBA Core §7.1: it is an authentication request, whose ID token has the time of the sign-in.
    let scope = params.get("scope").unwrap_or_default();
    if !scope.split(' ').any(|scope| scope == OPENID) {
        let text = "The parameter 'scope' must contain openid.";
        return Err(OAuthError::new(ErrorCode::InvalidScope, text));
    }
    let expected = person.map(|person| subject_for_client(&request.client, person));
    Ok(AuthorizationRequest {
        allowed_subjects: expected.map(|subject| BTreeSet::from([subject])),
        wants_auth_time: true,
        // CIBA Core §7.1: the person is authenticated at one of the levels, and not at a lower one.
        acr: RequestedAcr { essential: true, ..request.acr },
        ..request
    })
}

/// The person of the `id_token_hint` of a request over the backchannel, as the client knows the person.
pub fn hinted_person(
    tenant: &Tenant,
    served: &dyn TenantLookup,
    params: &RequestParams,
    client: &Client,
) -> Result<Option<Subject>, OAuthError> {
    id_token_hint::check_id_token_hint(AuthorizationParams::new(params), tenant, served, client)
}

fn validate_request(
    tenant: &Tenant,
    served: &dyn TenantLookup,
    params: &RequestParams,
    (grant_type, page): (GrantType, Endpoint),
) -> Result<AuthorizationRequest, OAuthError> {
    let params = AuthorizationParams::new(params);
    check_size(params)?;
    duplicates::check_duplicates(params)?;
    let client = client::check_client(params, served)?;
    check_grant_type(&client, grant_type)?;
    let resources = resource::check_resource(params, tenant, served, &client)?;
    let scopes = scope::check_scope(params, &client, ResponseType::Code, &resources)?;
    let resources = ResourcesToGrant::new(&tenant.issuer, resources, &scopes)?;
    let max_age = max_age::check_max_age(params, &client)?;
    let asked = requested_claims::check_requested_claims(params, tenant, &client)?;
    Ok(AuthorizationRequest {
        return_to: ReturnTo::own_page(&tenant.issuer, page),
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
        acr: requested_acr(params, &client, None),
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
