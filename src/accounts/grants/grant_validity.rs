//! Whether grants give tokens now: the validity of users' tokens is decided here and in `protocol`
//! (docs/design/state.md#tokens-name-their-grant).

use std::sync::Arc;

use super::access_denial;
pub(crate) use crate::accounts::records::grant_records::{
    StoredGrant, load_grant, revoke_grant, swap_grant,
};
use crate::{
    accounts::{
        AccountContext, AccountError,
        people::{person_records::AccountReference, signed_in_account::find_account},
        records::{grant_records::grant_record, upstream_sessions},
        revocation::endings::{self, PresentMarks},
        tokens::token_events,
    },
    model::{Account, Client, Timestamp},
    protocol::{
        access::{self, AccessDenial},
        marks::MarkedRecord,
        records::{Grant, Session, decode_record},
        session::{self, CLOCK_SKEW},
    },
    store::{IndexEntry, IndexKind, RecordKind, VersionedRecord},
};

/// Inserts a grant: the atomic gate that a code passes once. Returns `false` if it exists already.
/// `until`: expiry of the last token that refers to it.
pub(crate) async fn insert_grant(
    context: AccountContext<'_>,
    (id, grant): (&str, &Grant),
    until: Timestamp,
) -> Result<bool, AccountError> {
    upstream_sessions::keep_for_grant(context, grant).await?;
    let record = grant_record(context, id, grant, until.plus(CLOCK_SKEW));
    Ok(context.insert(record).await?)
}

/// The reason that a grant gives nothing now. It may give tokens again later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GrantRefusal {
    /// The user or client of the grant is disabled or deleted, or its session has ended.
    Inactive,
    /// The user's identity provider says too little about the user now, or its rules refuse the user.
    NotAdmitted,
    /// The user of the grant may not use the client.
    Entry(AccessDenial),
}

/// The account of a grant, if the grant gives tokens now: it is active, and its user may use the
/// client. Every token of a grant, and every use of one, passes here. A refused entry is reported.
pub(crate) async fn account_of_grant(
    context: AccountContext<'_>,
    grant: &Grant,
) -> Result<Result<Arc<Account>, GrantRefusal>, AccountError> {
    account_of(context, grant, SessionDemand::UnlessOffline).await
}

/// The account of a grant ([`account_of_grant`]) with an active session. The session is needed even if the grant
/// may outlive it, so that no code and no ID token is valid after a sign-out.
pub(crate) async fn account_in_session(
    context: AccountContext<'_>,
    grant: &Grant,
) -> Result<Result<Arc<Account>, GrantRefusal>, AccountError> {
    account_of(context, grant, SessionDemand::Always).await
}

/// Whether the session of a grant has to be active.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SessionDemand {
    Always,
    UnlessOffline,
}

async fn account_of(
    context: AccountContext<'_>,
    grant: &Grant,
    demand: SessionDemand,
) -> Result<Result<Arc<Account>, GrantRefusal>, AccountError> {
    let account = match active_account(context, grant, demand).await {
        Ok(Some(account)) => account,
        Ok(None) => return Ok(Err(GrantRefusal::Inactive)),
        Err(AccountError::NotAdmitted(_)) => return Ok(Err(GrantRefusal::NotAdmitted)),
        Err(error) => return Err(error),
    };
    let Some(client) = context.tenant.client(grant.client.as_str()) else {
        return Ok(Err(GrantRefusal::Inactive));
    };
    Ok(check_access_to_client(context, &client, (grant, &account)).map(|()| account))
}

/// Rule: the person of a grant may use a client. A refused entry is reported.
pub(crate) fn check_access_to_client(
    context: AccountContext<'_>,
    client: &Client,
    (grant, account): (&Grant, &Account),
) -> Result<(), GrantRefusal> {
    let tenant = &context.tenant.tenant;
    let Err(refusal) = access::may_enter(account, client, tenant, &grant.authentication) else {
        return Ok(());
    };
    let person = (&grant.authentication, grant.sid.as_deref());
    access_denial::count_access_denial(context, client, &refusal);
    context.audit(token_events::entry_event(client, person, &refusal));
    Err(GrantRefusal::Entry(refusal))
}

/// The account of an active grant. Its user and client are still those it was made for. Without `offline_access`,
/// which the client may have lost, the session is still active too.
async fn active_account(
    context: AccountContext<'_>,
    grant: &Grant,
    demand: SessionDemand,
) -> Result<Option<Arc<Account>>, AccountError> {
    let client = context.tenant.client(grant.client.as_str());
    let Some(client) = client.filter(|client| grant.belongs_to_client(client)) else {
        return Ok(None);
    };
    let person = AccountReference {
        subject: &grant.authentication.subject,
        origin: grant.origin.as_ref(),
        is_offline: grant.is_offline_for(&client),
    };
    let account = find_account(context, person).await?;
    let Some(account) = account else { return Ok(None) };
    let sid = grant.sid.as_deref();
    let record = MarkedRecord { marks: grant.marks, created_at: grant.created_at, sid };
    let present = endings::load_usable_marks(context, record, &account).await?;
    let Some(present) = present else { return Ok(None) };
    let active = match &grant.sid {
        Some(sid) if demand == SessionDemand::Always || !grant.is_offline_for(&client) => {
            session_is_active(context, sid, (&account, &present)).await?
        }
        _ => true,
    };
    Ok(active.then_some(account))
}

async fn session_is_active(
    context: AccountContext<'_>,
    sid: &str,
    (account, present): (&Account, &PresentMarks),
) -> Result<bool, AccountError> {
    let tenant = &context.tenant.tenant;
    // The record of a disabled or deleted user ends the grant too.
    let is_it = |stored: &VersionedRecord| {
        decode_record::<Session>(&stored.record.value).is_ok_and(|session| {
            session.sid == sid
                && session::session_is_live(&session, account, &tenant.lifetimes, context.now)
                && present.are_of(session::session_marks(&session), account, context.now)
        })
    };
    if let Some(key) = context.services.session_key_cache.find(&tenant.id, sid)
        && context.get(&key).await?.as_ref().is_some_and(is_it)
    {
        return Ok(true);
    }
    let owner = IndexEntry::new(IndexKind::Session, sid);
    let sessions =
        context.services.store.list(RecordKind::Session, &tenant.id, &owner, context.now).await?;
    let found = sessions.iter().find(|stored| is_it(stored));
    if let Some(stored) = found {
        context.services.session_key_cache.insert(sid, &stored.record.key);
    }
    Ok(found.is_some())
}
