//! The clients of one tenant: who has which id, and whether its secret resolves.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::group::{GroupMember, ParsedObjects, TenantContext, TenantGroup};
use crate::{
    api::{
        ClientSecretKeys, ConditionReason, ConditionType, NamespaceLabels, OidcClient,
        SecretKeyRef, SecretState, owner::is_owned_by,
    },
    keys::PairwiseSalt,
    model::{
        Client, ClientId, Installation, Issuer, ObjectKey, ObjectKind, Pairwise, Secret,
        SubjectType, Tenant, Timestamp,
    },
    registry::{
        ClientOutcome, ClientSecretPlan, DesiredSecret, ObjectOutcome, ValidationProblem, Verdict,
        precedence::Precedence,
        secrets::{referenced, text_entry},
        validate::{self, CheckedClient, ClientFindings, ProblemList, SecretSource},
    },
};

/// The entry of a user's own Secret, unless the client names another.
const DEFAULT_ENTRY: &str = ClientSecretKeys::CLIENT_SECRET;
/// Characters of a client secret; those that are generated have 43, or 86 where the client signs with it.
const MAX_SECRET_LEN: usize = 512;

/// Clients to serve, and every id that is taken.
#[derive(Debug)]
pub(super) struct ClientSet {
    pub(super) served: Vec<Arc<Client>>,
    pub(super) ids: HashSet<ClientId>,
}

