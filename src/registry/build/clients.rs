//! The clients of one tenant: conflicts of client IDs, and the client secret of each.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    members::{GroupMember, ParsedObjects, TenantContext, TenantGroup},
    referenced_secrets::{certificate_rule, referenced_client_secret},
};
use crate::{
    api::{
        ConditionReason, ConditionType, NamespaceLabels, OidcClient, SecretState,
        owner::is_owned_by,
    },
    keys::PairwiseSalt,
    model::{
        Client, ClientId, Installation, ManagedKind, ObjectKey, PairwiseSubjectInputs, Secret,
        Subject, SubjectType, Tenant, TenantId, Timestamp,
    },
    registry::{
        ClientFederation, ClientOutcome, ClientSecretPlan, ClientSecretValues, DesiredSecret,
        ObjectOutcome, ValidationProblem, Verdict,
        precedence::Precedence,
        secrets::{ClientSecretError, usable_secret, warn_if_weak},
        validate::{self, CheckedClient, ClientFindings, ProblemList, SecretSource},
    },
};

/// The clients to serve, and every client ID in use in the tenant's own namespace.
#[derive(Debug)]
pub(super) struct ClientSet {
    pub(super) served: Vec<Arc<Client>>,
    pub(super) own_ids: HashSet<ClientId>,
    /// The ids of clients that are not served.
    pub(super) reserved: Vec<(ObjectKey, ClientId)>,
}

/// Refuses a client whose ID another client holds.
fn refuse_used_id(found: &mut ClientFindings, holder: &ObjectKey, foreign: bool) {
    let Some(id) = &found.claims else { return };
    // Only clients of the tenant's own namespace choose their ids.
    let (field, remedy) = if foreign {
        ("metadata.name", "delete this OidcClient, and create it with a different name")
    } else {
        (
            "spec.clientId",
            "it cannot be changed: delete this object, and create it with a different clientId",
        )
    };
    let message =
        format!("client ID \"{id}\" is already used by OidcClient \"{holder}\"; {remedy}");
    found.problems.add_refusal(ConditionReason::ClientIdConflict, field, message);
}

