//! The realm: its settings become those of the `Tenant`.

use std::{collections::BTreeMap, time::Duration};

use super::client_notes::refusing_access;
use crate::{
    api::{AccessSpec, CustomScopeSpec, EnumSpec, TenantLifetimes, TenantSpec},
    import::{
        ImportOptions, durations::duration_text, manifests::ImportCollector,
        source_field::SourceField,
    },
    model::{Issuer, RefreshTokenRotation},
};

/// Maximum lifetimes, in hours.
const MAX_TOKEN_HOURS: u64 = 24;
const MAX_SESSION_HOURS: u64 = 8784;
/// The flow by which people sign in that every realm has.
const BROWSER_FLOW: &str = "browser";

/// Parts of a realm that have no counterpart, each with the reason or the remedy.
const PARTS: [(&str, &str); 11] = [
    ("roles", "not imported: applications read groups; write groups for the roles that they need"),
    (
        "components",
        "not imported: new keys are made, and a user federation is an IdentityProvider of type LDAP, by which the directory is asked again about people who are signed in",
    ),
    ("identityProviderMappers", "not imported: write claimMappings of the IdentityProvider"),
    ("smtpServer", "not imported: set mail of the Tenant, and its password in a Secret"),
    ("clientPolicies", "not imported"),
    ("clientProfiles", "not imported"),
    ("organizations", "not imported: groups can stand for them"),
    ("scopeMappings", "not imported: Lanyard has no roles"),
    ("clientScopeMappings", "not imported: Lanyard has no roles"),
    ("loginTheme", "not imported: set branding of the Tenant"),
    (
        "passwordPolicy",
        "not imported: a password that a person chooses has at least 12 characters and cannot be guessed easily, by rules that are not set",
    ),
];

/// Parts that are the same in every export unless someone changed them.
const FLAGS: [(&str, &str); 5] = [
    ("bruteForceProtected", "not imported: attempts are always limited, by rules that are not set"),
    ("registrationAllowed", "not imported: people do not register themselves"),
    (
        "resetPasswordAllowed",
        "not imported: people who chose their password by an invitation can choose a new one where the Tenant has mail and authenticators.passwords: Optional; those with passwordSecretRef cannot",
    ),
    (
        "verifyEmail",
        "not imported: the address of a user is verified where emailVerified of the OidcUser says so",
    ),
    ("editUsernameAllowed", "not imported: people do not change their names"),
];

/// Adds the tenant, and returns its issuer.
pub(super) fn add_realm(
    import: &mut ImportCollector,
    realm: &SourceField<'_>,
    options: &ImportOptions,
    scopes: BTreeMap<String, CustomScopeSpec>,
) -> Option<String> {
    let issuer = issuer(import, realm, options);
    if realm.flag("enabled") == Some(false) {
        import.notes.add(&realm.get("enabled"), "false is not imported: the tenant serves");
    }
    // Unless refresh tokens are revoked, Keycloak accepts one again and again.
    let rotation = (!realm.is_set("revokeRefreshToken"))
        .then_some(EnumSpec::Supported(RefreshTokenRotation::PublicClients));
    let lifetimes = lifetimes(import, realm);
    let name = realm.text("displayName").filter(|name| name.chars().count() <= 128);
    let access = closed_access(import, realm);
    import.add_tenant(&TenantSpec {
        issuer: issuer.clone(),
        display_name: name,
        access,
        lifetimes: (lifetimes != TenantLifetimes::default()).then_some(lifetimes),
        refresh_token_rotation: rotation,
        scopes,
        ..TenantSpec::default()
    });
    issuer
}

/// The access of a realm with a browser flow of its own, which is not imported: its users are refused.
fn closed_access(import: &mut ImportCollector, realm: &SourceField<'_>) -> Option<AccessSpec> {
    let flow = realm.text("browserFlow").filter(|flow| flow != BROWSER_FLOW)?;
    let message = format!(
        "the flow {flow:?} is not imported, so all users of the tenant are refused (access.rules: \"false\"); write what it demanded into authenticators and access (groups, acr, rules) of the Tenant, then remove the rule"
    );
    import.notes.add(&realm.get("browserFlow"), message);
    Some(refusing_access("Sign-in has not been moved completely. Ask the operator."))
}

