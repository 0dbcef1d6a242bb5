//! The identity providers of one tenant: conflicts between them, and the Secret of each.

use std::sync::Arc;

use url::Url;

use super::{
    members::{ParsedObjects, TenantContext, TenantGroup},
    provider_secrets::ProviderSecrets,
    sources::PeopleSources,
};
use crate::{
    api::{ConditionReason, ConditionType, IdentityProvider},
    model::{Installation, ObjectKey, ProbeQuestion, ProbeTarget},
    protocol::identity_provider::{
        IdentityProvider as Provider, ProviderSource, UpstreamCredentials,
    },
    registry::{
        LinkedClient, ObjectOutcome, ProviderLinks, ProviderNames, ProviderOutcome, ProviderUris,
        ValidationProblem, Verdict,
        precedence::Precedence,
        validate::{self, ProviderFindings, ProviderNaming},
    },
};

/// The providers of a group, validated together.
#[derive(Debug, Default)]
pub(super) struct EvaluatedProviders {
    /// The providers that are served, in the order of the sign-in page.
    pub(super) served: Vec<Arc<Provider>>,
    pub(super) verdicts: Vec<Arc<Verdict>>,
    /// The names of those that are not served.
    pub(super) reserved: Vec<(ObjectKey, ProviderNames)>,
}

