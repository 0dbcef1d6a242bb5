//! The parts that `run` and `dev` share: everything except the source of objects.

use std::{
    io,
    net::SocketAddr,
    num::NonZero,
    path::Path,
    sync::{Arc, atomic::Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use futures::future::join_all;
use tokio::sync::watch;

use super::{
    measuring::{PrometheusReconcileMetrics, measure_snapshots, observed_store},
    mutual_tls::{MutualTlsListener, bind_mutual_tls, mutual_tls_listeners},
    readiness::ReadinessInputs,
};
use crate::{
    accounts::{
        AccountServices, EndedUserWatch, LogoutNotifier, StoredInvitations, StoredRefreshReplays,
        VaultResealer, run_notifier,
    },
    cli::{ForwardedFamily, LogArgs, LogFormatArg, ServeArgs, StoreArgs},
    config, controller, demo,
    http::{
        AdminServer, AppState, BaseUrlPage, BoundListener, ExtraRoutes, ForwardedHeaders,
        HttpServer, ListeningServer, RequestService, ServerConfig, ServerLimits, TlsConfig,
        TrustedProxies, WithExtraRoutes,
    },
    identity::{LoginThrottle, PasswordVerifier},
    keys::Signer,
    model::{Clock, Entropy, Installation, SharedRegistrar, SystemClock, SystemEntropy},
    registry::{SettingsReceivers, SnapshotHandle, project_snapshots},
    remote::{RequestObjectCache, SectorIdentifierCache},
    source::SharedSource,
    store::purge_regularly,
    telemetry::{self, LogGuard, Metrics, init_logging},
};

/// Capacity of the password queue: 2 s of work for four threads.
const PASSWORD_QUEUE: usize = 256;

/// Starts logging. Fails if `--log-level` is not a filter.
pub(super) fn start_logging(args: &LogArgs, default: LogFormatArg) -> Result<LogGuard> {
    let format = match args.log_format.unwrap_or(default) {
        LogFormatArg::Json => telemetry::LogFormat::Json,
        LogFormatArg::Text => telemetry::LogFormat::Text,
    };
    Ok(init_logging(format, &args.log_level)?)
}

/// Creates the tokio runtime, with a thread for each core.
pub(super) fn build_runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("could not start the runtime's threads")
}

/// The parts that do not depend on the source of objects.
pub(super) struct ServerRuntime {
    pub(super) app: Arc<AppState>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) installation: Arc<Installation>,
    tls: Option<Arc<TlsConfig>>,
    pub(super) mutual_tls: Vec<MutualTlsListener>,
    drain: (Duration, Duration),
    /// Set once the port of the endpoints is open.
    open: watch::Sender<bool>,
}

