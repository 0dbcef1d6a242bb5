//! Secrets in the compact form that the source caches. Every client has one, so only the parts that
//! are read often are parsed; the rest is JSON, which takes a third of the memory of the Kubernetes
//! struct.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::{
    ByteString, api::core::v1::Secret as CoreSecret, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

use super::{IssuerReservation, OWNER_ANNOTATION, owner_reference};
use crate::model::{ObjectKey, Secret, intern, pooled};

/// A cached Secret. Clones share the data.
#[derive(Clone, Debug)]
pub struct CachedSecret(Arc<SecretParts>);

#[derive(Debug)]
struct SecretParts {
    version: Option<Box<str>>,
    held: SecretBody,
}

/// Everything but the resourceVersion, which also rises without a relevant change.
#[derive(Debug, PartialEq, Eq)]
struct SecretBody {
    owner: Option<Box<str>>,
    /// UID of the owner reference, if it is the only one and names the same object as `owner`.
    owner_uid: Option<Box<str>>,
    going: bool,
    is_whole: bool,
    /// The issuer that the key Secret of a tenant remembers.
    reservation: Option<Box<IssuerReservation>>,
    shape: Arc<SecretLayout>,
    values: Values,
}

/// The parts that most clients' Secrets have in common, stored once and shared.
#[derive(Debug, PartialEq, Eq, Hash)]
struct SecretLayout {
    /// Names of the Secret's entries.
    names: Box<[Box<str>]>,
    /// The remaining metadata, the type and the immutable flag, as JSON.
    rest: Box<str>,
}

pooled!(SecretLayout);

impl SecretLayout {
    /// The remaining metadata, the type and the immutable flag.
    fn rest(&self) -> (ObjectMeta, Option<String>, Option<bool>) {
        serde_json::from_str(&self.rest).expect("the JSON was written from the same types")
    }
}

impl CachedSecret {
    /// Caches a Secret, without the fields that the API server sets again when a Secret is
    /// replaced.
    pub fn new(secret: CoreSecret) -> Self {
        let CoreSecret { mut metadata, data, type_, immutable, .. } = secret;
        let reservation = IssuerReservation::read(&metadata).map(Box::new);
        (metadata.managed_fields, metadata.uid, metadata.creation_timestamp) = (None, None, None);
        (metadata.namespace, metadata.name) = (None, None);
        let version = metadata.resource_version.take().map(Into::into);
        let annotations = metadata.annotations.as_mut();
        let owner = annotations.and_then(|all| all.remove(OWNER_ANNOTATION));
        let owner_uid =
            owner.as_ref().and_then(|it| owner_reference::take_reference(&mut metadata, it));
        let going = metadata.deletion_timestamp.is_some();
        let rest = serde_json::to_string(&(metadata, type_, immutable));
        let rest = rest.expect("text, lists and maps with text keys serialise").into();
        let (names, values): (Vec<String>, Vec<Value>) = data
            .unwrap_or_default()
            .into_iter()
            .map(|(name, value)| (name, Secret::new(value.0)))
            .unzip();
        let names = names.into_iter().map(Into::into).collect();
        let shape = intern(SecretLayout { names, rest });
        let (owner, values) = (owner.map(Into::into), Values::new(&values));
        Self(Arc::new(SecretParts {
            version,
            held: SecretBody {
                owner,
                owner_uid,
                going,
                is_whole: true,
                reservation,
                shape,
                values,
            },
        }))
    }

    /// The Secret's owner, resourceVersion and reserved issuer alone, which suffice to delete it.
    #[must_use]
    pub fn without_content(&self) -> Self {
        let (owner, going) = (self.0.held.owner.clone(), self.is_deleting());
        let rest = serde_json::to_string(&(ObjectMeta::default(), (), ()));
        let rest = rest.expect("empty metadata serialises").into();
        let shape = intern(SecretLayout { names: Box::default(), rest });
        let held = SecretBody {
            owner,
            owner_uid: None,
            going,
            is_whole: false,
            reservation: self.0.held.reservation.clone(),
            shape,
            values: Values::new(&[]),
        };
        Self(Arc::new(SecretParts { version: self.0.version.clone(), held }))
    }