/// Validates the providers of a group together.
pub(super) fn validate_providers(
    group: &TenantGroup<'_>,
    host: TenantContext<'_>,
    (links, sources): (&ProviderLinks, &mut PeopleSources<'_>),
    installation: &Installation,
) -> EvaluatedProviders {
    let mut parsed: Vec<_> = group
        .providers
        .iter()
        .map(ParsedObjects::of)
        .zip(&group.provider_cas)
        .map(|(provider, ca)| {
            let key = provider.member.key;
            let link = links.get(key);
            let linked = link.and_then(|link| link.as_ref().ok());
            let mut found =
                validate::validate_provider(&provider.raw, key, linked, installation.dev);
            found.problems.append(link.and_then(|link| link.clone().err()));
            (provider, found, *ca)
        })
        .collect();
    parsed.sort_by_cached_key(|(provider, ..)| {
        Precedence::of(provider.created(), provider.member.key, installation)
    });
    let mut evaluated = EvaluatedProviders::default();
    for (provider, mut found, ca) in parsed {
        provider.refuse_unknown_fields(&mut found.problems);
        host.report(&mut found.problems, &group.id);
        if let Some(tenant) = host.accepted() {
            check_assertions(&mut found, tenant);
        }
        sources.add(provider.member.key, &mut found, provider.created());
        if let Some(checked) = &mut found.checked {
            permit_inside_network(checked, installation);
            let reachable = *provider.member.cached.status_facts();
            checked.unreachable = reachable.is_some_and(|it| it != ConditionReason::Reachable);
        }
        let refused = found.problems.refused();
        let secrets = ProviderSecrets::read(&provider, found.secret.as_ref(), ca);
        let secrets = secrets.map_err(|problem| found.problems.append([problem])).ok();
        let ready = found.checked.take().filter(|_| !refused).zip(secrets);
        let ready = ready.map(|(checked, secrets)| secrets.applied_to(checked));
        let issuer = host.accepted().map(|tenant| &tenant.tenant.issuer);
        let uris = issuer.map(|issuer| ProviderUris::of(issuer, &provider.member.key.name));
        let is_served = ready.is_some() && host.serves();
        let probe = ready.as_ref().filter(|_| is_served);
        let outcome = ProviderOutcome {
            issuer: provider_issuer(&provider.raw, links.get(provider.member.key)),
            identity_key: found.naming.identity_key.clone(),
            probe: probe.and_then(|provider| probe_target(provider, installation)),
            served: is_served,
            ..ProviderOutcome::with_uris(&provider.raw.spec, uris)
        };
        if outcome.served {
            evaluated.served.extend(ready.map(Arc::new));
        } else {
            let ProviderNaming { subject, sign_in_domains: domains, is_directory, .. } =
                found.naming;
            let names = ProviderNames { subject, domains, is_directory };
            evaluated.reserved.push((provider.member.key.clone(), names));
        }
        let outcome = ObjectOutcome::Provider(outcome);
        evaluated.verdicts.push(provider.verdict(found.problems, outcome));
    }
    sort_for_page(&mut evaluated.served);
    evaluated
}

/// Sorts providers as the sign-in page shows them.
fn sort_for_page(providers: &mut [Arc<Provider>]) {
    fn page_position(provider: &Provider) -> (u32, &str, &str) {
        (provider.sign_in.order, &provider.display_name, provider.name())
    }
    providers.sort_by(|a, b| page_position(a).cmp(&page_position(b)));
}

/// The issuer of an OpenID provider: as written, or that of the tenant which a client belongs to.
fn provider_issuer(
    raw: &IdentityProvider,
    link: Option<&Result<LinkedClient, ValidationProblem>>,
) -> Option<String> {
    let linked = link.and_then(|link| link.as_ref().ok());
    let linked = linked.map(|client| client.issuer.to_string());
    linked.or_else(|| raw.spec.oidc.as_ref()?.issuer.clone())
}

/// The server of a provider, and what it is asked. `None` for a tenant of this installation.
fn probe_target(provider: &Provider, installation: &Installation) -> Option<ProbeTarget> {
    let allows = |host: &str| installation.allows_upstream_host(host, &provider.object.namespace);
    Some(match &provider.source {
        ProviderSource::Oidc(oidc) if oidc.linked.is_some() => return None,
        ProviderSource::Oidc(oidc) => ProbeTarget {
            inside_network: allows(Url::parse(&oidc.issuer).ok()?.host_str()?),
            question: ProbeQuestion::Discovery(oidc.issuer.as_str().into()),
            certificates: oidc.certificates.clone(),
        },
        ProviderSource::GitHub(github) => ProbeTarget {
            inside_network: allows(&github.host),
            question: ProbeQuestion::GitHubApi(github.host.as_str().into()),
            certificates: github.certificates.clone(),
        },
        ProviderSource::Ldap(settings) => ProbeTarget {
            inside_network: settings.server.inside_network,
            question: ProbeQuestion::Directory(Arc::new((**settings).clone())),
            certificates: settings.server.certificates.clone(),
        },
    })
}

/// Assertions are signed by a key that the tenant has, and are no ID tokens of the tenant.
fn check_assertions(found: &mut ProviderFindings, tenant: &validate::CheckedTenant) {
    let Some(ProviderSource::Oidc(oidc)) = found.checked.as_ref().map(|it| &it.source) else {
        return;
    };
    let UpstreamCredentials::PrivateKeyJwt { algorithm, .. } = oidc.credentials else { return };
    if oidc.linked.is_some() {
        // The algorithm is required by the client, whose id is never an issuer.
        if let Some(algorithm) = algorithm.filter(|it| !tenant.tenant.algorithms.contains(it)) {
            let message = format!(
                "the client requires assertions that are signed with {algorithm}, for which Tenant {:?} has no keys; add it to spec.signing.algorithms of the Tenant, or remove tokenEndpointAuthSigningAlg of the client",
                tenant.tenant.id.to_string()
            );
            let reason = ConditionReason::ClientUnsuitable;
            let (condition, field) = (ConditionType::ResolvedRefs, "spec.oidc.clientRef");
            found.problems.append([ValidationProblem::of(condition, reason, field, message)]);
            found.checked = None;
        }
        return;
    }
    let mut problems = Vec::new();
    if let Some(algorithm) = algorithm.filter(|it| !tenant.tenant.algorithms.contains(it)) {
        let message = format!(
            "the tenant has no keys for {algorithm}; add it to spec.signing.algorithms of the Tenant, or remove it here"
        );
        problems.push(("spec.oidc.privateKeyJwt.algorithm", message));
    }
    if oidc.client_id == tenant.tenant.issuer.as_str() {
        let message = "is the issuer of the tenant, so assertions would look like its tokens; use another client id, or a client secret";
        problems.push(("spec.oidc.clientId", message.to_owned()));
    }
    for (field, message) in problems {
        found.problems.invalid(field, message);
    }
}

/// Permits a directory inside the network where the installation does.
fn permit_inside_network(checked: &mut Provider, installation: &Installation) {
    if let ProviderSource::Ldap(settings) = &mut checked.source {
        let host = &settings.server.address.host;
        settings.server.inside_network =
            installation.allows_upstream_host(host, &checked.object.namespace);
    }
}
