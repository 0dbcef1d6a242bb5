//! The rules of the authorization endpoint (RFC 6749 §4.1.1, OIDC Core §3). [`validate_authorization_request`] checks a
//! request's parameters and returns an [`AuthorizationRequest`]; [`decide_next_step`] then decides what to
//! ask the user.
//!
//! [`validate_authorization_request`] is the single ordered list of checks, with one rule per file. It must not look at
//! cookies, sessions or passwords; those are arguments of [`decide_next_step`].

mod acr;
mod client;
mod code_challenge;
mod cross_device;
mod decide;
mod dpop_jkt;
mod duplicates;
mod id_token_hint;
mod interaction;
mod interaction_goal;
mod issue;
mod max_age;
mod nonce;
mod parameters;
mod permissions;
mod prompt;
mod pushed;
mod redirect_uri;
pub mod request_object;
mod requested_acr;
mod requested_claims;
mod resource;
mod resources_to_grant;
mod response_mode;
mod response_type;
mod scope;
mod sealed_pushed_request;
mod size;
mod unsupported;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Map, Value};

pub use acr::{can_reach_levels, reached_acr, wanted_levels};
pub use cross_device::{hinted_person, validate_backchannel_request, validate_device_request};
pub use decide::{AuthorizationState, InteractionResult, NextStep, SignInReason, decide_next_step};
pub use interaction::{
    INTERACTION_TTL, Interaction, InteractionError, InteractionProgress, pre_session_hash,
};
pub use interaction_goal::InteractionGoal;
pub use issue::{code_for, grant_for};
pub use permissions::CLAIM_PREFIX;
pub use prompt::Prompt;
pub use pushed::{
    OpenedPushedRequest, PUSHED_REQUEST_LIFETIME, PushedRequest, PushedRequestId,
    REQUEST_URI_PREFIX, bind_pushed_request, check_pushed_parameters, is_pushed_reference,
    pushed_client_and_request, pushed_request, sealed_reference,
};
pub use redirect_uri::{
    AuthorizationResponse, EncodedResponse, ResponseSigning, ReturnTo, form_action,
};
pub use requested_acr::RequestedAcr;
pub use resources_to_grant::ResourcesToGrant;
pub use response_mode::{ResponseMode, response_mode_names};
pub use sealed_pushed_request::{RepeatedRequest, SealedPushedRequest};

use parameters::{AuthorizationParameter, AuthorizationParams};

use super::{error::OAuthError, params::RequestParams, records::RequestedClaims};
use crate::model::{AcrLevel, Client, ResourceServers, ResponseType, Subject, Tenant};

/// The parts of a tenant's snapshot that the checks need.
pub trait TenantLookup {
    /// Returns a served client.
    fn client(&self, id: &str) -> Option<Arc<Client>>;

    /// The claims of an ID token that a key of this tenant signed, expired or not.
    fn id_token(&self, jwt: &str) -> Option<Map<String, Value>>;

    /// The tenant's resource servers.
    fn resource_servers(&self) -> &ResourceServers;
}

