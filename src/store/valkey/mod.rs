//! The fastest store of several replicas: a single Valkey or Redis server. An operation is one
//! script, so it is atomic and takes one round trip.
//!
//! Must not: log or return the URL, which contains a password.

mod connection;
mod failure;
mod row;
mod scripts;
mod server;
mod space;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    ops::RangeInclusive,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use async_trait::async_trait;
use redis::{Client, FromRedisValue, ScriptInvocation, TlsCertificates};

use super::{
    CLOCK_SKEW, DueRecords, IndexEntry, MAX_LISTED, Record, RecordKey, RecordKind, Store,
    StoreError, StoreState, UnusableCa, VersionedRecord, ca,
    encoding::{self, DamagedRecord},
    record::skip_damaged,
    retry::{random_version, resolve_unknown, with_retries, with_timeout},
};
use crate::model::{Entropy, TenantId, Timestamp};
use connection::{ValkeyConnection, ValkeyLink};
use failure::ValkeyError;
use row::script_millis;

/// Connection settings of the server.
pub struct ValkeyOptions {
    /// `redis://` or, with TLS, `rediss://user:password@host:port/database`.
    pub url: String,
    /// CA certificates (PEM), used instead of the system's.
    pub ca: Option<PathBuf>,
    /// Accept a server that evicts records or loses them at a restart.
    pub allow_loss: bool,
}

/// The connection settings are invalid. The message does not repeat the URL, because it contains a
/// password.
#[derive(Debug, thiserror::Error)]
pub enum UnusableValkey {
    /// The URL does not have the form `redis://` or `rediss://USER:PASSWORD@HOST:PORT/DATABASE`.
    #[error("--valkey-url: write redis://USER:PASSWORD@HOST:PORT/DATABASE, or rediss:// for TLS")]
    Url,
    /// CA certificates are set, but the URL does not use TLS.
    #[error("--valkey-ca: requires a --valkey-url that begins with rediss://")]
    CaWithoutTls,
    /// The CA certificates cannot be used.
    #[error("--valkey-ca: {0}")]
    Ca(#[from] UnusableCa),
}

/// A store on a Valkey server.
pub struct ValkeyStore {
    link: ValkeyLink,
    entropy: Arc<dyn Entropy>,
    /// The server was found not to permit a count.
    is_uncountable: AtomicBool,
}

impl ValkeyStore {
    /// A store that connects on first use.
    pub fn new(options: &ValkeyOptions, entropy: Arc<dyn Entropy>) -> Result<Self, UnusableValkey> {
        let client = client(options)?;
        Ok(Self {
            link: ValkeyLink::new(client, options.allow_loss, Arc::clone(&entropy)),
            entropy,
            is_uncountable: AtomicBool::new(false),
        })
    }

    /// Sends a command once, over the current connection.
    async fn execute<T: FromRedisValue>(
        &self,
        command: impl FnOnce(&ValkeyConnection) -> ValkeyCommand,
    ) -> Result<T, ValkeyError> {
        let connected = self.link.connected().await?;
        let mut connection = connected.connection.clone();
        let answer = match command(&connected) {
            ValkeyCommand::Get(key) => {
                redis::cmd("GET").arg(key).query_async(&mut connection).await
            }
            ValkeyCommand::MemoryInfo => {
                redis::cmd("INFO").arg("memory").query_async(&mut connection).await
            }
            ValkeyCommand::Run(script) => script.invoke_async(&mut connection).await,
        };
        answer
            .map_err(ValkeyError::Operation)
            .inspect_err(|failure| self.link.failed(&connected, failure))
    }

    /// Runs a script that writes at most one record; returns true if it did.
    async fn write(
        &self,
        script: &'static redis::Script,
        record: &Record,
        now: Timestamp,
        replaced: Option<u64>,
    ) -> Result<bool, StoreError> {
        record.check_size()?;
        let version = random_version(&*self.entropy);
        let (key, row) = (&encoding::encode_key(&record.key), &row::write_row(record, version));
        let due =
            &record.due_at.map_or_else(String::new, |due| script_millis(due.millis()).to_string());
        let attempt = || {
            self.execute(move |connected| {
                let mut run = changing(script, connected, now);
                run.arg(key).arg(row).arg(due);
                if let Some(replaced) = replaced {
                    run.arg(format!("{replaced:016x}"));
                }
                ValkeyCommand::Run(run)
            })
        };
        let outcome = with_timeout(with_retries(true, attempt)).await?;
        resolve_unknown(outcome, self, (&record.key, version), now).await
    }
}

/// A command for the server, with its arguments.
enum ValkeyCommand {
    Get(Vec<u8>),
    MemoryInfo,
    Run(ScriptInvocation<'static>),
}

/// Runs a script that writes. The server refuses it unless it still has the store that this replica
/// connected to.
fn changing(
    script: &'static redis::Script,
    connected: &ValkeyConnection,
    now: Timestamp,
) -> ScriptInvocation<'static> {
    let mut run = script.prepare_invoke();
    run.arg(&connected.incarnation).arg(script_millis(now.millis()));
    run
}

fn client(options: &ValkeyOptions) -> Result<Client, UnusableValkey> {
    let Some(ca) = &options.ca else {
        return Client::open(&*options.url).map_err(|_| UnusableValkey::Url);
    };
    if !options.url.starts_with("rediss://") {
        return Err(UnusableValkey::CaWithoutTls);
    }
    let certificates = TlsCertificates { client_tls: None, root_cert: Some(ca::read_ca_file(ca)?) };
    Client::build_with_tls(&*options.url, certificates).map_err(|_| UnusableValkey::Url)
}

impl fmt::Debug for ValkeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValkeyStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for ValkeyStore {
    async fn insert(&self, record: Record, now: Timestamp) -> Result<bool, StoreError> {
        self.write(&scripts::INSERT, &record, now, None).await
    }

