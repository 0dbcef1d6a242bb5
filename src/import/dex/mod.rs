//! Dex: its configuration file.
//!
//! The claim `sub` stays: people of the local connector get it as `subject`, those of other
//! connectors by the strategy `Dex` with the connector's id.

mod certificates;
mod clients;
mod connectors;
mod directory;
mod drafts;
mod environment;
mod github;
mod openid;
mod people;

use std::time::Duration;

use serde_json::Value;

use super::{
    ImportOptions, ImportResult, ImportSourceError,
    durations::{duration_text, parse_go_duration},
    manifests::ImportCollector,
    providers,
    source_field::SourceField,
};
use crate::{
    api::{EnumSpec, TenantLifetimes, TenantSpec},
    model::{Issuer, RefreshTokenRotation},
};

const DEFAULT_TENANT: &str = "main";

/// Sections that have no counterpart, each with the reason or the remedy.
const SECTIONS: [(&str, &str); 7] = [
    (
        "storage",
        "not imported: sessions and refresh tokens of Dex end with the move, and people sign in again; choose a store with --store",
    ),
    (
        "web",
        "not imported: addresses and certificates are flags of `lanyard run`, values of the chart",
    ),
    ("telemetry", "not imported: metrics are served at --admin-listen"),
    ("grpc", "not imported: clients and users are resources; Lanyard has no gRPC API"),
    ("logger", "not imported: use --log-format and --log-level"),
    ("frontend", "not imported: set branding and displayName of the Tenant"),
    ("additionalFeatures", "not imported"),
];

/// Converts a configuration.
///
/// # Errors
///
/// [`ImportSourceError::NotDex`] if the value has no field of one.
pub fn import_dex(
    config: &Value,
    options: &ImportOptions,
) -> Result<ImportResult, ImportSourceError> {
    let root = SourceField::root_of(0, config);
    let known = ["issuer", "connectors", "staticClients", "staticPasswords"];
    if known.iter().all(|name| root.get(name).is_empty()) {
        return Err(ImportSourceError::NotDex);
    }
    let mut import = ImportCollector::new(DEFAULT_TENANT, options);
    let issuer = tenant(&mut import, &root, options);
    let drafts = connectors::connector_drafts(&mut import, &root);
    clients::add_dex_clients(&mut import, &root, &drafts);
    let has_local_people = people::add_dex_people(&mut import, &root);
    providers::write_providers(&mut import, drafts, issuer.as_deref(), has_local_people);
    rest(&mut import, &root);
    Ok(import.into_imported())
}

fn tenant(
    import: &mut ImportCollector,
    root: &SourceField<'_>,
    options: &ImportOptions,
) -> Option<String> {
    let written = options.issuer.clone().or_else(|| root.text("issuer"));
    let issuer = written.filter(|issuer| match Issuer::parse(issuer) {
        Ok(_) => true,
        Err(error) => {
            let message = format!("not imported: an issuer {error}; set spec.issuer of the Tenant, and change it in applications");
            import.notes.add(&root.get("issuer"), message);
            false
        }
    });
    if issuer.is_some() {
        let message = "the installation needs an entry of issuerHosts for this host, and a base URL with another";
        import.notes.add(&root.get("issuer"), message);
    } else if root.get("issuer").is_empty() {
        import.notes.add(&root.get("issuer"), "is missing; set spec.issuer of the Tenant");
    }
    let expiry = root.get("expiry");
    let refresh = expiry.get("refreshTokens");
    let lifetimes = lifetimes(import, &expiry);
    let reuse = refresh.text("reuseInterval").and_then(|text| parse_go_duration(&text));
    let rotation = refresh
        .is_set("disableRotation")
        .then_some(EnumSpec::Supported(RefreshTokenRotation::PublicClients));
    if rotation.is_some() {
        let message = "becomes refreshTokenRotation: PublicClients; refresh tokens of clients without a secret are rotated";
        import.notes.add(&refresh.get("disableRotation"), message);
    }
    import.notes.add_unknown(
        &refresh,
        &["validIfNotUsedFor", "absoluteLifetime", "reuseInterval", "disableRotation"],
    );
    import.notes.add_unknown(&expiry, &["idTokens", "refreshTokens"]);
    import.add_tenant(&TenantSpec {
        issuer: issuer.clone(),
        lifetimes: (lifetimes != TenantLifetimes::default()).then_some(lifetimes),
        refresh_token_reuse_window: reuse
            .map(|window| duration_text(window.min(Duration::from_mins(5)))),
        refresh_token_rotation: rotation,
        ..TenantSpec::default()
    });
    issuer
}

fn lifetimes(import: &mut ImportCollector, expiry: &SourceField<'_>) -> TenantLifetimes {
    let tokens = bounded_duration(import, expiry, "idTokens", 24);
    let refresh = expiry.get("refreshTokens");
    let idle = bounded_duration(import, &refresh, "validIfNotUsedFor", 8784);
    let absolute = bounded_duration(import, &refresh, "absoluteLifetime", 8784);
    let idle = match (idle, absolute) {
        (Some(idle), Some(absolute)) => Some(idle.min(absolute)),
        (idle, _) => idle,
    };
    TenantLifetimes {
        access_token: tokens.map(duration_text),
        id_token: tokens.map(duration_text),
        refresh_token_idle: idle.map(duration_text),
        refresh_token_absolute: absolute
            .or(idle.filter(|idle| *idle > Duration::from_hours(2160)))
            .map(duration_text),
        ..TenantLifetimes::default()
    }
}

/// A duration of the source, at most a number of hours.
fn bounded_duration(
    import: &mut ImportCollector,
    section: &SourceField<'_>,
    name: &str,
    hours: u64,
) -> Option<Duration> {
    let text = section.text(name)?;
    let Some(duration) = parse_go_duration(&text) else {
        import.notes.add(&section.get(name), "not imported: it is not a duration such as 24h");
        return None;
    };
    let most = Duration::from_hours(hours);
    if duration > most {
        let message = format!("becomes {hours}h, the maximum");
        import.notes.add(&section.get(name), message);
    }
    (!duration.is_zero()).then(|| duration.min(most))
}

/// Adds notes on fields of the configuration that have no counterpart.
fn rest(import: &mut ImportCollector, root: &SourceField<'_>) {
    for (name, message) in SECTIONS {
        let section = root.get(name);
        if !section.is_empty() {
            import.notes.add(&section, message);
        }
    }
    let oauth2 = root.get("oauth2");
    let others: Vec<String> =
        oauth2.texts("responseTypes").into_iter().filter(|it| it != "code").collect();
    if !others.is_empty() {
        let message = format!(
            "{} are not imported; where an application needs them, list grantTypes [authorization_code, implicit] in its OidcClient",
            others.join(", ")
        );
        import.notes.add(&oauth2.get("responseTypes"), message);
    }
    import.notes.add_unknown(&oauth2, &["responseTypes", "skipApprovalScreen"]);
    let handled = ["issuer", "connectors", "staticClients", "staticPasswords", "enablePasswordDB"];
    let known: Vec<&str> = handled
        .into_iter()
        .chain(["oauth2", "expiry"])
        .chain(SECTIONS.iter().map(|(name, _)| *name))
        .collect();
    import.notes.add_unknown(root, &known);
}
