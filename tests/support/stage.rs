//! Objects that a test server serves, with the keys that the controller would generate for them.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use k8s_openapi::{ByteString, api::core::v1::Secret};
use lanyard::{
    api::{self, AnyCachedObject, CachedSecret, NamespaceLabels, ObjectSet, SecretState, Tenant},
    keys::{
        KeyEntries, KeyRecord, KeyTimes, generate_key_record, new_marking_key, new_sealing_key,
        write_key, write_sealing_key,
    },
    model::{
        Clock, Entropy, FixedClock, HostPattern, HostPermission, HostSettings, Installation,
        InternalHost, Issuer, KeySecrets, MutualTlsUrl, ObjectKey, SecretPermissions,
        SigningAlgorithm, TenantId, Timestamp,
    },
    registry::{BuildCache, Snapshot, SnapshotHandle, build_snapshot},
    source::manifests::{ManifestObject, parse_text},
};

/// The served objects and keys; a change takes effect at once.
pub struct Stage {
    registry: SnapshotHandle,
    clock: Arc<FixedClock>,
    installation: Installation,
    cache: BuildCache,
    revision: AtomicU64,
    sealing: KeyEntries,
    vault: Mutex<KeyEntries>,
    /// The ids of vault keys that are discarded.
    discarded: Mutex<String>,
    shown: Mutex<Shown>,
}

struct Shown {
    objects: ObjectSet,
    keys: BTreeMap<ObjectKey, KeyEntries>,
    pool: KeyPool,
    /// Whether the store keeps authenticators.
    keeps_authenticators: bool,
}

/// Signing keys shared by the servers of a test binary, because most of a test would be spent on
/// generating RSA keys. A server takes each key once, so its tenants have keys of their own.
#[derive(Default)]
struct KeyPool {
    taken: Vec<SigningAlgorithm>,
}

impl KeyPool {
    /// The Secret entry of the next key of an algorithm.
    fn take(&mut self, algorithm: SigningAlgorithm, times: KeyTimes) -> (String, ByteString) {
        static GENERATED: Mutex<Vec<KeyRecord>> = Mutex::new(Vec::new());
        let before = self.taken.iter().filter(|taken| **taken == algorithm).count();
        self.taken.push(algorithm);
        let mut generated = GENERATED.lock().expect("not poisoned");
        let found = generated.iter().filter(|key| key.algorithm == algorithm).nth(before).cloned();
        let key = found.unwrap_or_else(|| {
            let key = generate_key_record(algorithm, times).expect("a key");
            generated.push(key.clone());
            key
        });
        write_key(&KeyRecord { times, ..key })
    }
}

impl Stage {
    /// Manifests that start with this line are served as those of a cluster: objects are distinguished by
    /// `metadata.uid`.
    pub const CLUSTER: &str = "# cluster\n";

    /// Generates the keys for the tenants of manifests, and serves no objects yet.
    pub fn new(
        registry: SnapshotHandle,
        clock: Arc<FixedClock>,
        origin: &str,
        manifests: &str,
        entropy: &dyn Entropy,
    ) -> Self {
        let now = clock.now();
        let sealing =
            [write_sealing_key(&new_sealing_key(entropy, now, now)), new_marking_key(entropy)];
        let vault = KeyEntries::from([write_sealing_key(&new_sealing_key(entropy, now, now))]);
        let mut pool = KeyPool::default();
        let keys = make_keys(manifests, now, &mut pool);
        let objects = ObjectSet::default();
        let shown = Shown { objects, keys, pool, keeps_authenticators: true };
        Self {
            registry,
            clock,
            installation: Installation {
                base_url: Issuer::parse(origin).expect("canonical"),
                hosts: HostSettings {
                    internal_hosts: internal_hosts(origin),
                    upstream_hosts: vec![HostPermission {
                        pattern: HostPattern::parse("*.inside.test").expect("a pattern"),
                        namespaces: vec!["default".to_owned()],
                    }],
                    ..HostSettings::default()
                },
                client_secrets: SecretPermissions::default(),
                dev: !manifests.starts_with(Self::CLUSTER),
                keeps_authenticators: true,
                mutual_tls: None,
                key_secrets: KeySecrets::new("lanyard", ""),
                languages: lanyard::messages::Languages::built_in(),
            },
            cache: BuildCache::default(),
            revision: AtomicU64::new(0),
            sealing: KeyEntries::from(sealing),
            vault: Mutex::new(vault),
            discarded: Mutex::default(),
            shown: Mutex::new(shown),
        }
    }