    async fn get(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        let name = &[scripts::RECORD.as_bytes(), &encoding::encode_key(key)].concat();
        let attempt = || self.execute::<Option<Vec<u8>>>(move |_| ValkeyCommand::Get(name.clone()));
        let (found, _) = with_timeout(with_retries(true, attempt)).await?;
        let stored = found.map(|bytes| row::read_row(&bytes, key.clone())).transpose()?;
        Ok(stored.filter(|stored| !stored.record.is_expired(now)))
    }

    async fn take(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, StoreError> {
        let name = &encoding::encode_key(key);
        let attempt = || {
            self.execute::<Option<Vec<u8>>>(move |connected| {
                let mut run = changing(&scripts::TAKE, connected, now);
                run.arg(name);
                ValkeyCommand::Run(run)
            })
        };
        let (found, _) = with_timeout(with_retries(false, attempt)).await?;
        Ok(found.map(|bytes| row::read_row(&bytes, key.clone())).transpose()?)
    }

    async fn compare_and_swap(
        &self,
        version: u64,
        record: Record,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(&scripts::SWAP, &record, now, Some(version)).await
    }

    async fn list(
        &self,
        kind: RecordKind,
        tenant: &TenantId,
        owner: &IndexEntry,
        now: Timestamp,
    ) -> Result<Vec<VersionedRecord>, StoreError> {
        let scope = &encoding::encode_scope(kind, tenant);
        let listing = &encoding::encode_listing(scope, (owner.kind.as_str(), &owner.id));
        let attempt = || {
            self.execute::<Vec<(Vec<u8>, Vec<u8>)>>(move |_| {
                let mut run = scripts::LIST.prepare_invoke();
                run.arg(script_millis(now.millis())).arg(scope).arg(listing).arg(MAX_LISTED);
                ValkeyCommand::Run(run)
            })
        };
        let (found, _) = with_timeout(with_retries(true, attempt)).await?;
        let stored = |(id, row): (Vec<u8>, Vec<u8>)| {
            let key = RecordKey::new(kind, tenant, String::from_utf8_lossy(&id));
            Ok(row::read_row(&row, key)?)
        };
        found.into_iter().map(stored).collect()
    }

    async fn list_due(
        &self,
        kind: RecordKind,
        due: RangeInclusive<Timestamp>,
        limit: usize,
        now: Timestamp,
    ) -> Result<DueRecords, StoreError> {
        let (from, until) =
            (script_millis(due.start().millis()), script_millis(due.end().millis()));
        let attempt = || {
            self.execute::<Vec<(Vec<u8>, i64, Vec<u8>)>>(move |_| {
                let mut run = scripts::LIST_DUE.prepare_invoke();
                run.arg(script_millis(now.millis()))
                    .arg(kind.as_str())
                    .arg(from)
                    .arg(until)
                    .arg(limit);
                ValkeyCommand::Run(run)
            })
        };
        let (found, _) = with_timeout(with_retries(true, attempt)).await?;
        let stored = |(key, due_at, row): (Vec<u8>, i64, Vec<u8>)| {
            let decoded = encoding::record_key(kind, &key).ok_or(DamagedRecord);
            let decoded = decoded.and_then(|key| row::read_row(&row, key));
            let mut stored = skip_damaged(kind, key.escape_ascii(), decoded)?;
            // A row that an earlier release has replaced is still listed, but contains no due time.
            stored.record.due_at = Some(Timestamp::from_millis(due_at));
            Some(stored)
        };
        Ok(DueRecords::of(found.into_iter().map(stored)))
    }

    async fn purge(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        let moment = script_millis(now.minus(CLOCK_SKEW).millis());
        let attempt = || {
            self.execute(move |_| {
                let mut run = scripts::PURGE.prepare_invoke();
                run.arg(moment).arg(limit);
                ValkeyCommand::Run(run)
            })
        };
        Ok(with_timeout(with_retries(true, attempt)).await?.0)
    }

    async fn state(&self) -> Result<StoreState, StoreError> {
        let attempt = || async {
            let connected = self.link.connected().await?;
            let identity = self.link.identify(&connected.connection).await;
            identity.inspect_err(|failure| self.link.failed(&connected, failure))
        };
        let (about, _) = with_timeout(with_retries(true, attempt)).await?;
        Ok(StoreState { incarnation: about.incarnation, time: Some(about.time) })
    }

    async fn incarnation(&self) -> Result<String, StoreError> {
        let attempt = || self.link.connected();
        let (connected, _) = with_timeout(with_retries(true, attempt)).await?;
        Ok(connected.incarnation.clone())
    }
}
