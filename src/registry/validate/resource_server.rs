//! Converts a `ResourceServer` to a validated resource server, except for the clients that it admits.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    CheckedTenant, NamespaceAdmission, ProblemList, SCOPE_MESSAGE,
    authorization_details_types::check_details_types,
    bounds, claim_names,
    client::NO_LISTENER,
    display_name, duration,
    exchange_rules::{CheckedExchangeRule, check_exchange_rules},
    limits, name, object_name, visible_text,
};
use crate::{
    api::{self, ResourceTokenSpec},
    model::{ObjectKey, ResourceServer, TokenBinding},
    protocol::scope::{STANDARD_SCOPES, is_scope},
};

/// The longest lifetime of an access token for a resource server.
const MAX_LIFETIME: Duration = Duration::from_hours(24);
const IDENTIFIER_MESSAGE: &str = "must be an absolute URI of printable ASCII without a fragment (#), such as https://api.example.com";

/// A valid resource server, whose clients were not looked up.
#[derive(Clone, Debug)]
pub struct CheckedResourceServer {
    /// The resource server, which admits no client yet.
    pub server: ResourceServer,
    /// The namespaces whose clients it admits.
    pub namespaces: NamespaceAdmission,
    /// The clients that it admits by name.
    pub named: BTreeSet<ObjectKey>,
    /// The client that may introspect its tokens.
    pub introspector: Option<ObjectKey>,
    /// The exchanges that it allows, in the order in which they are tried.
    pub exchanges: Vec<CheckedExchangeRule>,
}

/// Refuses the issuer as an identifier. It is the `aud` of tokens for the issuer itself, so each could be taken for the
/// other.
fn refuse_issuer(problems: &mut ProblemList, names: &BTreeSet<&str>, issuer: &str) {
    if names.iter().any(|name| name.trim_end_matches('/').eq_ignore_ascii_case(issuer)) {
        let message = "must not be the issuer of the tenant; set the URL of the API";
        problems.invalid("spec.identifier", message);
    }
}

/// Validates a resource server at its tenant; with `None` (absent or not accepted) only what does not
/// depend on the tenant. `unseen`: no API server has validated the object.
pub fn validate_resource_server(
    raw: &api::ResourceServer,
    key: &ObjectKey,
    tenant: Option<&CheckedTenant>,
    unseen: bool,
) -> (Option<CheckedResourceServer>, ProblemList) {
    let mut problems = ProblemList::default();
    let spec = &raw.spec;
    name(&mut problems, key);
    object_name(&mut problems, "spec.tenantRef.name", &spec.tenant_ref.name);
    identifier(&mut problems, "spec.identifier", &spec.identifier);
    let mut names: BTreeSet<&str> = [spec.identifier.as_str()].into();
    for (index, alternate) in spec.alternate_identifiers.iter().enumerate() {
        let field = format!("spec.alternateIdentifiers[{index}]");
        identifier(&mut problems, &field, alternate);
        if !names.insert(alternate) {
            problems.invalid(field, "is there twice; remove one");
        }
    }
    let (scopes, scope_descriptions) = scopes(&mut problems, spec, tenant);
    let clients = spec.clients.clone().unwrap_or_default();
    let namespaces = clients.namespaces.clone().unwrap_or_default();
    let namespaces = bounds::namespace_admission(&mut problems, Some(&namespaces));
    let named = clients.names.iter().enumerate().map(|(index, client)| {
        let field = format!("spec.clients.names[{index}]");
        object_name(&mut problems, &format!("{field}.name"), &client.name);
        let namespace = client.namespace.as_deref().unwrap_or(&key.namespace);
        object_name(&mut problems, &format!("{field}.namespace"), namespace);
        ObjectKey::new(namespace, &client.name)
    });
    let named = named.collect();
    let token = spec.access_token.clone().unwrap_or_default();
    let server = ResourceServer {
        name: display_name(&mut problems, spec.display_name.as_deref(), key),
        identifier: spec.identifier.as_str().into(),
        alternates: spec.alternate_identifiers.iter().map(|it| it.as_str().into()).collect(),
        scopes,
        scope_descriptions,
        details_types: check_details_types(&mut problems, &spec.authorization_details_types),
        token_binding: token_binding(&mut problems, spec, tenant),
        ..token_form(&mut problems, key, &token, tenant)
    };
    let introspector = spec.introspection.as_ref().map(|introspection| {
        let client = &introspection.client_ref.name;
        object_name(&mut problems, "spec.introspection.clientRef.name", client);
        ObjectKey::new(&key.namespace, client)
    });
    let exchanges = spec.exchange.as_ref().map_or(&[][..], |exchange| &exchange.allow);
    let exchanges = check_exchange_rules(&mut problems, exchanges, &key.namespace);
    limits(&mut problems, raw, unseen);
    if let Some(tenant) = tenant {
        refuse_issuer(&mut problems, &names, tenant.tenant.issuer.as_str());
    }
    let accepted = tenant.is_some() && !problems.refused();
    (
        accepted.then_some(CheckedResourceServer {
            server,
            namespaces,
            named,
            introspector,
            exchanges,
        }),
        problems,
    )
}

