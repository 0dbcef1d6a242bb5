//! The passwords that people chose themselves, in the store.

use crate::{
    accounts::{
        AccountContext, AccountError,
        context::RecordChange,
        records::{
            current_marks::current_marks,
            vaulted_record::{open_vaulted_record, person_record_key, seal_vaulted_record},
        },
    },
    model::{Account, CredentialMark, PasswordState, Secret, StoredPassword, Subject, Timestamp},
    protocol::{
        marks::{AuthenticatorStanding, PasswordChange, decide_authenticator_standing},
        records::PasswordRecord,
    },
    store::{Record, RecordKey, RecordKind, VersionedRecord},
};

/// The password that a person chose.
#[derive(Clone, Debug)]
pub(crate) struct ChosenPassword(PasswordRecord);

impl ChosenPassword {
    /// The time at which the person chose the password.
    pub(crate) const fn chosen_at(&self) -> Timestamp {
        self.0.chosen_at
    }

    /// The password, to compare an attempt with.
    pub(crate) fn stored(&self) -> StoredPassword {
        StoredPassword::Hash(Secret::new(self.0.hash.clone()))
    }

    /// The mark of sessions that the password began. `None` if there is no key for it.
    pub(in crate::accounts) fn credential_mark(
        &self,
        context: AccountContext<'_>,
        subject: &Subject,
    ) -> Option<CredentialMark> {
        chosen_password_mark(context, subject, &self.0.hash)
    }
}

/// The mark of sessions that a password with this hash begins. `None` if there is no key for it.
pub(crate) fn chosen_password_mark(
    context: AccountContext<'_>,
    subject: &Subject,
    hash: &str,
) -> Option<CredentialMark> {
    let hash = Secret::new(hash.to_owned());
    Some(context.sealer?.credential_mark(context.tenant_id(), subject, Some(&hash)))
}

/// The password that a user has chosen; `None` if the user has not chosen a password.
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
    match decide_authenticator_standing(made, account, &[], now, context.store_now) {
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

/// The last change of a user's password by the user: its time, its session, and the mark of the password. `None` if the
/// user has not chosen a password.
pub(in crate::accounts) async fn last_change(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<Option<PasswordChange>, AccountError> {
    let Some(password) = load_password(context, account).await? else { return Ok(None) };
    let mark = password.credential_mark(context, &account.subject);
    let ChosenPassword(PasswordRecord { chosen_at, sid, .. }) = password;
    Ok(Some(PasswordChange { at: chosen_at, sid, mark }))
}

/// Returns true if the user may choose a password, and the store keeps it.
pub(crate) fn can_choose_password(context: AccountContext<'_>, account: &Account) -> bool {
    account.password == PasswordState::SelfChosen
        && context.tenant.tenant.authenticators.are_kept
        && context.vault.is_some()
}

/// Stores the hash of a password in place of the password that was chosen at this time. Returns false if the user has
/// changed it in the meantime.
pub(super) async fn replace_password(
    context: AccountContext<'_>,
    account: &Account,
    hash: String,
    chosen_at: Timestamp,
) -> Result<bool, AccountError> {
    let Some(stored) = context.get(&password_key(context, account)).await? else {
        return Ok(false);
    };
    let before = open_vaulted_record::<PasswordRecord>(context, &stored)?;
    if before.as_ref().is_none_or(|before| before.chosen_at != chosen_at) {
        return Ok(false);
    }
    let invitation = before.and_then(|before| before.invitation);
    let record = password_record(context, account, hash, (None, invitation))?;
    Ok(context.compare_and_swap(stored.version, record).await?)
}

/// The place where a person chose a password.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PasswordChoice<'a> {
    /// A session, by its public id.
    Session(&'a str),
    /// An invitation, by its id. It is used up with the password.
    Invitation(&'a str),
    /// An invitation that is used up with the authenticator after the password.
    BeforeAuthenticator,
}

/// A password that was just stored, and the record of the password before it.
#[derive(Debug)]
pub(crate) struct SavedPassword {
    written: Record,
    before: Option<VersionedRecord>,
}

impl SavedPassword {
    /// Restores the password from before, unless the user has chosen a new one in the meantime.
    pub(in crate::accounts) async fn undo(
        self,
        context: AccountContext<'_>,
    ) -> Result<(), AccountError> {
        let Self { written, before } = self;
        let stored = context.get(&written.key).await?;
        let Some(stored) = stored.filter(|stored| stored.record.value == written.value) else {
            return Ok(());
        };
        let earlier = before.map_or_else(|| stored.tombstone(), |before| before.record);
        context.compare_and_swap(stored.version, earlier).await?;
        Ok(())
    }
}

/// Stores the hash of the password that a person chose, and returns how it is undone. Sessions and grants that were
/// made before have ended with it, except those of the session that it was chosen in.
pub(crate) async fn save_password(
    context: AccountContext<'_>,
    account: &Account,
    hash: String,
    choice: PasswordChoice<'_>,
) -> Result<SavedPassword, AccountError> {
    let stored = context.get(&password_key(context, account)).await?;
    let (sid, invitation) = match choice {
        PasswordChoice::Session(sid) => (Some(sid), None),
        PasswordChoice::Invitation(id) => (None, Some(id.to_owned())),
        PasswordChoice::BeforeAuthenticator => (None, None),
    };
    let earlier = || -> Result<Option<String>, AccountError> {
        let before = stored.as_ref().map(|it| open_vaulted_record::<PasswordRecord>(context, it));
        Ok(before.transpose()?.flatten().and_then(|before| before.invitation))
    };
    let invitation = if invitation.is_some() { invitation } else { earlier()? };
    let record = password_record(context, account, hash, (sid, invitation))?;
    let write =
        |before: Option<&VersionedRecord>| Ok(RecordChange::Write(record.clone(), before.cloned()));
    let before = context.update(&record.key, stored, write).await?;
    Ok(SavedPassword { written: record, before })
}

fn password_record(
    context: AccountContext<'_>,
    account: &Account,
    hash: String,
    (sid, invitation): (Option<&str>, Option<String>),
) -> Result<Record, AccountError> {
    let password = PasswordRecord {
        hash,
        // By the clock by which sessions are made.
        chosen_at: context.now,
        sid: sid.map(str::to_owned),
        marks: current_marks(context, account),
        invitation,
    };
    seal_vaulted_record(context, password_key(context, account), &account.subject, &password)
}

fn password_key(context: AccountContext<'_>, account: &Account) -> RecordKey {
    person_record_key(context, RecordKind::Password, &account.subject)
}

/// Reads a record that does not exist, in place of a password: so long does a name take that has none.
pub(in crate::accounts) async fn load_no_password(
    context: AccountContext<'_>,
    name: &str,
) -> Result<(), AccountError> {
    let subject = Subject::new(format!("no one: {name}"));
    context.get(&person_record_key(context, RecordKind::Password, &subject)).await?;
    Ok(())
}
