//! One tenant and all clients and users that refer to it, validated together.

use std::sync::Arc;

use super::{
    clients,
    domains::warn_of_names_elsewhere,
    keys::{self, TenantKeys},
    mail::mail_settings,
    members::{ParsedObjects, TenantContext, TenantGroup},
    provider_links::TenantClients,
    providers, registration, resource_servers, salt,
    sources::PeopleSources,
    users::{self, LocalUser, ServedAccount},
};
use crate::{
    api::{ConditionReason, OidcClient},
    keys::{PairwiseSalt, ParsedKeyCache},
    messages::LanguageTag,
    model::{Client, Installation, ResourceServer, Tenant},
    registry::{
        EnrolmentState, ObjectOutcome, ProviderLinks, RegistrationService, ReservedNames,
        ServedTenant, TenantOutcome, Verdict,
        validate::{self, CheckedTenant, ProblemList},
    },
};

/// The result of validating a group.
#[derive(Debug)]
pub(super) struct GroupVerdicts {
    pub(super) served: Option<Arc<ServedTenant>>,
    pub(super) verdicts: Vec<Arc<Verdict>>,
}

impl GroupVerdicts {
    /// The clients, for the providers that refer to them.
    pub(super) fn clients(&self) -> TenantClients<'_> {
        let served = self.served.iter().flat_map(|tenant| tenant.clients());
        TenantClients::of(&self.verdicts, served)
    }
}

/// A group whose tenant, clients and users are validated. Its providers may refer to clients of other
/// groups.
#[derive(Debug)]
pub(super) struct PreparedGroup {
    verdicts: Vec<Arc<Verdict>>,
    tenant: PreparedTenant,
    clients: Vec<Arc<Client>>,
    users: Vec<ServedAccount>,
    resource_servers: Vec<Arc<ResourceServer>>,
    /// Users with passwords, who are a source of people next to the providers.
    local: Vec<LocalUser>,
    /// The names of clients and users that are not served.
    reserved: ReservedNames,
}

#[derive(Debug)]
enum PreparedTenant {
    Absent,
    NotAccepted,
    Accepted(Box<AcceptedTenant>),
}

#[derive(Debug)]
struct AcceptedTenant {
    checked: CheckedTenant,
    keys: TenantKeys,
    salt: Option<PairwiseSalt>,
    registration: Option<RegistrationService>,
}

impl PreparedTenant {
    /// The tenant as its clients, users and providers need it.
    fn context(&self) -> TenantContext<'_> {
        match self {
            Self::Absent => TenantContext::Absent,
            Self::NotAccepted => TenantContext::NotAccepted,
            Self::Accepted(accepted) => TenantContext::Accepted {
                tenant: &accepted.checked,
                has_keys: !accepted.keys.algorithms.is_empty(),
                salt: accepted.salt.as_ref(),
            },
        }
    }
}

impl TenantGroup<'_> {
    /// Validates the tenant, then its clients, then its users.
    pub(super) fn prepare(
        &self,
        installation: &Installation,
        cache: &ParsedKeyCache,
    ) -> PreparedGroup {
        let mut verdicts = Vec::with_capacity(1 + self.clients.len() + self.users.len());
        let parsed: Vec<_> = self.clients.iter().map(ParsedObjects::of).collect();
        let tenant = self.prepare_tenant(&parsed, &mut verdicts, installation, cache);
        let host = tenant.context();
        let users = users::ParsedUsers::of(self, installation);
        let (clients, client_verdicts) =
            clients::validate_clients(self, (&parsed, &users.subjects()), host, installation);
        let users = users::validate_users(users, (self, host), &clients.own_ids, installation);
        let known = (&*clients.served, &clients.own_ids);
        let (resource_servers, server_verdicts) =
            resource_servers::validate_resource_servers(self, host, known, installation);
        verdicts.extend(client_verdicts);
        verdicts.extend(server_verdicts);
        verdicts.extend(users.verdicts);
        let (local, mut reserved, users) = (users.local, users.reserved, users.served);
        for (client, id) in clients.reserved {
            reserved.reserve_client(client, id);
        }
        let clients = clients.served;
        PreparedGroup { verdicts, tenant, clients, users, resource_servers, local, reserved }
    }

    fn prepare_tenant(
        &self,
        clients: &[ParsedObjects<'_, OidcClient>],
        verdicts: &mut Vec<Arc<Verdict>>,
        installation: &Installation,
        cache: &ParsedKeyCache,
    ) -> PreparedTenant {
        let Some(member) = &self.tenant else { return PreparedTenant::Absent };
        let Some(claim) = &self.claim else { return PreparedTenant::NotAccepted };
        let tenant = ParsedObjects::of(member);
        let (mut checked, mut problems) =
            validate::validate_tenant(&tenant.raw, member.key, claim.clone(), installation.dev);
        if let Some(checked) = &mut checked {
            set_hosts(&mut checked.tenant, installation);
        }
        if let Some(checked) = &checked {
            warn_of_unknown_language(&mut problems, &checked.tenant);
            warn_of_missing_mutual_tls_url(&mut problems, &checked.tenant, installation);
        }
        tenant.refuse_unknown_fields(&mut problems);
        self.check_access(&mut problems, tenant.raw.spec.access.as_ref());
        resource_servers::check_named_resources(&mut problems, self, &tenant.raw);
        let mut checked = checked.filter(|_| !problems.refused());
        if let Some(accepted) = checked.as_mut().map(|it| &mut it.tenant)
            && let (Some(settings), Some(spec)) = (accepted.mail.take(), &tenant.raw.spec.mail)
        {
            accepted.mail = mail_settings(&mut problems, self, (spec, &settings), installation);
        }
        let keys = keys::read_signing_keys(&mut problems, &tenant, checked.as_ref(), cache);
        let wanted = checked.is_some() && salt::needs_salt(&tenant, clients);
        let salt = wanted.then(|| salt::read_pairwise_salt(&mut problems, &tenant, self.salt));
        let (found, salt) = salt.unzip();
        let registration = checked
            .as_ref()
            .and_then(|it| registration::registration_service(&mut problems, self, clients, it));
        let outcome = ObjectOutcome::Tenant(Box::new(TenantOutcome {
            salt,
            issuer: claim.as_ref().ok().cloned(),
            internal_url: checked.as_ref().and_then(|it| it.tenant.internal_url.clone()),
            enrolment: checked.as_ref().and_then(|it| enrolment_state(&it.tenant)),
            mail: checked.as_ref().and_then(|it| it.tenant.mail.clone()),
            served: checked.is_some() && !keys.algorithms.is_empty(),
            keys: keys.source.clone(),
            ring: keys.ring.clone(),
        }));
        verdicts.push(tenant.verdict(problems, outcome));
        checked.map_or(PreparedTenant::NotAccepted, |checked| {
            let salt = found.flatten();
            PreparedTenant::Accepted(Box::new(AcceptedTenant { checked, keys, salt, registration }))
        })
    }
}

