//! The ends that a person causes on the account page: of a session, of the permissions of an application,
//! or of everything.

use std::collections::HashSet;

use super::{account_access::load_records, consents};
use crate::{
    accounts::{
        AccountContext, AccountError,
        outbox::mail_notices::notify_person,
        revocation::{
            grant_ends::{is_unrevoked, notify_of_grants, revoke_grants},
            session_end::end_stored_session,
        },
        sessions::active_session::{self, ActiveSession},
    },
    model::{Account, AuditEvent, AuditText, Client, LogoutKind},
    protocol::{
        marks,
        records::{Grant, NoticedChange, Session},
    },
    store::{RecordKind, VersionedRecord},
};

/// Ends another session of the person, by its public id. Returns false if it had ended already.
pub(crate) async fn end_other_session(
    context: AccountContext<'_>,
    active: &ActiveSession,
    sid: &str,
) -> Result<bool, AccountError> {
    let mut ended = false;
    for (stored, session) in other_sessions(context, active).await? {
        if session.sid == sid {
            let cause = (LogoutKind::AccountPage, None);
            end_stored_session(context, &stored.record.key, &session, cause).await?;
            ended = true;
        }
    }
    Ok(ended)
}

/// Withdraws what an application may do: the consent and all grants. Returns false if it could do
/// nothing.
pub(crate) async fn withdraw_access(
    context: AccountContext<'_>,
    active: &ActiveSession,
    client: &Client,
) -> Result<bool, AccountError> {
    // The consent goes first: the application gets no new grant while its grants are revoked.
    let consent = consents::forget_consent(context, &active.account, client).await?;
    let held = active_grants(context, active).await?;
    let of_client = held.into_iter().filter(|(_, grant)| grant.belongs_to_client(client)).collect();
    let revoked = revoke_grants(context, of_client).await?.into_values().sum();
    if !consent && revoked == 0 {
        return Ok(false);
    }
    report_withdrawal(context, active, client, (consent, revoked));
    notify_person(context, &active.account, NoticedChange::AccessWithdrawn).await;
    Ok(true)
}

/// Ends all sessions of the person and all grants, also those that outlive their session. The
/// applications of both are notified. Returns this session as it ended.
pub(crate) async fn sign_out_everywhere(
    context: AccountContext<'_>,
    active: &ActiveSession,
) -> Result<Session, AccountError> {
    let cause = (LogoutKind::Everywhere, None);
    let mut ended: HashSet<String> = HashSet::from([active.session.sid.clone()]);
    for (stored, session) in other_sessions(context, active).await? {
        end_stored_session(context, &stored.record.key, &session, cause).await?;
        ended.insert(session.sid);
    }
    let held = active_grants(context, active).await?;
    notify_of_grants(context, &held, &ended).await?;
    for (id, revoked) in revoke_grants(context, held).await? {
        if let Some(client) = context.tenant.client(id.as_str()) {
            report_withdrawal(context, active, &client, (false, revoked));
        }
    }
    // This session is the last, so that the person can repeat what failed half-way.
    let own = active_session::end_session(context, active, cause).await?;
    notify_person(context, &active.account, NoticedChange::SignedOutEverywhere).await;
    Ok(own)
}

/// Ends all sessions of the user except this session. Grants that outlive their session stay.
pub(crate) async fn end_other_sessions(
    context: AccountContext<'_>,
    active: &ActiveSession,
    kind: LogoutKind,
) -> Result<HashSet<String>, AccountError> {
    end_sessions(context, &active.account, Some(active), kind).await
}

/// Ends all sessions of the user except this session, and all grants that do not belong to it.
pub(crate) async fn end_all_others(
    context: AccountContext<'_>,
    active: &ActiveSession,
    kind: LogoutKind,
) -> Result<(), AccountError> {
    end_all_but(context, &active.account, Some(active), kind).await
}

/// Ends all sessions of a person and all grants.
pub(crate) async fn end_all_of_person(
    context: AccountContext<'_>,
    account: &Account,
    kind: LogoutKind,
) -> Result<(), AccountError> {
    end_all_but(context, account, None, kind).await
}

async fn end_sessions(
    context: AccountContext<'_>,
    account: &Account,
    kept: Option<&ActiveSession>,
    kind: LogoutKind,
) -> Result<HashSet<String>, AccountError> {
    let mut ended: HashSet<String> = kept.map(|it| it.session.sid.clone()).into_iter().collect();
    for (stored, session) in sessions_of(context, account, kept).await? {
        end_stored_session(context, &stored.record.key, &session, (kind, None)).await?;
        ended.insert(session.sid);
    }
    Ok(ended)
}

async fn end_all_but(
    context: AccountContext<'_>,
    account: &Account,
    kept: Option<&ActiveSession>,
    kind: LogoutKind,
) -> Result<(), AccountError> {
    let ended = end_sessions(context, account, kept, kind).await?;
    let kept_sid = kept.map(|active| &active.session.sid);
    let mut held = grants_of(context, account).await?;
    held.retain(|(_, grant)| kept_sid.is_none() || grant.sid.as_ref() != kept_sid);
    notify_of_grants(context, &held, &ended).await?;
    revoke_grants(context, held).await.map(drop)
}

/// All sessions of the user except this session.
async fn other_sessions(
    context: AccountContext<'_>,
    active: &ActiveSession,
) -> Result<Vec<(VersionedRecord, Session)>, AccountError> {
    sessions_of(context, &active.account, Some(active)).await
}

async fn sessions_of(
    context: AccountContext<'_>,
    account: &Account,
    kept: Option<&ActiveSession>,
) -> Result<Vec<(VersionedRecord, Session)>, AccountError> {
    let mut found: Vec<(_, Session)> = load_records(context, RecordKind::Session, account).await?;
    found.retain(|(stored, session)| {
        kept.is_none_or(|active| stored.record.key.id != active.record_id())
            && marks::is_made_for(session.marks, account)
    });
    Ok(found)
}

/// The grants of the person that are not revoked.
async fn active_grants(
    context: AccountContext<'_>,
    active: &ActiveSession,
) -> Result<Vec<(VersionedRecord, Grant)>, AccountError> {
    grants_of(context, &active.account).await
}

async fn grants_of(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<Vec<(VersionedRecord, Grant)>, AccountError> {
    let mut held: Vec<(_, Grant)> = load_records(context, RecordKind::Grant, account).await?;
    held.retain(|(_, grant)| is_unrevoked(grant) && marks::is_made_for(grant.marks, account));
    Ok(held)
}

fn report_withdrawal(
    context: AccountContext<'_>,
    active: &ActiveSession,
    client: &Client,
    (consent, grants): (bool, u64),
) {
    context.audit(AuditEvent::AccessWithdrawn {
        client: client.into(),
        subject: AuditText::new(active.account.subject.as_str()),
        sid: AuditText::new(active.session.sid.as_str()),
        consent,
        grants,
    });
}
