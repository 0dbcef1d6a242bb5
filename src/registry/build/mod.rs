//! Objects → snapshot: pure, total, and incremental. A tenant with what names it is judged as one
//! group; a group whose inputs are the same as before is not judged again.
//!
//! Must not: fail, whatever the objects; or let one tenant's objects matter to another's, beyond
//! who has an issuer.

mod cache;
mod clients;
mod group;
mod keys;
mod registration;
mod salt;
mod users;

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::Arc,
};

pub use cache::BuildCache;
use group::{Group, Member};
use kube::Resource;

use super::{Outcome, Problem, Snapshot, Verdict, validate};
use crate::{
    api::{Malformed, Objects, Reason, SecretReferences, SecretState},
    keys::Sealer,
    model::{Installation, ObjectKey, ObjectRef, TenantId, Timestamp},
};

/// Judges every object and assembles what is served. The cache is a memo only: it makes no
/// difference to the result.
pub fn build(
    objects: &Objects,
    installation: &Installation,
    cache: &BuildCache,
    revision: u64,
    now: Timestamp,
) -> Snapshot {
    let mut memo = cache.take(installation);
    let mut remembered = HashMap::with_capacity(objects.tenants.len());
    let (mut tenants, mut verdicts) = (Vec::with_capacity(objects.tenants.len()), BTreeMap::new());
    for (id, group) in groups(objects, installation) {
        let known = memo.remove(&id).filter(|known| known.is_of(&group));
        let known = known.unwrap_or_else(|| {
            cache::Remembered::new(&group, group.judge(installation, &cache.keys))
        });
        tenants.extend(known.judged.served.clone());
        for verdict in &known.judged.verdicts {
            verdicts.insert(verdict.object.clone(), Arc::clone(verdict));
        }
        remembered.insert(id, known);
    }
    cache.keep(installation, remembered);
    for (object, malformed) in &objects.malformed {
        let known = verdicts.remove(object);
        verdicts.insert(object.clone(), Arc::new(judge_malformed(object, malformed, known)));
    }
    Snapshot::new(revision, now, sealer(objects, installation), tenants, verdicts)
}

/// Every tenant that exists or is named, with what names it. Objects that are being deleted are
/// not among them: they are not served, and nothing is written for them.
fn groups<'a>(objects: &'a Objects, installation: &Installation) -> HashMap<TenantId, Group<'a>> {
    let tenants = || objects.tenants.iter().filter(|(_, tenant)| lives(tenant.as_ref()));
    let mut claims =
        validate::claims(tenants().map(|(key, raw)| (key, raw.as_ref())), installation);
    let mut groups: HashMap<TenantId, Group<'a>> = tenants()
        .map(|(key, raw)| {
            let salt = ObjectKey::new(&key.namespace, raw.pairwise_salt_name());
            let salt = objects.secrets.get(&salt);
            let mut group = Group::of(member(objects, key, raw), claims.remove(key), salt);
            let name =
                raw.initial_access_token().map(|it| ObjectKey::new(&key.namespace, &it.name));
            group.token = name.and_then(|name| objects.secrets.get(&name));
            (TenantId(key.clone()), group)
        })
        .collect();
    for (key, raw) in objects.clients.iter().filter(|(_, raw)| lives(raw.as_ref())) {
        let id = validate::tenant_of(key, &raw.spec.tenant_ref);
        let foreign = id.0.namespace != key.namespace;
        let group = named(&mut groups, id);
        group.clients.push(member(objects, key, raw));
        if foreign {
            group.see_labels(&objects.namespaces, &key.namespace);
        }
    }
    for (key, raw) in objects.users.iter().filter(|(_, raw)| lives(raw.as_ref())) {
        let id = validate::tenant_of_user(key, &raw.spec.tenant_ref);
        named(&mut groups, id).users.push(member(objects, key, raw));
    }
    groups
}

fn named<'g, 'a>(groups: &'g mut HashMap<TenantId, Group<'a>>, id: TenantId) -> &'g mut Group<'a> {
    match groups.entry(id) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => {
            let group = Group::absent(entry.key().clone());
            entry.insert(group)
        }
    }
}

fn lives(object: &impl Resource) -> bool {
    object.meta().deletion_timestamp.is_none()
}

fn member<'a, T: SecretReferences>(
    objects: &'a Objects,
    key: &'a ObjectKey,
    raw: &'a Arc<T>,
) -> Member<'a, T> {
    let name = raw.secret_names().into_iter().next();
    let secret = name.and_then(|name| objects.secrets.get(&ObjectKey::new(&key.namespace, name)));
    Member { key, raw, secret }
}

/// The verdict on an object that could not be read; an earlier form of it may still be served.
fn judge_malformed(
    object: &ObjectRef,
    malformed: &Malformed,
    earlier: Option<Arc<Verdict>>,
) -> Verdict {
    let problem = Problem::accepted(Reason::Malformed, "", malformed.message.clone());
    let mut verdict = earlier.map_or_else(
        || Verdict {
            object: object.clone(),
            generation: None,
            problems: Vec::new(),
            outcome: Outcome::Malformed,
        },
        |earlier| Verdict::clone(&earlier),
    );
    verdict.generation = malformed.generation;
    verdict.problems.insert(0, problem);
    verdict
}

/// The installation's sealing keys, if there are any yet.
fn sealer(objects: &Objects, installation: &Installation) -> Option<Arc<Sealer>> {
    let Some(SecretState::Loaded(secret)) = objects.secrets.get(&installation.sealing_secret)
    else {
        return None;
    };
    Sealer::from_entries(&super::secrets::entries(secret)).0.map(Arc::new)
}