impl ServerRuntime {
    /// Builds the parts from the flags. `file` is the default path of an embedded store.
    pub(super) fn new(
        args: &ServeArgs,
        (store, file): (&StoreArgs, &Path),
        installation: Installation,
    ) -> Result<Self> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let metrics = Arc::new(Metrics::with_tenants(args.metrics_per_tenant));
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let tls = args.tls_cert.as_ref().zip(args.tls_key.as_ref());
        let tls = tls.map(|(certificate, key)| TlsConfig::load(certificate, key)).transpose()?;
        let tls = tls.map(Arc::new);
        let mutual_tls = mutual_tls_listeners(args, tls.as_ref())?;
        let limits = server_limits(args, 1 + mutual_tls.len());
        let dev = installation.dev;
        let accounts = AccountServices::new(
            observed_store(super::store::open_store(store, file, &entropy, &metrics)?, &metrics),
            Signer::new(args.signing_threads.unwrap_or(cores)),
            super::outbound::outbound_client(args, dev, &metrics)?,
            Arc::clone(&clock),
            Arc::clone(&entropy),
            Arc::clone(&metrics),
        )
        .with_directories(super::outbound::outbound_directories(args, dev)?)
        .with_mail_transport(super::outbound::mail_transport(args, dev)?)
        .with_internal_http_client(super::outbound::internal_client(args, dev, &metrics)?);
        let app = AppState {
            registry: SnapshotHandle::new(),
            accounts: Arc::new(accounts),
            passwords: PasswordVerifier::new(
                args.password_threads.unwrap_or(cores.div_ceil(2)),
                PASSWORD_QUEUE,
            ),
            login_throttle: LoginThrottle::new(LoginThrottle::DEFAULT_CAPACITY),
            request_object_cache: RequestObjectCache::default(),
            sector_identifier_cache: SectorIdentifierCache::default(),
            clock: Arc::clone(&clock),
            config: ServerConfig::new(trusted_proxies(args)?, limits),
            base_page: BaseUrlPage::of(&installation, demo::PATH).into(),
        };
        Ok(Self {
            app: app.into_shared(),
            clock,
            entropy,
            installation: Arc::new(installation),
            tls,
            mutual_tls,
            drain: (args.drain_delay, args.drain_timeout),
            open: watch::Sender::new(false),
        })
    }

    /// Builds snapshots from a source's views, and reports them to the metrics.
    pub(super) fn project(&self, source: &SharedSource, settings: SettingsReceivers) {
        let (handle, clock) = (self.app.registry.clone(), Arc::clone(&self.clock));
        self.app.accounts.registrations.set_registrar(Arc::clone(source) as SharedRegistrar);
        let for_all = Arc::clone(&self.installation);
        tokio::spawn(project_snapshots(source.views(), settings, handle, for_all, clock));
        tokio::spawn(measure_snapshots(Arc::clone(&self.app), source.views()));
        tokio::spawn(run_notifier(Arc::new(LogoutNotifier {
            accounts: Arc::clone(&self.app.accounts),
            registry: self.app.registry.clone(),
            clock: Arc::clone(&self.clock),
        })));
        let (accounts, registry) = (&self.app.accounts, self.app.registry.clone());
        super::outbound::send_messages(&self.app);
        let ended_users = EndedUserWatch::new(accounts, registry, &self.clock)
            .with_unwatched_namespaces(source.left_namespaces());
        tokio::spawn(ended_users.run());
        tokio::spawn(purge_regularly(Arc::clone(&accounts.store), Arc::clone(&self.clock)));
    }

    /// The context of the controllers. Starts what seals authenticators again while this replica leads.
    pub(super) fn controller(
        &self,
        source: &SharedSource,
        leads: watch::Receiver<bool>,
    ) -> controller::ControllerContext {
        let (accounts, registry) = (&self.app.accounts, self.app.registry.clone());
        let invitations = StoredInvitations::new(accounts, registry.clone(), &self.clock);
        let (resealer, vault_use) = VaultResealer::new(accounts, registry, &self.clock);
        tokio::spawn(resealer.run(leads));
        controller::ControllerContext::new(
            Arc::clone(source),
            self.app.registry.clone(),
            Arc::clone(&self.app.accounts.store_clock) as Arc<dyn Clock>,
            Arc::clone(&self.entropy),
            self.installation.key_secrets.clone(),
        )
        .audited_by(Arc::clone(&self.app.accounts.audit))
        .observed_by(Arc::new(PrometheusReconcileMetrics(Arc::clone(&self.app.accounts.metrics))))
        .with_base_url(self.installation.base_url.clone())
        .with_undelivered_logouts(self.app.accounts.logout_outbox.undelivered())
        .with_vault_use(vault_use)
        .with_invitations(Arc::new(invitations))
        .with_refresh_replays(Arc::new(StoredRefreshReplays::new(&self.app.accounts, &self.clock)))
    }

    /// Binds the port of the endpoints without accepting connections.
    pub(super) fn bind(
        &self,
        address: SocketAddr,
        extra: Option<Arc<dyn ExtraRoutes>>,
    ) -> Result<BoundListener> {
        let app = Arc::clone(&self.app);
        let (config, metrics) = (app.config.clone(), Arc::clone(&app.accounts.metrics));
        let service: Arc<dyn RequestService> = match extra {
            Some(extra) => Arc::new(WithExtraRoutes::new(app, extra)),
            None => app,
        };
        let mut server = HttpServer::new(service, config, Arc::clone(&metrics));
        if let Some(tls) = &self.tls {
            tokio::spawn(Arc::clone(tls).watch(metrics));
            server = server.with_tls(Arc::clone(tls));
        }
        server.bind(address).with_context(|| format!("--listen {address}"))
    }

    /// Becomes true once the port accepts requests. Readiness is not reported before.
    pub(super) fn opened(&self) -> watch::Receiver<bool> {
        self.open.subscribe()
    }

    /// Starts the admin server: health, readiness and metrics.
    pub(super) async fn admin(
        &self,
        address: SocketAddr,
        inputs: ReadinessInputs,
    ) -> Result<Arc<AdminServer>> {
        let open = self.opened();
        let admin = AdminServer::new(Arc::clone(&self.app), move || inputs.probe(*open.borrow()));
        let serving = Arc::clone(&admin).serve(address).await;
        serving.with_context(|| format!("--admin-listen {address}"))?;
        Ok(admin)
    }

    /// Serves until `stop`, starting with the first snapshot: without one, every request would be
    /// answered with 404. On `stop`, becomes unready, waits for load balancers to remove this
    /// replica, and drains.
    pub(super) async fn serve(
        &self,
        bound: BoundListener,
        admin: Option<Arc<AdminServer>>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<()> {
        let bound = bind_mutual_tls(&self.app, &self.mutual_tls)?.into_iter().chain([bound]);
        let mut snapshots = self.app.registry.changes();
        tokio::select! {
            _ = snapshots.wait_for(|revision| *revision > 0) => {}
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        }
        let listening: io::Result<Vec<_>> = bound.map(BoundListener::open).collect();
        let listening = listening.context("--listen: opening the port")?;
        self.open.send_replace(true);
        let (delay, drain) = self.drain;
        let (closing, close) = watch::channel(false);
        let leaving: Vec<_> = listening.iter().map(ListeningServer::draining).collect();
        tokio::spawn(async move {
            let _ = stop.wait_for(|stop| *stop).await;
            for leaving in leaving {
                leaving.store(true, Ordering::Relaxed);
            }
            tracing::info!("stopping; draining requests in flight");
            if let Some(admin) = admin {
                admin.drain();
            }
            tokio::time::sleep(delay).await;
            let _ = closing.send(true);
        });
        join_all(listening.into_iter().map(|port| port.serve(close.clone(), drain))).await;
        Ok(())
    }
}

/// The limits that listeners share.
fn server_limits(args: &ServeArgs, listeners: usize) -> ServerLimits {
    let defaults = ServerLimits::default();
    // A Service that hides client addresses makes all clients one address.
    let hides_addresses = args.max_connections_per_address == 0;
    ServerLimits {
        // Each listener holds a place while it waits.
        connections: args.max_connections.max(listeners),
        connections_of_address: args.max_connections_per_address,
        memory_of_address: if hides_addresses { 0 } else { defaults.memory_of_address },
        ..defaults
    }
}

/// The trusted proxies and the headers that they set.
fn trusted_proxies(args: &ServeArgs) -> Result<TrustedProxies> {
    let headers = match args.forwarded_headers {
        ForwardedFamily::XForwarded => ForwardedHeaders::XForwarded,
        ForwardedFamily::Forwarded => ForwardedHeaders::Standard,
    };
    Ok(TrustedProxies::new(config::trusted_proxies(args)?, headers))
}
