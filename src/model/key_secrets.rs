//! The Secrets with the keys of the installation.

use super::ObjectKey;

/// The Secrets with the keys of the installation, which all tenants share. They belong to no object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySecrets {
    /// The Secret of sealing keys. They seal what browsers and applications keep for a time.
    pub sealing: ObjectKey,
    /// The Secret of vault keys. They seal the authenticators of people in the store, which have no end.
    pub vault: ObjectKey,
}

impl KeySecrets {
    /// The Secrets in a namespace. Their names begin with the prefix.
    pub fn new(namespace: &str, prefix: &str) -> Self {
        let named = |name| ObjectKey::new(namespace, format!("{prefix}{name}"));
        Self { sealing: named("sealing-keys"), vault: named("vault-keys") }
    }

    /// Returns true if the Secret is one of them.
    pub fn contains(&self, key: &ObjectKey) -> bool {
        self.all().contains(&key)
    }

    /// Both Secrets: of the sealing keys, and of the vault keys.
    pub fn all(&self) -> [&ObjectKey; 2] {
        [&self.sealing, &self.vault]
    }
}
