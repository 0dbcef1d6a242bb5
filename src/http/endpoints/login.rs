//! The sign-in page's form. The response and its time do not depend on whether the user exists.

use http::StatusCode;

use super::authorize::{
    AuthorizationContext, advance, from_form, from_store, redirect, sign_in_page, start_again,
};
use crate::{
    accounts::sessions,
    http::{AppState, CookiePurpose, EndpointError, Reply, Request, known_browser},
    identity::{AttemptSource, PasswordSignIn, SignInError, normalize_username},
    model::{Secret, User},
    protocol::{
        authorize::{InteractionProgress, NextStep, SignInReason, decide},
        error::{ErrorCode, OAuthError},
        params::RequestParams,
        records::Authentication,
    },
    telemetry::LoginOutcome,
};

/// `GET I/login`: the sign-in page of an interaction, after a 303.
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let step = from_store(app, &request).await?;
    let session = step.session.as_ref().map(|held| &held.session);
    // The reason if the request requires a sign-in; otherwise the user chose to use another
    // account.
    let reason = match decide(&step.authorization, session, None, step.answers, request.now) {
        Ok(NextStep::SignIn(reason)) => reason,
        _ => SignInReason::NoSession,
    };
    sign_in_page(app, &request, &step, reason, None)
}

/// `POST I/login`: sign in, continue with the session's account, or cancel.
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let (form, step) = from_form(app, &request).await?;
    match form.get("action") {
        Some("cancel") => Ok(cancel(&request, &step)),
        Some("continue") => continue_with_session(app, &request, step).await,
        _ => sign_in(app, &request, &form, step).await,
    }
}

fn cancel(request: &Request, step: &AuthorizationContext) -> Reply {
    let denied = OAuthError::new(ErrorCode::AccessDenied, "The user cancelled the sign-in.");
    redirect(&request.tenant.tenant, &step.authorization.return_to, &denied)
}

async fn continue_with_session(
    app: &AppState,
    request: &Request,
    mut step: AuthorizationContext,
) -> Result<Reply, EndpointError> {
    // The page named an account; only that one may be continued with.
    let session = match &step.session {
        Some(held) if step.interaction.belongs_to(&held.session) => &held.session,
        _ => {
            return Err(start_again(
                request,
                &step.interaction,
                "Your session has changed",
                CHANGED,
            ));
        }
    };
    step.interaction = step.interaction.with(session, InteractionProgress::AccountChosen);
    step.answers = step.interaction.answers(Some(session));
    advance(app, request, step).await
}

const CHANGED: &str = "You signed out or used another account after this page was opened.";

async fn sign_in(
    app: &AppState,
    request: &Request,
    form: &RequestParams,
    mut step: AuthorizationContext,
) -> Result<Reply, EndpointError> {
    let username = form.get("username").unwrap_or_default();
    let device = known_browser::load(app, request)?;
    let known = device.known_to(&normalize_username(username), request.now);
    let attempt = PasswordSignIn {
        tenant: &request.tenant.tenant.id,
        username,
        password: Secret::new(form.get("password").unwrap_or_default().to_owned()),
        origin: AttemptSource { address: request.address, known_browser: known },
        now: request.now,
    };
    let verdict = attempt.decide(&*request.tenant, &app.passwords, &app.login_throttle).await;
    app.accounts.metrics.login(&request.tenant.tenant.id, outcome(&verdict));
    let user = match verdict {
        Ok(user) => user,
        Err(refused) => return render_failed_attempt(app, request, &step, username, refused),
    };
    let device = known_browser::seal(app, request, &device.used_by(&user.username, request.now))?;
    let authentication = by_password(&user, request);
    let previous = step.session.take();
    let (cookie, held) =
        sessions::start(app.context(request), authentication, user, previous.as_ref()).await?;
    let progress = InteractionProgress::SignedIn(held.session.authentication.auth_time);
    step.interaction = step.interaction.with(&held.session, progress);
    step.answers = step.interaction.answers(Some(&held.session));
    step.session = Some(held);
    let reply = advance(app, request, step).await?;
    Ok(reply.cookie(CookiePurpose::Session, &cookie).cookie(CookiePurpose::KnownBrowser, &device))
}

fn by_password(user: &User, request: &Request) -> Authentication {
    Authentication {
        subject: user.subject.clone(),
        auth_time: request.now,
        amr: vec!["pwd".to_owned()],
        acr: None,
    }
}

const fn outcome<T>(verdict: &Result<T, SignInError>) -> LoginOutcome {
    match verdict {
        Ok(_) => LoginOutcome::Success,
        Err(SignInError::Wrong) => LoginOutcome::Failure,
        Err(SignInError::Wait(_)) => LoginOutcome::Limited,
        Err(SignInError::Busy(_)) => LoginOutcome::Busy,
    }
}

/// The sign-in page with the error. It is not a redirect: without a session the interaction can
/// only be kept in the page itself.
fn render_failed_attempt(
    app: &AppState,
    request: &Request,
    step: &AuthorizationContext,
    username: &str,
    refused: SignInError,
) -> Result<Reply, EndpointError> {
    let (status, problem, retry_after) = match refused {
        SignInError::Wrong => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "The username or password is incorrect. Please try again.".to_owned(),
            None,
        ),
        SignInError::Wait(wait) => {
            let seconds = wait.as_secs().max(1);
            (StatusCode::TOO_MANY_REQUESTS, patience(seconds), Some(seconds))
        }
        SignInError::Busy(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many users are signing in right now. Please try again in a few seconds."
                .to_owned(),
            Some(2),
        ),
    };
    let page =
        sign_in_page(app, request, step, SignInReason::NoSession, Some((username, &problem)))?;
    let page = page.status(status);
    Ok(match retry_after {
        Some(seconds) => page.header("retry-after", &seconds.to_string()),
        None => page,
    })
}

fn patience(seconds: u64) -> String {
    let wait = match seconds {
        0..=1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    };
    format!("Too many sign-in attempts. Please wait {wait}, then try again.")
}

#[cfg(test)]
mod tests {
    use super::patience;

    #[test]
    fn words_the_wait() {
        assert!(patience(1).contains("wait a second,"));
        assert!(patience(64).contains("wait 64 seconds,"));
        assert!(patience(300).contains("wait 5 minutes,"));
    }
}
