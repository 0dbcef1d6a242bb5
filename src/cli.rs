//! Raw flags and environment. Every flag of `run` and `dev` has an environment variable.
//!
//! Must not: check more than shapes; `config` makes checked values of these.

mod store;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum, error::ErrorKind};

pub use store::{SecretText, StoreArgs, StoreKind};

/// OpenID Connect for Kubernetes: tenants and clients are resources, one binary reconciles and
/// serves them.
#[derive(Debug, Parser)]
#[command(name = "lanyard", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reconcile and serve the resources of a cluster
    Run(Box<RunArgs>),
    /// Serve a folder of manifests on this machine: no cluster, no database
    Dev(Box<DevArgs>),
    /// Validate manifests as the cluster would; exit status 1 if there are problems
    Check(CheckArgs),
    /// Print the custom resource definitions as YAML, or write them to a folder
    Crds(CrdsArgs),
    /// Read a password from standard input and print its argon2id hash for an `OidcUser`'s Secret
    HashPassword,
}

/// Flags of `run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// URL that people reach this installation at; tenants without an issuer of their own live
    /// below it at /<namespace>/<name>
    #[arg(long, env = "LANYARD_BASE_URL", value_name = "URL")]
    pub base_url: String,
    /// Hosts that tenants may use beside the base URL's, and the namespaces that may:
    /// "id.example.com=team-a,team-b" or "*.example.com=*"; several separated by ';'
    #[arg(long, env = "LANYARD_ISSUER_HOSTS", value_name = "HOST=NS,..", value_delimiter = ';')]
    pub issuer_hosts: Vec<String>,
    /// Name that the Lease and the Secret of sealing keys are called after
    #[arg(long, env = "LANYARD_NAME", default_value = "lanyard", value_name = "NAME")]
    pub name: String,
    /// Namespace of the installation, for its Lease and its Secret of sealing keys
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAMESPACE")]
    pub namespace: String,
    /// This replica's name in the Lease; the Pod's name in a cluster
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pub identity: String,
    /// Watch these namespaces only, with Roles in each; default: all, with a `ClusterRole`
    #[arg(long, env = "LANYARD_WATCH_NAMESPACES", value_name = "NS,..", value_delimiter = ',')]
    pub watch_namespaces: Vec<String>,
    /// State.
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
    /// Serving.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// Logging.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Flags of `dev`.
#[derive(Args, Debug)]
pub struct DevArgs {
    /// Folder of manifests; every *.yaml below it is read and watched
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Folder for generated Secrets, keys and the store; default: one per DIR below the user's state folder
    #[arg(long, env = "LANYARD_STATE", value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// State.
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
    /// Serving.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// Logging.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Headers by which proxies tell of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ForwardedFamily {
    /// X-Forwarded-For, X-Forwarded-Host and X-Forwarded-Proto
    XForwarded,
    /// Forwarded (RFC 7239)
    Forwarded,
}

/// Serving, in `run` and `dev` alike.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// Certificate chain (PEM); with --tls-key the endpoints speak TLS. Reloaded when it changes
    #[arg(long, env = "LANYARD_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(long, env = "LANYARD_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Proxies whose word on the client's address and the host asked for counts
    #[arg(long, env = "LANYARD_TRUSTED_PROXIES", value_name = "CIDR,..", value_delimiter = ',')]
    pub trusted_proxies: Vec<String>,
    /// The headers that they write, or append to; the others are a client's own
    #[arg(
        long,
        env = "LANYARD_FORWARDED_HEADERS",
        value_enum,
        default_value_t = ForwardedFamily::XForwarded
    )]
    pub forwarded_headers: ForwardedFamily,
    /// Most connections at once; further ones wait
    #[arg(long, env = "LANYARD_MAX_CONNECTIONS", default_value_t = 10_000, value_name = "N")]
    pub max_connections: usize,
    /// Most connections of one address at once (IPv6: of its /64); further ones are closed. Trusted
    /// proxies may have any number. 0: no limit, for a Service that hides who connects
    #[arg(
        long,
        env = "LANYARD_MAX_CONNECTIONS_PER_ADDRESS",
        default_value_t = 1_000,
        value_name = "N"
    )]
    pub max_connections_per_address: usize,
    /// How long requests in flight may take once a stop is asked for
    #[arg(
        long,
        env = "LANYARD_DRAIN_TIMEOUT",
        default_value = "20s",
        value_name = "DURATION",
        value_parser = parse_duration
    )]
    pub drain_timeout: Duration,
    /// How long to go on accepting connections after a stop is asked for, while load balancers
    /// take this replica out
    #[arg(
        long,
        env = "LANYARD_DRAIN_DELAY",
        default_value = "0s",
        value_name = "DURATION",
        value_parser = parse_duration
    )]
    pub drain_delay: Duration,
    /// Addresses inside the network that clients' URLs (`jwks_uri`, logout, ...) may lead to, also
    /// without TLS; public ones may always be called with TLS. dev: this machine as well
    #[arg(long, env = "LANYARD_FETCH_ALLOW", value_name = "CIDR,..", value_delimiter = ',')]
    pub fetch_allow: Vec<String>,
    /// Certificates (PEM) to believe beside the system's when calling clients' URLs
    #[arg(long, env = "LANYARD_FETCH_CA", value_name = "FILE")]
    pub fetch_ca: Option<PathBuf>,
    /// Threads that check passwords (18 ms and 19 MiB each); default: half the cores, at least one
    #[arg(long, env = "LANYARD_PASSWORD_THREADS", value_name = "N")]
    pub password_threads: Option<usize>,
    /// Threads that make RSA signatures; default: the cores
    #[arg(long, env = "LANYARD_SIGNING_THREADS", value_name = "N")]
    pub signing_threads: Option<usize>,
}

/// Logging, in `run` and `dev` alike.
#[derive(Args, Debug)]
pub struct LogArgs {
    /// Form of log lines; default: json in a cluster, text in dev
    #[arg(long, env = "LANYARD_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormatArg>,
    /// What is logged: error, warn, info, debug or trace, also per module: "info,lanyard=debug"
    #[arg(long, env = "LANYARD_LOG", default_value = "info", value_name = "FILTER")]
    pub log_level: String,
}

/// Flags of `check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Files and folders of manifests, judged together
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// URL that tenants without an issuer of their own would live below
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
    /// Write one file a kind to this folder instead of printing
    #[arg(long, env = "LANYARD_CRDS_DIR", value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Forms of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormatArg {
    /// One JSON object a line
    Json,
    /// For people
    Text,
}

/// A command line that cannot be read, in one line; `None` if help or the version is what was asked
/// for.
pub fn refusal(error: &clap::Error) -> Option<String> {
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
    // The command, without its arguments.
    let command = usage.split_whitespace().take_while(|word| word.starts_with(char::is_lowercase));
    let command = command.collect::<Vec<_>>().join(" ");
    Some(format!("{said} (see {command} --help)"))
}

/// An address to listen at. Names have none, or several.
fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "use an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::]:8080".to_owned()
    })
}

/// A duration such as `20s` or `1m30s`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration =
        text.parse().map_err(|_| "use a duration such as 20s or 1m30s".to_owned())?;
    Duration::try_from(span).map_err(|_| "a duration cannot be negative".to_owned())
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
    fn an_address_that_is_none_says_what_one_looks_like() {
        let said = Cli::try_parse_from(["lanyard", "dev", ".", "--listen", "localhost:8080"])
            .expect_err("a name is no address")
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
