//! The resource servers of one tenant: conflicts of identifiers, and the clients that each admits.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use super::{
    exchange_rules::{KnownAudiences, resolve_exchange_rules},
    members::{ParsedObjects, TenantContext, TenantGroup},
};
use crate::{
    api::{
        ConditionReason, ConditionType, NamespaceLabels, ResourceServer as RawResourceServer,
        Tenant as RawTenant,
    },
    model::{Client, ClientId, Installation, ObjectKey, ResourceServer},
    registry::{
        ObjectOutcome, ResourceServerOutcome, Verdict,
        precedence::Precedence,
        validate::{self, CheckedResourceServer, ProblemList},
    },
};

/// Validates the resource servers of a group. `clients`: those that are served; `ids`: all client IDs of the
/// tenant's namespace.
pub(super) fn validate_resource_servers(
    group: &TenantGroup<'_>,
    host: TenantContext<'_>,
    (clients, ids): (&[Arc<Client>], &HashSet<ClientId>),
    installation: &Installation,
) -> (Vec<Arc<ResourceServer>>, Vec<Arc<Verdict>>) {
    let mut parsed: Vec<ParsedObjects<'_, RawResourceServer>> =
        group.resource_servers.iter().map(ParsedObjects::of).collect();
    parsed.sort_by_cached_key(|it| Precedence::of(it.created(), it.member.key, installation));
    let audiences = KnownAudiences::of(
        host.accepted().map(|tenant| &tenant.tenant.issuer),
        parsed.iter().flat_map(|object| identifiers(&object.raw)),
    );
    let mut taken: BTreeMap<String, &ObjectKey> = BTreeMap::new();
    let mut taken_types: BTreeMap<String, &ObjectKey> = BTreeMap::new();
    let (mut served, mut verdicts) = (Vec::new(), Vec::with_capacity(parsed.len()));
    for object in parsed {
        let key = object.member.key;
        let (checked, mut problems) =
            validate::validate_resource_server(&object.raw, key, host.accepted(), installation.dev);
        object.refuse_unknown_fields(&mut problems);
        host.report(&mut problems, &group.id);
        let names = identifiers(&object.raw);
        take_names(&mut problems, (key, &names), &mut taken);
        take_details_types(&mut problems, (key, &object.raw), &mut taken_types);
        refuse_client_ids(&mut problems, &names, ids);
        if let Some(client) = checked.as_ref().and_then(|it| it.introspector.as_ref()) {
            check_introspector(&mut problems, client, (group, clients));
        }
        if let Some(checked) = &checked {
            check_selector(&mut problems, checked, group);
            check_named_clients(&mut problems, &checked.named, group);
        }
        let checked = checked.map(|mut checked| {
            let rules = std::mem::take(&mut checked.exchanges);
            let of = (group, clients);
            checked.server.exchanges = resolve_exchange_rules(&mut problems, rules, of, &audiences);
            checked
        });
        let checked = checked.filter(|_| !problems.refused());
        let is_served = checked.is_some() && host.serves();
        let outcome = ObjectOutcome::ResourceServer(ResourceServerOutcome { served: is_served });
        if let Some(checked) = checked.filter(|_| is_served) {
            served.push(Arc::new(admitting(checked, clients, (group, host))));
        }
        verdicts.push(object.verdict(problems, outcome));
    }
    (served, verdicts)
}

