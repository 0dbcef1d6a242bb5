//! Redirect URIs: Keycloak's may be relative or have wildcards.

use std::collections::BTreeSet;

use crate::{
    import::{manifests::ImportCollector, source_field::SourceField},
    model::{ApplicationType, RedirectScheme, RedirectUri},
};

/// Between the URIs of one attribute.
const URI_SEPARATOR: &str = "##";
/// The attribute's way to say: the redirect URIs.
const REDIRECT_URIS: &str = "+";
const POST_LOGOUT: &str = "post.logout.redirect.uris";

/// The redirect URIs that can be compared whole.
pub(super) fn redirect_uris(import: &mut ImportCollector, client: &SourceField<'_>) -> Vec<String> {
    let list = client.get("redirectUris");
    let root = client.text("rootUrl").filter(|root| !root.contains("${")).unwrap_or_default();
    let mut uris = Vec::new();
    for (index, written) in client.texts("redirectUris").into_iter().enumerate() {
        let mut field = list.clone();
        field.pointer = format!("{}/{index}", field.pointer);
        uris.extend(whole_uri(import, &field, &root, &written).filter(|uri| !uris.contains(uri)));
    }
    uris
}

/// A URI that may be relative to the client's root, or end with a wildcard.
fn whole_uri(
    import: &mut ImportCollector,
    field: &SourceField<'_>,
    root: &str,
    written: &str,
) -> Option<String> {
    let text = if written.starts_with('/') {
        format!("{}{written}", root.trim_end_matches('/'))
    } else {
        written.to_owned()
    };
    let stem = text.strip_suffix('*').unwrap_or(&text);
    match RedirectUri::parse(stem, ApplicationType::Web) {
        Ok(uri) => {
            if stem != text {
                let message = format!(
                    "the wildcard of {text} is not imported: URIs are compared whole; {stem} is imported; add each one that the application uses, such as {}/oauth2/callback",
                    stem.trim_end_matches('/')
                );
                import.notes.add(field, message);
            }
            if uri.scheme() == RedirectScheme::InsecureHttp {
                let message = format!(
                    "{stem} is not encrypted; use https, or list its host in insecureHttpHosts of the installation"
                );
                import.notes.add(field, message);
            }
            Some(stem.to_owned())
        }
        Err(error) => {
            let message = format!(
                "{text:?} is not imported: it {error}; write each URI that the application uses, such as https://app.example.com/oauth2/callback"
            );
            import.notes.add(field, message);
            None
        }
    }
}

pub(super) fn post_logout_uris(
    import: &mut ImportCollector,
    client: &SourceField<'_>,
    redirect_uris: &[String],
) -> Vec<String> {
    let attributes = client.get("attributes");
    let Some(text) = attributes.text(POST_LOGOUT) else { return Vec::new() };
    let field = attributes.get(POST_LOGOUT);
    let root = client.text("rootUrl").unwrap_or_default();
    let mut uris: Vec<String> = Vec::new();
    for written in text.split(URI_SEPARATOR).map(str::trim) {
        match written {
            "" | "-" => {}
            REDIRECT_URIS => uris.extend(redirect_uris.iter().cloned()),
            _ => uris.extend(whole_uri(import, &field, &root, written)),
        }
    }
    let mut seen = BTreeSet::new();
    uris.retain(|uri| seen.insert(uri.clone()));
    uris
}
