//! Builds a snapshot from objects: pure, total and incremental. A tenant and the objects that refer
//! to it form a group, which is validated again only if its inputs have changed.
//!
//! Must not fail, for any objects. A tenant's objects must not affect other tenants, except by
//! claiming an issuer.

mod cache;
mod clients;
mod directory;
mod group;
mod keys;
mod members;
mod providers;
mod registration;
mod salt;
mod users;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

pub use cache::BuildCache;
use members::{GroupMember, TenantGroup};

use super::{
    ObjectOutcome, Snapshot, ValidationProblem, Verdict, Verdicts,
    sealing::build_sealer,
    validate::{self, IssuerClaimant, IssuerOrphan},
    verdicts::take_those_on,
};
use crate::{
    api::{
        ClientSummary, ConditionReason, IdentityProvider, IssuerReservation, MalformedObject,
        ObjectSet, OidcClient, OidcUser, ProviderSummary, SecretState, Tenant, UserSummary, owner,
        signing_keys_name,
    },
    model::{Installation, ManagedKind, ObjectKey, ObjectRef, TenantId, Timestamp},
};

/// Validates all objects and assembles the snapshot. The cache does not affect the result.
pub fn build_snapshot(
    objects: &ObjectSet,
    installation: &Installation,
    cache: &BuildCache,
    revision: u64,
    now: Timestamp,
) -> Snapshot {
    let mut memo = cache.take(installation);
    let mut remembered = HashMap::with_capacity(objects.managed.of_kind(ManagedKind::Tenant).len());
    let (mut tenants, mut verdicts) =
        (Vec::with_capacity(objects.managed.of_kind(ManagedKind::Tenant).len()), Vec::new());
    for (id, group) in groups(objects, installation) {
        let known = memo.remove(&id).filter(|known| known.is_of(&group));
        let known = known.unwrap_or_else(|| {
            cache::CachedGroup::new(&group, group.validate_group(installation, &cache.keys))
        });
        tenants.extend(known.judged.served.clone());
        verdicts.extend(known.judged.verdicts.iter().cloned());
        remembered.insert(id, known);
    }
    cache.keep(installation, remembered);
    let mut earlier = take_those_on(&mut verdicts, &objects.malformed);
    verdicts.extend(objects.malformed.iter().map(|(object, malformed)| {
        Arc::new(judge_malformed(object, malformed, earlier.remove(object)))
    }));
    let verdicts = Verdicts::new(verdicts);
    Snapshot::new(revision, now, build_sealer(objects, installation), tenants, verdicts)
        .with_internal_hosts(&installation.hosts.internal_hosts)
}

/// Groups all objects by the tenant that they belong to, whether it exists or not. Objects that are
/// being deleted are left out: they are not served, and nothing is written for them.
fn groups<'a>(
    objects: &'a ObjectSet,
    installation: &Installation,
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
        IssuerClaimant { key, tenant, served, remembered }
    });
    let exists = |key: &ObjectKey| managed.get::<Tenant>(key).is_some_and(|it| !it.is_deleting());
    let orphans = objects.secrets.keys().filter_map(|secret| reservation(objects, secret));
    let orphans = orphans.filter(|(owner, _)| !exists(owner));
    let orphans = orphans.map(|(key, reservation)| IssuerOrphan { key, reservation });
    let mut claims = validate::claim_issuers(claimants, orphans, installation);
    let mut groups: HashMap<TenantId, TenantGroup<'a>> = tenants()
        .map(|(key, cached)| {
            let summary = cached.summary();
            let member = GroupMember { key, cached, secret: secret(&summary.keys) };
            let mut group = TenantGroup::of(member, claims.remove(key), secret(&summary.salt));
            group.token = summary.token.as_ref().and_then(secret);
            (TenantId(key.clone()), group)
        })
        .collect();
    for (key, cached) in managed.of::<OidcClient>().filter(|(_, cached)| !cached.is_deleting()) {
        let ClientSummary { tenant, secret: name } = cached.summary();
        let group = named(&mut groups, tenant);
        group.clients.push(GroupMember { key, cached, secret: secret(name) });
        if tenant.0.namespace != key.namespace {
            group.see_labels(&objects.namespaces, &key.namespace);
        }
    }
    for (key, cached) in managed.of::<OidcUser>().filter(|(_, cached)| !cached.is_deleting()) {
        let UserSummary { tenant, secret: name } = cached.summary();
        let member = GroupMember { key, cached, secret: name.as_ref().and_then(secret) };
        named(&mut groups, tenant).users.push(member);
    }
    let providers = managed.of::<IdentityProvider>();
    for (key, cached) in providers.filter(|(_, cached)| !cached.is_deleting()) {
        let ProviderSummary { tenant, secret: name, ca } = cached.summary();
        let (name, ca) = (name.as_ref().and_then(secret), ca.as_ref().and_then(secret));
        let member = GroupMember { key, cached, secret: name };
        let group = named(&mut groups, tenant);
        group.providers.push(member);
        group.provider_cas.push(ca);
    }
    groups
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

/// The verdict on an object that does not deserialize. Its last valid version may still be served.
fn judge_malformed(
    object: &ObjectRef,
    malformed: &MalformedObject,
    earlier: Option<Arc<Verdict>>,
) -> Verdict {
    let problem =
        ValidationProblem::accepted(ConditionReason::Malformed, "", malformed.message.clone());
    let mut verdict = earlier.map_or_else(
        || Verdict {
            object: object.clone(),
            generation: None,
            problems: Vec::new(),
            warnings: Vec::new(),
            outcome: ObjectOutcome::Malformed,
        },
        |earlier| Verdict::clone(&earlier),
    );
    verdict.generation = malformed.generation;
    verdict.problems.insert(0, problem);
    verdict
}

#[cfg(test)]
mod tests;
