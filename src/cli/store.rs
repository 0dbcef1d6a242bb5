//! Flags of the store, in `run` and `dev` alike.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Where sessions and grants are kept.
#[derive(Args, Debug)]
pub struct StoreArgs {
    /// Where sessions and grants are kept
    #[arg(long, env = "LANYARD_STORE", value_enum, default_value_t = StoreKind::Embedded)]
    pub store: StoreKind,
    /// File of the embedded store; default: /var/lib/lanyard/store.redb, and in dev store.redb in
    /// the folder of the state
    #[arg(long, env = "LANYARD_STORE_PATH", value_name = "FILE")]
    pub store_path: Option<PathBuf>,
}

/// Kinds of stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StoreKind {
    /// In this process: nothing survives a restart, one replica only
    Memory,
    /// In one file: what was acknowledged survives, one replica only
    Embedded,
}

impl StoreKind {
    /// Whether replicas can share it.
    pub const fn is_shared(self) -> bool {
        match self {
            Self::Memory | Self::Embedded => false,
        }
    }
}
