//! The share of each tenant in the space of a store. Pure: no I/O, no clock.
//!
//! A tenant may insert a record while its own records take less than three times the space that is free. While at most
//! half of the store is used, this is so for every tenant, and nothing is counted.

use std::{
    collections::{HashMap, HashSet},
    mem,
};

use super::{RecordKey, RecordKind, StoreError};
use crate::model::TenantId;

/// A tenant has at most this many times as much as is free, so that one tenant cannot use up the space of the others.
pub(super) const MAX_SHARE_OF_FREE: u8 = 3;
/// The estimated space of a record in addition to its key and value: its index entries, and the store's own headers.
const RECORD_OVERHEAD: u64 = 512;

/// The space of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreSpace {
    /// The size of the store in bytes.
    pub capacity: u64,
    /// The bytes in use: at least as many as the records take.
    pub used: u64,
}

impl StoreSpace {
    const fn is_over_half(self) -> bool {
        self.used > self.capacity / 2
    }
}

/// The space that the records of a store take, by tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpaceUsage {
    /// The bytes of all records.
    pub used: u64,
    /// The bytes of each tenant's records.
    pub by_tenant: HashMap<TenantId, u64>,
}

impl SpaceUsage {
    /// Adds a number of records of a tenant, and the bytes of their keys and values.
    pub(super) fn add(&mut self, tenant: &TenantId, records: u64, bytes: u64) {
        self.add_bytes(tenant, bytes.saturating_add(records.saturating_mul(RECORD_OVERHEAD)));
    }

    fn add_bytes(&mut self, tenant: &TenantId, bytes: u64) {
        self.used = self.used.saturating_add(bytes);
        if let Some(own) = self.by_tenant.get_mut(tenant) {
            *own = own.saturating_add(bytes);
        } else {
            self.by_tenant.insert(tenant.clone(), bytes);
        }
    }

    /// Scales the bytes of the tenants so that together they are `used`.
    #[must_use]
    pub(super) fn scaled_to(mut self, used: u64) -> Self {
        let counted = u128::from(self.used.max(1));
        for own in self.by_tenant.values_mut() {
            let share = u128::from(*own) * u128::from(used) / counted;
            *own = u64::try_from(share).unwrap_or(u64::MAX);
        }
        self.used = used;
        self
    }
}

/// The last count of a store's records by tenant, and the records that this replica has inserted since.
#[derive(Debug, Default)]
pub(super) struct TenantShares {
    /// The space of the store, while more than half of it is used.
    space: Option<StoreSpace>,
    /// The last count, with what was inserted since it began.
    counted: Option<SpaceUsage>,
    /// The records inserted since the current or last count began.
    inserted: SpaceUsage,
    /// The tenants whose refused records were reported since the current or last count began.
    reported: HashSet<TenantId>,
}

impl TenantShares {
    /// Sets the space of the store, if it is known. Returns true if the records have to be counted. The records cannot
    /// take more than is used: a larger estimate is scaled down.
    pub(super) fn set_space(&mut self, space: Option<StoreSpace>) -> bool {
        self.space = space.filter(|space| space.is_over_half());
        let Some(space) = self.space else {
            self.counted = None;
            return false;
        };
        let count = self.counted.take();
        self.counted = count
            .map(|count| if count.used > space.used { count.scaled_to(space.used) } else { count });
        true
    }

    /// Begins a count: what is inserted from now on is added to it.
    pub(super) fn begin_count(&mut self) {
        self.inserted = SpaceUsage::default();
        self.reported.clear();
    }

    /// Sets the count that was begun last.
    pub(super) fn finish_count(&mut self, mut count: SpaceUsage) {
        for (tenant, bytes) in mem::take(&mut self.inserted).by_tenant {
            count.add_bytes(&tenant, bytes);
        }
        self.counted = Some(count);
    }

    /// Forgets the last count, so that nothing is refused until the next one.
    pub(super) fn drop_count(&mut self) {
        self.counted = None;
    }

    /// Returns true if a refused record of the tenant should be reported: once for each count.
    pub(super) fn report(&mut self, tenant: &TenantId) -> bool {
        self.reported.insert(tenant.clone())
    }

    /// Decides whether a record may be inserted.
    pub(super) fn admit(&self, key: &RecordKey) -> Result<(), StoreError> {
        let (Some(space), Some(count)) = (self.space, &self.counted) else { return Ok(()) };
        let own = count.by_tenant.get(&key.tenant).copied().unwrap_or_default();
        let free = space.capacity.saturating_sub(count.used);
        if own >= free.saturating_mul(MAX_SHARE_OF_FREE.into()) && needs_share(key.kind) {
            return Err(no_space(&key.tenant, own, free, space.capacity));
        }
        Ok(())
    }

