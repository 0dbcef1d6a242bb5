//! The consent page.

use askama::Template;

use super::{
    frame::{AccountView, ClientView, PageFrame, render_page},
    permissions::{ResourceView, ScopeLine, resource_views, scope_lines},
};
use crate::{
    messages::MessageCatalog,
    model::{Account, Client, Endpoint, Tenant},
    protocol::authorize::AuthorizationRequest,
};

/// The content of the consent page.
#[derive(Clone, Debug)]
pub struct ConsentPage<'a> {
    /// The tenant whose branding the page has.
    pub tenant: &'a Tenant,
    /// The texts of the page.
    pub text: &'a MessageCatalog,
    /// The authorization request.
    pub request: &'a AuthorizationRequest,
    /// The signed-in user.
    pub user: &'a Account,
    /// The sealed interaction.
    pub interaction: &'a str,
}

#[derive(Template)]
#[template(path = "pages/consent.html")]
struct ConsentTemplate<'a> {
    frame: PageFrame<'a>,
    client: ClientView<'a>,
    action: String,
    interaction: &'a str,
    account: AccountView,
    scopes: Vec<ScopeLine<'a>>,
    resources: Vec<ResourceView<'a>>,
}

/// Renders the consent page.
pub fn consent_page(page: &ConsentPage) -> String {
    let client: &Client = &page.request.client;
    let permissions = &page.request.requested_permissions;
    let find = |identifier: &str| {
        let mut servers = page.request.resources.servers.iter();
        servers.find(|server| *server.identifier == *identifier).map(|server| &**server)
    };
    render_page(&ConsentTemplate {
        frame: PageFrame::new(Some(page.tenant), page.text),
        client: ClientView::new(client, page.request.return_to.uri(), page.text),
        action: Endpoint::Consent.absolute_path(&page.tenant.issuer),
        interaction: page.interaction,
        account: AccountView::from(page.user),
        scopes: scope_lines((page.tenant, page.text), permissions),
        resources: resource_views((find, page.text), permissions),
    })
}
