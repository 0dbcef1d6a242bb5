//! Flags of the store, in `run` and `dev` alike.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr};

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
    /// Database of the postgres store, as `postgres://USER:PASSWORD@HOST/DATABASE`. It holds a
    /// password: give it by the environment
    #[arg(
        long,
        env = "LANYARD_POSTGRES_URL",
        hide_env_values = true,
        value_name = "URL",
        required_if_eq("store", "postgres")
    )]
    pub postgres_url: Option<SecretText>,
    /// Certificates (PEM) to believe of the database; its name is then checked as well
    #[arg(long, env = "LANYARD_POSTGRES_CA", value_name = "FILE")]
    pub postgres_ca: Option<PathBuf>,
    /// Most connections to the database of this replica
    #[arg(
        long,
        env = "LANYARD_POSTGRES_CONNECTIONS",
        default_value_t = 16,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    pub postgres_connections: u32,
    /// Server of the valkey store, as `redis://USER:PASSWORD@HOST:PORT/DATABASE`, or `rediss://`
    /// for TLS. It holds a password: give it by the environment
    #[arg(
        long,
        env = "LANYARD_VALKEY_URL",
        hide_env_values = true,
        value_name = "URL",
        required_if_eq("store", "valkey")
    )]
    pub valkey_url: Option<SecretText>,
    /// Certificates (PEM) to believe of the server, in place of the system's
    #[arg(long, env = "LANYARD_VALKEY_CA", value_name = "FILE")]
    pub valkey_ca: Option<PathBuf>,
    /// Use a server that evicts, or that forgets at a restart what it acknowledged: people then
    /// have to sign in again
    #[arg(long, env = "LANYARD_VALKEY_ALLOW_LOSS")]
    pub valkey_allow_loss: bool,
}

/// Text that is never shown.
#[derive(Clone)]
pub struct SecretText(String);

impl SecretText {
    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretText {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// Kinds of stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StoreKind {
    /// In this process: nothing survives a restart, one replica only
    Memory,
    /// In one file: what was acknowledged survives, one replica only
    Embedded,
    /// In a PostgreSQL database, `CockroachDB` or `YugabyteDB`: for any number of replicas
    Postgres,
    /// On a Valkey or Redis server: for any number of replicas, the fastest
    Valkey,
}

impl StoreKind {
    /// Whether replicas can share it.
    pub const fn is_shared(self) -> bool {
        match self {
            Self::Memory | Self::Embedded => false,
            Self::Postgres | Self::Valkey => true,
        }
    }
}
