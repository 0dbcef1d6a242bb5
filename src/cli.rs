//! Raw flags and environment. Every flag of `run` and `dev` has an environment variable.
//!
//! Must not: check more than syntax; `config` builds checked values.

mod flag_values;
mod import;
mod kube_auth;
mod mutual_tls;
mod permissions;
mod serve;
mod store;
mod usage;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use flag_values::parse_address;
pub use import::{ImportDexArgs, ImportKeycloakArgs, ImportSource, ImportTargetArgs};
pub use kube_auth::KubeAuthArgs;
pub use mutual_tls::{CertificateFormatArg, MutualTlsArgs};
pub use permissions::PermissionArgs;
pub use serve::{ForwardedFamily, ServeArgs};
pub use store::{SecretText, StoreArgs, StoreKind};
pub use usage::usage_refusal;

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
    /// Print the texts of pages, as the template of a file for another language
    Messages(MessagesArgs),
    /// Convert the configuration of another provider to manifests; names on standard error what is
    /// not imported
    #[command(subcommand)]
    Import(ImportSource),
    /// Print the file by which an API server accepts the ID tokens of a Tenant (`--authentication-config`)
    KubeAuth(KubeAuthArgs),
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
    /// Flags for the permissions that the installation gives to namespaces.
    #[command(flatten)]
    pub permissions: PermissionArgs,
    /// `ConfigMap` in the installation's namespace with the entries issuerHosts, internalHosts,
    /// insecureHttpHosts and upstreamHosts, which replace the flags of these names. Changes need no restart
    #[arg(long, env = "LANYARD_HOSTS_CONFIG_MAP", value_name = "NAME")]
    pub hosts_config_map: Option<String>,
    /// Name of the Helm release; the Lease and the Secrets of sealing and vault keys are named after it
    #[arg(long, env = "LANYARD_RELEASE_NAME", default_value = "lanyard", value_name = "NAME")]
    pub release_name: String,
    /// Namespace of the installation, which contains its Lease and its Secrets of sealing and vault keys
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

/// Flags of the log, for `run` and `dev`.
#[derive(Args, Debug)]
pub struct LogArgs {
    /// Format of log lines; default: json in a cluster, text in dev
    #[arg(long, env = "LANYARD_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormatArg>,
    /// Log level: error, warn, info, debug or trace, also per module: "info,lanyard=debug"
    #[arg(long, env = "LANYARD_LOG_LEVEL", default_value = "info", value_name = "FILTER")]
    pub log_level: String,
}

/// Flags of `check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Files and folders of manifests, validated together; - is standard input
    #[arg(value_name = "PATH", required_unless_present = "languages")]
    pub paths: Vec<PathBuf>,
    /// Folder of files of messages to validate too, one for each language, such as fr.yaml
    #[arg(long, env = "LANYARD_LANGUAGES", value_name = "DIR")]
    pub languages: Option<PathBuf>,
    /// Base URL for tenants without an issuer URL of their own
    #[arg(
        long,
        env = "LANYARD_BASE_URL",
        default_value = "https://lanyard.invalid",
        value_name = "URL"
    )]
    pub base_url: String,
}

/// Flags of `messages`.
#[derive(Args, Debug)]
pub struct MessagesArgs {
    /// Language of the texts, as a tag such as de or pt-BR; English if it is not built in
    #[arg(long, env = "LANYARD_LOCALE", default_value = "en", value_name = "TAG")]
    pub locale: String,
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
