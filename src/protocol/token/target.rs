//! The target of an access token: the issuer or a resource server, with the scopes and claims that it may
//! have there (RFC 8707 §2.2). A grant bounds them, so no token has an audience, scope or claim beyond it.

use std::{borrow::Cow, collections::BTreeSet};

use super::invalid_grant;
use crate::{
    model::ResourceServer,
    protocol::{
        authorization_details::{
            AuthorizationDetail, DetailsByResource, details_not_granted, granted_details,
        },
        error::{ErrorCode, OAuthError},
        records::{Grant, GrantedResource},
        resource::{ResourceContext, find_resource},
        scope::{self, Scopes},
    },
};

static NO_CLAIMS: BTreeSet<String> = BTreeSet::new();

/// The scopes of the ID token of a client that acts for itself, which gets none.
static NO_SCOPES: Scopes = Scopes::new();

/// The audience of an access token, with the scopes and claims that the token may have there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenTarget<'a> {
    /// The resource server; `None` for the issuer.
    pub server: Option<&'a ResourceServer>,
    /// The scopes that the token may have.
    pub scopes: Cow<'a, Scopes>,
    /// The claims about the user that it contains.
    pub claims: Cow<'a, BTreeSet<String>>,
    /// The authorization details that it contains.
    pub details: Vec<AuthorizationDetail>,
}

/// The scopes of the tokens of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectedScopes {
    /// The scopes of the access token.
    pub access_token: Scopes,
    /// The scopes of the ID token, which is for the client.
    pub id_token: Scopes,
}

impl<'a> TokenTarget<'a> {
    /// The scopes of a response that contains no access token: all that were granted.
    pub fn without_access_token(grant: &'a Grant) -> Self {
        let scopes = Cow::Owned(grant.all_scopes());
        Self { scopes, ..Self::issuer(&grant.scopes) }
    }

    fn issuer(scopes: &'a Scopes) -> Self {
        Self {
            server: None,
            scopes: Cow::Borrowed(scopes),
            claims: Cow::Borrowed(&NO_CLAIMS),
            details: Vec::new(),
        }
    }

    /// Rule: a token request for authorization details gets no others. Each must equal one that was granted (RFC 9396
    /// §6). The token has those of the grant, because JSON that is equal may be written in two ways: 0.0 and -0.0.
    pub fn narrow_details(self, requested: &DetailsByResource) -> Result<Self, OAuthError> {
        let requested: Vec<_> = requested.values().flatten().collect();
        if requested.is_empty() {
            return Ok(self);
        }
        if !requested.iter().all(|detail| self.details.contains(detail)) {
            return Err(details_not_granted());
        }
        let mut details = self.details;
        details.retain(|detail| requested.contains(&detail));
        Ok(Self { details, ..self })
    }
}

/// Selects the target of a client that acts for itself: a resource server gives it all of its scopes, and no
/// claims, which are about people. An unverified client gets tokens for it with a person only. `details`: those that
/// the request names, which were checked.
pub fn client_target<'a, 'r>(
    context: ResourceContext<'a>,
    own: &'a Scopes,
    requested: impl IntoIterator<Item = &'r str>,
    details: &DetailsByResource,
) -> Result<TokenTarget<'a>, OAuthError> {
    Ok(match requested_resource(context, requested)? {
        RequestedResource::Absent | RequestedResource::Issuer => TokenTarget::issuer(own),
        RequestedResource::Server(server) => {
            if server.unnamed_clients.contains(&context.client.id)
                || context.client.is_described_by_document()
            {
                let text = format!(
                    "A client that registered itself gets tokens for \"{}\" with the consent of a user only. Use the authorization endpoint, or have the client named in spec.clients.names of ResourceServer {:?}.",
                    server.identifier, server.object.name
                );
                return Err(OAuthError::new(ErrorCode::InvalidTarget, text));
            }
            let details = details.get(&*server.identifier).cloned().unwrap_or_default();
            TokenTarget { server: Some(server), details, ..TokenTarget::issuer(&server.scopes) }
        }
    })
}

/// Selects the target of a token for a user's grant. `own`: the granted scopes of the client itself. A
/// request that names no resource gets the only one of the grant, or the issuer.
pub fn grant_target<'a, 'r>(
    context: ResourceContext<'a>,
    (grant, own): (&Grant, &'a Scopes),
    requested: impl IntoIterator<Item = &'r str>,
) -> Result<TokenTarget<'a>, OAuthError> {
    let server = match requested_resource(context, requested)? {
        RequestedResource::Server(server) => Some(server),
        RequestedResource::Issuer => None,
        RequestedResource::Absent => default_resource(context, grant)?,
    };
    let Some(server) = server else { return issuer_target(context, grant, own) };
    let granted = server.identifiers().find_map(|name| grant.resources.get(name));
    let granted = granted.ok_or_else(|| not_granted(grant, &server.identifier))?;
    let GrantedResource { scopes, claims } = granted;
    let left: Scopes = scopes.intersection(&server.scopes).cloned().collect();
    if left.is_empty() && !scopes.is_empty() {
        return Err(invalid_grant("The resource no longer has any of the granted scopes."));
    }
    let claims = claims.intersection(&server.claims).cloned().collect();
    Ok(TokenTarget {
        server: Some(server),
        scopes: Cow::Owned(left),
        claims: Cow::Owned(claims),
        details: granted_details(grant, server)?,
    })
}

