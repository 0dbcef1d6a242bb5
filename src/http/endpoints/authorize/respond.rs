//! Sends authorization responses to the client through the browser: the only place that redirects
//! to an application.

use http::StatusCode;

use crate::{
    http::{EndpointError, Reply, pages},
    model::Tenant,
    protocol::{
        authorize::{AuthorizationResponse, AuthorizeError, ReturnTo},
        error::OAuthError,
    },
};

/// The response to a failed check: an error page until the redirect URI is validated, then a
/// redirect to the client.
pub(in crate::http::endpoints) fn authorize_error(
    tenant: &Tenant,
    error: AuthorizeError,
) -> EndpointError {
    match error {
        AuthorizeError::Page(error) => error.into(),
        AuthorizeError::Redirect(to, error) => {
            EndpointError::Reply(Box::new(redirect(tenant, &to, &error)))
        }
    }
}

/// Sends an error to the client.
pub(in crate::http::endpoints) fn redirect(
    tenant: &Tenant,
    to: &ReturnTo,
    error: &OAuthError,
) -> Reply {
    respond(tenant, to, to.error(error))
}

/// Sends an authorization response to the client through the browser.
pub(super) fn respond(tenant: &Tenant, to: &ReturnTo, response: AuthorizationResponse) -> Reply {
    match response {
        AuthorizationResponse::Redirect(url) => Reply::see_other(&url),
        AuthorizationResponse::Post(fields) => {
            let html = pages::form_post(tenant, to.uri(), &fields);
            // Like a redirect, this page may load in frames (`prompt=none`). It has no content
            // worth a clickjacking attack, and its origin is visible to the application.
            Reply::html(StatusCode::OK, html)
                .form_action(to.form_action())
                .with_script()
                .frameable()
                .header("referrer-policy", "strict-origin")
        }
    }
}
