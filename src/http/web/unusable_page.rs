//! The error page for a page or form that leads no further.

use http::StatusCode;

use super::Reply;
use crate::{
    http::pages::{self, ErrorPage, RetryLink},
    messages::MessageCatalog,
    model::Tenant,
};

/// A page or form that leads no further, with the texts of the error page.
#[derive(Clone, Debug)]
pub struct UnusablePage {
    /// The problem in a few words: the heading of the page.
    pub title: String,
    /// The problem in a sentence.
    pub message: String,
    /// The next step for the user, in a sentence.
    pub advice: String,
    /// A URL that starts the request again.
    pub start_again: Option<String>,
    /// The HTTP status of the response, a 4xx.
    pub status: StatusCode,
    /// The error's name on the page and in logs.
    pub code: &'static str,
}

impl UnusablePage {
    /// The page for a person whose authenticator was set up by another person with the subject.
    pub(super) fn of_other_persons_authenticator(text: &MessageCatalog) -> Self {
        Self {
            title: text.other_authenticator_title().to_owned(),
            message: text.other_authenticator_text().to_owned(),
            advice: text.other_authenticator_advice().to_owned(),
            start_again: None,
            status: StatusCode::FORBIDDEN,
            code: "other_persons_authenticator",
        }
    }

    /// Renders the page; `id` is the request's id in the logs.
    pub(super) fn reply(
        &self,
        (tenant, text): (Option<&Tenant>, &MessageCatalog),
        id: &str,
    ) -> Reply {
        let retry = self.start_again.as_deref();
        let html = pages::error_page(&ErrorPage {
            tenant,
            text,
            title: &self.title,
            message: &self.message,
            advice: &self.advice,
            detail: "",
            code: self.code,
            request_id: id,
            retry: retry.map(|href| RetryLink { href, label: text.start_again() }),
        });
        Reply::html(self.status, html)
    }
}
