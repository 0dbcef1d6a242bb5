//! Continues an authorization after a sign-in, whatever its method.

use std::sync::Arc;

use super::{AuthorizationContext, proceed_authorization};
use crate::{
    accounts::{record_limits, sessions},
    http::{CookiePurpose, EndpointError, Reply},
    model::Account,
    protocol::{authentication::Authentication, authorize::InteractionProgress},
};

/// Starts a session in place of the browser's previous one, and takes the authorization further.
pub(in crate::http::endpoints) async fn continue_signed_in(
    mut authorization: AuthorizationContext<'_>,
    authentication: Authentication,
    account: Arc<Account>,
) -> Result<Reply, EndpointError> {
    let context = authorization.app.context(authorization.request);
    let previous = authorization.session.take();
    let (cookie, session) =
        sessions::start_session(context, authentication, account, previous.as_ref()).await?;
    record_limits::limit_sessions(context, &session).await?;
    let progress = InteractionProgress::SignedIn(session.session.authentication.auth_time());
    let reply = proceed_authorization(authorization.with_progress(session, progress)).await?;
    Ok(reply.cookie(CookiePurpose::Session, &cookie))
}
