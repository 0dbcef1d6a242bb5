//! Whether a session or grant has ended with its user (docs/design/state.md#marks).

pub(in crate::accounts) use crate::accounts::records::current_marks::{
    adopted_marks, current_marks,
};
use crate::{
    accounts::{AccountContext, AccountError, passwords::chosen_passwords},
    model::{Account, ObjectMark, Subject, Timestamp, sha256_base64url},
    protocol::{
        marks::{self, MarkedRecord, PasswordChange},
        records::{AccountMarks, VoidBefore, decode_record},
    },
    store::RecordKind,
};

/// The present marks of a user, which sessions and grants are compared to. They are loaded once for a request.
#[derive(Clone, Debug)]
pub(in crate::accounts) struct PresentMarks {
    marks: AccountMarks,
    /// When the user last chose a password.
    password_change: Option<PasswordChange>,
}

impl PresentMarks {
    /// Loads the marks of a user.
    async fn load(context: AccountContext<'_>, account: &Account) -> Result<Self, AccountError> {
        let marks = current_marks(context, account);
        Ok(Self { marks, password_change: chosen_passwords::last_change(context, account).await? })
    }

    /// Loads the marks of a user for a session or grant; `None` if it is not usable, regardless of the password.
    async fn load_for(
        context: AccountContext<'_>,
        record: MarkedRecord<'_>,
        account: &Account,
    ) -> Result<Option<Self>, AccountError> {
        let marks = current_marks(context, account);
        let any_password = AccountMarks { credential: None, ..marks };
        if !marks::account_permits_record(record, account, any_password, context.now) {
            return Ok(None);
        }
        let password_change = chosen_passwords::last_change(context, account).await?;
        Ok(Some(Self { marks, password_change }))
    }

    /// Returns true if a session or grant is of this person and password, and is not void.
    pub(in crate::accounts) fn are_of(
        &self,
        record: MarkedRecord<'_>,
        account: &Account,
        at: Timestamp,
    ) -> bool {
        let change = self.password_change.as_ref();
        let now = change.map_or(self.marks, |change| change.marks_for(record, self.marks));
        marks::account_permits_record(record, account, now, at)
            && !change.is_some_and(|change| change.ends(record))
    }
}

/// Returns true if a session or grant can be used, as far as its user decides.
pub(in crate::accounts) async fn is_user_record_usable(
    context: AccountContext<'_>,
    record: MarkedRecord<'_>,
    account: &Account,
) -> Result<bool, AccountError> {
    Ok(load_usable_marks(context, record, account).await?.is_some())
}

/// Loads the present marks of the user of a session or grant; `None` if it cannot be used, as far as its user decides.
pub(in crate::accounts) async fn load_usable_marks(
    context: AccountContext<'_>,
    record: MarkedRecord<'_>,
    account: &Account,
) -> Result<Option<PresentMarks>, AccountError> {
    let present = PresentMarks::load_for(context, record, account).await?;
    let Some(present) = present.filter(|it| it.are_of(record, account, context.now)) else {
        return Ok(None);
    };
    let now = present.marks;
    if marks::may_record_be_void(record, now) && is_void(context, record, account, now).await? {
        return Ok(None);
    }
    // A declared user may be gone from the provider that the record was made by.
    let Some(person) = account.declared_mark() else { return Ok(Some(present)) };
    let there = AccountMarks { person, ..now };
    let is_gone = is_void(context, record, account, there).await?;
    Ok((!is_gone).then_some(present))
}

/// Checks many records of one user, for whom the store is asked once.
pub(in crate::accounts) struct RecordValidity<'a> {
    account: &'a Account,
    present: PresentMarks,
    now: Timestamp,
    /// The ends of the user, each with the marks that it is compared to.
    voids: Vec<(AccountMarks, VoidBefore)>,
}

impl<'a> RecordValidity<'a> {
    /// Loads the ends of a user.
    pub(in crate::accounts) async fn load(
        context: AccountContext<'_>,
        account: &'a Account,
    ) -> Result<Self, AccountError> {
        let present = PresentMarks::load(context, account).await?;
        let marks = present.marks;
        let there = account.declared_mark().map(|person| AccountMarks { person, ..marks });
        let mut voids = Vec::new();
        for marks in [Some(marks), there].into_iter().flatten() {
            voids.extend(load_void(context, account, marks).await?.map(|void| (marks, void)));
        }
        Ok(Self { account, present, now: context.now, voids })
    }

    /// Returns true if a session or grant can be used, as far as its user decides ([`is_user_record_usable`]).
    pub(in crate::accounts) fn is_usable(&self, record: MarkedRecord<'_>) -> bool {
        self.present.are_of(record, self.account, self.now)
            && !self.voids.iter().any(|(marks, void)| {
                let is_own = marks.person == self.present.marks.person;
                (!is_own || marks::may_record_be_void(record, *marks))
                    && marks::is_void(record, void, *marks)
            })
    }
}

/// Returns true if the person with these marks was disabled or deleted after the record was made.
async fn is_void(
    context: AccountContext<'_>,
    record: MarkedRecord<'_>,
    account: &Account,
    now: AccountMarks,
) -> Result<bool, AccountError> {
    let void = load_void(context, account, now).await?;
    Ok(void.is_some_and(|void| marks::is_void(record, &void, now)))
}

async fn load_void(
    context: AccountContext<'_>,
    account: &Account,
    now: AccountMarks,
) -> Result<Option<VoidBefore>, AccountError> {
    let key = context.key(RecordKind::VoidBefore, void_id(&account.subject, now.person));
    let stored = context.get(&key).await?;
    Ok(stored.and_then(|stored| decode_record::<VoidBefore>(&stored.record.value).ok()))
}

/// The id of a person's [`VoidBefore`] record. Another person with the subject has another record.
pub(super) fn void_id(subject: &Subject, person: ObjectMark) -> String {
    sha256_base64url(format!("{subject}\0{person}"))
}
