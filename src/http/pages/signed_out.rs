//! The sign-out pages (OIDC RP-Initiated Logout §2, §3).

use askama::Template;

use super::frame::{PageFrame, render_page};
use crate::{
    messages::MessageCatalog,
    model::{Account, Client, Endpoint, Tenant},
};

/// The content of the page that asks whether to sign out.
#[derive(Clone, Debug)]
pub struct LogoutConfirmPage<'a> {
    /// The tenant whose branding the page has.
    pub tenant: &'a Tenant,
    /// The texts of the page in the language of the request.
    pub text: &'a MessageCatalog,
    /// The application that requested the sign-out, if it is known.
    pub client: Option<&'a Client>,
    /// The user of the session that would end.
    pub user: &'a Account,
    /// Hidden fields of the form, such as its token. The form is sent to `I/oauth/logout` with
    /// `action` = `logout` or `stay`.
    pub hidden: &'a [(&'a str, &'a str)],
}

#[derive(Template)]
#[template(path = "pages/logout_confirm.html")]
struct ConfirmTemplate<'a> {
    frame: PageFrame<'a>,
    client: Option<&'a str>,
    account: Option<&'a str>,
    action: String,
    hidden: &'a [(&'a str, &'a str)],
}

#[derive(Template)]
#[template(path = "pages/signed_out.html")]
struct SignedOutTemplate<'a> {
    frame: PageFrame<'a>,
    title: &'a str,
    message: &'a str,
    /// The URL of a button that signs in.
    sign_in: Option<String>,
}

/// Renders the page that asks whether to sign out.
pub fn logout_confirm_page(page: &LogoutConfirmPage) -> String {
    render_page(&ConfirmTemplate {
        frame: PageFrame::new(Some(page.tenant), page.text),
        client: page.client.map(|client| client.name.as_str()),
        account: Some(page.user.username.as_str()),
        action: Endpoint::Logout.absolute_path(&page.tenant.issuer),
        hidden: page.hidden,
    })
}

/// Renders the page after signing out.
pub fn signed_out_page(tenant: &Tenant, text: &MessageCatalog) -> String {
    done((tenant, text), text.signed_out_title(), text.signed_out_close())
}

/// Renders the page after the user chose to stay signed in.
pub fn still_signed_in_page(tenant: &Tenant, text: &MessageCatalog) -> String {
    done((tenant, text), text.still_signed_in_title(), text.nothing_changed_close())
}

/// Renders the page for a person who cancelled the sign-in to the account page.
pub fn cancelled_sign_in_page(tenant: &Tenant, text: &MessageCatalog) -> String {
    render_page(&SignedOutTemplate {
        frame: PageFrame::new(Some(tenant), text),
        title: text.not_signed_in_title(),
        message: text.not_signed_in_lead(),
        sign_in: Some(Endpoint::Account.absolute_path(&tenant.issuer)),
    })
}

fn done((tenant, text): (&Tenant, &MessageCatalog), title: &str, message: &str) -> String {
    let frame = PageFrame::new(Some(tenant), text);
    render_page(&SignedOutTemplate { frame, title, message, sign_in: None })
}
