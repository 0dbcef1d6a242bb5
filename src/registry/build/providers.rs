//! The identity providers of one tenant: conflicts between them, and the Secret of each.

use std::sync::Arc;

use super::{
    directory::{self, ProviderSecrets},
    members::{GroupMember, ParsedObjects, TenantContext, TenantGroup},
};
use crate::{
    api::{ConditionReason, ConditionType, IdentityProvider, SecretKeyRef, SecretState},
    model::{Endpoint, Installation, LdapServer, LdapSettings, ObjectKey, Secret, SubjectStrategy},
    protocol::identity_provider::{
        GitHubUpstream, IdentityProvider as Provider, OidcUpstream, ProviderSource,
        UpstreamCredentials,
    },
    registry::{
        LinkedClient, ObjectOutcome, ProviderLinks, ProviderOutcome, ValidationProblem, Verdict,
        precedence::Precedence,
        secrets::{referenced_secret, text_entry, usable_secret},
        validate::{self, ProviderFindings},
    },
};

/// Default entry of a client secret.
const DEFAULT_ENTRY: &str = "client-secret";

/// Validates the providers of a group together.
pub(super) fn validate_providers(
    group: &TenantGroup<'_>,
    host: TenantContext<'_>,
    links: &ProviderLinks,
    installation: &Installation,
) -> (Vec<Arc<Provider>>, Vec<Arc<Verdict>>) {
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
    let has_local_people = group.users.iter().any(|user| user.cached.summary().secret.is_some());
    let sources = parsed.len() + usize::from(has_local_people);
    let (mut served, mut verdicts) = (Vec::new(), Vec::with_capacity(parsed.len()));
    let mut verbatim: Option<ObjectKey> = None;
    let mut undivided: Option<ObjectKey> = None;
    for (provider, mut found, ca) in parsed {
        provider.refuse_unknown_fields(&mut found.problems);
        host.report(&mut found.problems, &group.id);
        if sources > 1 {
            check_second_source(&mut found);
        }
        if let Some(tenant) = host.accepted() {
            check_assertions(&mut found, tenant);
        }
        check_verbatim(&mut found, provider.member.key, &mut verbatim);
        check_directory(&mut found, provider.member.key, installation, &mut undivided);
        let refused = found.problems.refused();
        let secrets = read_secrets(&provider, found.secret.as_ref(), ca);
        let secrets = secrets.map_err(|problem| found.problems.append([problem])).ok();
        let ready = found.checked.take().filter(|_| !refused).zip(secrets);
        let ready = ready.map(|(checked, secrets)| with_secrets(checked, secrets));
        let redirect_uri = host.accepted().map(|tenant| redirect_uri(tenant, provider.member.key));
        let outcome = ProviderOutcome {
            redirect_uri,
            issuer: issuer(&provider.raw, links.get(provider.member.key)),
            identity_key: found.identity_key.clone(),
            served: ready.is_some() && host.serves(),
        };
        if outcome.served {
            served.extend(ready.map(Arc::new));
        }
        verdicts.push(provider.verdict(found.problems, ObjectOutcome::Provider(outcome)));
    }
    served.sort_by(|a: &Arc<Provider>, b| {
        (a.sign_in.order, &a.display_name, a.name()).cmp(&(
            b.sign_in.order,
            &b.display_name,
            b.name(),
        ))
    });
    (served, verdicts)
}

/// The issuer of an OpenID provider: as written, or that of the tenant which a client belongs to.
fn issuer(
    raw: &IdentityProvider,
    link: Option<&Result<LinkedClient, ValidationProblem>>,
) -> Option<String> {
    let linked = link.and_then(|link| link.as_ref().ok());
    let linked = linked.map(|client| client.issuer.to_string());
    linked.or_else(|| raw.spec.oidc.as_ref()?.issuer.clone())
}

/// Reads the Secrets of a provider.
fn read_secrets(
    provider: &ParsedObjects<'_, IdentityProvider>,
    client: Option<&SecretKeyRef>,
    ca: Option<&SecretState>,
) -> Result<ProviderSecrets, ValidationProblem> {
    if let Some(spec) = &provider.raw.spec.ldap {
        return directory::directory_secrets(provider.member, spec, ca);
    }
    let secret = client.map(|reference| client_secret(provider.member, reference));
    Ok(ProviderSecrets::Client(secret.transpose()?))
}

/// The redirect URI of a provider at a tenant.
fn redirect_uri(tenant: &validate::CheckedTenant, provider: &ObjectKey) -> String {
    Endpoint::ProviderCallback.url_with(&tenant.tenant.issuer, &provider.name)
}

