//! One tenant and all clients and users that refer to it, validated together.

use std::sync::Arc;

use super::{
    clients,
    keys::{self, TenantKeys},
    members::{ParsedObjects, TenantContext, TenantGroup},
    providers, registration, salt, users,
};
use crate::{
    keys::ParsedKeyCache,
    model::{Installation, Tenant},
    registry::{ObjectOutcome, ServedTenant, TenantOutcome, Verdict, validate},
};

/// The result of validating a group.
#[derive(Debug)]
pub(super) struct GroupVerdicts {
    pub(super) served: Option<Arc<ServedTenant>>,
    pub(super) verdicts: Vec<Arc<Verdict>>,
}

impl TenantGroup<'_> {
    /// Validates the tenant, then its clients, then its users.
    pub(super) fn validate_group(
        &self,
        installation: &Installation,
        cache: &ParsedKeyCache,
    ) -> GroupVerdicts {
        let mut verdicts = Vec::with_capacity(1 + self.clients.len() + self.users.len());
        let parsed: Vec<_> = self.clients.iter().map(ParsedObjects::of).collect();
        let mut serving = None;
        if let (Some(tenant), Some(claim)) =
            (self.tenant.as_ref().map(ParsedObjects::of), &self.claim)
        {
            let key = tenant.member.key;
            let (mut checked, mut problems) =
                validate::validate_tenant(&tenant.raw, key, claim.clone(), installation.dev);
            if let Some(checked) = &mut checked {
                set_hosts(&mut checked.tenant, installation);
            }
            tenant.refuse_unknown_fields(&mut problems);
            let checked = checked.filter(|_| !problems.refused());
            let keys = keys::of_tenant(&mut problems, &tenant, checked.as_ref(), cache);
            let wanted = checked.is_some() && salt::is_wanted(&tenant, &parsed);
            let salt = wanted.then(|| salt::of_tenant(&mut problems, &tenant, self.salt));
            let (found, salt) = salt.unzip();
            let registration = checked.as_ref().and_then(|it| {
                registration::registration_service(&mut problems, self, &parsed, it)
            });
            let outcome = ObjectOutcome::Tenant(Box::new(TenantOutcome {
                salt,
                issuer: claim.as_ref().ok().cloned(),
                internal_url: checked.as_ref().and_then(|it| it.tenant.internal_url.clone()),
                served: checked.is_some() && !keys.algorithms.is_empty(),
                keys: keys.source.clone(),
                ring: keys.ring.clone(),
            }));
            verdicts.push(tenant.verdict(problems, outcome));
            serving = checked.map(|checked| (checked, keys, (found.flatten(), registration)));
        }
        let host = match (&self.tenant, &serving) {
            (None, _) => TenantContext::Absent,
            (Some(_), None) => TenantContext::NotAccepted,
            (Some(_), Some((tenant, keys, (salt, _)))) => {
                let has_keys = !keys.algorithms.is_empty();
                TenantContext::Accepted { tenant, has_keys, salt: salt.as_ref() }
            }
        };
        let users = users::ParsedUsers::of(self, installation);
        let (clients, client_verdicts) =
            clients::validate_clients(self, (&parsed, &users.subjects()), host, installation);
        let (users, user_verdicts) =
            users::validate_users(users, (&self.id, host), &clients.own_ids, installation);
        verdicts.extend(client_verdicts);
        verdicts.extend(user_verdicts);
        let (providers, provider_verdicts) =
            providers::validate_providers(self, host, installation);
        verdicts.extend(provider_verdicts);
        let served =
            host.serves().then_some(serving).flatten().map(|(checked, keys, (_, registration))| {
                let TenantKeys { ring, algorithms, .. } = keys;
                let tenant = Tenant { algorithms, ..checked.tenant };
                let served = ServedTenant::new(tenant, ring, clients.served, users);
                Arc::new(served.taking_registrations(registration).with_providers(providers))
            });
        GroupVerdicts { served, verdicts }
    }
}

/// Sets the hosts that the installation gives a tenant.
fn set_hosts(tenant: &mut Tenant, installation: &Installation) {
    tenant.internal_hosts = installation.internal_hosts_of(&tenant.id);
    tenant.upstream_hosts = installation.upstream_hosts_of(&tenant.id);
    let url = tenant.internal_urls().next();
    tenant.internal_url = url.map(Into::into);
}