/// Judges the clients of a group.
pub(super) fn judge(
    group: &TenantGroup<'_>,
    clients: &[ParsedObjects<'_, OidcClient>],
    host: TenantContext<'_>,
    installation: &Installation,
) -> (ClientSet, Vec<Arc<Verdict>>) {
    let unavailable = NamespaceLabels::Unavailable;
    let namespaces = group.namespaces.as_ref().unwrap_or(&unavailable);
    let findings: Vec<ClientFindings> = clients
        .iter()
        .map(|client| {
            let (tenant, unseen) = (host.accepted(), installation.dev);
            validate::client(&client.raw, client.member.key, tenant, namespaces, unseen)
        })
        .collect();
    let holders = holders(clients, &findings, installation);
    let mut served = Vec::with_capacity(findings.len());
    let mut verdicts = Vec::with_capacity(findings.len());
    for (client, mut found) in clients.iter().zip(findings) {
        host.report(&mut found.problems, &group.id);
        if let Some(holder) = found.claims.as_ref().and_then(|id| holders.get(id))
            && *holder != client.member.key
        {
            let message =
                format!("is the id of the client {holder}, which keeps it; choose another");
            found.problems.refuse(ConditionReason::ClientIdConflict, "spec.clientId", message);
        }
        let refused = found.problems.refused();
        let outcome = match (found.checked.filter(|_| !refused), host) {
            (Some(mut checked), TenantContext::Accepted { tenant, has_keys, salt }) => {
                let known = pairwise(&mut found.problems, &mut checked.client, salt);
                let tenant = (&tenant.tenant, has_keys && known);
                accepted(&mut found.problems, client.member, checked, tenant, &mut served)
            }
            _ => ClientOutcome {
                client_id: None,
                issuer: None,
                secret: ClientSecretPlan::None,
                unused_until: None,
                served: false,
            },
        };
        let unused_until = host.accepted().and_then(|it| unused_until(&client.raw, &it.tenant));
        let outcome = ObjectOutcome::Client(ClientOutcome { unused_until, ..outcome });
        verdicts.push(client.verdict(ObjectKind::OidcClient, found.problems, outcome));
    }
    (ClientSet { served, ids: holders.into_keys().collect() }, verdicts)
}

/// Gives a client with pairwise subjects the tenant's salt; without one it is not served.
fn pairwise(problems: &mut ProblemList, client: &mut Client, salt: Option<&PairwiseSalt>) -> bool {
    if client.subject_type == SubjectType::Public {
        return true;
    }
    let sector = validate::sector(client);
    match (sector, salt) {
        (Some(sector), Some(salt)) => {
            client.pairwise = Some(Box::new(Pairwise { sector, salt: salt.0.clone() }));
            true
        }
        _ => {
            let message = "the tenant has no salt for pairwise subjects yet; its condition KeysReady says more";
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

/// When a client that registered itself goes, if nobody uses it before.
fn unused_until(raw: &OidcClient, tenant: &Tenant) -> Option<Timestamp> {
    let registered = validate::registered(raw).filter(|registered| !registered.used)?;
    Some(registered.at?.plus(tenant.registration.unused_lifetime))
}

/// Who has each id: a default id beats a chosen one, then the older client keeps it.
fn holders<'a>(
    clients: &[ParsedObjects<'a, OidcClient>],
    findings: &[ClientFindings],
    installation: &Installation,
) -> HashMap<ClientId, &'a ObjectKey> {
    let mut ranked: HashMap<&ClientId, ((bool, Precedence), &'a ObjectKey)> = HashMap::new();
    for (client, found) in clients.iter().zip(findings) {
        let Some(id) = &found.claims else { continue };
        let (key, chosen) = (client.member.key, client.raw.spec.client_id.is_some());
        let rank = (chosen, Precedence::of(client.created(), key, installation));
        let holder = ranked.entry(id).or_insert_with(|| (rank.clone(), key));
        if rank < holder.0 {
            *holder = (rank, key);
        }
    }
    ranked.into_iter().map(|(id, (_, key))| (id.clone(), key)).collect()
}

/// A client that is accepted is served once its secret resolves.
fn accepted(
    problems: &mut ProblemList,
    member: &GroupMember<'_, OidcClient>,
    checked: CheckedClient,
    (tenant, tenant_serves): (&Tenant, bool),
    served: &mut Vec<Arc<Client>>,
) -> ClientOutcome {
    let CheckedClient { mut client, secret } = checked;
    let (issuer, key) = (&tenant.issuer, member.kept.card().secret.clone());
    let (wish, found) = match secret {
        SecretSource::None => (ClientSecretPlan::None, Ok(None)),
        SecretSource::Referenced(reference) => {
            let found = own_secret(member, &reference).map(Some);
            (ClientSecretPlan::Referenced(key), found)
        }
        SecretSource::Generated(shape) => {
            let desired = DesiredSecret { key, shape };
            let found = generated(problems, member, &desired, &client.id, issuer);
            (ClientSecretPlan::Generated(desired), found)
        }
    };
    let resolved = match found {
        Ok(secret) => {
            client.secrets = secret.into_iter().collect();
            true
        }
        Err(problem) => {
            problems.append([problem]);
            false
        }
    };
    let outcome = ClientOutcome {
        client_id: Some(client.id.clone()),
        issuer: Some(issuer.clone()),
        secret: wish,
        unused_until: None,
        served: resolved && tenant_serves,
    };
    if outcome.served {
        served.push(Arc::new(client));
    }
    outcome
}

fn own_secret(
    member: &GroupMember<'_, OidcClient>,
    reference: &SecretKeyRef,
) -> Result<Secret<String>, ValidationProblem> {
    const FIELD: &str = "spec.secretRef";
    let secret = referenced(member.secret, &member.kept.card().secret, FIELD)?;
    let entry = reference.key.as_deref().unwrap_or(DEFAULT_ENTRY);
    usable(text_entry(secret, entry, FIELD)?).map_err(|message| {
        let message = format!("the Secret's entry {entry:?} {message}");
        ValidationProblem::of(
            ConditionType::ResolvedRefs,
            ConditionReason::SecretInvalid,
            FIELD,
            message,
        )
    })
}

/// A client secret as it may travel (RFC 6749 appendix A.2); editors and `echo` end it with a
/// line break, which is not part of it.
fn usable(text: &str) -> Result<Secret<String>, &'static str> {
    let text = text.trim_end_matches(['\r', '\n']);
    if !(1..=MAX_SECRET_LEN).contains(&text.len()) {
        return Err("must have 1 to 512 characters");
    }
    if !text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Err("must be printable ASCII");
    }
    Ok(Secret::new(text.to_owned()))
}

/// The secret in the Secret made for a client; `None` for a public one. What the controller is
/// about to put right makes `SecretReady` false, but does not end a client whose secret is there.
fn generated(
    problems: &mut ProblemList,
    member: &GroupMember<'_, OidcClient>,
    desired: &DesiredSecret,
    id: &ClientId,
    issuer: &Issuer,
) -> Result<Option<Secret<String>>, ValidationProblem> {
    let name = &*desired.key.name;
    let problem = |reason, message: String| {
        ValidationProblem::of(ConditionType::SecretReady, reason, "spec.secret", message)
    };
    let unusable = match member.secret {
        None => problem(ConditionReason::Pending, format!("the Secret {name} is being made")),
        Some(SecretState::Unreadable(why)) => {
            let message = format!("the Secret {name} may not be read: {why}");
            problem(ConditionReason::SecretUnreadable, message)
        }
        Some(SecretState::Loaded(secret))
            if !is_owned_by(secret, ObjectKind::OidcClient, &member.key.name) =>
        {
            let message = format!(
                "there is a Secret {name} that is not this client's, which is neither used nor changed; delete it, or choose another spec.secret.name"
            );
            problem(ConditionReason::NotOwned, message)
        }
        Some(SecretState::Loaded(secret)) => {
            if !desired.shape.matches(secret, id, issuer) {
                let message = format!("the entries of the Secret {name} are being put right");
                problems.append([problem(ConditionReason::Pending, message)]);
            }
            let Some(entry) = &desired.shape.client_secret_key else { return Ok(None) };
            let Some(value) = secret.entry(entry).filter(|value| !value.is_empty()) else {
                let message = format!("the entry {entry:?} of the Secret {name} is being made");
                return Err(problem(ConditionReason::Pending, message));
            };
            let text = std::str::from_utf8(value).map_err(|_| "must be printable ASCII");
            return text.and_then(usable).map(Some).map_err(|message| {
                let message = format!(
                    "the entry {entry:?} of the Secret {name} {message}; edit or delete it"
                );
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
