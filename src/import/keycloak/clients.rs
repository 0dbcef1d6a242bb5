//! Clients of a realm: each becomes an `OidcClient`.

use super::{
    backchannel::{keeps_grant, token_delivery},
    client_notes::{add_client_notes, closed_access},
    redirect_uris::{post_logout_uris, redirect_uris},
    scopes::{RealmScopes, has_offline_access},
};
use crate::{
    api::{EnumSpec, OidcClientLifetimes, OidcClientSpec, SecretKeyRef, TenantRef},
    import::{
        durations::duration_text,
        is_client_id,
        manifests::{CLIENT, ImportCollector},
        providers::MASK,
        source_field::SourceField,
    },
    model::{AuthMethod, ConsentPolicy, GrantType},
};

/// Clients that every realm has.
const BUILT_IN: [&str; 6] = [
    "account",
    "account-console",
    "admin-cli",
    "broker",
    "realm-management",
    "security-admin-console",
];
/// Adds the clients of a realm.
pub(super) fn add_keycloak_clients(
    import: &mut ImportCollector,
    realm: &SourceField<'_>,
    scopes: &RealmScopes,
) {
    for client in realm.items("clients") {
        let id = client.text("clientId").unwrap_or_default();
        if BUILT_IN.contains(&id.as_str()) || id.ends_with("-realm") {
            continue;
        }
        if let Some(reason) = refusal(&client) {
            import.notes.add(&client, format!("the client {id:?} is not imported: {reason}"));
            continue;
        }
        let has_people = client.flag("standardFlowEnabled") != Some(false)
            || client.get("attributes").is_set("oauth2.device.authorization.grant.enabled");
        if has_people {
            scopes.note_default_offline_access(import, &client);
        }
        add_client(import, (realm, &client), &id, scopes);
    }
}

