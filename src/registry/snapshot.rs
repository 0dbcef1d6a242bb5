//! What is served at one moment. Immutable; tenants and clients are found by hash.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use bytes::Bytes;

use super::Verdict;
use crate::{
    keys::{KeyRing, Sealer},
    model::{Client, ClientId, ObjectRef, Subject, Tenant, TenantId, Timestamp, User},
};

/// An answer made when the snapshot was built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    /// The body.
    pub bytes: Bytes,
    /// A strong entity tag, in its quotes.
    pub etag: String,
}

/// A tenant as served: with keys, clients, users and prepared answers.
#[derive(Clone, Debug)]
pub struct ServedTenant {
    /// The checked tenant.
    pub tenant: Tenant,
    /// Its keys.
    pub keys: KeyRing,
    /// The discovery document.
    pub discovery: Prepared,
    /// The JWK set.
    pub jwks: Prepared,
    /// 16 hex digits that stand for the tenant in the names of cookies.
    pub short_hash: String,
    pub(super) clients: HashMap<ClientId, Arc<Client>>,
    pub(super) users: Vec<Arc<User>>,
    pub(super) by_username: HashMap<String, Arc<User>>,
    pub(super) by_subject: HashMap<Subject, Arc<User>>,
    pub(super) origins: BTreeSet<String>,
}

impl ServedTenant {
    /// A client by its id.
    pub fn client(&self, id: &str) -> Option<&Arc<Client>> {
        self.clients.get(id)
    }

    /// Its clients, in no order.
    pub fn clients(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.clients.values()
    }

    /// Its users, in a stable order.
    pub fn users(&self) -> &[Arc<User>] {
        &self.users
    }

    /// A user by normalised username.
    pub fn user_by_username(&self, normalized: &str) -> Option<&Arc<User>> {
        self.by_username.get(normalized)
    }

    /// A user by `sub`.
    pub fn user_by_subject(&self, subject: &Subject) -> Option<&Arc<User>> {
        self.by_subject.get(subject)
    }

    /// Whether a browser's page of this origin may read token and userinfo answers.
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.origins.contains(origin)
    }
}

/// What is served at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The revision of the view that it was built from; 0: nothing was read yet.
    pub revision: u64,
    /// When it was built.
    pub built_at: Timestamp,
    /// The installation's sealing keys, once there are any.
    pub sealer: Option<Arc<Sealer>>,
    /// Authority → issuer path → tenant.
    pub(super) routes: HashMap<String, HashMap<String, Arc<ServedTenant>>>,
    pub(super) by_id: HashMap<TenantId, Arc<ServedTenant>>,
    pub(super) verdicts: BTreeMap<ObjectRef, Arc<Verdict>>,
}

impl Snapshot {
    /// The tenant that a path belongs to, and the rest of the path: of nested issuers the one with
    /// the longest run of whole segments.
    pub fn route<'p>(
        &self,
        authority: &str,
        path: &'p str,
    ) -> Option<(&Arc<ServedTenant>, &'p str)> {
        let paths = self.routes.get(authority)?;
        let mut end = path.len();
        loop {
            if let Some(tenant) = paths.get(&path[..end]) {
                return Some((tenant, &path[end..]));
            }
            end = path[..end].rfind('/')?;
        }
    }

    /// The tenant with exactly this issuer path (RFC 8414 §3.1).
    pub fn at(&self, authority: &str, issuer_path: &str) -> Option<&Arc<ServedTenant>> {
        self.routes.get(authority)?.get(issuer_path)
    }

    /// A tenant by its id.
    pub fn tenant(&self, id: &TenantId) -> Option<&Arc<ServedTenant>> {
        self.by_id.get(id)
    }

    /// All tenants, in no order.
    pub fn tenants(&self) -> impl Iterator<Item = &Arc<ServedTenant>> {
        self.by_id.values()
    }

    /// The verdict on every object that is not being deleted.
    pub fn verdicts(&self) -> &BTreeMap<ObjectRef, Arc<Verdict>> {
        &self.verdicts
    }
}
