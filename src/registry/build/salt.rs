//! The salt of a tenant's pairwise subjects, read from its Secret. It must never change, so the
//! tenant's status stores its fingerprint.

use super::members::ParsedObjects;
use crate::{
    api::{
        ConditionReason, ConditionType, EnumSpec, OidcClient, SecretState, Tenant,
        owner::is_owned_by,
    },
    keys::{PairwiseSalt, read_salt},
    model::{ManagedKind, RegistrationMode, SubjectType},
    registry::{SaltOutcome, ValidationProblem, validate::ProblemList},
};

/// Returns true if the salt is needed, or may soon be.
pub(super) fn needs_salt(
    tenant: &ParsedObjects<'_, Tenant>,
    clients: &[ParsedObjects<'_, OidcClient>],
) -> bool {
    let registration = tenant.raw.spec.registration.as_ref();
    let mode = registration.and_then(|registration| registration.mode.as_ref());
    let registers = !matches!(mode, None | Some(EnumSpec::Supported(RegistrationMode::Disabled)));
    let pairwise = Some(&EnumSpec::Supported(SubjectType::Pairwise));
    registers || clients.iter().any(|it| it.raw.spec.subject_type.as_ref() == pairwise)
}

/// Reads the salt, and decides what the controller has to do about it.
pub(super) fn read_pairwise_salt(
    problems: &mut ProblemList,
    tenant: &ParsedObjects<'_, Tenant>,
    state: Option<&SecretState>,
) -> (Option<PairwiseSalt>, SaltOutcome) {
    let known = tenant.member.cached.status_digest().salt();
    match read(tenant, state, known) {
        Ok(Some(salt)) => {
            let fingerprint = Some(salt.fingerprint());
            (Some(salt), SaltOutcome { make: false, fingerprint })
        }
        Ok(None) => (None, SaltOutcome { make: true, fingerprint: None }),
        Err((reason, message)) => {
            problems.append([ValidationProblem::of(ConditionType::KeysReady, reason, "", message)]);
            (None, SaltOutcome { make: false, fingerprint: known.map(str::to_owned) })
        }
    }
}

fn read(
    tenant: &ParsedObjects<'_, Tenant>,
    state: Option<&SecretState>,
    known: Option<&str>,
) -> Result<Option<PairwiseSalt>, (ConditionReason, String)> {
    let name = tenant.raw.pairwise_salt_name();
    let remedy = "restore it from a backup. Until then clients with subjectType: pairwise are not served, because all their subjects would change";
    let secret = match state {
        None if known.is_none() => return Ok(None),
        None => {
            let message = format!(
                "Secret {name:?} with the salt for pairwise subjects does not exist; {remedy}"
            );
            return Err((ConditionReason::KeysDamaged, message));
        }
        Some(SecretState::Unreadable(why)) => {
            let message = format!("cannot read Secret {name:?}: {why}");
            return Err((ConditionReason::SecretUnreadable, message));
        }
        Some(SecretState::Loaded(secret)) => secret,
    };
    if !is_owned_by(secret, ManagedKind::Tenant, &tenant.member.key.name) {
        let message = format!(
            "Secret {name:?} already exists and is not owned by this tenant; delete it, or rename the tenant"
        );
        return Err((ConditionReason::NotOwned, message));
    }
    let salt = read_salt(&secret.entries()).map_err(|problem| {
        (ConditionReason::KeysDamaged, format!("Secret {name:?} {problem}; {remedy}"))
    })?;
    if known.is_some_and(|known| known != salt.fingerprint()) {
        let message = format!("Secret {name:?} contains a different salt than before; {remedy}");
        return Err((ConditionReason::KeysDamaged, message));
    }
    Ok(Some(salt))
}
