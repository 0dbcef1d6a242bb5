//! The sign-in page's form, where a directory checks the name. The response does not depend on
//! whether the directory has the person.

use http::StatusCode;

use super::{
    authorize::{AttemptSubject, AuthorizationContext, continue_signed_in, page},
    failed_login, provider_problem,
};
use crate::{
    accounts::{
        records::upstream_sessions::SignInSource,
        sessions::active_session::SignedInUser,
        upstream::{
            directory_sign_in::{
                AccountRestriction, DirectorySignIn, DirectorySignInError, FailedDirectorySignIn,
            },
            upstream_sign_in::UpstreamSignInError,
        },
    },
    http::{EndpointError, Reply},
    identity::{AttemptSource, SignInError},
    messages::MessageCatalog,
    model::{Secret, SignInFailure, normalize_username},
    protocol::{
        authentication::{Authentication, AuthenticationMethod},
        identity_provider::IdentityProvider,
        params::RequestParams,
    },
    registry::RoutedDirectory,
};

/// A sign-in form whose name belongs to a directory.
pub(super) struct DirectoryAttempt<'a> {
    /// The directory, and the declared user with the name, if there is one.
    pub(super) routed: RoutedDirectory<'a>,
    /// The parameters of the form: `username` and `password`.
    pub(super) form: &'a RequestParams,
    /// The address and browser of the attempt.
    pub(super) origin: AttemptSource<'a>,
}

/// Signs a person in with a directory, and continues the authorization.
pub(super) async fn sign_in_with_directory(
    attempt: DirectoryAttempt<'_>,
    authorization: AuthorizationContext<'_>,
) -> Result<Reply, EndpointError> {
    let AuthorizationContext { app, request, .. } = authorization;
    let RoutedDirectory { directory: (provider, settings), user } = attempt.routed;
    let username = attempt.form.get("username").unwrap_or_default();
    let sign_in = DirectorySignIn {
        provider,
        settings,
        username,
        password: Secret::new(attempt.form.get("password").unwrap_or_default().to_owned()),
        origin: attempt.origin,
    };
    let verdict = sign_in.perform(app.context(request), &app.login_throttle).await;
    let account = match verdict {
        Ok(account) if user.is_some_and(|user| user.subject != account.subject) => {
            // The entry with the name is not the declared person.
            let failure = FailedDirectorySignIn::from(DirectorySignInError::Wrong);
            return render_failure(&authorization, provider, username, failure);
        }
        Ok(account) => account,
        Err(error) => return render_failure(&authorization, provider, username, error),
    };
    let typed_name = Some(normalize_username(username));
    let (method, subject) = (AuthenticationMethod::password(), account.subject.clone());
    let authentication = Authentication::by(method, subject, request.now);
    let source = SignInSource::Directory(provider.name().to_owned());
    let signed_in = SignedInUser::new(account, authentication, source);
    continue_signed_in(AuthorizationContext { typed_name, ..authorization }, signed_in).await
}

fn render_failure(
    authorization: &AuthorizationContext<'_>,
    provider: &IdentityProvider,
    username: &str,
    FailedDirectorySignIn { error, person }: FailedDirectorySignIn,
) -> Result<Reply, EndpointError> {
    let name = &provider.display_name;
    let person = person.as_ref().map(AttemptSubject::from).unwrap_or_default();
    let report = |why| authorization.audit_failed_sign_in(provider.name(), person, why);
    let text = authorization.request.text();
    let (status, problem) = match error {
        DirectorySignInError::Wrong => {
            report((SignInFailure::WrongCredentials, None));
            return failed_login::render_failed_attempt(
                authorization,
                username,
                SignInError::Wrong,
            );
        }
        DirectorySignInError::Wait(wait) => {
            authorization.audit_throttled_sign_in(provider.name(), wait);
            return failed_login::render_failed_attempt(
                authorization,
                username,
                SignInError::Wait(wait),
            );
        }
        DirectorySignInError::Restricted(restriction) => {
            report((SignInFailure::Restricted, Some(restriction.to_string())));
            let reason = restriction_in_words(restriction, text);
            (StatusCode::FORBIDDEN, text.directory_refuses(name, reason).to_string())
        }
        DirectorySignInError::Upstream(UpstreamSignInError::Directory(fault))
            if fault.is_transient() =>
        {
            report((SignInFailure::ProviderUnavailable, Some(fault.to_string())));
            tracing::warn!(provider = %provider.object, error = %fault, "a directory cannot be used");
            let problem = if fault.is_busy() {
                text.directory_busy(name)
            } else {
                text.directory_silent(name)
            };
            authorization.request.facts.record_fault_of_provider();
            (StatusCode::SERVICE_UNAVAILABLE, problem.to_string())
        }
        DirectorySignInError::Upstream(error) => {
            return Err(provider_problem::provider_problem_page(
                authorization,
                (provider, person),
                error,
            ));
        }
    };
    Ok(page::sign_in_again(authorization, username, &problem)?.status(status))
}

/// The reason why a directory does not let a person sign in whose password is right.
fn restriction_in_words(restriction: AccountRestriction, text: &MessageCatalog) -> &str {
    match restriction {
        AccountRestriction::Disabled => text.directory_account_disabled(),
        AccountRestriction::Expired => text.directory_account_expired(),
        AccountRestriction::PasswordExpired => text.directory_password_expired(),
        AccountRestriction::PasswordMustChange => text.directory_password_change(),
        AccountRestriction::LogonHours => text.directory_not_now(),
        AccountRestriction::Workstation => text.directory_not_here(),
    }
}
