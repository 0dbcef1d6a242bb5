//! Keycloak: the export of one realm, in one file or with its users in separate files.
//!
//! The claim `sub` stays: it is Keycloak's id of the user.

mod backchannel;
mod client_notes;
mod clients;
mod credentials;
mod groups;
mod people;
mod profile;
mod provider_settings;
mod providers;
mod realm;
mod redirect_uris;
mod scopes;

use serde_json::Value;

use super::{
    ImportOptions, ImportResult, ImportSourceError, manifests::ImportCollector,
    providers::write_providers, source_field::SourceField,
};

/// Converts the files of a realm export.
///
/// # Errors
///
/// [`ImportSourceError::NotRealm`] if no file has a realm.
pub fn import_keycloak(
    files: &[Value],
    options: &ImportOptions,
) -> Result<ImportResult, ImportSourceError> {
    let files: Vec<SourceField<'_>> =
        files.iter().enumerate().filter_map(|(file, value)| realm_of(file, value)).collect();
    let realm = files
        .iter()
        .find(|file| !file.get("clients").is_empty())
        .or_else(|| files.iter().find(|file| file.text("realm").is_some()))
        .ok_or(ImportSourceError::NotRealm)?;
    let name = realm.text("realm").ok_or(ImportSourceError::NotRealm)?;
    let mut import = ImportCollector::new(&name, options);
    let scopes = scopes::realm_scopes(&mut import, realm);
    let issuer = realm::add_realm(&mut import, realm, options, scopes.tenant.clone());
    clients::add_keycloak_clients(&mut import, realm, &scopes);
    let drafts = providers::provider_drafts(&mut import, realm);
    let group_names = groups::group_names(&mut import, realm);
    let names = (&scopes, group_names);
    let has_passwords = people::add_keycloak_people(&mut import, &files, realm, &drafts, names);
    write_providers(&mut import, drafts, issuer.as_deref(), has_passwords);
    realm::add_remaining_notes(&mut import, realm);
    Ok(import.into_imported())
}

/// The realm of a file, which may be a list of one.
fn realm_of(file: usize, value: &Value) -> Option<SourceField<'_>> {
    let root = SourceField::root_of(file, value);
    match value {
        Value::Object(_) => Some(root),
        Value::Array(realms) if realms.len() == 1 => {
            Some(SourceField { pointer: "/0".to_owned(), value: &realms[0], ..root })
        }
        _ => None,
    }
}
