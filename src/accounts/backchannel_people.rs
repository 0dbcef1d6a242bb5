//! The people whom clients name in requests over the backchannel (CIBA Core §7.1). No identity provider is asked.

use std::sync::Arc;

use super::{
    AccountContext, AccountError,
    oldest_records::records_of_person,
    people::{admitted_account, claims_of, opened_person},
};
use crate::{
    model::{Account, Client, Subject, normalize_username},
    protocol::subject::subject_for_client,
    store::RecordKind,
};

/// The name of a person.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NamedPerson<'a> {
    /// A username or verified e-mail address of a user of the tenant, or a `sub` as the client knows it.
    Login(&'a str),
    /// A `sub` as the client knows it.
    Subject(&'a Subject),
}

/// Finds the person whom a client names; `None` for one who is unknown or disabled.
pub(crate) async fn find_named_person(
    context: AccountContext<'_>,
    client: &Client,
    name: NamedPerson<'_>,
) -> Result<Option<Arc<Account>>, AccountError> {
    let found = match name {
        NamedPerson::Login(typed) => {
            let (tenant, normalized) = (context.tenant, normalize_username(typed));
            let by_name = tenant.account_by_username(&normalized);
            let declared = by_name.or_else(|| tenant.account_by_email(&normalized));
            match declared {
                Some(account) => Some(Arc::clone(account)),
                None => find_subject(context, client, &Subject::new(typed)).await?,
            }
        }
        NamedPerson::Subject(subject) => find_subject(context, client, subject).await?,
    };
    Ok(found.filter(|account| !account.disabled))
}

/// Finds a person by the `sub` that the client knows. A pairwise one cannot be reversed, so it finds users of the
/// tenant only.
async fn find_subject(
    context: AccountContext<'_>,
    client: &Client,
    known: &Subject,
) -> Result<Option<Arc<Account>>, AccountError> {
    if client.pairwise.is_some() {
        let mut accounts = context.tenant.accounts().iter();
        let found = accounts.find(|it| subject_for_client(client, &it.subject) == *known);
        return Ok(found.cloned());
    }
    match context.tenant.account_by_subject(known) {
        Some(account) => Ok(Some(Arc::clone(account))),
        None => known_person(context, known).await,
    }
}

/// The account of a person of an identity provider, by the claims of the last sign-in.
async fn known_person(
    context: AccountContext<'_>,
    subject: &Subject,
) -> Result<Option<Arc<Account>>, AccountError> {
    for stored in records_of_person(context, RecordKind::Person, subject.as_str()).await? {
        let Some(person) = opened_person(context, subject, &stored)? else { continue };
        let Some(provider) = context.tenant.provider(&person.provider) else { continue };
        let Some(claims) = claims_of(&person) else { continue };
        match admitted_account(context, provider, &claims) {
            Ok(account) if account.subject == *subject => return Ok(Some(Arc::new(account))),
            // The provider may admit the person no more, or the subject is another person's.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(None)
}
