//! The exchanges that a resource server allows: their clients and audiences, looked up among the objects of the
//! tenant.

use std::{collections::HashSet, sync::Arc};

use super::members::TenantGroup;
use crate::{
    api::{ConditionReason, ConditionType},
    model::{Client, ClientId, ExchangeRule, GrantType, Issuer},
    registry::validate::{CheckedExchangeRule, ProblemList},
};

/// The audiences that tokens of a tenant can have.
pub(super) struct KnownAudiences<'a> {
    issuer: Option<&'a Issuer>,
    servers: HashSet<String>,
}

impl<'a> KnownAudiences<'a> {
    /// The audiences of the issuer and of all resource servers of the tenant, by their identifiers.
    pub(super) fn of<'o>(
        issuer: Option<&'a Issuer>,
        identifiers: impl Iterator<Item = &'o str>,
    ) -> Self {
        Self { issuer, servers: identifiers.map(str::to_owned).collect() }
    }

    fn contains(&self, audience: &str, client: Option<&ClientId>) -> bool {
        self.servers.contains(audience)
            || self.issuer.is_some_and(|issuer| issuer.as_str() == audience)
            || client.is_some_and(|client| client.as_str() == audience)
    }
}

/// Reports rules that have no effect, and returns the others. The resource server is served
/// without them.
pub(super) fn resolve_exchange_rules(
    problems: &mut ProblemList,
    rules: Vec<CheckedExchangeRule>,
    (group, clients): (&TenantGroup<'_>, &[Arc<Client>]),
    audiences: &KnownAudiences<'_>,
) -> Vec<ExchangeRule> {
    let rules = rules.into_iter().enumerate().filter_map(|(index, rule)| {
        let field = format!("spec.exchange.allow[{index}]");
        let client = clients.iter().find(|client| client.object == rule.client);
        check_client(problems, &field, (&rule, client), group);
        if !audiences.contains(&rule.from, client.map(|client| &client.id)) {
            let message = format!(
                "{:?} is not an audience of the tenant's tokens; set the identifier of a ResourceServer of the tenant, the issuer, or the ID of the client",
                rule.from
            );
            let reason = ConditionReason::ResourceServerNotFound;
            problems.add(ConditionType::ResolvedRefs, reason, format!("{field}.from"), message);
        }
        let client = client.filter(|client| !client.is_public())?.id.clone();
        let CheckedExchangeRule { from, mode, condition, .. } = rule;
        Some(ExchangeRule { client, from, mode, condition })
    });
    rules.collect()
}

/// Reports a client that does not exist, or that cannot exchange tokens. If it is not served, its own conditions
/// say why.
fn check_client(
    problems: &mut ProblemList,
    field: &str,
    (rule, client): (&CheckedExchangeRule, Option<&Arc<Client>>),
    group: &TenantGroup<'_>,
) {
    let field = format!("{field}.client");
    let (condition, object) = (ConditionType::ResolvedRefs, &rule.client);
    if !group.clients.iter().any(|client| client.key == object) {
        let message = format!(
            "OidcClient {:?} not found in namespace {:?}; create it with the tenantRef of this tenant",
            object.name, object.namespace
        );
        problems.add(condition, ConditionReason::ClientNotFound, field, message);
        return;
    }
    let Some(client) = client else { return };
    let name = &object.name;
    if client.is_public() {
        let message = format!(
            "OidcClient {name:?} is public, so it cannot exchange tokens; set its tokenEndpointAuthMethod to client_secret_basic or private_key_jwt"
        );
        problems.add(condition, ConditionReason::ClientUnsuitable, field, message);
    } else if !client.grant_types.contains(&GrantType::TokenExchange) {
        let message = format!(
            "OidcClient {name:?} may not exchange tokens; add {} to its grantTypes",
            GrantType::TokenExchange
        );
        problems.add(condition, ConditionReason::ClientUnsuitable, field, message);
    }
}
