//! References of objects: tenants, and Secrets in the same namespace.

use kube::ResourceExt;

use super::{LocalTenantRef, OidcClient, SecretKeyRef, Tenant, TenantRef};
use crate::model::{ObjectKey, TenantId};

/// Name of the Secret with a tenant's generated signing keys.
pub fn signing_keys_name(tenant: &str) -> String {
    format!("{tenant}-signing-keys")
}

/// Name of the Secret that damaged entries of the signing key Secret are copied to.
pub fn signing_keys_backup_name(tenant: &str) -> String {
    format!("{tenant}-signing-keys-backup")
}

/// Name of the Secret with the salt of a tenant's pairwise subjects.
pub fn pairwise_salt_name(tenant: &str) -> String {
    format!("{tenant}-pairwise")
}

impl Tenant {
    /// Name of the Secret with the tenant's generated signing keys.
    pub fn signing_keys_name(&self) -> String {
        signing_keys_name(&self.name_any())
    }

    /// Name of the Secret with the salt of the tenant's pairwise subjects.
    pub fn pairwise_salt_name(&self) -> String {
        pairwise_salt_name(&self.name_any())
    }

    /// Name of the Secret that damaged entries of the signing key Secret are copied to.
    pub fn signing_keys_backup_name(&self) -> String {
        signing_keys_backup_name(&self.name_any())
    }

    /// The user-provided Secret with signing keys, if the tenant names one.
    pub fn imported_keys(&self) -> Option<&SecretKeyRef> {
        self.spec.signing.as_ref()?.secret_ref.as_ref()
    }

    /// The Secret entry with the initial access token, if the tenant names one.
    pub fn initial_access_token(&self) -> Option<&SecretKeyRef> {
        self.spec.registration.as_ref()?.initial_access_token_secret_ref.as_ref()
    }
}

impl OidcClient {
    /// Name of the Secret that Lanyard creates for the client unless it has a `secretRef`.
    pub fn generated_secret_name(&self) -> String {
        let chosen = self.spec.secret.as_ref().and_then(|secret| secret.name.clone());
        chosen.unwrap_or_else(|| format!("{}-oidc", self.name_any()))
    }

    /// Name of the client's Secret: the one in `secretRef`, or the generated one.
    pub fn secret_name(&self) -> String {
        match &self.spec.secret_ref {
            Some(reference) => reference.name.clone(),
            None => self.generated_secret_name(),
        }
    }
}

impl TenantRef {
    /// The tenant that this reference means in an object named `key`.
    pub fn of(&self, key: &ObjectKey) -> TenantId {
        match &self.namespace {
            Some(namespace) => TenantId::new(namespace, &self.name),
            None => TenantId(key.in_same_namespace(&self.name)),
        }
    }
}

impl LocalTenantRef {
    /// The tenant that this reference means in an object named `key`.
    pub fn of(&self, key: &ObjectKey) -> TenantId {
        TenantId(key.in_same_namespace(&self.name))
    }
}
