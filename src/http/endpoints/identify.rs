//! The first step of a sign-in where domains belong to providers: a name without a password. Only the
//! domain decides, so the response does not depend on whether the user exists.

use http::StatusCode;

use super::{
    authorize::{AuthorizationContext, page},
    provider_problem,
};
use crate::{
    http::{EndpointError, Reply},
    model::normalize_username,
};

/// Leads the name to the provider of its domain, or to the form with the password.
pub(super) fn sign_in_by_name(
    authorization: &AuthorizationContext<'_>,
    username: &str,
) -> Result<Reply, EndpointError> {
    let tenant = &authorization.request.tenant;
    if let Some(provider) = tenant.provider_for_name(username) {
        return page::show_provider_link_page(authorization, provider, username);
    }
    if let Some(provider) = tenant.absent_provider_for_name(&normalize_username(username)) {
        return Err(provider_problem::provider_not_served(authorization, provider));
    }
    if authorization.accepts_passwords() {
        return page::enter_password(authorization, username);
    }
    let text = authorization.request.text();
    let page = page::sign_in_again(authorization, username, text.unrouted_name())?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY))
}
