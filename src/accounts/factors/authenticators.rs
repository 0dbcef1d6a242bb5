//! Authenticators of which a person has at most one each. They are compared with the person who set them up,
//! adopted after a restore, and moved to the OidcUser that declares the person (docs/design/state.md#marks).

use crate::{
    accounts::{
        AccountContext, AccountError,
        records::vaulted_record::{open_vaulted_record, person_record_key, seal_vaulted_record},
        revocation::endings,
    },
    model::{
        Account, AccountSource, AuditEvent, AuditText, AuditedAuthenticator, ObjectMark, Subject,
        Timestamp,
    },
    protocol::{
        identity_provider::declared_identity,
        marks::{AuthenticatorStanding, decide_authenticator_standing},
        records::{AccountMarks, RecordFormat, RecoveryCodesRecord, TotpRecord},
    },
    store::{RecordKey, RecordKind, VersionedRecord},
};

/// The record of an authenticator of which a person has one.
pub(in crate::accounts) trait PersonalAuthenticator: RecordFormat {
    /// The kind of the record.
    const KIND: RecordKind;
    /// The authenticator in audit lines.
    const AUDITED: AuditedAuthenticator;

    /// The marks of the person, and when the person set it up.
    fn set_up(&self) -> (AccountMarks, Timestamp);

    /// Returns the authenticator with other marks.
    #[must_use]
    fn with_marks(self, marks: AccountMarks) -> Self;
}

impl PersonalAuthenticator for TotpRecord {
    const KIND: RecordKind = RecordKind::Totp;
    const AUDITED: AuditedAuthenticator = AuditedAuthenticator::Totp;

    fn set_up(&self) -> (AccountMarks, Timestamp) {
        (self.marks, self.enrolled_at)
    }

    fn with_marks(self, marks: AccountMarks) -> Self {
        Self { marks, ..self }
    }
}

impl PersonalAuthenticator for RecoveryCodesRecord {
    const KIND: RecordKind = RecordKind::RecoveryCodes;
    const AUDITED: AuditedAuthenticator = AuditedAuthenticator::RecoveryCodes;

    fn set_up(&self) -> (AccountMarks, Timestamp) {
        (self.marks, self.made_at)
    }

    fn with_marks(self, marks: AccountMarks) -> Self {
        Self { marks, ..self }
    }
}

/// The key of a person's authenticator.
pub(in crate::accounts) fn authenticator_key<T: PersonalAuthenticator>(
    context: AccountContext<'_>,
    subject: &Subject,
) -> RecordKey {
    person_record_key(context, T::KIND, subject)
}

