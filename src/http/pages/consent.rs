//! The consent page.

use askama::Template;

use super::{
    frame::{AccountView, ClientView, PageFrame, render_page},
    permissions::{ResourceView, ScopeLine, resource_views, scope_lines},
};
use crate::{
    messages::MessageCatalog,
    model::{Account, Client, Endpoint, Tenant},
    protocol::{authorize::AuthorizationRequest, device::UserCode, records::RequestingDevice},
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
    /// The device that asks, if one does.
    pub device: Option<&'a RequestingDevice>,
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
    device: Option<DeviceView<'a>>,
}

/// The device that asks.
struct DeviceView<'a> {
    code: String,
    /// When it asked.
    time: String,
    /// Where it asked from.
    address: &'a str,
}

impl<'a> DeviceView<'a> {
    fn new(device: &'a RequestingDevice, text: &MessageCatalog) -> Self {
        let code = UserCode::parse(&device.user_code);
        Self {
            code: code.map(|code| code.to_string()).unwrap_or_default(),
            time: text.time_in_words(device.requested_at.in_utc()),
            address: &device.address,
        }
    }
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
        client: ClientView::new(client, page.request.return_to.displayed_uri(), page.text),
        action: Endpoint::Consent.absolute_path(&page.tenant.issuer),
        interaction: page.interaction,
        account: AccountView::from(page.user),
        scopes: scope_lines((page.tenant, page.text), permissions),
        resources: resource_views((find, page.text), permissions),
        device: page.device.map(|device| DeviceView::new(device, page.text)),
    })
}