/// The binding that the tokens require. Certificates need a listener that asks for them.
fn token_binding(
    problems: &mut ProblemList,
    spec: &api::ResourceServerSpec,
    tenant: Option<&CheckedTenant>,
) -> TokenBinding {
    let binding = problems.supported("spec.tokenBinding", spec.token_binding.as_ref());
    let has_listener = tenant.is_none_or(|tenant| tenant.tenant.mutual_tls_url.is_some());
    if binding == Some(TokenBinding::MutualTls) && !has_listener {
        problems.invalid("spec.tokenBinding", NO_LISTENER);
    }
    binding.unwrap_or_default()
}

fn identifier(problems: &mut ProblemList, field: &str, text: &str) {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte));
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if !is_scheme || !is_plain || text.len() <= scheme.len() + 1 {
        problems.invalid(field, IDENTIFIER_MESSAGE);
    }
}

/// The scopes, and their descriptions. Rule: the tenant's scopes are not those of an API, because tokens for an
/// API are not for the userinfo endpoint.
fn scopes(
    problems: &mut ProblemList,
    spec: &api::ResourceServerSpec,
    tenant: Option<&CheckedTenant>,
) -> (BTreeSet<String>, BTreeMap<String, String>) {
    let (mut names, mut descriptions) = (BTreeSet::new(), BTreeMap::new());
    for (index, scope) in spec.scopes.iter().enumerate() {
        let field = format!("spec.scopes[{index}]");
        if !is_scope(&scope.name) {
            problems.invalid(format!("{field}.name"), SCOPE_MESSAGE);
        }
        if STANDARD_SCOPES.contains(&scope.name.as_str()) {
            let message =
                "must not be a standard scope, which is about people; choose another name";
            problems.invalid(format!("{field}.name"), message);
        }
        if tenant.is_some_and(|it| it.tenant.scopes.contains_key(&scope.name)) {
            let message = "must not be a scope of the tenant's spec.scopes; choose another name";
            problems.invalid(format!("{field}.name"), message);
        }
        if let Some(description) = &scope.description {
            visible_text(problems, &format!("{field}.description"), description);
            descriptions.insert(scope.name.clone(), description.clone());
        }
        if !names.insert(scope.name.clone()) {
            problems.invalid(format!("{field}.name"), "is there twice; remove one");
        }
    }
    (names, descriptions)
}

/// Rule: a claim that the protocol sets is not one about the user.
fn claims(problems: &mut ProblemList, written: &[String]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (index, claim) in written.iter().enumerate() {
        let field = format!("spec.accessToken.claims[{index}]");
        if let Some(message) = claim_names::claim_name_refusal(claim) {
            problems.invalid(field, message);
        } else if claim.bytes().any(|byte| !byte.is_ascii_graphic()) {
            problems.invalid(field, "must be printable ASCII without spaces");
        } else if !names.insert(claim.clone()) {
            problems.invalid(field, "is there twice; remove one");
        }
    }
    names
}

/// A resource server with the form of its tokens and nothing else.
fn token_form(
    problems: &mut ProblemList,
    key: &ObjectKey,
    written: &ResourceTokenSpec,
    tenant: Option<&CheckedTenant>,
) -> ResourceServer {
    const FIELD: &str = "spec.accessToken";
    let lifetime = duration::duration_within(
        problems,
        &format!("{FIELD}.lifetime"),
        written.lifetime.as_ref(),
        Duration::from_secs(1)..=MAX_LIFETIME,
    );
    let field = format!("{FIELD}.signingAlg");
    let signing_alg = problems.supported(&field, written.signing_alg.as_ref());
    if let (Some(algorithm), Some(tenant)) = (signing_alg, tenant)
        && !tenant.tenant.algorithms.contains(&algorithm)
    {
        let id = &tenant.tenant.id;
        let message = if tenant.tenant.fapi2.is_some() && !algorithm.is_fapi2() {
            format!("the profile of Tenant \"{id}\" forbids {algorithm}; set PS256, ES256 or EdDSA")
        } else {
            format!(
                "Tenant \"{id}\" has no {algorithm} key; add {algorithm} to the tenant's spec.signing.algorithms, or set another algorithm here"
            )
        };
        problems.invalid(field, message);
    }
    ResourceServer {
        claims: claims(problems, &written.claims),
        lifetime,
        signing_alg,
        token_type: problems.supported(format!("{FIELD}.type"), written.token_type.as_ref()),
        ..ResourceServer::new(key.clone(), "")
    }
}