/// Reports resource servers in `spec.registration.resources` and `spec.clientIdMetadataDocuments.resources` that
/// the tenant does not have.
pub(super) fn check_named_resources(
    problems: &mut ProblemList,
    group: &TenantGroup<'_>,
    tenant: &RawTenant,
) {
    let spec = &tenant.spec;
    let registration = spec.registration.iter().flat_map(|it| it.resources.iter().enumerate());
    let documents = spec.client_id_metadata_documents.iter();
    let documents = documents.flat_map(|it| it.resources.iter().enumerate());
    let registration = registration.map(|it| ("registration", it));
    let all = registration.chain(documents.map(|it| ("clientIdMetadataDocuments", it)));
    for (setting, (index, name)) in all {
        if group.resource_servers.iter().any(|server| *server.key.name == **name) {
            continue;
        }
        let message = format!(
            "ResourceServer {name:?} not found in namespace {:?}; create it, or correct the name",
            group.id.0.namespace
        );
        let field = format!("spec.{setting}.resources[{index}]");
        let reason = ConditionReason::ResourceServerNotFound;
        problems.add(ConditionType::ResolvedRefs, reason, field, message);
    }
}

/// The identifier and the alternates as they are written. An object has them even while other fields are invalid.
fn identifiers(raw: &RawResourceServer) -> Vec<&str> {
    let spec = &raw.spec;
    [&spec.identifier].into_iter().chain(&spec.alternate_identifiers).map(|name| &**name).collect()
}

/// Takes the names of a resource server, which the older of two has.
fn take_names<'a>(
    problems: &mut ProblemList,
    (object, names): (&'a ObjectKey, &[&str]),
    taken: &mut BTreeMap<String, &'a ObjectKey>,
) {
    let holder = names.iter().find_map(|name| Some((name, taken.get(*name)?)));
    if let Some((name, holder)) = holder {
        let message = format!(
            "\"{name}\" is already an identifier of ResourceServer \"{holder}\"; set a different one"
        );
        problems.add_refusal(ConditionReason::IdentifierConflict, "spec.identifier", message);
        return;
    }
    taken.extend(names.iter().map(|name| ((*name).to_owned(), object)));
}

/// Takes the types of authorization details of a resource server. A request names the resource server by the type
/// alone (RFC 9396 §2), so the older of two has it.
fn take_details_types<'a>(
    problems: &mut ProblemList,
    (object, raw): (&'a ObjectKey, &RawResourceServer),
    taken: &mut BTreeMap<String, &'a ObjectKey>,
) {
    let reason = ConditionReason::IdentifierConflict;
    let before = problems.len();
    for (index, it) in raw.spec.authorization_details_types.iter().enumerate() {
        if let Some(holder) = taken.get(&it.details_type).filter(|holder| **holder != object) {
            let field = format!("spec.authorizationDetailsTypes[{index}].type");
            let message = format!(
                "\"{}\" is already a type of ResourceServer \"{holder}\"; set a different one",
                it.details_type
            );
            problems.add_refusal(reason, field, message);
        }
    }
    if problems.len() == before {
        let own = raw.spec.authorization_details_types.iter();
        taken.extend(own.map(|it| (it.details_type.clone(), object)));
    }
}

/// Rule: a resource server is not a client. The audience of an ID token is a client ID, so a resource server
/// could take one for an access token. Clients of other namespaces have IDs without a colon.
fn refuse_client_ids(problems: &mut ProblemList, names: &[&str], ids: &HashSet<ClientId>) {
    if let Some(name) = names.iter().find(|name| ids.contains(&ClientId::new(**name))) {
        let message = format!("\"{name}\" is the ID of a client; set a different identifier");
        problems.add_refusal(ConditionReason::IdentifierConflict, "spec.identifier", message);
    }
}

/// A client that is served, by its object.
fn served_client<'a>(clients: &'a [Arc<Client>], object: &ObjectKey) -> Option<&'a Arc<Client>> {
    clients.iter().find(|client| client.object == *object)
}

