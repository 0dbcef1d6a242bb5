//! Decides how much of a Secret with Lanyard's label is kept. Every writer of Secrets can set
//! the label, so the body of a Secret that belongs to no object is dropped at once. No I/O.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arc_swap::ArcSwap;
use k8s_openapi::api::core::v1::Secret;
use tokio::sync::watch;

use crate::{
    api::{CachedSecret, OWNER_ANNOTATION, ObjectSet, owner, signing_keys_name},
    model::{KeySecrets, ManagedKind, ObjectKey, ObjectKind, ObjectRef},
};

/// Maximum bytes of a Secret that its owner does not name.
const MAX_SPARE_BYTES: usize = 16 * 1024;
/// Maximum Secrets of one owner whose content is cached although the owner does not name them. They preserve the
/// client secret of a client that begins to name another Secret.
const MAX_SPARES: usize = 2;

/// The objects by which the watches decide which Secrets to keep.
#[derive(Clone)]
pub(super) struct SecretFilter {
    /// The objects received so far.
    pub(super) objects: Arc<ArcSwap<ObjectSet>>,
    /// Whether all of Lanyard's own objects are among them. Secrets are listed afterwards, so that
    /// they need not be fetched one by one.
    pub(super) is_ready: watch::Receiver<bool>,
    /// The Secrets with the installation's keys.
    pub(super) key_secrets: KeySecrets,
}

/// Maximum length of an issuer that a Secret reserves.
const MAX_ISSUER_BYTES: usize = 2048;

/// How much of a Secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SecretRetention {
    /// All of it: an object that is there owns and names it.
    Whole,
    /// At most [`MAX_SPARE_BYTES`]: this object owns the Secret, but names another one.
    Spare(ObjectRef),
    /// The issuer that it reserves: it is the key Secret of a tenant that is not there.
    Reservation,
    /// The resourceVersion: the Secret is fetched if an object refers to it.
    Version,
}

/// The counted Secrets: those whose owner names another Secret, by owner.
pub(super) type UnreferencedSecrets = BTreeMap<ObjectRef, BTreeSet<ObjectKey>>;

/// How much of a Secret is kept, by its name and owner annotation. See
/// docs/design/cluster.md#secrets.
pub(super) fn secret_retention(
    objects: &ObjectSet,
    key_secrets: &KeySecrets,
    key: &ObjectKey,
    owner: Option<&str>,
) -> SecretRetention {
    if key_secrets.contains(key) {
        return SecretRetention::Whole;
    }
    let Some(owner) = owner.and_then(|owner| owner::parse_owner_annotation(&key.namespace, owner))
    else {
        return SecretRetention::Version;
    };
    let object = match owner.kind {
        ObjectKind::Managed(kind) => objects.managed.find(kind, &owner.key),
        ObjectKind::Secret | ObjectKind::Namespace | ObjectKind::ConfigMap => None,
    };
    match object {
        Some(object) if object.secrets().contains(&key) => SecretRetention::Whole,
        Some(_) => SecretRetention::Spare(owner),
        None if owner.is(ManagedKind::Tenant)
            && *key.name == *signing_keys_name(&owner.key.name) =>
        {
            SecretRetention::Reservation
        }
        None => SecretRetention::Version,
    }
}

/// The part of a Secret to keep if it belongs to an object; otherwise none. The body of any other
/// Secret is never copied.
pub(super) fn retained_part(
    objects: &ObjectSet,
    key_secrets: &KeySecrets,
    key: &ObjectKey,
    secret: Secret,
) -> Option<CachedSecret> {
    let annotations = secret.metadata.annotations.as_ref();
    let owner = annotations.and_then(|all| all.get(OWNER_ANNOTATION)).map(String::as_str);
    match secret_retention(objects, key_secrets, key, owner) {
        SecretRetention::Whole => Some(CachedSecret::new(secret)),
        SecretRetention::Spare(_) => Some(shortened(CachedSecret::new(secret))),
        SecretRetention::Reservation => reserving_part(&CachedSecret::new(secret)),
        SecretRetention::Version => None,
    }
}

/// The Secret without its content, if it reserves an issuer.
pub(super) fn reserving_part(secret: &CachedSecret) -> Option<CachedSecret> {
    let reservation = secret.issuer_reservation()?;
    (reservation.issuer.len() <= MAX_ISSUER_BYTES).then(|| secret.without_content())
}

