//! Connectors of Dex for OpenID providers: OIDC, Google, GitLab and Microsoft.

use serde_json::json;

use super::drafts::{
    ConnectorDraft, allowed_groups, dex_draft, hosted_domains, set_upstream, uses_login,
};
use crate::{
    import::{manifests::ImportCollector, providers::ProviderDraft, source_field::SourceField},
    model::SubjectStrategy,
};

const OFFLINE_ACCESS: &str = "offline_access";
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
            "the connector {id:?} is not imported: the claim {claim:?} can pass to another person, so no subject is made of it"
        );
        import.notes.add(&config.get("userIDKey"), message);
        return None;
    }
    let Some(issuer) = config.text("issuer") else {
        import.notes.add(config, format!("the connector {id:?} is not imported: it has no issuer"));
        return None;
    };
    let mut draft = dex_draft(import, connector, id, ("OIDC", &claim));
    set_upstream(import, &mut draft, config, &issuer, &config.texts("scopes"));
    set_mappings(import, &mut draft, config);
    if config.texts("scopes").iter().any(|scope| scope == OFFLINE_ACCESS) {
        draft.ask_again();
    } else {
        let remedy = "set refresh.mode: Upstream, and where oidc.scopes are set, add offline_access, if the provider gives a refresh token for it";
        note_unasked(import, config, remedy);
    }
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
        "overrideClaimMapping",
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

/// Adds a note: Lanyard does not find out that a person has left the provider.
fn note_unasked(import: &mut ImportCollector, config: &SourceField<'_>, remedy: &str) {
    let message = format!(
        "the provider is not asked again about people who are signed in, so a person who has left it keeps access until a new sign-in; {remedy}"
    );
    import.notes.add(config, message);
}

/// Sets what Dex maps of the claims.
fn set_mappings(
    import: &mut ImportCollector,
    draft: &mut ProviderDraft<'_>,
    config: &SourceField<'_>,
) {
    let mapping = config.get("claimMapping");
    let overrides = config.is_set("overrideClaimMapping");
    for (part, claim) in [("name", config.text("userNameKey")), ("email", mapping.text("email"))] {
        if let Some(claim) = claim {
            draft.set_in("claimMappings", part, json!({ "claim": claim }));
        }
    }
    set_username(draft, mapping.text("preferred_username").as_deref(), overrides);
    let has_groups = config.is_set("insecureEnableGroups");
    for (part, is_read) in [("email", true), ("groups", has_groups)] {
        if is_read && !overrides && mapping.text(part).is_some_and(|claim| claim != part) {
            let message = format!(
                "is always read here; Dex reads it where the provider sends no claim {part:?} (overrideClaimMapping is off)"
            );
            import.notes.add(&mapping.get(part), message);
        }
    }
    if has_groups {
        if let Some(claim) = mapping.text("groups") {
            draft.set_in("claimMappings", "groups", json!({ "claim": claim }));
        }
    } else {
        // Dex gives no groups in this case. The prefix keeps groups of the provider from matching groups that an
        // application grants access to.
        let prefix = json!({ "prefix": format!("{}:", draft.name) });
        draft.set_in("claimMappings", "groups", prefix);
    }
}

/// Sets the claims that give the username, which Lanyard requires and Dex does not. Dex reads `preferred_username`,
/// then the mapped claim. `overrides`: it reads the mapped claim first.
fn set_username(draft: &mut ProviderDraft<'_>, mapped: Option<&str>, overrides: bool) {
    let is_word = |claim: &&str| {
        !claim.starts_with(|first: char| first.is_ascii_digit())
            && claim.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let mut claims = vec!["preferred_username", "email", "sub"];
    match mapped.filter(|mapped| !claims.starts_with(&[mapped])) {
        Some(mapped) if is_word(&mapped) => {
            claims.retain(|claim| *claim != mapped);
            claims.insert(usize::from(!overrides), mapped);
        }
        Some(mapped) => {
            draft.set_in("claimMappings", "username", json!({ "claim": mapped }));
            return;
        }
        None => {}
    }
    draft.set_username(&claims);
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
    let remedy = "set refresh.mode: Upstream, and add access_type with the value offline and prompt with the value consent to oidc.authorizationParameters, for which Google gives a refresh token";
    note_unasked(import, config, remedy);
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
            "the connector {id:?} is not imported: {tenant:?} stands for several issuers; write the id of your Entra tenant, a UUID, and import again. For people of several, change the issuer of the IdentityProvider to {ENTRA}/{{tenantid}}/v2.0, and list the ids in oidc.tenantIds"
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
    // Without scopes, `offline_access` is requested, which Entra offers.
    draft.ask_again();
    let message = "e-mail addresses are not verified here, since Entra does not say that they are; Dex treats every address as verified; if your directory has only addresses of your own, set claimMappings.emailVerified with an expression, as in examples/identity-providers/entra.yaml";
    import.notes.add(config, message);
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
    // Without scopes those that GitLab offers are requested: openid, profile and email. It gives a refresh token
    // for them, and refuses offline_access.
    set_upstream(import, &mut draft, config, issuer.trim_end_matches('/'), &[]);
    draft.ask_again();
    draft.set_in("claimMappings", "groups", json!({ "claim": "groups" }));
    allowed_groups(import, &mut draft, config, "groups");
    let message = "allow the application the scopes openid, profile and email at GitLab";
    import.notes.add(config, message);
    let known = &["clientID", "clientSecret", "redirectURI", "baseURL", "groups", "useLoginAsID"];
    Some((draft, known))
}
