//! The credentials that were set up with an invitation: each record names it. An invitation whose own record could not be
//! written last is used up by them.

use super::{
    AccountContext, AccountError,
    oldest_records::records_of_person,
    vaulted_record::{open_vaulted_record, person_record_key},
};
use crate::{
    model::Subject,
    protocol::{
        marks::is_kept,
        records::{
            AccountMarks, InvitationLink, PasskeyRecord, PasswordRecord, RecordFormat, TotpRecord,
        },
    },
    store::{RecordKind, VersionedRecord},
};

/// Returns true if the person of a link set up a password or an authenticator with it.
pub(super) async fn has_any(
    context: AccountContext<'_>,
    link: &InvitationLink,
) -> Result<bool, AccountError> {
    let password = |it: PasswordRecord| (it.marks, it.invitation);
    Ok(has_one(context, link, RecordKind::Password, password).await?
        || has_authenticator(context, link).await?)
}

/// Returns true if the person of a link set up an authenticator with it.
pub(super) async fn has_authenticator(
    context: AccountContext<'_>,
    link: &InvitationLink,
) -> Result<bool, AccountError> {
    let app = |it: TotpRecord| (it.marks, it.invitation);
    if has_one(context, link, RecordKind::Totp, app).await? {
        return Ok(true);
    }
    for stored in records_of_person(context, RecordKind::Passkey, &link.subject).await? {
        let passkey = |it: PasskeyRecord| (it.marks, it.invitation);
        if is_set_up_by(context, link, &stored, passkey)? {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn has_one<T: RecordFormat>(
    context: AccountContext<'_>,
    link: &InvitationLink,
    kind: RecordKind,
    set_up: impl FnOnce(T) -> (AccountMarks, Option<String>),
) -> Result<bool, AccountError> {
    let key = person_record_key(context, kind, &Subject::new(link.subject.as_str()));
    match context.get(&key).await? {
        Some(stored) => is_set_up_by(context, link, &stored, set_up),
        None => Ok(false),
    }
}

/// Returns true if a record names the invitation, and is of this person and not of an earlier one with the name.
fn is_set_up_by<T: RecordFormat>(
    context: AccountContext<'_>,
    link: &InvitationLink,
    stored: &VersionedRecord,
    set_up: impl FnOnce(T) -> (AccountMarks, Option<String>),
) -> Result<bool, AccountError> {
    let opened: Option<T> = open_vaulted_record(context, stored)?;
    Ok(opened.is_some_and(|opened| {
        let (marks, invitation) = set_up(opened);
        invitation.as_ref() == Some(&link.id)
            && is_kept(marks, link.person, context.tenant.tenant.mark)
    }))
}
