//! The real server in this process: manifests in, a port out. The clock stands until it is moved,
//! the store is in memory, chance is seeded.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Secret;
use lanyard::{
    api::{self, Kept, KeptSecret, Namespaces, Objects, SecretState},
    fetch::{Fetch, FetchError, Fetched, Guard, HttpFetch},
    http::{
        App, ClientKeys, Config, Documents, Limits, Logouts, Sectors, Server, Tls, tell_clients,
    },
    identity::{AttemptLimiter, PasswordPool},
    keys::{
        Entries, KeyTimes, Signer, VerifiedTokens, generate, new_sealing_key, write_key,
        write_sealing_key,
    },
    model::{
        Clock, Entropy, FixedClock, Installation, Issuer, ObjectKey, SeededEntropy,
        SigningAlgorithm, SystemClock, TenantId, Timestamp,
    },
    registry::{BuildCache, Handle, build},
    source::manifests::{Object, parse_text},
    store::{ClockAhead, MemoryStore, SharedStore},
    telemetry::Metrics,
};
use tokio::sync::watch;

/// The network, this machine included, and documents that are somewhere in it.
#[derive(Debug)]
struct Network {
    real: HttpFetch,
    published: Mutex<HashMap<String, String>>,
}

impl Network {
    fn new() -> Self {
        let here = ["127.0.0.0/8".parse().expect("a net"), "::1/128".parse().expect("a net")];
        let real = HttpFetch::new(Guard::new(here.into()), rustls::RootCertStore::empty());
        Self { real, published: Mutex::default() }
    }
}

#[async_trait]
impl Fetch for Network {
    async fn get(&self, url: &str, limit: usize) -> Result<Fetched, FetchError> {
        let published = self.published.lock().expect("whole").get(url).cloned();
        match published {
            Some(text) => Ok(Fetched { body: text.into(), content_type: None, max_age: None }),
            None => self.real.get(url, limit).await,
        }
    }

    async fn post_form(&self, url: &str, form: String) -> Result<u16, FetchError> {
        self.real.post_form(url, form).await
    }
}

/// A running server and what it stands on.
pub struct TestApp {
    /// `http://127.0.0.1:port`: the base URL, below which tenants live.
    pub origin: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its clock: begins at the present second.
    pub clock: Arc<FixedClock>,
    /// Its store.
    pub store: SharedStore,
    /// What answers, without a connection in between.
    pub app: Arc<App>,
    registry: Handle,
    network: Arc<Network>,
    installation: Installation,
    cache: BuildCache,
    revision: AtomicU64,
    keys: Vec<(ObjectKey, Entries)>,
    sealing: Entries,
    stop: watch::Sender<bool>,
}

impl TestApp {
    /// Serves manifests: every kind of ours and Secrets, namespace `default` where none is named.
    /// `ORIGIN` in them becomes the server's own.
    pub async fn start(manifests: &str) -> Self {
        Self::start_configured(manifests, Config::default()).await
    }

    /// The same within other limits.
    pub async fn start_within(manifests: &str, limits: Limits) -> Self {
        Self::start_configured(manifests, Config { limits, ..Config::default() }).await
    }

    /// The same with other settings.
    pub async fn start_configured(manifests: &str, config: Config) -> Self {
        Self::start_with(manifests, None, |store| store, config).await
    }

    /// The same by TLS, as the host `id.test`.
    pub async fn start_secure(manifests: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        write_pair(&certificate, &key);
        let tls = Tls::load(&certificate, &key).expect("a pair");
        Self::start_tls(manifests, Arc::new(tls)).await
    }

    /// The same on a store that is put around the one in memory.
    pub async fn start_over(
        manifests: &str,
        over: impl FnOnce(SharedStore) -> SharedStore,
    ) -> Self {
        Self::start_with(manifests, None, over, Config::default()).await
    }

    /// The same by TLS of the test's own.
    pub async fn start_tls(manifests: &str, tls: Arc<Tls>) -> Self {
        Self::start_with(manifests, Some(tls), |store| store, Config::default()).await
    }

