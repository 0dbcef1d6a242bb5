//! Parts that connectors of several types have in common.

use serde_json::json;

use super::environment::is_from_environment;
use crate::import::{
    manifests::ImportCollector, providers::ProviderDraft, source_field::SourceField,
};

/// A provider, and the fields of the configuration that it carries or that have a note.
pub(super) type ConnectorDraft<'v> = (ProviderDraft<'v>, &'static [&'static str]);

/// A provider with the subjects of a connector.
pub(super) fn dex_draft<'v>(
    import: &mut ImportCollector,
    connector: &SourceField<'v>,
    id: &str,
    (provider_type, claim): (&str, &str),
) -> ProviderDraft<'v> {
    let mut draft = ProviderDraft::new(import, connector, id, provider_type);
    let subject = json!({ "strategy": "Dex", "connectorId": id, "claim": claim });
    draft.set("subject", subject);
    if let Some(name) = connector.text("name") {
        draft.set("displayName", json!(name));
    }
    draft
}

/// Sets `oidc`: issuer, client ID, client secret and scopes.
pub(super) fn set_upstream(
    import: &mut ImportCollector,
    draft: &mut ProviderDraft<'_>,
    config: &SourceField<'_>,
    issuer: &str,
    scopes: &[String],
) {
    let secret = config.get("clientSecret");
    let readable = secret.value.as_str().is_some_and(|text| !is_from_environment(text));
    let reference = draft.client_secret(import, &secret, readable);
    let mut oidc = json!({
        "issuer": issuer,
        "clientId": config.text("clientID").unwrap_or_default(),
        "clientSecretRef": reference,
    });
    if !scopes.is_empty() {
        let own = scopes.iter().filter(|scope| *scope != "openid").cloned();
        oidc["scopes"] = std::iter::once("openid".to_owned()).chain(own).collect();
    }
    draft.set("oidc", oidc);
}

/// Groups of which a person must be a member.
pub(super) fn allowed_groups(
    import: &mut ImportCollector,
    draft: &mut ProviderDraft<'_>,
    config: &SourceField<'_>,
    field: &str,
) {
    let allowed = config.get(field);
    if !allowed.is_empty() {
        let remedy = "write a rule that requires one of the groups, and admit: ByRules";
        draft.restrict(import, &allowed, remedy);
    }
}

/// Carries `hostedDomains`: the domains of organizations at Google that are admitted.
pub(super) fn hosted_domains(
    import: &mut ImportCollector,
    draft: &mut ProviderDraft<'_>,
    config: &SourceField<'_>,
) {
    let domains = config.texts("hostedDomains");
    if domains.is_empty() {
        return;
    }
    draft.set("emailDomains", json!(domains));
    let shown = if let [domain] = domains.as_slice() { domain } else { "*" };
    draft.add_authorization_parameter("hd", shown);
    if let [domain] = domains.as_slice() {
        draft.set("claimValidationRules", json!([{ "claim": "hd", "requiredValue": domain }]));
        draft.set("admit", json!("ByRules"));
        return;
    }
    let listed: Vec<String> = domains.iter().map(|domain| format!("'{domain}'")).collect();
    let expression = format!("claims.hd in [{}]", listed.join(", "));
    let is_plain = domains.iter().all(|domain| !domain.contains(['\'', '\\']));
    if is_plain && expression.len() <= 1024 {
        draft.set("claimValidationRules", json!([{ "expression": expression }]));
        draft.set("admit", json!("ByRules"));
    } else {
        let remedy = "write a rule on the claim hd, and admit: ByRules";
        draft.restrict(import, &config.get("hostedDomains"), remedy);
    }
}

/// Whether people are identified by their login, which can pass to another person.
pub(super) fn uses_login(import: &mut ImportCollector, config: &SourceField<'_>, id: &str) -> bool {
    let field = config.get("useLoginAsID");
    let uses = config.is_set("useLoginAsID");
    if uses {
        let message = format!(
            "the connector {id:?} is not imported: logins can pass to another person, so no subject is made of them"
        );
        import.notes.add(&field, message);
    }
    uses
}
