//! Builds a snapshot from objects: pure, total and incremental. A tenant and the objects that refer
//! to it form a group, which is validated again only if its inputs have changed.
//!
//! Must not fail, for any objects. A tenant's objects must not affect other tenants, except by
//! claiming an issuer, and by a loop of providers.

mod assignable_names;
mod cache;
mod clients;
mod domains;
mod exchange_rules;
mod group;
mod identity_forms;
mod keys;
mod mail;
mod malformed;
mod members;
mod provider_links;
mod provider_loops;
mod provider_secrets;
mod providers;
mod referenced_secrets;
mod registration;
mod resource_servers;
mod salt;
mod sources;
mod used_names;
mod users;

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
};

pub use cache::BuildCache;
use cache::CachedGroup;
use group::PreparedGroup;
use malformed::{add_malformed, evaluate_malformed};
use members::{ClientLink, GroupMember, ProviderLink, TenantGroup};
use provider_links::{TenantClients, resolve_links};

use super::{
    ProviderLinks, Snapshot, Verdicts,
    sealing::{build_sealer, build_vault},
    validate::{self, IssuerClaimant, IssuerOrphan},
    verdicts::extract_verdicts_on,
};
use crate::{
    api::{
        ClientSummary, IdentityProvider, IssuerReservation, ObjectSet, OidcClient, OidcUser,
        ProviderSummary, ResourceServer, SecretState, Tenant, UserSummary, owner,
        signing_keys_name,
    },
    model::{Installation, ManagedKind, ObjectKey, TenantId, Timestamp},
};

/// Validates all objects and assembles the snapshot. The cache does not affect the result.
pub fn build_snapshot(
    objects: &ObjectSet,
    installation: &Installation,
    cache: &BuildCache,
    revision: u64,
    now: Timestamp,
) -> Snapshot {
    let memo = cache.take(installation);
    let groups = groups(objects, installation, &memo);
    let evaluated = evaluate_groups(groups, memo, installation, cache);
    let (mut tenants, mut verdicts) = (Vec::with_capacity(evaluated.len()), Vec::new());
    for known in evaluated.values() {
        tenants.extend(known.evaluated.served.clone());
        verdicts.extend(known.evaluated.verdicts.iter().cloned());
    }
    cache.keep(installation, evaluated);
    let mut earlier = extract_verdicts_on(&mut verdicts, &objects.malformed);
    verdicts.extend(objects.malformed.iter().map(|(object, malformed)| {
        // The readable part of an object without a valid version reserves its names, and is not checked.
        let earlier = earlier.remove(object).filter(|_| objects.managed.contains(object));
        Arc::new(evaluate_malformed(object, malformed, earlier))
    }));
    let verdicts = Verdicts::new(verdicts);
    Snapshot::new(revision, now, build_sealer(objects, installation), tenants, verdicts)
        .with_vault(build_vault(objects, installation))
        .with_internal_hosts(&installation.hosts.internal_hosts)
        .with_languages(&installation.languages)
}

/// A group with providers that refer to tenants, whose clients are validated.
enum LinkedGroup {
    /// The inputs of the group itself have not changed.
    Known(Box<CachedGroup>),
    Prepared(Box<PreparedGroup>),
}

impl LinkedGroup {
    fn clients(&self) -> TenantClients<'_> {
        match self {
            Self::Known(known) => known.evaluated.clients(),
            Self::Prepared(prepared) => prepared.clients(),
        }
    }
}

/// Validates the groups whose inputs have changed. Providers that refer to tenants are validated after
/// all clients.
fn evaluate_groups(
    groups: HashMap<TenantId, TenantGroup<'_>>,
    mut memo: HashMap<TenantId, CachedGroup>,
    installation: &Installation,
    cache: &BuildCache,
) -> HashMap<TenantId, CachedGroup> {
    let mut evaluated = HashMap::with_capacity(groups.len());
    let mut linked = HashMap::new();
    for (id, group) in groups {
        let known = memo.remove(&id).filter(|known| known.has_same_inputs(&group));
        let prepare = || group.prepare(installation, &cache.keys);
        if group.links.is_empty() {
            let known = known.unwrap_or_else(|| {
                let links = ProviderLinks::default();
                CachedGroup::new(&group, prepare().finish(&group, &links, installation), links)
            });
            evaluated.insert(id, known);
        } else {
            let draft = known.map(|known| LinkedGroup::Known(Box::new(known)));
            let draft = draft.unwrap_or_else(|| LinkedGroup::Prepared(Box::new(prepare())));
            linked.insert(id, (group, draft));
        }
    }
    let mut resolved = links_of(&linked, &evaluated, installation);
    for (id, (group, draft)) in linked {
        let links = resolved.remove(&id).unwrap_or_default();
        let known = match draft {
            LinkedGroup::Known(known) if known.links == links => *known,
            LinkedGroup::Known(_) => {
                let prepared = group.prepare(installation, &cache.keys);
                CachedGroup::new(&group, prepared.finish(&group, &links, installation), links)
            }
            LinkedGroup::Prepared(prepared) => {
                CachedGroup::new(&group, prepared.finish(&group, &links, installation), links)
            }
        };
        evaluated.insert(id, known);
    }
    evaluated
}

