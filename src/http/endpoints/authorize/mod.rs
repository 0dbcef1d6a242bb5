//! The authorization endpoint (RFC 6749 §3.1, OIDC Core §3.1.2). An unauthenticated request writes
//! no record: state needed until the user has signed in is sealed into the page.
//!
//! `proceed_authorization` is the only place that takes an authorization further, from here and from the pages.

mod context;
mod context_factors;
mod cross_device;
pub(super) mod forms;
mod issue;
mod missing_factor_page;
pub(super) mod page;
mod passkey_prompt;
mod proceed;
mod pushed;
mod request_clients;
mod request_object;
pub(super) mod second_factor_page;
mod session_factors;
mod signed_in;

pub(super) use context::{AttemptSubject, AuthorizationContext};
pub(super) use proceed::proceed_authorization;
pub(super) use request_clients::RequestClients;
pub(super) use request_object::open_request_object;
pub(super) use session_factors::SessionFactors;
pub(super) use signed_in::{continue_signed_in, start_session_with_page, start_signed_in_session};

use std::{borrow::Cow, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    accounts::sessions::active_session::ActiveSession,
    http::{AppState, CookiePurpose, EndpointError, Reply, Request},
    keys::JwtType,
    model::{Client, ResourceServers},
    protocol::{
        authorize::{
            AuthorizationRequest, AuthorizeError, Interaction, Prompt, ReturnTo, TenantLookup,
            validate_authorization_request,
        },
        error::{ErrorCode, OAuthError},
        params::{RequestParams, UI_LOCALES},
        records::Session,
    },
    registry::ServedTenant,
};

/// `GET I/oauth/authorize`: an authorization request in the query (OIDC Core §3.1.2.1).
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let params = request.query_params()?;
    begin(app, &request, params).await
}

/// `POST I/oauth/authorize`: the parameters are in the body (OIDC Core §3.1.2.1).
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let params = request.form()?;
    begin(app, &request, params).await
}

async fn begin(
    app: &AppState,
    request: &Request,
    params: RequestParams,
) -> Result<Reply, EndpointError> {
    let pushed = pushed::open_reference(app, request, &params).await?;
    let clients = RequestClients::load(app, request, pushed.as_ref().unwrap_or(&params)).await?;
    let params = match pushed {
        Some(pushed) => pushed,
        None => {
            open_request_object((app, request), &clients, params).await.map_err(authorize_error)?
        }
    };
    request.language.request(params.get(UI_LOCALES));
    let tenant = &request.tenant.tenant;
    let authorization =
        validate_authorization_request(tenant, &clients, &params).map_err(authorize_error)?;
    request.facts.record_client(&authorization.client.object);
    let silent = authorization.prompt.contains(&Prompt::None);
    let silent = silent.then(|| authorization.return_to.clone());
    match (first_step(app, request, &params, authorization).await, silent) {
        (Err(failure), Some(to)) => redirect_server_error(&to, failure),
        (answer, _) => answer,
    }
}

/// With `prompt=none` no page may be shown, so server errors are reported to the client's redirect
/// URI instead (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.1).
fn redirect_server_error(to: &ReturnTo, failure: EndpointError) -> Result<Reply, EndpointError> {
    let (code, text) = match failure {
        EndpointError::Unavailable(_) | EndpointError::ProviderUnavailable(_) => {
            (ErrorCode::TemporarilyUnavailable, "The service is temporarily unavailable.")
        }
        EndpointError::Internal(_) => (ErrorCode::ServerError, "An internal error occurred."),
        other => return Err(other),
    };
    failure.log();
    Ok(Reply::to_application(to.error(&OAuthError::new(code, text))))
}

/// The error of a failed check: an error page until the redirect URI is validated, then an error
/// response for the client.
pub(super) fn authorize_error(error: AuthorizeError) -> EndpointError {
    match error {
        AuthorizeError::Page(error) => error.into(),
        AuthorizeError::Redirect(to, error) => {
            let response = to.error(&error);
            EndpointError::Refused(error).log();
            EndpointError::Application(Box::new(response))
        }
    }
}

async fn first_step(
    app: &AppState,
    request: &Request,
    params: &RequestParams,
    authorization: AuthorizationRequest,
) -> Result<Reply, EndpointError> {
    // The redirect URI may not belong to the sector, so the error is not redirected.
    let (client, fetch) = (&authorization.client, app.http_client(request));
    app.sector_identifier_cache.verify_redirect_uris(&*fetch, client, request.now).await?;
    let session = app.session(request).await?;
    let id = authorization.pushed.clone();
    let reply = begin_authorization(
        (app, request),
        (authorization, false),
        session,
        |pre_session, session| Interaction::authorize(params, pre_session, session, request.now),
    )
    .await?;
    match id {
        Some(id) if !reply.is_for_application() => pushed::with_cookie(app, request, reply, id),
        _ => Ok(reply),
    }
}

/// Takes the first step of an authorization, after the submission of a Lanyard form or not (`by_form`). `interaction`
/// makes its state, for the browser's pre-session cookie and the session.
pub(super) async fn begin_authorization(
    (app, request): (&AppState, &Request),
    (authorization, by_form): (AuthorizationRequest, bool),
    session: Option<ActiveSession>,
    interaction: impl FnOnce(&str, Option<&Session>) -> Interaction,
) -> Result<Reply, EndpointError> {
    let known = request.cookie(CookiePurpose::PreSession).map(str::to_owned);
    let pre_session = known.clone().unwrap_or_else(|| app.accounts.entropy.token());
    let interaction = interaction(&pre_session, session.as_ref().map(|active| &active.session));
    let context =
        AuthorizationContext::new((app, request), (authorization, by_form), session, interaction);
    let reply = proceed_authorization(context).await?;
    // A page and a redirect to a provider need the browser's cookie; a redirect to the client sets
    // none.
    Ok(if known.is_none() && !reply.is_for_application() {
        reply.cookie(CookiePurpose::PreSession, &pre_session)
    } else {
        reply
    })
}

impl TenantLookup for ServedTenant {
    fn client(&self, id: &str) -> Option<Arc<Client>> {
        Self::client(self, id).map(Cow::into_owned)
    }

    fn id_token(&self, jwt: &str) -> Option<Map<String, Value>> {
        self.keys.verify(jwt, JwtType::IdToken).ok()
    }

    fn resource_servers(&self) -> &ResourceServers {
        &self.resource_servers
    }
}
