//! Continues an authorization after a sign-in, whatever its method.

use super::{
    AttemptSubject, AuthorizationContext, proceed_authorization,
    second_factor_page::ask_before_session,
};
use crate::{
    accounts::{
        AccountError, record_limits,
        sessions::{self, ActiveSession, SignedInUser},
        totp::load_totp,
    },
    http::{
        CookiePurpose, EndpointError, Reply,
        endpoints::known_browser::{CompleteSignIn, remember_browser},
    },
    model::{AuditEvent, AuditText, SignInFailure},
    protocol::authorize::InteractionProgress,
};

/// Asks a person who has proved one factor for the second one, if the person has set one up here and no
/// provider has vouched for more than one. Otherwise the sign-in is complete.
pub(in crate::http::endpoints) async fn continue_signed_in(
    authorization: AuthorizationContext<'_>,
    user: SignedInUser,
) -> Result<Reply, EndpointError> {
    if user.authentication.factors_proved_at().is_none() {
        match load_totp(authorization.accounts(), &user.account).await {
            Ok(None) => {}
            Ok(Some(_)) => return ask_before_session(&authorization, user).await,
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
    start_signed_in_session(authorization, user).await
}

/// Starts a session in place of the browser's previous one, and takes the authorization further.
pub(in crate::http::endpoints) async fn start_signed_in_session(
    mut authorization: AuthorizationContext<'_>,
    user: SignedInUser,
) -> Result<Reply, EndpointError> {
    let (app, request) = (authorization.app, authorization.request);
    let context = app.context(request);
    let previous = authorization.session.take();
    let (account, typed_name) = (user.account.clone(), authorization.typed_name.take());
    let has_factors = user.authentication.factors_proved_at().is_some();
    let (cookie, session) = sessions::start_session(context, user, previous.as_ref()).await?;
    report_sign_in(&authorization, previous.as_ref(), &session);
    record_limits::limit_sessions(context, &session).await?;
    let progress = InteractionProgress::SignedIn(session.session.authentication.auth_time());
    let reply = proceed_authorization(authorization.with_progress(session, progress)).await?;
    let reply = reply.cookie(CookiePurpose::Session, &cookie);
    let typed_name = typed_name.as_deref();
    let sign_in = CompleteSignIn { account: &account, typed_name, has_factors };
    remember_browser((app, request), sign_in, reply)
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
