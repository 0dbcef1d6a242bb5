//! The page for setting up an authenticator app.

use askama::Template;

use super::{
    frame::{AccountView, PageFrame, render_page},
    qr_code::QrImage,
};
use crate::{
    messages::MessageCatalog,
    model::{Account, Tenant},
    protocol::totp::{totp_key_text, totp_uri},
};

/// The content of the page.
#[derive(Clone, Copy, Debug)]
pub struct AuthenticatorAppPage<'a> {
    /// The tenant whose branding the page has.
    pub tenant: &'a Tenant,
    /// The texts of the page in the language of the request.
    pub text: &'a MessageCatalog,
    /// The person who sets up the app. The app shows the username.
    pub user: &'a Account,
    /// The sentence below the heading, in the language of the request.
    pub lead: &'a str,
    /// The path that the form is sent to.
    pub action: &'a str,
    /// The names and values of the hidden fields of the form.
    pub hidden: &'a [(&'a str, &'a str)],
    /// The TOTP secret (RFC 6238) as raw bytes. The page shows it as a QR code and in base32.
    pub secret: &'a [u8],
    /// The error of the previous attempt, in a sentence for the person; `None` before the first one.
    pub problem: Option<&'a str>,
    /// The path of the page to go back to; `None` shows no such link.
    pub back: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "pages/authenticator_app.html")]
struct AuthenticatorAppTemplate<'a> {
    frame: PageFrame<'a>,
    account: AccountView,
    lead: &'a str,
    action: &'a str,
    hidden: &'a [(&'a str, &'a str)],
    qr: Option<QrImage>,
    key: String,
    problem: Option<&'a str>,
    back: Option<&'a str>,
}

/// Renders the page, with the secret as a QR code and as text to type.
pub fn authenticator_app_page(page: AuthenticatorAppPage) -> String {
    let uri = totp_uri(page.secret, &page.tenant.display_name, &page.user.username);
    render_page(&AuthenticatorAppTemplate {
        frame: PageFrame::new(Some(page.tenant), page.text),
        account: AccountView::from(page.user),
        lead: page.lead,
        action: page.action,
        hidden: page.hidden,
        qr: QrImage::of_text(&uri),
        key: totp_key_text(page.secret),
        problem: page.problem,
        back: page.back,
    })
}
