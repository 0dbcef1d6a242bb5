//! The real server in the test's process, on a free port. The clock stands still until it is moved,
//! the store is in memory, and the random number generator is seeded.

#[path = "audit.rs"]
mod audit;
#[path = "stage.rs"]
mod stage;

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
pub use audit::RecordedAudit;
use lanyard::{
    accounts::{
        AccountServices, EndedUserWatch, LogoutNotifier, run_mail_delivery, run_notifier,
        run_ping_delivery,
    },
    fetch::{
        CallResponse, ClientCall, EgressPolicy, Fetch, FetchError, FetchReach, FetchRights,
        FetchedDocument, HttpFetch, SharedFetch,
    },
    http::{
        AppState, BaseUrlPage, HttpServer, ListenerRole, ServerConfig, ServerLimits, TlsConfig,
        TrustedProxies,
    },
    identity::{LoginThrottle, PasswordVerifier},
    keys::Signer,
    mail::MailTransport,
    model::{Clock, Entropy, FixedClock, Issuer, SeededEntropy, SystemClock, TenantId, Timestamp},
    registry::SnapshotHandle,
    remote::{RequestObjectCache, SectorIdentifierCache},
    store::{IndexEntry, IndexKind, MemoryStore, RecordKind, SharedStore},
    telemetry::Metrics,
    upstream::ldap::LdapDirectories,
};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
pub use stage::Stage;
use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    watch,
};

/// The outgoing HTTP client of the server, with documents and form receivers at URLs of the test.
#[derive(Debug)]
struct Network {
    real: SharedFetch,
    published: Arc<Mutex<HashMap<String, (u16, String)>>>,
    /// The documents that only the client for hosts inside the network reaches.
    inside: Arc<Mutex<HashMap<String, (u16, String)>>>,
    reach: FetchReach,
    /// The calls of published URLs: the URL, and the form or else `Authorization`.
    called: Arc<Mutex<Vec<(String, String)>>>,
    /// The published URLs of the documents that the server fetched.
    fetched: Arc<Mutex<Vec<String>>>,
    receivers: Arc<Mutex<HashMap<String, UnboundedSender<String>>>>,
}

impl Network {
    fn new(callable: EgressPolicy, roots: rustls::RootCertStore) -> Self {
        let real = Arc::new(HttpFetch::new(callable, roots));
        Self {
            real,
            published: Arc::default(),
            inside: Arc::default(),
            reach: FetchReach::Public,
            called: Arc::default(),
            fetched: Arc::default(),
            receivers: Arc::default(),
        }
    }
}

impl Network {
    /// The network as the client for hosts inside it reaches it.
    fn inside(&self) -> Self {
        Self {
            real: Arc::clone(&self.real),
            published: Arc::clone(&self.inside),
            inside: Arc::default(),
            reach: FetchReach::Internal,
            called: Arc::clone(&self.called),
            fetched: Arc::clone(&self.fetched),
            receivers: Arc::clone(&self.receivers),
        }
    }
}

fn network(callable: EgressPolicy) -> Network {
    Network::new(callable, rustls::RootCertStore::empty())
}

/// Allows public addresses and the loopback addresses.
fn here() -> EgressPolicy {
    let here = ["127.0.0.0/8".parse().expect("a net"), "::1/128".parse().expect("a net")];
    EgressPolicy::new(here.into())
}

#[async_trait]
impl Fetch for Network {
    async fn get(&self, url: &str, limit: usize) -> Result<FetchedDocument, FetchError> {
        let published = self.published.lock().expect("not poisoned").get(url).cloned();
        match published {
            Some((status, text)) => {
                self.fetched.lock().expect("not poisoned").push(url.to_owned());
                if status != 200 {
                    return Err(FetchError::Status(url.to_owned(), status));
                }
                if text.len() > limit {
                    return Err(FetchError::TooLarge(url.to_owned(), limit));
                }
                Ok(FetchedDocument {
                    body: text.into(),
                    content_type: Some("application/json".to_owned()),
                    max_age: None,
                })
            }
            None => self.real.get(url, limit).await,
        }
    }