/// The issuer: the one that was asked for, or that of the realm's own front-end URL.
fn issuer(
    import: &mut ImportCollector,
    realm: &SourceField<'_>,
    options: &ImportOptions,
) -> Option<String> {
    let name = realm.text("realm").unwrap_or_default();
    let front = realm.get("attributes").text("frontendUrl");
    let front = front.map(|url| format!("{}/realms/{name}", url.trim_end_matches('/')));
    let Some(issuer) = options.issuer.clone().or(front) else {
        let message = format!(
            "the export does not have the realm's URL; import with --issuer https://HOST/realms/{name} to keep it, else applications get a new issuer"
        );
        import.notes.add(&realm.get("realm"), message);
        return None;
    };
    if let Err(error) = Issuer::parse(&issuer) {
        let message = format!("the issuer {issuer:?} is not imported: an issuer {error}");
        import.notes.add(&realm.get("realm"), message);
        return None;
    }
    let message = "the installation needs an entry of issuerHosts for this issuer's host, and a base URL with another; endpoints below it have other paths, which applications find by discovery";
    import.notes.add(&realm.get("realm"), message);
    Some(issuer)
}

fn lifetimes(import: &mut ImportCollector, realm: &SourceField<'_>) -> TenantLifetimes {
    let mut bounded = |field: &str, most: u64| {
        let seconds = realm.number(field).filter(|seconds| *seconds > 0)?;
        if seconds > most * 3600 {
            import.notes.add(&realm.get(field), format!("becomes {most}h, the maximum"));
        }
        Some(Duration::from_secs(seconds.min(most * 3600)))
    };
    let token = bounded("accessTokenLifespan", MAX_TOKEN_HOURS);
    let session = bounded("ssoSessionMaxLifespan", MAX_SESSION_HOURS);
    let mut session_idle = bounded("ssoSessionIdleTimeout", MAX_SESSION_HOURS);
    let mut idle = bounded("offlineSessionIdleTimeout", MAX_SESSION_HOURS);
    let offline = if realm.is_set("offlineSessionMaxLifespanEnabled") {
        bounded("offlineSessionMaxLifespan", MAX_SESSION_HOURS)
    } else {
        // Without a maximum, grants live while they are used.
        idle.map(|_| Duration::from_hours(MAX_SESSION_HOURS))
    };
    let code = realm.number("accessCodeLifespan").filter(|seconds| (1..60).contains(seconds));
    if let Some((one, all)) = session_idle.zip(session) {
        session_idle = Some(one.min(all));
    }
    if let Some((one, all)) = idle.zip(offline) {
        idle = Some(one.min(all));
    }
    TenantLifetimes {
        code: code.map(|seconds| duration_text(Duration::from_secs(seconds))),
        access_token: token.map(duration_text),
        id_token: token.map(duration_text),
        refresh_token_idle: idle.map(duration_text),
        refresh_token_absolute: offline.map(duration_text),
        session_idle: session_idle.map(duration_text),
        session_absolute: session.map(duration_text),
    }
}

/// Adds notes on fields of the realm that have no counterpart.
pub(super) fn add_remaining_notes(import: &mut ImportCollector, realm: &SourceField<'_>) {
    for (name, message) in PARTS {
        let part = realm.get(name);
        if !part.is_empty() {
            import.notes.add(&part, message);
        }
    }
    for (name, message) in FLAGS {
        if realm.is_set(name) {
            import.notes.add(&realm.get(name), message);
        }
    }
    for (name, default, message) in [
        (
            "defaultSignatureAlgorithm",
            "RS256",
            "not imported: set signing.algorithms of the Tenant",
        ),
        ("otpPolicyType", "totp", "not imported: codes are those of apps, by the time"),
    ] {
        if realm.text(name).is_some_and(|text| text != default) {
            import.notes.add(&realm.get(name), message);
        }
    }
    if realm.number("notBefore").is_some_and(|before| before > 0) {
        import.notes.add(
            &realm.get("notBefore"),
            "not imported: tokens of the realm are not accepted here",
        );
    }
    for flow in realm.items("authenticationFlows") {
        if flow.flag("builtIn") == Some(false) {
            let alias = flow.text("alias").unwrap_or_default();
            import.notes.add(&flow, format!("the flow {alias:?} is not imported"));
        }
    }
}
