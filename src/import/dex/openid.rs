//! Connectors of OpenID providers.

use serde_json::json;

use super::drafts::{
    ConnectorDraft, allowed_groups, dex_draft, hosted_domains, set_upstream, uses_login,
};
use crate::{
    import::{manifests::ImportCollector, providers::ProviderDraft, source_field::SourceField},
    model::SubjectStrategy,
};

const ENTRA: &str = "https://login.microsoftonline.com";

pub(super) fn oidc_draft<'v>(
    import: &mut ImportCollector,
    connector: &SourceField<'v>,
    config: &SourceField<'v>,
    id: &str,
) -> Option<ConnectorDraft<'v>> {
    let claim = config.text("userIDKey").unwrap_or_else(|| "sub".to_owned());
    if !SubjectStrategy::Dex.accepts_claim(&claim) {
        let message = format!(
            "the connector {id:?} is not carried: the claim {claim:?} can pass to another person, so no subject is made of it"
        );
        import.notes.add(&config.get("userIDKey"), message);
        return None;
    }
    let Some(issuer) = config.text("issuer") else {
        import.notes.add(config, format!("the connector {id:?} is not carried: it has no issuer"));
        return None;
    };
    let mut draft = dex_draft(import, connector, id, ("OIDC", &claim));
    set_upstream(import, &mut draft, config, &issuer, &config.texts("scopes"));
    set_mappings(&mut draft, config);
    if !config.is_set("insecureEnableGroups") {
        let message = format!(
            "Dex gives no groups of this connector; here its groups begin with \"{}:\", unless the provider sends none",
            draft.name
        );
        import.notes.add(config, message);
    }
    if config.is_set("getUserInfo") {
        draft.set_in("oidc", "userinfo", json!("Always"));
    }
    draft.add_prompt(import, &config.get("promptType"));
    hosted_domains(import, &mut draft, config);
    allowed_groups(import, &mut draft, config, "allowedGroups");
    if config.is_set("insecureSkipEmailVerified") {
        draft.set_in("claimMappings", "emailVerified", json!({ "expression": "true" }));
    }
    let known = &[
        "issuer",
        "clientID",
        "clientSecret",
        "redirectURI",
        "scopes",
        "userIDKey",
        "userNameKey",
        "claimMapping",
        "insecureEnableGroups",
        "getUserInfo",
        "hostedDomains",
        "promptType",
        "allowedGroups",
        "insecureSkipEmailVerified",
        "basicAuthUnsupported",
        "pkceChallenge",
    ];
    Some((draft, known))
}

/// Sets what Dex maps of the claims.
fn set_mappings(draft: &mut ProviderDraft<'_>, config: &SourceField<'_>) {
    let mapping = config.get("claimMapping");
    for (part, claim) in [
        ("name", config.text("userNameKey")),
        ("username", mapping.text("preferred_username")),
        ("email", mapping.text("email")),
    ] {
        if let Some(claim) = claim {
            draft.set_in("claimMappings", part, json!({ "claim": claim }));
        }
    }
    if config.is_set("insecureEnableGroups") {
        if let Some(claim) = mapping.text("groups") {
            draft.set_in("claimMappings", "groups", json!({ "claim": claim }));
        }
    } else {
        // Dex gives no groups then; a prefix keeps those of the provider apart from the applications'.
        let prefix = json!({ "prefix": format!("{}:", draft.name) });
        draft.set_in("claimMappings", "groups", prefix);
    }
}

pub(super) fn google_draft<'v>(
    import: &mut ImportCollector,
    connector: &SourceField<'v>,
    config: &SourceField<'v>,
    id: &str,
) -> ConnectorDraft<'v> {
    let mut draft = dex_draft(import, connector, id, ("OIDC", "sub"));
    let issuer = "https://accounts.google.com";
    set_upstream(import, &mut draft, config, issuer, &config.texts("scopes"));
    draft.set_in("claimMappings", "username", json!({ "claim": "email" }));
    draft.add_prompt(import, &config.get("promptType"));
    hosted_domains(import, &mut draft, config);
    allowed_groups(import, &mut draft, config, "groups");
    let known = &[
        "issuer",
        "clientID",
        "clientSecret",
        "redirectURI",
        "scopes",
        "hostedDomains",
        "promptType",
        "groups",
    ];
    (draft, known)
}

pub(super) fn microsoft_draft<'v>(
    import: &mut ImportCollector,
    connector: &SourceField<'v>,
    config: &SourceField<'v>,
    id: &str,
) -> Option<ConnectorDraft<'v>> {
    let tenant = config.text("tenant").unwrap_or_else(|| "common".to_owned());
    if uuid::Uuid::try_parse(&tenant).is_err() {
        let message = format!(
            "the connector {id:?} is not carried: {tenant:?} stands for several issuers; write the id of your Entra tenant, a UUID, and import again. For people of several, change the issuer of the IdentityProvider to {ENTRA}/{{tenantid}}/v2.0, and list the ids in oidc.tenantIds"
        );
        import.notes.add(&config.get("tenant"), message);
        return None;
    }
    let mut draft = dex_draft(import, connector, id, ("OIDC", "oid"));
    set_upstream(import, &mut draft, config, &format!("{ENTRA}/{tenant}/v2.0"), &[]);
    draft.add_prompt(import, &config.get("promptType"));
    if let Some(domain) = config.text("domainHint") {
        draft.add_authorization_parameter("domain_hint", &domain);
    }
    allowed_groups(import, &mut draft, config, "groups");
    let message = "groups are those of the ID token: assign groups to the application in Entra, and choose names or ids there";
    import.notes.add(config, message);
    let known = &[
        "clientID",
        "clientSecret",
        "redirectURI",
        "tenant",
        "promptType",
        "domainHint",
        "groups",
    ];
    Some((draft, known))
}

pub(super) fn gitlab_draft<'v>(
    import: &mut ImportCollector,
    connector: &SourceField<'v>,
    config: &SourceField<'v>,
    id: &str,
) -> Option<ConnectorDraft<'v>> {
    if uses_login(import, config, id) {
        return None;
    }
    let issuer = config.text("baseURL").unwrap_or_else(|| "https://gitlab.com".to_owned());
    let mut draft = dex_draft(import, connector, id, ("OIDC", "sub"));
    let scopes = ["openid", "profile", "email"].map(str::to_owned);
    set_upstream(import, &mut draft, config, issuer.trim_end_matches('/'), &scopes);
    draft.set_in("claimMappings", "groups", json!({ "claim": "groups" }));
    allowed_groups(import, &mut draft, config, "groups");
    let message = "allow the application the scopes openid, profile and email at GitLab";
    import.notes.add(config, message);
    let known = &["clientID", "clientSecret", "redirectURI", "baseURL", "groups", "useLoginAsID"];
    Some((draft, known))
}
