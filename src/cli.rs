//! Raw flags and environment. Every flag of `run` and `dev` has an environment variable.
//!
//! Must not: check more than syntax; `config` builds checked values.

mod flag_values;
mod permissions;
mod store;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, error::ErrorKind};

use flag_values::{parse_address, parse_duration};
pub use permissions::PermissionArgs;
pub use store::{SecretText, StoreArgs, StoreKind};

/// OpenID Connect for Kubernetes: tenants and clients are resources, and one binary reconciles and
/// serves them.
#[derive(Debug, Parser)]
#[command(name = "lanyard", version, propagate_version = true)]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands of `lanyard`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reconcile and serve the resources of a cluster
    Run(Box<RunArgs>),
    /// Serve a folder of manifests on this machine: no cluster, no database
    Dev(Box<DevArgs>),
    /// Validate manifests as the cluster would; exits with status 1 if there are problems
    Check(CheckArgs),
    /// Print the custom resource definitions as YAML, or write them to a folder
    Crds(CrdsArgs),
    /// Read a password from standard input and print its argon2id hash for an `OidcUser`'s Secret
    HashPassword,
}

/// Flags of `run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Public URL of this installation; tenants without an issuer URL of their own are served below
    /// it at /<namespace>/<name>
    #[arg(long, env = "LANYARD_BASE_URL", value_name = "URL")]
    pub base_url: String,
    /// Flags of what namespaces may use.
    #[command(flatten)]
    pub permissions: PermissionArgs,
    /// `ConfigMap` in the installation's namespace with the entries issuerHosts, internalHosts,
    /// insecureHttpHosts and upstreamHosts, which replace the flags of these names. Changes need no restart
    #[arg(long, env = "LANYARD_HOSTS_CONFIG_MAP", value_name = "NAME")]
    pub hosts_config_map: Option<String>,
    /// Name of the Helm release; the Lease and the Secret of sealing keys are named after it
    #[arg(long, env = "LANYARD_RELEASE_NAME", default_value = "lanyard", value_name = "NAME")]
    pub release_name: String,
    /// Namespace of the installation, which contains its Lease and its Secret of sealing keys
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAMESPACE")]
    pub namespace: String,
    /// Name of this replica in the Lease; in a cluster, the Pod's name
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pub identity: String,
    /// Watch only these namespaces, with a Role in each; default: all, with a `ClusterRole`
    #[arg(long, env = "LANYARD_WATCH_NAMESPACES", value_name = "NS,..", value_delimiter = ',')]
    pub watch_namespaces: Vec<String>,
    /// Watch the namespaces that this label selector matches, such as "sso=yes"; each needs a
    /// `RoleBinding`
    #[arg(
        long,
        env = "LANYARD_WATCH_NAMESPACES_SELECTOR",
        value_name = "SELECTOR",
        conflicts_with = "watch_namespaces"
    )]
    pub watch_namespaces_selector: Option<String>,
    /// Flags of the store.
    #[command(flatten)]
    pub store: StoreArgs,
    /// Address of the endpoints and pages
    #[arg(long, env = "LANYARD_LISTEN", default_value = "0.0.0.0:8080", value_name = "ADDR:PORT", value_parser = parse_address)]
    pub listen: SocketAddr,
    /// Address of /healthz, /readyz and /metrics
    #[arg(
        long,
        env = "LANYARD_ADMIN_LISTEN",
        default_value = "0.0.0.0:9090",
        value_name = "ADDR:PORT",
        value_parser = parse_address
    )]
    pub admin_listen: SocketAddr,
    /// Flags of the server.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// Flags of the log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Flags of `dev`.
