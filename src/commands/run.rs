//! `lanyard run`: controller and server in a cluster.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use kube::{Client, Config};
use tokio::sync::watch;

use super::{
    languages::follow_languages,
    readiness::ReadinessInputs,
    runtime::{ServerRuntime, build_runtime, start_logging},
    signals,
    store::{keep_migrated, refuse_unsuitable},
};
use crate::{
    cli::{LogFormatArg, RunArgs},
    config,
    controller::{
        self,
        lease::{ClusterLease, LeaderElectionConfig, LeaseTiming},
    },
    model::{Clock, HostSettingsReceiver, HostSettingsState, ObjectKey},
    registry::SettingsReceivers,
    source::{
        SharedSource, WriteError,
        cluster::{
            ApiServerTokens, ClusterOptions, ClusterSource, ClusterWrite, HostSettingsFollower,
            OnWriteError, PublishedSchemasFollower,
        },
    },
    telemetry::{WriteErrorReason, WriteOperation},
};

/// Read timeout of responses of the API server; longer than a watch lasts.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// RSA keys that the Lease holder makes ahead of need.
const SPARE_KEYS: usize = 8;
/// The folder in which the kubelet mounts the token of a Pod's ServiceAccount.
const MOUNTED_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/";
/// The path at which the chart mounts the volume of the embedded store.
const STORE_FILE: &str = "/var/lib/lanyard/store.redb";

/// Runs `lanyard run` until SIGTERM or SIGINT.
pub fn run_server(args: &RunArgs) -> Result<()> {
    let _log = start_logging(&args.log, LogFormatArg::Json)?;
    build_runtime()?.block_on(serve(args))
}

async fn serve(args: &RunArgs) -> Result<()> {
    let store = (&args.store, Path::new(STORE_FILE));
    let parts = ServerRuntime::new(&args.serve, store, config::check_installation(args)?)?;
    refuse_unsuitable(&args.store, &parts.app.accounts.store).await?;
    let mut stop = signals::stop_signal()?;
    let (client, address, own_token_file) = api_client().await?;
    let cluster = ClusterSource::new(client.clone(), args.identity.clone(), write_errors(&parts));
    let source: SharedSource = Arc::clone(&cluster) as _;
    let (follower, hosts) = host_settings(args, &parts);
    let languages = follow_languages(&args.serve)?;
    parts.project(&source, SettingsReceivers { hosts: hosts.clone(), languages });
    let leads = watch::Sender::new(false);
    follow_leadership(&parts, leads.subscribe());
    tokio::spawn(keep_migrated(Arc::clone(&parts.app.accounts.store), leads.subscribe()));
    // Serving does not depend on leadership: while the API server is unavailable there is no
    // leader, and replicas must still serve.
    let holds = watch::Sender::new(false);
    let must_hold = (!args.store.store.is_shared()).then(|| holds.subscribe());
    // Wrong addresses end the process before the wait, and probes are answered during it.
    let bound = parts.bind(args.listen, None)?;
    let (schemas, published) = PublishedSchemasFollower::new();
    let readiness = ReadinessInputs {
        views: source.views(),
        leads: leads.subscribe(),
        must_hold,
        schemas: Some(published),
    };
    let admin = parts.admin(args.admin_listen, readiness).await?;
    tokio::select! {
        answered = cluster.wait_for_api_server(&address, &*parts.clock) => answered?,
        _ = stop.wait_for(|stop| *stop) => return Ok(()),
    }
    let cluster_tokens = Arc::new(ApiServerTokens::new(client.clone(), own_token_file));
    parts.app.accounts.cluster_tokens.set_source(cluster_tokens);
    cluster.start(cluster_options(args, &parts), Arc::clone(&parts.clock));
    schemas.start(client.clone());
    if let Some(follower) = follower {
        follower.start(client.clone());
    }
    let probe = super::outbound::upstream_probe(&args.serve, false, &parts.app.accounts.metrics)?;
    let mail_probe = super::outbound::mail_transport(&args.serve, false)?;
    let candidate = candidate(args, client, holds, &parts.clock);
    tracing::info!(listen = %args.listen, admin = %args.admin_listen, base_url = %parts.installation.base_url, "serving");
    // Releases the Lease at once, so another replica acts while this one drains.
    let mut asked = stop.clone();
    let controller = parts.controller(&source, leads.subscribe()).with_host_settings(hosts);
    let acting = tokio::spawn(controller::run_elected(
        controller
            .with_spare_keys(SPARE_KEYS)
            .with_upstream_probe(Arc::new(probe))
            .with_mail_probe(Arc::new(mail_probe))
            .with_cluster_tokens(Arc::clone(&parts.app.accounts.cluster_tokens) as _),
        candidate,
        leads,
        async move { asked.wait_for(|stop| *stop).await.map(drop) },
    ));
    parts.serve(bound, Some(admin), stop).await?;
    acting.await.context("the controller panicked")?;
    tracing::info!("stopped");
    Ok(())
}