fn refusal(client: &SourceField<'_>) -> Option<&'static str> {
    if client.text("protocol").is_some_and(|protocol| protocol != "openid-connect") {
        return Some("it uses SAML");
    }
    if client.flag("enabled") == Some(false) {
        return Some("it is disabled");
    }
    if client.is_set("bearerOnly") {
        return Some(
            "it only receives tokens, which needs no client; to introspect them, write one with introspection: Tenant",
        );
    }
    None
}

fn add_client(
    import: &mut ImportCollector,
    (realm, client): (&SourceField<'_>, &SourceField<'_>),
    id: &str,
    scopes: &RealmScopes,
) {
    let redirect_uris = redirect_uris(import, client);
    let post_logout_redirect_uris = post_logout_uris(import, client, &redirect_uris);
    let scopes = scopes.client_scopes(client);
    let grants = grant_types(import, client, &redirect_uris, &scopes);
    if grants.is_empty() {
        import.notes.add(client, format!("the client {id:?} is not imported: it has no redirect URI and no service account that can be used"));
        return;
    }
    let name = import.unique_name(CLIENT, id);
    if !is_client_id(id) {
        let message = format!(
            "{id:?} cannot be a client id, which has 1 to 128 letters, digits and -._~:/@; the application gets another one, in status.clientId"
        );
        import.notes.add(&client.get("clientId"), message);
    }
    let attributes = client.get("attributes");
    let (method, secret_ref) = authentication(import, client, &name);
    let is_public = client.is_set("publicClient");
    let consent = if client.is_set("consentRequired") {
        ConsentPolicy::Required
    } else {
        ConsentPolicy::Implied
    };
    add_client_notes(import, client);
    let uses_code = grants.contains(&GrantType::AuthorizationCode);
    let asks_people = grants.contains(&GrantType::Ciba);
    let has_people = uses_code
        || grants.contains(&GrantType::Implicit)
        || grants.contains(&GrantType::DeviceCode)
        || asks_people;
    let has_challenge = attributes.text("pkce.code.challenge.method").is_some();
    let lifespan =
        attributes.number("access.token.lifespan").filter(|it| (1..=86_400).contains(it));
    let lifespan = lifespan.map(std::time::Duration::from_secs).map(duration_text);
    let spec = OidcClientSpec {
        tenant_ref: TenantRef { name: import.tenant.clone(), namespace: None },
        client_id: is_client_id(id).then(|| id.to_owned()),
        client_name: client.text("name").filter(|name| !name.contains("${")),
        redirect_uris: if has_people { redirect_uris } else { Vec::new() },
        access: if has_people { closed_access(import, client) } else { None },
        post_logout_redirect_uris,
        grant_types: grants.into_iter().map(EnumSpec::Supported).collect(),
        scopes,
        token_endpoint_auth_method: method.map(EnumSpec::Supported),
        secret_ref,
        consent: uses_code.then_some(EnumSpec::Supported(consent)),
        dpop_bound_access_tokens: attributes.is_set("dpop.bound.access.tokens").then_some(true),
        tls_client_certificate_bound_access_tokens: attributes
            .is_set("tls.client.certificate.bound.access.tokens")
            .then_some(true),
        require_pkce: (has_challenge && !is_public && uses_code).then_some(true),
        lifetimes: lifespan.map(|lifespan| OidcClientLifetimes {
            access_token: Some(lifespan),
            ..OidcClientLifetimes::default()
        }),
        ..addresses(import, (realm, client), asks_people)
    };
    import.add_client(&name, &spec);
}

/// Pages and endpoints of the application.
fn addresses(
    import: &mut ImportCollector,
    (realm, client): (&SourceField<'_>, &SourceField<'_>),
    asks_people: bool,
) -> OidcClientSpec {
    let attributes = client.get("attributes");
    let web_url = |text: &String| text.starts_with("https://") || text.starts_with("http://");
    let https_url = |name: &str| attributes.text(name).filter(|url| url.starts_with("https://"));
    OidcClientSpec {
        client_uri: client.text("baseUrl").filter(web_url),
        logo_uri: https_url("logoUri"),
        policy_uri: attributes.text("policyUri").filter(web_url),
        tos_uri: attributes.text("tosUri").filter(web_url),
        jwks_uri: attributes.text("jwks.url").filter(|_| attributes.is_set("use.jwks.url")),
        backchannel_logout_uri: attributes.text("backchannel.logout.url").filter(web_url),
        frontchannel_logout_uri: attributes
            .text("frontchannel.logout.url")
            .filter(|url| web_url(url) && client.is_set("frontchannelLogout")),
        backchannel_logout_session_required: attributes
            .flag("backchannel.logout.session.required")
            .filter(|_| attributes.text("backchannel.logout.url").is_some()),
        ..if asks_people {
            token_delivery(import, (realm, client))
        } else {
            OidcClientSpec::default()
        }
    }
}

fn grant_types(
    import: &mut ImportCollector,
    client: &SourceField<'_>,
    redirect_uris: &[String],
    scopes: &[String],
) -> Vec<GrantType> {
    let mut grants = Vec::new();
    let mut add = |field: &str, default: bool, grant| {
        let is_set = client.flag(field).unwrap_or(default);
        let needs_uri = grant != GrantType::ClientCredentials;
        if is_set && (!needs_uri || !redirect_uris.is_empty()) {
            grants.push(grant);
        }
    };
    add("standardFlowEnabled", true, GrantType::AuthorizationCode);
    add("implicitFlowEnabled", false, GrantType::Implicit);
    add("serviceAccountsEnabled", false, GrantType::ClientCredentials);
    if client.is_set("publicClient") {
        grants.retain(|grant| *grant != GrantType::ClientCredentials);
    }
    let attributes = client.get("attributes");
    if attributes.is_set("oauth2.device.authorization.grant.enabled") {
        grants.push(GrantType::DeviceCode);
    }
    if keeps_grant(import, client) {
        grants.push(GrantType::Ciba);
    }
    let refreshes =
        attributes.flag("use.refresh.tokens") != Some(false) || has_offline_access(scopes);
    if refreshes && grants.iter().any(|grant| grant.may_refresh()) {
        grants.insert(1, GrantType::RefreshToken);
    }
    if client.is_set("directAccessGrantsEnabled") {
        let message =
            "not imported: applications never see passwords; use the authorization code flow";
        import.notes.add(&client.get("directAccessGrantsEnabled"), message);
    }
    grants
}

/// The authentication method and the Secret of a client. A secret that the export masks gets a note.
fn authentication(
    import: &mut ImportCollector,
    client: &SourceField<'_>,
    name: &str,
) -> (Option<AuthMethod>, Option<SecretKeyRef>) {
    if client.is_set("publicClient") {
        return (Some(AuthMethod::None), None);
    }
    let attributes = client.get("attributes");
    let method = match client.text("clientAuthenticatorType").as_deref() {
        Some("client-jwt") if attributes.is_set("use.jwks.url") => {
            return (Some(AuthMethod::PrivateKeyJwt), None);
        }
        Some("client-secret-jwt") => Some(AuthMethod::ClientSecretJwt),
        None | Some("client-secret") => None,
        Some(other) => {
            let message = format!(
                "{other} is not imported: the client has a secret; set tokenEndpointAuthMethod and jwksUri for keys of its own"
            );
            import.notes.add(&client.get("clientAuthenticatorType"), message);
            None
        }
    };
    let secret = client.text("secret").filter(|secret| secret != MASK);
    let proposed_name = format!("{name}-client");
    let reference = import.secret_entry(&proposed_name, "client-secret", secret.as_deref());
    if secret.is_none() {
        let message = format!(
            "the client secret is not in the export; create the Secret {:?} with the entry client-secret",
            reference.name
        );
        import.notes.add(&client.get("secret"), message);
    }
    (method, Some(reference))
}
