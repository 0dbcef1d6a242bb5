//! `lanyard dev`: a folder of manifests, served on this machine.

mod admission;
mod banner;

use std::{
    env,
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::sync::watch;

use super::{
    languages::follow_languages,
    outbound::upstream_probe,
    readiness::ReadinessInputs,
    runtime::{ServerRuntime, build_runtime, start_logging},
    signals,
    store::{keep_migrated, refuse_unsuitable},
};
use crate::{
    cli::{DevArgs, LogFormatArg},
    config, controller,
    demo::{self, Demo, DemoClient, DemoConfig},
    http::ExtraRoutes,
    messages::Languages,
    model::{
        Clock as _, HostSettings, HostSettingsState, Installation, Issuer, KeySecrets,
        SecretPermissions, SystemClock, sha256,
    },
    registry::{SettingsReceivers, SnapshotHandle},
    source::{SharedSource, folder::FolderSource},
};

/// Longest wait for generated keys before the banner is printed without them.
const SETTLE_TIMEOUT: Duration = Duration::from_mins(1);

/// Runs until it is interrupted.
pub fn run_dev(args: &DevArgs) -> Result<()> {
    let _log = start_logging(&args.log, LogFormatArg::Text)?;
    build_runtime()?.block_on(serve(args))
}

async fn serve(args: &DevArgs) -> Result<()> {
    let base_url = base_url(args)?;
    let installation = Installation {
        base_url: base_url.clone(),
        hosts: HostSettings {
            internal_hosts: config::internal_hosts(&args.serve)?,
            ..HostSettings::default()
        },
        client_secrets: SecretPermissions::default(),
        dev: true,
        keeps_authenticators: args.store.keeps_authenticators(),
        mutual_tls: config::mutual_tls_url(&args.serve)?,
        key_secrets: KeySecrets::new("lanyard-dev", ""),
        languages: Languages::built_in(),
    };
    let stop = signals::stop_signal()?;
    let state = match &args.state {
        Some(state) => state.clone(),
        None => default_state(&args.dir)?,
    };
    let validate = admission::manifest_validator(&installation, SystemClock.now());
    let directory = FolderSource::start(&args.dir, &state, validate).with_context(|| {
        format!("serving {} with state in {}", args.dir.display(), state.display())
    })?;
    let store = (&args.store, &*state.join("store.redb"));
    let parts = ServerRuntime::new(&args.serve, store, installation)?;
    refuse_unsuitable(&args.store, &parts.app.accounts.store).await?;
    let source: SharedSource = Arc::clone(&directory) as SharedSource;
    let demo = demo(args, &parts, &base_url);
    let bound = parts.bind(args.listen, Some(demo))?;
    let hosts = HostSettingsState::fixed(parts.installation.hosts.clone());
    let languages = follow_languages(&args.serve)?;
    parts.project(&source, SettingsReceivers { hosts, languages });
    let leads = controller::always_leader();
    tokio::spawn(keep_migrated(Arc::clone(&parts.app.accounts.store), leads.clone()));
    let admin = match args.admin_listen {
        Some(address) => {
            let readiness = ReadinessInputs {
                views: source.views(),
                leads: leads.clone(),
                must_hold: None,
                schemas: None,
            };
            Some(parts.admin(address, readiness).await?)
        }
        None => None,
    };
    let mut asked = stop.clone();
    let probe = upstream_probe(&args.serve, true, &parts.app.accounts.metrics)?;
    let context = parts.controller(&source, leads.clone()).collecting_garbage();
    let context = context.with_upstream_probe(Arc::new(probe));
    let acting = tokio::spawn(controller::run_controller(context, leads, async move {
        asked.wait_for(|stop| *stop).await.map(drop)
    }));
    let served = (parts.app.registry.clone(), parts.opened());
    tokio::spawn(announce(served, source.views(), Arc::clone(&directory), base_url));
    parts.serve(bound, admin, stop).await?;
    acting.await.context("the controller panicked")?;
    Ok(())
}

/// Prints the banner once all objects are settled and the port is open, so its links work at once.
async fn announce(
    (handle, mut opened): (SnapshotHandle, watch::Receiver<bool>),
    mut views: watch::Receiver<Arc<crate::api::SourceView>>,
    directory: Arc<FolderSource>,
    base_url: Issuer,
) {
    let mut changes = handle.changes();
    let settled = async {
        loop {
            let view = Arc::clone(&views.borrow_and_update());
            let snapshot = handle.snapshot();
            if banner::are_objects_settled(&snapshot, view.revision)
                && banner::has_invitations(&snapshot, &view)
            {
                return;
            }
            let changed = tokio::select! {
                changed = changes.changed() => changed.is_ok(),
                changed = views.changed() => changed.is_ok(),
            };
            if !changed {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(SETTLE_TIMEOUT, settled).await;
    if opened.wait_for(|open| *open).await.is_err() {
        return;
    }
    let view = Arc::clone(&views.borrow());
    let banner = banner::banner_text(&handle.snapshot(), &view, &directory, &base_url);
    // A closed pipe is not an error: `head` closes it after the lines it needs.
    let _ = io::stdout().write_all(banner.as_bytes());
}

/// The value of `--base-url`, or `localhost` with the port of `--listen`: browsers treat that name
/// as secure.
fn base_url(args: &DevArgs) -> Result<Issuer> {
    if let Some(url) = &args.base_url {
        return Ok(config::base_url(url)?);
    }
    let scheme = if args.serve.tls_cert.is_some() { "https" } else { "http" };
    let host = match args.listen {
        SocketAddr::V6(address)
            if !address.ip().is_unspecified() && !address.ip().is_loopback() =>
        {
            bail!("--listen {address}: set --base-url to the URL that browsers are to use")
        }
        SocketAddr::V4(address)
            if !address.ip().is_unspecified() && !address.ip().is_loopback() =>
        {
            bail!("--listen {address}: set --base-url to the URL that browsers are to use")
        }
        _ => "localhost",
    };
    let default = if scheme == "https" { 443 } else { 80 };
    let port = match args.listen.port() {
        0 => bail!("--listen {}: choose a port, since issuers name it", args.listen),
        port if port == default => String::new(),
        port => format!(":{port}"),
    };
    Ok(config::base_url(&format!("{scheme}://{host}{port}"))?)
}

/// A state folder for each folder of manifests (XDG Base Directory Specification).
fn default_state(manifests: &Path) -> Result<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_STATE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".local/state")))
        .context("neither XDG_STATE_HOME nor HOME is set; set the state folder with --state")?;
    let manifests = manifests
        .canonicalize()
        .with_context(|| format!("{} is not a folder", manifests.display()))?;
    let hash = sha256(manifests.as_os_str().as_encoded_bytes());
    let short: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    let name = manifests.file_name().map_or_else(|| "root".into(), |it| it.to_string_lossy());
    Ok(base.join("lanyard").join(format!("{name}-{short}")))
}

