//! `connectors` of Dex: each becomes an `IdentityProvider`, by its type.

use super::{
    certificates::{CERTIFICATES, set_certificates},
    directory::ldap_draft,
    environment::is_from_environment,
    github::github_draft,
    openid::{gitlab_draft, google_draft, microsoft_draft, oidc_draft},
};
use crate::import::{
    manifests::ImportCollector, providers::ProviderDraft, source_field::SourceField,
};

/// A provider for each connector that has a counterpart.
pub(super) fn connector_drafts<'v>(
    import: &mut ImportCollector,
    root: &SourceField<'v>,
) -> Vec<ProviderDraft<'v>> {
    let connectors = root.items("connectors").into_iter();
    connectors.filter_map(|connector| connector_draft(import, &connector)).collect()
}

fn connector_draft<'v>(
    import: &mut ImportCollector,
    connector: &SourceField<'v>,
) -> Option<ProviderDraft<'v>> {
    let kind = connector.text("type").unwrap_or_default();
    let id = connector.text("id").unwrap_or_default();
    if id.is_empty() {
        import.notes.add(connector, "the connector is not imported: it has no id");
        return None;
    }
    import.notes.add_unknown(connector, &["type", "id", "name", "config", "grantTypes"]);
    if !signs_in(import, connector, &id) {
        return None;
    }
    let config = connector.get("config");
    for field in config.members() {
        let name = field.pointer.rsplit('/').next().unwrap_or_default();
        let in_environment = field.value.as_str().is_some_and(is_from_environment);
        if in_environment && !matches!(name, "clientSecret" | "bindPW" | "redirectURI") {
            let message = format!(
                "the connector {id:?} is not imported: the value is read from an environment variable; write it into the file and import again"
            );
            import.notes.add(&field, message);
            return None;
        }
    }
    let (mut draft, known) = match kind.as_str() {
        "oidc" => oidc_draft(import, connector, &config, &id)?,
        "google" => google_draft(import, connector, &config, &id),
        "microsoft" => microsoft_draft(import, connector, &config, &id)?,
        "gitlab" => gitlab_draft(import, connector, &config, &id)?,
        "github" => github_draft(import, connector, &config, &id)?,
        "ldap" => ldap_draft(import, connector, &config, &id)?,
        _ => {
            let message = format!(
                "the connector {id:?} is not imported: the type {kind:?} has no counterpart; if it has an OpenID provider, write an IdentityProvider of type OIDC"
            );
            import.notes.add(connector, message);
            return None;
        }
    };
    set_certificates(import, &mut draft, &config);
    import.notes.add_unknown(&config, &[known, &CERTIFICATES].concat());
    Some(draft)
}

/// Whether people sign in by a connector: `grantTypes` restricts what it is used for.
fn signs_in(import: &mut ImportCollector, connector: &SourceField<'_>, id: &str) -> bool {
    let field = connector.get("grantTypes");
    let grants = connector.texts("grantTypes");
    if grants.is_empty() {
        return true;
    }
    let signs_in = grants.iter().any(|grant| grant == "authorization_code");
    let message = if signs_in {
        "not imported: which grants people of a provider may use is decided by the clients"
            .to_owned()
    } else {
        format!(
            "the connector {id:?} is not imported: it is used for {} only, and not for sign-ins",
            grants.join(", ")
        )
    };
    import.notes.add(&field, message);
    signs_in
}
