//! The sessions of a person and the permissions of applications, as the account page shows them.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use super::consents;
use crate::{
    accounts::{
        AccountContext, AccountError, records::oldest_records::records_of_person,
        revocation::endings::RecordValidity, sessions::active_session::ActiveSession,
    },
    model::{Account, Client, ObjectKey, Timestamp},
    protocol::{
        authorization_details::{GrantedDetail, all_granted_details},
        consent,
        marks::MarkedRecord,
        records::{Grant, RecordFormat, Session, decode_record},
        resource::resource_permissions,
        session,
    },
    store::{RecordKind, VersionedRecord},
};

/// The sessions of a person and the permissions of applications.
#[derive(Clone, Debug)]
pub(crate) struct AccountAccess {
    /// The active sessions, the last used first.
    pub(crate) sessions: Vec<Session>,
    /// The applications that may do something, by name.
    pub(crate) applications: Vec<ApplicationAccess>,
}

/// An application with the permissions that it has for a person.
#[derive(Clone, Debug)]
pub(crate) struct ApplicationAccess {
    /// The client whose metadata the account page shows.
    pub(crate) client: Arc<Client>,
    /// The permissions: those that the person agreed to, and those of its grants.
    pub(crate) permissions: BTreeSet<String>,
    /// The authorization details of its grants, each once, those of the newest grant first.
    pub(crate) details: Vec<GrantedDetail>,
    /// The time at which the application last got some of the permissions.
    pub(crate) granted_at: Timestamp,
}

impl ApplicationAccess {
    fn add(&mut self, permissions: &BTreeSet<String>, at: Timestamp) {
        self.permissions.extend(permissions.iter().cloned());
        self.granted_at = self.granted_at.max(at);
    }

    fn add_details(&mut self, grant: &Grant) {
        for granted in all_granted_details(grant) {
            if !self.details.contains(&granted) {
                self.details.push(granted);
            }
        }
    }
}

/// Loads the sessions of a session's person and the permissions of applications.
pub(crate) async fn load_account_access(
    context: AccountContext<'_>,
    active: &ActiveSession,
) -> Result<AccountAccess, AccountError> {
    let account = &active.account;
    let validity = RecordValidity::load(context, account).await?;
    let mut sessions: Vec<Session> = load_records(context, RecordKind::Session, account)
        .await?
        .into_iter()
        .map(|(_, session)| session)
        .filter(|session| is_active(context, account, &validity, session))
        .collect();
    sessions.sort_by_key(|session| Reverse((session.used_at, session.created_at)));
    let active_sids: HashSet<&str> = sessions.iter().map(|session| &*session.sid).collect();
    let mut found: BTreeMap<ObjectKey, ApplicationAccess> = BTreeMap::new();
    let mut grants: Vec<(_, Grant)> = load_records(context, RecordKind::Grant, account).await?;
    grants.sort_by_key(|(_, grant)| Reverse(grant.created_at));
    for (_, grant) in &grants {
        let client = context.tenant.client(grant.client.as_str());
        let Some(client) = client.filter(|client| grant.belongs_to_client(client)) else {
            continue;
        };
        let sid = grant.sid.as_deref();
        let record = MarkedRecord { marks: grant.marks, created_at: grant.created_at, sid };
        let lives = grant.is_offline_for(&client)
            || grant.sid.as_deref().is_none_or(|sid| active_sids.contains(sid));
        if grant.is_active(context.now) && lives && validity.is_usable(record) {
            let access = access_of(&mut found, &client, grant.created_at);
            access.add(&grant_permissions(context, grant), grant.created_at);
            access.add_details(grant);
        }
    }
    let consents = consents::load_consents(context, account).await?;
    if !consents.is_empty() {
        // A consent names its client by a hash.
        for client in context.tenant.clients() {
            let id = consent::consent_record_id(&account.subject, &client.object);
            if let Some(consent) = consents.get(&id) {
                let access = access_of(&mut found, client, consent.given_at);
                access.add(&consent.scopes, consent.given_at);
            }
        }
    }
    let mut applications: Vec<_> = found.into_values().collect();
    applications.sort_by_cached_key(|it| (it.client.name.to_lowercase(), it.client.object.clone()));
    Ok(AccountAccess { sessions, applications })
}

/// The access of a client, which begins at a time if it has none yet.
fn access_of<'f>(
    found: &'f mut BTreeMap<ObjectKey, ApplicationAccess>,
    client: &Arc<Client>,
    at: Timestamp,
) -> &'f mut ApplicationAccess {
    found.entry(client.object.clone()).or_insert_with(|| ApplicationAccess {
        client: Arc::clone(client),
        permissions: BTreeSet::new(),
        details: Vec::new(),
        granted_at: at,
    })
}

/// The permissions of a grant, in the form of consents.
fn grant_permissions(context: AccountContext<'_>, grant: &Grant) -> BTreeSet<String> {
    // The issuer, which is a resource too, has the scopes of the client itself.
    let issuer = context.tenant.tenant.issuer.as_str();
    let at_servers = grant.resources.iter().filter(|(name, _)| *name != issuer);
    let at_servers = at_servers.flat_map(|(name, granted)| resource_permissions(name, granted));
    grant.scopes.iter().cloned().chain(at_servers).collect()
}

fn is_active(
    context: AccountContext<'_>,
    account: &Account,
    validity: &RecordValidity<'_>,
    session: &Session,
) -> bool {
    // As `find_account` decides.
    let counts = session.origin.is_some() || account.signs_in_here();
    counts
        && session::session_is_live(session, account, &context.tenant.tenant.lifetimes, context.now)
        && validity.is_usable(session::session_marks(session))
}

/// Loads the records of a kind that a person holds.
pub(super) async fn load_records<T: RecordFormat>(
    context: AccountContext<'_>,
    kind: RecordKind,
    account: &Account,
) -> Result<Vec<(VersionedRecord, T)>, AccountError> {
    let found = records_of_person(context, kind, account.subject.as_str()).await?;
    let decoded = |stored: VersionedRecord| {
        let record = decode_record(&stored.record.value).ok()?;
        Some((stored, record))
    };
    Ok(found.into_iter().filter_map(decoded).collect())
}
