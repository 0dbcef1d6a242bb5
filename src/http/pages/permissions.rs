//! Permissions in words, on the consent page and the account page.

use std::{borrow::Cow, collections::BTreeSet};

use super::authorization_details::DetailView;
use crate::{
    messages::MessageCatalog,
    model::{ResourceServer, ResourceServers, Tenant},
    protocol::{
        authorize::CLAIM_PREFIX,
        resource::{ResourcePermission, parse_resource_permission},
    },
};

/// A permission in words, as the consent page shows it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ScopeLine<'a> {
    pub(super) title: Cow<'a, str>,
    pub(super) detail: &'a str,
}

/// The permissions at a resource server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ResourceView<'a> {
    /// The name of the resource server, or the identifier of one that is not served any more.
    pub(super) name: &'a str,
    /// The identifier of the resource server.
    pub(super) identifier: &'a str,
    /// The permissions in words. There is at least one, unless there are details.
    pub(super) lines: Vec<ScopeLine<'a>>,
    /// The requested authorization details, on the consent page.
    pub(super) details: Vec<DetailView>,
}

/// The permissions at resource servers, in the order of their identifiers. `details`: the authorization details at one.
pub(super) fn resource_views<'a>(
    (find, text): (impl Fn(&str) -> Option<&'a ResourceServer>, &'a MessageCatalog),
    permissions: &'a BTreeSet<String>,
    details: impl Fn(&str) -> Vec<DetailView>,
) -> Vec<ResourceView<'a>> {
    let mut views: Vec<ResourceView<'a>> = Vec::new();
    // Sorted, so all permissions of a resource server stand together.
    for (identifier, permission) in
        permissions.iter().filter_map(|it| parse_resource_permission(it))
    {
        let server = find(identifier);
        if views.last().is_none_or(|view| view.identifier != identifier) {
            let name = server.map_or(identifier, |server| &server.name);
            views.push(ResourceView {
                name,
                identifier,
                lines: Vec::new(),
                details: details(identifier),
            });
        }
        let title: Cow<'a, str> = match permission {
            ResourcePermission::Use => continue,
            ResourcePermission::Scope(scope) => server
                .and_then(|it| it.scope_descriptions.get(scope))
                .map_or(scope, String::as_str)
                .into(),
            ResourcePermission::Claim(claim) => {
                text.resource_claim(&claim.replace('_', " ")).to_string().into()
            }
        };
        views.last_mut().expect("a view").lines.push(ScopeLine { title, detail: "" });
    }
    let is_empty = |view: &&mut ResourceView<'_>| view.lines.is_empty() && view.details.is_empty();
    for view in views.iter_mut().filter(is_empty) {
        view.lines.push(ScopeLine { title: text.resource_use().into(), detail: "" });
    }
    views
}

/// All permissions of an application in words, those at a resource server with its name.
pub(super) fn permission_titles(
    of: (&Tenant, &MessageCatalog),
    servers: &ResourceServers,
    permissions: &BTreeSet<String>,
) -> Vec<String> {
    let own = scope_lines(of, permissions).into_iter().map(|line| line.title.into_owned());
    let find = |identifier: &str| servers.find(identifier).map(|server| &**server);
    let at_servers =
        resource_views((find, of.1), permissions, |_| Vec::new()).into_iter().flat_map(|view| {
            let name = view.name;
            view.lines.into_iter().map(move |line| format!("{name}: {}", line.title))
        });
    own.chain(at_servers).collect()
}

/// The permissions of a client itself in words, in the order of the consent page.
pub(super) fn scope_lines<'a>(
    of: (&'a Tenant, &'a MessageCatalog),
    permissions: &'a BTreeSet<String>,
) -> Vec<ScopeLine<'a>> {
    let own = permissions.iter().filter(|name| parse_resource_permission(name).is_none());
    let mut scopes: Vec<&str> = own.map(String::as_str).collect();
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
