//! The issuer of a deleted tenant stays reserved for its name for a while. The tenant's key Secret,
//! which outlives it, remembers the issuer in its annotations.

use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};

use super::super::{
    ControllerContext, ReconcileError, action::Action, observed::ObservedState,
    secret_writes::SecretWrite,
};
use crate::{
    api::{
        GONE_SINCE_ANNOTATION, ISSUER_ANNOTATION, IssuerReservation, SecretState, owner,
        signing_keys_name,
    },
    model::{Issuer, ObjectRef, Timestamp},
    source::SecretAnnotation,
};

/// Writes the issuer of an existing tenant into the metadata of its key Secret. The last one stays
/// while the tenant has none.
pub fn remember_issuer(metadata: &mut ObjectMeta, issuer: Option<&Issuer>) {
    let annotations = metadata.annotations.get_or_insert_default();
    annotations.remove(GONE_SINCE_ANNOTATION);
    if let Some(issuer) = issuer {
        annotations.insert(ISSUER_ANNOTATION.to_owned(), issuer.to_string());
    }
}

/// Plans the key Secret of a tenant whose keys Lanyard does not make: it only remembers the issuer.
/// It is created with `imported` keys, and only updated for a tenant that is not accepted.
pub fn plan_reservation(
    observed: &ObservedState,
    tenant: &ObjectRef,
    issuer: Option<&Issuer>,
    imported: bool,
) -> Option<SecretWrite> {
    let key = tenant.key.in_same_namespace(signing_keys_name(&tenant.key.name));
    let owner = owner::owner_annotation(tenant.kind.as_str(), &tenant.key.name);
    match observed.secret(&key) {
        None => {
            issuer.filter(|_| imported)?;
            let mut metadata = owner::owned_metadata(&key, &owner);
            remember_issuer(&mut metadata, issuer);
            let type_ = Some("Opaque".to_owned());
            Some(SecretWrite::Create(Box::new(Secret { metadata, type_, ..Secret::default() })))
        }
        Some(SecretState::Loaded(found))
            if owner::is_owner(tenant, found) && !found.is_deleting() =>
        {
            let before = found.to_secret(&key);
            let mut secret = before.clone();
            remember_issuer(&mut secret.metadata, issuer);
            (secret.metadata != before.metadata).then(|| SecretWrite::Replace(Box::new(secret)))
        }
        Some(_) => None,
    }
}

/// The step that is due for the reservation of a tenant that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DueStep {
    Begin,
    Wait(Timestamp),
    End,
}

fn due(reservation: &IssuerReservation, now: Timestamp) -> DueStep {
    match reservation.ends() {
        None => DueStep::Begin,
        Some(end) if end <= now => DueStep::End,
        Some(end) => DueStep::Wait(end),
    }
}

/// Begins or ends the reservation of a deleted tenant's issuer.
pub async fn reserve_issuer(
    context: &ControllerContext,
    observed: &ObservedState,
    tenant: &ObjectRef,
) -> Result<Action, ReconcileError> {
    let key = tenant.key.in_same_namespace(signing_keys_name(&tenant.key.name));
    let Some(SecretState::Loaded(secret)) = observed.secret(&key) else {
        return Ok(Action::Nothing(None));
    };
    if !owner::is_owner(tenant, secret) || secret.is_deleting() {
        return Ok(Action::Nothing(None));
    }
    let Some(reservation) = secret.issuer_reservation() else { return Ok(Action::Nothing(None)) };
    let now = context.clock.now();
    let changes: Vec<SecretAnnotation> = match due(reservation, now) {
        DueStep::Wait(end) => return Ok(Action::Nothing(Some(end))),
        DueStep::Begin => vec![(GONE_SINCE_ANNOTATION, Some(now.to_string()))],
        DueStep::End => vec![(GONE_SINCE_ANNOTATION, None), (ISSUER_ANNOTATION, None)],
    };
    let version = secret.version().unwrap_or_default();
    let written = context.source.annotate_secret(&key, version, &changes).await;
    written.map_err(|error| ReconcileError::Write {
        what: format!("annotate Secret {:?}", &*key.name),
        error,
    })?;
    if changes.iter().any(|(_, value)| value.is_some()) {
        tracing::info!(secret = %key, "reserved the issuer of a deleted tenant for ten minutes");
    } else {
        tracing::info!(secret = %key, "the issuer of a deleted tenant is free");
    }
    Ok(Action::Wrote)
}
