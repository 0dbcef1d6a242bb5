//! Settings of identity providers apart from the protocol: the admitted people, the place on the sign-in page, and
//! settings without a counterpart.

use serde_json::{Value, json};

use crate::import::{
    manifests::ImportCollector, providers::ProviderDraft, source_field::SourceField,
};

/// The flow of the first sign-in that every realm has, which lets everyone in.
const FIRST_LOGIN: &str = "first broker login";
/// Characters that make a pattern of a text. A dot stands for itself too.
const PATTERN: &[char] = &['\\', '^', '$', '*', '+', '?', '(', ')', '[', ']', '{', '}', '|'];
const MAX_ORDER: u64 = 1000;

/// Members of a provider that are imported, or that have no effect.
const KNOWN: [&str; 14] = [
    "alias",
    "config",
    "displayName",
    "enabled",
    "firstBrokerLoginFlowAlias",
    "hideOnLogin",
    "internalId",
    "linkOnly",
    "postBrokerLoginFlowAlias",
    "providerId",
    "storeToken",
    "trustEmail",
    "types",
    "updateProfileFirstLoginMode",
];
/// Members of its configuration that are imported, that discovery has, or that Lanyard always does.
const KNOWN_CONFIG: [&str; 29] = [
    "authorizationUrl",
    "baseUrl",
    "claimFilterName",
    "claimFilterValue",
    "clientAuthMethod",
    "clientId",
    "clientSecret",
    "defaultScope",
    "disableUserInfo",
    "filteredByClaim",
    "guiOrder",
    "hideOnLoginPage",
    "hostedDomain",
    "issuer",
    "jwksUrl",
    "logoutUrl",
    "metadataDescriptorUrl",
    "offlineAccess",
    "organizationId",
    "pkceEnabled",
    "pkceMethod",
    "prompt",
    "syncMode",
    "tenantId",
    "tokenIntrospectionUrl",
    "tokenUrl",
    "useJwksUrl",
    "userInfoUrl",
    "validateSignature",
];

/// Sets the restrictions on the people who are admitted. It runs last, so that no other setting widens them.
pub(super) fn set_admission(
    import: &mut ImportCollector,
    draft: &mut ProviderDraft<'_>,
    provider: &SourceField<'_>,
) {
    let config = provider.get("config");
    if config.is_set("filteredByClaim") {
        filter_by_claim(import, draft, &config);
    }
    let flow = provider.text("firstBrokerLoginFlowAlias");
    if flow.is_some_and(|flow| flow != FIRST_LOGIN) {
        let remedy = "if the flow lets in new people, set admit: Everyone";
        draft.restrict(import, &provider.get("firstBrokerLoginFlowAlias"), remedy);
    }
    if provider.text("postBrokerLoginFlowAlias").is_some() {
        let remedy =
            "if the flow lets in everyone, set admit: Everyone; else write its conditions as rules";
        draft.restrict(import, &provider.get("postBrokerLoginFlowAlias"), remedy);
    }
    if provider.is_set("linkOnly") {
        draft.set("admit", json!("Declared"));
    }
}

/// Only people whose claim has a value, which is a pattern in Keycloak.
fn filter_by_claim(
    import: &mut ImportCollector,
    draft: &mut ProviderDraft<'_>,
    config: &SourceField<'_>,
) {
    let filter = config.text("claimFilterName").zip(config.text("claimFilterValue"));
    let is_oidc = draft.spec.get("type").is_some_and(|it| it == "OIDC");
    let plain = filter.filter(|(name, value)| {
        is_oidc && name.len() <= 256 && value.len() <= 1024 && !value.contains(PATTERN)
    });
    let Some((name, value)) = plain else {
        let remedy = "write a rule on the claim claimFilterName, and admit: ByRules";
        draft.restrict(import, &config.get("filteredByClaim"), remedy);
        return;
    };
    let message = format!(
        "becomes a rule that the claim {name:?} is exactly claimFilterValue; if the claim is a list, write a rule with an expression instead"
    );
    import.notes.add(&config.get("filteredByClaim"), message);
    let rule = json!({ "claim": name, "requiredValue": value });
    let rules = draft.spec.entry("claimValidationRules").or_insert_with(|| json!([]));
    if let Some(rules) = rules.as_array_mut() {
        rules.push(rule);
    }
    if draft.spec.get("admit").is_some_and(|it| it == "Everyone") {
        draft.set("admit", json!("ByRules"));
    }
}

