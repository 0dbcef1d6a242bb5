//! The people of identity providers in the store. A user needs no record. A person of a provider has one with the
//! provider's claims. The account is computed from them at each use.

use std::time::Duration;

use super::{
    person_budget::insert_new_person,
    upstream_error::{ClaimsTooLarge, UpstreamSignInError},
};
use crate::{
    accounts::{AccountContext, AccountError, context::RecordChange},
    model::{
        Account, AccountSource, AdmissionPolicy, AuditCause, AuditEvent, AuditText,
        AuditedRefusedPerson, DeclaredIdentity, ManagedKind, ObjectRef, PersonRefusal, Subject,
        SubjectStrategy, sha256_base64url,
    },
    protocol::{
        identity_provider::{
            IdentityProvider, UpstreamClaims, can_give_subject, identity_of, map_account,
        },
        records::{PersonRecord, SignInOrigin},
    },
    store::{IndexEntry, IndexKind, Record, RecordKey, RecordKind, VersionedRecord},
};

/// How long a person is remembered after the last use.
const TTL: Duration = Duration::from_hours(400 * 24);
/// How old the time of the last use may be.
const TOUCH_INTERVAL: Duration = Duration::from_hours(24);
/// A reference to the account of a session or grant.
#[derive(Clone, Copy, Debug)]
pub(in crate::accounts) struct AccountReference<'a> {
    /// The claim `sub` here.
    pub(in crate::accounts) subject: &'a Subject,
    /// Where the user signed in; `None` for the tenant itself.
    pub(in crate::accounts) origin: Option<&'a SignInOrigin>,
    /// Whether it is a grant that outlives its session.
    pub(in crate::accounts) is_offline: bool,
}

/// A person's record as stored.
#[derive(Clone, Debug)]
pub(in crate::accounts) struct StoredPerson {
    pub(in crate::accounts) person: PersonRecord,
    pub(in crate::accounts) version: u64,
}

/// Serializes the claims of a person.
pub(in crate::accounts) fn claims_json(claims: &UpstreamClaims) -> Result<String, ClaimsTooLarge> {
    let json = serde_json::to_string(claims).expect("claims serialize to memory");
    ClaimsTooLarge::check(json.len()).map(|()| json)
}

/// Stores what a provider said about a person just now. Returns true if the person was unknown.
pub(in crate::accounts) async fn save_person(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    subject: &Subject,
    claims: String,
) -> Result<bool, AccountError> {
    let person = PersonRecord {
        subject: subject.to_string(),
        provider: provider.name().to_owned(),
        claims,
        refreshed_at: context.store_now,
        used_at: context.now,
        asked_at: context.store_now,
        incomplete: false,
    };
    let record = person_record(context, &person)?;
    let mut stored = context.get(&record.key).await?;
    if stored.is_none() {
        if insert_new_person(context, (subject, provider.name()), record.clone()).await? {
            return Ok(true);
        }
        // Another sign-in of the person was faster.
        stored = context.get(&record.key).await?;
    }
    let write = |stored: Option<&VersionedRecord>| {
        Ok(RecordChange::Write(record.clone(), stored.is_none()))
    };
    context.update(&record.key, stored, write).await
}

/// The account of the person in the claims. It is the account of the OidcUser that declares the person, or else one
/// of the person's own.
pub(in crate::accounts) fn admitted_account(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    claims: &UpstreamClaims,
) -> Result<Account, UpstreamSignInError> {
    let account = map_account(provider, claims)?;
    let identity = identity_of(provider, claims)?.identifier;
    let identity = DeclaredIdentity { provider: provider.name().to_owned(), subject: identity };
    if let Some(declared) = context.tenant.account_by_identity(&identity) {
        if declared.disabled {
            return Err(UpstreamSignInError::Disabled(declared.username.clone()));
        }
        return Ok(united_account(declared, account, provider));
    }
    let reserved = context.tenant.reserved_names();
    if let Some(user) = reserved.user_with_identity(&identity) {
        return Err(UpstreamSignInError::UserNotAccepted(user.clone()));
    }
    if provider.admission == AdmissionPolicy::Declared {
        return Err(UpstreamSignInError::NotDeclared(identity.subject));
    }
    // A verbatim subject may not belong to another user, to a client or to a person of another provider.
    let subject = account.subject.as_str();
    let is_taken = context.tenant.account_by_subject(&account.subject).is_some()
        || context.tenant.declared_client(subject).is_some()
        || is_of_other_provider(context, provider, &account.subject);
    if is_taken {
        return Err(UpstreamSignInError::SubjectTaken(subject.to_owned()));
    }
    let is_verbatim = provider.subject.strategy == SubjectStrategy::Upstream;
    let of_provider = || reserved.provider_with_subject(&account.subject);
    let holder = reserved.holder_of_subject(&account.subject);
    if let Some(holder) = holder.or_else(|| is_verbatim.then(of_provider).flatten()) {
        return Err(UpstreamSignInError::reserved("subject", subject, holder));
    }
    // Applications would take the two for one. Only a provider without a prefix can name a user.
    if context.tenant.account_by_shown_name(&account.username).is_some() {
        return Err(UpstreamSignInError::UsernameTaken(account.username));
    }
    if let Some(user) = reserved.user_with_name(&account.username) {
        let user = ObjectRef::new(ManagedKind::OidcUser, user.clone());
        return Err(UpstreamSignInError::reserved("username", &account.username, user));
    }
    Ok(account)
}

/// Returns true for a verbatim subject that another provider of the tenant can give.
fn is_of_other_provider(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    subject: &Subject,
) -> bool {
    let mut others = context.tenant.providers().iter().filter(|it| it.object != provider.object);
    provider.subject.strategy == SubjectStrategy::Upstream
        && others.any(|other| can_give_subject(&other.subject, subject))
}