    async fn post_form(&self, url: &str, form: String) -> Result<u16, FetchError> {
        let receiver = self.receivers.lock().expect("not poisoned").get(url).cloned();
        match receiver {
            Some(receiver) => Ok(receiver.send(form).map_or(503, |()| 200)),
            None => self.real.post_form(url, form).await,
        }
    }

    async fn call(&self, call: ClientCall<'_>, limit: usize) -> Result<CallResponse, FetchError> {
        let published = self.published.lock().expect("not poisoned").get(call.url).cloned();
        match published {
            Some((status, text)) => {
                let body = call.body.map(|body| body.content.expose().clone());
                let credentials = call.authorization.map(|it| it.expose().clone());
                let sent = match (body, credentials) {
                    (Some(body), Some(credentials)) if body.starts_with('{') => {
                        Some(format!("{credentials} {body}"))
                    }
                    (body, credentials) => body.or(credentials),
                };
                let called = (call.url.to_owned(), sent.unwrap_or_default());
                self.called.lock().expect("not poisoned").push(called);
                let github_sso = text
                    .starts_with("partial:")
                    .then(|| "partial-results; organizations=1".to_owned());
                let body = text.trim_start_matches("partial:").to_owned().into();
                Ok(CallResponse { status, body, content_type: None, next: None, github_sso })
            }
            None => self.real.call(call, limit).await,
        }
    }

    fn rights(&self, url: &str) -> FetchRights {
        FetchRights { reach: self.reach, ..self.real.rights(url) }
    }

    fn trusting(&self, certificates: &Arc<str>) -> Option<SharedFetch> {
        let real = self.real.trusting(certificates)?;
        let (published, called) = (Arc::clone(&self.published), Arc::clone(&self.called));
        let receivers = Arc::clone(&self.receivers);
        let fetched = Arc::clone(&self.fetched);
        let (inside, reach) = (Arc::clone(&self.inside), self.reach);
        Some(Arc::new(Self { real, published, inside, reach, called, fetched, receivers }))
    }
}

/// The origin of a server.
enum Front {
    /// `http://127.0.0.1:port`, without TLS.
    Address,
    /// `http://localhost:port`, where browsers have passkeys.
    Localhost,
    /// `https://id.test:port`, with a certificate for this name.
    Tls(Arc<TlsConfig>),
    /// `http://localhost:port`, and another port with TLS where clients present certificates.
    MutualTls(Arc<TlsConfig>),
}

/// A running server with its store, clock and objects.
pub struct TestApp {
    /// `http://127.0.0.1:port`: the base URL, below which tenants live.
    pub origin: String,
    /// The address that the server listens on.
    pub address: SocketAddr,
    /// The clock of the server, which starts at the current second.
    pub clock: Arc<FixedClock>,
    /// The store of the server: in memory, or one that wraps it.
    pub store: SharedStore,
    /// The request handlers, for calls without a connection.
    pub app: Arc<AppState>,
    /// The objects that the server serves.
    pub stage: Arc<Stage>,
    /// The audit lines that the server wrote.
    pub audit: Arc<RecordedAudit>,
    network: Arc<Network>,
    stop: watch::Sender<bool>,
    /// The listener where clients present certificates, if there is one.
    mutual_tls: Option<(SocketAddr, watch::Sender<bool>)>,
}

impl TestApp {
    /// Serves manifests of Lanyard objects and Secrets, by default in namespace `default`.
    /// `ORIGIN` in them stands for the origin of the server.
    pub async fn start(manifests: &str) -> Self {
        Self::start_configured(manifests, ServerConfig::default()).await
    }

    /// Serves manifests at `localhost`, where browsers have passkeys.
    pub async fn start_at_localhost(manifests: &str) -> Self {
        let config = ServerConfig::default();
        Self::start_with(manifests, Front::Localhost, |store| store, config, network(here())).await
    }

    /// Serves manifests at `localhost` from a store that wraps the one in memory.
    pub async fn start_at_localhost_over(
        manifests: &str,
        over: impl FnOnce(SharedStore) -> SharedStore,
    ) -> Self {
        let config = ServerConfig::default();
        Self::start_with(manifests, Front::Localhost, over, config, network(here())).await
    }

