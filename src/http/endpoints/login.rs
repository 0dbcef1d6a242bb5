//! The sign-in page's form. The response and its time do not depend on whether the user exists.

use http::StatusCode;

use super::{
    authorize::{
        AuthorizationContext, continue_signed_in, forms, next_step, page, proceed_authorization,
    },
    known_browser,
};
use crate::{
    http::{AppState, CookiePurpose, EndpointError, Reply, Request},
    identity::{AttemptSource, PasswordSignIn, SignInError},
    model::{Secret, normalize_username},
    protocol::{
        authentication::{Authentication, AuthenticationMethod},
        authorize::{InteractionProgress, NextStep, SignInReason},
        params::RequestParams,
    },
    telemetry::LoginOutcome,
};

/// `GET I/login`: the sign-in page of an interaction, after a 303.
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let authorization = forms::load_authorization(app, &request).await?;
    // The reason if the request requires a sign-in; otherwise the user chose to use another
    // account.
    let reason = match next_step(&authorization, None) {
        Ok(NextStep::SignIn(reason)) => reason,
        _ => SignInReason::NoSession,
    };
    page::sign_in(&authorization, reason)
}

/// `POST I/login`: sign in, continue with the session's account, or cancel.
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let (form, authorization) = forms::open_authorization(app, &request).await?;
    match form.get("action") {
        Some("cancel") => Ok(authorization.access_denied("The user cancelled the sign-in.")),
        Some("continue") => continue_with_session(authorization).await,
        _ => sign_in(&form, authorization).await,
    }
}

async fn continue_with_session(
    mut authorization: AuthorizationContext<'_>,
) -> Result<Reply, EndpointError> {
    // The page named an account; only that one may be continued with.
    if !authorization.has_session_of_page() {
        return Err(forms::session_changed(&authorization));
    }
    if let Some(session) = authorization.session.take() {
        authorization = authorization.with_progress(session, InteractionProgress::AccountChosen);
    }
    proceed_authorization(authorization).await
}

async fn sign_in(
    form: &RequestParams,
    authorization: AuthorizationContext<'_>,
) -> Result<Reply, EndpointError> {
    let AuthorizationContext { app, request, .. } = authorization;
    let username = form.get("username").unwrap_or_default();
    let browser = known_browser::load_known_browser(app, request)?;
    let typed = normalize_username(username);
    let known = browser.known_to(&typed, request.now);
    let attempt = PasswordSignIn {
        tenant: &request.tenant.tenant.id,
        username,
        password: Secret::new(form.get("password").unwrap_or_default().to_owned()),
        origin: AttemptSource { address: request.address, known_browser: known },
        now: request.now,
    };
    let verdict = attempt.perform(&*request.tenant, &app.passwords, &app.login_throttle).await;
    app.accounts.metrics.login(&request.tenant.tenant.id, outcome(&verdict));
    let user = match verdict {
        Ok(user) => user,
        Err(error) => return render_failed_attempt(&authorization, username, error),
    };
    // The browser is known by what was typed too, which may be an e-mail address.
    let browser = browser.used_by(&typed, request.now).used_by(&user.username, request.now);
    let browser = known_browser::seal_known_browser(app, request, &browser)?;
    let (method, subject) = (AuthenticationMethod::password(), user.subject.clone());
    let authentication = Authentication::by(method, subject, request.now);
    let reply = continue_signed_in(authorization, authentication, user).await?;
    Ok(reply.cookie(CookiePurpose::KnownBrowser, &browser))
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
    authorization: &AuthorizationContext<'_>,
    username: &str,
    error: SignInError,
) -> Result<Reply, EndpointError> {
    let (status, problem, retry_after) = match error {
        SignInError::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, wrong_message(username), None),
        SignInError::Wait(wait) => {
            let seconds = wait.as_secs().max(1);
            (StatusCode::TOO_MANY_REQUESTS, wait_message(seconds), Some(seconds))
        }
        SignInError::Busy(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many users are signing in right now. Please try again in a few seconds."
                .to_owned(),
            Some(2),
        ),
    };
    let page = page::sign_in_again(authorization, username, &problem)?.status(status);
    Ok(match retry_after {
        Some(seconds) => page.header("retry-after", &seconds.to_string()),
        None => page,
    })
}

/// The message does not depend on whether the user exists.
fn wrong_message(typed: &str) -> String {
    let mut message = "The username or password is incorrect. Please try again.".to_owned();
    if typed.contains('@') {
        message.push_str(" If you entered an email address, try your username.");
    }
    message
}

fn wait_message(seconds: u64) -> String {
    let wait = match seconds {
        0..=1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    };
    format!("Too many sign-in attempts. Please wait {wait}, then try again.")
}

#[cfg(test)]
mod tests {
    use super::wait_message;

    #[test]
    fn words_the_wait() {
        assert!(wait_message(1).contains("wait a second,"));
        assert!(wait_message(64).contains("wait 64 seconds,"));
        assert!(wait_message(300).contains("wait 5 minutes,"));
    }
}
