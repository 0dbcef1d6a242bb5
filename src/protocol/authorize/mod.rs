//! The authorization endpoint's rules (RFC 6749 §4.1.1, OIDC Core §3): a request's parameters →
//! a checked [`Ask`], then [`decide`]: what stands between the person and the answer.
//!
//! [`validate`] is the one ordered list of checks, a rule a file. Must not: look at cookies,
//! sessions or passwords; those come after, as arguments of [`decide`].

mod acr;
mod client;
mod decide;
mod duplicates;
mod id_token_hint;
mod interaction;
mod issue;
mod max_age;
mod nonce;
mod pkce;
mod prompt;
mod redirect_uri;
pub mod request_object;
mod requested_claims;
mod response_mode;
mod response_type;
mod scope;
mod size;
mod unsupported;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Map, Value};

pub use acr::{RequestedAcr, reached};
pub use decide::{InteractionResult, NextStep, SignInReason, decide};
pub use interaction::{Interaction, InteractionError, InteractionProgress, pre_session_hash};
pub use issue::{code, grant};
pub use prompt::Prompt;
pub use redirect_uri::{AuthorizationResponse, ReturnTo, form_action};
pub use response_mode::ResponseMode;

use super::{claims, error::OAuthError, params::RequestParams, records::RequestedClaims};
use crate::model::{AcrLevel, Client, ResponseType, Subject, Tenant};

/// What the checks may ask of the tenant's part of the snapshot.
pub trait TenantLookup {
    /// A served client.
    fn client(&self, id: &str) -> Option<Arc<Client>>;

    /// The claims of an ID token that a key of this tenant signed, expired or not.
    fn id_token(&self, jwt: &str) -> Option<Map<String, Value>>;
}

/// A checked authorization request.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client: Arc<Client>,
    /// Where the answer goes.
    pub return_to: ReturnTo,
    /// `redirect_uri`, if the request had one: the token request must repeat it.
    pub redirect_uri: Option<String>,
    /// What is asked for.
    pub response_type: ResponseType,
    /// Scopes that this request can give; never empty.
    pub scopes: BTreeSet<String>,
    /// `nonce`.
    pub nonce: Option<String>,
    /// `code_challenge`, always S256.
    pub code_challenge: Option<String>,
    /// `prompt`.
    pub prompt: BTreeSet<Prompt>,
    /// `max_age`, or the client's default.
    pub max_age: Option<Duration>,
    /// Whether ID tokens must carry `auth_time`.
    pub wants_auth_time: bool,
    /// `login_hint`: a username to begin with.
    pub login_hint: Option<String>,
    /// Whom `id_token_hint` and `claims` name: the only people this request may be answered for.
    pub allowed_subjects: Option<BTreeSet<Subject>>,
    /// Claims asked for by name.
    pub claims: RequestedClaims,
    /// All that the person is asked to give: the scopes, and as `claim <name>` the claims by name
    /// that none of them gives.
    pub requested_permissions: BTreeSet<String>,
    /// Levels of assurance that are wanted.
    pub acr: RequestedAcr,
    /// Those that the tenant knows.
    pub acr_levels: Vec<AcrLevel>,
}

/// Before the name of a claim among [`Ask::wishes`]: no scope has a space.
pub const CLAIM_PREFIX: &str = "claim ";

/// All that the person is asked to give: scopes, and claims by name that none of them gives.
fn requested_permissions(
    tenant: &Tenant,
    scopes: &BTreeSet<String>,
    asked: &RequestedClaims,
) -> BTreeSet<String> {
    let given = |name: &String| scopes.iter().any(|scope| claims::gives(tenant, scope, name));
    let named = asked.userinfo.union(&asked.id_token).filter(|name| !given(name));
    scopes.iter().cloned().chain(named.map(|name| format!("{CLAIM_PREFIX}{name}"))).collect()
}

/// Why a request is refused, and by that where the error may go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizeError {
    /// The client or the redirect URI is unproven: a page, never a redirect (RFC 6749 §4.1.2.1).
    #[error("{0}")]
    Page(OAuthError),
    /// Both are proven: the client is told.
    #[error("{1}")]
    Redirect(Box<ReturnTo>, OAuthError),
}

