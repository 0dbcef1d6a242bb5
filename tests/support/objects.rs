//! Converts manifests to the input of the registry, for tests of its build.

use std::{collections::BTreeMap, sync::OnceLock};

use k8s_openapi::{ByteString, api::core::v1::Secret};
use lanyard::{
    api::{
        AnyCachedObject, CachedObject, CachedSecret, IdentityProvider, MalformedObject,
        ManagedObject, NamespaceLabels, ObjectSet, OidcClient, OidcUser, ResourceServer,
        SecretState, Tenant,
    },
    keys::{KeyTimes, generate_key_record, write_key},
    model::{
        HostPattern, HostPermission, HostSettings, Installation, InternalHost, Issuer, KeySecrets,
        ObjectKey, ObjectRef, SecretPermission, SecretPermissions, SigningAlgorithm, Timestamp,
    },
};
use serde_json::Value;

/// The current time of every build.
pub const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// An installation at `https://id.test` where team-a may use `*.a.test`.
pub fn installation(dev: bool) -> Installation {
    Installation {
        base_url: Issuer::parse("https://id.test").expect("canonical"),
        hosts: HostSettings {
            issuer_hosts: vec![HostPermission {
                pattern: HostPattern::parse("*.a.test").expect("a pattern"),
                namespaces: vec!["team-a".to_owned()],
            }],
            internal_hosts: InternalHost::parse("http://lanyard.sso.svc", vec!["*".to_owned()])
                .into_iter()
                .collect(),
            insecure_http_hosts: vec![HostPermission {
                pattern: HostPattern::parse("*.lan.a.test").expect("a pattern"),
                namespaces: vec!["team-a".to_owned()],
            }],
            upstream_hosts: vec![HostPermission {
                pattern: HostPattern::parse("*.up.a.test").expect("a pattern"),
                namespaces: vec!["team-a".to_owned()],
            }],
        },
        client_secrets: SecretPermissions {
            keys: vec![permission("argocd.argoproj.io/*")],
            names: vec![permission("argocd-secret")],
        },
        dev,
        keeps_authenticators: true,
        mutual_tls: None,
        key_secrets: KeySecrets::new("lanyard", ""),
        languages: lanyard::messages::Languages::built_in(),
    }
}

fn permission(pattern: &str) -> SecretPermission {
    SecretPermission::new(pattern, vec!["team-a".to_owned()]).expect("a pattern")
}

/// The objects of some documents. An object that does not deserialize is malformed, as in a watch.
pub fn objects(documents: impl IntoIterator<Item = Value>) -> ObjectSet {
    let mut objects = ObjectSet::default();
    let mut namespaces = BTreeMap::new();
    for document in documents {
        let text = |pointer: &str| {
            document.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let key = ObjectKey::new(text("/metadata/namespace"), text("/metadata/name"));
        let kind = text("/kind");
        match kind.as_str() {
            "Tenant" => {
                read::<Tenant>(document, key, &mut objects);
            }
            "OidcClient" => {
                read::<OidcClient>(document, key, &mut objects);
            }
            "OidcUser" => {
                read::<OidcUser>(document, key, &mut objects);
            }
            "ResourceServer" => {
                read::<ResourceServer>(document, key, &mut objects);
            }
            "IdentityProvider" => {
                read::<IdentityProvider>(document, key, &mut objects);
            }
            "Secret" => {
                objects
                    .secrets
                    .insert(key, SecretState::Loaded(CachedSecret::new(secret(document))));
            }
            "Unreadable" => {
                objects.secrets.insert(key, SecretState::Unreadable("forbidden".into()));
            }
            "Namespace" => {
                let labels = document.pointer("/metadata/labels").cloned().unwrap_or_default();
                namespaces.insert(
                    key.name.to_string(),
                    serde_json::from_value(labels).unwrap_or_default(),
                );
            }
            other => panic!("{other} is not a kind of these tests"),
        }
    }
    if !namespaces.is_empty() {
        objects.namespaces = NamespaceLabels::Known(namespaces);
    }
    objects
}

/// Adds an object that deserializes, or an entry about one that does not.
fn read<K: ManagedObject>(document: Value, key: ObjectKey, objects: &mut ObjectSet)
where
    AnyCachedObject: From<CachedObject<K>>,
{
    let generation = document.pointer("/metadata/generation").and_then(Value::as_i64);
    match serde_json::from_value::<K>(document) {
        Ok(object) => drop(objects.managed.insert(key.clone(), CachedObject::new(&key, object))),
        Err(error) => {
            let message = error.to_string();
            let entry = MalformedObject { message, generation, ..MalformedObject::default() };
            objects.malformed.insert(ObjectRef::new(K::KIND, key), entry);
        }
    }
}

/// A Secret with `stringData`; the entry `KEYS` of a list of algorithms becomes signing keys.
fn secret(document: Value) -> Secret {
    let mut secret: Secret = serde_json::from_value(document).expect("a Secret");
    let data = secret.data.get_or_insert_default();
    for (name, text) in secret.string_data.take().unwrap_or_default() {
        if name == "KEYS" {
            data.extend(text.split(' ').map(signing_key));
        } else {
            data.insert(name, ByteString(text.into_bytes()));
        }
    }
    secret
}

/// One key of each algorithm, generated once because that is slow.
fn signing_key(algorithm: &str) -> (String, ByteString) {
    static MADE: OnceLock<Vec<(String, (String, ByteString))>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let times = KeyTimes { published_at: NOW, signs_from: NOW, retire_at: None };
        SigningAlgorithm::ALL
            .map(|algorithm| {
                let key = generate_key_record(algorithm, times).expect("a key");
                (algorithm.to_string(), write_key(&key))
            })
            .into()
    });
    let found = made.iter().find(|(name, _)| name == algorithm);
    found.expect("an algorithm").1.clone()
}