    /// Serves manifests with other limits.
    pub async fn start_within(manifests: &str, limits: ServerLimits) -> Self {
        Self::start_configured(manifests, ServerConfig::new(TrustedProxies::default(), limits))
            .await
    }

    /// Serves manifests with other settings of the server.
    pub async fn start_configured(manifests: &str, config: ServerConfig) -> Self {
        Self::start_with(manifests, Front::Address, |store| store, config, network(here())).await
    }

    /// Serves manifests from a server that may call public addresses only, not even loopback addresses.
    pub async fn start_guarded(manifests: &str) -> Self {
        let guard = EgressPolicy::default();
        Self::start_with(
            manifests,
            Front::Address,
            |store| store,
            ServerConfig::default(),
            network(guard),
        )
        .await
    }

    /// Serves manifests from a server that trusts certificates of these authorities (PEM).
    pub async fn start_trusting(manifests: &str, certificates: &str) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(certificates.as_bytes()) {
            roots.add(certificate.expect("PEM")).expect("a certificate");
        }
        let network = Network::new(here(), roots);
        Self::start_with(manifests, Front::Address, |store| store, ServerConfig::default(), network)
            .await
    }

    /// Serves manifests with TLS, at the host `id.test`.
    pub async fn start_secure(manifests: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        write_pair(&certificate, &key);
        let tls = TlsConfig::load(&certificate, &key).expect("a pair");
        Self::start_tls(manifests, Arc::new(tls)).await
    }

    /// Serves manifests from a store that wraps the one in memory.
    pub async fn start_over(
        manifests: &str,
        over: impl FnOnce(SharedStore) -> SharedStore,
    ) -> Self {
        Self::start_with(manifests, Front::Address, over, ServerConfig::default(), network(here()))
            .await
    }

    /// Serves manifests with a TLS configuration of the test, at the host `id.test`.
    pub async fn start_tls(manifests: &str, tls: Arc<TlsConfig>) -> Self {
        let config = ServerConfig::default();
        Self::start_with(manifests, Front::Tls(tls), |store| store, config, network(here())).await
    }

    /// Serves manifests at `localhost`, with another port where clients present certificates.
    pub async fn start_mutual_tls(
        manifests: &str,
        tls: Arc<TlsConfig>,
        config: ServerConfig,
    ) -> Self {
        let front = Front::MutualTls(tls);
        Self::start_with(manifests, front, |store| store, config, network(here())).await
    }

    /// The port where clients present certificates.
    pub fn mutual_tls_port(&self) -> u16 {
        self.mutual_tls.as_ref().expect("it was started with one").0.port()
    }

    /// Opens another port with TLS for peers that show certificates.
    pub fn listen_as(
        &self,
        tls: Arc<TlsConfig>,
        role: ListenerRole,
    ) -> (SocketAddr, watch::Sender<bool>) {
        listen(self.app.clone(), Some((tls, role)))
    }

    #[expect(clippy::unused_async, reason = "it needs the runtime that it is awaited in")]
    async fn start_with(
        manifests: &str,
        front: Front,
        over: impl FnOnce(SharedStore) -> SharedStore,
        config: ServerConfig,
        network: Network,
    ) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(7));
        let now = Timestamp::from_secs(SystemClock.now().secs());
        let clock = Arc::new(FixedClock::at(now));
        let store = over(Arc::new(MemoryStore::new(&*entropy, 10_000)));
        let registry = SnapshotHandle::new();
        let network = Arc::new(network);
        let (app, audit) = handlers((&registry, &store), &network, clock.clone(), config, 8);
        tokio::spawn(run_notifier(Arc::new(LogoutNotifier {
            accounts: Arc::clone(&app.accounts),
            registry: app.registry.clone(),
            clock: Arc::clone(&app.clock),
        })));
        send_messages(&app);
        let clock_handle: Arc<dyn Clock> = clock.clone();
        let ended_users = EndedUserWatch::new(&app.accounts, registry.clone(), &clock_handle);
        tokio::spawn(ended_users.run());
        let (name, tls, mutual_tls) = match front {
            Front::Address => ("http://127.0.0.1", None, None),
            Front::Localhost => ("http://localhost", None, None),
            Front::Tls(tls) => ("https://id.test", Some((tls, ListenerRole::Public)), None),
            Front::MutualTls(tls) => ("http://localhost", None, Some(tls)),
        };
        let mutual_tls = mutual_tls.map(|tls| (tls, ListenerRole::MutualTls));
        let mutual_tls = mutual_tls.map(|tls| listen(app.clone(), Some(tls)));
        let (address, stop) = listen(app.clone(), tls);
        let origin = format!("{name}:{}", address.port());
        let mut stage = Stage::new(registry, clock.clone(), &origin, manifests, &*entropy);
        if let Some((address, _)) = &mutual_tls {
            stage.ask_for_certificates_at(&format!("https://{{host}}:{}", address.port()));
        }
        let stage = Arc::new(stage);
        let base_url = Issuer::parse(&origin).expect("canonical");
        let demo = Some("/_lanyard/demo".to_owned());
        app.base_page.set(BaseUrlPage { base_url, demo }).expect("it is not set yet");
        let app =
            Self { origin, address, clock, store, app, stage, audit, network, stop, mutual_tls };
        app.serve(manifests);
        app
    }

    /// Starts another replica of the same installation: with the same origin, store, keys, clock and
    /// objects, on a port of its own. Its objects change apart from those of the first.
    pub fn start_replica(&self) -> Self {
        let registry = SnapshotHandle::new();
        let (network, clock) = (Arc::clone(&self.network), Arc::clone(&self.clock));
        let config = self.app.config.clone();
        let (app, audit) = handlers((&registry, &self.store), &network, clock.clone(), config, 9);
        send_messages(&app);
        let (address, stop) = listen(app.clone(), None);
        let stage = Arc::new(self.stage.copy(registry));
        let (origin, store) = (self.origin.clone(), self.store.clone());
        let mutual_tls = None;
        Self { origin, address, clock, store, app, stage, audit, network, stop, mutual_tls }
    }

    /// Starts a graceful shutdown, as SIGTERM does.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Publishes a document at a URL, for requests of the server.
    pub fn publish(&self, url: &str, text: &str) {
        self.publish_with_status(url, 200, text);
    }

    /// Answers calls of a URL with a status.
    pub fn publish_with_status(&self, url: &str, status: u16, text: &str) {
        let answer = (status, text.to_owned());
        self.network.published.lock().expect("not poisoned").insert(url.to_owned(), answer);
    }

    /// Publishes a document where only the client for hosts inside the network finds it: below
    /// `inside.test`.
    pub fn publish_inside(&self, url: &str, text: &str) {
        let answer = (200, text.to_owned());
        self.network.inside.lock().expect("not poisoned").insert(url.to_owned(), answer);
    }

    /// The forms, or else the values of `Authorization`, of the calls of a published URL.
    pub fn calls(&self, url: &str) -> Vec<String> {
        let called = self.network.called.lock().expect("not poisoned");
        called.iter().filter(|(of, _)| of == url).map(|(_, sent)| sent.clone()).collect()
    }

    /// The number of times that the server fetched the document at a published URL.
    pub fn fetches(&self, url: &str) -> usize {
        let fetched = self.network.fetched.lock().expect("not poisoned");
        fetched.iter().filter(|of| *of == url).count()
    }

    /// The issuer of a tenant in the namespace `default`.
    pub fn issuer(&self, tenant: &str) -> String {
        format!("{}/default/{tenant}", self.origin)
    }

    /// The subject of a user of a tenant in the namespace `default`.
    pub fn subject(&self, tenant: &str, username: &str) -> String {
        self.stage.subject(tenant, username)
    }

    /// Receives the forms that the server posts to a URL.
    pub fn receive(&self, url: &str) -> UnboundedReceiver<String> {
        let (send, receive) = unbounded_channel();
        self.network.receivers.lock().expect("not poisoned").insert(url.to_owned(), send);
        receive
    }

    /// Waits until everything that a user had has ended for good.
    pub async fn wait_until_void(&self, tenant: &str, subject: &str) {
        let tenant = TenantId::new("default", tenant);
        let owner = IndexEntry::new(IndexKind::User, subject);
        for _ in 0..6000 {
            let now = self.clock.now();
            let found = self.store.list(RecordKind::VoidBefore, &tenant, &owner, now).await;
            if !found.expect("the store").is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("nothing of {subject} has ended");
    }

    /// Replaces the objects by those of other manifests, which may have problems.
    pub fn serve_with_problems(&self, manifests: &str) {
        let new = stage::objects(&manifests.replace("ORIGIN", &self.origin));
        self.stage.change_with_problems(|objects| *objects = new);
    }

    /// Replaces the objects by those of other manifests, with the same keys.
    pub fn serve(&self, manifests: &str) {
        let new = stage::objects(&manifests.replace("ORIGIN", &self.origin));
        self.stage.change(|objects| *objects = new);
    }
}

