//! Makes the salt of a tenant's pairwise subjects: once, create-only, where there never was one.

use k8s_openapi::api::core::v1::Secret;

use super::super::secret_writes::{PlannedWrite, SecretWrite};
use crate::{
    api::{owner, pairwise_salt_name},
    keys::{KeyEntries, new_salt},
    model::{Entropy, ObjectKey, ObjectRef, Timestamp},
    registry::SaltOutcome,
};

/// The write that is due, if any.
pub(super) fn plan(
    tenant: &ObjectRef,
    salt: Option<&SaltOutcome>,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Option<PlannedWrite> {
    salt.filter(|salt| salt.make)?;
    let key = ObjectKey::new(&tenant.key.namespace, pairwise_salt_name(&tenant.key.name));
    let owner = owner::annotation(tenant.kind.as_str(), &tenant.key.name);
    let secret = Secret {
        metadata: owner::metadata(&key, &owner),
        type_: Some("Opaque".to_owned()),
        data: Some(KeyEntries::from([new_salt(entropy, now)])),
        // Nobody edits it by accident; a restored one may be as mutable as it likes.
        immutable: Some(true),
        ..Secret::default()
    };
    Some(PlannedWrite::from(SecretWrite::Create(Box::new(secret))))
}
