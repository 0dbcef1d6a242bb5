//! Accounts by the names that are not their usernames.

use std::{collections::HashMap, sync::Arc};

use crate::model::{Account, normalize_username};

/// The accounts by normalized `preferred_username`, where it differs from the username. If several accounts have one
/// name, the first account keeps it.
pub(super) fn index_by_preferred_username(
    accounts: &[Arc<Account>],
) -> HashMap<String, Arc<Account>> {
    let mut found = HashMap::new();
    for account in accounts {
        let preferred = account.preferred_username().filter(|it| *it != account.username);
        if let Some(name) = preferred {
            found.entry(name).or_insert_with(|| Arc::clone(account));
        }
    }
    found
}

/// The accounts by their verified e-mail addresses. An address that several accounts have identifies
/// none of them.
pub(super) fn index_by_verified_email(accounts: &[Arc<Account>]) -> HashMap<String, Arc<Account>> {
    let mut holders: HashMap<String, Option<&Arc<Account>>> = HashMap::new();
    for account in accounts {
        let Some(email) = account.verified_email().map(normalize_username) else { continue };
        holders.entry(email).and_modify(|holder| *holder = None).or_insert(Some(account));
    }
    let unique = |(email, holder): (String, Option<&Arc<Account>>)| {
        holder.map(|account| (email, Arc::clone(account)))
    };
    holders.into_iter().filter_map(unique).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Subject, fixtures};

    fn user(username: &str, email: &str, is_verified: bool) -> Arc<Account> {
        let mut account = fixtures::user();
        account.username = username.to_owned();
        account.subject = Subject::new(username);
        account.claims.insert("email".to_owned(), email.into());
        account.claims.insert("email_verified".to_owned(), is_verified.into());
        Arc::new(account)
    }

    #[test]
    fn an_email_address_finds_the_only_account_that_verified_it() {
        let accounts = [
            user("ada", "Ada@Example.com", true),
            user("eve", "ada@example.com", false),
            user("bob", "team@example.com", true),
            user("dan", "TEAM@example.com", true),
        ];
        let found = index_by_verified_email(&accounts);
        let names: Vec<_> = found.iter().map(|(email, it)| (&**email, &*it.username)).collect();
        assert_eq!(names, [("ada@example.com", "ada")]);
    }

    #[test]
    fn a_preferred_username_finds_its_account_unless_it_is_the_username() {
        let mut admiral = fixtures::user();
        admiral.username = "grace".to_owned();
        admiral.claims.insert("preferred_username".to_owned(), "The Admiral".into());
        let mut ada = fixtures::user();
        ada.username = "ada".to_owned();
        ada.claims.insert("preferred_username".to_owned(), "Ada".into());
        let found = index_by_preferred_username(&[Arc::new(admiral), Arc::new(ada)]);
        let names: Vec<_> = found.iter().map(|(name, it)| (&**name, &*it.username)).collect();
        assert_eq!(names, [("the admiral", "grace")]);
    }
}
