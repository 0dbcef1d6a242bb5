//! Flags of the store, for `run` and `dev`.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr};

use clap::{Args, ValueEnum};

use super::flag_values::parse_size;

/// Flags of the store.
#[derive(Args, Debug)]
pub struct StoreArgs {
    /// Store of sessions and grants
    #[arg(long, env = "LANYARD_STORE", value_enum, default_value_t = StoreKind::Embedded)]
    pub store: StoreKind,
    /// File of the embedded store; default: /var/lib/lanyard/store.redb, in dev store.redb in the
    /// state folder
    #[arg(long, env = "LANYARD_STORE_PATH", value_name = "FILE")]
    pub store_path: Option<PathBuf>,
    /// Space of the embedded or postgres store in bytes, such as `10Gi`. Tenants share it: one of them cannot fill it.
    /// A valkey store has the server's `maxmemory` instead, and a memory store a number of records
    #[arg(long, env = "LANYARD_STORE_SIZE", value_name = "BYTES", value_parser = parse_size)]
    pub store_size: Option<u64>,
    /// Database of the postgres store, as `postgres://USER:PASSWORD@HOST/DATABASE`. It contains a
    /// password: set it in the environment
    #[arg(
        long,
        env = "LANYARD_POSTGRES_URL",
        hide_env_values = true,
        value_name = "URL",
        required_if_eq("store", "postgres")
    )]
    pub postgres_url: Option<SecretText>,
    /// CA certificates (PEM) of the database; its host name is then verified too
    #[arg(long, env = "LANYARD_POSTGRES_CA", value_name = "FILE")]
    pub postgres_ca: Option<PathBuf>,
    /// Maximum connections of this replica to the database
    #[arg(
        long,
        env = "LANYARD_POSTGRES_CONNECTIONS",
        default_value_t = 16,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    pub postgres_connections: u32,
    /// Server of the valkey store, as `redis://USER:PASSWORD@HOST:PORT/DATABASE`, or `rediss://`
    /// for TLS. It contains a password: set it in the environment
    #[arg(
        long,
        env = "LANYARD_VALKEY_URL",
        hide_env_values = true,
        value_name = "URL",
        required_if_eq("store", "valkey")
    )]
    pub valkey_url: Option<SecretText>,
    /// CA certificates (PEM) of the server, instead of the system's
    #[arg(long, env = "LANYARD_VALKEY_CA", value_name = "FILE")]
    pub valkey_ca: Option<PathBuf>,
    /// Accept a server that evicts records or loses acknowledged ones at a restart: users then have
    /// to sign in again
    #[arg(long, env = "LANYARD_VALKEY_ALLOW_LOSS")]
    pub valkey_allow_loss: bool,
    /// The file of the embedded store is lost with the Pod. People can enrol no authenticators then
    #[arg(long, env = "LANYARD_STORE_EPHEMERAL")]
    pub store_ephemeral: bool,
}

impl StoreArgs {
    /// Returns true if `--store-size` is set for a store that does not use it.
    pub const fn has_unused_size(&self) -> bool {
        match self.store {
            StoreKind::Memory | StoreKind::Valkey => self.store_size.is_some(),
            StoreKind::Embedded | StoreKind::Postgres => false,
        }
    }

    /// Returns true if the store promises to keep records without an end, such as authenticators.
    pub const fn keeps_authenticators(&self) -> bool {
        match self.store {
            StoreKind::Memory => false,
            StoreKind::Embedded => !self.store_ephemeral,
            StoreKind::Postgres => true,
            StoreKind::Valkey => !self.valkey_allow_loss,
        }
    }
}

/// A flag's value that is never printed.
#[derive(Clone)]
pub struct SecretText(String);

impl SecretText {
    /// Returns the value. Call it only where the value is used.
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

/// The kinds of stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StoreKind {
    /// In this process: lost at a restart, one replica only
    Memory,
    /// In one file: acknowledged writes survive, one replica only
    Embedded,
    /// In a PostgreSQL, `CockroachDB` or `YugabyteDB` database: for any number of replicas
    Postgres,
    /// On a Valkey or Redis server: for any number of replicas, the fastest
    Valkey,
}

impl StoreKind {
    /// Returns true if replicas can share it.
    pub const fn is_shared(self) -> bool {
        match self {
            Self::Memory | Self::Embedded => false,
            Self::Postgres | Self::Valkey => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct StoreCommand {
        #[command(flatten)]
        store: StoreArgs,
    }

    #[test]
    fn a_size_is_for_the_embedded_and_postgres_stores() {
        for (flags, is_unused) in [
            (&["--store=memory"][..], true),
            (&["--store=embedded"], false),
            (&["--store=postgres", "--postgres-url=postgres://u@h/d"], false),
            (&["--store=valkey", "--valkey-url=redis://h"], true),
        ] {
            let arguments = ["lanyard", "--store-size=1Gi"];
            let arguments = arguments.iter().chain(flags);
            let command = StoreCommand::try_parse_from(arguments).expect("valid flags");
            assert_eq!(command.store.has_unused_size(), is_unused, "{flags:?}");
        }
        let command = StoreCommand::try_parse_from(["lanyard", "--store=memory"]);
        assert!(!command.expect("valid flags").store.has_unused_size());
    }

    /// The table in docs/stores.md.
    #[test]
    fn each_store_says_whether_it_keeps_authenticators() {
        for (flags, keeps) in [
            (&["--store=memory"][..], false),
            (&["--store=embedded"], true),
            (&["--store=embedded", "--store-ephemeral"], false),
            (&["--store=postgres", "--postgres-url=postgres://u@h/d"], true),
            (&["--store=valkey", "--valkey-url=redis://h"], true),
            (&["--store=valkey", "--valkey-url=redis://h", "--valkey-allow-loss"], false),
        ] {
            let arguments = std::iter::once(&"lanyard").chain(flags);
            let command = StoreCommand::try_parse_from(arguments).expect("valid flags");
            assert_eq!(command.store.keeps_authenticators(), keeps, "{flags:?}");
        }
    }
}
