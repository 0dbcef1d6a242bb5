//! A context for work that continues after the request that began it, or that no request began.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use super::{AccountContext, AccountServices};
use crate::{
    keys::{Sealer, Vault},
    model::{AuditOrigin, Endpoint, Timestamp},
    registry::{ServedTenant, Snapshot},
    telemetry::AccessFacts,
};

/// An [`AccountContext`] that owns its parts.
#[derive(Debug)]
pub(super) struct DetachedContext {
    services: Arc<AccountServices>,
    tenant: Arc<ServedTenant>,
    sealer: Option<Arc<Sealer>>,
    vault: Option<Arc<Vault>>,
    now: Timestamp,
    store_now: Timestamp,
    facts: AccessFacts,
    request_id: String,
    endpoint: Endpoint,
    address: IpAddr,
    user_agent: Option<String>,
}

impl DetachedContext {
    /// A copy of a context, with a separate access line that is not written.
    pub(super) fn of(context: AccountContext<'_>) -> Self {
        let AuditOrigin { request_id, endpoint, address, user_agent } = context.origin;
        Self {
            services: Arc::clone(context.services),
            tenant: Arc::clone(context.tenant),
            sealer: context.sealer.cloned(),
            vault: context.vault.cloned(),
            now: context.now,
            store_now: context.store_now,
            facts: AccessFacts::default(),
            request_id: request_id.to_owned(),
            endpoint,
            address,
            user_agent: user_agent.map(str::to_owned),
        }
    }

    /// A context of the process itself, for work without reports: there is no request that they could name.
    pub(super) fn of_process(
        services: &Arc<AccountServices>,
        snapshot: &Snapshot,
        tenant: &Arc<ServedTenant>,
        now: Timestamp,
    ) -> Self {
        Self {
            services: Arc::clone(services),
            tenant: Arc::clone(tenant),
            sealer: snapshot.sealer.clone(),
            vault: snapshot.vault.clone(),
            now,
            store_now: services.store_clock.at(now),
            facts: AccessFacts::default(),
            request_id: String::new(),
            endpoint: Endpoint::Invitation,
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            user_agent: None,
        }
    }

    /// The account services for the tenant, at the moment at which this value was made.
    pub(super) fn context(&self) -> AccountContext<'_> {
        AccountContext {
            services: &self.services,
            tenant: &self.tenant,
            sealer: self.sealer.as_ref(),
            vault: self.vault.as_ref(),
            now: self.now,
            store_now: self.store_now,
            facts: &self.facts,
            origin: AuditOrigin {
                request_id: &self.request_id,
                endpoint: self.endpoint,
                address: self.address,
                user_agent: self.user_agent.as_deref(),
            },
        }
    }
}