/// Loads the authenticator of a user; `None` if the user has no valid authenticator of the kind.
///
/// # Errors
///
/// The errors of [`open_vaulted_record`], and [`AccountError::OtherPersonsAuthenticator`] if another person with
/// the subject has set it up. It is not treated as absent, because an object that is created again would then lower
/// the protection of the account.
pub(super) async fn load_authenticator<T: PersonalAuthenticator>(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<Option<(VersionedRecord, T)>, AccountError> {
    let declared = declared_subjects(context, account);
    let marks: Vec<_> = declared.iter().map(|(_, mark)| *mark).collect();
    let key = authenticator_key::<T>(context, &account.subject);
    let stored = context.get(&key).await?;
    let own =
        stored.map(|stored| open::<T>(context, account, &marks, stored)).transpose()?.flatten();
    if let Some(OpenedAuthenticator { stored, authenticator, standing }) = own {
        match standing {
            AuthenticatorStanding::Counts => return Ok(Some((stored, authenticator))),
            AuthenticatorStanding::Adopted => {
                return adopt(context, account, (Some(stored), authenticator)).await;
            }
            AuthenticatorStanding::OfOtherPerson => {
                return Err(AccountError::OtherPersonsAuthenticator);
            }
            AuthenticatorStanding::Reset => {}
        }
    }
    for (subject, _) in declared.iter().filter(|(subject, _)| *subject != account.subject) {
        let earlier = context.get(&authenticator_key::<T>(context, subject)).await?;
        let Some(earlier) = earlier else { continue };
        let opened = open::<T>(context, account, &marks, earlier)?;
        let Some(opened) = opened.filter(|it| it.standing.counts()) else { continue };
        let own = context.get(&key).await?;
        let adopted = adopt(context, account, (own, opened.authenticator)).await?;
        // If this fails, the authenticator that is left is not read again while the user has another.
        context.compare_and_swap(opened.stored.version, opened.stored.tombstone()).await?;
        return Ok(adopted);
    }
    Ok(None)
}

/// Opens the authenticator of a record, to change it; `None` if it is not accepted.
pub(in crate::accounts) fn open_authenticator<T: PersonalAuthenticator>(
    context: AccountContext<'_>,
    account: &Account,
    stored: &VersionedRecord,
) -> Result<Option<T>, AccountError> {
    let opened = open::<T>(context, account, &[], stored.clone())?;
    Ok(opened.filter(|it| it.standing.counts()).map(|it| it.authenticator))
}

/// Removes the authenticator of a person. Returns false if there was none.
pub(super) async fn remove_authenticator<T: PersonalAuthenticator>(
    context: AccountContext<'_>,
    account: &Account,
) -> Result<bool, AccountError> {
    for (subject, _) in declared_subjects(context, account) {
        context.take(&authenticator_key::<T>(context, &subject)).await?;
    }
    Ok(context.take(&authenticator_key::<T>(context, &account.subject)).await?.is_some())
}

/// An authenticator, and whether it is accepted.
struct OpenedAuthenticator<T> {
    stored: VersionedRecord,
    authenticator: T,
    standing: AuthenticatorStanding,
}

/// Opens a record; `None` if its key was discarded.
fn open<T: PersonalAuthenticator>(
    context: AccountContext<'_>,
    account: &Account,
    declared: &[ObjectMark],
    stored: VersionedRecord,
) -> Result<Option<OpenedAuthenticator<T>>, AccountError> {
    let Some(authenticator) = open_vaulted_record::<T>(context, &stored)? else { return Ok(None) };
    let now = endings::current_marks(context, account);
    let standing = decide_authenticator_standing(
        authenticator.set_up(),
        account,
        declared,
        now,
        context.store_now,
    );
    Ok(Some(OpenedAuthenticator { stored, authenticator, standing }))
}

/// Writes an authenticator with the present marks of the person, in place of the record that is there.
async fn adopt<T: PersonalAuthenticator>(
    context: AccountContext<'_>,
    account: &Account,
    (there, opened): (Option<VersionedRecord>, T),
) -> Result<Option<(VersionedRecord, T)>, AccountError> {
    let key = authenticator_key::<T>(context, &account.subject);
    let adopted = opened.with_marks(endings::current_marks(context, account));
    let record = seal_vaulted_record(context, key.clone(), &account.subject, &adopted)?;
    let is_written = match there {
        Some(there) => context.compare_and_swap(there.version, record).await?,
        None => context.insert(record).await?,
    };
    if is_written {
        context.audit(AuditEvent::AuthenticatorAdopted {
            authenticator: T::AUDITED,
            subject: AuditText::new(account.subject.as_str()),
        });
    }
    // Another request may have been faster.
    let stored = context.get(&key).await?.ok_or(AccountError::Conflict(T::KIND))?;
    let present = open_authenticator::<T>(context, account, &stored)?;
    Ok(present.map(|present| (stored, present)))
}

/// The people of identity providers who are this user: their subjects and marks without the OidcUser.
pub(super) fn declared_subjects(
    context: AccountContext<'_>,
    account: &Account,
) -> Vec<(Subject, ObjectMark)> {
    let mut people = Vec::new();
    for identity in &account.identities {
        let provider = context.tenant.provider(&identity.provider);
        let person = provider.and_then(|it| declared_identity(it, &identity.subject));
        people.extend(person.map(|person| (person.subject, person.mark)));
    }
    if let AccountSource::Declared { person, subject, .. } = &account.source
        && !people.iter().any(|(_, mark)| mark == person)
    {
        people.push((subject.clone(), *person));
    }
    people
}
