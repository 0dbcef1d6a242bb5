//! The page for setting up an authenticator app.

use askama::Template;

use super::{
    frame::{AccountView, PageFrame, render_page},
    qr_code::QrImage,
};
use crate::{
    messages::MessageCatalog,
    model::{Account, Endpoint, Tenant},
    protocol::totp::{totp_key_text, totp_uri},
};

/// The content of the page.
#[derive(Clone, Copy, Debug)]
pub struct AuthenticatorAppPage<'a> {
    /// The tenant whose branding the page has.
    pub tenant: &'a Tenant,
    /// The texts of the page.
    pub text: &'a MessageCatalog,
    /// The person.
    pub user: &'a Account,
    /// The sealed state of the account page's forms.
    pub interaction: &'a str,
    /// The sealed secret.
    pub enrolment: &'a str,
    /// The secret.
    pub secret: &'a [u8],
    /// The error of the previous attempt.
    pub problem: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "pages/authenticator_app.html")]
struct AuthenticatorAppTemplate<'a> {
    frame: PageFrame<'a>,
    account: AccountView,
    action: String,
    interaction: &'a str,
    enrolment: &'a str,
    qr: Option<QrImage>,
    key: String,
    problem: Option<&'a str>,
}

/// Renders the page.
pub fn authenticator_app_page(page: AuthenticatorAppPage) -> String {
    let uri = totp_uri(page.secret, &page.tenant.display_name, &page.user.username);
    render_page(&AuthenticatorAppTemplate {
        frame: PageFrame::new(Some(page.tenant), page.text),
        account: AccountView::from(page.user),
        action: Endpoint::Account.absolute_path(&page.tenant.issuer),
        interaction: page.interaction,
        enrolment: page.enrolment,
        qr: QrImage::of_text(&uri),
        key: totp_key_text(page.secret),
        problem: page.problem,
    })
}