    async fn start_with(
        manifests: &str,
        tls: Option<Arc<Tls>>,
        over: impl FnOnce(SharedStore) -> SharedStore,
        config: Config,
    ) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(7));
        let now = Timestamp::from_secs(SystemClock.now().secs());
        let clock = Arc::new(FixedClock::at(now));
        let store = over(Arc::new(MemoryStore::new(&*entropy, 10_000)));
        let registry = Handle::new();
        let network = Arc::new(Network::new());
        let app = handlers(&registry, &store, network.clone(), clock.clone(), config);
        tokio::spawn(tell_clients(app.clone()));
        let secure = tls.is_some();
        let (address, stop) = listen(app.clone(), tls).await;
        let origin = if secure {
            format!("https://id.test:{}", address.port())
        } else {
            format!("http://{address}")
        };
        let sealing = write_sealing_key(&new_sealing_key(&*entropy, now, now));
        let mut app = Self {
            installation: Installation {
                base_url: Issuer::parse(&origin).expect("canonical"),
                issuer_hosts: Vec::new(),
                dev: true,
                sealing_secret: ObjectKey::new("lanyard", "sealing"),
            },
            origin,
            address,
            clock,
            store,
            app,
            registry,
            network,
            cache: BuildCache::default(),
            revision: AtomicU64::new(0),
            keys: Vec::new(),
            sealing: Entries::from([sealing]),
            stop,
        };
        app.make_keys(manifests, now);
        app.serve(manifests);
        app
    }

    /// Asks the server to stop, as SIGTERM does.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Puts a document where the server finds it.
    pub fn publish(&self, url: &str, text: &str) {
        self.network.published.lock().expect("whole").insert(url.to_owned(), text.to_owned());
    }

    /// The issuer of a tenant in the namespace `default`.
    pub fn issuer(&self, tenant: &str) -> String {
        format!("{}/default/{tenant}", self.origin)
    }

    /// The subject of a user of a tenant in the namespace `default`.
    pub fn subject(&self, tenant: &str, username: &str) -> String {
        let snapshot = self.registry.snapshot();
        let served = snapshot.tenant(&TenantId::new("default", tenant)).expect("it is served");
        served.user_by_username(username).expect("it is served").subject.as_str().to_owned()
    }

    /// Serves other manifests from now on, with the same keys.
    pub fn serve(&self, manifests: &str) {
        let mut objects = objects(&manifests.replace("ORIGIN", &self.origin));
        for (tenant, entries) in &self.keys {
            let key = ObjectKey::new(&tenant.namespace, format!("{}-signing-keys", tenant.name));
            objects.secrets.insert(key, secret(entries, Some(&tenant.name)));
        }
        let sealing = secret(&self.sealing, None);
        objects.secrets.insert(self.installation.sealing_secret.clone(), sealing);
        let revision = self.revision.fetch_add(1, Ordering::SeqCst) + 1;
        let now = self.clock.now();
        let snapshot = build(&objects, &self.installation, &self.cache, revision, now);
        for verdict in snapshot.verdicts().values() {
            assert!(verdict.problems.is_empty(), "{}: {:?}", verdict.object, verdict.problems);
        }
        self.registry.publish(snapshot);
    }

    fn make_keys(&mut self, manifests: &str, now: Timestamp) {
        let times = KeyTimes { published_at: now, signs_from: now, retire_at: None };
        for (tenant, object) in objects(manifests).tenants {
            let signing = object.declared(&tenant).spec.signing;
            let listed = signing.iter().flat_map(|signing| &signing.algorithms);
            let mut algorithms: Vec<SigningAlgorithm> =
                listed.map(|it| it.as_str().parse().expect("known")).collect();
            if algorithms.is_empty() {
                algorithms.push(SigningAlgorithm::RS256);
            }
            let keys = algorithms.into_iter().map(|it| generate(it, times).expect("a key"));
            self.keys.push((tenant, keys.map(|key| write_key(&key)).collect()));
        }
    }
}

/// Writes a new key and a certificate of it for `id.test`, as PEM; the certificate's text.
pub fn write_pair(certificate: &Path, key: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(["id.test".to_owned()]).expect("it is made");
    std::fs::write(key, made.signing_key.serialize_pem()).expect("written");
    std::fs::write(certificate, made.cert.pem()).expect("written");
    made.cert.pem()
}

/// What answers.
fn handlers(
    registry: &Handle,
    store: &SharedStore,
    network: Arc<Network>,
    clock: Arc<FixedClock>,
    config: Config,
) -> Arc<App> {
    Arc::new(App {
        registry: registry.clone(),
        store: store.clone(),
        signer: Signer::new(1),
        verified: VerifiedTokens::default(),
        passwords: PasswordPool::new(1, 64),
        attempts: AttemptLimiter::new(1000),
        fetch: network,
        client_keys: ClientKeys::default(),
        request_objects: Documents::default(),
        sectors: Sectors::default(),
        logouts: Logouts::default(),
        registrations: Arc::default(),
        clock,
        clock_ahead: ClockAhead::default(),
        entropy: Arc::new(SeededEntropy::new(8)),
        metrics: Arc::new(Metrics::new()),
        config,
    })
}

/// Serves until the sender is dropped.
async fn listen(app: Arc<App>, tls: Option<Arc<Tls>>) -> (SocketAddr, watch::Sender<bool>) {
    let server = Server::new(app);
    let server = if let Some(tls) = tls { server.with_tls(tls) } else { server };
    let listening = server.listen(([127, 0, 0, 1], 0).into()).await.expect("a port");
    let address = listening.address().expect("it is bound");
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(listening.serve(stopped, Duration::from_secs(10)));
    (address, stop)
}

fn secret(entries: &Entries, tenant: Option<&str>) -> SecretState {
    let mut secret = Secret { data: Some(entries.clone()), ..Secret::default() };
    let owner = tenant.map(|name| (api::OWNER_ANNOTATION.to_owned(), format!("Tenant/{name}")));
    secret.metadata.annotations = Some(owner.into_iter().collect());
    SecretState::Loaded(KeptSecret::new(secret))
}

/// The objects of manifests.
fn objects(manifests: &str) -> Objects {
    let (parsed, problems) = parse_text(Path::new("test.yaml"), manifests);
    assert!(problems.is_empty(), "{problems:?}");
    let mut objects = Objects { namespaces: Namespaces::Known([].into()), ..Objects::default() };
    for object in parsed {
        let key = object.reference().key;
        match object {
            Object::Tenant(it) => {
                let kept = Kept::new(&key, it);
                drop(objects.tenants.insert(key, kept));
            }
            Object::OidcClient(it) => {
                let kept = Kept::new(&key, *it);
                drop(objects.clients.insert(key, kept));
            }
            Object::OidcUser(it) => {
                let kept = Kept::new(&key, it);
                drop(objects.users.insert(key, kept));
            }
            Object::Secret(it) => {
                drop(objects.secrets.insert(key, SecretState::Loaded(KeptSecret::new(it))));
            }
            Object::Namespace(_) => panic!("tests know the namespace `default` only"),
        }
    }
    objects
}
