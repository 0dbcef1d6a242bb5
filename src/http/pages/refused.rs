//! The page for a person who may not use an application.

use askama::Template;

use super::frame::{AccountView, ClientView, PageFrame, render_page};
use crate::{
    messages::MessageCatalog,
    model::{Account, Endpoint, Tenant},
    protocol::authorize::AuthorizationRequest,
};

/// The content of the page.
#[derive(Clone, Debug)]
pub struct RefusedEntryPage<'a> {
    /// The tenant whose branding the page has.
    pub tenant: &'a Tenant,
    /// The texts of the page in the language of the request.
    pub text: &'a MessageCatalog,
    /// The authorization request that the access policy refuses.
    pub request: &'a AuthorizationRequest,
    /// The signed-in person, who may not use the application.
    pub user: &'a Account,
    /// The access policy's text for the person; `None` if it has none.
    pub message: Option<&'a str>,
    /// The encrypted state of the sign-in, for the form's hidden field `interaction`.
    pub interaction: &'a str,
}

#[derive(Template)]
#[template(path = "pages/refused.html")]
struct RefusedEntryTemplate<'a> {
    frame: PageFrame<'a>,
    client: ClientView<'a>,
    action: String,
    interaction: &'a str,
    account: AccountView,
    message: Option<&'a str>,
}

/// Renders the page. Its form is that of the consent page.
pub fn refused_entry_page(page: &RefusedEntryPage) -> String {
    render_page(&RefusedEntryTemplate {
        frame: PageFrame::new(Some(page.tenant), page.text),
        client: ClientView::new(
            &page.request.client,
            page.request.return_to.displayed_uri(),
            page.text,
        ),
        action: Endpoint::Consent.absolute_path(&page.tenant.issuer),
        interaction: page.interaction,
        account: AccountView::from(page.user),
        message: page.message,
    })
}