/// The Secret without its content, if that is too large for a spare one.
fn shortened(secret: CachedSecret) -> CachedSecret {
    if secret.size() <= MAX_SPARE_BYTES { secret } else { secret.without_content() }
}

/// Returns the part of a Secret to keep although its owner does not name it, and counts it.
pub(super) fn spare_part(
    spares: &mut UnreferencedSecrets,
    owner: ObjectRef,
    key: &ObjectKey,
    secret: CachedSecret,
) -> CachedSecret {
    let secret = shortened(secret);
    let kept = spares.entry(owner).or_default();
    if secret.is_whole() && (kept.contains(key) || kept.len() < MAX_SPARES) {
        kept.insert(key.clone());
        return secret;
    }
    secret.without_content()
}

/// Removes a Secret from those that are counted.
pub(super) fn drop_spare(spares: &mut UnreferencedSecrets, key: &ObjectKey) {
    spares.retain(|_, spares| {
        spares.remove(key);
        !spares.is_empty()
    });
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        api::AnyCachedObject,
        source::manifests::{ManifestObject, parse_text},
    };

    const CLIENT: &str = "apiVersion: lanyard.dev/v1alpha1\nkind: OidcClient\nmetadata: {name: shop, namespace: team}\nspec: {tenantRef: {name: main}, redirectUris: ['https://shop.test/cb']}\n";

    fn objects() -> ObjectSet {
        let mut objects = ObjectSet::default();
        for object in parse_text(Path::new("test.yaml"), CLIENT).0 {
            let key = object.reference().key;
            let ManifestObject::Managed(client) = object else { panic!("a client") };
            objects.managed.insert(key.clone(), AnyCachedObject::new(&key, client));
        }
        objects
    }

    fn secret(owner: Option<&str>, bytes: usize) -> Secret {
        let annotations = owner.map(|owner| [(OWNER_ANNOTATION, owner)].into_iter().collect());
        let annotations: Option<BTreeMap<&str, &str>> = annotations;
        serde_json::from_value(serde_json::json!({
            "metadata": { "annotations": annotations, "resourceVersion": "7" },
            "data": { "key": "YWFh".repeat(bytes / 3) },
        }))
        .expect("a Secret")
    }

    #[test]
    fn only_secrets_that_an_object_owns_and_names_are_kept_whole() {
        let (objects, secrets) = (objects(), KeySecrets::new("lanyard", ""));
        let kept = |namespace, name, owner| {
            let key = ObjectKey::new(namespace, name);
            retained_part(&objects, &secrets, &key, secret(owner, 3_000_000))
                .map(|it| it.is_whole())
        };
        let shop = Some("OidcClient/shop");
        assert_eq!(kept("team", "shop-oidc", shop), Some(true));
        assert_eq!(
            kept("team", "another", shop),
            Some(false),
            "to delete it, its version suffices"
        );
        for (namespace, name, owner) in [
            ("team", "shop-oidc", None),
            ("team", "shop-oidc", Some("OidcClient/wiki")),
            ("team", "wiki-oidc", Some("OidcClient/wiki")),
            ("team", "shop-oidc", Some("Tenant/shop")),
            ("team", "shop-oidc", Some("Installation/sealing")),
            ("other", "shop-oidc", shop),
        ] {
            assert_eq!(kept(namespace, name, owner), None, "{namespace}/{name} {owner:?}");
        }
        for own in ["sealing-keys", "vault-keys"] {
            assert_eq!(kept("lanyard", own, None), Some(true), "{own}");
        }
    }

    #[test]
    fn a_few_small_spare_secrets_of_an_owner_are_kept() {
        let (mut spares, owner) = (
            UnreferencedSecrets::new(),
            objects().managed.all().next().map(|(key, _)| ObjectRef {
                kind: crate::model::ManagedKind::OidcClient.into(),
                key: key.clone(),
            }),
        );
        let owner = owner.expect("a client");
        let mut keep = |name: &str, bytes| {
            let secret = CachedSecret::new(secret(Some("OidcClient/shop"), bytes));
            spare_part(&mut spares, owner.clone(), &ObjectKey::new("team", name), secret).is_whole()
        };
        assert!(!keep("large", 30_000));
        assert!(keep("a", 300) && keep("b", 300) && keep("a", 300), "twice the same");
        assert!(!keep("c", 300));
        drop_spare(&mut spares, &ObjectKey::new("team", "a"));
        drop_spare(&mut spares, &ObjectKey::new("team", "b"));
        assert!(spares.is_empty());
    }
}
