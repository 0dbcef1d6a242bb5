//! The page that shows recovery codes, once.

use askama::Template;

use super::frame::{AccountView, PageFrame, render_page};
use crate::{
    messages::MessageCatalog,
    model::{Account, Tenant},
};

/// The content of the page.
#[derive(Clone, Copy, Debug)]
pub struct RecoveryCodesPage<'a> {
    /// The tenant whose branding the page has.
    pub tenant: &'a Tenant,
    /// The texts of the page in the language of the request.
    pub text: &'a MessageCatalog,
    /// The person that the codes are for. They replace all earlier ones.
    pub user: &'a Account,
    /// The notice about the change that made the codes.
    pub notice: &'a str,
    /// The new codes as text. The store has only their hashes, so they cannot be shown again.
    pub codes: &'a [String],
    /// The account page, to which the page leads.
    pub account_page: &'a str,
}

#[derive(Template)]
#[template(path = "pages/recovery_codes.html")]
struct RecoveryCodesTemplate<'a> {
    frame: PageFrame<'a>,
    account: AccountView,
    action: &'a str,
    notice: &'a str,
    codes: &'a [String],
}

/// Renders the page, whose only link leads to the account page.
pub fn recovery_codes_page(page: RecoveryCodesPage) -> String {
    render_page(&RecoveryCodesTemplate {
        frame: PageFrame::new(Some(page.tenant), page.text),
        account: AccountView::from(page.user),
        action: page.account_page,
        notice: page.notice,
        codes: page.codes,
    })
}
