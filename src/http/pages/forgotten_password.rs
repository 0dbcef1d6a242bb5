//! The page for people who forgot their password.

use askama::Template;

use super::frame::{PageFrame, render_page};
use crate::{
    messages::MessageCatalog,
    model::{Endpoint, Tenant},
};

/// The content of the page.
#[derive(Clone, Copy, Debug)]
pub struct ForgottenPasswordPage<'a> {
    /// The tenant whose branding the page has.
    pub tenant: &'a Tenant,
    /// The texts of the page in the language of the request.
    pub text: &'a MessageCatalog,
    /// Whether the form was sent. The page is the same for every name, so it reveals no account.
    pub is_sent: bool,
}

#[derive(Template)]
#[template(path = "pages/forgotten_password.html")]
struct ForgottenPasswordTemplate<'a> {
    frame: PageFrame<'a>,
    title: &'a str,
    action: String,
    is_sent: bool,
}

/// Renders the page: its form, or the notice that the mail was sent.
pub fn forgotten_password_page(page: ForgottenPasswordPage) -> String {
    let text = page.text;
    render_page(&ForgottenPasswordTemplate {
        frame: PageFrame::new(Some(page.tenant), text),
        title: if page.is_sent { text.reset_mail_sent_title() } else { text.forgot_password() },
        action: Endpoint::PasswordReset.absolute_path(&page.tenant.issuer),
        is_sent: page.is_sent,
    })
}
