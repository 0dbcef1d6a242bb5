//! The client of outbound HTTP requests, with its metrics, and the ways to directories and mail servers.

use std::sync::Arc;

use anyhow::Result;

use crate::{
    accounts::{run_mail_delivery, run_ping_delivery},
    cli::ServeArgs,
    config,
    fetch::{EgressPolicy, FetchError, HttpFetch, InstrumentedFetch, SharedFetch, trusted_roots},
    http::AppState,
    mail::MailTransport,
    telemetry::{FetchOutcome, Metrics},
    upstream::{NetworkProbe, ldap::LdapDirectories},
};

/// The outbound HTTP client. In `dev` it may also call this machine.
pub fn outbound_client(args: &ServeArgs, dev: bool, metrics: &Arc<Metrics>) -> Result<SharedFetch> {
    instrumented(egress_policy(args, dev)?, args, metrics)
}

/// The client for identity providers on hosts that `upstreamHosts` lists.
pub fn internal_client(args: &ServeArgs, dev: bool, metrics: &Arc<Metrics>) -> Result<SharedFetch> {
    instrumented(egress_policy(args, dev)?.with_private_networks(), args, metrics)
}

/// The addresses that may be called: in `dev` also those of this machine.
fn egress_policy(args: &ServeArgs, dev: bool) -> Result<EgressPolicy> {
    let mut allowed = config::fetch_allow(args)?;
    if dev {
        allowed
            .extend(["127.0.0.0/8", "::1/128"].iter().flat_map(|net| net.parse::<ipnet::IpNet>()));
    }
    Ok(EgressPolicy::new(allowed))
}

/// The probe of identity providers, with clients of its own.
pub fn upstream_probe(args: &ServeArgs, dev: bool, metrics: &Arc<Metrics>) -> Result<NetworkProbe> {
    Ok(NetworkProbe {
        public: outbound_client(args, dev, metrics)?,
        internal: internal_client(args, dev, metrics)?,
        directories: outbound_directories(args, dev)?,
    })
}

/// The client of directories, which trusts the same certificates as the HTTP client.
pub fn outbound_directories(args: &ServeArgs, dev: bool) -> Result<LdapDirectories> {
    let roots = trusted_roots(args.fetch_ca.as_deref())?;
    Ok(LdapDirectories::new(egress_policy(args, dev)?, roots))
}

/// The way to mail servers, which trusts the same certificates as the HTTP client.
pub fn mail_transport(args: &ServeArgs, dev: bool) -> Result<MailTransport> {
    let roots = trusted_roots(args.fetch_ca.as_deref())?;
    Ok(MailTransport::new(egress_policy(args, dev)?, roots))
}

/// Sends the mail of all tenants, and the notifications of their clients that a person has answered, until the process
/// ends.
pub fn send_messages(app: &AppState) {
    let of = || (Arc::clone(&app.accounts), app.registry.clone());
    tokio::spawn(run_mail_delivery(of(), Arc::clone(&app.clock)));
    tokio::spawn(run_ping_delivery(of(), Arc::clone(&app.clock)));
}

fn instrumented(
    policy: EgressPolicy,
    args: &ServeArgs,
    metrics: &Arc<Metrics>,
) -> Result<SharedFetch> {
    let roots = trusted_roots(args.fetch_ca.as_deref())?;
    let fetch = Arc::new(HttpFetch::new(policy, roots));
    let metrics = Arc::clone(metrics);
    Ok(Arc::new(InstrumentedFetch::new(fetch, move |method, error| {
        metrics.fetched(method, outcome(error));
    })))
}

/// The metric label of a call that ended with `error`, or without one.
const fn outcome(error: Option<&FetchError>) -> FetchOutcome {
    match error {
        None => FetchOutcome::Ok,
        Some(FetchError::Url(_)) => FetchOutcome::InvalidUrl,
        Some(FetchError::Forbidden(_) | FetchError::Unencrypted(_)) => FetchOutcome::Forbidden,
        Some(FetchError::Unknown(_)) => FetchOutcome::DnsError,
        Some(FetchError::Broken(..)) => FetchOutcome::ConnectError,
        Some(FetchError::Late(_)) => FetchOutcome::Timeout,
        Some(FetchError::Busy) => FetchOutcome::Busy,
        Some(FetchError::TooLarge(..)) => FetchOutcome::TooLarge,
        Some(FetchError::Status(..)) => FetchOutcome::Status,
    }
}
