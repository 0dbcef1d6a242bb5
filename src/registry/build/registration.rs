//! Dynamic registration at a tenant: whether it is enabled, its token and the number of clients.

use super::members::{ParsedObjects, TenantGroup};
use crate::{
    api::{OidcClient, SecretKeyRef},
    model::{RegistrationMode, Secret},
    registry::{
        RegistrationService, ValidationProblem,
        secrets::{EntryReference, parse_secret_entry},
        validate::{CheckedTenant, ProblemList, is_registered},
    },
};

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
    let reference = EntryReference {
        object: &group.id.0,
        reference,
        default_entry: DEFAULT_ENTRY,
        field: "spec.registration.initialAccessTokenSecretRef",
    };
    parse_secret_entry(group.token, reference, |text| {
        let text = text.trim_end_matches(['\r', '\n']);
        if LENGTHS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Secret::new(text.to_owned()));
        }
        Err("must consist of 16 to 512 printable ASCII characters without spaces")
    })
}
