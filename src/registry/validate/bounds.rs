//! A tenant's bounds for clients of other namespaces, and for dynamically registered clients. See
//! docs/design/api.md#clients-of-other-namespaces.

use std::collections::BTreeSet;

use super::{ProblemList, SCOPE_MESSAGE, host_patterns, selector};
use crate::{
    api::{self, ConditionReason, EnumSpec, LabelSelector, NamespaceLabels, NamespacesFrom},
    model::{ConsentPolicy, GrantType, HostPattern, REFUSED_SCHEMES},
    protocol::scope::is_scope,
};

/// A tenant's bounds. They do not apply to clients declared in its own namespace.
#[derive(Clone, Debug)]
pub struct ClientBounds {
    admission: NamespaceAdmission,
    /// Hosts allowed in redirect URIs; `None`: any.
    pub redirect_hosts: Option<Vec<HostPattern>>,
    /// Schemes allowed in redirect URIs besides https.
    pub redirect_schemes: BTreeSet<String>,
    /// Scopes that clients may have.
    pub scopes: BTreeSet<String>,
    /// Grant types that clients may have.
    pub grant_types: BTreeSet<GrantType>,
    /// Whether clients may set `consent: Implied`.
    pub implied_consent: bool,
    /// Bounds for dynamically registered clients.
    pub registered: RegistrationBounds,
}

/// Bounds for dynamically registered clients: those for clients of other namespaces, where the
/// tenant sets them.
#[derive(Clone, Debug)]
pub struct RegistrationBounds {
    /// Scopes allowed; `None`: any that the tenant has.
    pub scopes: Option<BTreeSet<String>>,
    /// Grant types allowed; by default those with redirect URIs, and `refresh_token`.
    pub grant_types: BTreeSet<GrantType>,
    /// The names of the resource servers that they may request tokens for.
    pub resources: BTreeSet<String>,
}

/// The other namespaces that an object admits.
#[derive(Clone, Debug)]
pub enum NamespaceAdmission {
    /// No other namespace. Objects of the own namespace are always admitted.
    Same,
    /// All namespaces.
    All,
    /// The namespaces with matching labels.
    Selector(LabelSelector),
}

impl NamespaceAdmission {
    /// Whether another namespace is admitted; `None` if that depends on labels which may not be read.
    pub fn admits(&self, namespace: &str, namespaces: &NamespaceLabels) -> Option<bool> {
        match self {
            Self::Same => Some(false),
            Self::All => Some(true),
            Self::Selector(labels) => selector::selector_matches(labels, namespace, namespaces),
        }
    }
}

const FIELD: &str = "spec.clients";

/// Validates the bounds. An absent bound has its default. An empty list allows nothing.
pub fn check_client_bounds(problems: &mut ProblemList, spec: &api::TenantSpec) -> ClientBounds {
    let written = spec.clients.clone().unwrap_or_default();
    let consent = problems.supported(format!("{FIELD}.consent"), written.consent.as_ref());
    let scopes = written.scopes.map(|scopes| bound_scopes(problems, scopes));
    let grant_types = written
        .grant_types
        .map(|types| super::grant_types(problems, &format!("{FIELD}.grantTypes"), &types));
    let default_grants = |has: fn(GrantType) -> bool| -> BTreeSet<GrantType> {
        GrantType::ALL.into_iter().filter(|grant_type| has(*grant_type)).collect()
    };
    let default_scopes = || ["openid", "profile", "email", "offline_access"].map(str::to_owned);
    ClientBounds {
        admission: namespace_admission(problems, written.namespaces.as_ref()),
        redirect_hosts: written
            .redirect_hosts
            .map(|hosts| host_patterns(problems, &format!("{FIELD}.redirectHosts"), &hosts)),
        // By default http for native applications on loopback hosts.
        redirect_schemes: written
            .redirect_schemes
            .map_or_else(|| ["http".to_owned()].into(), |it| redirect_schemes(problems, it)),
        registered: RegistrationBounds {
            scopes: scopes.clone(),
            grant_types: grant_types
                .clone()
                .unwrap_or_else(|| default_grants(GrantType::is_default_for_registered_clients)),
            resources: spec
                .registration
                .iter()
                .flat_map(|it| it.resources.iter().cloned())
                .collect(),
        },
        scopes: scopes.unwrap_or_else(|| default_scopes().into()),
        grant_types: grant_types
            .unwrap_or_else(|| default_grants(GrantType::is_default_for_foreign_clients)),
        implied_consent: consent == Some(ConsentPolicy::Implied),
    }
}

/// Validates `spec.clients.namespaces`. Absent, or with a value that is not supported, it admits no other namespace.
pub fn namespace_admission(
    problems: &mut ProblemList,
    written: Option<&api::AllowedNamespaces>,
) -> NamespaceAdmission {
    let at = format!("{FIELD}.namespaces");
    let written = written.cloned().unwrap_or_default();
    let default = EnumSpec::Supported(NamespacesFrom::Same);
    let from = written.from.as_ref().unwrap_or(&default);
    let Some(from) = problems.supported(format!("{at}.from"), Some(from)) else {
        return NamespaceAdmission::Same;
    };
    match (from, written.selector) {
        (NamespacesFrom::Selector, Some(labels)) => {
            selector::check_selector(problems, &format!("{at}.selector"), &labels);
            NamespaceAdmission::Selector(labels)
        }
        (NamespacesFrom::Selector, None) => {
            problems.invalid(format!("{at}.selector"), "must be set with from: Selector");
            NamespaceAdmission::Same
        }
        (from, selector) => {
            if selector.is_some() {
                problems.invalid(
                    format!("{at}.selector"),
                    "must only be set with from: Selector; set from: Selector, or remove the selector",
                );
            }
            if from == NamespacesFrom::All {
                NamespaceAdmission::All
            } else {
                NamespaceAdmission::Same
            }
        }
    }
}

fn redirect_schemes(problems: &mut ProblemList, written: Vec<String>) -> BTreeSet<String> {
    for (index, scheme) in written.iter().enumerate() {
        let field = format!("{FIELD}.redirectSchemes[{index}]");
        if REFUSED_SCHEMES.contains(&scheme.as_str()) {
            let message =
                format!("{scheme:?} runs code, reads files or reaches no application; remove it");
            problems.invalid(field, message);
        } else if !is_scheme(scheme) {
            problems.invalid(
                field,
                "must be a scheme in lower case without ':', such as http, myapp or com.example.app",
            );
        }
    }
    written.into_iter().collect()
}

/// Whether a text is a scheme in lower case (RFC 3986 §3.1).
fn is_scheme(text: &str) -> bool {
    let rest = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b);
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(rest)
}

fn bound_scopes(problems: &mut ProblemList, written: Vec<String>) -> BTreeSet<String> {
    for (index, scope) in written.iter().enumerate() {
        if !is_scope(scope) {
            problems.invalid(format!("{FIELD}.scopes[{index}]"), SCOPE_MESSAGE);
        }
    }
    written.into_iter().collect()
}

impl ClientBounds {
    /// Checks whether clients of another namespace are admitted. The error is the reason why not.
    pub fn admits(
        &self,
        namespace: &str,
        namespaces: &NamespaceLabels,
    ) -> Result<(), ConditionReason> {
        match self.admission.admits(namespace, namespaces) {
            Some(true) => Ok(()),
            Some(false) => Err(ConditionReason::NamespaceNotAllowed),
            None => Err(ConditionReason::SelectorUnavailable),
        }
    }
}
