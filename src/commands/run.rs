//! `lanyard run`: controller and server in a cluster.

use std::{path::Path, pin::pin, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use kube::{Client, Config};
use tokio::{sync::watch, time::sleep};

use super::{
    runtime::{ServerRuntime, logging, runtime},
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
    model::ObjectKey,
    source::{
        SharedSource,
        cluster::{ClusterOptions, ClusterSource},
    },
};

/// Limit for the API server's first answer at startup.
const API_SERVER_TIMEOUT: Duration = Duration::from_secs(15);
/// Interval between attempts at startup.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);
/// Read timeout of responses of the API server; longer than a watch lasts.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// The path at which the chart mounts the volume of the embedded store.
const STORE_FILE: &str = "/var/lib/lanyard/store.redb";

/// Runs until SIGTERM.
pub fn run(args: &RunArgs) -> Result<()> {
    let _log = logging(&args.log, LogFormatArg::Json)?;
    runtime()?.block_on(serve(args))
}

async fn serve(args: &RunArgs) -> Result<()> {
    let store = (&args.store, Path::new(STORE_FILE));
    let parts = ServerRuntime::new(&args.serve, store, config::installation(args)?)?;
    refuse_unsuitable(&args.store, &parts.app.accounts.store).await?;
    let stop = signals::stop()?;
    let client = connect().await?;
    let options = ClusterOptions {
        namespaces: config::watch_namespaces(args),
        sealing_secret: parts.installation.sealing_secret.clone(),
        identity: args.identity.clone(),
    };
    let source: SharedSource =
        ClusterSource::start(client.clone(), options, Arc::clone(&parts.clock));
    parts.project(&source);
    let leads = watch::Sender::new(false);
    follow_leadership(&parts, leads.subscribe());
    tokio::spawn(keep_migrated(Arc::clone(&parts.app.accounts.store), leads.subscribe()));
    // Serving does not depend on leadership: while the API server is unavailable there is no
    // leader, and replicas must still serve.
    let holds = watch::Sender::new(false);
    let must_hold = (!args.store.store.is_shared()).then(|| holds.subscribe());
    let bound = parts.bind(args.listen, None)?;
    let admin = parts.admin(args.admin_listen, &source, leads.subscribe(), must_hold).await?;
    let candidate = LeaderElectionConfig {
        lease: Arc::new(ClusterLease::new(
            client,
            ObjectKey::new(&args.namespace, &args.release_name),
        )),
        identity: args.identity.clone(),
        holds,
        timing: LeaseTiming::default(),
        clock: Arc::clone(&parts.clock),
    };
    tracing::info!(listen = %args.listen, admin = %args.admin_listen, base_url = %parts.installation.base_url, "serving");
    // Releases the Lease at once, so another replica acts while this one drains.
    let mut asked = stop.clone();
    let acting = tokio::spawn(controller::run_elected(
        parts.controller(&source),
        candidate,
        leads,
        async move { asked.wait_for(|stop| *stop).await.map(drop) },
    ));
    parts.serve(bound, Some(admin), stop).await?;
    acting.await.context("the controller panicked")?;
    tracing::info!("stopped");
    Ok(())
}

/// Creates a client, and waits until the API server answers.
async fn connect() -> Result<Client> {
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
    let client = Client::try_from(config).context(REMEDY)?;
    let version = answered(&client, &address).await?;
    tracing::info!(version, "connected to the API server");
    Ok(client)
}

/// Returns the API server's version, retrying at first: requests may fail during a cluster upgrade
/// or while a node's network is set up.
async fn answered(client: &Client, address: &str) -> Result<String> {
    let mut end = pin!(sleep(API_SERVER_TIMEOUT));
    let cannot = || format!("the API server at {address} cannot be reached");
    let mut last = None;
    loop {
        tokio::select! {
            biased;
            version = client.apiserver_version() => match version {
                Ok(version) => return Ok(version.git_version),
                Err(error) if is_final(&error) => return Err(error).with_context(cannot),
                Err(error) => {
                    if last.is_none() {
                        tracing::warn!(%error, address, "could not reach the API server; retrying");
                    }
                    last = Some(error);
                }
            },
            () = &mut end => break,
        }
        tokio::select! {
            () = sleep(RETRY_INTERVAL) => {}
            () = &mut end => break,
        }
    }
    match last {
        Some(error) => Err(error).with_context(cannot),
        None => bail!(
            "the API server at {address} did not answer in {} s",
            API_SERVER_TIMEOUT.as_secs()
        ),
    }
}

/// Returns true if a retry would fail the same way, since the server refused the request.
fn is_final(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if (400..500).contains(&status.code) && status.code != 429)
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
