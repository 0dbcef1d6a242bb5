//! The client that a metadata document describes, within the policy of the tenant.

use std::{collections::BTreeSet, sync::Arc};

use super::{ClientDocument, DocumentUrl};
use crate::model::{
    ApplicationType, AssertionPolicy, Client, ClientAuthentication, ConsentPolicy, GrantType,
    RefreshTokenRotation, ResourceServers, ResponseType, Tenant,
};

/// The client without its document, as its grants need it. It cannot make requests, because it has no valid
/// credential and no redirect URI. `None` if the tenant accepts no documents of the host.
pub fn client_without_document(tenant: &Tenant, url: &DocumentUrl) -> Option<Client> {
    let policy = &tenant.client_documents;
    if !policy.admits_host(url.host()) {
        return None;
    }
    let bare = Client::new(url.client_id(), url.key(), tenant.id.clone());
    Some(Client {
        name: url.as_str().trim_start_matches("https://").to_owned(),
        document_host: Some(url.authority().into()),
        application_type: ApplicationType::Native,
        scopes: Arc::clone(&policy.scopes),
        lifetimes: Arc::clone(&tenant.lifetimes),
        consent: ConsentPolicy::Required,
        require_pkce: true,
        require_pushed_requests: tenant.require_pushed_requests,
        refresh_token_rotation: RefreshTokenRotation::Always,
        tokens: tenant.tokens,
        ..bare
    })
}

/// The client with its document. Redirect URIs that the tenant does not accept are left out, and scopes that the
/// document does not name. `servers`: the resource servers of the tenant.
pub fn client_of_document(
    (tenant, servers): (&Tenant, &ResourceServers),
    url: &DocumentUrl,
    document: &ClientDocument,
) -> Option<Client> {
    let policy = &tenant.client_documents;
    let bare = client_without_document(tenant, url)?;
    let redirects = document.redirect_uris.iter();
    let redirects = redirects.filter(|uri| policy.admits_redirect(url.host(), uri));
    let mut grants = BTreeSet::from([GrantType::AuthorizationCode]);
    grants.extend(document.refreshes.then_some(GrantType::RefreshToken));
    let scopes = if names_own_scopes(document, (tenant, servers)) {
        Arc::new(policy.scopes.intersection(&document.scopes).cloned().collect::<BTreeSet<_>>())
    } else {
        Arc::clone(&policy.scopes)
    };
    let signing_alg = document.restrictions.details.token_endpoint_auth_signing_alg;
    let assertions = AssertionPolicy { signing_alg, ..AssertionPolicy::default() };
    Some(document.restrictions.onto(Client {
        name: document.name.clone().unwrap_or(bare.name),
        redirect_uris: redirects.cloned().collect(),
        grant_types: Arc::new(grants),
        response_types: Arc::new([ResponseType::Code].into()),
        authentication: ClientAuthentication::new(Some(document.method), assertions, Vec::new()),
        keys: document.keys.clone(),
        scopes,
        ..bare
    }))
}

/// Returns true if the scopes that a document names narrow those of the client itself, even to none. A document without
/// scopes does not, nor does one that names scopes of resource servers only, as clients of APIs do.
fn names_own_scopes(
    document: &ClientDocument,
    (tenant, servers): (&Tenant, &ResourceServers),
) -> bool {
    let names_policy = !tenant.client_documents.scopes.is_disjoint(&document.scopes);
    let is_of_server = |scope| {
        let mut admitting = servers.all().iter().filter(|server| server.admits_documents);
        admitting.any(|server| server.scopes.contains(scope))
    };
    names_policy || !document.scopes.iter().all(is_of_server)
}
