//! The scopes of a client: those of its spec, or the defaults within the bounds of its tenant.

use std::collections::BTreeSet;

use super::{
    super::{CheckedTenant, ProblemList, SCOPE_MESSAGE},
    flows::CheckedFlows,
};
use crate::{
    model::GrantType,
    protocol::scope::{STANDARD_SCOPES, is_scope},
};

const DEFAULT_SCOPES: [&str; 4] = ["openid", "profile", "email", "groups"];

/// The scopes that bound the defaults of a client, if its tenant bounds it.
pub(super) fn scope_bound(
    tenant: &CheckedTenant,
    foreign: bool,
    registered: bool,
) -> Option<&BTreeSet<String>> {
    let bounds = &tenant.bounds;
    let of_registered = || bounds.registered.scopes.as_ref().filter(|_| registered);
    foreign.then_some(&bounds.scopes).or_else(of_registered)
}

/// The scopes of the spec; `None` if it lists none.
pub(super) fn written_scopes(
    problems: &mut ProblemList,
    written: &[String],
) -> Option<BTreeSet<String>> {
    for (index, scope) in written.iter().enumerate() {
        if !is_scope(scope) {
            problems.invalid(format!("spec.scopes[{index}]"), SCOPE_MESSAGE);
        }
    }
    (!written.is_empty()).then(|| written.iter().cloned().collect())
}

/// The scopes of the spec, each of which the tenant must have.
pub(super) fn known_scopes(
    problems: &mut ProblemList,
    written: BTreeSet<String>,
    tenant: &CheckedTenant,
) -> BTreeSet<String> {
    for scope in &written {
        if !STANDARD_SCOPES.contains(&scope.as_str()) && !tenant.tenant.scopes.contains_key(scope) {
            let id = &tenant.tenant.id;
            let message = format!(
                "Tenant \"{id}\" has no scope {scope:?}; add it to the tenant's spec.scopes, or remove it here"
            );
            problems.invalid("spec.scopes", message);
        }
    }
    written
}

/// The default scopes, as far as the tenant's bounds for the client allow them.
pub(super) fn default_client_scopes(
    flows: &CheckedFlows,
    bound: Option<&BTreeSet<String>>,
) -> BTreeSet<String> {
    let refresh = flows.grant_types.contains(&GrantType::RefreshToken);
    DEFAULT_SCOPES
        .into_iter()
        .chain(refresh.then_some("offline_access"))
        .filter(|scope| bound.is_none_or(|allowed| allowed.contains(*scope)))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{EnumSpec, OidcClientSpec},
        registry::validate::client::{flows, redirect_uris::ClientOrigin},
    };

    #[test]
    fn default_scopes_are_cut_to_the_bounds_of_the_tenant() {
        let refresh = EnumSpec::Supported(GrantType::RefreshToken);
        let code = EnumSpec::Supported(GrantType::AuthorizationCode);
        let spec = OidcClientSpec { grant_types: vec![code, refresh], ..Default::default() };
        let from = ClientOrigin {
            namespace: "team",
            registered: false,
            has_callbacks: false,
            installation: None,
        };
        let flows = flows::check_client_flows(&mut ProblemList::default(), &spec, from);
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
        let all = words("openid profile email groups offline_access");
        assert_eq!(default_client_scopes(&flows, None), all);
        let bound = words("openid email phone");
        assert_eq!(default_client_scopes(&flows, Some(&bound)), words("openid email"));
        assert!(default_client_scopes(&flows, Some(&BTreeSet::new())).is_empty());
    }
}