/// What must be known of a request before its request object is opened.
#[derive(Clone, Debug)]
pub struct RequestObjectContext {
    /// Who asks.
    pub client: Arc<Client>,
    /// Where errors go, if the parameters outside the object prove it.
    return_to: Result<ReturnTo, OAuthError>,
    /// Whether they name a redirect URI at all.
    names_uri: bool,
}

impl RequestObjectContext {
    /// The same where errors are answered as these parameters want it (`request_object::answered`).
    #[must_use]
    pub fn answered(self, tenant: &Tenant, params: &RequestParams) -> Self {
        let return_to = redirect_uri::check(params, &self.client, &tenant.issuer);
        Self { return_to, ..self }
    }

    /// Where an error of the object goes. Until the redirect URI is proven it is a page: about the
    /// URI first, if the request names one that cannot be.
    pub fn refuse(self, error: OAuthError) -> AuthorizeError {
        match self.return_to {
            Ok(to) => AuthorizeError::Redirect(Box::new(to), error),
            Err(unproven) if self.names_uri => {
                AuthorizeError::Page(unproven.because(error.to_string()))
            }
            Err(_) => AuthorizeError::Page(error),
        }
    }
}

/// The checks that come before a request object is opened: whose it would be (OIDC Core §6.1).
pub fn open(
    tenant: &Tenant,
    served: &dyn TenantLookup,
    params: &RequestParams,
) -> Result<RequestObjectContext, AuthorizeError> {
    let client = client::check(params, served).map_err(AuthorizeError::Page)?;
    let return_to = redirect_uri::check(params, &client, &tenant.issuer);
    let opening =
        RequestObjectContext { client, return_to, names_uri: params.get("redirect_uri").is_some() };
    match duplicates::check(params) {
        Ok(()) => Ok(opening),
        Err(error) => Err(opening.refuse(error)),
    }
}

/// Every check of an authorization request, in order.
pub fn validate(
    tenant: &Tenant,
    served: &dyn TenantLookup,
    params: &RequestParams,
) -> Result<AuthorizationRequest, AuthorizeError> {
    // Until the redirect URI is proven, an error is a page.
    size::check(params).map_err(AuthorizeError::Page)?;
    let client = client::check(params, served).map_err(AuthorizeError::Page)?;
    let return_to =
        redirect_uri::check(params, &client, &tenant.issuer).map_err(AuthorizeError::Page)?;
    // From here on, the client is told.
    check_proven(tenant, served, params, client, &return_to)
        .map_err(|error| AuthorizeError::Redirect(Box::new(return_to), error))
}

fn check_proven(
    tenant: &Tenant,
    served: &dyn TenantLookup,
    params: &RequestParams,
    client: Arc<Client>,
    return_to: &ReturnTo,
) -> Result<AuthorizationRequest, OAuthError> {
    duplicates::check(params)?;
    unsupported::check(params)?;
    let response_type = response_type::check(params, &client)?;
    response_mode::check(params, response_type)?;
    let scopes = scope::check(params, tenant, &client, response_type)?;
    let nonce = nonce::check(params, response_type)?;
    let code_challenge = pkce::check(params, &client, response_type)?;
    let prompt = prompt::check(params)?;
    let max_age = max_age::check(params, &client)?;
    let asked = requested_claims::check(params, tenant, &client)?;
    let hinted =
        id_token_hint::check(params, tenant, served, &client)?.map(|hinted| [hinted].into());
    let expects = requested_claims::both(hinted, asked.subjects);
    Ok(AuthorizationRequest {
        return_to: return_to.clone(),
        redirect_uri: params.get("redirect_uri").map(str::to_owned),
        response_type,
        nonce,
        code_challenge,
        prompt,
        max_age,
        wants_auth_time: client.require_auth_time || max_age.is_some() || asked.auth_time,
        login_hint: params.get("login_hint").map(str::to_owned),
        allowed_subjects: expects,
        requested_permissions: requested_permissions(tenant, &scopes, &asked.claims),
        claims: asked.claims,
        acr: acr::wish(params, &client, asked.acr),
        acr_levels: tenant.acr_levels.clone(),
        scopes,
        client,
    })
}

#[cfg(test)]
mod tests;