impl PreparedGroup {
    /// The clients, for the providers that refer to them.
    pub(super) fn clients(&self) -> TenantClients<'_> {
        TenantClients::of(&self.verdicts, self.clients.iter())
    }

    /// Validates the providers. `links`: the clients that they refer to.
    pub(super) fn finish(
        self,
        group: &TenantGroup<'_>,
        links: &ProviderLinks,
        installation: &Installation,
    ) -> GroupVerdicts {
        let Self {
            mut verdicts,
            tenant,
            clients,
            mut users,
            local,
            mut reserved,
            resource_servers,
        } = self;
        let host = tenant.context();
        let mut sources = PeopleSources::of_users(&local);
        let providers =
            providers::validate_providers(group, host, (links, &mut sources), installation);
        sources.refuse_younger_users(&local, &mut verdicts, (&mut users, &mut reserved));
        verdicts.extend(providers.verdicts);
        for (provider, names) in providers.reserved {
            reserved.reserve_provider(provider, names);
        }
        let providers = providers.served;
        warn_of_names_elsewhere(&providers, &users, &mut verdicts);
        let serves = host.serves();
        let PreparedTenant::Accepted(accepted) = tenant else {
            return GroupVerdicts { served: None, verdicts };
        };
        let served = serves.then(|| {
            let AcceptedTenant { checked, keys, registration, .. } = *accepted;
            let TenantKeys { ring, algorithms, .. } = keys;
            let tenant = Tenant { algorithms, ..checked.tenant };
            let served = ServedTenant::new(tenant, ring, clients, users);
            let served = served.taking_registrations(registration).with_reserved_names(reserved);
            let served = served.with_providers(providers);
            Arc::new(served.with_resource_servers(resource_servers))
        });
        GroupVerdicts { served, verdicts }
    }
}

/// Sets the hosts that the installation gives a tenant.
fn set_hosts(tenant: &mut Tenant, installation: &Installation) {
    tenant.internal_hosts = installation.internal_hosts_of(&tenant.id);
    tenant.upstream_hosts = installation.upstream_hosts_of(&tenant.id);
    tenant.languages = Arc::clone(&installation.languages);
    tenant.authenticators.are_kept = installation.keeps_authenticators;
    let url = tenant.internal_urls().next();
    tenant.internal_url = url.map(Into::into);
    let mutual_tls = installation.mutual_tls_url_of(&tenant.issuer);
    tenant.mutual_tls_url = mutual_tls.map(Into::into);
}

/// Reports an issuer that has no address for certificates although the installation has a listener for them.
fn warn_of_missing_mutual_tls_url(
    problems: &mut ProblemList,
    tenant: &Tenant,
    installation: &Installation,
) {
    if installation.mutual_tls.is_some() && tenant.mutual_tls_url.is_none() {
        let message = format!(
            "issuer \"{}\" has a port of its own, so its applications have no address to present certificates at; move it to a host without a port if they need one",
            tenant.issuer
        );
        problems.warn(ConditionReason::CertificatesUnavailable, "spec.issuer", message);
    }
}

/// Reports a default language without texts. A file with its texts can come later.
fn warn_of_unknown_language(problems: &mut ProblemList, tenant: &Tenant) {
    let default = tenant.branding.default_locale.as_ref();
    if let Some(unknown) = default.filter(|it| !tenant.languages.has_texts_for(it)) {
        let known: Vec<_> = tenant.languages.tags().map(LanguageTag::as_str).collect();
        let message = format!(
            "{unknown} has no texts here, so pages and mails are in English; set one of {}, or add a file with its texts",
            known.join(", ")
        );
        let field = "spec.branding.defaultLocale";
        problems.warn(ConditionReason::LanguageUnknown, field, message);
    }
}

/// Whether people can enrol the authenticators that a tenant offers.
fn enrolment_state(tenant: &Tenant) -> Option<EnrolmentState> {
    let authenticators = tenant.authenticators;
    authenticators.has_any().then_some(if authenticators.are_kept {
        EnrolmentState::Available
    } else if authenticators.required().is_some() {
        EnrolmentState::RequiredNotDurable
    } else {
        EnrolmentState::StoreNotDurable
    })
}