    /// Sets the address at which clients present certificates, before objects are shown.
    pub fn ask_for_certificates_at(&mut self, url: &str) {
        self.installation.mutual_tls = MutualTlsUrl::parse(url);
    }

    /// A stage with the same objects and keys, for another server of the installation.
    pub fn copy(&self, registry: SnapshotHandle) -> Self {
        let shown = self.shown.lock().expect("not poisoned");
        let copy = Self {
            registry,
            clock: Arc::clone(&self.clock),
            installation: self.installation.clone(),
            cache: BuildCache::default(),
            revision: AtomicU64::new(0),
            sealing: self.sealing.clone(),
            vault: Mutex::new(self.vault.lock().expect("not poisoned").clone()),
            discarded: Mutex::new(self.discarded.lock().expect("not poisoned").clone()),
            shown: Mutex::new(Shown {
                objects: shown.objects.clone(),
                keys: shown.keys.clone(),
                pool: KeyPool { taken: shown.pool.taken.clone() },
                keeps_authenticators: shown.keeps_authenticators,
            }),
        };
        copy.publish(&shown);
        copy
    }

    /// The subject of a user of a tenant in the namespace `default`.
    pub fn subject(&self, tenant: &str, username: &str) -> String {
        let snapshot = self.registry.snapshot();
        let served = snapshot.tenant(&TenantId::new("default", tenant)).expect("it is served");
        served.account_by_username(username).expect("it is served").subject.as_str().to_owned()
    }

    /// Changes the objects as [`Self::change`] does, where some have problems.
    pub fn change_with_problems(&self, change: impl FnOnce(&mut ObjectSet)) {
        let mut shown = self.shown.lock().expect("not poisoned");
        change(&mut shown.objects);
        self.registry.publish(self.build(&shown));
    }

    /// Adds a vault key, which seals from now on. Returns the entry of the first one.
    pub fn add_vault_key(&self, entropy: &dyn Entropy) -> String {
        let mut vault = self.vault.lock().expect("not poisoned");
        let first = vault.keys().next().expect("a key").clone();
        let now = self.clock.now();
        vault.extend([write_sealing_key(&new_sealing_key(entropy, now, now))]);
        drop(vault);
        self.change(|_| ());
        first
    }

    /// Removes an entry of the vault keys.
    pub fn remove_vault_key(&self, entry: &str) {
        self.vault.lock().expect("not poisoned").remove(entry).expect("it is there");
        self.change(|_| ());
    }

    /// Discards a vault key by its id.
    pub fn discard_vault_key(&self, id: &str) {
        id.clone_into(&mut self.discarded.lock().expect("not poisoned"));
        self.change(|_| ());
    }

    /// From the next change on, the store keeps no authenticators.
    pub fn keep_no_authenticators(&self) {
        self.shown.lock().expect("not poisoned").keeps_authenticators = false;
    }

    /// Changes the objects and serves the result.
    pub fn change(&self, change: impl FnOnce(&mut ObjectSet)) {
        let mut shown = self.shown.lock().expect("not poisoned");
        change(&mut shown.objects);
        self.publish(&shown);
    }

    /// Adds a key to a tenant, which signs from then on.
    pub fn add_key(&self, tenant: &str, algorithm: SigningAlgorithm, signs_from: Timestamp) {
        let times = KeyTimes { published_at: self.clock.now(), signs_from, retire_at: None };
        let mut shown = self.shown.lock().expect("not poisoned");
        let (name, key) = shown.pool.take(algorithm, times);
        shown.keys.entry(ObjectKey::new("default", tenant)).or_default().insert(name, key);
        self.publish(&shown);
    }

