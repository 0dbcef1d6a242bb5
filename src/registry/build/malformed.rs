//! Objects that do not deserialize: their verdicts, and what can be read of them.

use std::{collections::HashMap, sync::Arc};

use super::{
    members::{GroupMember, TenantGroup},
    named,
};
use crate::{
    api::{AnyCachedObject, ConditionReason, MalformedObject, ObjectSet},
    model::{ObjectRef, TenantId},
    registry::{ObjectOutcome, ValidationProblem, Verdict},
};

/// Adds objects that do not deserialize, with the fields that can be read. The names that they claim therefore stay
/// reserved for them.
pub(super) fn add_malformed<'a>(
    groups: &mut HashMap<TenantId, TenantGroup<'a>>,
    objects: &'a ObjectSet,
) {
    let unread = objects.malformed.iter().filter(|(object, _)| !objects.managed.contains(object));
    for (ObjectRef { key, .. }, malformed) in unread {
        match malformed.readable.as_ref().filter(|it| !it.is_deleting()) {
            Some(AnyCachedObject::OidcClient(cached)) => {
                let group = named(groups, &cached.summary().tenant);
                group.clients.push(GroupMember { key, cached, secret: None });
                group.client_authorities.push(None);
                if group.id.0.namespace != key.namespace {
                    group.add_namespace_labels(&objects.namespaces, &key.namespace);
                }
            }
            Some(AnyCachedObject::OidcUser(cached)) => {
                let group = named(groups, &cached.summary().tenant);
                group.users.push(GroupMember { key, cached, secret: None });
            }
            Some(AnyCachedObject::IdentityProvider(cached)) => {
                let group = named(groups, &cached.summary().tenant);
                group.providers.push(GroupMember { key, cached, secret: None });
                group.provider_cas.push(None);
            }
            Some(AnyCachedObject::Tenant(_) | AnyCachedObject::ResourceServer(_)) | None => {}
        }
    }
}

/// The verdict on an object that does not deserialize. Its last valid version may still be served.
pub(super) fn evaluate_malformed(
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