/// The issuer, whose userinfo endpoint belongs to every OpenID request (OIDC Core §5.3).
fn issuer_target<'a>(
    context: ResourceContext<'a>,
    grant: &Grant,
    own: &'a Scopes,
) -> Result<TokenTarget<'a>, OAuthError> {
    let resources = &grant.resources;
    let named = resources.is_empty() || resources.contains_key(context.issuer.as_str());
    if !named && !grant.scopes.contains("openid") {
        return Err(not_granted(grant, context.issuer.as_str()));
    }
    if own.is_empty() {
        return Err(invalid_grant(
            "None of the granted scopes is allowed for the client any more.",
        ));
    }
    Ok(TokenTarget::issuer(own))
}

/// The resource that a token request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestedResource<'a> {
    Absent,
    Issuer,
    Server(&'a ResourceServer),
}

/// The resource that the parameters name: at most one (RFC 8707 §2.2).
pub(super) fn requested_resource<'s, 'a>(
    context: ResourceContext<'s>,
    requested: impl IntoIterator<Item = &'a str>,
) -> Result<RequestedResource<'s>, OAuthError> {
    let mut selected = RequestedResource::Absent;
    for resource in requested {
        let found = find_resource(context, resource)?
            .map_or(RequestedResource::Issuer, |server| RequestedResource::Server(server));
        let before = std::mem::replace(&mut selected, found);
        if before != RequestedResource::Absent && before != found {
            let text = "A token is for one resource; send one 'resource' in each token request.";
            return Err(OAuthError::new(ErrorCode::InvalidTarget, text));
        }
    }
    Ok(selected)
}

/// The resource of a request that names none.
fn default_resource<'s>(
    context: ResourceContext<'s>,
    grant: &Grant,
) -> Result<Option<&'s ResourceServer>, OAuthError> {
    let mut granted = grant.resources.keys();
    match (granted.next(), granted.next()) {
        (None, _) => Ok(None),
        (Some(only), None) => Ok(find_resource(context, only)?.map(|server| &**server)),
        _ if grant.resources.contains_key(context.issuer.as_str()) => Ok(None),
        _ => {
            let text = format!(
                "The grant has several resources; send one of them as 'resource': {}.",
                granted_names(grant)
            );
            Err(OAuthError::new(ErrorCode::InvalidTarget, text))
        }
    }
}

fn granted_names(grant: &Grant) -> String {
    let names: Vec<_> = grant.resources.keys().map(|name| format!("\"{name}\"")).collect();
    if names.is_empty() { "none but the issuer".to_owned() } else { names.join(", ") }
}

/// The error for a resource that was not requested at the authorization endpoint (RFC 8707 §2.2).
fn not_granted(grant: &Grant, resource: &str) -> OAuthError {
    let text = format!(
        "The grant does not include the resource \"{resource}\". It includes: {}. Name it as 'resource' in an authorization request.",
        granted_names(grant)
    );
    OAuthError::new(ErrorCode::InvalidTarget, text)
}

/// Rule: selects the scopes of the tokens (RFC 6749 §3.3, §6). `own`: those of the client itself, which the ID
/// token has; empty for a client that acts for itself.
pub fn select_token_scopes(
    target: &TokenTarget<'_>,
    own: &Scopes,
    asked: Option<&str>,
) -> Result<SelectedScopes, OAuthError> {
    if target.server.is_none() {
        let selected =
            scope::select_scopes(asked, &target.scopes, || Scopes::clone(&target.scopes))?;
        return Ok(SelectedScopes { id_token: selected.clone(), access_token: selected });
    }
    let allowed: Scopes = own.union(&target.scopes).cloned().collect();
    let selected = scope::select_scopes(asked, &allowed, || allowed.clone())?;
    let within = |scopes: &Scopes| selected.intersection(scopes).cloned().collect();
    Ok(SelectedScopes { access_token: within(&target.scopes), id_token: within(own) })
}

/// Rule: selects the scopes of the token of a client that acts for itself. A request for authorization details says
/// what it is for, so it gets no scopes by default.
pub fn select_client_scopes(
    target: &TokenTarget<'_>,
    asked: Option<&str>,
) -> Result<SelectedScopes, OAuthError> {
    if !target.details.is_empty() && scope::parse_scopes(asked).is_empty() {
        return Ok(SelectedScopes { access_token: Scopes::new(), id_token: Scopes::new() });
    }
    select_token_scopes(target, &NO_SCOPES, asked)
}