    fn publish(&self, shown: &Shown) {
        let snapshot = self.build(shown);
        for verdict in snapshot.verdicts().iter() {
            assert!(verdict.problems.is_empty(), "{}: {:?}", verdict.object, verdict.problems);
        }
        self.registry.publish(snapshot);
    }

    fn build(&self, shown: &Shown) -> Snapshot {
        let mut objects = shown.objects.clone();
        for (tenant, entries) in &shown.keys {
            let key = ObjectKey::new(&tenant.namespace, format!("{}-signing-keys", tenant.name));
            let owner = (api::OWNER_ANNOTATION.to_owned(), format!("Tenant/{}", tenant.name));
            objects.secrets.insert(key, secret(entries, Some(owner)));
        }
        let sealing = secret(&self.sealing, None);
        objects.secrets.insert(self.installation.key_secrets.sealing.clone(), sealing);
        let discarded = self.discarded.lock().expect("not poisoned").clone();
        let discarded = Some((api::DISCARD_ANNOTATION.to_owned(), discarded));
        let vault = secret(&self.vault.lock().expect("not poisoned"), discarded);
        objects.secrets.insert(self.installation.key_secrets.vault.clone(), vault);
        let revision = self.revision.fetch_add(1, Ordering::SeqCst) + 1;
        let now = self.clock.now();
        let installation = Installation {
            keeps_authenticators: shown.keeps_authenticators,
            ..self.installation.clone()
        };
        build_snapshot(&objects, &installation, &self.cache, revision, now)
    }
}

/// The host `lanyard.sso.svc`, at the port of the server.
fn internal_hosts(origin: &str) -> Arc<[InternalHost]> {
    let port = origin.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.contains('/'));
    let url = format!("http://lanyard.sso.svc:{}", port.unwrap_or("80"));
    InternalHost::parse(&url, vec!["*".to_owned()]).into_iter().collect()
}

/// Takes a key for each algorithm of each tenant.
fn make_keys(
    manifests: &str,
    now: Timestamp,
    pool: &mut KeyPool,
) -> BTreeMap<ObjectKey, KeyEntries> {
    let times = KeyTimes { published_at: now, signs_from: now, retire_at: None };
    let objects = objects(manifests);
    let keys = objects.managed.of::<Tenant>().map(|(tenant, object)| {
        let spec = object.declared(tenant).spec;
        let (signing, has_profile) = (spec.signing, spec.profile.is_some());
        let listed = signing.iter().flat_map(|signing| &signing.algorithms);
        let mut algorithms: Vec<SigningAlgorithm> =
            listed.map(|it| it.as_str().parse().expect("known")).collect();
        if algorithms.is_empty() {
            let (rs256, es256) = (SigningAlgorithm::RS256, SigningAlgorithm::ES256);
            algorithms.push(if has_profile { es256 } else { rs256 });
        }
        (tenant.clone(), algorithms.into_iter().map(|it| pool.take(it, times)).collect())
    });
    keys.collect()
}

fn secret(entries: &KeyEntries, annotation: Option<(String, String)>) -> SecretState {
    let mut secret = Secret { data: Some(entries.clone()), ..Secret::default() };
    secret.metadata.annotations = Some(annotation.into_iter().collect());
    SecretState::Loaded(CachedSecret::new(secret))
}

/// The objects of manifests, in YAML. Panics if one has a problem.
pub fn objects(manifests: &str) -> ObjectSet {
    let (parsed, problems) = parse_text(Path::new("test.yaml"), manifests);
    assert!(problems.is_empty(), "{problems:?}");
    let mut objects =
        ObjectSet { namespaces: NamespaceLabels::Known([].into()), ..ObjectSet::default() };
    for object in parsed {
        let key = object.reference().key;
        match object {
            ManifestObject::Managed(it) => {
                let cached = AnyCachedObject::new(&key, it);
                drop(objects.managed.insert(key, cached));
            }
            ManifestObject::Secret(it) => {
                drop(objects.secrets.insert(key, SecretState::Loaded(CachedSecret::new(it))));
            }
            ManifestObject::Namespace(_) => panic!("these tests use only the namespace `default`"),
        }
    }
    objects
}
