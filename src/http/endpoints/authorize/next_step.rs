//! One step of an authorization: look up, decide (pure), then a page, an error for the client, or
//! the response.

use http::StatusCode;

use super::{AuthorizationContext, interaction, issue, respond::redirect};
use crate::{
    accounts::sessions::ActiveSession,
    http::{
        AppState, EndpointError, Reply, Request,
        pages::{self, AccountView, ConsentPage, SignInPage},
    },
    model::ConsentPolicy,
    protocol::{
        authorize::{NextStep, SignInReason, decide},
        consent,
        records::{Consent, decode},
    },
    store::{RecordKey, RecordKind},
};

/// Takes the authorization one step further.
pub(in crate::http::endpoints) async fn advance(
    app: &AppState,
    request: &Request,
    step: AuthorizationContext,
) -> Result<Reply, EndpointError> {
    let remembered = remembered(app, request, &step).await?;
    let session = step.session.as_ref().map(|held| &held.session);
    let next = decide(&step.authorization, session, remembered.as_ref(), step.answers, request.now);
    let next = match next {
        Ok(next) => next,
        Err(error) => {
            return Ok(redirect(&request.tenant.tenant, &step.authorization.return_to, &error));
        }
    };
    match (next, &step.session) {
        (NextStep::Issue, Some(held)) => {
            issue::issue(app, request, &step.authorization, held).await
        }
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
    match &step.session {
        Some(held) if step.authorization.client.consent == ConsentPolicy::Required => {
            let id = consent::record_id(&held.user.subject, &step.authorization.client.id);
            let key = RecordKey::new(RecordKind::Consent, &request.tenant.tenant.id, id);
            let stored = app.accounts.store.get(&key, request.now).await?;
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
        SignInReason::Again => step.session.as_ref().map(|held| held.user.username.as_str()),
        SignInReason::NoSession | SignInReason::OtherPerson => None,
    };
    let hinted = step.authorization.login_hint.as_deref().or_else(known).unwrap_or_default();
    let (username, problem) = match attempt {
        Some((username, problem)) => (username, Some(problem)),
        None => (hinted, None),
    };
    let sealed = interaction::seal(app, request, &step.interaction)?;
    let html = pages::sign_in(&SignInPage {
        tenant: &request.tenant.tenant,
        client: &step.authorization.client,
        redirect_uri: step.authorization.return_to.uri(),
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
        client: &step.authorization.client,
        redirect_uri: step.authorization.return_to.uri(),
        interaction: &sealed,
        username: step.authorization.login_hint.as_deref().unwrap_or_default(),
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
    let interaction = step
        .interaction
        .clone()
        .with_displayed_permissions(&step.authorization.requested_permissions);
    let sealed = interaction::seal(app, request, &interaction)?;
    let html = pages::consent(&ConsentPage {
        tenant: &request.tenant.tenant,
        ask: &step.authorization,
        user: &held.user,
        interaction: &sealed,
    });
    Ok(form_page(step, html))
}

/// A page with a form whose response may redirect to the client. Its referrer policy lets browsers
/// send `Origin` with the form; with `no-referrer` they send `null` (Fetch §3.1).
fn form_page(step: &AuthorizationContext, html: String) -> Reply {
    Reply::html(StatusCode::OK, html)
        .form_action(step.authorization.return_to.form_action())
        .image(step.authorization.client.details.logo_uri.as_deref())
        .header("referrer-policy", "same-origin")
}
