//! What objects refer to: tenants, and Secrets of their own namespace.

use kube::ResourceExt;

use super::{LocalTenantRef, OidcClient, SecretKeyRef, Tenant, TenantRef};
use crate::model::{ObjectKey, TenantId};

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

    /// The Secret of the user's own with its keys, where it names one.
    pub fn imported_keys(&self) -> Option<&SecretKeyRef> {
        self.spec.signing.as_ref()?.secret_ref.as_ref()
    }

    /// The entry of a Secret with the initial access token, where the tenant names one.
    pub fn initial_access_token(&self) -> Option<&SecretKeyRef> {
        self.spec.registration.as_ref()?.initial_access_token_secret_ref.as_ref()
    }
}

impl OidcClient {
    /// Name of the Secret that would be made for the client.
    pub fn generated_secret_name(&self) -> String {
        let chosen = self.spec.secret.as_ref().and_then(|secret| secret.name.clone());
        chosen.unwrap_or_else(|| format!("{}-oidc", self.name_any()))
    }

    /// Name of the Secret that it refers to or that is made for it.
    pub fn secret_name(&self) -> String {
        match &self.spec.secret_ref {
            Some(reference) => reference.name.clone(),
            None => self.generated_secret_name(),
        }
    }
}

impl TenantRef {
    /// The tenant that an object of this name means.
    pub fn of(&self, key: &ObjectKey) -> TenantId {
        match &self.namespace {
            Some(namespace) => TenantId::new(namespace, &self.name),
            None => TenantId(key.beside(&self.name)),
        }
    }
}

impl LocalTenantRef {
    /// The tenant that an object of this name means.
    pub fn of(&self, key: &ObjectKey) -> TenantId {
        TenantId(key.beside(&self.name))
    }
}
