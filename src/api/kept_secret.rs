//! A Secret as it is kept. There is one for each client, so that only what is looked at often lies
//! at hand; the rest is JSON, which takes a third of the memory of Kubernetes's own struct.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::{
    ByteString, api::core::v1::Secret as CoreSecret, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

use super::OWNER_ANNOTATION;
use crate::model::{ObjectKey, Secret};

/// A Secret. Clones share it.
#[derive(Clone, Debug)]
pub struct KeptSecret(Arc<Parts>);

/// What an entry holds.
type Value = Secret<Box<[u8]>>;

#[derive(Debug)]
struct Parts {
    version: Option<Box<str>>,
    held: Held,
}

/// All but the version, which rises although nothing that matters has changed.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    owner: Option<Box<str>>,
    going: bool,
    entries: Box<[(Box<str>, Value)]>,
    /// The rest of metadata, type, and whether it is immutable, as JSON.
    rest: Box<str>,
}

impl KeptSecret {
    /// Keeps a Secret, without what the API server adds again to one that is replaced.
    pub fn new(secret: CoreSecret) -> Self {
        let CoreSecret { mut metadata, data, type_, immutable, .. } = secret;
        (metadata.managed_fields, metadata.uid, metadata.creation_timestamp) = (None, None, None);
        (metadata.namespace, metadata.name) = (None, None);
        let version = metadata.resource_version.take().map(Into::into);
        let annotations = metadata.annotations.as_mut();
        let owner = annotations.and_then(|all| all.remove(OWNER_ANNOTATION)).map(Into::into);
        let going = metadata.deletion_timestamp.is_some();
        let entries = data.unwrap_or_default().into_iter();
        let entries = entries.map(|(name, value)| (name.into(), Secret::new(value.0.into())));
        let rest = serde_json::to_string(&(metadata, type_, immutable));
        let rest = rest.expect("text, lists and maps by text serialise").into();
        Self(Arc::new(Parts {
            version,
            held: Held { owner, going, entries: entries.collect(), rest },
        }))
    }

    /// All of it under its name, for whoever writes it anew.
    pub fn whole(&self, key: &ObjectKey) -> CoreSecret {
        type Rest = (ObjectMeta, Option<String>, Option<bool>);
        let rest = serde_json::from_str::<Rest>(&self.0.held.rest);
        let (mut metadata, type_, immutable) = rest.expect("it was written from the same types");
        metadata.namespace = Some(key.namespace.to_string());
        metadata.name = Some(key.name.to_string());
        metadata.resource_version = self.version().map(str::to_owned);
        if let Some(owner) = self.owner() {
            let annotations = metadata.annotations.get_or_insert_default();
            annotations.insert(OWNER_ANNOTATION.to_owned(), owner.to_owned());
        }
        let data = Some(self.entries()).filter(|data| !data.is_empty());
        CoreSecret { metadata, data, type_, immutable, ..CoreSecret::default() }
    }

    /// What an entry holds.
    pub fn entry(&self, name: &str) -> Option<&[u8]> {
        let mut entries = self.0.held.entries.iter();
        entries.find(|(of, _)| **of == *name).map(|(_, value)| &**value.expose())
    }

    /// Every entry.
    pub fn entries(&self) -> BTreeMap<String, ByteString> {
        let entries = self.0.held.entries.iter();
        entries
            .map(|(name, value)| (name.to_string(), ByteString(value.expose().to_vec())))
            .collect()
    }

    /// Whose it is: `<Kind>/<name>`, if it says so.
    pub fn owner(&self) -> Option<&str> {
        self.0.held.owner.as_deref()
    }

    /// Whether it is being deleted.
    pub fn is_going(&self) -> bool {
        self.0.held.going
    }

    /// Its resourceVersion.
    pub fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// Whether both are the one that was kept at one time.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether both say the same, whatever their versions.
    pub fn says_what(&self, other: &Self) -> bool {
        self.0.held == other.0.held
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
    fn is_whole_again_as_it_was() {
        let key = ObjectKey::new("team", "shop-oidc");
        assert_eq!(KeptSecret::new(secret("7")).whole(&key), secret("7"));
        let mut bare = secret("7");
        (bare.data, bare.metadata.annotations) = (None, None);
        assert_eq!(KeptSecret::new(bare.clone()).whole(&key), bare);
    }

    #[test]
    fn what_is_looked_at_often_is_at_hand() {
        let kept = KeptSecret::new(secret("7"));
        assert_eq!(kept.entry("client-secret"), Some(&b"secret"[..]));
        assert_eq!((kept.entry("empty"), kept.entry("client-id")), (Some(&b""[..]), None));
        assert_eq!((kept.owner(), kept.version()), (Some("OidcClient/shop"), Some("7")));
        assert!(!kept.is_going());
    }

    #[test]
    fn another_version_alone_is_no_news() {
        let (one, later) = (KeptSecret::new(secret("7")), KeptSecret::new(secret("8")));
        assert!(one.says_what(&later) && !one.is(&later) && one.is(&one.clone()));
        let mut changed = secret("8");
        changed.data.get_or_insert_default().remove("empty");
        assert!(!one.says_what(&KeptSecret::new(changed)));
    }

    #[test]
    fn shows_nothing_of_its_entries() {
        assert!(!format!("{:?}", KeptSecret::new(secret("7"))).contains("115"));
    }
}