/// Writes a new key and its certificate for `id.test` as PEM files; returns the certificate.
pub fn write_pair(certificate: &Path, key: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(["id.test".to_owned()]).expect("it is made");
    std::fs::write(key, made.signing_key.serialize_pem()).expect("written");
    std::fs::write(certificate, made.cert.pem()).expect("written");
    made.cert.pem()
}

/// Builds the state of the request handlers.
fn handlers(
    (registry, store): (&SnapshotHandle, &SharedStore),
    network: &Arc<Network>,
    clock: Arc<FixedClock>,
    config: ServerConfig,
    seed: u64,
) -> (Arc<AppState>, Arc<RecordedAudit>) {
    let mut accounts = AccountServices::new(
        store.clone(),
        Signer::new(1),
        Arc::clone(network) as _,
        Arc::clone(&clock) as _,
        Arc::new(SeededEntropy::new(seed)),
        Arc::new(Metrics::new()),
    )
    .with_internal_http_client(Arc::new(network.inside()))
    .with_directories(local_directories())
    .with_mail_transport(local_mail());
    let audit = Arc::new(RecordedAudit::before(Arc::clone(&accounts.audit)));
    accounts.audit = audit.clone();
    let app = AppState {
        registry: registry.clone(),
        accounts: Arc::new(accounts),
        passwords: PasswordVerifier::new(1, 64),
        login_throttle: LoginThrottle::new(1000),
        request_object_cache: RequestObjectCache::default(),
        sector_identifier_cache: SectorIdentifierCache::default(),
        clock,
        config,
        base_page: OnceLock::new(),
    };
    (app.into_shared(), audit)
}

