//! Resource indicators (RFC 8707): the resource servers that a client requests tokens for.

use std::sync::Arc;

use super::{
    authorization_details::{
        DetailsByResource, invalid_detail, parse_authorization_details, unknown_details_type,
    },
    error::{ErrorCode, OAuthError},
    records::GrantedResource,
};
use crate::model::{Client, Issuer, ResourceServer, ResourceServers};

/// Longer values are not repeated in errors.
const MAX_ECHOED_LEN: usize = 128;

/// Most resources of a request, so that its grant fits into a record.
const MAX_RESOURCES: usize = 8;

/// The prefix of the permissions of resource servers in `AuthorizationRequest::requested_permissions`.
/// Scopes cannot contain a space.
const PERMISSION_PREFIX: &str = "resource ";

/// The resources that a request names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestedResources {
    /// Whether it names the issuer.
    pub issuer: bool,
    /// The resource servers that it names, each once: by `resource`, or by the types of authorization details.
    pub servers: Vec<Arc<ResourceServer>>,
    /// The requested authorization details, each once.
    pub details: DetailsByResource,
}

/// The tenant's side of a request for resources.
#[derive(Clone, Copy, Debug)]
pub struct ResourceContext<'a> {
    /// The issuer, which is a resource too.
    pub issuer: &'a Issuer,
    /// The resource servers of the tenant.
    pub servers: &'a ResourceServers,
    /// The client that requests tokens.
    pub client: &'a Client,
    /// Whether the client exchanges a token (RFC 8693). A rule of the resource server for exchanges then admits it too.
    pub by_exchange: bool,
}

/// Rule: a resource is the issuer, or a resource server that admits the client (RFC 8707 §2). A resource
/// server that does not admit the client is as unknown to it as any other. `details`: the parameter
/// `authorization_details`, whose types name resource servers too (RFC 9396 §2).
pub fn check_resources<'a>(
    context: ResourceContext<'_>,
    resources: impl IntoIterator<Item = &'a str>,
    details: Option<&str>,
) -> Result<RequestedResources, OAuthError> {
    let mut requested = RequestedResources::default();
    for resource in resources {
        match find_resource(context, resource)? {
            None => requested.issuer = true,
            Some(server) => requested.add(server),
        }
    }
    if let Some(details) = details {
        requested.add_details(context, details)?;
    }
    if requested.count() > MAX_RESOURCES {
        let text = format!("The request names too many resources; name at most {MAX_RESOURCES}.");
        return Err(OAuthError::new(ErrorCode::InvalidTarget, text));
    }
    Ok(requested)
}

impl RequestedResources {
    /// The number of requested resources, including the issuer if it was requested.
    pub fn count(&self) -> usize {
        self.servers.len() + usize::from(self.issuer)
    }

    /// Returns true if authorization details of the resource server are requested.
    pub fn has_details_of(&self, server: &ResourceServer) -> bool {
        self.details.contains_key(&*server.identifier)
    }

    fn add(&mut self, server: &Arc<ResourceServer>) {
        if !self.servers.contains(server) {
            self.servers.push(Arc::clone(server));
        }
    }

    /// Rule: each detail has a type of a resource server that admits the client, and matches its schema (RFC 9396 §5).
    fn add_details(&mut self, context: ResourceContext<'_>, text: &str) -> Result<(), OAuthError> {
        for (index, detail) in parse_authorization_details(text)?.into_iter().enumerate() {
            let found = context.servers.find_by_details_type(detail.details_type());
            let server = found.filter(|server| context.admits(server));
            let server = server.ok_or_else(|| unknown_details_type(index))?;
            detail.check(server).map_err(|problem| invalid_detail(index, &problem))?;
            self.add(server);
            let of_server = self.details.entry(server.identifier.to_string()).or_default();
            if !of_server.contains(&detail) {
                of_server.push(detail);
            }
        }
        Ok(())
    }
}

impl ResourceContext<'_> {
    /// Returns true if the client may request tokens for a resource server.
    fn admits(&self, server: &ResourceServer) -> bool {
        server.admits(self.client) || (self.by_exchange && server.has_exchange_of(&self.client.id))
    }
}

/// Finds a resource for a client; `None` is the issuer.
pub fn find_resource<'s>(
    context: ResourceContext<'s>,
    resource: &str,
) -> Result<Option<&'s Arc<ResourceServer>>, OAuthError> {
    if resource == context.issuer.as_str() {
        return Ok(None);
    }
    let server = context.servers.find(resource).filter(|server| context.admits(server));
    server.map(Some).ok_or_else(|| unknown_resource(context.issuer, resource))
}

/// Returns the error for an unknown resource. Only a plain URI is repeated, because attackers could
/// put a message to users into the parameter.
pub(super) fn unknown_resource(issuer: &Issuer, resource: &str) -> OAuthError {
    let text = if is_plain(resource) {
        format!("The resource \"{resource}\" is unknown.")
    } else {
        "The resource is unknown.".to_owned()
    };
    let text = format!(
        "{text} Request that of a ResourceServer that admits this client, or \"{issuer}\", or omit 'resource'."
    );
    OAuthError::new(ErrorCode::InvalidTarget, text)
}

