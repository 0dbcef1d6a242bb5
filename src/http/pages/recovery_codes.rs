//! The page that shows recovery codes, once.

use askama::Template;

use super::frame::{AccountView, PageFrame, render_page};
use crate::{
    messages::MessageCatalog,
    model::{Account, Endpoint, Tenant},
};

#[derive(Template)]
#[template(path = "pages/recovery_codes.html")]
struct RecoveryCodesTemplate<'a> {
    frame: PageFrame<'a>,
    account: AccountView,
    action: String,
    notice: &'a str,
    codes: &'a [String],
}

/// Renders the page. It leads back to the account page.
pub fn recovery_codes_page(
    (tenant, text): (&Tenant, &MessageCatalog),
    user: &Account,
    notice: &str,
    codes: &[String],
) -> String {
    render_page(&RecoveryCodesTemplate {
        frame: PageFrame::new(Some(tenant), text),
        account: AccountView::from(user),
        action: Endpoint::Account.absolute_path(&tenant.issuer),
        notice,
        codes,
    })
}
