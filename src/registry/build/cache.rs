//! Results of the last build by tenant, together with the inputs that they were computed from.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use super::{
    group::GroupVerdicts,
    members::{GroupMember, TenantGroup},
};
use crate::{
    api::{
        CachedObject, IdentityProvider, ManagedObject, NamespaceLabels, OidcClient, OidcUser,
        ResourceServer, SecretState, Tenant,
    },
    keys::ParsedKeyCache,
    model::{Installation, Issuer, ObjectKey, TenantId},
    registry::{ProviderLinks, ProviderUris, ValidationProblem},
};

/// Memoises builds. Holds results for one installation at a time.
#[derive(Debug, Default)]
pub struct BuildCache {
    pub(super) keys: ParsedKeyCache,
    last: Mutex<Option<(Installation, HashMap<TenantId, CachedGroup>)>>,
}

impl BuildCache {
    /// Takes the results for an installation out, which empties the cache.
    pub(super) fn take(&self, installation: &Installation) -> HashMap<TenantId, CachedGroup> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        last.filter(|(of, _)| of == installation).map(|(_, groups)| groups).unwrap_or_default()
    }

    pub(super) fn keep(&self, of: &Installation, groups: HashMap<TenantId, CachedGroup>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((of.clone(), groups));
    }
}

/// The result for one group. Keeps the inputs alive, so that comparing their addresses is sound.
#[derive(Debug)]
pub(super) struct CachedGroup {
    pub(super) evaluated: GroupVerdicts,
    tenant: Option<Input<Tenant>>,
    salt: Option<SecretState>,
    claim: Option<Result<Issuer, ValidationProblem>>,
    token: Option<SecretState>,
    mail: (Option<SecretState>, Option<SecretState>),
    clients: Vec<Input<OidcClient>>,
    client_authorities: Vec<Option<SecretState>>,
    users: Vec<Input<OidcUser>>,
    resource_servers: Vec<Input<ResourceServer>>,
    providers: Vec<Input<IdentityProvider>>,
    provider_cas: Vec<Option<SecretState>>,
    namespaces: Option<NamespaceLabels>,
    provider_uris: BTreeMap<ObjectKey, Vec<ProviderUris>>,
    own_issuers: BTreeSet<Box<str>>,
    /// The clients that its providers refer to.
    pub(super) links: ProviderLinks,
}

impl CachedGroup {
    pub(super) fn new(
        group: &TenantGroup<'_>,
        evaluated: GroupVerdicts,
        links: ProviderLinks,
    ) -> Self {
        Self {
            evaluated,
            tenant: group.tenant.as_ref().map(Input::of),
            salt: group.salt.cloned(),
            claim: group.claim.clone(),
            token: group.token.cloned(),
            mail: (group.mail.0.cloned(), group.mail.1.cloned()),
            clients: group.clients.iter().map(Input::of).collect(),
            client_authorities: group.client_authorities.iter().map(|ca| ca.cloned()).collect(),
            users: group.users.iter().map(Input::of).collect(),
            resource_servers: group.resource_servers.iter().map(Input::of).collect(),
            providers: group.providers.iter().map(Input::of).collect(),
            provider_cas: group.provider_cas.iter().map(|ca| ca.cloned()).collect(),
            namespaces: group.namespaces.clone(),
            provider_uris: group.provider_uris.clone(),
            own_issuers: group.own_issuers.clone(),
            links,
        }
    }

    /// The valid and allowed issuer of the tenant, if the tenant is still the same object.
    pub(super) fn issuer_of(&self, tenant: &CachedObject<Tenant>) -> Option<&Issuer> {
        let is_same = self.tenant.as_ref().is_some_and(|own| own.cached.ptr_eq(tenant));
        self.claim.as_ref().filter(|_| is_same)?.as_ref().ok()
    }

    /// Returns true if the group has the same inputs as the cached one, apart from the clients of other
    /// tenants that its providers refer to.
    pub(super) fn has_same_inputs(&self, group: &TenantGroup<'_>) -> bool {
        self.clients.len() == group.clients.len()
            && self.users.len() == group.users.len()
            && self.providers.len() == group.providers.len()
            && self.resource_servers.len() == group.resource_servers.len()
            && self.resource_servers.iter().zip(&group.resource_servers).all(|(own, it)| own.is(it))
            && self.tenant.as_ref().zip(group.tenant.as_ref()).is_none_or(|(own, it)| own.is(it))
            && self.tenant.is_some() == group.tenant.is_some()
            && self.clients.iter().zip(&group.clients).all(|(own, it)| own.is(it))
            && self.users.iter().zip(&group.users).all(|(own, it)| own.is(it))
            && self.providers.iter().zip(&group.providers).all(|(own, it)| own.is(it))
            && all_same(&self.provider_cas, &group.provider_cas)
            && all_same(&self.client_authorities, &group.client_authorities)
            && same(self.salt.as_ref(), group.salt)
            && self.claim == group.claim
            && same(self.token.as_ref(), group.token)
            && same(self.mail.0.as_ref(), group.mail.0)
            && same(self.mail.1.as_ref(), group.mail.1)
            && self.namespaces == group.namespaces
            && self.provider_uris == group.provider_uris
            && self.own_issuers == group.own_issuers
    }
}

#[derive(Debug)]
struct Input<K: ManagedObject> {
    cached: CachedObject<K>,
    secret: Option<SecretState>,
}

impl<K: ManagedObject> Input<K> {
    fn of(member: &GroupMember<'_, K>) -> Self {
        Self { cached: member.cached.clone(), secret: member.secret.cloned() }
    }

    fn is(&self, member: &GroupMember<'_, K>) -> bool {
        same(self.secret.as_ref(), member.secret) && self.cached.ptr_eq(member.cached)
    }
}

fn all_same(own: &[Option<SecretState>], all: &[Option<&SecretState>]) -> bool {
    own.len() == all.len() && own.iter().zip(all).all(|(own, it)| same(own.as_ref(), *it))
}

fn same(own: Option<&SecretState>, it: Option<&SecretState>) -> bool {
    match (own, it) {
        (None, None) => true,
        (Some(SecretState::Loaded(own)), Some(SecretState::Loaded(it))) => own.ptr_eq(it),
        (Some(SecretState::Unreadable(own)), Some(SecretState::Unreadable(it))) => own == it,
        _ => false,
    }
}
