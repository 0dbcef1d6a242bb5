//! Which Secrets an object has to do with, all in its own namespace: what a source must show.

use kube::ResourceExt;

use super::{OidcClient, OidcUser, SecretKeyRef, Tenant};

/// An object that has to do with Secrets.
pub trait SecretReferences {
    /// Names of the Secrets that it refers to or that are made for it.
    fn secret_names(&self) -> Vec<String>;
}

/// Name of the Secret of a tenant's own signing keys.
pub fn signing_keys_name(tenant: &str) -> String {
    format!("{tenant}-signing-keys")
}

/// Name of the Secret that damaged entries of the former are copied to.
pub fn signing_keys_backup_name(tenant: &str) -> String {
    format!("{tenant}-signing-keys-backup")
}

/// Name of the Secret with the salt of a tenant's pairwise subjects.
pub fn pairwise_salt_name(tenant: &str) -> String {
    format!("{tenant}-pairwise")
}

impl Tenant {
    /// Name of the Secret of the tenant's own signing keys.
    pub fn signing_keys_name(&self) -> String {
        signing_keys_name(&self.name_any())
    }

    /// Name of the Secret with the salt of its pairwise subjects.
    pub fn pairwise_salt_name(&self) -> String {
        pairwise_salt_name(&self.name_any())
    }

    /// Name of the Secret that damaged entries of the first are copied to.
    pub fn signing_keys_backup_name(&self) -> String {
        signing_keys_backup_name(&self.name_any())
    }

    /// The entry of a Secret with the initial access token, where the tenant names one.
    pub fn initial_access_token(&self) -> Option<&SecretKeyRef> {
        self.spec.registration.as_ref()?.initial_access_token_secret_ref.as_ref()
    }
}

impl SecretReferences for Tenant {
    fn secret_names(&self) -> Vec<String> {
        let imported = self.spec.signing.as_ref().and_then(|signing| signing.secret_ref.as_ref());
        let mut names = match imported {
            Some(reference) => vec![reference.name.clone()],
            None => vec![self.signing_keys_name(), self.signing_keys_backup_name()],
        };
        names.push(self.pairwise_salt_name());
        names.extend(self.initial_access_token().map(|reference| reference.name.clone()));
        names
    }
}

impl OidcClient {
    /// Name of the Secret that would be made for the client.
    pub fn generated_secret_name(&self) -> String {
        let chosen = self.spec.secret.as_ref().and_then(|secret| secret.name.clone());
        chosen.unwrap_or_else(|| format!("{}-oidc", self.name_any()))
    }
}

impl SecretReferences for OidcClient {
    fn secret_names(&self) -> Vec<String> {
        match &self.spec.secret_ref {
            Some(reference) => vec![reference.name.clone()],
            None => vec![self.generated_secret_name()],
        }
    }
}

impl SecretReferences for OidcUser {
    fn secret_names(&self) -> Vec<String> {
        self.spec.password_secret_ref.iter().map(|reference| reference.name.clone()).collect()
    }
}
