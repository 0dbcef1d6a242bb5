//! The sign-in page's form. The response and its time do not depend on whether the user exists.

use super::{
    authorize::{
        AttemptSubject, AuthorizationContext, continue_signed_in, forms, page,
        proceed_authorization, second_factor_page,
    },
    directory_login::{DirectoryAttempt, sign_in_with_directory},
    failed_login,
    identify::sign_in_by_name,
    known_browser,
    passkey::check_passkey,
    provider_problem,
    second_factor::check_second_factor,
};
use crate::{
    accounts::{
        people::directory::SignInAccounts, records::upstream_sessions::SignInSource,
        sessions::active_session::SignedInUser,
    },
    http::{AppState, EndpointError, Reply, Request},
    identity::{AttemptSource, PasswordSignIn, SignInError},
    model::{
        LOCAL_PROVIDER, ManagedKind, ObjectKey, ObjectRef, PasswordState, Secret, SignInFailure,
        normalize_username,
    },
    protocol::{
        authentication::{Authentication, AuthenticationMethod},
        authorize::{InteractionProgress, NextStep, SignInReason},
        params::RequestParams,
    },
};

/// `GET I/login`: the sign-in page of an interaction, after a 303.
pub async fn get(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let mut authorization = forms::load_authorization(app, &request).await?;
    authorization.load_second_factor().await?;
    // The reason if the request requires a sign-in; otherwise the user chose to use another
    // account.
    let reason = match authorization.next_step(None) {
        Ok(NextStep::SignIn(reason)) => reason,
        Ok(NextStep::SecondFactor) if let Some(active) = &authorization.session => {
            return second_factor_page::ask_in_session(&authorization, &active.account).await;
        }
        _ => SignInReason::NoSession,
    };
    page::show_sign_in_page(&authorization, reason, authorization.accepts_passwords())
}

/// `POST I/login`: sign in, continue with the session's account, or cancel.
pub async fn post(app: &AppState, request: Request) -> Result<Reply, EndpointError> {
    let (form, authorization) = forms::open_authorization(app, &request).await?;
    match form.get("action") {
        Some("cancel") => authorization.access_denied("The user cancelled the sign-in.").await,
        Some("code" | "recovery-code") => check_second_factor(&form, authorization).await,
        Some("passkey") => check_passkey(&form, authorization).await,
        Some("continue") => continue_with_session(authorization).await,
        Some("identify") => {
            sign_in_by_name(&authorization, form.get("username").unwrap_or_default())
        }
        _ => Box::pin(sign_in(&form, authorization)).await,
    }
}

async fn continue_with_session(
    mut authorization: AuthorizationContext<'_>,
) -> Result<Reply, EndpointError> {
    // The page named an account. The request may go on only with that account.
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
    // The password is for the provider, which no other party asks for it.
    if let Some(provider) = request.tenant.provider_for_name(username) {
        return page::show_provider_link_page(&authorization, provider, username);
    }
    let typed = normalize_username(username);
    if let Some(provider) = request.tenant.absent_provider_for_name(&typed) {
        return Err(provider_problem::provider_not_served(&authorization, provider));
    }
    let browser = known_browser::load_known_browser(app, request)?;
    let known = browser.known_to(&typed, request.now);
    let origin = AttemptSource { address: request.address, known_browser: known };
    if let Some(routed) = request.tenant.directory_for(&typed) {
        let attempt = DirectoryAttempt { routed, form, origin };
        return Box::pin(sign_in_with_directory(attempt, authorization)).await;
    }
    let attempt = PasswordSignIn {
        tenant: &request.tenant.tenant.id,
        username,
        password: Secret::new(form.get("password").unwrap_or_default().to_owned()),
        origin,
        now: request.now,
    };
    let accounts = SignInAccounts::new(app.context(request));
    let verdict = attempt.perform(&accounts, &app.passwords, &app.login_throttle).await;
    let chosen_password = match accounts.into_chosen_password() {
        Ok(chosen_password) => chosen_password,
        Err(failure) => return Err(failure.into()),
    };
    let user = match verdict {
        Ok(user) => user,
        Err(error) => {
            report_failure(&authorization, &typed, error);
            return failed_login::render_failed_attempt(&authorization, username, error);
        }
    };
    let (method, subject) = (AuthenticationMethod::password(), user.subject.clone());
    let authentication = Authentication::by(method, subject, request.now);
    let signed_in = SignedInUser {
        chosen_password,
        ..SignedInUser::new(user, authentication, SignInSource::Tenant)
    };
    let typed_name = Some(typed);
    continue_signed_in(AuthorizationContext { typed_name, ..authorization }, signed_in).await
}

/// Reports an attempt with the name of a user who is not accepted. No directory was asked.
fn report_refused_user(authorization: &AuthorizationContext<'_>, user: &ObjectKey) {
    let object = ObjectRef::new(ManagedKind::OidcUser, user.clone());
    tracing::info!(%object, "a sign-in was refused, since the OidcUser with the name is not accepted; see its conditions");
    let cause = format!(
        "the OidcUser \"{user}\" is not accepted; see its conditions, and correct or delete it"
    );
    let why = (SignInFailure::UserNotAccepted, Some(cause));
    authorization.audit_failed_sign_in(LOCAL_PROVIDER, AttemptSubject::default(), why);
}

/// Reports an attempt that failed. The response has been decided before.
fn report_failure(authorization: &AuthorizationContext<'_>, typed: &str, error: SignInError) {
    let tenant = &authorization.request.tenant;
    let account = match tenant.account_by_username(typed) {
        None if typed.contains('@') => tenant.account_by_email(typed),
        found => found,
    };
    let account = account.map(|account| &**account);
    let reserved = tenant.reserved_names().user_with_typed_name(typed);
    let reason = match (error, account) {
        (SignInError::Wait(wait), _) => {
            return authorization.audit_throttled_sign_in(LOCAL_PROVIDER, wait);
        }
        (SignInError::Busy(_), _) => SignInFailure::Busy,
        (SignInError::Wrong, None) if let Some(user) = reserved => {
            return report_refused_user(authorization, user);
        }
        (SignInError::Wrong, None) => SignInFailure::UnknownUser,
        (SignInError::Wrong, Some(account)) if account.disabled => SignInFailure::Disabled,
        (SignInError::Wrong, Some(account)) => match account.password {
            PasswordState::Readable | PasswordState::SelfChosen => SignInFailure::WrongPassword,
            PasswordState::Absent | PasswordState::Unreadable => SignInFailure::NoPassword,
        },
    };
    let person = account.map(AttemptSubject::from).unwrap_or_default();
    authorization.audit_failed_sign_in(LOCAL_PROVIDER, person, (reason, None));
}
