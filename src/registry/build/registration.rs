//! Whether a tenant takes registrations, with which token, and how many clients it has from them.

use super::group::{ParsedObjects, TenantGroup};
use crate::{
    api::{ConditionReason, ConditionType, OidcClient, SecretKeyRef},
    model::{ObjectKey, RegistrationMode, Secret},
    registry::{
        RegistrationService, ValidationProblem,
        secrets::{referenced, text_entry},
        validate::{CheckedTenant, ProblemList, is_registered},
    },
};

const FIELD: &str = "spec.registration.initialAccessTokenSecretRef";
/// The entry with the token, unless the tenant names another.
const DEFAULT_ENTRY: &str = "token";
/// Characters of a token: fewer could be guessed.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=512;

/// Where clients register, if the tenant lets them. Without its token nobody may, and the tenant's
/// conditions say so; everything else goes on.
pub(super) fn desk(
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
    let secret = referenced(group.token, &name, FIELD)?;
    let entry = reference.key.as_deref().unwrap_or(DEFAULT_ENTRY);
    let text = text_entry(secret, entry, FIELD)?.trim_end_matches(['\r', '\n']);
    if LENGTHS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Secret::new(text.to_owned()));
    }
    let message = format!(
        "the Secret's entry {entry:?} must have 16 to 512 characters of printable ASCII without spaces"
    );
    Err(ValidationProblem::of(
        ConditionType::ResolvedRefs,
        ConditionReason::SecretInvalid,
        FIELD,
        message,
    ))
}