/// The demonstration application, which looks up clients in the current snapshot.
fn demo(args: &DevArgs, parts: &ServerRuntime, base_url: &Issuer) -> Arc<dyn ExtraRoutes> {
    let config = DemoConfig {
        base_url: base_url.clone(),
        server: args.listen,
        certificate: args.serve.tls_cert.clone(),
    };
    let (callback, home) = (demo::callback_uri(base_url), base_url.join(demo::PATH));
    let handle = parts.app.registry.clone();
    let list = Arc::new(move || {
        let snapshot = handle.snapshot();
        let mut clients: Vec<DemoClient> = Vec::new();
        for tenant in snapshot.tenants() {
            let of = |client: &Arc<crate::model::Client>| {
                DemoClient::new(&tenant.tenant, client, &callback, &home)
            };
            clients.extend(tenant.clients().map(of));
        }
        clients.sort_by(|a, b| (a.issuer.as_str(), &a.id).cmp(&(b.issuer.as_str(), &b.id)));
        clients
    });
    let (clock, entropy) = (Arc::clone(&parts.clock), Arc::clone(&parts.entropy));
    Arc::new(DemoRoutes(Demo::new(config, list, clock, entropy)))
}

/// The routes of the demonstration on the server's port.
struct DemoRoutes(Demo);

#[async_trait]
impl ExtraRoutes for DemoRoutes {
    fn owns(&self, path: &str) -> bool {
        self.0.serves(path)
    }

    async fn answer(&self, request: Request<Bytes>) -> Response<Full<Bytes>> {
        let (parts, _) = request.into_parts();
        self.0.handle(&parts).await
    }
}
