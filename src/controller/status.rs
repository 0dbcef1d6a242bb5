//! What an object's status should say, and when that is news.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{Context, Error, memory::Memory, tenant, world::World};
use crate::{
    api::{ConditionType, OidcClientStatus, OidcUserStatus, Reason, TenantStatus},
    model::{Kind, ObjectRef, Timestamp},
    registry::{self, Outcome, SecretWish, Verdict},
    source::{Notice, Status, WriteError},
};

/// Publishes the status of an object where it differs from the one it has, and tells of a problem
/// that is new.
pub async fn publish(
    context: &Context,
    world: &World,
    memory: &Memory,
    verdict: &Verdict,
) -> Result<(), Error> {
    let object = &verdict.object;
    let version = world.metadata(object).and_then(|metadata| metadata.resource_version.clone());
    let shown = match verdict.outcome {
        Outcome::Malformed => None,
        _ => shown(world, object),
    };
    let before = memory.current(object, shown, version.as_deref());
    let previous = before.as_ref().map_or(&[][..], conditions);
    let now = context.clock.now();
    let status =
        wanted(verdict, registry::conditions(verdict, previous, now), before.as_ref(), now);
    if before.as_ref().is_some_and(|before| same(before, &status)) {
        return Ok(());
    }
    match context.source.publish_status(object, status.clone()).await {
        Ok(()) => {}
        // Whoever deleted it meanwhile does not miss a status.
        Err(WriteError::NotFound) => return Ok(()),
        Err(error) => {
            return Err(Error::Write { what: format!("publishing the status of {object}"), error });
        }
    }
    if let Some(notice) = notice(object, previous, conditions(&status)) {
        context.source.notify(notice).await;
    }
    memory.published(object, version, status);
    Ok(())
}

/// The status that a verdict comes to.
fn wanted(
    verdict: &Verdict,
    conditions: Vec<Condition>,
    before: Option<&Status>,
    now: Timestamp,
) -> Status {
    let known_salt = match before {
        Some(Status::Tenant(before)) => before.pairwise_salt_fingerprint.clone(),
        _ => None,
    };
    let observed_generation = verdict.generation;
    match &verdict.outcome {
        Outcome::Tenant(tenant) => Status::Tenant(TenantStatus {
            observed_generation,
            issuer: tenant.issuer.as_ref().map(ToString::to_string),
            signing_keys: tenant::signing_keys(tenant, now),
            // What was known once stays known, whether it is wanted now or not, and whatever a
            // view shows that is older than our last write.
            pairwise_salt_fingerprint: known_salt
                .or_else(|| tenant.salt.as_ref().and_then(|salt| salt.fingerprint.clone())),
            conditions,
        }),
        Outcome::Client(client) => Status::OidcClient(OidcClientStatus {
            observed_generation,
            client_id: client.client_id.as_ref().map(ToString::to_string),
            issuer: client.issuer.as_ref().map(ToString::to_string),
            secret_name: match &client.secret {
                SecretWish::None => None,
                SecretWish::Referenced(name) => Some(name.clone()),
                SecretWish::Generated(secret) => Some(secret.name.clone()),
            },
            conditions,
        }),
        Outcome::User(user) => Status::OidcUser(OidcUserStatus {
            observed_generation,
            subject: user.subject.as_ref().map(ToString::to_string),
            conditions,
        }),
        Outcome::Malformed => Status::Malformed(conditions),
    }
}

/// The status that a view shows.
fn shown(world: &World, object: &ObjectRef) -> Option<Status> {
    let (objects, key) = (&world.view.objects, &object.key);
    Some(match object.kind {
        Kind::Tenant => {
            Status::Tenant(objects.tenants.get(key)?.status.clone().unwrap_or_default())
        }
        Kind::OidcClient => {
            Status::OidcClient(objects.clients.get(key)?.status.clone().unwrap_or_default())
        }
        Kind::OidcUser => {
            Status::OidcUser(objects.users.get(key)?.status.clone().unwrap_or_default())
        }
        Kind::Secret | Kind::Namespace => return None,
    })
}

/// Whether a status says anything.
pub fn is_set(status: &Status) -> bool {
    !conditions(status).is_empty()
}

fn conditions(status: &Status) -> &[Condition] {
    match status {
        Status::Tenant(status) => &status.conditions,
        Status::OidcClient(status) => &status.conditions,
        Status::OidcUser(status) => &status.conditions,
        Status::Malformed(conditions) => conditions,
    }
}

/// Whether two statuses say the same, whenever they came to say it.
fn same(one: &Status, other: &Status) -> bool {
    timeless(one) == timeless(other)
}

fn timeless(status: &Status) -> Status {
    let mut status = status.clone();
    let conditions = match &mut status {
        Status::Tenant(status) => &mut status.conditions,
        Status::OidcClient(status) => &mut status.conditions,
        Status::OidcUser(status) => &mut status.conditions,
        Status::Malformed(conditions) => conditions,
    };
    for condition in conditions {
        condition.last_transition_time.0 = jiff::Timestamp::UNIX_EPOCH;
    }
    status
}

/// An Event for a problem that was not there before. What is merely being made is none.
fn notice(object: &ObjectRef, before: &[Condition], now: &[Condition]) -> Option<Notice> {
    let ready = |conditions: &[Condition]| {
        let found = conditions.iter().find(|one| one.type_ == ConditionType::Ready.as_str());
        // A malformed object has no other condition to be ready by.
        found.or_else(|| conditions.iter().find(|one| one.status == "False")).cloned()
    };
    let problem = ready(now).filter(|ready| ready.status == "False")?;
    let known = ready(before)
        .is_some_and(|old| old.reason == problem.reason && old.message == problem.message);
    let reason = Reason::ALL.iter().find(|reason| reason.as_str() == problem.reason)?;
    (!known && *reason != Reason::Pending).then(|| Notice {
        object: object.clone(),
        warning: true,
        reason: reason.as_str(),
        action: "Reconcile",
        message: problem.message,
    })
}

#[cfg(test)]
mod tests;