    /// Returns true if at least a tenth of the store is free.
    pub(super) fn has_reserve(&self) -> bool {
        let (Some(space), Some(count)) = (self.space, &self.counted) else { return true };
        space.capacity.saturating_sub(count.used) >= space.capacity / 10
    }

    /// Counts a record that was inserted, by the length of its id and value.
    pub(super) fn charge(&mut self, tenant: &TenantId, length: usize) {
        if self.space.is_none() {
            return;
        }
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        for usage in self.counted.iter_mut().chain([&mut self.inserted]) {
            usage.add(tenant, 1, length);
        }
    }
}

fn no_space(tenant: &TenantId, own: u64, free: u64, capacity: u64) -> StoreError {
    let why = format!(
        "the store has no space for more records of the tenant {tenant}, which take {own} bytes: {free} of {capacity} \
         bytes are free; enlarge the store, or find out why the tenant has so many"
    );
    StoreError::NoSpace { tenant: tenant.clone(), why }
}

/// Returns false for kinds that end or protect something, that notify an application of it, or that keep a link used.
/// Their records are inserted even if the tenant has no space left. They are small, and their number is bounded by that
/// of other records, of links or by budgets.
const fn needs_share(kind: RecordKind) -> bool {
    match kind {
        RecordKind::Revoked
        | RecordKind::VoidBefore
        | RecordKind::Logout
        | RecordKind::ProviderLogout
        | RecordKind::RefreshReplays
        | RecordKind::UsedChallenge
        | RecordKind::FactorAttempts
        | RecordKind::Invitation
        | RecordKind::InvitationMail
        | RecordKind::Ping => false,
        // A request whose assertion, proof or pushed request cannot be remembered is refused.
        RecordKind::Assertion
        | RecordKind::DpopProof
        | RecordKind::UsedPushedRequest
        | RecordKind::Session
        | RecordKind::Grant
        | RecordKind::Consent
        | RecordKind::CodeDetail
        | RecordKind::Interaction
        | RecordKind::Person
        | RecordKind::UpstreamSession
        | RecordKind::Totp
        | RecordKind::RecoveryCodes
        | RecordKind::Passkey
        | RecordKind::Password
        | RecordKind::PushedRequest
        | RecordKind::DeviceAuthorization
        | RecordKind::BackchannelAuthentication
        // Strangers can ask for mails to each person of a tenant, and they wait for the tenant's own server.
        | RecordKind::Mail
        | RecordKind::PasswordReset => true,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::store::{Record, contract::record};

    const KIB: u64 = 1024;

    /// A record of one KiB with its overhead.
    fn one_kib(tenant: &str, kind: RecordKind) -> Record {
        let mut one = record("12345678");
        one.key.tenant = TenantId::new("team", tenant);
        one.key.kind = kind;
        one.value = Bytes::from(vec![7; 504]);
        one
    }

    fn count(of: &[(&str, u64)]) -> SpaceUsage {
        let mut count = SpaceUsage::default();
        for (tenant, kib) in of {
            count.add_bytes(&TenantId::new("team", tenant), kib * KIB);
        }
        count
    }

    fn space(used: u64) -> StoreSpace {
        StoreSpace { capacity: 1000 * KIB, used: used * KIB }
    }

    /// Inserts sessions of a tenant until one is refused, and returns how many were admitted.
    fn admitted(shares: &mut TenantShares, tenant: &str) -> usize {
        let session = one_kib(tenant, RecordKind::Session);
        (0..2000).take_while(|_| insert(shares, &session)).count()
    }

    /// Inserts a record if it is admitted.
    fn insert(shares: &mut TenantShares, record: &Record) -> bool {
        let is_admitted = shares.admit(&record.key).is_ok();
        if is_admitted {
            shares.charge(&record.key.tenant, record.key.id.len() + record.value.len());
        }
        is_admitted
    }

    /// Measures the store and begins a count, if one is needed.
    fn begin_count(shares: &mut TenantShares, used: u64) -> bool {
        let is_needed = shares.set_space(Some(space(used)));
        if is_needed {
            shares.begin_count();
        }
        is_needed
    }

    #[test]
    fn a_store_that_is_half_full_is_not_counted_and_refuses_nothing() {
        let mut shares = TenantShares::default();
        assert!(!shares.set_space(Some(space(500))));
        assert_eq!(admitted(&mut shares, "main"), 2000);
        assert!(!shares.set_space(None), "nor is one of unknown size");
        assert_eq!(admitted(&mut shares, "main"), 2000);
    }

    #[test]
    fn a_tenant_has_less_than_three_times_what_is_free() {
        let mut shares = TenantShares::default();
        assert!(begin_count(&mut shares, 600));
        shares.finish_count(count(&[("main", 500), ("other", 100)]));
        // 500 + 175 of its own with 100 of the other's: 225 of 1000 are free.
        assert_eq!(admitted(&mut shares, "main"), 175);
        assert!(insert(&mut shares, &one_kib("other", RecordKind::Session)));
        assert!(insert(&mut shares, &one_kib("new", RecordKind::Session)));

        assert!(begin_count(&mut shares, 600));
        shares.finish_count(count(&[("main", 300), ("other", 300)]));
        assert_eq!(admitted(&mut shares, "main"), 225, "what was freed can be used again");
    }

    #[test]
    fn the_refusal_says_whose_records_take_the_space() {
        let mut shares = TenantShares::default();
        begin_count(&mut shares, 900);
        shares.finish_count(count(&[("main", 900)]));
        let refused = shares.admit(&one_kib("main", RecordKind::Session).key).unwrap_err();
        let StoreError::NoSpace { tenant, .. } = &refused else { panic!("{refused:?}") };
        assert_eq!(*tenant, TenantId::new("team", "main"));
        assert!(refused.to_string().contains("the tenant team/main"), "{refused}");
        let reported = [shares.report(tenant), shares.report(tenant)];
        begin_count(&mut shares, 900);
        assert_eq!((reported, shares.report(tenant)), ([true, false], true), "once for each count");
    }

    #[test]
    fn kinds_that_end_or_protect_something_need_no_share() {
        let mut shares = TenantShares::default();
        begin_count(&mut shares, 900);
        shares.finish_count(count(&[("main", 1000)]));
        for (kind, is_admitted) in [
            (RecordKind::Revoked, true),
            (RecordKind::VoidBefore, true),
            (RecordKind::Logout, true),
            (RecordKind::FactorAttempts, true),
            (RecordKind::Invitation, true),
            (RecordKind::Mail, false),
            (RecordKind::Grant, false),
            (RecordKind::DpopProof, false),
        ] {
            assert_eq!(shares.admit(&one_kib("main", kind).key).is_ok(), is_admitted, "{kind}");
        }
    }

    #[test]
    fn inserts_during_a_count_are_added_to_it() {
        let mut shares = TenantShares::default();
        begin_count(&mut shares, 600);
        assert_eq!(
            admitted(&mut shares, "main"),
            2000,
            "before the first count nothing is refused"
        );
        shares.finish_count(count(&[("main", 1)]));
        assert_eq!(admitted(&mut shares, "main"), 0);
        assert_eq!(admitted(&mut shares, "other"), 0, "nothing is free");

        assert!(!shares.set_space(Some(space(400))), "it was purged");
        assert_eq!(admitted(&mut shares, "main"), 2000);
    }

    #[test]
    fn a_count_that_failed_leaves_the_last_one() {
        let mut shares = TenantShares::default();
        begin_count(&mut shares, 900);
        shares.finish_count(count(&[("main", 900)]));
        begin_count(&mut shares, 900);
        assert_eq!(admitted(&mut shares, "main"), 0);
        shares.drop_count();
        assert_eq!(admitted(&mut shares, "main"), 2000, "without a count nothing is refused");
    }

    #[test]
    fn an_estimate_is_at_most_the_space_that_is_used() {
        let mut shares = TenantShares::default();
        begin_count(&mut shares, 600);
        shares.finish_count(count(&[("main", 500), ("other", 100)]));
        assert_eq!(admitted(&mut shares, "main"), 175, "the estimate is 775");
        // Records were purged in the meantime. Of 600, main has 522: less than three times the 400 that are free.
        assert!(shares.set_space(Some(space(600))));
        assert_ne!(admitted(&mut shares, "main"), 0);
        begin_count(&mut shares, 600);
        shares.finish_count(count(&[("main", 500), ("other", 100)]));
        assert!(shares.set_space(Some(space(900))));
        assert_eq!(admitted(&mut shares, "main"), 175, "a smaller estimate stays");
    }

    #[test]
    fn a_count_is_scaled_to_the_space_that_is_used() {
        let scaled = count(&[("main", 300), ("other", 100)]).scaled_to(800 * KIB);
        assert_eq!(scaled, count(&[("main", 600), ("other", 200)]));
        assert_eq!(SpaceUsage::default().scaled_to(7).used, 7);
    }
}
