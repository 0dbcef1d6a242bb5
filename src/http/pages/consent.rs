//! The consent page: the application, and what it asks for.

use askama::Template;

use super::{
    authorization_details::detail_views,
    frame::{AccountView, ClientView, PageFrame, render_page},
    permissions::{ResourceView, ScopeLine, resource_views, scope_lines},
};
use crate::{
    messages::MessageCatalog,
    model::{Account, Client, Endpoint, Tenant},
    protocol::{authorize::AuthorizationRequest, device::UserCode, records::CrossDeviceRequest},
};

/// The content of the consent page.
#[derive(Clone, Debug)]
pub struct ConsentPage<'a> {
    /// The tenant whose branding the page has.
    pub tenant: &'a Tenant,
    /// The texts of the page in the language of the request.
    pub text: &'a MessageCatalog,
    /// The checked authorization request, with the permissions that it asks for.
    pub request: &'a AuthorizationRequest,
    /// The signed-in user, who is asked.
    pub user: &'a Account,
    /// The request of another device, if it is one.
    pub cross_device: Option<CrossDeviceRequest<'a>>,
    /// The encrypted state of the sign-in, for the form's hidden field `interaction`.
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
    asker: Option<CrossDeviceView<'a>>,
}

/// The request of another device, in words.
struct CrossDeviceView<'a> {
    lead: String,
    /// The code that the person compares with that on the device (RFC 8628 §3.3.1).
    code: Option<String>,
    /// The message that the person compares with that of the other device (`binding_message`, CIBA Core §7.1).
    message: Option<String>,
    asked: String,
    advice: &'a str,
}

impl<'a> CrossDeviceView<'a> {
    fn new(asked: CrossDeviceRequest<'_>, client: &Client, text: &'a MessageCatalog) -> Self {
        let time = text.time_in_words(asked.requested_at().in_utc());
        let address = asked.address();
        match asked {
            CrossDeviceRequest::Device(device) => Self {
                lead: text.device_compare().to_owned(),
                code: UserCode::parse(&device.user_code).map(|code| code.to_string()),
                message: None,
                asked: text.device_asked(&time, address).to_string(),
                advice: text.device_not_you(),
            },
            CrossDeviceRequest::Backchannel(request) => Self {
                lead: match request.binding_message {
                    Some(_) => text.request_compare(&client.name).to_string(),
                    None => text.request_lead(&client.name).to_string(),
                },
                code: None,
                message: request.binding_message.clone(),
                asked: text.request_asked(&time, address).to_string(),
                advice: text.request_not_you(),
            },
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
    let details = |identifier: &str| {
        let details = page.request.resources.details.get(identifier);
        find(identifier).map_or_else(Vec::new, |server| {
            detail_views(server, details.map_or(&[][..], Vec::as_slice))
        })
    };
    render_page(&ConsentTemplate {
        frame: PageFrame::new(Some(page.tenant), page.text),
        client: ClientView::new(client, page.request.return_to.displayed_uri(), page.text),
        action: Endpoint::Consent.absolute_path(&page.tenant.issuer),
        interaction: page.interaction,
        account: AccountView::from(page.user),
        scopes: scope_lines((page.tenant, page.text), permissions),
        resources: resource_views((find, page.text), permissions, details),
        asker: page.cross_device.map(|asked| CrossDeviceView::new(asked, client, page.text)),
    })
}
