//! Watches for disabled and deleted users, and for people of providers whom disabled users declare. Each replica
//! ends their sessions and grants by one [`VoidBefore`] record a person (docs/design/state.md#marks).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::watch, time::sleep};

use super::endings;
use crate::{
    accounts::AccountServices,
    model::{
        Account, AccountSource, AuditEvent, AuditRecord, AuditText, Clock, LogoutKind, ManagedKind,
        ObjectKey, ObjectMark, ObjectRef, SharedAuditSink, Subject, TenantId, Timestamp,
    },
    protocol::{
        identity_provider::declared_identities,
        records::{VoidBefore, decode_record, encode_record},
    },
    registry::{ServedTenant, Snapshot, SnapshotHandle},
    store::{
        IndexEntry, IndexKind, Record, RecordChange, RecordKey, RecordKind, SharedStore,
        StoreClock, StoreError, VersionedRecord, update_record,
    },
};

/// Lifetime of a record: longer than any session or grant that a Tenant can allow.
const TTL: Duration = Duration::from_hours(367 * 24);
/// Age of a stored ban from which the same ban is reported again. A younger record means that another replica has just
/// reported it.
const REPORT_INTERVAL: Duration = Duration::from_hours(1);
/// Time until a failed write is repeated.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// The task that ends sessions and grants of users who were disabled, deleted or banned.
#[derive(Debug)]
pub struct EndedUserWatch {
    registry: SnapshotHandle,
    store: SharedStore,
    clock: Arc<dyn Clock>,
    store_clock: Arc<StoreClock>,
    audit: SharedAuditSink,
    /// Namespaces that are no longer watched. It is not known what happens to their users.
    left: watch::Receiver<BTreeSet<String>>,
}

/// A user as last seen enabled or disabled.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SeenUser {
    tenant: TenantId,
    subject: Subject,
    person: ObjectMark,
    generation: u64,
    disabled: bool,
    /// The people of providers whom a disabled user declares. Each has the subject and the mark that it would have
    /// without an OidcUser.
    banned: Vec<(Subject, ObjectMark)>,
}

/// A user whose sessions and grants have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct EndedUser {
    tenant: TenantId,
    subject: Subject,
    void: VoidBefore,
    cause: EndCause,
}

/// Why a user's sessions and grants have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EndCause {
    /// The user was disabled or deleted.
    User,
    /// A disabled user declares the person of a provider. `at_start`: since a time before the process started.
    Ban { at_start: bool },
}

/// The users seen since the process started.
#[derive(Debug, Default)]
struct SeenUsers {
    users: HashMap<ObjectKey, SeenUser>,
    /// Whether a snapshot was seen.
    started: bool,
}

impl SeenUsers {
    /// The users who were disabled or deleted since the snapshot before, and the people of providers whom
    /// disabled users declare. An object that is not served because it is invalid has neither happened to.
    /// A user of a namespace that was left is remembered until the namespace is watched again.
    fn ended_in(
        &mut self,
        snapshot: &Snapshot,
        left: &BTreeSet<String>,
        now: Timestamp,
    ) -> Vec<EndedUser> {
        let mut ended = Vec::new();
        let at_start = !std::mem::replace(&mut self.started, true);
        for tenant in snapshot.tenants() {
            for account in tenant.accounts() {
                let AccountSource::Resource(object) = &account.source else { continue };
                let user = SeenUser::of(tenant, account);
                let before = self.users.insert(object.clone(), user.clone());
                let before = before.filter(|before| before.person == user.person);
                if user.disabled && before.as_ref().is_none_or(|before| !before.disabled) {
                    ended.push(user.ended(user.generation, now));
                }
                let known = before.map(|before| before.banned).unwrap_or_default();
                let new = user.banned.iter().filter(|person| !known.contains(person));
                ended.extend(new.map(|person| user.banned_person(person, now, at_start)));
            }
        }
        self.users.retain(|object, user| {
            if left.contains(&*object.namespace) {
                return true;
            }
            let object = ObjectRef::new(ManagedKind::OidcUser, object.clone());
            let exists = snapshot.verdicts().get(&object).is_some();
            if !exists {
                // No record was made in a later generation of the object.
                ended.push(user.ended(user.generation.saturating_add(1), now));
            }
            exists
        });
        ended
    }
}

impl SeenUser {
    fn of(tenant: &ServedTenant, account: &Account) -> Self {
        let banned = account.identities.iter().filter(|_| account.disabled).flat_map(|identity| {
            let provider = tenant.provider(&identity.provider);
            provider.map(|it| declared_identities(it, &identity.subject)).unwrap_or_default()
        });
        Self {
            tenant: tenant.tenant.id.clone(),
            subject: account.subject.clone(),
            person: account.mark,
            generation: account.generation,
            disabled: account.disabled,
            banned: banned.map(|person| (person.subject, person.mark)).collect(),
        }
    }

    /// The end of what a person of a provider had before the user declared it. Such records have no generation.
    fn banned_person(
        &self,
        (subject, person): &(Subject, ObjectMark),
        at: Timestamp,
        at_start: bool,
    ) -> EndedUser {
        EndedUser {
            tenant: self.tenant.clone(),
            subject: subject.clone(),
            void: VoidBefore { person: *person, generation: 0, at },
            cause: EndCause::Ban { at_start },
        }
    }

