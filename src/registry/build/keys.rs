//! A tenant's signing keys as its Secret has them: its own, or brought by the user.

use super::group::ParsedObjects;
use crate::{
    api::{ConditionReason, ConditionType, SecretState, Tenant, owner::is_owned_by},
    keys::{DamagedEntry, KeyRing, ParsedKeyCache, RotationRules, import},
    model::{ObjectKey, ObjectKind, SigningAlgorithm},
    registry::{
        KeySource, ValidationProblem,
        secrets::referenced,
        validate::{CheckedTenant, ProblemList},
    },
};

/// A tenant's keys.
#[derive(Debug)]
pub(super) struct TenantKeys {
    pub(super) source: KeySource,
    pub(super) ring: KeyRing,
    /// The listed algorithms that there are keys for. Whether one signs yet is left to the moment
    /// of signing: a snapshot does not depend on the time.
    pub(super) algorithms: Vec<SigningAlgorithm>,
}

/// Reads the keys; those of a tenant that is not accepted are left alone.
pub(super) fn of_tenant(
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
            let name = tenant.member.key.beside(&reference.name);
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

/// An ID token is a hint for as long as its session lives, expired or not (OIDC RP-Initiated Logout
/// §2): its key stays for that, but for no longer than a key signs, so that old keys do not pile up
/// where they follow each other fast.
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
                "the Secret has no key for {missing}; add one, or take the algorithm off spec.signing.algorithms"
            ),
        ),
        KeySource::Own(_) | KeySource::None => {
            (ConditionReason::Pending, "", format!("keys for {missing} are being made"))
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
        let message = "there is no key to sign with: see ResolvedRefs";
        ValidationProblem::of(ConditionType::KeysReady, reason, "", message)
    };
    let secret =
        referenced(state, name, FIELD).map_err(|problem| vec![without(problem.reason), problem])?;
    import(&secret.entries(), only).map_err(|error| {
        let message = error.to_string();
        vec![ValidationProblem::of(
            ConditionType::KeysReady,
            ConditionReason::SecretInvalid,
            FIELD,
            message,
        )]
    })
}

/// The keys that Lanyard made. Without a Secret, or with a damaged one, the controller makes what
/// is missing at once.
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
            let message = format!("the Secret {name} may not be read: {why}");
            return Err(vec![problem(ConditionReason::SecretUnreadable, message)]);
        }
        Some(SecretState::Loaded(secret)) => secret,
    };
    if !is_owned_by(secret, ObjectKind::Tenant, &tenant.member.key.name) {
        let message = format!(
            "there is a Secret {name} that Lanyard did not make, which it neither uses nor changes; delete it, or rename the tenant"
        );
        return Err(vec![problem(ConditionReason::NotOwned, message)]);
    }
    let (ring, damaged) = cache.ring(&secret.entries());
    if let Some(message) = describe(&damaged) {
        let message =
            format!("entries of the Secret {name} are damaged and being replaced: {message}");
        problems.append([problem(ConditionReason::KeysDamaged, message)]);
    }
    Ok(ring)
}

/// Entries that a newer release may have written are in order, and left alone.
fn describe(damaged: &[DamagedEntry]) -> Option<String> {
    let texts: Vec<String> = damaged
        .iter()
        .filter(|entry| !entry.foreign)
        .map(|entry| format!("{} {}", entry.name, entry.problem))
        .collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}
