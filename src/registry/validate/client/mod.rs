//! Converts an `OidcClient` to a validated client, except for its client secret.

mod bounds;
mod certificate;
mod details;
mod federated;
mod flows;
mod keys;
mod lifetimes;
mod metadata;
mod redirect_uris;
mod registered;
mod scopes;
mod sector;
mod security_profile;
mod signatures;

use std::sync::Arc;

pub use certificate::{CheckedCertificate, NO_LISTENER};
pub use federated::check_federated_issuers;
use flows::CheckedFlows;
use metadata::CheckedMetadata;
use redirect_uris::{CheckedUris, ClientOrigin};
pub use registered::{dynamic_registration, is_registered};
use scopes::{default_client_scopes, known_scopes, scope_bound, written_scopes};
pub use sector::sector_of;

use super::{
    CheckedTenant, ProblemList, access, bounds::ClientBounds, limits, name, object_name,
    secret_ref, secret_template, visible_text,
};
use crate::{
    api::{self, NamespaceLabels, OidcClientSpec, SecretKeyRef},
    model::{
        ApplicationType, AuthMethod, Client, ClientId, ConsentPolicy, Fapi2Rules, Installation,
        Issuer, LinkedProvider, ObjectKey, RedirectUri, intern,
    },
    registry::{ProviderUris, SecretTemplate},
};

/// A valid client. Conflicts of client IDs are not checked yet.
#[derive(Clone, Debug)]
pub struct CheckedClient {
    /// The client, without its secrets.
    pub client: Client,
    /// The source of the client secret.
    pub secret: SecretSource,
    /// The certificate by which it authenticates, if it does.
    pub certificate: Option<CheckedCertificate>,
}

/// The source of a client secret.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// A public client without a Secret.
    None,
    /// A Secret that Lanyard creates, by this template.
    Generated(Arc<SecretTemplate>),
    /// A Secret that the user provides, in the namespace of the client.
    Referenced(SecretKeyRef),
}

/// The result of validating a client.
#[derive(Clone, Debug)]
pub struct ClientFindings {
    /// The client, if it can be accepted; its client ID may still be in conflict.
    pub checked: Option<CheckedClient>,
    /// The client ID that it claims if its namespace may, even if the object is invalid. So an
    /// invalid edit does not pass the ID on to another client.
    pub claims: Option<ClientId>,
    /// The problems and warnings that were found.
    pub problems: ProblemList,
}

