//! The authorities that verify the servers of a connector.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::import::{
    manifests::ImportCollector, providers::ProviderDraft, source_field::SourceField,
};

/// The fields with certificates: a path, paths, and certificates in base64.
pub(super) const CERTIFICATES: [&str; 3] = ["rootCA", "rootCAs", "rootCAData"];

/// Sets `caRef` of a provider whose connector names certificates.
pub(super) fn set_certificates(
    import: &mut ImportCollector,
    draft: &mut ProviderDraft<'_>,
    config: &SourceField<'_>,
) {
    let fields = CERTIFICATES.map(|name| config.get(name));
    let Some(field) = fields.iter().find(|field| !field.is_empty()) else { return };
    let data = config.text("rootCAData");
    let pem = data.and_then(|data| String::from_utf8(STANDARD.decode(data).ok()?).ok());
    let reference = import.secret_entry(&format!("{}-ca", draft.name), "ca.crt", pem.as_deref());
    if pem.is_none() {
        let message = format!(
            "the certificates are not in the file; create the Secret {:?} with the entry ca.crt",
            reference.name
        );
        import.notes.add(field, message);
    }
    let members = ["oidc", "github", "ldap"];
    if let Some(member) = members.into_iter().find(|member| draft.spec.contains_key(*member)) {
        draft.set_in(member, "caRef", json!({ "name": reference.name }));
    }
}