    /// The bytes of its entries and metadata.
    pub fn size(&self) -> usize {
        let SecretBody { shape, values, .. } = &self.0.held;
        let names: usize = shape.names.iter().map(|name| name.len()).sum();
        names + shape.rest.len() + values.0.expose().len()
    }

    /// Returns false if the Secret was cached without its content.
    pub fn is_whole(&self) -> bool {
        self.0.held.is_whole
    }

    /// Restores the whole Secret, for a replacing write.
    pub fn to_secret(&self, key: &ObjectKey) -> CoreSecret {
        let SecretBody { owner, owner_uid, shape, .. } = &self.0.held;
        let (mut metadata, type_, immutable) = shape.rest();
        metadata.namespace = Some(key.namespace.to_string());
        metadata.name = Some(key.name.to_string());
        metadata.resource_version = self.version().map(str::to_owned);
        if let Some(owner) = owner {
            let annotations = metadata.annotations.get_or_insert_default();
            annotations.insert(OWNER_ANNOTATION.to_owned(), owner.to_string());
            if let Some(uid) = owner_uid {
                owner_reference::put_reference(&mut metadata, owner, uid);
            }
        }
        let data = Some(self.entries()).filter(|data| !data.is_empty());
        CoreSecret { metadata, data, type_, immutable, ..CoreSecret::default() }
    }

    /// The value of an entry, not in base64. `None` if the Secret lacks it.
    pub fn entry(&self, name: &str) -> Option<&[u8]> {
        let SecretBody { shape, values, .. } = &self.0.held;
        let at = shape.names.iter().position(|of| **of == *name)?;
        values.iter().nth(at)
    }

    /// All entries by name, not in base64.
    pub fn entries(&self) -> BTreeMap<String, ByteString> {
        let SecretBody { shape, values, .. } = &self.0.held;
        let entries = shape.names.iter().zip(values.iter());
        entries.map(|(name, value)| (name.to_string(), ByteString(value.to_vec()))).collect()
    }

    /// The value of an annotation other than the owner.
    pub fn annotation(&self, name: &str) -> Option<String> {
        let (mut metadata, ..) = self.0.held.shape.rest();
        metadata.annotations.as_mut()?.remove(name)
    }

    /// The owner annotation, `<Kind>/<name>`, if the Secret has one.
    pub fn owner(&self) -> Option<&str> {
        self.0.held.owner.as_deref()
    }

    /// The issuer that the key Secret of a tenant remembers.
    pub fn issuer_reservation(&self) -> Option<&IssuerReservation> {
        self.0.held.reservation.as_deref()
    }

    /// Returns true if the Secret has a deletion timestamp.
    pub fn is_deleting(&self) -> bool {
        self.0.held.going
    }

    /// `metadata.resourceVersion`, which the API server sets; for a file, a hash of its content.
    pub fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// Returns true if both share the same data.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns true if both have the same content; ignores resourceVersion.
    pub fn same_content(&self, other: &Self) -> bool {
        self.0.held == other.0.held
    }
}

type Value = Secret<Vec<u8>>;

/// The values of all entries in one allocation, each preceded by its length.
#[derive(Debug, PartialEq, Eq)]
struct Values(Secret<Box<[u8]>>);

/// Number of bytes of a length prefix.
const LENGTH: usize = size_of::<u32>();