/// Where a tenant has more than one source of people, none may speak for the people of another:
/// applications merge accounts by e-mail address and by the names of groups.
fn check_second_source(found: &mut ProviderFindings) {
    let Some(checked) = &found.checked else { return };
    let mut refuse = |field: &str, message: &str| {
        found.problems.refuse(ConditionReason::AmbiguousSource, field, message);
    };
    if checked.mappings.email.is_some() && checked.email_domains.is_empty() {
        let message = "the tenant has further sources of people; list the domains of this provider's e-mail addresses, or set claimMappings.email.claim to \"\"";
        refuse("spec.emailDomains", message);
    }
    // An expression makes names of its own.
    let username = &checked.mappings.username;
    if username.prefix.is_empty() && username.value.claim().is_some() {
        let message = "the tenant has further sources of people; set a prefix, so that no username of one is a username of another";
        refuse("spec.claimMappings.username.prefix", message);
    }
    let groups = &checked.mappings.groups;
    if groups.prefix.is_empty() && groups.include.is_empty() {
        let message = "the tenant has further sources of people; set a prefix, or list the groups in include, so that no provider can name the groups of another";
        refuse("spec.claimMappings.groups", message);
    }
}

/// Assertions are signed by a key that the tenant has, and are no ID tokens of the tenant.
fn check_assertions(found: &mut ProviderFindings, tenant: &validate::CheckedTenant) {
    let Some(ProviderSource::Oidc(oidc)) = found.checked.as_ref().map(|it| &it.source) else {
        return;
    };
    let UpstreamCredentials::PrivateKeyJwt { algorithm, .. } = oidc.credentials else { return };
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

/// One provider of a tenant may give subjects as they are.
fn check_verbatim(found: &mut ProviderFindings, key: &ObjectKey, first: &mut Option<ObjectKey>) {
    let strategy = found.checked.as_ref().map(|checked| checked.subject.strategy);
    if strategy != Some(SubjectStrategy::Upstream) {
        return;
    }
    match first {
        None => *first = Some(key.clone()),
        Some(other) => {
            let message = format!(
                "IdentityProvider \"{other}\" gives its subjects verbatim already; use Computed, or delete the other"
            );
            found.problems.refuse(
                ConditionReason::SubjectConflict,
                "spec.subject.strategy",
                message,
            );
        }
    }
}

/// One directory of a tenant may judge names without a domain. A directory inside the network needs
/// the permission of the installation.
fn check_directory(
    found: &mut ProviderFindings,
    key: &ObjectKey,
    installation: &Installation,
    undivided: &mut Option<ObjectKey>,
) {
    let Some(checked) = &mut found.checked else { return };
    let without_domains = checked.sign_in.domains.is_empty();
    let ProviderSource::Ldap(settings) = &mut checked.source else { return };
    let host = &settings.server.address.host;
    settings.server.inside_network = installation.allows_upstream_host(host, &key.namespace);
    if !without_domains {
        return;
    }
    match undivided {
        None => *undivided = Some(key.clone()),
        Some(other) => {
            let message = format!(
                "IdentityProvider \"{other}\" is a directory for every name already; list the domains of the names that belong to this one"
            );
            found.problems.refuse(ConditionReason::AmbiguousSource, "spec.signIn.domains", message);
        }
    }
}

fn with_secrets(checked: Provider, secrets: ProviderSecrets) -> Provider {
    let source = match (checked.source, secrets) {
        (ProviderSource::Oidc(oidc), ProviderSecrets::Client(Some(secret))) => {
            let credentials = UpstreamCredentials::Secret { secret, transport: None };
            ProviderSource::Oidc(OidcUpstream { credentials, ..oidc })
        }
        (ProviderSource::GitHub(github), ProviderSecrets::Client(Some(client_secret))) => {
            ProviderSource::GitHub(GitHubUpstream { client_secret, ..github })
        }
        (ProviderSource::Ldap(settings), ProviderSecrets::Directory(account, certificates)) => {
            let server = LdapServer { certificates, ..settings.server };
            ProviderSource::Ldap(Box::new(LdapSettings { server, account, ..*settings }))
        }
        (source, _) => source,
    };
    Provider { source, ..checked }
}

/// Reads the client secret. Without it the provider is not served.
fn client_secret(
    member: &GroupMember<'_, IdentityProvider>,
    reference: &SecretKeyRef,
) -> Result<Secret<String>, ValidationProblem> {
    const FIELD: &str = "spec.clientSecretRef";
    let name = ObjectKey::new(&member.key.namespace, &reference.name);
    let secret = referenced_secret(member.secret, &name, FIELD)?;
    let entry = reference.key.as_deref().unwrap_or(DEFAULT_ENTRY);
    usable_secret(text_entry(secret, entry, FIELD)?).map_err(|problem| {
        ValidationProblem::of(
            ConditionType::ResolvedRefs,
            ConditionReason::SecretInvalid,
            FIELD,
            format!("the Secret's entry {entry:?} {problem}"),
        )
    })
}
