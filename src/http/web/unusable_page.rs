//! The error page for a page or form that leads no further.

use std::borrow::Cow;

use http::StatusCode;

use super::Reply;
use crate::{
    http::pages::{self, ErrorPage, RetryLink},
    model::Tenant,
};

/// A page or form that leads no further, with the texts of the error page.
#[derive(Clone, Debug)]
pub struct UnusablePage {
    /// The title.
    pub title: Cow<'static, str>,
    /// The reason.
    pub message: Cow<'static, str>,
    /// Advice for the user.
    pub advice: Cow<'static, str>,
    /// A URL that starts the request again.
    pub start_again: Option<String>,
    /// The status.
    pub status: StatusCode,
    /// The error's name on the page and in logs.
    pub code: &'static str,
}

impl UnusablePage {
    /// The page for a person whose authenticator is that of another one.
    pub(super) fn of_other_persons_authenticator() -> Self {
        Self {
            title: "Your sign-in has to be confirmed".into(),
            message: "An authenticator app was set up for an earlier account with this name, and it does not belong to the present one.".into(),
            advice: "Ask your administrator to reset the authenticators of your account. Then you can sign in and set up an app of your own.".into(),
            start_again: None,
            status: StatusCode::FORBIDDEN,
            code: "other_persons_authenticator",
        }
    }

    /// The response.
    pub(super) fn reply(&self, tenant: Option<&Tenant>, id: &str) -> Reply {
        let retry = self.start_again.as_deref();
        let html = pages::error_page(&ErrorPage {
            tenant,
            title: &self.title,
            message: &self.message,
            advice: &self.advice,
            detail: "",
            code: self.code,
            request_id: id,
            retry: retry.map(|href| RetryLink { href, label: "Start again" }),
        });
        Reply::html(self.status, html)
    }
}