/// Validates a client at its tenant; with `None` (absent or not accepted) only what does not depend
/// on the tenant. `uris`: those of the identity providers that refer to the client.
/// Without an installation it is metadata sent for registration, which no API server has validated.
pub fn validate_client(
    raw: &api::OidcClient,
    key: &ObjectKey,
    (tenant, namespaces, uris): (Option<&CheckedTenant>, &NamespaceLabels, &[ProviderUris]),
    installation: Option<&Installation>,
) -> ClientFindings {
    let mut problems = ProblemList::default();
    let spec = &raw.spec;
    names(&mut problems, key, spec);
    let id = client_id(&mut problems, key, spec.client_id.as_ref());
    let registered = dynamic_registration(raw);
    let from = ClientOrigin {
        namespace: &key.namespace,
        registered: registered.is_some(),
        has_callbacks: !uris.is_empty(),
        installation,
    };
    let flows = flows::check_client_flows(&mut problems, spec, from);
    let consent = consent_policy(&mut problems, spec);
    let secret = secret_source(&mut problems, raw, flows.auth_method());
    let certificate =
        certificate::check_client_certificate(&mut problems, spec, flows.auth_method());
    let fapi2 = security_profile::check_client_profile(&mut problems, spec, &flows, tenant);
    let described =
        metadata::check_client_metadata(&mut problems, spec, (&flows, &key.namespace), tenant);
    let levels = tenant.map(|tenant| &*tenant.tenant.acr_levels);
    let access = access::check_access(&mut problems, spec.access.as_ref(), levels);
    let written_scopes = written_scopes(&mut problems, &spec.scopes);
    let shortened = lifetimes::check_client_lifetimes(&mut problems, spec);
    let max_age = lifetimes::max_age(&mut problems, spec.default_max_age);
    limits(&mut problems, raw, installation.is_none_or(|it| it.dev));
    let Some(tenant) = tenant else {
        return ClientFindings { checked: None, claims: None, problems };
    };

    let foreign = key.namespace != tenant.tenant.id.0.namespace;
    let admitted = !foreign || bounds::admit_client(&mut problems, key, tenant, namespaces);
    if foreign && admitted {
        bounds::check_within_bounds(&mut problems, spec, &flows, consent, tenant);
    } else if registered.is_some() {
        bounds::check_registered_bounds(&mut problems, spec, &flows, consent, tenant);
    }
    certificate::check_listener(&mut problems, spec, flows.auth_method(), tenant);
    differs_from_issuer(&mut problems, id.as_ref(), &tenant.tenant.issuer);
    sector::check_sector_is_unambiguous(&mut problems, spec, &flows);
    signatures::check_offered_algorithms(&mut problems, spec, &tenant.tenant);
    let scopes = match written_scopes {
        Some(scopes) => known_scopes(&mut problems, scopes, tenant),
        None => default_client_scopes(&flows, scope_bound(tenant, foreign, registered.is_some())),
    };
    let bounded = (foreign || registered.is_some()).then_some(&tenant.bounds);
    let claims = id.filter(|_| admitted && (!foreign || spec.client_id.is_none()));
    let checked = claims.clone().filter(|_| !problems.refused()).map(|id| CheckedClient {
        client: Client {
            scopes: intern(scopes),
            consent,
            access,
            lifetimes: shortened.within(&tenant.tenant.lifetimes),
            default_max_age: max_age,
            linked_providers: linked_providers(uris, bounded),
            registered: registered.map(Box::new),
            ..assemble((id, key), spec, flows, (described, fapi2), tenant)
        },
        secret,
        certificate,
    });
    ClientFindings { checked, claims, problems }
}

fn consent_policy(problems: &mut ProblemList, spec: &OidcClientSpec) -> ConsentPolicy {
    let written = spec.consent.as_ref();
    problems.supported("spec.consent", written).unwrap_or(ConsentPolicy::Required)
}

/// Checks the names of the object, of its tenant, and of the application.
fn names(problems: &mut ProblemList, key: &ObjectKey, spec: &OidcClientSpec) {
    name(problems, key);
    object_name(problems, "spec.tenantRef.name", &spec.tenant_ref.name);
    if let Some(namespace) = &spec.tenant_ref.namespace {
        object_name(problems, "spec.tenantRef.namespace", namespace);
    }
    let client_name = spec.client_name.as_deref().unwrap_or(&key.name);
    visible_text(problems, "spec.clientName", client_name);
}

fn assemble(
    (id, key): (ClientId, &ObjectKey),
    spec: &OidcClientSpec,
    flows: CheckedFlows,
    (described, fapi2): (CheckedMetadata, Option<Fapi2Rules>),
    tenant: &CheckedTenant,
) -> Client {
    let bare = Client::new(id, key.clone(), tenant.tenant.id.clone());
    let client = Client {
        name: spec.client_name.clone().unwrap_or_else(|| key.name.to_string()),
        application_type: flows.application_type,
        origins: origins(&flows.uris),
        redirect_uris: flows.uris.redirect,
        post_logout_redirect_uris: flows.uris.post_logout,
        grant_types: intern(flows.grant_types),
        response_types: intern(flows.response_types),
        require_pkce: spec.require_pkce.unwrap_or(tenant.tenant.require_pkce),
        require_pushed_requests: tenant.tenant.require_pushed_requests
            || spec.require_pushed_authorization_requests.unwrap_or_default(),
        require_auth_time: spec.require_auth_time.unwrap_or_default(),
        refresh_token_rotation: described
            .refresh_token_rotation
            .unwrap_or(tenant.tenant.refresh_token_rotation),
        tokens: described.tokens.or(tenant.tenant.tokens),
        ..described.onto(bare)
    };
    security_profile::client_under_profile(client, fapi2, &tenant.tenant)
}