/// The account of a declared user who has signed in at a provider: declared claims win, groups
/// unite.
fn united_account(declared: &Account, also: Account, provider: &IdentityProvider) -> Account {
    let mut account = declared.clone();
    for (name, value) in also.claims {
        if !is_about_declared_claim(declared, &name) {
            account.claims.entry(name).or_insert(value);
        }
    }
    let new = also.groups.into_iter().filter(|group| !declared.groups.contains(group));
    account.groups.extend(new);
    if let AccountSource::Resource(user) = &declared.source {
        let (user, provider) = (user.clone(), provider.object.clone());
        let (person, subject) = (also.mark, also.subject);
        account.source = AccountSource::Declared { user, provider, person, subject };
    }
    account
}

/// Returns true for `NAME_verified` if the user declares the claim `NAME`. A provider cannot verify an address that it
/// did not supply.
fn is_about_declared_claim(declared: &Account, name: &str) -> bool {
    let of = name.strip_suffix("_verified");
    of.is_some_and(|of| declared.claims.contains_key(of))
}

/// Reports that a person is not admitted.
pub(in crate::accounts) fn report_refused_person(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    subject: Option<&str>,
    error: &UpstreamSignInError,
) {
    let Some(reason) = error.person_refusal() else { return };
    context.audit(AuditEvent::PersonRefused {
        refused: AuditedRefusedPerson {
            provider: AuditText::new(provider.name()),
            subject: subject.map(AuditText::new),
            reason,
            cause: Some(AuditCause::new(error.to_string())),
        },
    });
}

/// Reports that a provider said too little about a person who is signed in, when it was asked again.
pub(super) fn report_incomplete_person(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    subject: &str,
    error: &UpstreamSignInError,
) {
    context.audit(AuditEvent::PersonRefused {
        refused: AuditedRefusedPerson {
            provider: AuditText::new(provider.name()),
            subject: Some(AuditText::new(subject)),
            reason: error.person_refusal().unwrap_or(PersonRefusal::Claims),
            cause: Some(AuditCause::new(error.to_string())),
        },
    });
}

/// Loads the record of a person of a provider, and records its use once a day.
pub(in crate::accounts) async fn load_person(
    context: AccountContext<'_>,
    subject: &Subject,
    provider: &IdentityProvider,
) -> Result<Option<StoredPerson>, AccountError> {
    let key = person_key(context, subject.as_str(), provider.name());
    let Some(stored) = context.get(&key).await? else { return Ok(None) };
    let Some(person) = open_person(context, (subject, provider.name()), &stored)? else {
        return Ok(None);
    };
    let mut version = stored.version;
    if context.now.since(person.used_at) >= TOUCH_INTERVAL {
        let used = PersonRecord { used_at: context.now, ..person.clone() };
        // If it fails, a concurrent request recorded the use, or fresher claims.
        context.compare_and_swap(version, person_record(context, &used)?).await?;
        let Some(stored) = context.get(&key).await? else { return Ok(None) };
        version = stored.version;
    }
    Ok(Some(StoredPerson { person, version }))
}

/// Reads the claims of a record. `None` if they are damaged.
pub(in crate::accounts) fn claims_of(person: &PersonRecord) -> Option<UpstreamClaims> {
    serde_json::from_str(&person.claims).ok()
}

/// Stores the result of a question to a directory, unless a sign-in in the meantime has fresher claims.
pub(super) async fn save_answer(
    context: AccountContext<'_>,
    person: &PersonRecord,
) -> Result<(), AccountError> {
    let record = person_record(context, person)?;
    let stored = context.get(&record.key).await?;
    let write = |stored: Option<&VersionedRecord>| {
        let Some(stored) = stored else { return Ok(RecordChange::Keep(())) };
        let of = (&Subject::new(&*person.subject), &*person.provider);
        let fresher = open_person(context, of, stored)?;
        if fresher.is_some_and(|it| it.asked_at > person.asked_at) {
            return Ok(RecordChange::Keep(()));
        }
        Ok(RecordChange::Write(record.clone(), ()))
    };
    context.update(&record.key, stored, write).await
}

fn person_key(context: AccountContext<'_>, subject: &str, provider: &str) -> RecordKey {
    context.key(RecordKind::Person, sha256_base64url(format!("{subject}\0{provider}")))
}

/// The record of a person.
pub(super) fn person_record(
    context: AccountContext<'_>,
    person: &PersonRecord,
) -> Result<Record, AccountError> {
    Ok(Record {
        key: person_key(context, &person.subject, &person.provider),
        value: context.seal(person)?.into_bytes().into(),
        expires_at: context.now.plus(TTL),
        owners: vec![IndexEntry::new(IndexKind::User, &person.subject)],
        due_at: None,
    })
}

/// Opens a record; `None` if it is not this person's of the provider, or sealed with a key that no longer exists.
fn open_person(
    context: AccountContext<'_>,
    (subject, provider): (&Subject, &str),
    stored: &VersionedRecord,
) -> Result<Option<PersonRecord>, AccountError> {
    let person = opened_person(context, subject, stored)?;
    Ok(person.filter(|person| person.provider == provider))
}

/// Opens a record of a person, of any provider.
pub(in crate::accounts) fn opened_person(
    context: AccountContext<'_>,
    subject: &Subject,
    stored: &VersionedRecord,
) -> Result<Option<PersonRecord>, AccountError> {
    let Ok(sealed) = std::str::from_utf8(&stored.record.value) else { return Ok(None) };
    let person: Option<PersonRecord> = context.open(sealed)?;
    let is_own = |person: &PersonRecord| person.subject == subject.as_str();
    Ok(person.filter(is_own))
}