/// Sets the place on the sign-in page.
pub(super) fn set_placement(
    import: &mut ImportCollector,
    draft: &mut ProviderDraft<'_>,
    provider: &SourceField<'_>,
) {
    let config = provider.get("config");
    if provider.is_set("hideOnLogin") || config.is_set("hideOnLoginPage") {
        draft.set_in("signIn", "hidden", json!(true));
    }
    let order = config.get("guiOrder");
    match config.number("guiOrder") {
        Some(number) if number <= MAX_ORDER => draft.set_in("signIn", "order", json!(number)),
        _ if order.is_empty() => {}
        _ => import.notes.add(&order, "not imported: signIn.order is a number from 0 to 1000"),
    }
}

/// The member of `oidc` by which the tenant authenticates: a Secret, or the tenant's own keys.
pub(super) fn set_credentials(
    import: &mut ImportCollector,
    upstream: &mut Value,
    config: &SourceField<'_>,
    secret_reference: impl FnOnce(&mut ImportCollector) -> Value,
) {
    let method = config.get("clientAuthMethod");
    match method.value.as_str() {
        Some("private_key_jwt") => {
            upstream["privateKeyJwt"] = json!({});
            let message = "becomes privateKeyJwt, with the tenant's keys; register the tenant's jwks_uri at the provider";
            import.notes.add(&method, message);
        }
        named => {
            upstream["clientSecretRef"] = secret_reference(import);
            let is_secret =
                matches!(named, None | Some("" | "client_secret_basic" | "client_secret_post"));
            if !is_secret {
                let message = "not imported: the client secret is sent, by the method that the provider's metadata name";
                import.notes.add(&method, message);
            }
        }
    }
}

/// Sets the parameters of the request to an OpenID provider.
pub(super) fn set_authorization_parameters(
    import: &mut ImportCollector,
    draft: &mut ProviderDraft<'_>,
    config: &SourceField<'_>,
) {
    draft.add_prompt(import, &config.get("prompt"));
    if config.is_set("offlineAccess") {
        draft.add_authorization_parameter("access_type", "offline");
    }
    if let Some(domain) = config.text("hostedDomain") {
        let is_one = !domain.contains(',');
        draft.add_authorization_parameter("hd", if is_one { &domain } else { "*" });
    }
}

/// Names settings that have no counterpart.
pub(super) fn add_notes(
    import: &mut ImportCollector,
    provider: &SourceField<'_>,
    config: &SourceField<'_>,
) {
    for (name, message) in [
        ("storeToken", "not imported: applications do not get the provider's tokens"),
        ("trustEmail", "not imported: an e-mail address is verified if the provider says so"),
    ] {
        add_note(import, &provider.get(name), message);
    }
    let message = "not imported: groups can stand for organizations";
    add_note(import, &config.get("organizationId"), message);
    if provider.text("providerId").as_deref() != Some("github") {
        add_note(import, &config.get("baseUrl"), "not imported");
    }
    if config.text("syncMode").is_some_and(|mode| mode != "FORCE") {
        let message = "not imported: claims are those of each sign-in, as with FORCE";
        import.notes.add(&config.get("syncMode"), message);
    }
    if !config.is_set("filteredByClaim") {
        for name in ["claimFilterName", "claimFilterValue"] {
            add_note(import, &config.get(name), "not imported: filteredByClaim is off");
        }
    }
    add_unknown(import, provider, &KNOWN);
    add_unknown(import, config, &KNOWN_CONFIG);
}

fn add_unknown(import: &mut ImportCollector, field: &SourceField<'_>, known: &[&str]) {
    for member in field.members() {
        let name = member.pointer.rsplit('/').next().unwrap_or_default();
        if !known.contains(&name) {
            add_note(import, &member, "not imported");
        }
    }
}

/// Adds a note on a setting, unless it is off: Keycloak writes flags as texts too.
fn add_note(import: &mut ImportCollector, field: &SourceField<'_>, message: &str) {
    if !field.is_empty() && field.value.as_str() != Some("false") {
        import.notes.add(field, message);
    }
}