/// The candidate for the Lease.
fn candidate(
    args: &RunArgs,
    client: Client,
    holds: watch::Sender<bool>,
    clock: &Arc<dyn Clock>,
) -> LeaderElectionConfig {
    let lease = ObjectKey::new(&args.namespace, &args.release_name);
    LeaderElectionConfig {
        lease: Arc::new(ClusterLease::new(client, lease)),
        identity: args.identity.clone(),
        holds,
        timing: LeaseTiming::default(),
        clock: Arc::clone(clock),
    }
}

fn cluster_options(args: &RunArgs, parts: &ServerRuntime) -> ClusterOptions {
    ClusterOptions {
        namespaces: config::watch_namespaces(args),
        selector: config::watch_namespaces_selector(args),
        key_secrets: parts.installation.key_secrets.clone(),
    }
}

/// Counts the writes to the API server that fail.
fn write_errors(parts: &ServerRuntime) -> OnWriteError {
    let metrics = Arc::clone(&parts.app.accounts.metrics);
    Box::new(move |write, error| {
        let operation = match write {
            ClusterWrite::CreateSecret => WriteOperation::CreateSecret,
            ClusterWrite::ReplaceSecret => WriteOperation::ReplaceSecret,
            ClusterWrite::DeleteSecret => WriteOperation::DeleteSecret,
            ClusterWrite::DeleteClient => WriteOperation::DeleteClient,
            ClusterWrite::PublishStatus => WriteOperation::PublishStatus,
            ClusterWrite::PublishEvent => WriteOperation::PublishEvent,
            ClusterWrite::RegisterClient => WriteOperation::RegisterClient,
        };
        let reason = match error {
            WriteError::Conflict => WriteErrorReason::Conflict,
            WriteError::NotFound => WriteErrorReason::NotFound,
            WriteError::Refused(_) => WriteErrorReason::Refused,
            WriteError::Unavailable(_) => WriteErrorReason::Unavailable,
        };
        metrics.write_failed(operation, reason);
    })
}

/// The host settings, and what follows their `ConfigMap` once the API server answers.
fn host_settings(
    args: &RunArgs,
    parts: &ServerRuntime,
) -> (Option<HostSettingsFollower>, HostSettingsReceiver) {
    let Some(source) = config::hosts_config_map(args) else {
        return (None, HostSettingsState::fixed(parts.installation.hosts.clone()));
    };
    let (follower, receiver) = HostSettingsFollower::new(source);
    (Some(follower), receiver)
}

/// Creates a client of the API server without sending a request; returns it with the address, and with the file of the
/// token that the kubelet mounts, if the client uses it.
async fn api_client() -> Result<(Client, String, Option<String>)> {
    const REMEDY: &str = "run in a Pod with a ServiceAccount, or set KUBECONFIG; to try Lanyard \
                          without a cluster, use `lanyard dev`";
    let mut config = Config::infer().await.context(REMEDY)?;
    // kube would sleep for as long as a Retry-After header asks, perhaps two minutes, without
    // logging it. Watches and the controller back off by themselves and log the reason.
    config.default_retry = false;
    // Without a timeout, a stalled connection would block an initial list forever. The server ends
    // idle watches earlier.
    config.read_timeout = Some(READ_TIMEOUT);
    config.reset_reader_on_write = true;
    let address = config.cluster_url.to_string();
    // The token of a kubeconfig may be of another issuer.
    let token_file = config.auth_info.token_file.clone();
    let token_file = token_file.filter(|file| file.starts_with(MOUNTED_TOKEN));
    Ok((Client::try_from(config).context(REMEDY)?, address, token_file))
}

fn follow_leadership(parts: &ServerRuntime, mut leads: watch::Receiver<bool>) {
    let app = Arc::clone(&parts.app);
    tokio::spawn(async move {
        loop {
            let leading = *leads.borrow_and_update();
            app.accounts.metrics.leader(leading);
            if leads.changed().await.is_err() {
                return;
            }
        }
    });
}
