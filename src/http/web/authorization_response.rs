//! Encodes authorization responses: the only place that redirects to an application.
//!
//! Handlers return a response as data ([`Reply::to_application`], `EndpointError::Application`), and
//! dispatch encodes it.

use http::StatusCode;

use super::{Reply, RequestLanguage};
use crate::{
    http::pages,
    model::Tenant,
    protocol::authorize::{AuthorizationResponse, EncodedResponse, ResponseSigning},
};

impl Reply {
    /// A response to the client through the browser.
    pub(crate) fn to_application(response: AuthorizationResponse) -> Self {
        let status = if response.is_form() { StatusCode::OK } else { StatusCode::SEE_OTHER };
        let mut reply = Self::empty(status);
        reply.application_response = Some(Box::new(response));
        reply
    }

    /// The response to the client that has to be signed before it is encoded, and how.
    pub(crate) fn unsigned_response(&self) -> Option<(&AuthorizationResponse, &ResponseSigning)> {
        let response = self.application_response.as_deref()?;
        Some((response, response.signing()?))
    }

    /// The reply with the response to the client as this JWT.
    pub(crate) fn with_signed_response(mut self, jwt: String) -> Self {
        let response = self.application_response.take();
        self.application_response = response.map(|response| Box::new(response.signed(jwt)));
        self
    }
}

/// Encodes the authorization response of a reply, if it has one.
pub(crate) fn encode_authorization_response(
    mut reply: Reply,
    (tenant, language): (&Tenant, &RequestLanguage),
) -> Reply {
    let Some(response) = reply.application_response.take() else { return reply };
    let to = response.return_to().clone();
    match response.encode() {
        EncodedResponse::Redirect(url) => reply.header("location", &url),
        EncodedResponse::Post(fields) => {
            // Like a redirect, this page may load in frames (`prompt=none`). It has no content
            // worth a clickjacking attack, and its origin is visible to the application.
            reply
                .page(pages::form_post((tenant, language.text()), to.uri(), &fields))
                .form_action(to.form_action())
                .with_script()
                .frameable()
                .header("referrer-policy", "strict-origin")
        }
    }
}