/// The clients that providers refer to, and the providers that close a loop, by the tenant of the provider.
fn links_of(
    linked: &HashMap<TenantId, (TenantGroup<'_>, LinkedGroup)>,
    evaluated: &HashMap<TenantId, CachedGroup>,
    installation: &Installation,
) -> HashMap<TenantId, ProviderLinks> {
    let links: Vec<(&TenantId, &ProviderLink)> = linked
        .iter()
        .flat_map(|(id, (group, _))| group.links.iter().map(move |link| (id, link)))
        .collect();
    let by_client = links.iter().filter(|(_, link)| link.client.is_some());
    let upstreams: HashSet<&TenantId> =
        by_client.filter_map(|(_, link)| link.upstream.as_ref()).collect();
    let clients = upstreams.into_iter().filter_map(|id| {
        let waiting = linked.get(id).map(|(_, draft)| draft.clients());
        Some((id, waiting.or_else(|| Some(evaluated.get(id)?.evaluated.clients()))?))
    });
    resolve_links(&links, &clients.collect(), installation)
}

/// Groups all objects by the tenant that they belong to, whether it exists or not. Objects that are
/// being deleted are left out: they are not served, and nothing is written for them.
fn groups<'a>(
    objects: &'a ObjectSet,
    installation: &Installation,
    memo: &HashMap<TenantId, CachedGroup>,
) -> HashMap<TenantId, TenantGroup<'a>> {
    let secret = |key: &ObjectKey| objects.secrets.get(key);
    let managed = &objects.managed;
    let tenants = || managed.of::<Tenant>().filter(|(_, cached)| !cached.is_deleting());
    let claimants = tenants().map(|(key, cached)| {
        let tenant = cached.summary();
        let remembers = reservation(objects, tenant.reservation.as_ref().unwrap_or(&tenant.keys));
        let facts = cached.status_facts();
        // The annotation is for a tenant that was created again, and has no issuer in its status yet.
        // Others may not claim one by writing to their Secret.
        let is_new = facts.issuer.is_none() && !facts.has_conflict;
        let remembers = remembers.filter(|(owner, _)| owner == key && is_new);
        let remembered = remembers.map(|(_, reservation)| reservation);
        let served = facts.issuer.as_deref();
        let known = memo.get(&TenantId(key.clone())).and_then(|it| it.issuer_of(cached));
        IssuerClaimant { key, tenant, served, remembered, known }
    });
    let exists = |key: &ObjectKey| managed.get::<Tenant>(key).is_some_and(|it| !it.is_deleting());
    let orphans = objects.secrets.keys().filter_map(|secret| reservation(objects, secret));
    let orphans = orphans.filter(|(owner, _)| !exists(owner));
    let orphans = orphans.map(|(key, reservation)| IssuerOrphan { key, reservation });
    let mut claims = validate::claim_issuers(claimants, orphans, installation);
    let issuers = tenants_by_issuer(&claims);
    let mut groups: HashMap<TenantId, TenantGroup<'a>> = tenants()
        .map(|(key, cached)| {
            let summary = cached.summary();
            let member = GroupMember { key, cached, secret: secret(&summary.keys) };
            let mut group = TenantGroup::of(member, claims.remove(key), secret(&summary.salt));
            group.token = summary.token.as_ref().and_then(secret);
            let (account, ca) = (&summary.mail_credentials, &summary.mail_ca);
            group.mail = (account.as_ref().and_then(secret), ca.as_ref().and_then(secret));
            (TenantId(key.clone()), group)
        })
        .collect();
    for (key, cached) in managed.of::<OidcClient>().filter(|(_, cached)| !cached.is_deleting()) {
        let ClientSummary { tenant, secret: name, authorities, federated_issuers } =
            cached.summary();
        let group = named(&mut groups, tenant);
        let own = federated_issuers.iter().filter(|issuer| issuers.contains_key(*issuer));
        group.own_issuers.extend(own.cloned());
        group.clients.push(GroupMember { key, cached, secret: secret(name) });
        group.client_authorities.push(authorities.as_ref().and_then(secret));
        if tenant.0.namespace != key.namespace {
            group.add_namespace_labels(&objects.namespaces, &key.namespace);
        }
    }
    for (key, cached) in managed.of::<OidcUser>().filter(|(_, cached)| !cached.is_deleting()) {
        let UserSummary { tenant, secret: name, .. } = cached.summary();
        let member = GroupMember { key, cached, secret: name.as_ref().and_then(secret) };
        named(&mut groups, tenant).users.push(member);
    }
    let servers = managed.of::<ResourceServer>();
    for (key, cached) in servers.filter(|(_, cached)| !cached.is_deleting()) {
        let member = GroupMember { key, cached, secret: None };
        named(&mut groups, &cached.summary().tenant).resource_servers.push(member);
    }
    add_providers(&mut groups, objects, &issuers);
    add_malformed(&mut groups, objects);
    groups
}