fn is_plain(resource: &str) -> bool {
    resource.len() <= MAX_ECHOED_LEN && resource.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The permissions that a user is asked for at a resource server: to use it, its scopes, and the claims that
/// it gets.
pub fn resource_permissions(
    identifier: &str,
    granted: &GrantedResource,
) -> impl Iterator<Item = String> + use<> {
    let at = format!("{PERMISSION_PREFIX}{identifier}");
    let scopes = granted.scopes.iter().map(|scope| format!("{at} scope {scope}"));
    let claims = granted.claims.iter().map(|claim| format!("{at} claim {claim}"));
    let all: Vec<String> = [at.clone()].into_iter().chain(scopes).chain(claims).collect();
    all.into_iter()
}

/// A permission of a resource server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourcePermission<'a> {
    /// The permission to use the resource server.
    Use,
    /// A scope of the resource server.
    Scope(&'a str),
    /// A claim about the user in tokens for the resource server.
    Claim(&'a str),
}

/// Parses a permission. Returns the identifier of the resource server too; `None` for other permissions.
pub fn parse_resource_permission(permission: &str) -> Option<(&str, ResourcePermission<'_>)> {
    let mut words = permission.strip_prefix(PERMISSION_PREFIX)?.split(' ');
    let identifier = words.next()?;
    let permission = match (words.next(), words.next()) {
        (None, _) => ResourcePermission::Use,
        (Some("scope"), Some(scope)) => ResourcePermission::Scope(scope),
        (Some("claim"), Some(claim)) => ResourcePermission::Claim(claim),
        _ => return None,
    };
    Some((identifier, permission))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClientId, ObjectKey, fixtures};

    fn server(identifier: &str, alternate: &str, client: &ClientId) -> Arc<ResourceServer> {
        Arc::new(ResourceServer {
            alternates: [alternate.into()].into(),
            clients: [client.clone()].into(),
            ..ResourceServer::new(ObjectKey::new("team", "api"), identifier)
        })
    }

    fn requested(resources: &[&str]) -> Result<(bool, Vec<String>), OAuthError> {
        let (issuer, client) = (fixtures::tenant().issuer, fixtures::client());
        let servers = ResourceServers::new(vec![
            server("https://api.test", "https://api.test/", &client.id),
            server("https://b.test", "urn:b", &client.id),
            server("https://closed.test", "urn:closed", &ClientId::new("other")),
        ]);
        let context = ResourceContext {
            issuer: &issuer,
            servers: &servers,
            client: &client,
            by_exchange: false,
        };
        let requested = check_resources(context, resources.iter().copied(), None)?;
        let names = requested.servers.iter().map(|server| server.identifier.to_string());
        Ok((requested.issuer, names.collect()))
    }

    #[test]
    fn the_issuer_and_admitting_servers_are_resources() {
        // RFC 8707 §2
        let issuer = fixtures::tenant().issuer.as_str().to_owned();
        assert_eq!(requested(&[]), Ok((false, vec![])));
        assert_eq!(requested(&[&issuer]), Ok((true, vec![])));
        let both = ["https://api.test", "https://api.test/", "urn:b"];
        let names = vec!["https://api.test".to_owned(), "https://b.test".to_owned()];
        assert_eq!(requested(&both), Ok((false, names)), "each once");
        let with_slash = format!("{issuer}/");
        for refused in
            ["https://API.test", "https://api.test/v1", "https://closed.test", "urn:closed", ""]
        {
            let error = requested(&[&issuer, refused]).expect_err("refused");
            assert_eq!(error.code, ErrorCode::InvalidTarget, "{refused}");
        }
        assert!(requested(&[&with_slash]).is_err(), "compared as an exact string");
    }

    #[test]
    fn errors_repeat_plain_uris_only() {
        let description = |resource: &str| requested(&[resource]).expect_err("unknown").public;
        let plain = description("https://unknown.test/a?b=c");
        assert!(
            plain.starts_with("The resource 'https://unknown.test/a?b=c' is unknown."),
            "{plain}"
        );
        let long = format!("https://x.test/{}", "a".repeat(MAX_ECHOED_LEN));
        for stranger in ["your account is locked", "https://x.test/\u{e9}", &long] {
            assert!(description(stranger).starts_with("The resource is unknown."), "{stranger}");
        }
    }

    #[test]
    fn permissions_are_read_as_they_were_written() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let granted =
            GrantedResource { scopes: words(&["a", "claim"]), claims: words(&["groups"]) };
        let all: Vec<String> = resource_permissions("urn:api", &granted).collect();
        let read: Vec<_> = all.iter().filter_map(|it| parse_resource_permission(it)).collect();
        let expected = [
            ("urn:api", ResourcePermission::Use),
            ("urn:api", ResourcePermission::Scope("a")),
            ("urn:api", ResourcePermission::Scope("claim")),
            ("urn:api", ResourcePermission::Claim("groups")),
        ];
        assert_eq!(read, expected);
        assert_eq!(parse_resource_permission("claim email"), None);
        assert_eq!(parse_resource_permission("resource"), None, "a scope");
    }
}
