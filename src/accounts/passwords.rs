//! The passwords that people chose themselves, in the store.

use super::{
    AccountContext, AccountError,
    context::RecordChange,
    current_marks::current_marks,
    vaulted_record::{open_vaulted_record, person_record_key, seal_vaulted_record},
};
use crate::{
    model::{Account, PasswordState, Secret, StoredPassword, Subject, Timestamp},
    protocol::{
        marks::{AuthenticatorStanding, PasswordChange, judge_authenticator},
        records::PasswordRecord,
    },
    store::{RecordKey, RecordKind, VersionedRecord},
};

/// The password that a person chose.
#[derive(Clone, Debug)]
pub(crate) struct ChosenPassword(PasswordRecord);

impl ChosenPassword {
    /// When the person chose it.
    pub(crate) const fn chosen_at(&self) -> Timestamp {
        self.0.chosen_at
    }

    /// The password, to compare an attempt with.
    pub(crate) fn stored(&self) -> StoredPassword {
        StoredPassword::Hash(Secret::new(self.0.hash.clone()))
    }
}

/// The password of a person who can have chosen one; `None` if the person has not.
pub(crate) async fn load_password(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<Option<ChosenPassword>, AccountError> {
    if account.password != PasswordState::SelfChosen {
        return Ok(None);
    }
    let Some(stored) = context.get(&password_key(context, account)).await? else {
        return Ok(None);
    };
    let Some(password) = open_vaulted_record::<PasswordRecord>(context, &stored)? else {
        return Ok(None);
    };
    let now = current_marks(context, account);
    let made = (password.marks, password.chosen_at);
    match judge_authenticator(made, account, &[], now, context.store_now) {
        AuthenticatorStanding::Counts => Ok(Some(ChosenPassword(password))),
        AuthenticatorStanding::Adopted => {
            let adopted = PasswordRecord { marks: now, ..password };
            let key = stored.record.key;
            let record = seal_vaulted_record(context, key, &account.subject, &adopted)?;
            // Another request may have been faster.
            context.compare_and_swap(stored.version, record).await?;
            Ok(Some(ChosenPassword(adopted)))
        }
        AuthenticatorStanding::Reset | AuthenticatorStanding::OfOtherPerson => Ok(None),
    }
}

/// When a person last chose a password; `None` for one who has not.
pub(super) async fn last_change(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<Option<PasswordChange>, AccountError> {
    let password = load_password(context, account).await?;
    Ok(password.map(|ChosenPassword(it)| PasswordChange { at: it.chosen_at, sid: it.sid }))
}

/// Returns true if the store keeps the password that a person chooses, and the person can choose one.
pub(crate) fn can_choose(context: AccountContext<'_>, account: &Account) -> bool {
    account.password == PasswordState::SelfChosen
        && context.tenant.tenant.authenticators.are_kept
        && context.vault.is_some()
}

/// Stores the hash of the password that a person chose in a session, by its public id, or without one.
/// Sessions and grants that were made before have ended with it, except those of the session.
pub(crate) async fn save_password(
    context: AccountContext<'_>,
    account: &Account,
    hash: String,
    sid: Option<&str>,
) -> Result<(), AccountError> {
    let password = PasswordRecord {
        hash,
        // By the clock by which sessions are made.
        chosen_at: context.now,
        sid: sid.map(str::to_owned),
        marks: current_marks(context, account),
    };
    let key = password_key(context, account);
    let record = seal_vaulted_record(context, key.clone(), &account.subject, &password)?;
    let stored = context.get(&key).await?;
    let write = |_: Option<&VersionedRecord>| Ok(RecordChange::Write(record.clone(), ()));
    context.update(&key, stored, write).await
}

fn password_key(context: AccountContext<'_>, account: &Account) -> RecordKey {
    person_record_key(context, RecordKind::Password, &account.subject)
}

/// Reads a record that does not exist, in place of a password: so long does a name take that has none.
pub(super) async fn load_no_password(
    context: AccountContext<'_>,
    name: &str,
) -> Result<(), AccountError> {
    let subject = Subject::new(format!("no one: {name}"));
    context.get(&person_record_key(context, RecordKind::Password, &subject)).await?;
    Ok(())
}
