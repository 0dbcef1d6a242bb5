//! The permissions that a user is asked for.

use std::collections::BTreeSet;

use super::{
    super::{claims, records::RequestedClaims},
    ResourcesToGrant,
};
use crate::model::Tenant;

/// The prefix of claim names in [`AuthorizationRequest::requested_permissions`](super::AuthorizationRequest). Scopes
/// cannot contain a space.
pub const CLAIM_PREFIX: &str = "claim ";

/// Returns the scopes, the requested claims that no scope includes, and the permissions at resource servers.
pub(super) fn requested_permissions(
    tenant: &Tenant,
    (scopes, resources): (&BTreeSet<String>, &ResourcesToGrant),
    asked: &RequestedClaims,
) -> BTreeSet<String> {
    let given =
        |name: &String| scopes.iter().any(|scope| claims::scope_has_claim(tenant, scope, name));
    let named = asked.userinfo.union(&asked.id_token).filter(|name| !given(name));
    let at_servers = resources.permissions();
    let claims = named.map(|name| format!("{CLAIM_PREFIX}{name}"));
    scopes.iter().cloned().chain(claims).chain(at_servers).collect()
}
