//! The client that a metadata document describes, within the policy of the tenant.

use std::{collections::BTreeSet, sync::Arc};

use super::{ClientDocument, DocumentUrl};
use crate::model::{
    ApplicationType, AssertionPolicy, Client, ClientAuthentication, ConsentPolicy, GrantType,
    RefreshTokenRotation, ResponseType, Tenant,
};

/// The client as far as it is known without its document, for its grants: it may do nothing itself, since no
/// credential is right and it has no redirect URI. `None` if the tenant accepts no documents of the host.
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
/// document does not name.
pub fn client_of_document(
    tenant: &Tenant,
    url: &DocumentUrl,
    document: &ClientDocument,
) -> Option<Client> {
    let policy = &tenant.client_documents;
    let bare = client_without_document(tenant, url)?;
    let redirects = document.redirect_uris.iter();
    let redirects = redirects.filter(|uri| policy.admits_redirect(url.host(), uri));
    let mut grants = BTreeSet::from([GrantType::AuthorizationCode]);
    grants.extend(document.refreshes.then_some(GrantType::RefreshToken));
    let named: BTreeSet<_> = policy.scopes.intersection(&document.scopes).cloned().collect();
    // A document may name scopes of resource servers only, which are not those of the client itself.
    let scopes = if named.is_empty() { Arc::clone(&policy.scopes) } else { Arc::new(named) };
    let (method, assertions) = (Some(document.method), AssertionPolicy::default());
    Some(Client {
        name: document.name.clone().unwrap_or(bare.name),
        redirect_uris: redirects.cloned().collect(),
        grant_types: Arc::new(grants),
        response_types: Arc::new([ResponseType::Code].into()),
        authentication: ClientAuthentication::new(method, assertions, Vec::new()),
        keys: document.keys.clone(),
        scopes,
        ..bare
    })
}
