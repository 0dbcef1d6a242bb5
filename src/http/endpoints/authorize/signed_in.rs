//! Continues an authorization after a sign-in, whatever its method.

use std::sync::Arc;

use super::{
    AttemptSubject, AuthorizationContext, forms::session_changed, missing_factor_page,
    proceed_authorization, second_factor_page::ask_before_session,
};
use crate::{
    accounts::{
        AccountError,
        factors::{passkeys::load_passkeys, totp::load_totp, used_factor::UsedFactor},
        grants::record_limits,
        sessions::active_session::{self, ActiveSession, SignedInUser},
    },
    http::{
        AppState, CookiePurpose, EndpointError, Reply, Request,
        endpoints::known_browser::{CompleteSignIn, remember_browser},
    },
    model::{Account, AuditEvent, AuditText, LogoutKind, SignInFailure},
    protocol::authorize::InteractionProgress,
};

/// Asks a user for the second factor after the first. This step is skipped if the user has not set up a second factor,
/// or if a provider has vouched for more than one factor. If the tenant requires a second factor, a user without one is
/// refused, because a password alone must not suffice to set it up. Otherwise the sign-in is complete.
pub(in crate::http::endpoints) async fn continue_signed_in(
    authorization: AuthorizationContext<'_>,
    user: SignedInUser,
) -> Result<Reply, EndpointError> {
    let has_one_factor = user.authentication.factors_proved_at().is_none();
    if has_one_factor {
        match asks_for_factor(&authorization, &user.account).await {
            Ok(true) => return ask_before_session(&authorization, user).await,
            Ok(false) if authorization.required_factor().is_some() => {
                return refuse_without_factor(&authorization, &user);
            }
            Ok(false) => {}
            Err(error) => {
                if matches!(error, AccountError::OtherPersonsAuthenticator) {
                    let provider = user.account.provider_or_local();
                    let why = (SignInFailure::OtherPersonsAuthenticator, None);
                    authorization.audit_failed_sign_in(
                        provider,
                        AttemptSubject::from(&*user.account),
                        why,
                    );
                }
                return Err(error.into());
            }
        }
    }
    let (authorization, started) = start_session(authorization, user).await?;
    // The other sessions end when a factor is set up, and this one may have begun in between.
    if has_one_factor && asks_for_factor(&authorization, &started.account).await? {
        return end_started_session(&authorization, LogoutKind::AuthenticatorEnrolled).await;
    }
    proceed_in_session(authorization, started).await
}

/// Returns true if a user is asked for a second factor after the first. That is the app, and also a passkey
/// if the tenant requires a factor.
async fn asks_for_factor(
    authorization: &AuthorizationContext<'_>,
    account: &Account,
) -> Result<bool, AccountError> {
    let context = authorization.accounts();
    if load_totp(context, account).await?.is_some() {
        return Ok(true);
    }
    Ok(authorization.required_factor().is_some()
        && !load_passkeys(context, account).await?.is_empty())
}

/// Reports the refused sign-in, and shows the page for a user who has not set up the factor that the tenant requires.
fn refuse_without_factor(
    authorization: &AuthorizationContext<'_>,
    user: &SignedInUser,
) -> Result<Reply, EndpointError> {
    let person = AttemptSubject::from(&*user.account);
    let why = (SignInFailure::FactorRequired, None);
    authorization.audit_failed_sign_in(user.account.provider_or_local(), person, why);
    missing_factor_page::show_missing_factor(authorization, &user.account)
}

/// Starts a session in place of the browser's previous one, by the factor that the user has just used, and takes the
/// authorization further.
pub(in crate::http::endpoints) async fn start_signed_in_session(
    authorization: AuthorizationContext<'_>,
    user: SignedInUser,
    factor: &UsedFactor,
) -> Result<Reply, EndpointError> {
    let (authorization, started) = start_session(authorization, user).await?;
    // The other sessions end when a factor is removed, and this one may have begun in between.
    if !factor.is_present(authorization.accounts(), &started.account).await? {
        return end_started_session(&authorization, LogoutKind::AuthenticatorRemoved).await;
    }
    proceed_in_session(authorization, started).await
}

