//! Flags of the server.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args, ValueEnum};

use super::{MutualTlsArgs, flag_values::parse_duration_flag};

/// Headers in which proxies report the client's address, host and scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ForwardedFamily {
    /// X-Forwarded-For, X-Forwarded-Host and X-Forwarded-Proto
    XForwarded,
    /// Forwarded (RFC 7239)
    Forwarded,
}

/// Flags of the server, for `run` and `dev`.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// Addresses of this installation for applications inside the cluster, the preferred one first:
    /// `http://lanyard.sso.svc` or, for some namespaces only, `http://lanyard.sso.svc=team-a,team-b`;
    /// separate several with ';'
    #[arg(long, env = "LANYARD_INTERNAL_HOSTS", value_name = "URL[=NS,..]", value_delimiter = ';')]
    pub internal_hosts: Vec<String>,
    /// Folder of files of messages, one for each further language, such as fr.yaml. Read again when they
    /// change
    #[arg(long, env = "LANYARD_LANGUAGES", value_name = "DIR")]
    pub languages: Option<PathBuf>,
    /// Certificate chain (PEM); with --tls-key the endpoints use TLS. Reloaded when it changes
    #[arg(long, env = "LANYARD_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(long, env = "LANYARD_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Flags of the listeners at which clients present certificates.
    #[command(flatten)]
    pub mutual_tls: MutualTlsArgs,
    /// Proxies whose headers are trusted for the client's address, the host and the scheme
    #[arg(long, env = "LANYARD_TRUSTED_PROXIES", value_name = "CIDR,..", value_delimiter = ',')]
    pub trusted_proxies: Vec<String>,
    /// Headers that the trusted proxies set or append to; the other family is ignored
    #[arg(
        long,
        env = "LANYARD_FORWARDED_HEADERS",
        value_enum,
        default_value_t = ForwardedFamily::XForwarded
    )]
    pub forwarded_headers: ForwardedFamily,
    /// Maximum concurrent connections; further ones wait
    #[arg(long, env = "LANYARD_MAX_CONNECTIONS", default_value_t = 10_000, value_name = "N")]
    pub max_connections: usize,
    /// Maximum concurrent connections per client address (IPv6: per /64); further ones are closed.
    /// Does not apply to trusted proxies. 0: no limit, for a Service that hides client addresses
    #[arg(
        long,
        env = "LANYARD_MAX_CONNECTIONS_PER_ADDRESS",
        default_value_t = 256,
        value_name = "N"
    )]
    pub max_connections_per_address: usize,
    /// Time that requests in flight have to finish during shutdown
    #[arg(
        long,
        env = "LANYARD_DRAIN_TIMEOUT",
        default_value = "20s",
        value_name = "DURATION",
        value_parser = parse_duration_flag
    )]
    pub drain_timeout: Duration,
    /// Time to keep accepting connections after a stop signal, while load balancers remove this
    /// replica
    #[arg(
        long,
        env = "LANYARD_DRAIN_DELAY",
        default_value = "0s",
        value_name = "DURATION",
        value_parser = parse_duration_flag
    )]
    pub drain_delay: Duration,
    /// Internal addresses that clients' URLs (`jwks_uri`, logout, ...) may lead to, also without
    /// TLS; public addresses are always allowed with TLS. dev: this machine is allowed too
    #[arg(long, env = "LANYARD_FETCH_ALLOW", value_name = "CIDR,..", value_delimiter = ',')]
    pub fetch_allow: Vec<String>,
    /// Root certificates (PEM) trusted for clients' URLs in addition to the system's
    #[arg(long, env = "LANYARD_FETCH_CA", value_name = "FILE")]
    pub fetch_ca: Option<PathBuf>,
    /// Threads that check passwords (18 ms and 19 MiB per check); default: half the cores, at least
    /// one
    #[arg(long, env = "LANYARD_PASSWORD_THREADS", value_name = "N")]
    pub password_threads: Option<usize>,
    /// Whether metrics have a label for the tenant. With very many tenants, false keeps the number of
    /// series small
    #[arg(long, env = "LANYARD_METRICS_PER_TENANT", default_value_t = true, value_name = "BOOL", action = ArgAction::Set)]
    pub metrics_per_tenant: bool,
    /// Threads that compute RSA signatures; default: one per core
    #[arg(long, env = "LANYARD_SIGNING_THREADS", value_name = "N")]
    pub signing_threads: Option<usize>,
}
