//! Seals records with the newest vault key (authenticators, chosen passwords, invitations), so that older keys can be
//! retired. Only the replica that holds the Lease does this.
//!
//! The due time of a record is the time at which its vault key was first used. A query for records with an earlier due
//! time than that of the newest key therefore finds exactly the records of older keys, in all tenants.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::{sync::watch, time::sleep};

use crate::{
    accounts::AccountServices,
    keys::{Vault, VaultError, VaultPlace},
    model::{Clock, Entropy, Timestamp, VaultKeysInUse, VaultUseReceiver},
    registry::SnapshotHandle,
    store::{MAX_LISTED, Record, RecordKind, StoreError, VersionedRecord},
};

/// The kinds of records that are sealed with vault keys.
const KINDS: [RecordKind; 5] = [
    RecordKind::Totp,
    RecordKind::RecoveryCodes,
    RecordKind::Passkey,
    RecordKind::Password,
    RecordKind::Invitation,
];
/// Maximum number of records of a kind that a search reads. Those that cannot be opened remain due, so they are
/// found again each time.
const MAX_SEARCHED: usize = 100 * MAX_LISTED;
/// Time between two searches.
const INTERVAL: Duration = Duration::from_mins(10);
/// Time until a search that failed is repeated.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);

/// The worker that encrypts records again while this replica holds the Lease.
#[derive(Debug)]
pub struct VaultResealer {
    services: Arc<AccountServices>,
    registry: SnapshotHandle,
    clock: Arc<dyn Clock>,
    found: watch::Sender<Option<VaultKeysInUse>>,
}

/// The result of the attempt to encrypt a record again.
enum ResealedRecord {
    /// The record is sealed with the newest key, or no longer exists.
    Done,
    /// The record cannot be opened. The id is that of its key.
    Left([u8; 4]),
    /// Another writer was faster.
    Changed,
}

/// The result of a search among the records of a kind.
struct ResealProgress {
    /// The keys of records that cannot be opened.
    left: BTreeSet<[u8; 4]>,
    /// Whether all records were looked at.
    is_complete: bool,
}

impl VaultResealer {
    /// A worker, and the receiver of what it finds.
    pub fn new(
        services: &Arc<AccountServices>,
        registry: SnapshotHandle,
        clock: &Arc<dyn Clock>,
    ) -> (Self, VaultUseReceiver) {
        let (found, receiver) = watch::channel(None);
        let (services, clock) = (Arc::clone(services), Arc::clone(clock));
        (Self { services, registry, clock, found }, receiver)
    }

    /// Works until the process ends.
    pub async fn run(self, mut leads: watch::Receiver<bool>) {
        while leads.wait_for(|leads| *leads).await.is_ok() {
            let pause = match self.reseal_records().await {
                Ok(_) => INTERVAL,
                Err(error) => {
                    tracing::warn!(%error, "could not seal authenticators again; retrying");
                    RETRY_INTERVAL
                }
            };
            sleep(pause).await;
        }
    }

    /// Seals what is left under older keys, once. Returns the keys in use if all of it was looked at.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails. Records that were sealed before stay so.
    pub async fn reseal_records(&self) -> Result<Option<VaultKeysInUse>, StoreError> {
        let Some(vault) = self.registry.snapshot().vault.clone() else { return Ok(None) };
        let checked_at = self.services.store_clock.now();
        let (newest, since) = vault.current_key(checked_at);
        let (mut left, mut is_complete) = (BTreeSet::new(), true);
        for kind in KINDS {
            let found = self.reseal_kind(&vault, kind, since).await?;
            left.extend(found.left);
            is_complete &= found.is_complete;
        }
        if !left.is_empty() {
            tracing::warn!(
                keys = left.len(),
                "authenticators in the store cannot be opened; their vault keys are missing"
            );
        }
        if !is_complete {
            tracing::warn!(
                "not every authenticator in the store could be looked at, so no vault key is retired"
            );
            return Ok(None);
        }
        let found = Some(VaultKeysInUse { newest, left, checked_at });
        self.found.send_replace(found.clone());
        Ok(found)
    }

    /// Encrypts the records of a kind again. The search is not complete if the store cannot read a record, because the
    /// key of that record is unknown.
    async fn reseal_kind(
        &self,
        vault: &Vault,
        kind: RecordKind,
        since: Timestamp,
    ) -> Result<ResealProgress, StoreError> {
        let before = Timestamp::from_millis(0)..=since.minus(Duration::from_millis(1));
        let mut limit = MAX_LISTED;
        loop {
            let now = self.clock.now();
            let store = &self.services.store;
            let found = store.list_due(kind, before.clone(), limit, now).await?;
            let (may_be_more, skipped) = (found.may_be_cut_off(limit), found.skipped);
            let (mut left, mut stuck, mut is_settled) = (BTreeSet::new(), skipped, true);
            for stored in found.records {
                match self.reseal_record(vault, stored).await? {
                    ResealedRecord::Done => {}
                    ResealedRecord::Changed => is_settled = false,
                    ResealedRecord::Left(key) => {
                        stuck += 1;
                        left.insert(key);
                    }
                }
            }
            let is_searched = is_settled && !may_be_more;
            // Those that stay due are in front of the others.
            limit = stuck.saturating_add(MAX_LISTED);
            if is_searched || limit > MAX_SEARCHED {
                return Ok(ResealProgress { left, is_complete: is_searched && skipped == 0 });
            }
        }
    }

    async fn reseal_record(
        &self,
        vault: &Vault,
        stored: VersionedRecord,
    ) -> Result<ResealedRecord, StoreError> {
        let VersionedRecord { record, version } = stored;
        let (store, now) = (&self.services.store, self.clock.now());
        let text = std::str::from_utf8(&record.value).unwrap_or_default();
        let key = &record.key;
        let place = VaultPlace { tenant: &key.tenant, kind: key.kind.as_str(), id: &key.id };
        let plain = match vault.open(place, text) {
            Ok(plain) => plain,
            // The person may set up another authenticator at this moment, which is not removed.
            Err(VaultError::Discarded) => {
                let discarded = VersionedRecord { record, version };
                let is_gone = store.compare_and_swap(version, discarded.tombstone(), now).await?;
                return Ok(if is_gone { ResealedRecord::Done } else { ResealedRecord::Changed });
            }
            Err(VaultError::MissingKey | VaultError::Altered) => {
                return Ok(ResealedRecord::Left(Vault::key_id(text).unwrap_or_default()));
            }
        };
        let entropy: &dyn Entropy = &*self.services.entropy;
        let sealed = vault.seal(place, &plain, entropy, self.services.store_clock.now());
        let resealed = Record {
            value: sealed.text.into_bytes().into(),
            due_at: Some(sealed.key_since),
            ..record
        };
        let is_written = store.compare_and_swap(version, resealed, now).await?;
        Ok(if is_written { ResealedRecord::Done } else { ResealedRecord::Changed })
    }
}