#[derive(Args, Debug)]
pub struct DevArgs {
    /// Folder of manifests; every *.yaml, *.yml and *.json file below it is read and watched
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Folder for generated Secrets, keys and the store; default: one per DIR in the user's state
    /// folder
    #[arg(long, env = "LANYARD_STATE", value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Flags of the store.
    #[command(flatten)]
    pub store: StoreArgs,
    /// Address of the endpoints and pages
    #[arg(
        long,
        env = "LANYARD_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDR:PORT",
        value_parser = parse_address
    )]
    pub listen: SocketAddr,
    /// Address of /healthz, /readyz and /metrics; default: none
    #[arg(long, env = "LANYARD_ADMIN_LISTEN", value_name = "ADDR:PORT", value_parser = parse_address)]
    pub admin_listen: Option<SocketAddr>,
    /// URL that browsers use; default: http(s)://localhost:PORT
    #[arg(long, env = "LANYARD_BASE_URL", value_name = "URL")]
    pub base_url: Option<String>,
    /// Flags of the server.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// Flags of the log.
    #[command(flatten)]
    pub log: LogArgs,
}

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
    /// Certificate chain (PEM); with --tls-key the endpoints use TLS. Reloaded when it changes
    #[arg(long, env = "LANYARD_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(long, env = "LANYARD_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
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
        default_value_t = 1_000,
        value_name = "N"
    )]
    pub max_connections_per_address: usize,
    /// Time that requests in flight have to finish during shutdown
    #[arg(
        long,
        env = "LANYARD_DRAIN_TIMEOUT",
        default_value = "20s",
        value_name = "DURATION",
        value_parser = parse_duration
    )]
    pub drain_timeout: Duration,
    /// Time to keep accepting connections after a stop signal, while load balancers remove this
    /// replica
    #[arg(
        long,
        env = "LANYARD_DRAIN_DELAY",
        default_value = "0s",
        value_name = "DURATION",
        value_parser = parse_duration
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

/// Flags of the log, for `run` and `dev`.
#[derive(Args, Debug)]
pub struct LogArgs {
    /// Format of log lines; default: json in a cluster, text in dev
    #[arg(long, env = "LANYARD_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormatArg>,
    /// Log level: error, warn, info, debug or trace, also per module: "info,lanyard=debug"
    #[arg(long, env = "LANYARD_LOG", default_value = "info", value_name = "FILTER")]
    pub log_level: String,
}

/// Flags of `check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Files and folders of manifests, validated together; - is standard input
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Base URL for tenants without an issuer URL of their own
    #[arg(
        long,
        env = "LANYARD_BASE_URL",
        default_value = "https://lanyard.invalid",
        value_name = "URL"
    )]
    pub base_url: String,
}

/// Flags of `crds`.
#[derive(Args, Debug)]
pub struct CrdsArgs {
    /// Write one file per kind to this folder instead of printing
    #[arg(long, env = "LANYARD_CRDS_DIR", value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Formats of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormatArg {
    /// One JSON object per line
    Json,
    /// Readable text
    Text,
}

/// The one-line error message for an invalid command line; `None` if help or the version was
/// requested.
pub fn usage_refusal(error: &clap::Error) -> Option<String> {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return None;
    }
    let text = error.to_string();
    let (said, usage) = text.split_once("Usage: ").unwrap_or((&text, "lanyard"));
    let paragraphs: Vec<String> = said
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|paragraph| !paragraph.is_empty() && !paragraph.starts_with("For more information"))
        .collect();
    let said = paragraphs.join("; ");
    let said = said.strip_prefix("error: ").unwrap_or(&said);
    // The command without its arguments.
    let command = usage.split_whitespace().take_while(|word| word.starts_with(char::is_lowercase));
    let command = command.collect::<Vec<_>>().join(" ");
    Some(format!("{said} (see {command} --help)"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_invalid_address_error_has_examples() {
        let said = Cli::try_parse_from(["lanyard", "dev", ".", "--listen", "localhost:8080"])
            .expect_err("a name is not an address")
            .to_string();
        assert!(said.contains("such as 127.0.0.1:8080"), "{said}");
    }

    #[test]
    fn every_flag_of_the_servers_has_an_environment_variable() {
        let cli = Cli::command();
        for name in ["run", "dev", "check"] {
            let command = cli.find_subcommand(name).expect("a command");
            for flag in command
                .get_opts()
                .filter(|flag| !["help", "version"].contains(&flag.get_id().as_str()))
            {
                assert!(flag.get_env().is_some(), "--{} of {name}", flag.get_id());
            }
        }
    }
}
