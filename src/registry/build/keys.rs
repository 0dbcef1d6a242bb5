//! A tenant's signing keys, generated or imported, read from its Secret.

use super::members::ParsedObjects;
use crate::{
    api::{ConditionReason, ConditionType, SecretState, Tenant, owner::is_owned_by},
    keys::{DamagedEntry, KeyRing, ParsedKeyCache, RotationRules, import_keys},
    model::{ManagedKind, ObjectKey, SigningAlgorithm},
    registry::{
        KeySource, ValidationProblem,
        secrets::referenced_secret,
        validate::{CheckedTenant, ProblemList},
    },
};

/// The signing keys of a tenant.
#[derive(Debug)]
pub(super) struct TenantKeys {
    pub(super) source: KeySource,
    pub(super) ring: KeyRing,
    /// The listed algorithms that have a key. The check that a key may sign yet follows when it is
    /// used, because a snapshot does not depend on the time.
    pub(super) algorithms: Vec<SigningAlgorithm>,
}

/// Reads the tenant's keys. Does nothing for a tenant that is not accepted.
pub(super) fn read_signing_keys(
    problems: &mut ProblemList,
    tenant: &ParsedObjects<'_, Tenant>,
    checked: Option<&CheckedTenant>,
    cache: &ParsedKeyCache,
) -> TenantKeys {
    let Some(checked) = checked else {
        let (source, ring) = (KeySource::None, KeyRing::default());
        return TenantKeys { source, ring, algorithms: Vec::new() };
    };
    let (source, found) = match &checked.imported {
        Some(reference) => {
            let name = tenant.member.key.in_same_namespace(&reference.name);
            (KeySource::Imported, imported(tenant.member.secret, &name, reference.key.as_deref()))
        }
        None => (KeySource::Own(rules(checked)), own(problems, tenant, cache)),
    };
    let ring = found.unwrap_or_else(|found| {
        problems.append(found);
        KeyRing::default()
    });
    let has =
        |algorithm: &SigningAlgorithm| ring.keys().iter().any(|it| it.algorithm == *algorithm);
    let listed = &checked.tenant.algorithms;
    let missing: Vec<&str> = listed.iter().filter(|it| !has(it)).map(|it| it.as_str()).collect();
    if !missing.is_empty() && problems.find(ConditionType::KeysReady).is_none() {
        problems.append([lacking(&source, &missing.join(", "))]);
    }
    TenantKeys { algorithms: listed.iter().copied().filter(has).collect(), source, ring }
}

/// ID tokens are accepted as hints while their session lives, even after they expire (OIDC
/// RP-Initiated Logout §2), so keys are retained for the lifetime of a session. The rotation
/// interval caps this, so that old keys do not accumulate with frequent rotation.
fn rules(checked: &CheckedTenant) -> RotationRules {
    let (lifetimes, policy) = (&checked.tenant.lifetimes, checked.tenant.key_rotation);
    let hints = lifetimes.session_absolute.min(policy.interval);
    RotationRules {
        algorithms: checked.tenant.algorithms.clone(),
        policy,
        longest_signed: lifetimes.longest_signed().max(hints),
    }
}

fn lacking(source: &KeySource, missing: &str) -> ValidationProblem {
    let (reason, field, message) = match source {
        KeySource::Imported => (
            ConditionReason::NoSigningKey,
            "spec.signing.secretRef",
            format!(
                "the Secret has no key for {missing}; add one, or remove the algorithm from spec.signing.algorithms"
            ),
        ),
        KeySource::Own(_) | KeySource::None => {
            (ConditionReason::Pending, "", format!("no key for {missing} yet; creating one"))
        }
    };
    ValidationProblem::of(ConditionType::KeysReady, reason, field, message)
}

fn imported(
    state: Option<&SecretState>,
    name: &ObjectKey,
    only: Option<&str>,
) -> Result<KeyRing, Vec<ValidationProblem>> {
    const FIELD: &str = "spec.signing.secretRef";
    let without = |reason| {
        let message = "no signing key: see the condition ResolvedRefs";
        ValidationProblem::of(ConditionType::KeysReady, reason, "", message)
    };
    let secret = referenced_secret(state, name, FIELD)
        .map_err(|problem| vec![without(problem.reason), problem])?;
    import_keys(&secret.entries(), only).map_err(|error| {
        let message = error.to_string();
        vec![ValidationProblem::of(
            ConditionType::KeysReady,
            ConditionReason::SecretInvalid,
            FIELD,
            message,
        )]
    })
}

/// Reads the keys that Lanyard generated. If the Secret is missing or damaged, the controller
/// generates the missing keys.
fn own(
    problems: &mut ProblemList,
    tenant: &ParsedObjects<'_, Tenant>,
    cache: &ParsedKeyCache,
) -> Result<KeyRing, Vec<ValidationProblem>> {
    let name = tenant.raw.signing_keys_name();
    let problem = |reason, message: String| {
        ValidationProblem::of(ConditionType::KeysReady, reason, "", message)
    };
    let secret = match tenant.member.secret {
        None => return Ok(KeyRing::default()),
        Some(SecretState::Unreadable(why)) => {
            let message = format!("cannot read Secret {name:?}: {why}");
            return Err(vec![problem(ConditionReason::SecretUnreadable, message)]);
        }
        Some(SecretState::Loaded(secret)) => secret,
    };
    if !is_owned_by(secret, ManagedKind::Tenant, &tenant.member.key.name) {
        let message = format!(
            "Secret {name:?} already exists and is not owned by this tenant; delete it, or rename the tenant"
        );
        return Err(vec![problem(ConditionReason::NotOwned, message)]);
    }
    let (ring, damaged) = cache.ring(&secret.entries());
    if let Some(message) = describe(&damaged) {
        let message =
            format!("Secret {name:?} has damaged entries, which are being replaced: {message}");
        problems.append([problem(ConditionReason::KeysDamaged, message)]);
    }
    Ok(ring)
}

/// Describes the damaged entries. Entries that a newer release may have written are not reported.
fn describe(damaged: &[DamagedEntry]) -> Option<String> {
    let texts: Vec<String> = damaged
        .iter()
        .filter(|entry| !entry.foreign)
        .map(|entry| format!("{} {}", entry.name, entry.problem))
        .collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}
