//! Protocol features of a tenant: levels of assurance, request objects, registration.

use std::{collections::BTreeSet, time::Duration};

use super::{ProblemList, duration, refuse_duplicates, secret_ref};
use crate::{
    api::{self, ConditionReason},
    model::{
        AcrLevel, AuthenticatorPolicy, Issuer, RegistrationMode, RegistrationPolicy,
        RequestObjectPolicy, TenantAuthenticators,
    },
    protocol::webauthn::RelyingParty,
};

const MINUTE: Duration = Duration::from_mins(1);
const TEN_YEARS: Duration = Duration::from_hours(87_840);

/// Validates levels of assurance: unique, and usable as words of `acr_values`.
pub fn acr_levels(problems: &mut ProblemList, written: &[api::AcrLevelSpec]) -> Vec<AcrLevel> {
    let mut seen = BTreeSet::new();
    for (index, level) in written.iter().enumerate() {
        let field = format!("spec.acrLevels[{index}].value");
        if level.value.is_empty() || !level.value.bytes().all(|byte| byte.is_ascii_graphic()) {
            problems.invalid(field, "must be printable ASCII without spaces");
        } else if !seen.insert(&level.value) {
            problems.invalid(field, "is a duplicate; remove it");
        }
    }
    let level = |it: &api::AcrLevelSpec| AcrLevel { value: it.value.clone(), amr: it.amr.clone() };
    written.iter().map(level).collect()
}

/// Request objects: both kinds are accepted unless disabled.
pub fn request_objects(written: Option<&api::RequestObjectsSpec>) -> RequestObjectPolicy {
    let default = RequestObjectPolicy::default();
    written.map_or(default, |written| RequestObjectPolicy {
        by_value: written.by_value.unwrap_or(default.by_value),
        by_reference: written.by_reference.unwrap_or(default.by_reference),
    })
}

/// The authenticators. Whether the store keeps them is known later.
pub fn authenticator_policies(
    problems: &mut ProblemList,
    spec: &api::TenantSpec,
    issuer: Option<&Issuer>,
) -> TenantAuthenticators {
    let written = spec.authenticators.as_ref();
    let totp = written.and_then(|it| it.totp.as_ref());
    let totp = problems.supported("spec.authenticators.totp", totp).unwrap_or_default();
    let field = "spec.authenticators.passkeys";
    let passkeys = written.and_then(|it| it.passkeys.as_ref());
    let mut passkeys: AuthenticatorPolicy = problems.supported(field, passkeys).unwrap_or_default();
    let no_party = issuer.filter(|issuer| RelyingParty::of(issuer).is_none());
    if let Some(issuer) = no_party.filter(|_| passkeys == AuthenticatorPolicy::Required) {
        let message = format!(
            "browsers have no passkeys at {issuer}, so people could not sign in; use an https issuer with a domain, or set passkeys: Disabled"
        );
        problems.invalid(field, message);
    } else if let Some(issuer) = no_party.filter(|_| passkeys != AuthenticatorPolicy::Disabled) {
        let message = format!(
            "browsers have no passkeys at {issuer}; use an https issuer with a domain, or set passkeys: Disabled"
        );
        problems.warn(ConditionReason::PasskeysUnavailable, field, message);
        passkeys = AuthenticatorPolicy::Disabled;
    }
    let passwords = written.and_then(|it| it.passwords.as_ref());
    let passwords =
        problems.supported("spec.authenticators.passwords", passwords).unwrap_or_default();
    TenantAuthenticators { totp, passkeys, passwords, are_kept: false }
}

/// Validates the settings for dynamic registration.
pub fn registration_settings(
    problems: &mut ProblemList,
    written: Option<&api::RegistrationSpec>,
) -> RegistrationPolicy {
    let default = RegistrationPolicy::default();
    let Some(written) = written else { return default };
    let mode =
        problems.supported("spec.registration.mode", written.mode.as_ref()).unwrap_or_default();
    match &written.initial_access_token_secret_ref {
        Some(reference) => {
            let field = "spec.registration.initialAccessTokenSecretRef";
            secret_ref(problems, field, reference);
            if mode != RegistrationMode::InitialAccessToken {
                problems
                    .invalid(field, "must only be set with mode: InitialAccessToken; remove it");
            }
        }
        None if mode == RegistrationMode::InitialAccessToken => {
            let message = "mode: InitialAccessToken requires initialAccessTokenSecretRef; set it to the Secret with the token";
            problems.invalid("spec.registration", message);
        }
        None => {}
    }
    refuse_duplicates(problems, "spec.registration.resources", &written.resources);
    let unused = duration::duration_within(
        problems,
        "spec.registration.unusedLifetime",
        written.unused_lifetime.as_ref(),
        MINUTE..=TEN_YEARS,
    );
    RegistrationPolicy {
        mode,
        max_clients: number(problems, "maxClients", written.max_clients, 100_000)
            .unwrap_or(default.max_clients),
        unused_lifetime: unused.unwrap_or(default.unused_lifetime),
        requests_per_minute: number(
            problems,
            "requestsPerMinute",
            written.requests_per_minute,
            10_000,
        )
        .unwrap_or(default.requests_per_minute),
    }
}

fn number(problems: &mut ProblemList, name: &str, written: Option<i64>, most: u32) -> Option<u32> {
    let written = written?;
    match u32::try_from(written) {
        Ok(number) if (1..=most).contains(&number) => Some(number),
        _ => {
            let message = format!("must be between 1 and {most}");
            problems.invalid(format!("spec.registration.{name}"), message);
            None
        }
    }
}