impl Values {
    fn new(values: &[Value]) -> Self {
        let values = || values.iter().map(Secret::expose);
        // The capacity must suffice: a reallocation would leave a copy behind that is not wiped.
        let mut all = Vec::with_capacity(values().map(|value| LENGTH + value.len()).sum());
        for value in values() {
            let length = u32::try_from(value.len()).expect("an entry is smaller than 4 GiB");
            all.extend(length.to_le_bytes());
            all.extend(value);
        }
        Self(Secret::new(all.into()))
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut left = &**self.0.expose();
        std::iter::from_fn(move || {
            let (length, rest) = left.split_first_chunk::<LENGTH>()?;
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let (value, rest) = rest.split_at_checked(length)?;
            left = rest;
            Some(value)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secret(version: &str) -> CoreSecret {
        let secret = json!({
            "metadata": {
                "name": "shop-oidc", "namespace": "team", "resourceVersion": version,
                "annotations": { OWNER_ANNOTATION: "OidcClient/shop" }, "finalizers": ["a.test/b"],
            },
            "data": { "client-secret": "c2VjcmV0", "empty": "" },
            "type": "Opaque", "immutable": false,
        });
        serde_json::from_value(secret).expect("a Secret")
    }

    #[test]
    fn to_secret_restores_the_secret() {
        let key = ObjectKey::new("team", "shop-oidc");
        assert_eq!(CachedSecret::new(secret("7")).to_secret(&key), secret("7"));
        let mut bare = secret("7");
        (bare.data, bare.metadata.annotations) = (None, None);
        assert_eq!(CachedSecret::new(bare.clone()).to_secret(&key), bare);
    }

    /// Cases: the reference names the annotated owner, another object, or is missing.
    #[test]
    fn owner_references_are_restored() {
        let reference = |name: &str, controller: bool| {
            json!({
                "apiVersion": "lanyard.dev/v1alpha1", "kind": "OidcClient", "name": name,
                "uid": "4d5e", "controller": controller, "blockOwnerDeletion": false,
            })
        };
        let own = reference("shop", true);
        for (references, alone) in [
            (vec![own.clone()], true),
            (vec![reference("wiki", true)], false),
            (vec![reference("shop", false)], false),
            (vec![own.clone(), reference("wiki", false)], false),
            (vec![], false),
        ] {
            let mut whole = secret("7");
            let parsed = serde_json::from_value(references.into()).expect("references");
            whole.metadata.owner_references = Some(parsed);
            let kept = CachedSecret::new(whole.clone());
            assert_eq!(kept.to_secret(&ObjectKey::new("team", "shop-oidc")), whole);
            assert_eq!(kept.0.held.owner_uid.is_some(), alone);
        }
    }

    #[test]
    fn secrets_with_the_same_layout_share_it() {
        let other = json!({
            "metadata": {
                "name": "wiki-oidc", "annotations": { OWNER_ANNOTATION: "OidcClient/wiki" },
                "finalizers": ["a.test/b"],
            },
            "data": { "client-secret": "b3RoZXI=", "empty": "" },
            "type": "Opaque", "immutable": false,
        });
        let other = CachedSecret::new(serde_json::from_value(other).expect("a Secret"));
        let kept = CachedSecret::new(secret("7"));
        assert!(Arc::ptr_eq(&kept.0.held.shape, &other.0.held.shape) && !kept.same_content(&other));
        assert_eq!(other.entry("client-secret"), Some(&b"other"[..]));
    }

    #[test]
    fn entries_owner_and_version_are_available_without_parsing() {
        let kept = CachedSecret::new(secret("7"));
        assert_eq!(kept.entry("client-secret"), Some(&b"secret"[..]));
        assert_eq!((kept.entry("empty"), kept.entry("client-id")), (Some(&b""[..]), None));
        assert_eq!((kept.owner(), kept.version()), (Some("OidcClient/shop"), Some("7")));
        assert!(!kept.is_deleting());
    }

    #[test]
    fn resource_version_does_not_change_the_content() {
        let (one, later) = (CachedSecret::new(secret("7")), CachedSecret::new(secret("8")));
        assert!(one.same_content(&later) && !one.ptr_eq(&later) && one.ptr_eq(&one.clone()));
        let mut changed = secret("8");
        changed.data.get_or_insert_default().remove("empty");
        assert!(!one.same_content(&CachedSecret::new(changed)));
    }

    #[test]
    fn debug_output_contains_no_entry_values() {
        assert!(!format!("{:?}", CachedSecret::new(secret("7"))).contains("115"));
    }
}
