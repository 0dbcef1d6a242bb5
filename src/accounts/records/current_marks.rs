//! Computes the marks to store with a new record of an account, and with an earlier record that has been found to be
//! the account's (docs/design/state.md#marks).

use crate::{
    accounts::AccountContext,
    model::{Account, PasswordState, StoredPassword},
    protocol::records::AccountMarks,
};

/// The marks of a record that is created for the account at this moment.
pub(in crate::accounts) fn current_marks(
    context: AccountContext<'_>,
    account: &Account,
) -> AccountMarks {
    let password = context.tenant.password(&account.subject);
    let text = password.map(|password| match password {
        StoredPassword::Hash(text) | StoredPassword::Plain(text) => text,
    });
    // While the password cannot be read there is nothing to compare with.
    let credential = context
        .sealer
        .filter(|_| account.password != PasswordState::Unreadable)
        .map(|sealer| sealer.credential_mark(context.tenant_id(), &account.subject, text));
    AccountMarks {
        person: account.mark,
        tenant: context.tenant.tenant.mark,
        credential,
        generation: account.generation,
    }
}

/// The marks to store with an earlier record that has been found to be the account's. The record keeps its marks, since
/// its generation must stay that of its creation. `made`: `None` for a record of an earlier release, which has no
/// marks.
pub(in crate::accounts) fn adopted_marks(
    context: AccountContext<'_>,
    made: Option<AccountMarks>,
    account: &Account,
) -> AccountMarks {
    let now = current_marks(context, account);
    match made {
        Some(made) => AccountMarks { credential: made.credential.or(now.credential), ..made },
        // An earlier release made it, in an unknown generation.
        None => AccountMarks { generation: 0, ..now },
    }
}
