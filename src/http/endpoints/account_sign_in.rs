//! The way from a sign-in outside the sign-in page to the account page.

use super::authorize::{
    AuthorizationContext, authorize_error, continue_signed_in, start_session_with_page,
};
use crate::{
    accounts::sessions::active_session::SignedInUser,
    http::{AppState, CookiePurpose, EndpointError, Reply, Request},
    protocol::{
        account_page::{AccountPageSignIn, account_page_params, validate_account_page_request},
        authorize::Interaction,
    },
};

/// Starts the session of a user who has just signed in on a page of this issuer, and redirects to the account
/// page.
pub(super) async fn continue_to_account_page(
    app: &AppState,
    request: &Request,
    user: SignedInUser,
) -> Result<Reply, EndpointError> {
    continue_signed_in(visit(app, request).await?, user).await
}

/// Starts the session of a user who has just set up a required authenticator, with this page.
pub(super) async fn start_account_session(
    app: &AppState,
    request: &Request,
    user: SignedInUser,
    page: Reply,
) -> Result<Reply, EndpointError> {
    start_session_with_page(visit(app, request).await?, user, page).await
}

/// The sign-in to the account page.
async fn visit<'a>(
    app: &'a AppState,
    request: &'a Request,
) -> Result<AuthorizationContext<'a>, EndpointError> {
    let tenant = &request.tenant.tenant;
    let params =
        account_page_params(tenant, AccountPageSignIn::Visit, request.language.requested_tag());
    let authorization = validate_account_page_request(tenant, &params).map_err(authorize_error)?;
    let pre_session = request.cookie(CookiePurpose::PreSession).unwrap_or_default();
    let session = app.session(request).await?;
    let before = session.as_ref().map(|active| &active.session);
    let interaction = Interaction::visit_account_page(&params, pre_session, before, request.now);
    let by_form = true;
    Ok(AuthorizationContext::new((app, request), (authorization, by_form), session, interaction))
}