/// Reports a client that cannot introspect: it does not exist, or does not prove its identity. The resource
/// server is served without it.
fn check_introspector(
    problems: &mut ProblemList,
    object: &ObjectKey,
    (group, clients): (&TenantGroup<'_>, &[Arc<Client>]),
) {
    const FIELD: &str = "spec.introspection.clientRef";
    let (condition, name) = (ConditionType::ResolvedRefs, &object.name);
    if !group.clients.iter().any(|client| client.key == object) {
        let message = format!(
            "OidcClient {name:?} not found in namespace {:?}; create it with the tenantRef of this tenant",
            object.namespace
        );
        problems.add(condition, ConditionReason::ClientNotFound, FIELD, message);
    }
    // If the client is not served, its own conditions say why.
    if served_client(clients, object).is_some_and(|client| client.is_public()) {
        let message = format!(
            "OidcClient {name:?} is public, so it cannot introspect; set its tokenEndpointAuthMethod to client_secret_basic or private_key_jwt"
        );
        problems.add(condition, ConditionReason::ClientUnsuitable, FIELD, message);
    }
}

/// Warns of named clients that do not exist. They may be created later, and are admitted then.
fn check_named_clients(
    problems: &mut ProblemList,
    named: &BTreeSet<ObjectKey>,
    group: &TenantGroup<'_>,
) {
    let known: BTreeSet<&ObjectKey> = group.clients.iter().map(|client| client.key).collect();
    for object in named.iter().filter(|object| !known.contains(object)) {
        let message = format!(
            "OidcClient {:?} not found in namespace {:?}; create it with the tenantRef of this tenant, or correct the name",
            object.name, object.namespace
        );
        problems.warn(ConditionReason::ClientNotFound, "spec.clients.names", message);
    }
}

/// Warns of a selector of labels that may not be read. The resource server is served without the clients that only the
/// selector could admit. It stays ready, because a client in another namespace is enough for this warning.
fn check_selector(
    problems: &mut ProblemList,
    checked: &CheckedResourceServer,
    group: &TenantGroup<'_>,
) {
    const FIELD: &str = "spec.clients.namespaces.selector";
    let own = &checked.server.object.namespace;
    let is_unavailable = |labels| checked.namespaces.admits(own, labels).is_none();
    if group.namespaces.as_ref().is_some_and(is_unavailable) {
        let message = "selects namespaces by labels, which this installation may not read; select by kubernetes.io/metadata.name, or list the clients in spec.clients.names";
        problems.warn(ConditionReason::SelectorUnavailable, FIELD, message);
    }
}

/// The resource server with the clients that it admits.
fn admitting(
    CheckedResourceServer { server, namespaces, named, introspector, .. }: CheckedResourceServer,
    clients: &[Arc<Client>],
    (group, host): (&TenantGroup<'_>, TenantContext<'_>),
) -> ResourceServer {
    let unavailable = NamespaceLabels::Unavailable;
    let labels = group.namespaces.as_ref().unwrap_or(&unavailable);
    let own = &server.object.namespace;
    let bounds = host.accepted().map(|tenant| &tenant.bounds.registered);
    let admits_registered = bounds.is_some_and(|it| it.resources.contains(&*server.object.name));
    let admits_documents = host
        .accepted()
        .is_some_and(|it| it.tenant.client_documents.resources.contains(&*server.object.name));
    let admits = |client: &&Arc<Client>| {
        let object = &client.object;
        // Clients may register themselves, so a namespace does not vouch for them.
        let by_namespace = || {
            object.namespace == *own || namespaces.admits(&object.namespace, labels) == Some(true)
        };
        let otherwise = || match &client.registered {
            Some(_) => admits_registered,
            None => by_namespace(),
        };
        named.contains(object) || otherwise()
    };
    let admitted: BTreeSet<_> =
        clients.iter().filter(admits).map(|client| client.id.clone()).collect();
    let is_unnamed =
        |client: &&Arc<Client>| client.registered.is_some() && !named.contains(&client.object);
    let unnamed = clients.iter().filter(|client| admitted.contains(&client.id));
    let unnamed_clients = unnamed.filter(is_unnamed).map(|client| client.id.clone()).collect();
    let introspector = introspector.and_then(|object| served_client(clients, &object));
    let introspector = introspector.map(|client| client.id.clone());
    ResourceServer { clients: admitted, unnamed_clients, admits_documents, introspector, ..server }
}
