//! `staticClients` of Dex: each becomes an `OidcClient`.

use super::{environment::is_from_environment, people::LOCAL_CONNECTOR};
use crate::{
    api::{AccessSpec, EnumSpec, OidcClientSpec, SecretKeyRef, TenantRef},
    import::{
        manifests::{CLIENT, ImportCollector},
        providers::ProviderDraft,
        source_field::SourceField,
    },
    model::{
        ApplicationType, AuthMethod, ConsentPolicy, GrantType, LOCAL_PROVIDER, RedirectScheme,
        RedirectUri,
    },
};

/// Fields of a client that are imported, or that have a note of their own.
const KNOWN: &[&str] = &[
    "id",
    "secret",
    "secretEnv",
    "redirectURIs",
    "trustedPeers",
    "public",
    "name",
    "logoURL",
    "allowedConnectors",
];
/// The URI that shows a code to a person who copies it.
const OUT_OF_BAND: &str = "urn:ietf:wg:oauth:2.0:oob";

/// Adds a client for each static client.
pub(super) fn add_dex_clients(
    import: &mut ImportCollector,
    root: &SourceField<'_>,
    providers: &[ProviderDraft<'_>],
) {
    let implied = root.get("oauth2").is_set("skipApprovalScreen");
    for client in root.items("staticClients") {
        add_client(import, &client, implied, providers);
    }
}

fn add_client(
    import: &mut ImportCollector,
    client: &SourceField<'_>,
    implied: bool,
    providers: &[ProviderDraft<'_>],
) {
    let Some(id) = client.text("id").filter(|id| !is_from_environment(id)) else {
        let message =
            "the client is not imported: its id is not in the file; set id and import again";
        import.notes.add(client, message);
        return;
    };
    let is_public = client.is_set("public");
    let application_type = if is_public { ApplicationType::Native } else { ApplicationType::Web };
    let redirect_uris = redirect_uris(import, client, application_type);
    if redirect_uris.is_empty() {
        import.notes.add(
            client,
            format!("the client {id:?} is not imported: it has no redirect URI that can be used"),
        );
        return;
    }
    let Ok(access) = access(import, client, providers) else { return };
    let name = import.unique_name(CLIENT, &id);
    let secret_ref = (!is_public).then(|| secret_ref(import, client, &name));
    if !client.get("trustedPeers").is_empty() {
        let message = "not imported: a client cannot request tokens for another one";
        import.notes.add(&client.get("trustedPeers"), message);
    }
    let logo = client.text("logoURL");
    if logo.as_ref().is_some_and(|logo| !logo.starts_with("https://")) {
        import.notes.add(&client.get("logoURL"), "not imported: a logo needs an https URL");
    }
    import.notes.add_unknown(client, KNOWN);
    let spec = OidcClientSpec {
        tenant_ref: TenantRef { name: import.tenant.clone(), namespace: None },
        client_id: client_id(import, client, id),
        client_name: client.text("name").filter(|name| name.chars().count() <= 128),
        application_type: is_public.then_some(EnumSpec::Supported(application_type)),
        redirect_uris,
        grant_types: [GrantType::AuthorizationCode, GrantType::RefreshToken]
            .map(EnumSpec::Supported)
            .into(),
        token_endpoint_auth_method: is_public.then_some(EnumSpec::Supported(AuthMethod::None)),
        secret_ref,
        consent: implied.then_some(EnumSpec::Supported(ConsentPolicy::Implied)),
        access,
        logo_uri: logo.filter(|logo| logo.starts_with("https://")),
        ..OidcClientSpec::default()
    };
    import.add_client(&name, &spec);
}

/// The restriction to people of some connectors. If no connector of a client has a counterpart, the client would
/// admit everyone. That is an error, and the client is not imported.
fn access(
    import: &mut ImportCollector,
    client: &SourceField<'_>,
    providers: &[ProviderDraft<'_>],
) -> Result<Option<AccessSpec>, ()> {
    let allowed = client.texts("allowedConnectors");
    if allowed.is_empty() {
        return Ok(None);
    }
    let field = client.get("allowedConnectors");
    let mut names = Vec::new();
    for connector in allowed {
        let of_connector = |it: &&ProviderDraft<'_>| {
            it.spec.get("subject").is_some_and(|subject| subject["connectorId"] == connector)
        };
        if connector == LOCAL_CONNECTOR {
            names.push(LOCAL_PROVIDER.to_owned());
        } else if let Some(provider) = providers.iter().find(of_connector) {
            names.push(provider.name.clone());
        } else {
            let message = format!(
                "{connector:?} is not imported: no connector with this id becomes an IdentityProvider"
            );
            import.notes.add(&field, message);
        }
    }
    if names.is_empty() {
        let message = "the client is not imported: no user could sign in; choose connectors that can be imported";
        import.notes.add(client, message);
        return Err(());
    }
    Ok(Some(AccessSpec { providers: names, ..AccessSpec::default() }))
}

fn secret_ref(import: &mut ImportCollector, client: &SourceField<'_>, name: &str) -> SecretKeyRef {
    let secret = client.text("secret").filter(|text| !is_from_environment(text));
    let reference =
        import.secret_entry(&format!("{name}-client"), "client-secret", secret.as_deref());
    if secret.is_none() {
        let message = format!(
            "the client secret is not in the file; create the Secret {:?} with the entry client-secret",
            reference.name
        );
        import.notes.add(client, message);
    }
    reference
}

fn client_id(import: &mut ImportCollector, client: &SourceField<'_>, id: String) -> Option<String> {
    let is_usable = crate::import::is_client_id(&id);
    if !is_usable {
        let message = format!(
            "{id:?} cannot be a client id, which has 1 to 128 letters, digits and -._~:/@; the application gets another one, in status.clientId"
        );
        import.notes.add(&client.get("id"), message);
    }
    is_usable.then_some(id)
}

fn redirect_uris(
    import: &mut ImportCollector,
    client: &SourceField<'_>,
    application_type: ApplicationType,
) -> Vec<String> {
    let mut uris = Vec::new();
    for (index, text) in client.texts("redirectURIs").into_iter().enumerate() {
        let mut field = client.get("redirectURIs");
        field.pointer = format!("{}/{index}", field.pointer);
        if text == OUT_OF_BAND {
            let message = "not imported: a page that shows the code to copy it is not supported; use http://localhost, with any port";
            import.notes.add(&field, message);
            continue;
        }
        match RedirectUri::parse(&text, application_type) {
            Ok(uri) => {
                if uri.scheme() == RedirectScheme::InsecureHttp {
                    let message = format!(
                        "{text} is not encrypted; use https, or list its host in insecureHttpHosts of the installation"
                    );
                    import.notes.add(&field, message);
                }
                if !uris.contains(&text) {
                    uris.push(text);
                }
            }
            Err(error) => import.notes.add(&field, format!("{text:?} is not imported: it {error}")),
        }
    }
    let is_loopback = |text: &String| text.starts_with("http://localhost");
    if application_type == ApplicationType::Native && !uris.iter().any(is_loopback) {
        // Dex lets public clients use any URI of localhost.
        let found = ["http://localhost", "http://localhost/callback"];
        let message = format!(
            "a public client of Dex may use every URI of http://localhost; {} are imported, with any port; add others",
            found.join(" and ")
        );
        import.notes.add(client, message);
        uris.extend(found.map(str::to_owned));
    }
    uris
}