/// Validates the clients of a group. `subjects`: those of its users.
pub(super) fn validate_clients(
    group: &TenantGroup<'_>,
    (clients, subjects): (&[ParsedObjects<'_, OidcClient>], &HashMap<Subject, &ObjectKey>),
    host: TenantContext<'_>,
    installation: &Installation,
) -> (ClientSet, Vec<Arc<Verdict>>) {
    let unavailable = NamespaceLabels::Unavailable;
    let namespaces = group.namespaces.as_ref().unwrap_or(&unavailable);
    let findings: Vec<ClientFindings> = clients
        .iter()
        .map(|client| {
            let (key, tenant) = (client.member.key, host.accepted());
            let uris = group.provider_uris.get(key).map(Vec::as_slice).unwrap_or_default();
            let at = (tenant, namespaces, uris);
            validate::validate_client(&client.raw, key, at, Some(installation))
        })
        .collect();
    let holders = holders(clients, &findings, &group.id, installation);
    let mut served = Vec::with_capacity(findings.len());
    let mut verdicts = Vec::with_capacity(findings.len());
    let mut reserved = Vec::new();
    let findings = clients.iter().zip(&group.client_authorities).zip(findings);
    for ((client, authorities), mut found) in findings {
        client.refuse_unknown_fields(&mut found.problems);
        host.report(&mut found.problems, &group.id);
        let foreign = client.member.key.namespace != group.id.0.namespace;
        let key = client.member.key;
        group.check_access(&mut found.problems, client.raw.spec.access.as_ref());
        let (spec, issuers) = (&client.raw.spec, &group.own_issuers);
        validate::check_federated_issuers(&mut found.problems, spec, issuers, installation.dev);
        validate::check_secret_permissions(&mut found.problems, &client.raw, key, installation);
        let other = found.claims.as_ref().and_then(|id| holders.get(id));
        if let Some(holder) = other.filter(|holder| **holder != key) {
            refuse_used_id(&mut found, holder, foreign);
        }
        if let Some(id) = found.claims.as_ref().filter(|_| foreign)
            && let Some(user) = subjects.get(id.as_str())
        {
            // Otherwise a token that the client requests for itself could be mistaken for the user's.
            let message = format!(
                "client ID \"{id}\" is the subject of OidcUser \"{user}\" of the tenant; delete this OidcClient, and create it with a different name"
            );
            found.problems.add_refusal(ConditionReason::ClientIdConflict, "metadata.name", message);
        }
        let refused = found.problems.refused();
        let outcome = match (found.checked.filter(|_| !refused), host) {
            (Some(mut checked), TenantContext::Accepted { tenant, has_keys, salt }) => {
                let known = pairwise(&mut found.problems, &mut checked.client, salt);
                let tenant = (&tenant.tenant, has_keys && known);
                let member = (client.member, *authorities);
                accepted(&mut found.problems, member, checked, tenant, &mut served)
            }
            _ => ClientOutcome::default(),
        };
        if let Some(id) = found.claims.filter(|_| !outcome.served) {
            reserved.push((key.clone(), id));
        }
        let federation = ClientFederation::of(&client.raw.spec);
        let unused_until = host.accepted().and_then(|it| unused_until(&client.raw, &it.tenant));
        let outcome = ObjectOutcome::Client(ClientOutcome { unused_until, federation, ..outcome });
        verdicts.push(client.verdict(found.problems, outcome));
    }
    let own = holders.into_iter().filter(|(_, key)| key.namespace == group.id.0.namespace);
    (ClientSet { served, own_ids: own.map(|(id, _)| id).collect(), reserved }, verdicts)
}

/// Sets the sector and salt of a client with pairwise subjects. Returns false if the tenant has no
/// salt; then the client is not served.
fn pairwise(problems: &mut ProblemList, client: &mut Client, salt: Option<&PairwiseSalt>) -> bool {
    if client.subject_type == SubjectType::Public {
        return true;
    }
    let sector = validate::sector_of(client);
    match (sector, salt) {
        (Some(sector), Some(salt)) => {
            client.pairwise =
                Some(Box::new(PairwiseSubjectInputs { sector, salt: salt.0.clone() }));
            true
        }
        _ => {
            let message = "waiting for the tenant's salt for pairwise subjects; see the tenant's condition KeysReady";
            problems.add(
                ConditionType::Programmed,
                ConditionReason::Pending,
                "spec.subjectType",
                message,
            );
            false
        }
    }
}

/// The time at which a registered client is deleted if it is not used before.
fn unused_until(raw: &OidcClient, tenant: &Tenant) -> Option<Timestamp> {
    let registered = validate::dynamic_registration(raw).filter(|registered| !registered.used)?;
    Some(registered.at?.plus(tenant.registration.unused_lifetime))
}

/// The owner of each client ID. A client of the tenant's own namespace takes precedence over the
/// default ID of a client elsewhere, then the older client.
fn holders<'a>(
    clients: &[ParsedObjects<'a, OidcClient>],
    findings: &[ClientFindings],
    tenant: &TenantId,
    installation: &Installation,
) -> HashMap<ClientId, &'a ObjectKey> {
    let own = &*tenant.0.namespace;
    let mut ranked: HashMap<&ClientId, ((bool, Precedence), &'a ObjectKey)> = HashMap::new();
    for (client, found) in clients.iter().zip(findings) {
        let Some(id) = &found.claims else { continue };
        let key = client.member.key;
        let foreign = *key.namespace != *own;
        let rank = (foreign, Precedence::of(client.created(), key, installation));
        let holder = ranked.entry(id).or_insert_with(|| (rank.clone(), key));
        if rank < holder.0 {
            *holder = (rank, key);
        }
    }
    ranked.into_iter().map(|(id, (_, key))| (id.clone(), key)).collect()
}

/// Serves an accepted client if its secret resolves.
fn accepted(
    problems: &mut ProblemList,
    (member, authorities): (&GroupMember<'_, OidcClient>, Option<&SecretState>),
    checked: CheckedClient,
    (tenant, tenant_serves): (&Tenant, bool),
    served: &mut Vec<Arc<Client>>,
) -> ClientOutcome {
    let CheckedClient { mut client, secret, certificate } = checked;
    let key = member.cached.summary().secret.clone();
    let mut outcome = ClientOutcome {
        client_id: Some(client.id.clone()),
        issuer: Some(tenant.issuer.clone()),
        internal_url: tenant.internal_url.clone(),
        secret: ClientSecretPlan::None,
        unused_until: None,
        federation: ClientFederation::default(),
        served: false,
    };
    let (secret_plan, found) = match secret {
        SecretSource::None => (ClientSecretPlan::None, Ok(None)),
        SecretSource::Referenced(reference) => {
            let found = referenced_client_secret(member, &reference).map(Some);
            (ClientSecretPlan::Referenced(key), found)
        }
        SecretSource::Generated(shape) => {
            let desired = DesiredSecret { key, shape };
            let found =
                read_generated_client_secret(problems, member, &desired, outcome.secret_values());
            (ClientSecretPlan::Generated(desired), found)
        }
    };
    let resolved = match found {
        Ok(secret) => {
            warn_if_weak(problems, &secret_plan, secret.as_ref());
            client.authentication.set_secrets(secret.into_iter().collect());
            true
        }
        Err(problem) => {
            problems.append([problem]);
            false
        }
    };
    let certificate = certificate.map(|it| certificate_rule(member.key, it, authorities));
    let is_known = match certificate.transpose() {
        Ok(rule) => {
            if let Some(rule) = rule {
                client.authentication.set_certificate(rule);
            }
            true
        }
        Err(problem) => {
            problems.append([problem]);
            false
        }
    };
    outcome.secret = secret_plan;
    outcome.served = resolved && is_known && tenant_serves;
    if outcome.served {
        served.push(Arc::new(client));
    }
    outcome
}

/// Reads the client secret from the Secret created for the client; `None` for a public client. An
/// outdated Secret makes `SecretReady` false, but the client stays served while its client secret
/// is there.
fn read_generated_client_secret(
    problems: &mut ProblemList,
    member: &GroupMember<'_, OidcClient>,
    desired: &DesiredSecret,
    values: Option<ClientSecretValues<'_>>,
) -> Result<Option<Secret<String>>, ValidationProblem> {
    let name = &*desired.key.name;
    let problem = |reason, message: String| {
        ValidationProblem::of(ConditionType::SecretReady, reason, "spec.secret", message)
    };
    let unusable = match member.secret {
        None => problem(
            ConditionReason::Pending,
            format!("Secret {name:?} does not exist yet; creating it"),
        ),
        Some(SecretState::Unreadable(why)) => {
            let message = format!("cannot read Secret {name:?}: {why}");
            problem(ConditionReason::SecretUnreadable, message)
        }
        Some(SecretState::Loaded(secret))
            if !is_owned_by(secret, ManagedKind::OidcClient, &member.key.name) =>
        {
            let message = format!(
                "Secret {name:?} already exists and is not owned by this client; delete it, or set a different spec.secret.name"
            );
            problem(ConditionReason::NotOwned, message)
        }
        Some(SecretState::Loaded(secret)) => {
            if !values.is_some_and(|values| desired.shape.matches(secret, values)) {
                let message = format!("Secret {name:?} is out of date; updating");
                problems.append([problem(ConditionReason::Pending, message)]);
            }
            let Some(entry) = &desired.shape.client_secret_key else { return Ok(None) };
            let Some(value) = secret.entry(entry).filter(|value| !value.is_empty()) else {
                let message = format!("Secret {name:?} has no entry {entry:?} yet; creating it");
                return Err(problem(ConditionReason::Pending, message));
            };
            let text = std::str::from_utf8(value).map_err(|_| ClientSecretError::NotPrintable);
            return text.and_then(usable_secret).map(Some).map_err(|error| {
                let message =
                    format!("entry {entry:?} of Secret {name:?} {error}; edit or delete the entry");
                problem(ConditionReason::SecretInvalid, message)
            });
        }
    };
    if desired.shape.client_secret_key.is_some() {
        return Err(unusable);
    }
    problems.append([unusable]);
    Ok(None)
}
