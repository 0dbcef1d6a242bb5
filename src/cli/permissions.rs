//! Flags of `run` for the permissions that the installation gives to namespaces.

use clap::Args;

/// Flags for the permissions that the installation gives to namespaces.
#[derive(Args, Debug)]
pub struct PermissionArgs {
    /// Additional hosts that tenants may use, and the namespaces that may use each:
    /// "id.example.com=team-a,team-b" or "*.example.com=*"; separate several with ';'
    #[arg(long, env = "LANYARD_ISSUER_HOSTS", value_name = "HOST=NS,..", value_delimiter = ';')]
    pub issuer_hosts: Vec<String>,
    /// Hosts besides loopback ones where issuers and redirect URIs may use http, unencrypted, and
    /// the namespaces that may: "*.home.lan=team-a,team-b"; separate several with ';'
    #[arg(
        long,
        env = "LANYARD_INSECURE_HTTP_HOSTS",
        value_name = "HOST=NS,..",
        value_delimiter = ';'
    )]
    pub insecure_http_hosts: Vec<String>,
    /// Hosts inside the network where identity providers may be, and the namespaces whose tenants
    /// may call them: "ldap.corp.internal=team-a"; separate several with ';'. Hosts with public
    /// addresses need no entry
    #[arg(long, env = "LANYARD_UPSTREAM_HOSTS", value_name = "HOST=NS,..", value_delimiter = ';')]
    pub upstream_hosts: Vec<String>,
    /// Keys of labels and annotations that clients may put on their Secrets although other
    /// controllers act on them, and the namespaces that may use each:
    /// "argocd.argoproj.io/secret-type=argocd" or "argocd.argoproj.io/*=*"; separate several with ';'
    #[arg(
        long,
        env = "LANYARD_CLIENT_SECRET_KEYS",
        value_name = "KEY=NS,..",
        value_delimiter = ';'
    )]
    pub client_secret_keys: Vec<String>,
    /// Names that clients may give to their Secrets although other controllers act on them, and the
    /// namespaces that may use each: "argocd-secret=argocd"; separate several with ';'
    #[arg(
        long,
        env = "LANYARD_CLIENT_SECRET_NAMES",
        value_name = "NAME=NS,..",
        value_delimiter = ';'
    )]
    pub client_secret_names: Vec<String>,
}