/// A validated authorization request, with the defaults of its client in place of absent parameters.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// The client that `client_id` names.
    pub client: Arc<Client>,
    /// The verified redirect URI, to which responses and errors go.
    pub return_to: ReturnTo,
    /// The `redirect_uri` parameter, if sent. The token request must repeat it.
    pub redirect_uri: Option<String>,
    /// `response_type`, which the client is registered for.
    pub response_type: ResponseType,
    /// The scopes of the client itself to grant. Empty only if a resource server is requested.
    pub scopes: BTreeSet<String>,
    /// The requested resources (RFC 8707), with the permissions at each.
    pub resources: ResourcesToGrant,
    /// `nonce`, which the first ID token repeats.
    pub nonce: Option<String>,
    /// `code_challenge` of the method `S256` (RFC 7636 §4.2); `None` if it was not sent and the client does not need
    /// it.
    pub code_challenge: Option<String>,
    /// `dpop_jkt`: the thumbprint of the DPoP key that redeems the code.
    pub dpop_key: Option<String>,
    /// `prompt`: the pages that the application demands or forbids.
    pub prompt: BTreeSet<Prompt>,
    /// `max_age`, or the client's default.
    pub max_age: Option<Duration>,
    /// Whether ID tokens must contain `auth_time`.
    pub wants_auth_time: bool,
    /// `login_hint`: the user name to fill in.
    pub login_hint: Option<String>,
    /// `identity_provider`: the name of the identity provider to sign in at.
    pub identity_provider: Option<String>,
    /// `ui_locales`: the user's languages, in order of preference.
    pub ui_locales: Option<String>,
    /// The users allowed by `id_token_hint` and `claims`. `None` allows any user.
    pub allowed_subjects: Option<BTreeSet<Subject>>,
    /// Individually requested claims (OIDC Core §5.5).
    pub claims: RequestedClaims,
    /// The permissions that the user is asked for. They are the scopes, `claim <name>` for each requested claim
    /// outside of the scopes, and the permissions of resource servers (`resource_permissions`).
    pub requested_permissions: BTreeSet<String>,
    /// The levels of assurance that the application asks for, in its order of preference.
    pub acr: RequestedAcr,
    /// The levels of assurance that the tenant supports.
    pub acr_levels: Vec<AcrLevel>,
    /// The identity of the request, if the client pushed it.
    pub pushed: Option<PushedRequestId>,
}

/// The reason a request is rejected. The variant determines where the error is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizeError {
    /// The client or the redirect URI is not verified: show a page, never redirect (RFC 6749
    /// §4.1.2.1).
    #[error("{0}")]
    Page(OAuthError),
    /// Both are verified: send the error to the client.
    #[error("{1}")]
    Redirect(Box<ReturnTo>, OAuthError),
}

/// The facts about a request that are needed before its request object is read.
#[derive(Clone, Debug)]
pub struct RequestObjectContext {
    /// The client of the `client_id` outside the request object.
    pub client: Arc<Client>,
    /// The target of errors, if the parameters outside the object prove it.
    return_to: Result<ReturnTo, OAuthError>,
    /// Whether the request has a `redirect_uri` parameter.
    names_uri: bool,
}

impl RequestObjectContext {
    /// Returns the context with the error target that these parameters determine
    /// (`request_object::error_response_params`).
    #[must_use]
    pub fn answered(self, tenant: &Tenant, params: &RequestParams) -> Self {
        let params = AuthorizationParams::new(params);
        let return_to = redirect_uri::check_redirect_uri(params, &self.client, &tenant.issuer);
        Self { return_to, ..self }
    }

    /// Returns the error of a request object with its target. Without a verified redirect URI the
    /// error is a page. If the request has an invalid redirect URI, that is reported first.
    pub fn request_object_error(self, error: OAuthError) -> AuthorizeError {
        match self.return_to {
            Ok(to) => proven_error(&self.client, to, error),
            Err(unproven) if self.names_uri => {
                AuthorizeError::Page(unproven.because(error.to_string()))
            }
            Err(_) => AuthorizeError::Page(error),
        }
    }
}

/// The checks that come before a request object is read: they identify its client (OIDC Core §6.1).
pub fn identify_client_and_redirect(
    tenant: &Tenant,
    served: &dyn TenantLookup,
    params: &RequestParams,
) -> Result<RequestObjectContext, AuthorizeError> {
    let params = AuthorizationParams::new(params);
    let client = client::check_client(params, served).map_err(AuthorizeError::Page)?;
    let return_to = redirect_uri::check_redirect_uri(params, &client, &tenant.issuer);
    let names_uri = params.get(AuthorizationParameter::RedirectUri).is_some();
    let opening = RequestObjectContext { client, return_to, names_uri };
    match duplicates::check_duplicates(params) {
        Ok(()) => Ok(opening),
        Err(error) => Err(opening.request_object_error(error)),
    }
}

