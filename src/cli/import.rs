//! Flags of `import`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The programs whose configuration can be converted.
#[derive(Debug, Subcommand)]
pub enum ImportSource {
    /// Convert a configuration file of Dex
    Dex(ImportDexArgs),
    /// Convert the export of a Keycloak realm
    Keycloak(ImportKeycloakArgs),
}

/// Flags of `import dex`.
#[derive(Args, Debug)]
pub struct ImportDexArgs {
    /// The file that `dex serve` reads; - is standard input
    #[arg(value_name = "CONFIG")]
    pub config: PathBuf,
    /// Flags of both sources.
    #[command(flatten)]
    pub target: ImportTargetArgs,
}

/// Flags of `import keycloak`.
#[derive(Args, Debug)]
pub struct ImportKeycloakArgs {
    /// The files that `kc.sh export` wrote for one realm, with its users; - is standard input
    #[arg(value_name = "REALM.json", required = true)]
    pub files: Vec<PathBuf>,
    /// Flags of both sources.
    #[command(flatten)]
    pub target: ImportTargetArgs,
}

/// Flags of the manifests that an import writes.
#[derive(Args, Debug)]
pub struct ImportTargetArgs {
    /// Name of the Tenant; default: main for Dex, the realm's name for Keycloak
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
    /// Namespace of the objects; default: none is written, so that kubectl chooses
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Issuer URL of the Tenant; default: the source's, if it has one
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
    /// Write one file per object to this folder instead of printing
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
