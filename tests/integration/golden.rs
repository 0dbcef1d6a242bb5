//! Golden files: `tests/golden/X.in.yaml` contains objects, and `X.out.yaml` the conditions and facts
//! of each object and the state that the registry serves. `UPDATE_GOLDEN=1` rewrites the outputs.
//!
//! An input whose first line starts with `# dev` is built with the rules of `lanyard dev`. One whose first line starts with
//! `# mutual TLS` is built for an installation that asks clients for certificates.

mod argocd;

use std::{fmt::Write, fs, path::Path};

use lanyard::{
    api::StatusDigest,
    model::{ClientId, Installation, MutualTlsUrl, RedirectUri},
    registry::{
        BuildCache, ObjectOutcome, ServedTenant, Snapshot, build_snapshot, verdict_conditions,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{
    objects,
    objects::{NOW, installation},
};

#[test]
fn verdicts_and_served_state_match_the_golden_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let (mut compared, mut differing) = (0, Vec::new());
    for entry in fs::read_dir(&folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(".in.yaml") else { continue };
        let input = fs::read_to_string(&path).expect("readable");
        let found = outcome(&input);
        let golden = folder.join(format!("{name}.out.yaml"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &found).expect("written");
        }
        compared += 1;
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if expected != found {
            differing.push(format!("{name}:\n{}", difference(&expected, &found)));
        }
    }
    assert!(compared >= 8, "only {compared} golden files");
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// The reference of reasons is made from `ConditionReason::conditions`.
#[test]
fn every_problem_has_a_reason_that_lists_its_condition_and_kind() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut compared = 0;
    for entry in fs::read_dir(&folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        let name = path.to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(".in.yaml") else { continue };
        let input = fs::read_to_string(&path).expect("readable");
        for verdict in snapshot(&input).verdicts().iter() {
            let object = verdict.object.to_string();
            let kind = object.split(' ').next().expect("a kind");
            for problem in verdict.problems.iter().chain(&verdict.warnings) {
                let listed = problem.reason.conditions().iter().any(|(condition, kinds)| {
                    *condition == problem.condition
                        && (*kinds == "all kinds" || kinds.split(", ").any(|it| it == kind))
                });
                assert!(listed, "{name}: {object}: {problem:?} is missing in condition_reasons.rs");
                compared += 1;
            }
        }
    }
    assert!(compared > 30, "only {compared} problems");
}

fn outcome(input: &str) -> String {
    let snapshot = snapshot(input);
    let mut text = verdicts(&snapshot);
    let mut tenants: Vec<_> = snapshot.tenants().collect();
    tenants.sort_by_key(|tenant| &tenant.tenant.id);
    let served: Vec<Value> = tenants.into_iter().map(|tenant| summary(tenant)).collect();
    let _ = write!(text, "---\n# served\n{}", serde_yaml::to_string(&served).expect("YAML"));
    text
}

fn snapshot(input: &str) -> Snapshot {
    let documents = serde_yaml::Deserializer::from_str(input)
        .map(|document| Value::deserialize(document).expect("YAML"))
        .filter(|document| !document.is_null());
    let begins = |with: &str| input.starts_with(with);
    let mutual_tls = begins("# mutual TLS").then(|| MutualTlsUrl::parse("https://mtls.{host}"));
    let installation =
        Installation { mutual_tls: mutual_tls.flatten(), ..installation(begins("# dev")) };
    build_snapshot(&objects::objects(documents), &installation, &BuildCache::default(), 1, NOW)
}

/// Conditions and facts of every object.
fn verdicts(snapshot: &Snapshot) -> String {
    let mut text = String::from("# said\n");
    for verdict in snapshot.verdicts().iter() {
        let object = &verdict.object;
        let _ = writeln!(text, "{object}:");
        for condition in verdict_conditions(verdict, &StatusDigest::default(), NOW) {
            let (kind, status) = (condition.type_, condition.status);
            let line = json!(format!("{status} {}: {}", condition.reason, condition.message));
            let _ = writeln!(text, "  {kind}: {line}");
        }
        let facts = match &verdict.outcome {
            ObjectOutcome::Tenant(it) => {
                let issuer = it.issuer.as_ref().map(ToString::to_string);
                match &it.salt {
                    None => json!({ "issuer": issuer }),
                    Some(salt) => json!({ "issuer": issuer, "salt": format!("{salt:?}") }),
                }
            }
            ObjectOutcome::Client(it) => json!({
                "clientId": it.client_id.as_ref().map(ToString::to_string),
                "issuer": it.issuer.as_ref().map(ToString::to_string),
                "secret": format!("{:?}", it.secret),
            }),
            ObjectOutcome::User(it) => {
                json!({ "subject": it.subject.as_ref().map(ToString::to_string) })
            }
            ObjectOutcome::Provider(it) => json!({
                "redirectUri": it.redirect_uri,
                "issuer": it.issuer,
                "identityKey": it.identity_key,
            }),
            ObjectOutcome::ResourceServer(_) | ObjectOutcome::Malformed => json!({}),
        };
        let _ = writeln!(text, "  facts: {facts}");
    }
    text
}

#[expect(clippy::too_many_lines, reason = "one list of what is served")]
fn summary(served: &ServedTenant) -> Value {
    let tenant = &served.tenant;
    let mut clients: Vec<_> = served.clients().collect();
    clients.sort_by_key(|client| &client.id);
    let clients: Vec<Value> = clients
        .into_iter()
        .map(|client| {
            json!({
                "id": client.id.as_str(),
                "name": client.name,
                "flows": format!("{:?} {:?} {:?} {:?}", client.application_type, client.grant_types, client.response_types, client.authentication.method()),
                "redirects": client.redirect_uris.iter().map(RedirectUri::as_str).collect::<Vec<_>>(),
                "origins": client.origins,
                "scopes": client.scopes,
                "consent": format!("{:?}", client.consent),
                "secrets": client.authentication.secrets().len(),
                "lifetimes": format!("{:?} {:?}", client.lifetimes.access_token, client.lifetimes.refresh_token_absolute),
            })
        })
        .collect();
    let users: Vec<Value> = served
        .accounts()
        .iter()
        .map(|user| {
            let mut shown = json!({
                "username": user.username, "subject": user.subject.as_str(),
                "password": served.password(&user.subject).is_some(), "disabled": user.disabled,
                "groups": user.groups, "claims": user.claims,
            });
            if !user.identities.is_empty() {
                let identities = user.identities.iter();
                let texts = identities.map(|it| format!("{} {}", it.provider, it.subject));
                shown["identities"] = texts.collect();
            }
            shown
        })
        .collect();
    let servers: Vec<Value> = served
        .resource_servers
        .all()
        .iter()
        .map(|server| {
            json!({
                "identifier": server.identifier, "alternates": server.alternates,
                "scopes": server.scopes, "claims": server.claims, "introspector": server.introspector,
                "clients": server.clients.iter().map(ClientId::as_str).collect::<Vec<_>>(),
                "tokens": format!("{:?} {:?} {:?}", server.lifetime, server.signing_alg, server.token_type),
            })
        })
        .collect();
    let mut summary = json!({
        "tenant": tenant.id.to_string(),
        "issuer": tenant.issuer.as_str(),
        "name": tenant.display_name,
        "organization": format!("{} {}", tenant.organization.name, tenant.organization.id),
        "algorithms": tenant.algorithms.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        "lifetimes": format!("{:?}", tenant.lifetimes),
        "rotation": format!("{:?}", tenant.key_rotation),
        "scopes": tenant.scopes.keys().collect::<Vec<_>>(),
        "clients": clients,
        "users": users,
    });
    if !servers.is_empty() {
        summary["resourceServers"] = json!(servers);
    }
    summary
}

/// The first lines that differ.
fn difference(expected: &str, found: &str) -> String {
    let pairs = expected.lines().chain(std::iter::repeat("")).zip(found.lines());
    let differing = pairs.filter(|(expected, found)| expected != found).take(5);
    let lines: Vec<String> =
        differing.map(|(expected, found)| format!("- {expected}\n+ {found}")).collect();
    lines.join("\n")
}