/// The providers whose URIs the bounds of the client allow.
fn linked_providers(uris: &[ProviderUris], bounds: Option<&ClientBounds>) -> Box<[LinkedProvider]> {
    let within =
        |uri: &RedirectUri| bounds.is_none_or(|it| bounds::exceeded_bound(it, uri).is_none());
    let parse = |uri: &str| RedirectUri::parse(uri, ApplicationType::Web).ok().filter(within);
    let linked = uris.iter().filter_map(|uris| {
        Some(LinkedProvider {
            callback: parse(&uris.redirect)?,
            post_logout: parse(&uris.post_logout)?,
            backchannel_logout: uris.backchannel_logout.as_str().into(),
        })
    });
    linked.collect()
}

fn origins(uris: &CheckedUris) -> Box<[Arc<str>]> {
    let further = uris.origins.iter().map(|uri| Arc::from(uri.as_str()));
    uris.redirect.iter().filter_map(RedirectUri::origin).map(Into::into).chain(further).collect()
}

/// The client ID. The default `<namespace>.<name>` is unique because namespaces contain no dots.
fn client_id(
    problems: &mut ProblemList,
    key: &ObjectKey,
    chosen: Option<&String>,
) -> Option<ClientId> {
    let Some(chosen) = chosen else {
        return Some(ClientId::new(format!("{}.{}", key.namespace, key.name)));
    };
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/@".contains(&b);
    if (1..=128).contains(&chosen.len()) && chosen.bytes().all(allowed) {
        return Some(ClientId::new(chosen.clone()));
    }
    let message =
        "must have 1 to 128 characters: letters, digits, '-', '.', '_', '~', ':', '/' and '@'";
    problems.invalid("spec.clientId", message);
    None
}

/// Rule: a client ID is not the issuer. An ID token has the client ID as its audience, and an access token the
/// issuer. If they were equal, resource servers could confuse the tokens.
fn differs_from_issuer(problems: &mut ProblemList, id: Option<&ClientId>, issuer: &Issuer) {
    let is_issuer =
        |id: &ClientId| id.as_str().trim_end_matches('/').eq_ignore_ascii_case(issuer.as_str());
    if id.is_some_and(is_issuer) {
        let message = "must not be the issuer of the tenant; it cannot be changed: delete this object, and create it with a different clientId";
        problems.invalid("spec.clientId", message);
    }
}

fn secret_source(
    problems: &mut ProblemList,
    raw: &api::OidcClient,
    auth_method: AuthMethod,
) -> SecretSource {
    let spec = &raw.spec;
    let public = !auth_method.has_secret();
    if spec.secret.is_some() && spec.secret_ref.is_some() {
        problems.invalid("spec.secretRef", "is mutually exclusive with spec.secret; remove one");
    }
    if let Some(reference) = &spec.secret_ref {
        secret_ref(problems, "spec.secretRef", reference);
        if public {
            let message = format!(
                "must not be set with tokenEndpointAuthMethod: {auth_method}; remove it, or set another method"
            );
            problems.invalid("spec.secretRef", message);
        }
        return SecretSource::Referenced(reference.clone());
    }
    let names_secret = |keys: &api::ClientSecretKeys| keys.client_secret.is_some();
    if public && spec.secret.as_ref().and_then(|it| it.keys.as_ref()).is_some_and(names_secret) {
        let message = format!(
            "must not be set with tokenEndpointAuthMethod: {auth_method}, which uses no client secret; remove it"
        );
        problems.invalid("spec.secret.keys.clientSecret", message);
    }
    if public && spec.secret.is_none() {
        return SecretSource::None;
    }
    SecretSource::Generated(secret_template::check_secret_template(problems, raw, auth_method))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_is_never_the_issuer() {
        let issuer = Issuer::parse("https://id.test/team/shop").expect("canonical");
        for (id, differs) in [
            ("team.wiki", true),
            ("https://id.test/team", true),
            ("https://id.test/team/shop", false),
            ("https://ID.test/team/shop/", false),
        ] {
            let mut problems = ProblemList::default();
            differs_from_issuer(&mut problems, Some(&ClientId::new(id)), &issuer);
            assert_eq!(!problems.refused(), differs, "{id}");
        }
    }
}
