//! Identity providers of a realm: each becomes an `IdentityProvider`.

use serde_json::json;

use super::provider_settings::{
    add_notes, set_admission, set_authorization_parameters, set_credentials, set_placement,
};
use crate::import::{
    manifests::ImportCollector,
    providers::{MASK, ProviderDraft},
    source_field::SourceField,
};

const GOOGLE: &str = "https://accounts.google.com";
const ENTRA: &str = "https://login.microsoftonline.com";

/// The protocol of a provider.
enum Upstream {
    /// An OpenID provider, by its issuer.
    OpenId(String),
    GitHub,
}

/// A provider for each one that has a counterpart.
pub(super) fn provider_drafts<'v>(
    import: &mut ImportCollector,
    realm: &SourceField<'v>,
) -> Vec<ProviderDraft<'v>> {
    let providers = realm.items("identityProviders").into_iter();
    providers.filter_map(|provider| provider_draft(import, &provider)).collect()
}

fn provider_draft<'v>(
    import: &mut ImportCollector,
    provider: &SourceField<'v>,
) -> Option<ProviderDraft<'v>> {
    let alias = provider.text("alias").unwrap_or_default();
    let kind = provider.text("providerId").unwrap_or_default();
    let config = provider.get("config");
    if provider.flag("enabled") == Some(false) {
        import
            .notes
            .add(provider, format!("the provider {alias:?} is not imported: it is disabled"));
        return None;
    }
    let source = upstream_of(import, provider, &alias, &kind)?;
    let provider_type = match source {
        Upstream::OpenId(_) => "OIDC",
        Upstream::GitHub => "GitHub",
    };
    let mut draft = ProviderDraft::new(import, provider, &alias, provider_type);
    if let Some(name) = provider.text("displayName") {
        draft.set("displayName", json!(name));
    }
    let secret = config.get("clientSecret");
    let readable =
        secret.value.as_str().is_some_and(|text| text != MASK && !text.starts_with("${"));
    let client_id = config.text("clientId").unwrap_or_default();
    let mut upstream = json!({ "clientId": client_id });
    let secret_reference =
        |import: &mut ImportCollector| draft.client_secret(import, &secret, readable);
    match source {
        Upstream::OpenId(issuer) => {
            set_credentials(import, &mut upstream, &config, secret_reference);
            upstream["issuer"] = json!(issuer);
            if config.is_set("disableUserInfo") {
                upstream["userinfo"] = json!("Never");
            }
            if let Some(scopes) = config.text("defaultScope") {
                let own = scopes.split_whitespace().filter(|scope| *scope != "openid");
                upstream["scopes"] = std::iter::once("openid").chain(own).collect();
            }
            draft.set("oidc", upstream);
            set_authorization_parameters(import, &mut draft, &config);
        }
        Upstream::GitHub => {
            upstream["clientSecretRef"] = secret_reference(import);
            match enterprise_host(&config) {
                Some(host) => upstream["host"] = json!(host),
                None => note_base_url(import, &config),
            }
            draft.set("github", upstream);
            note_prompt_of_github(import, &config);
        }
    }
    set_people(import, &mut draft, (&kind, provider, &config));
    set_placement(import, &mut draft, provider);
    set_admission(import, &mut draft, provider);
    add_notes(import, provider, &config);
    Some(draft)
}

/// Maps the people of a provider as Keycloak does.
fn set_people(
    import: &mut ImportCollector,
    draft: &mut ProviderDraft<'_>,
    (kind, provider, config): (&str, &SourceField<'_>, &SourceField<'_>),
) {
    match kind {
        "microsoft" => draft.set("subject", json!({ "claim": "oid" })),
        "google" => google(import, draft, config),
        // Keycloak takes the next of them where one is absent.
        "oidc" | "keycloak-oidc" => draft.set_username(&["preferred_username", "email", "sub"]),
        _ => {}
    }
    draft.map_no_groups();
    let message = "no groups of the provider are mapped, since Keycloak takes none over without a mapper; where it had one, write claimMappings.groups";
    import.notes.add(provider, message);
}

