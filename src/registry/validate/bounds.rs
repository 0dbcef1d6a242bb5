//! The bounds that a tenant sets for clients of other namespaces
//! (docs/design/api.md#clients-of-other-namespaces), and for clients that register themselves.

use std::collections::BTreeSet;

use super::{ProblemList, SCOPE_MESSAGE, selector};
use crate::{
    api::{self, ConditionReason, ConsentFrom, LabelSelector, NamespaceLabels},
    model::{GrantType, HostPattern},
    protocol::scope::is_scope,
};

/// A tenant's bounds; they do not bind clients of its own namespace.
#[derive(Clone, Debug)]
pub struct ClientBounds {
    admission: Admission,
    /// Hosts of redirect URIs; `None`: any.
    pub redirect_hosts: Option<Vec<HostPattern>>,
    /// Scopes that may be had.
    pub scopes: BTreeSet<String>,
    /// Grant types that may be used.
    pub grant_types: BTreeSet<GrantType>,
    /// Whether such clients may answer for their people.
    pub implied_consent: bool,
    /// Scopes and grant types that clients which register themselves may have.
    pub registered: RegistrationBounds,
}

/// What a tenant gives to clients that register themselves: what it says of clients of other
/// namespaces, where it says something.
#[derive(Clone, Debug)]
pub struct RegistrationBounds {
    /// Scopes; `None`: any that the tenant has.
    pub scopes: Option<BTreeSet<String>>,
    /// Grant types; those of people unless the tenant says otherwise.
    pub grant_types: BTreeSet<GrantType>,
}

#[derive(Clone, Debug)]
enum Admission {
    Same,
    All,
    Selector(LabelSelector),
}

const FIELD: &str = "spec.clients";

/// Checks the bounds as written; absent ones have their defaults, an empty list means none.
pub fn check(problems: &mut ProblemList, written: Option<&api::ClientBoundsSpec>) -> ClientBounds {
    let written = written.cloned().unwrap_or_default();
    let consent = written.consent.unwrap_or(api::Consent::Required);
    if let api::Consent::Unknown(value) = &consent {
        problems.unsupported(format!("{FIELD}.consent"), value, api::Consent::KNOWN);
    }
    let scopes = written.scopes.map(|scopes| bound_scopes(problems, scopes));
    let grant_types = written
        .grant_types
        .map(|types| super::grant_types(problems, &format!("{FIELD}.grantTypes"), &types));
    let (code, refresh) = (GrantType::AuthorizationCode, GrantType::RefreshToken);
    let of_people = || [code, GrantType::Implicit, refresh].into();
    let default_scopes = || ["openid", "profile", "email", "offline_access"].map(str::to_owned);
    ClientBounds {
        admission: admission(problems, written.namespaces.as_ref()),
        redirect_hosts: written.redirect_hosts.map(|hosts| redirect_hosts(problems, &hosts)),
        registered: RegistrationBounds {
            scopes: scopes.clone(),
            grant_types: grant_types.clone().unwrap_or_else(of_people),
        },
        scopes: scopes.unwrap_or_else(|| default_scopes().into()),
        grant_types: grant_types.unwrap_or_else(|| [code, refresh].into()),
        implied_consent: consent == api::Consent::Implied,
    }
}

fn admission(problems: &mut ProblemList, written: Option<&api::NamespaceConsent>) -> Admission {
    let at = format!("{FIELD}.namespaces");
    let written = written.cloned().unwrap_or_default();
    let from = written.from.unwrap_or(ConsentFrom::Same);
    match (from, written.selector) {
        (ConsentFrom::Selector, Some(labels)) => {
            selector::check(problems, &format!("{at}.selector"), &labels);
            Admission::Selector(labels)
        }
        (ConsentFrom::Selector, None) => {
            problems.invalid(
                format!("{at}.selector"),
                "is needed with from: Selector; say which labels",
            );
            Admission::Same
        }
        (ConsentFrom::Unknown(value), _) => {
            problems.unsupported(format!("{at}.from"), &value, ConsentFrom::KNOWN);
            Admission::Same
        }
        (from, selector) => {
            if selector.is_some() {
                problems.invalid(
                    format!("{at}.selector"),
                    "counts with from: Selector only; set that, or remove the selector",
                );
            }
            if from == ConsentFrom::All { Admission::All } else { Admission::Same }
        }
    }
}

fn redirect_hosts(problems: &mut ProblemList, written: &[String]) -> Vec<HostPattern> {
    let mut hosts = Vec::new();
    for (index, text) in written.iter().enumerate() {
        match HostPattern::parse(text) {
            Some(pattern) => hosts.push(pattern),
            None => problems.invalid(
                format!("{FIELD}.redirectHosts[{index}]"),
                "must be a host name, or *.example.com for every name below one",
            ),
        }
    }
    hosts
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
    /// Whether clients of another namespace are admitted; if not, why.
    pub fn admits(
        &self,
        namespace: &str,
        namespaces: &NamespaceLabels,
    ) -> Result<(), ConditionReason> {
        let admitted = match &self.admission {
            Admission::Same => Some(false),
            Admission::All => Some(true),
            Admission::Selector(labels) => selector::matches(labels, namespace, namespaces),
        };
        match admitted {
            Some(true) => Ok(()),
            Some(false) => Err(ConditionReason::NamespaceNotAllowed),
            None => Err(ConditionReason::SelectorUnavailable),
        }
    }
}
