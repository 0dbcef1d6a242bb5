//! Converts the configuration of other providers to manifests: Dex's configuration file and
//! Keycloak's realm export. Both keep the claim `sub` of every person, so applications keep their
//! accounts.
//!
//! Pure: no I/O. The result is data: manifests, and notes on everything that is not imported.

mod dex;
mod durations;
mod keycloak;
mod manifests;
mod names;
mod notes;
mod providers;
mod source_field;

pub use dex::import_dex;
pub use keycloak::import_keycloak;
pub use manifests::ImportedManifest;
pub use notes::ImportNote;

/// Choices of the person who imports.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Name of the Tenant. Default: `main` for Dex, the realm's name for Keycloak.
    pub tenant: Option<String>,
    /// Namespace of all objects. Default: none is written.
    pub namespace: Option<String>,
    /// The issuer URL. Default: the source's, if it has one.
    pub issuer: Option<String>,
}

/// The manifests and notes of an import.
#[derive(Clone, Debug, Default)]
pub struct ImportResult {
    /// The manifests, in the order in which they refer to each other.
    pub manifests: Vec<ImportedManifest>,
    /// Everything that is not imported, or that changes.
    pub notes: Vec<ImportNote>,
}

/// The source is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportSourceError {
    /// No field of a Dex configuration was found.
    #[error(
        "is not a Dex configuration: it has none of issuer, connectors, staticClients and \
         staticPasswords; give the file that `dex serve` reads"
    )]
    NotDex,
    /// The file is not an export of a realm.
    #[error(
        "is not a realm export of Keycloak: it has no realm; give a file that `kc.sh export` or the \
         admin console wrote, one realm at a time"
    )]
    NotRealm,
}

/// Whether a text can be a client id: 1 to 128 letters, digits and `-._~:/@`.
fn is_client_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/@".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests;
