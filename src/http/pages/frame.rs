//! The parts of pages that display the tenant, the application and the user.

use askama::Template;
use url::Url;

use super::assets;
use crate::{
    messages::MessageCatalog,
    model::{Account, ApplicationType, Client, LinkPurpose, RedirectScheme, RedirectUri, Tenant},
    protocol::account_page::is_account_page,
};

/// The frame of every page.
pub(super) struct PageFrame<'a> {
    pub(super) brand: &'a str,
    pub(super) logo: Option<&'a str>,
    pub(super) style: String,
    pub(super) theme: Option<String>,
    pub(super) icon: String,
    /// The tenant's text that says where people find help; `None` if it has none in this language.
    pub(super) support: Option<&'a str>,
    /// The names and URLs of the tenant's links, such as its privacy policy.
    pub(super) links: Vec<(&'a str, &'a str)>,
    /// The texts of the page in the language of the request.
    pub(super) text: &'a MessageCatalog,
}

impl PageFrame<'_> {
    pub(super) fn has_footer(&self) -> bool {
        self.support.is_some() || !self.links.is_empty()
    }
}

/// The tenant's links with their names.
fn links<'a>(tenant: &'a Tenant, text: &'a MessageCatalog) -> Vec<(&'a str, &'a str)> {
    let named = tenant.branding.links.iter().filter_map(|link| {
        let name = link.text.for_language(text.tag()).or_else(|| {
            link.purpose.map(|purpose| match purpose {
                LinkPurpose::Privacy => text.privacy_policy(),
                LinkPurpose::Terms => text.terms_of_service(),
                LinkPurpose::Help => text.help_link(),
            })
        });
        Some((name?, web_url(Some(&link.uri))?))
    });
    named.collect()
}

impl<'a> PageFrame<'a> {
    /// A frame. Without a tenant (an unknown URL) the page has no branding.
    pub(super) fn new(tenant: Option<&'a Tenant>, text: &'a MessageCatalog) -> Self {
        let base = tenant.map_or("", |tenant| tenant.issuer.path());
        Self {
            brand: tenant.map_or("", |tenant| &tenant.display_name),
            logo: tenant.and_then(|tenant| web_url(tenant.branding.logo_uri.as_deref())),
            style: assets::style_url(base),
            theme: tenant.and_then(|tenant| assets::theme_url(base, &tenant.branding)),
            icon: assets::icon_url(base),
            support: tenant.and_then(|tenant| tenant.branding.support.for_language(text.tag())),
            links: tenant.map(|tenant| links(tenant, text)).unwrap_or_default(),
            text,
        }
    }
}

/// The name, logo and origin of an application, as pages show them.
#[derive(Clone, Debug)]
pub struct ClientView<'a> {
    pub(super) name: &'a str,
    pub(super) monogram: String,
    pub(super) logo: Option<&'a str>,
    pub(super) home: Option<&'a str>,
    pub(super) policy: Option<&'a str>,
    pub(super) terms: Option<&'a str>,
    /// Whether the client registered itself, so that its name is unverified.
    pub(super) is_stranger: bool,
    /// The redirect host of such a client; `None` for a device, which the browser is not redirected to.
    pub(super) leads_to: Option<String>,
    /// The host of the metadata document that describes the client.
    pub(super) document_host: Option<&'a str>,
    /// Whether the response goes to a program on the user's own device.
    pub(super) stays_on_device: bool,
}

impl<'a> ClientView<'a> {
    /// The view of a client whose response is sent to `redirect_uri`; `None` for a device.
    pub(super) fn new(
        client: &'a Client,
        redirect_uri: Option<&str>,
        text: &'a MessageCatalog,
    ) -> Self {
        let name = if is_account_page(client) { text.your_account() } else { client.name.as_str() };
        Self {
            is_stranger: client.is_unverified(),
            leads_to: redirect_uri.filter(|_| client.is_unverified()).map(redirect_host),
            document_host: client.document_host.as_deref(),
            stays_on_device: client.is_described_by_document()
                && redirect_uri.is_some_and(is_loopback),
            name,
            monogram: first_letter(name),
            logo: web_url(client.details.logo_uri.as_deref()),
            home: web_url(client.details.client_uri.as_deref()),
            policy: web_url(client.details.policy_uri.as_deref()),
            terms: web_url(client.details.tos_uri.as_deref()),
        }
    }
}

impl ClientView<'_> {
    pub(super) fn has_links(&self) -> bool {
        self.home.is_some() || self.policy.is_some() || self.terms.is_some()
    }
}

/// The display data of the user's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    pub(super) name: String,
    pub(super) username: String,
    /// The name, and the username if it differs.
    pub(super) label: String,
    pub(super) monogram: String,
}

impl From<&Account> for AccountView {
    fn from(user: &Account) -> Self {
        let name = user.claims.get("name").and_then(serde_json::Value::as_str);
        let name = name.unwrap_or(&user.username).to_owned();
        let label = if name == user.username {
            name.clone()
        } else {
            format!("{name} ({})", user.username)
        };
        Self { monogram: first_letter(&name), username: user.username.clone(), name, label }
    }
}

/// The part of a redirect URI that users can recognize: the host, or the scheme of a native
/// application.
pub(super) fn redirect_host(uri: &str) -> String {
    let url = Url::parse(uri).ok();
    let host = url.as_ref().and_then(|url| url.host_str()).filter(|host| !host.is_empty());
    let scheme = || uri.split(':').next().unwrap_or_default();
    host.unwrap_or_else(scheme).to_owned()
}

/// Returns true if a response stays on the user's device.
fn is_loopback(uri: &str) -> bool {
    RedirectUri::parse(uri, ApplicationType::Native)
        .is_ok_and(|uri| uri.scheme() == RedirectScheme::LoopbackHttp)
}

pub(super) fn first_letter(name: &str) -> String {
    name.trim().chars().next().map(|c| c.to_uppercase().to_string()).unwrap_or_default()
}

/// Accepts only web URLs. Validation ensures that too, but pages do not rely on it.
pub(super) fn web_url(uri: Option<&str>) -> Option<&str> {
    uri.filter(|uri| uri.starts_with("https://") || uri.starts_with("http://"))
}

pub(super) fn render_page(page: &impl Template) -> String {
    page.render().expect("rendering to memory does not fail, nor do the filters")
}
