//! The consent page, which describes scopes in words.

use std::{borrow::Cow, collections::BTreeSet};

use askama::Template;

use super::frame::{AccountView, ClientView, PageFrame, render_page};
use crate::{
    messages::MessageCatalog,
    model::{Account, Client, Endpoint, Tenant},
    protocol::authorize::{AuthorizationRequest, CLAIM_PREFIX},
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
}

/// A permission in words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ScopeLine<'a> {
    pub(super) title: Cow<'a, str>,
    detail: &'a str,
}

/// Renders the consent page.
pub fn consent_page(page: &ConsentPage) -> String {
    let client: &Client = &page.request.client;
    render_page(&ConsentTemplate {
        frame: PageFrame::new(Some(page.tenant), page.text),
        client: ClientView::new(client, page.request.return_to.uri(), page.text),
        action: Endpoint::Consent.absolute_path(&page.tenant.issuer),
        interaction: page.interaction,
        account: AccountView::from(page.user),
        scopes: scope_lines((page.tenant, page.text), &page.request.requested_permissions),
    })
}

/// Permissions in words, in the order of the consent page.
pub(super) fn scope_lines<'a>(
    of: (&'a Tenant, &'a MessageCatalog),
    permissions: &'a BTreeSet<String>,
) -> Vec<ScopeLine<'a>> {
    let mut scopes: Vec<&str> = permissions.iter().map(String::as_str).collect();
    scopes.sort_by_key(|name| rank(name));
    scopes.into_iter().map(|name| line(of, name)).collect()
}

/// Order of the scopes, from the user's identity to access without the user.
fn rank(name: &str) -> usize {
    let first = ["openid", "profile", "email", "phone", "address", "groups", "tenant"];
    match first.iter().position(|known| *known == name) {
        Some(at) => at,
        None if name == "offline_access" => usize::MAX,
        None => first.len(),
    }
}

fn line<'a>((tenant, text): (&'a Tenant, &'a MessageCatalog), name: &'a str) -> ScopeLine<'a> {
    let (title, detail) = match name {
        "openid" => (text.scope_openid(), text.scope_openid_detail()),
        "profile" => (text.scope_profile(), text.scope_profile_detail()),
        "email" => (text.scope_email(), ""),
        "address" => (text.scope_address(), ""),
        "phone" => (text.scope_phone(), ""),
        "groups" => (text.scope_groups(), ""),
        "tenant" => (text.scope_tenant(), text.scope_tenant_detail()),
        "offline_access" => (text.scope_offline(), text.scope_offline_detail()),
        _ if let Some(claim) = name.strip_prefix(CLAIM_PREFIX) => {
            let title = text.scope_claim(&claim.replace('_', " ")).to_string().into();
            return ScopeLine { title, detail: "" };
        }
        _ => match tenant.scopes.get(name) {
            Some(scope) if !scope.description.is_empty() => (scope.description.as_str(), ""),
            _ => (name, ""),
        },
    };
    ScopeLine { title: title.into(), detail }
}
