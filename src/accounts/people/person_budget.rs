//! The budget of an identity provider for new people, because its operator can invent any number of them
//! (docs/design/state.md#new-people).

use std::time::Duration;

use crate::{
    accounts::{AccountContext, AccountError, records::budgeted_records::insert_counted},
    identity::RecordMaker,
    model::Subject,
    store::Record,
};

/// How long a KiB of a new person counts. The record lives longer: the budget limits the pace at which people are
/// added.
const COUNTED_TIME: Duration = Duration::from_hours(1);

/// Stores the record of a new person within the budget of the provider. Returns false if there is one by now. A
/// declared user takes nothing.
///
/// # Errors
///
/// [`AccountError::TooManyRecords`] if the provider's new people have used up its budget. The store fails.
pub(super) async fn insert_new_person(
    context: AccountContext<'_>,
    (subject, provider): (&Subject, &str),
    record: Record,
) -> Result<bool, AccountError> {
    let is_declared = context.tenant.account_by_subject(subject).is_some();
    let maker = (!is_declared).then_some(RecordMaker::NewPeople(provider));
    let budget = (&context.services.person_budget, maker);
    insert_counted(context, budget, (record, COUNTED_TIME)).await
}