fn note_base_url(import: &mut ImportCollector, config: &SourceField<'_>) {
    if config.text("baseUrl").is_some_and(|url| url.trim_end_matches('/') != "https://github.com") {
        let message = "not imported: set github.host to the name of the host, which is called with https at the port 443";
        import.notes.add(&config.get("baseUrl"), message);
    }
}

/// The host of a GitHub Enterprise Server.
fn enterprise_host(config: &SourceField<'_>) -> Option<String> {
    let url = url::Url::parse(&config.text("baseUrl")?).ok()?;
    let host = url.host_str().filter(|host| *host != "github.com" && url.port().is_none())?;
    Some(host.to_owned())
}

fn note_prompt_of_github(import: &mut ImportCollector, config: &SourceField<'_>) {
    if config.text("prompt").is_some() {
        let message = "not imported: GitHub has no such parameter";
        import.notes.add(&config.get("prompt"), message);
    }
}

/// How the provider is asked. `None` if it is not imported.
fn upstream_of(
    import: &mut ImportCollector,
    provider: &SourceField<'_>,
    alias: &str,
    kind: &str,
) -> Option<Upstream> {
    let config = provider.get("config");
    Some(match kind {
        "github" => Upstream::GitHub,
        "google" => Upstream::OpenId(GOOGLE.to_owned()),
        "microsoft" => Upstream::OpenId(microsoft_issuer(import, provider, alias)?),
        "gitlab" => Upstream::OpenId("https://gitlab.com".to_owned()),
        "oidc" | "keycloak-oidc" => {
            let issuer = config.text("issuer").or_else(|| keycloak_issuer(&config));
            if issuer.is_none() {
                let message = format!(
                    "the provider {alias:?} is not imported: it has no issuer; set issuer and import again"
                );
                import.notes.add(&config, message);
            }
            Upstream::OpenId(issuer?)
        }
        _ => {
            let message = format!(
                "the provider {alias:?} is not imported: the type {kind:?} has no counterpart; if it has an OpenID provider, write an IdentityProvider of type OIDC"
            );
            import.notes.add(provider, message);
            return None;
        }
    })
}

fn google(import: &mut ImportCollector, draft: &mut ProviderDraft<'_>, config: &SourceField<'_>) {
    draft.set_in("claimMappings", "username", json!({ "claim": "email" }));
    let Some(domain) = config.text("hostedDomain") else { return };
    if domain == "*" || domain.contains(',') {
        let remedy = "write a rule on the claim hd, and admit: ByRules";
        draft.restrict(import, &config.get("hostedDomain"), remedy);
    } else {
        draft.set("claimValidationRules", json!([{ "claim": "hd", "requiredValue": domain }]));
        draft.set("emailDomains", json!([domain.to_ascii_lowercase()]));
        draft.set("admit", json!("ByRules"));
    }
}

fn microsoft_issuer(
    import: &mut ImportCollector,
    provider: &SourceField<'_>,
    alias: &str,
) -> Option<String> {
    let config = provider.get("config");
    let tenant = config.text("tenantId").unwrap_or_else(|| "common".to_owned());
    if uuid::Uuid::try_parse(&tenant).is_err() {
        let message = format!(
            "the provider {alias:?} is not imported: {tenant:?} stands for several issuers; set tenantId to the id of your Entra tenant, a UUID, and import again. For people of several, change the issuer of the IdentityProvider to {ENTRA}/{{tenantid}}/v2.0, and list the ids in oidc.tenantIds"
        );
        import.notes.add(&config, message);
        return None;
    }
    Some(format!("{ENTRA}/{tenant}/v2.0"))
}

/// The issuer of another realm, from the URL of one of its endpoints.
fn keycloak_issuer(config: &SourceField<'_>) -> Option<String> {
    let url = config.text("authorizationUrl")?;
    let (issuer, _) = url.split_once("/protocol/openid-connect/")?;
    Some(issuer.to_owned())
}
