//! Notes on parts of a client that are not imported.

use crate::{
    api::{AccessRuleSpec, AccessSpec},
    import::{manifests::ImportCollector, source_field::SourceField},
};

const PAIRWISE_MAPPER: &str = "oidc-sha256-pairwise-sub-mapper";
/// Members of a client that are imported, have a note of their own, or have no effect here.
const CLIENT_MEMBERS: [&str; 35] = [
    "id",
    "clientId",
    "name",
    "description",
    "type",
    "rootUrl",
    "adminUrl",
    "baseUrl",
    "surrogateAuthRequired",
    "enabled",
    "alwaysDisplayInConsole",
    "clientAuthenticatorType",
    "secret",
    "redirectUris",
    // Applications in browsers are allowed by the origins of their redirect URIs.
    "webOrigins",
    "notBefore",
    "bearerOnly",
    "consentRequired",
    "standardFlowEnabled",
    "implicitFlowEnabled",
    "directAccessGrantsEnabled",
    "serviceAccountsEnabled",
    "authorizationServicesEnabled",
    "publicClient",
    "frontchannelLogout",
    "protocol",
    "attributes",
    "authenticationFlowBindingOverrides",
    "fullScopeAllowed",
    "nodeReRegistrationTimeout",
    "protocolMappers",
    "defaultClientScopes",
    "optionalClientScopes",
    "authorizationSettings",
    "access",
];
/// Attributes of a client of the same kind.
const CLIENT_ATTRIBUTES: [&str; 27] = [
    "access.token.lifespan",
    "backchannel.logout.revoke.offline.tokens",
    "backchannel.logout.session.required",
    "backchannel.logout.url",
    "ciba.backchannel.client.notification.endpoint",
    "ciba.backchannel.token.delivery.mode",
    "client.secret.creation.time",
    "client_credentials.use_refresh_token",
    "display.on.consent.screen",
    "dpop.bound.access.tokens",
    "frontchannel.logout.session.required",
    "frontchannel.logout.url",
    "jwks.url",
    "login_theme",
    "logoUri",
    "minimum.acr.value",
    "oauth2.device.authorization.grant.enabled",
    "oidc.ciba.grant.enabled",
    "pkce.code.challenge.method",
    "policyUri",
    "post.logout.redirect.uris",
    "realm_client",
    "tls.client.certificate.bound.access.tokens",
    "token.response.type.bearer.lower-case",
    "tosUri",
    "use.jwks.url",
    "use.refresh.tokens",
];

/// Names parts of a client that have no counterpart.
pub(super) fn add_client_notes(import: &mut ImportCollector, client: &SourceField<'_>) {
    let mappers = client.items("protocolMappers");
    let mut pairwise =
        mappers.iter().filter(|it| it.text("protocolMapper").as_deref() == Some(PAIRWISE_MAPPER));
    if let Some(mapper) = pairwise.next() {
        let message = "the application gets a different sub for each person: pairwise subjects of Keycloak are not imported; set subjectType: pairwise for new ones, and let the application link its users again";
        import.notes.add(mapper, message);
    }
    for (name, message) in [
        ("protocolMappers", "not imported: claims come with scopes, which are the tenant's"),
        ("authorizationSettings", "not imported: applications decide by claims and groups"),
    ] {
        let part = client.get(name);
        if !part.is_empty() {
            import.notes.add(&part, message);
        }
    }
    let attributes = client.get("attributes");
    if client.number("notBefore").is_some_and(|before| before > 0) {
        import.notes.add(
            &client.get("notBefore"),
            "not imported: tokens of the realm are not accepted here",
        );
    }
    add_unknown(import, client, &CLIENT_MEMBERS);
    add_unknown(import, &attributes, &CLIENT_ATTRIBUTES);
}

/// The access of a client with restrictions that are not imported: its users are refused. `None` without such
/// restrictions.
pub(super) fn closed_access(
    import: &mut ImportCollector,
    client: &SourceField<'_>,
) -> Option<AccessSpec> {
    let overrides = client.get("authenticationFlowBindingOverrides");
    // The flow for passwords sent to the token endpoint, `direct_grant`, has no counterpart.
    let flow = overrides.get("browser");
    let attributes = client.get("attributes");
    let level = attributes.get("minimum.acr.value");
    let mut is_closed = false;
    for (field, is_set, remedy) in [
        (
            &flow,
            overrides.text("browser").is_some_and(|flow| !flow.is_empty()),
            "write what the flow demanded into access (groups, acr, rules), then remove the rule",
        ),
        (
            &level,
            attributes.text("minimum.acr.value").is_some_and(|level| !level.is_empty()),
            "list the level in acrLevels of the Tenant and set access.acr, then remove the rule",
        ),
    ] {
        if is_set {
            let message = format!(
                "not imported, so all users of the application are refused (access.rules: \"false\"); {remedy}"
            );
            import.notes.add(field, message);
            is_closed = true;
        }
    }
    is_closed.then(|| {
        refusing_access("This application has not been moved completely. Ask its operator.")
    })
}

/// Access that refuses everyone, with a text for them.
pub(super) fn refusing_access(message: &str) -> AccessSpec {
    let rule = AccessRuleSpec { expression: "false".to_owned(), message: None };
    AccessSpec { rules: vec![rule], message: Some(message.to_owned()), ..AccessSpec::default() }
}

/// Adds notes on the other members, unless they are imported, off, or without effect here.
fn add_unknown(import: &mut ImportCollector, of: &SourceField<'_>, known: &[&str]) {
    for member in of.members() {
        let name = member.pointer.rsplit('/').next().unwrap_or_default();
        let is_off = matches!(member.value.as_str(), Some("false" | "" | "0" | "any"));
        let is_known = known.contains(&name) || name.starts_with("saml");
        if !is_known && !is_off && !member.is_empty() {
            import.notes.add(&member, "not imported");
        }
    }
}