/// Runs all checks of an authorization request, in order.
pub fn validate_authorization_request(
    tenant: &Tenant,
    served: &dyn TenantLookup,
    params: &RequestParams,
) -> Result<AuthorizationRequest, AuthorizeError> {
    let params = AuthorizationParams::new(params);
    // Until the redirect URI is verified, errors are shown as a page.
    size::check_size(params).map_err(AuthorizeError::Page)?;
    let client = client::check_client(params, served).map_err(AuthorizeError::Page)?;
    let return_to = redirect_uri::check_redirect_uri(params, &client, &tenant.issuer)
        .map_err(AuthorizeError::Page)?;
    // From here on, errors are sent to the client.
    check_proven(tenant, served, params, Arc::clone(&client), &return_to)
        .map_err(|error| proven_error(&client, return_to, error))
}

/// The error of a request whose redirect URI is verified. Anyone can choose the URI of a client that a document
/// describes. A link must not redirect there before the person has answered a page (RFC 9700 §4.11.2).
fn proven_error(client: &Client, return_to: ReturnTo, error: OAuthError) -> AuthorizeError {
    if client.is_described_by_document() {
        AuthorizeError::Page(error)
    } else {
        AuthorizeError::Redirect(Box::new(return_to), error)
    }
}

fn check_proven(
    tenant: &Tenant,
    served: &dyn TenantLookup,
    params: AuthorizationParams<'_>,
    client: Arc<Client>,
    return_to: &ReturnTo,
) -> Result<AuthorizationRequest, OAuthError> {
    duplicates::check_duplicates(params)?;
    unsupported::check_unsupported_parameters(params)?;
    let pushed = pushed::check_pushed(params, &client)?;
    let resources = resource::check_resource(params, tenant, served, &client)?;
    let response_type = response_type::check_response_type(params, &client)?;
    resource::check_resource_of_response(&resources, response_type)?;
    response_mode::check_response_mode(params, &client, response_type)?;
    let scopes = scope::check_scope(params, &client, response_type, &resources)?;
    let resources = ResourcesToGrant::new(&tenant.issuer, resources, &scopes)?;
    let nonce = nonce::check_nonce(params, response_type)?;
    let code_challenge = code_challenge::check_pkce_challenge(params, &client, response_type)?;
    let dpop_key = dpop_jkt::check_dpop_jkt(params, &client, response_type)?;
    let prompt = prompt::check_prompt(params, &client)?;
    let max_age = max_age::check_max_age(params, &client)?;
    let asked = requested_claims::check_requested_claims(params, tenant, &client)?;
    let hinted = id_token_hint::check_id_token_hint(params, tenant, served, &client)?
        .map(|hinted| [hinted].into());
    let expects = requested_claims::intersect_subjects(hinted, asked.subjects);
    Ok(AuthorizationRequest {
        return_to: return_to.clone(),
        redirect_uri: params.get(AuthorizationParameter::RedirectUri).map(str::to_owned),
        response_type,
        nonce,
        code_challenge,
        dpop_key,
        prompt,
        max_age,
        wants_auth_time: client.require_auth_time || max_age.is_some() || asked.auth_time,
        login_hint: params.get(AuthorizationParameter::LoginHint).map(str::to_owned),
        identity_provider: params.get(AuthorizationParameter::IdentityProvider).map(str::to_owned),
        ui_locales: params.get(AuthorizationParameter::UiLocales).map(str::to_owned),
        allowed_subjects: expects,
        requested_permissions: permissions::requested_permissions(
            tenant,
            (&scopes.own, &resources),
            &asked.claims,
        ),
        claims: asked.claims,
        acr: requested_acr::requested_acr(params, &client, asked.acr),
        acr_levels: tenant.acr_levels.clone(),
        pushed,
        scopes: scopes.own,
        resources,
        client,
    })
}

#[cfg(test)]
mod tests;
