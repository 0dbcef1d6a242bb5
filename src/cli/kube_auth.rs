//! Flags of `kube-auth`.

use std::path::PathBuf;

use clap::Args;

/// Flags of `kube-auth`.
#[derive(Args, Debug)]
pub struct KubeAuthArgs {
    /// The Tenant as NAMESPACE/NAME in the cluster of the kubeconfig, or its issuer URL
    #[arg(value_name = "TENANT")]
    pub tenant: String,
    /// Context of the kubeconfig that the Tenant is read with; default: the current one
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Client ID that tokens are accepted of; can be repeated
    #[arg(long, default_value = "kubectl", value_name = "ID")]
    pub client_id: Vec<String>,
    /// Claim that is the username
    #[arg(long, default_value = "email", value_name = "CLAIM")]
    pub username_claim: String,
    /// Prefix of usernames
    #[arg(long, default_value = "", value_name = "PREFIX")]
    pub username_prefix: String,
    /// Claim that has the groups
    #[arg(long, default_value = "groups", value_name = "CLAIM")]
    pub groups_claim: String,
    /// Prefix of groups
    #[arg(long, default_value = "oidc:", value_name = "PREFIX")]
    pub groups_prefix: String,
    /// File with the certificates of the authority that issued the issuer's certificate, in PEM format; default: the
    /// authorities that the API server's machine trusts
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Version of the file: v1, or v1beta1 for Kubernetes 1.30 to 1.33
    #[arg(long, default_value = "v1", value_name = "VERSION", value_parser = ["v1", "v1beta1"])]
    pub config_version: String,
}
