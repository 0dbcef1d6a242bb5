//! The parts of pages that display the tenant, the application and the user.

use askama::Template;
use url::Url;

use super::assets;
use crate::model::{Account, Client, Tenant};

/// The frame of every page.
pub(super) struct PageFrame<'a> {
    pub(super) brand: &'a str,
    pub(super) logo: Option<&'a str>,
    pub(super) style: String,
    pub(super) theme: Option<String>,
    pub(super) icon: String,
}

impl<'a> PageFrame<'a> {
    /// A frame. Without a tenant (an unknown URL) the page has no branding.
    pub(super) fn new(tenant: Option<&'a Tenant>) -> Self {
        let base = tenant.map_or("", |tenant| tenant.issuer.path());
        Self {
            brand: tenant.map_or("", |tenant| &tenant.display_name),
            logo: tenant.and_then(|tenant| web_url(tenant.branding.logo_uri.as_deref())),
            style: assets::style_url(base),
            theme: tenant.and_then(|tenant| assets::theme_url(base, &tenant.branding)),
            icon: assets::icon_url(base),
        }
    }
}

/// The display data of an application.
#[derive(Clone, Debug)]
pub struct ClientView<'a> {
    pub(super) name: &'a str,
    pub(super) monogram: String,
    pub(super) logo: Option<&'a str>,
    pub(super) home: Option<&'a str>,
    pub(super) policy: Option<&'a str>,
    pub(super) terms: Option<&'a str>,
    /// The redirect host, if the client registered itself and its name is unverified.
    pub(super) leads_to: Option<String>,
}

impl<'a> ClientView<'a> {
    /// The view of a client whose response is sent to `redirect_uri`.
    pub(super) fn new(client: &'a Client, redirect_uri: &str) -> Self {
        Self {
            leads_to: client.registered.as_ref().map(|_| redirect_host(redirect_uri)),
            name: &client.name,
            monogram: first_letter(&client.name),
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
    pub(super) monogram: String,
}

impl From<&Account> for AccountView {
    fn from(user: &Account) -> Self {
        let name = user.claims.get("name").and_then(serde_json::Value::as_str);
        let name = name.unwrap_or(&user.username).to_owned();
        Self { monogram: first_letter(&name), username: user.username.clone(), name }
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
