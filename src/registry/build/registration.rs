//! Dynamic registration at a tenant: whether it is enabled, its token and the number of clients.

use super::members::{ParsedObjects, TenantGroup};
use crate::{
    api::{ConditionReason, ConditionType, OidcClient, SecretKeyRef},
    model::{ObjectKey, RegistrationMode, Secret},
    registry::{
        RegistrationService, ValidationProblem,
        secrets::{referenced_secret, text_entry},
        validate::{CheckedTenant, ProblemList, is_registered},
    },
};

const FIELD: &str = "spec.registration.initialAccessTokenSecretRef";
/// Default entry of the Secret with the initial access token.
const DEFAULT_ENTRY: &str = "token";
/// Length of an initial access token in characters. The minimum prevents guessing.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=512;

/// The tenant's registration service, if registration is enabled. Without the initial access token
/// all registrations are rejected and the tenant's conditions report it; the tenant stays served.
pub(super) fn registration_service(
    problems: &mut ProblemList,
    group: &TenantGroup<'_>,
    clients: &[ParsedObjects<'_, OidcClient>],
    checked: &CheckedTenant,
) -> Option<RegistrationService> {
    let token = match checked.tenant.registration.mode {
        RegistrationMode::Disabled => return None,
        RegistrationMode::Open => None,
        RegistrationMode::InitialAccessToken => {
            let found = token(group, checked.initial_access_token.as_ref()?);
            found.map_err(|problem| problems.append([problem])).ok()
        }
    };
    let registered = clients.iter().filter(|it| is_registered(&it.raw)).count();
    Some(RegistrationService::new(checked.clone(), token, registered))
}

fn token(
    group: &TenantGroup<'_>,
    reference: &SecretKeyRef,
) -> Result<Secret<String>, ValidationProblem> {
    let name = ObjectKey::new(&group.id.0.namespace, &reference.name);
    let secret = referenced_secret(group.token, &name, FIELD)?;
    let entry = reference.key.as_deref().unwrap_or(DEFAULT_ENTRY);
    let text = text_entry(secret, entry, FIELD)?.trim_end_matches(['\r', '\n']);
    if LENGTHS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Secret::new(text.to_owned()));
    }
    let message = format!(
        "the Secret's entry {entry:?} must consist of 16 to 512 printable ASCII characters without spaces"
    );
    Err(ValidationProblem::of(
        ConditionType::ResolvedRefs,
        ConditionReason::SecretInvalid,
        FIELD,
        message,
    ))
}