/// Ends a session that has just begun, because the person's authenticators were changed in the meantime. The browser
/// never gets its cookie.
async fn end_started_session(
    authorization: &AuthorizationContext<'_>,
    kind: LogoutKind,
) -> Result<Reply, EndpointError> {
    if let Some(session) = &authorization.session {
        active_session::end_session(authorization.accounts(), session, (kind, None)).await?;
    }
    Err(session_changed(authorization))
}

/// Takes the authorization further in a session that has just begun.
async fn proceed_in_session(
    authorization: AuthorizationContext<'_>,
    started: StartedSession,
) -> Result<Reply, EndpointError> {
    let (app, request) = (authorization.app, authorization.request);
    let reply = proceed_authorization(authorization).await?;
    started.remember((app, request), reply)
}

/// Starts a session in the same way, with a page in place of the next step.
pub(in crate::http::endpoints) async fn start_session_with_page(
    authorization: AuthorizationContext<'_>,
    user: SignedInUser,
    page: Reply,
) -> Result<Reply, EndpointError> {
    let (app, request) = (authorization.app, authorization.request);
    let (_, started) = start_session(authorization, user).await?;
    started.remember((app, request), page)
}

/// A session that has just begun, as far as the browser keeps it.
struct StartedSession {
    cookie: String,
    account: Arc<Account>,
    typed_name: Option<String>,
    has_factors: bool,
}

impl StartedSession {
    /// Sets the cookie of the session and that of the known browser.
    fn remember(self, of: (&AppState, &Request), reply: Reply) -> Result<Reply, EndpointError> {
        let Self { cookie, account, typed_name, has_factors } = self;
        let typed_name = typed_name.as_deref();
        let sign_in = CompleteSignIn { account: &account, typed_name, has_factors };
        remember_browser(of, sign_in, reply.cookie(CookiePurpose::Session, &cookie))
    }
}

async fn start_session(
    mut authorization: AuthorizationContext<'_>,
    user: SignedInUser,
) -> Result<(AuthorizationContext<'_>, StartedSession), EndpointError> {
    let context = authorization.app.context(authorization.request);
    let previous = authorization.session.take();
    let (account, typed_name) = (user.account.clone(), authorization.typed_name.take());
    let has_factors = user.authentication.factors_proved_at().is_some();
    let (cookie, session) = active_session::start_session(context, user, previous.as_ref()).await?;
    report_sign_in(&authorization, previous.as_ref(), &session);
    record_limits::limit_sessions(context, &session).await?;
    record_limits::limit_upstream_sessions(context, &session).await?;
    let progress = InteractionProgress::SignedIn(session.session.authentication.auth_time());
    let started = StartedSession { cookie, account, typed_name, has_factors };
    Ok((authorization.with_progress(session, progress), started))
}

/// Reports the sign-in, and that it continues the browser's session.
fn report_sign_in(
    authorization: &AuthorizationContext<'_>,
    previous: Option<&ActiveSession>,
    signed_in: &ActiveSession,
) {
    let client = &*authorization.authorization.client;
    let (account, session) = (&signed_in.account, &signed_in.session);
    let amr = || session.authentication.amr().into_iter().map(AuditText::new).collect();
    let (subject, sid) = (account.subject.as_str(), session.sid.as_str());
    authorization.accounts().audit(AuditEvent::SignIn {
        client: client.into(),
        provider: AuditText::new(account.provider_or_local()),
        subject: Some(AuditText::new(subject)),
        username: Some(AuditText::new(account.username.as_str())),
        sid: Some(AuditText::new(sid)),
        amr: amr(),
        reason: None,
        cause: None,
    });
    if previous.is_some_and(|previous| previous.session.sid == session.sid) {
        authorization.accounts().audit(AuditEvent::StepUp {
            client: client.into(),
            subject: AuditText::new(subject),
            sid: Some(AuditText::new(sid)),
            amr: amr(),
            reason: None,
        });
    }
}
