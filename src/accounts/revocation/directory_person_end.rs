//! Ends sessions and grants of a person whom a directory has deleted or disabled, and records the end
//! (docs/design/state.md#marks).

use std::{collections::HashSet, time::Duration};

use super::{endings, grant_ends::end_grants, session_end::end_stored_session};
use crate::{
    accounts::{
        AccountContext, AccountError, context::RecordChange,
        records::oldest_records::records_of_person,
    },
    model::{
        AuditCause, AuditEvent, AuditText, AuditedRefusedPerson, LogoutKind, PersonRefusal, Subject,
    },
    protocol::{
        identity_provider::{IdentityProvider, UpstreamClaims, identity_of},
        records::{PersonRecord, Session, SignInOrigin, VoidBefore, decode_record, encode_record},
    },
    store::{IndexEntry, IndexKind, Record, RecordKind},
    upstream::ldap::LdapRefusal,
};

/// How long it is remembered that a person has left: longer than sessions and grants last.
const VOID_TTL: Duration = Duration::from_hours(400 * 24);

/// Returns true if a person has left since the last sign-in, so that the directory need not be asked.
pub(in crate::accounts) async fn person_has_left(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    (person, claims): (&PersonRecord, &UpstreamClaims),
) -> Result<bool, AccountError> {
    let Ok(identity) = identity_of(provider, claims) else { return Ok(false) };
    let id = endings::void_id(&Subject::new(&*person.subject), identity.mark);
    let stored = context.get(&context.key(RecordKind::VoidBefore, id)).await?;
    let void = stored.and_then(|stored| decode_record::<VoidBefore>(&stored.record.value).ok());
    Ok(void.is_some_and(|void| void.person == identity.mark && void.at >= person.refreshed_at))
}

/// Ends the sessions and grants of a person who no longer exists at the provider. Their applications are notified.
pub(in crate::accounts) async fn end_directory_person(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    (subject, claims): (&str, &UpstreamClaims),
    refusal: &LdapRefusal,
) -> Result<(), AccountError> {
    let Ok(identity) = identity_of(provider, claims) else { return Ok(()) };
    let void = VoidBefore { person: identity.mark, generation: 0, at: context.store_now };
    let record = Record {
        key: context
            .key(RecordKind::VoidBefore, endings::void_id(&Subject::new(subject), identity.mark)),
        value: encode_record(&void).into(),
        expires_at: context.now.plus(VOID_TTL),
        owners: vec![IndexEntry::new(IndexKind::User, subject)],
        due_at: None,
    };
    let stored = context.get(&record.key).await?;
    let write = |_: Option<&_>| Ok(RecordChange::Write(record.clone(), ()));
    context.update(&record.key, stored, write).await?;
    let person = AuditText::new(subject);
    context.audit(AuditEvent::PersonRefused {
        refused: AuditedRefusedPerson {
            provider: AuditText::new(provider.name()),
            subject: Some(person.clone()),
            reason: PersonRefusal::Gone,
            cause: Some(AuditCause::new(refusal.to_string())),
        },
    });
    let kind = LogoutKind::PersonEnded;
    context.audit(AuditEvent::Logout { kind, subject: person, sid: None, client_id: None });
    let is_from = |origin: Option<&SignInOrigin>| {
        origin.is_some_and(|origin| origin.provider == provider.name())
    };
    let mut ended = HashSet::new();
    for stored in records_of_person(context, RecordKind::Session, subject).await? {
        let Ok(session) = decode_record::<Session>(&stored.record.value) else { continue };
        if is_from(session.origin.as_ref()) {
            end_stored_session(context, &stored.record.key, &session, (kind, None)).await?;
            ended.insert(session.sid);
        }
    }
    end_grants(context, subject, &ended, |grant| is_from(grant.origin.as_ref())).await
}
