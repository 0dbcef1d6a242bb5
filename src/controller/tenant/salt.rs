//! Plans the creation of the pairwise salt: once, and only if the tenant never had one.

use k8s_openapi::api::core::v1::Secret;

use super::super::secret_writes::{PlannedWrite, SecretWrite};
use crate::{
    api::{owner, pairwise_salt_name},
    keys::{KeyEntries, new_pairwise_salt},
    model::{Entropy, ObjectKey, ObjectRef, Timestamp},
    registry::SaltOutcome,
};

/// The write to perform, if any.
pub(super) fn plan_salt(
    tenant: &ObjectRef,
    salt: Option<&SaltOutcome>,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Option<PlannedWrite> {
    salt.filter(|salt| salt.make)?;
    let key = ObjectKey::new(&tenant.key.namespace, pairwise_salt_name(&tenant.key.name));
    let owner = owner::owner_annotation(tenant.kind.as_str(), &tenant.key.name);
    let secret = Secret {
        metadata: owner::owned_metadata(&key, &owner),
        type_: Some("Opaque".to_owned()),
        data: Some(KeyEntries::from([new_pairwise_salt(entropy, now)])),
        // Protects against accidental edits. A Secret restored from a backup need not be immutable.
        immutable: Some(true),
        ..Secret::default()
    };
    Some(PlannedWrite::from(SecretWrite::Create(Box::new(secret))))
}