/// The tenants by the issuers that they may use.
fn tenants_by_issuer(claims: &validate::ClaimedIssuers) -> HashMap<Box<str>, TenantId> {
    let accepted = claims.iter().filter_map(|(key, claim)| Some((key, claim.as_ref().ok()?)));
    accepted.map(|(key, issuer)| (issuer.as_str().into(), TenantId(key.clone()))).collect()
}

/// Adds the identity providers to the groups of their tenants.
fn add_providers<'a>(
    groups: &mut HashMap<TenantId, TenantGroup<'a>>,
    objects: &'a ObjectSet,
    issuers: &HashMap<Box<str>, TenantId>,
) {
    let secret = |key: &ObjectKey| objects.secrets.get(key);
    let managed = &objects.managed;
    let providers = managed.of::<IdentityProvider>();
    for (key, cached) in providers.filter(|(_, cached)| !cached.is_deleting()) {
        let ProviderSummary { tenant, secret: name, ca, link } = cached.summary();
        let (name, ca) = (name.as_ref().and_then(secret), ca.as_ref().and_then(secret));
        let member = GroupMember { key, cached, secret: name };
        let group = named(groups, tenant);
        group.providers.push(member);
        group.provider_cas.push(ca);
        let link = link.as_ref().and_then(|link| group.link(key, link, (managed, issuers)));
        if let Some(link) = link {
            add_provider_uris(groups, &link);
        }
    }
}

/// Gives a client the URIs of a provider that refers to it.
fn add_provider_uris(groups: &mut HashMap<TenantId, TenantGroup<'_>>, link: &ProviderLink) {
    let ProviderLink { client: Some(link), upstream: Some(tenant), .. } = link else { return };
    let ClientLink { client, uris: Some(uris), .. } = link else { return };
    let by_client = &mut named(groups, tenant).provider_uris;
    by_client.entry(client.clone()).or_default().push(uris.clone());
}

/// The issuer that a Secret remembers, and the tenant that it belongs to, if it is a tenant's key
/// Secret.
fn reservation<'a>(
    objects: &'a ObjectSet,
    secret: &ObjectKey,
) -> Option<(ObjectKey, &'a IssuerReservation)> {
    let SecretState::Loaded(content) = objects.secrets.get(secret)? else { return None };
    let reservation = content.issuer_reservation()?;
    let owner = owner::owner_of(&secret.namespace, content)?;
    let is_its =
        owner.is(ManagedKind::Tenant) && *secret.name == *signing_keys_name(&owner.key.name);
    is_its.then_some((owner.key, reservation))
}

fn named<'g, 'a>(
    groups: &'g mut HashMap<TenantId, TenantGroup<'a>>,
    id: &TenantId,
) -> &'g mut TenantGroup<'a> {
    match groups.entry(id.clone()) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => entry.insert(TenantGroup::absent(id.clone())),
    }
}

#[cfg(test)]
mod tests;
