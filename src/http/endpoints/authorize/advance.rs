//! One step of an authorization: look up, decide (pure), then a page, an error for the client, or
//! the response.

use http::StatusCode;

use super::{interaction, issue};
use crate::{
    http::{
        AppState, EndpointError, Reply, Request,
        pages::{self, AccountView, ConsentPage, SignInPage},
        sessions::ActiveSession,
    },
    model::{ConsentPolicy, Tenant},
    protocol::{
        authorize::{
            AuthorizationRequest, AuthorizationResponse, AuthorizeError, Interaction,
            InteractionResult, NextStep, ReturnTo, SignInReason, decide,
        },
        consent,
        error::OAuthError,
        records::{Consent, decode},
    },
    store::{RecordKey, RecordKind},
};

/// A valid request, the browser's active session, and the user's answers so far.
pub(in crate::http::endpoints) struct AuthorizationContext {
    pub(in crate::http::endpoints) ask: AuthorizationRequest,
    pub(in crate::http::endpoints) held: Option<ActiveSession>,
    pub(in crate::http::endpoints) interaction: Interaction,
    pub(in crate::http::endpoints) answers: InteractionResult,
    /// Whether the request is the submission of a Lanyard form.
    pub(in crate::http::endpoints) by_form: bool,
}

/// Takes the authorization one step further.
pub(in crate::http::endpoints) async fn advance(
    app: &AppState,
    request: &Request,
    step: AuthorizationContext,
) -> Result<Reply, EndpointError> {
    let remembered = remembered(app, request, &step).await?;
    let session = step.held.as_ref().map(|held| &held.session);
    let next = decide(&step.ask, session, remembered.as_ref(), step.answers, request.now);
    let next = match next {
        Ok(next) => next,
        Err(error) => return Ok(redirect(&request.tenant.tenant, &step.ask.return_to, &error)),
    };
    match (next, &step.held) {
        (NextStep::Issue, Some(held)) => issue::issue(app, request, &step.ask, held).await,
        // A form redirects to a page, so going back or reloading does not submit the form again.
        (NextStep::AskConsent, _) if step.by_form => {
            interaction::save(app, request, &step, "/consent").await
        }
        (NextStep::SignIn(_) | NextStep::ChooseAccount, _) if step.by_form => {
            interaction::save(app, request, &step, "/login").await
        }
        (NextStep::AskConsent, Some(held)) => consent_page(app, request, &step, held),
        (NextStep::ChooseAccount, Some(held)) => choose_page(app, request, &step, held),
        (NextStep::SignIn(reason), _) => sign_in_page(app, request, &step, reason, None),
        (NextStep::Issue | NextStep::AskConsent | NextStep::ChooseAccount, None) => {
            sign_in_page(app, request, &step, SignInReason::NoSession, None)
        }
    }
}

/// The permissions that the user granted before, where the client may rely on them.
async fn remembered(
    app: &AppState,
    request: &Request,
    step: &AuthorizationContext,
) -> Result<Option<Consent>, EndpointError> {
    match &step.held {
        Some(held) if step.ask.client.consent == ConsentPolicy::Required => {
            let id = consent::record_id(&held.user.subject, &step.ask.client.id);
            let key = RecordKey::new(RecordKind::Consent, &request.tenant.tenant.id, id);
            let stored = app.store.get(&key, request.now).await?;
            Ok(stored.and_then(|stored| decode(&stored.record.value).ok()))
        }
        _ => Ok(None),
    }
}

/// The sign-in page, perhaps with the error of a failed attempt.
pub(in crate::http::endpoints) fn sign_in_page(
    app: &AppState,
    request: &Request,
    step: &AuthorizationContext,
    reason: SignInReason,
    attempt: Option<(&str, &str)>,
) -> Result<Reply, EndpointError> {
    let known = || match reason {
        SignInReason::Again => step.held.as_ref().map(|held| held.user.username.as_str()),
        SignInReason::NoSession | SignInReason::OtherPerson => None,
    };
    let hinted = step.ask.login_hint.as_deref().or_else(known).unwrap_or_default();
    let (username, problem) = match attempt {
        Some((username, problem)) => (username, Some(problem)),
        None => (hinted, None),
    };
    let sealed = interaction::seal(app, request, &step.interaction)?;
    let html = pages::sign_in(&SignInPage {
        tenant: &request.tenant.tenant,
        client: &step.ask.client,
        redirect_uri: step.ask.return_to.uri(),
        interaction: &sealed,
        username,
        reason,
        problem,
        account: None,
    });
    Ok(form_page(step, html))
}

fn choose_page(
    app: &AppState,
    request: &Request,
    step: &AuthorizationContext,
    held: &ActiveSession,
) -> Result<Reply, EndpointError> {
    let sealed = interaction::seal(app, request, &step.interaction)?;
    let html = pages::sign_in(&SignInPage {
        tenant: &request.tenant.tenant,
        client: &step.ask.client,
        redirect_uri: step.ask.return_to.uri(),
        interaction: &sealed,
        username: step.ask.login_hint.as_deref().unwrap_or_default(),
        reason: SignInReason::NoSession,
        problem: None,
        account: Some(AccountView::from(&*held.user)),
    });
    Ok(form_page(step, html))
}

fn consent_page(
    app: &AppState,
    request: &Request,
    step: &AuthorizationContext,
    held: &ActiveSession,
) -> Result<Reply, EndpointError> {
    let interaction = step.interaction.clone().showing(&step.ask.requested_permissions);
    let sealed = interaction::seal(app, request, &interaction)?;
    let html = pages::consent(&ConsentPage {
        tenant: &request.tenant.tenant,
        ask: &step.ask,
        user: &held.user,
        interaction: &sealed,
    });
    Ok(form_page(step, html))
}

/// A page with a form whose response may redirect to the client. Its referrer policy lets browsers
/// send `Origin` with the form; with `no-referrer` they send `null` (Fetch §3.1).
fn form_page(step: &AuthorizationContext, html: String) -> Reply {
    Reply::html(StatusCode::OK, html)
        .form_action(step.ask.return_to.form_action())
        .image(step.ask.client.details.logo_uri.as_deref())
        .header("referrer-policy", "same-origin")
}

/// The response to a failed check: an error page until the redirect URI is validated, then a
/// redirect to the client.
pub(in crate::http::endpoints) fn authorize_error(
    tenant: &Tenant,
    error: AuthorizeError,
) -> EndpointError {
    match error {
        AuthorizeError::Page(error) => EndpointError::Page(error),
        AuthorizeError::Redirect(to, error) => {
            EndpointError::Reply(Box::new(redirect(tenant, &to, &error)))
        }
    }
}

/// Sends an error to the client.
pub(in crate::http::endpoints) fn redirect(
    tenant: &Tenant,
    to: &ReturnTo,
    error: &OAuthError,
) -> Reply {
    respond(tenant, to, to.error(error))
}

/// Sends an authorization response to the client through the browser.
pub(super) fn respond(tenant: &Tenant, to: &ReturnTo, response: AuthorizationResponse) -> Reply {
    match response {
        AuthorizationResponse::Redirect(url) => Reply::see_other(&url),
        AuthorizationResponse::Post(fields) => {
            let html = pages::form_post(tenant, to.uri(), &fields);
            // Like a redirect, this page may load in frames (`prompt=none`). It has no content
            // worth a clickjacking attack, and its origin is visible to the application.
            Reply::html(StatusCode::OK, html)
                .form_action(to.form_action())
                .with_script()
                .frameable()
                .header("referrer-policy", "strict-origin")
        }
    }
}
