//! The people whom clients name in requests over the backchannel (CIBA Core §7.1). No identity provider is asked.

use std::sync::Arc;

use crate::{
    accounts::{
        AccountContext, AccountError,
        people::person_records::{admitted_account, claims_of, opened_person},
        records::oldest_records::records_of_person,
    },
    model::{Account, Client, Subject, normalize_username},
    protocol::subject::subject_for_client,
    store::RecordKind,
};

/// A parameter that names the user of a request (CIBA Core §7.1).
#[derive(Clone, Copy, Debug)]
pub(crate) enum BackchannelUserHint<'a> {
    /// A username or verified e-mail address of a user of the tenant, or a `sub` that is not pairwise.
    Login(&'a str),
    /// A `sub` as the client knows it.
    Subject(&'a Subject),
}

/// Finds the person that a client names; `None` if the person is unknown or disabled.
pub(crate) async fn find_named_person(
    context: AccountContext<'_>,
    client: &Client,
    name: BackchannelUserHint<'_>,
) -> Result<Option<Arc<Account>>, AccountError> {
    let found = match name {
        BackchannelUserHint::Login(typed) => {
            let (tenant, normalized) = (context.tenant, normalize_username(typed));
            let by_name = tenant.account_by_username(&normalized).cloned();
            let by_email = tenant.account_by_email(&normalized).cloned();
            // A client could invent pairwise subjects, and each account would have to be tried. `id_token_hint` proves
            // a pairwise subject instead.
            let by_subject = match client.pairwise {
                Some(_) => None,
                None => find_subject(context, client, &Subject::new(typed)).await?,
            };
            only_one([by_name, by_email, by_subject])
        }
        BackchannelUserHint::Subject(subject) => find_subject(context, client, subject).await?,
    };
    Ok(found.filter(|account| !account.disabled))
}

/// The person whom the hint fits; `None` if it fits two.
fn only_one(found: [Option<Arc<Account>>; 3]) -> Option<Arc<Account>> {
    let mut found = found.into_iter().flatten();
    let first = found.next()?;
    found.all(|it| it.subject == first.subject).then_some(first)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixtures;

    #[test]
    fn a_hint_that_fits_two_people_is_refused() {
        let alice = Some(Arc::new(fixtures::user()));
        let bob = Account { subject: Subject::new("bob-id"), ..fixtures::user() };
        let subject = |found| only_one(found).map(|it| it.subject.to_string());
        assert_eq!(subject([None, None, None]), None);
        assert_eq!(subject([alice.clone(), alice.clone(), None]).as_deref(), Some("alice-id"));
        assert_eq!(subject([None, None, alice.clone()]).as_deref(), Some("alice-id"));
        assert_eq!(subject([alice.clone(), Some(Arc::new(bob.clone())), None]), None);
        assert_eq!(subject([alice, None, Some(Arc::new(bob))]), None);
    }
}
