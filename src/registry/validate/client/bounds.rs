//! Checks clients of other namespaces, and dynamically registered clients, against the tenant's
//! bounds. Clients declared in the tenant's own namespace have no bounds.

use crate::{
    api::{self, ConditionReason, EnumSpec, Introspection, NamespaceLabels},
    model::{ConsentPolicy, ObjectKey, RedirectScheme, RedirectUri},
    registry::validate::{CheckedTenant, ProblemList, bounds::ClientBounds},
};

use super::flows::CheckedFlows;

/// Checks that the tenant admits the client's namespace.
pub fn admit_client(
    problems: &mut ProblemList,
    key: &ObjectKey,
    tenant: &CheckedTenant,
    namespaces: &NamespaceLabels,
) -> bool {
    let id = &tenant.tenant.id;
    let Err(reason) = tenant.bounds.admits(&key.namespace, namespaces) else { return true };
    let message = match reason {
        ConditionReason::SelectorUnavailable => format!(
            "Tenant \"{id}\" selects namespaces by labels, which this installation may not read; select by kubernetes.io/metadata.name in the tenant's spec.clients.namespaces"
        ),
        _ => format!(
            "Tenant \"{id}\" does not admit clients from namespace {:?}; add it to the tenant's spec.clients.namespaces",
            key.namespace
        ),
    };
    problems.add_refusal(reason, "spec.tenantRef", message);
    false
}

/// Checks a client of another namespace against the tenant's bounds.
pub fn check_within_bounds(
    problems: &mut ProblemList,
    spec: &api::OidcClientSpec,
    flows: &CheckedFlows,
    consent: ConsentPolicy,
    tenant: &CheckedTenant,
) {
    let bounds = &tenant.bounds;
    if spec.client_id.is_some() {
        // Otherwise a namespace could squat a client ID, or take over one that has become free.
        let message = "is only allowed for clients in the tenant's namespace; delete this object, and create it without clientId";
        problems.add_refusal(ConditionReason::BoundExceeded, "spec.clientId", message);
    }
    if spec.introspection == Some(EnumSpec::Supported(Introspection::Tenant)) {
        let message = "Tenant is only allowed for clients in the tenant's namespace; remove it";
        problems.add_refusal(ConditionReason::BoundExceeded, "spec.introspection", message);
    }
    let mut exceeded = |field: String, what: String, bound: &str| {
        let message = format!(
            "{what} is not allowed by spec.clients.{bound} of Tenant \"{}\" for clients from other namespaces; extend it there, or remove it here",
            tenant.tenant.id
        );
        problems.add_refusal(ConditionReason::BoundExceeded, field, message);
    };
    for grant in flows.grant_types.difference(&bounds.grant_types) {
        exceeded("spec.grantTypes".to_owned(), format!("grant type {grant}"), "grantTypes");
    }
    for (index, scope) in spec.scopes.iter().enumerate() {
        if !bounds.scopes.contains(scope) {
            exceeded(format!("spec.scopes[{index}]"), format!("scope {scope}"), "scopes");
        }
    }
    if consent == ConsentPolicy::Implied && !bounds.implied_consent {
        exceeded("spec.consent".to_owned(), "consent: Implied".to_owned(), "consent");
    }
    redirects(bounds, flows, &mut exceeded);
    if spec.require_pkce == Some(false) && tenant.tenant.require_pkce {
        let message = format!(
            "false is not allowed for clients from other namespaces, because spec.requirePkce of Tenant \"{}\" is true; remove it",
            tenant.tenant.id
        );
        problems.add_refusal(ConditionReason::BoundExceeded, "spec.requirePkce", message);
    }
}

/// Checks a dynamically registered client against the tenant's bounds. Fields that registration
/// cannot set are rejected: setting one by hand would give it to the holder of the registration
/// access token.
pub fn check_registered_bounds(
    problems: &mut ProblemList,
    spec: &api::OidcClientSpec,
    flows: &CheckedFlows,
    consent: ConsentPolicy,
    tenant: &CheckedTenant,
) {
    let bounds = &tenant.bounds;
    for (name, set) in [
        ("clientId", spec.client_id.is_some()),
        ("secret", spec.secret.is_some()),
        ("secretRef", spec.secret_ref.is_some()),
        ("consent", consent == ConsentPolicy::Implied),
        ("introspection", spec.introspection == Some(EnumSpec::Supported(Introspection::Tenant))),
    ] {
        if set {
            let message = format!(
                "is not allowed for dynamically registered clients; remove it, or adopt the client by removing its label {}",
                api::REGISTERED_LABEL
            );
            problems.add_refusal(ConditionReason::BoundExceeded, format!("spec.{name}"), message);
        }
    }
    let mut exceeded = |field: String, what: String, bound: &str| {
        let message = format!(
            "{what} is not allowed by the tenant's spec.clients.{bound} for dynamically registered clients; extend it there, or remove it here"
        );
        problems.add_refusal(ConditionReason::BoundExceeded, field, message);
    };
    for grant in flows.grant_types.difference(&bounds.registered.grant_types) {
        exceeded("spec.grantTypes".to_owned(), format!("grant type {grant}"), "grantTypes");
    }
    if let Some(allowed) = &bounds.registered.scopes {
        for (index, scope) in spec.scopes.iter().enumerate() {
            if !allowed.contains(scope) {
                exceeded(format!("spec.scopes[{index}]"), format!("scope {scope}"), "scopes");
            }
        }
    }
    redirects(bounds, flows, &mut exceeded);
}

fn redirects(
    bounds: &ClientBounds,
    flows: &CheckedFlows,
    exceeded: &mut impl FnMut(String, String, &str),
) {
    for (field, uris) in flows.uris.fields() {
        for (index, uri) in uris.iter().enumerate() {
            if let Some((what, bound)) = exceeded_bound(bounds, uri) {
                exceeded(format!("spec.{field}[{index}]"), what, bound);
            }
        }
    }
}

/// Rule: the scheme of a URI is https or among the tenant's, and the host of an http or https URI is
/// among the tenant's. The text after the scheme of an application is not a host. Returns what exceeds
/// the bound, and the bound's field.
pub fn exceeded_bound(bounds: &ClientBounds, uri: &RedirectUri) -> Option<(String, &'static str)> {
    if uri.scheme() != RedirectScheme::Https
        && !bounds.redirect_schemes.contains(&uri.scheme_name())
    {
        let what = format!("the scheme {:?} of {}", uri.scheme_name(), uri.as_str());
        return Some((what, "redirectSchemes"));
    }
    let (host, allowed) = (uri.host()?, bounds.redirect_hosts.as_ref()?);
    let is_allowed = allowed.iter().any(|pattern| pattern.matches(&host));
    (!is_allowed).then(|| (format!("the host of {}", uri.as_str()), "redirectHosts"))
}