    fn ended(&self, generation: u64, at: Timestamp) -> EndedUser {
        let generation = if self.generation == 0 { 0 } else { generation };
        EndedUser {
            tenant: self.tenant.clone(),
            subject: self.subject.clone(),
            void: VoidBefore { person: self.person, generation, at },
            cause: EndCause::User,
        }
    }
}

impl EndedUserWatch {
    /// A watch of a registry's users. `clock` is the replica's own.
    pub fn new(
        services: &AccountServices,
        registry: SnapshotHandle,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        Self {
            left: watch::channel(BTreeSet::new()).1,
            registry,
            store: Arc::clone(&services.store),
            clock: Arc::clone(clock),
            store_clock: Arc::clone(&services.store_clock),
            audit: Arc::clone(&services.audit),
        }
    }

    /// Sets the namespaces that are no longer watched. A namespace is among them before a snapshot lacks its
    /// objects.
    #[must_use]
    pub fn with_unwatched_namespaces(self, left: watch::Receiver<BTreeSet<String>>) -> Self {
        Self { left, ..self }
    }

    /// Watches until the process ends.
    pub async fn run(self) {
        let (mut changes, mut seen) = (self.registry.changes(), SeenUsers::default());
        let mut pending: BTreeMap<String, EndedUser> = BTreeMap::new();
        loop {
            let snapshot = self.registry.snapshot();
            // Revision 0 is the empty snapshot before the first lists.
            if snapshot.revision > 0 {
                let left = self.left.borrow().clone();
                let now = self.store_clock.at(self.clock.now());
                let ended = seen.ended_in(&snapshot, &left, now);
                let keyed = |user: EndedUser| {
                    (format!("{} {} {}", user.tenant, user.subject, user.void.person), user)
                };
                pending.extend(ended.into_iter().map(keyed));
            }
            self.write(&mut pending).await;
            let changed = changes.changed();
            if pending.is_empty() {
                if changed.await.is_err() {
                    return;
                }
            } else {
                tokio::select! {
                    changed = changed => if changed.is_err() { return },
                    () = sleep(RETRY_INTERVAL) => {}
                }
            }
        }
    }

    /// Writes the records, and keeps those that could not be written. The store has logged why.
    async fn write(&self, pending: &mut BTreeMap<String, EndedUser>) {
        for (name, user) in std::mem::take(pending) {
            if !matches!(self.end(&user).await, Ok(true)) {
                pending.insert(name, user);
            }
        }
    }

    /// Reports the end of a user's sessions. The replica that wrote the record reports it.
    fn report(&self, user: &EndedUser) {
        let event = AuditEvent::Logout {
            kind: LogoutKind::PersonEnded,
            subject: AuditText::new(user.subject.as_str()),
            sid: None,
            client_id: None,
        };
        self.audit.record(&AuditRecord { tenant: Some(&user.tenant), origin: None, event });
    }

    /// Writes the record that ends a user's sessions and grants. Returns false if other writers kept changing it.
    async fn end(&self, user: &EndedUser) -> Result<bool, StoreError> {
        let key = RecordKey::new(
            RecordKind::VoidBefore,
            &user.tenant,
            endings::void_id(&user.subject, user.void.person),
        );
        let now = self.clock.now();
        let record = Record {
            key: key.clone(),
            value: encode_record(&user.void).into(),
            expires_at: now.plus(TTL),
            owners: vec![IndexEntry::new(IndexKind::User, user.subject.as_str())],
            due_at: None,
        };
        let stored = self.store.get(&key, now).await?;
        let change = |stored: Option<&VersionedRecord>| -> Result<RecordChange<bool>, StoreError> {
            let stored: Option<VoidBefore> =
                stored.and_then(|stored| decode_record(&stored.record.value).ok());
            if stored.is_some_and(|stored| is_covered(stored, user.void)) {
                return Ok(RecordChange::Keep(false));
            }
            Ok(RecordChange::Write(record.clone(), is_reported(stored, user)))
        };
        let is_reported = update_record(&*self.store, (&key, now), stored, change).await?;
        if is_reported == Some(true) {
            self.report(user);
        }
        Ok(is_reported.is_some())
    }
}

/// Returns true if the stored record ends what the new one would end: another replica was faster.
fn is_covered(stored: VoidBefore, new: VoidBefore) -> bool {
    let as_late =
        if new.generation == 0 { stored.at >= new.at } else { stored.generation >= new.generation };
    stored.person == new.person && as_late
}

/// Returns true if the audit log has to report the end. A ban is not reported if the stored record is of the same ban,
/// because another replica, or this replica before its last restart, has reported it.
fn is_reported(stored: Option<VoidBefore>, new: &EndedUser) -> bool {
    let EndCause::Ban { at_start } = new.cause else { return true };
    let same = stored.filter(|stored| stored.person == new.void.person);
    same.is_none_or(|stored| !at_start && new.void.at.since(stored.at) >= REPORT_INTERVAL)
}
