//! Summaries of cached objects: the fields that are read for all objects whenever any object
//! changes, which are the tenant and the Secrets of each.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{
    ManagedKind, OidcClient, OidcClientSpec, OidcClientStatus, OidcUser, OidcUserSpec,
    OidcUserStatus, StatusDigest, Tenant, TenantSpec, TenantStatus,
};
use crate::model::{ObjectKey, TenantId, Timestamp};

/// Summary of a `Tenant`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantSummary {
    /// `metadata.creationTimestamp`.
    pub created: Option<Timestamp>,
    /// `spec.issuer`.
    pub issuer: Option<Box<str>>,
    /// The Secret with the signing keys.
    pub keys: ObjectKey,
    /// The Secret that damaged entries of `keys` are copied to; `None` for imported keys.
    pub backup: Option<ObjectKey>,
    /// The Secret with the pairwise salt.
    pub salt: ObjectKey,
    /// The Secret with the initial access token, if `spec.registration` names one.
    pub token: Option<ObjectKey>,
}

/// Summary of an `OidcClient`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSummary {
    /// The tenant that the client refers to.
    pub tenant: TenantId,
    /// The Secret that the client refers to, or that Lanyard creates for it.
    pub secret: ObjectKey,
}

/// Summary of an `OidcUser`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSummary {
    /// The tenant that the user refers to.
    pub tenant: TenantId,
    /// The Secret with the user's password, if the user has one.
    pub secret: Option<ObjectKey>,
}

impl ManagedKind for Tenant {
    type Spec = TenantSpec;
    type Status = TenantStatus;
    type Summary = TenantSummary;
    /// Key IDs in the status that are not retired.
    type StatusFacts = Box<[Box<str>]>;

    fn into_parts(self) -> (ObjectMeta, TenantSpec, Option<TenantStatus>) {
        (self.metadata, self.spec, self.status)
    }

    fn from_parts(metadata: ObjectMeta, spec: TenantSpec) -> Self {
        Self { metadata, spec, status: None }
    }

    fn summary(&self, key: &ObjectKey) -> TenantSummary {
        let imported = self.imported_keys().map(|reference| key.beside(&reference.name));
        let backup = imported.is_none().then(|| key.beside(self.signing_keys_backup_name()));
        TenantSummary {
            created: self.metadata.creation_timestamp.as_ref().map(|it| Timestamp::from(it.0)),
            issuer: self.spec.issuer.as_deref().map(Into::into),
            keys: imported.unwrap_or_else(|| key.beside(self.signing_keys_name())).shared(),
            backup,
            salt: key.beside(self.pairwise_salt_name()),
            token: self.initial_access_token().map(|reference| key.beside(&reference.name)),
        }
    }

    fn secrets(card: &TenantSummary) -> Vec<&ObjectKey> {
        let sure = [&card.keys, &card.salt].into_iter();
        sure.chain(&card.backup).chain(&card.token).collect()
    }

    fn status_digest(status: &TenantStatus) -> StatusDigest {
        StatusDigest::of_tenant(status)
    }

    fn status_facts(status: &TenantStatus, _: &TenantSummary) -> Box<[Box<str>]> {
        let living = status.signing_keys.iter().filter(|key| key.state != "Retired");
        living.map(|key| key.key_id.as_str().into()).collect()
    }
}

impl ManagedKind for OidcClient {
    type Spec = OidcClientSpec;
    type Status = OidcClientStatus;
    type Summary = ClientSummary;
    /// Whether the status names the Secret in the summary.
    type StatusFacts = bool;

    fn into_parts(self) -> (ObjectMeta, OidcClientSpec, Option<OidcClientStatus>) {
        (self.metadata, self.spec, self.status)
    }

    fn from_parts(metadata: ObjectMeta, spec: OidcClientSpec) -> Self {
        Self { metadata, spec, status: None }
    }

    fn summary(&self, key: &ObjectKey) -> ClientSummary {
        let secret = key.beside(self.secret_name()).shared();
        ClientSummary { tenant: self.spec.tenant_ref.of(key).shared(), secret }
    }

    fn secrets(card: &ClientSummary) -> Vec<&ObjectKey> {
        vec![&card.secret]
    }

    fn status_digest(status: &OidcClientStatus) -> StatusDigest {
        StatusDigest::of_client(status)
    }

    fn status_facts(status: &OidcClientStatus, card: &ClientSummary) -> bool {
        status.secret_name.as_deref() == Some(&*card.secret.name)
    }
}

impl ManagedKind for OidcUser {
    type Spec = OidcUserSpec;
    type Status = OidcUserStatus;
    type Summary = UserSummary;
    type StatusFacts = ();

    fn into_parts(self) -> (ObjectMeta, OidcUserSpec, Option<OidcUserStatus>) {
        (self.metadata, self.spec, self.status)
    }

    fn from_parts(metadata: ObjectMeta, spec: OidcUserSpec) -> Self {
        Self { metadata, spec, status: None }
    }

    fn summary(&self, key: &ObjectKey) -> UserSummary {
        let secret = self.spec.password_secret_ref.as_ref();
        let secret = secret.map(|reference| key.beside(&reference.name).shared());
        UserSummary { tenant: self.spec.tenant_ref.of(key).shared(), secret }
    }

    fn secrets(card: &UserSummary) -> Vec<&ObjectKey> {
        card.secret.iter().collect()
    }

    fn status_digest(status: &OidcUserStatus) -> StatusDigest {
        StatusDigest::of_user(status)
    }

    fn status_facts(_: &OidcUserStatus, _: &UserSummary) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{CachedObject, SigningKeyStatus, TenantRef};

    fn key() -> ObjectKey {
        ObjectKey::new("team", "shop")
    }

    #[test]
    fn seen_is_true_if_the_status_names_the_clients_secret() {
        let tenant_ref = TenantRef { name: "main".into(), namespace: None };
        let spec = OidcClientSpec { tenant_ref, ..OidcClientSpec::default() };
        let kept = CachedObject::new(&key(), OidcClient::new("shop", spec));
        let told = |name: &str| {
            let secret_name = Some(name.to_owned());
            *kept
                .with_status(&OidcClientStatus { secret_name, ..OidcClientStatus::default() })
                .seen()
        };
        assert!(!kept.seen() && told("shop-oidc") && !told("another"));
    }

    #[test]
    fn seen_lists_the_keys_that_are_not_retired() {
        let key_status = |id: &str, state: &str| SigningKeyStatus {
            key_id: id.to_owned(),
            state: state.to_owned(),
            ..SigningKeyStatus::default()
        };
        let signing_keys = vec![key_status("old", "Retired"), key_status("new", "Signing")];
        let status = TenantStatus { signing_keys, ..TenantStatus::default() };
        let kept = CachedObject::new(&key(), Tenant::new("shop", TenantSpec::default()));
        assert_eq!(kept.with_status(&status).seen().concat(), "new");
    }
}