/// Directories that may be on this machine.
pub fn local_directories() -> LdapDirectories {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let local = ["127.0.0.0/8", "::1/128"].map(|net| net.parse().expect("a network"));
    LdapDirectories::new(EgressPolicy::new(local.to_vec()), RootCertStore::empty())
}

/// Mail servers that may be on this machine.
pub fn local_mail() -> MailTransport {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    MailTransport::new(here(), RootCertStore::empty()).with_timeout(Duration::from_secs(3))
}

/// Sends the mail of a server, and its notifications of clients.
fn send_messages(app: &Arc<AppState>) {
    let of = || (Arc::clone(&app.accounts), app.registry.clone());
    tokio::spawn(run_mail_delivery(of(), Arc::clone(&app.clock)));
    tokio::spawn(run_ping_delivery(of(), Arc::clone(&app.clock)));
}

/// Starts the server, which stops when the sender is dropped.
fn listen(
    app: Arc<AppState>,
    tls: Option<(Arc<TlsConfig>, ListenerRole)>,
) -> (SocketAddr, watch::Sender<bool>) {
    let (config, metrics) = (app.config.clone(), Arc::clone(&app.accounts.metrics));
    let server = HttpServer::new(app, config, metrics);
    let server = match tls {
        Some((tls, role)) => server.with_mutual_tls(tls, role),
        None => server,
    };
    let listening = server.listen(([127, 0, 0, 1], 0).into()).expect("a port");
    let address = listening.address().expect("it is bound");
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(listening.serve(stopped, Duration::from_secs(10)));
    (address, stop)
}
