//! The people of identity providers in the store. A declared user needs no record; a person of a
//! provider has one, which holds the provider's claims. The account is computed from them at each
//! use.

use std::{sync::Arc, time::Duration};

use super::{
    AccountContext, AccountError,
    context::RecordChange,
    person_refresh::{self, Freshness, PersonAnswer, askable_directory},
};
use crate::{
    model::{
        Account, AdmissionPolicy, AuditCause, AuditEvent, AuditText, DeclaredIdentity,
        LdapSettings, PersonRefusal, Subject, sha256_base64url,
    },
    protocol::{
        identity_provider::{IdentityProvider, UpstreamClaims, identity_of, map_account},
        records::PersonRecord,
    },
    store::{IndexEntry, OwnerKind, Record, RecordKey, RecordKind, VersionedRecord},
};

/// How long a person is remembered after the last use.
const TTL: Duration = Duration::from_hours(400 * 24);
/// How old the time of the last use may be.
const TOUCH_INTERVAL: Duration = Duration::from_hours(24);
/// Largest claims that are stored, in bytes of JSON.
const MAX_CLAIMS_BYTES: usize = 32 * 1024;

/// The claims of a person are too large to store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the provider's claims have {0} bytes of JSON, more than {MAX_CLAIMS_BYTES}; request fewer scopes, or let it send fewer groups"
)]
pub struct ClaimsTooLarge(usize);

/// Serializes the claims of a person.
pub(super) fn claims_json(claims: &UpstreamClaims) -> Result<String, ClaimsTooLarge> {
    let json = serde_json::to_string(claims).expect("claims serialize to memory");
    if json.len() > MAX_CLAIMS_BYTES { Err(ClaimsTooLarge(json.len())) } else { Ok(json) }
}

/// Stores what a provider said about a person just now. Returns true if the person was unknown.
pub(super) async fn save_person(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    account: &Account,
    claims: String,
) -> Result<bool, AccountError> {
    let person = PersonRecord {
        subject: account.subject.to_string(),
        provider: provider.name().to_owned(),
        claims,
        refreshed_at: context.now,
        used_at: context.now,
        asked_at: context.now,
        incomplete: false,
    };
    let key = person_key(context, &account.subject);
    let record = record(context, &key, &person)?;
    let stored = context.get(&key).await?;
    let write = |stored: Option<&VersionedRecord>| {
        Ok(RecordChange::Write(record.clone(), stored.is_none()))
    };
    context.update(&key, stored, write).await
}

/// The account with a subject, even if disabled: of a user of the tenant, or of a person of an
/// identity provider who may still sign in.
pub(super) async fn find_account(
    context: AccountContext<'_>,
    subject: &Subject,
) -> Result<Option<Arc<Account>>, AccountError> {
    let Some(account) = context.tenant.account_by_subject(subject) else {
        return load_account(context, subject).await;
    };
    if account.identities.is_empty() {
        return Ok(Some(Arc::clone(account)));
    }
    let person = load_person(context, subject).await?;
    let also = person.and_then(|person| declared_person(context, account, &person));
    Ok(Some(
        also.map_or_else(|| Arc::clone(account), |also| Arc::new(united_account(account, also))),
    ))
}

/// The account of a declared user who has signed in at a provider: declared claims win, groups
/// unite.
pub(super) fn united_account(declared: &Account, also: Account) -> Account {
    let mut account = declared.clone();
    for (name, value) in also.claims {
        if !is_about_declared_claim(declared, &name) {
            account.claims.entry(name).or_insert(value);
        }
    }
    let new = also.groups.into_iter().filter(|group| !declared.groups.contains(group));
    account.groups.extend(new);
    account
}

/// Returns true for a claim that says something about another one, which is declared. A provider does
/// not verify an address that it did not give.
fn is_about_declared_claim(declared: &Account, name: &str) -> bool {
    let of = name.strip_suffix("_verified");
    of.is_some_and(|of| declared.claims.contains_key(of))
}

/// The account that a provider gives a declared user, if the user still names that person.
fn declared_person(
    context: AccountContext<'_>,
    account: &Account,
    person: &PersonRecord,
) -> Option<Account> {
    let provider = context.tenant.provider(&person.provider)?;
    let claims = serde_json::from_str(&person.claims).ok()?;
    let identity = declared_identity(provider, &claims)?;
    let also = map_account(provider, &claims).ok()?;
    account.identities.contains(&identity).then_some(also)
}

/// The person that claims are about, as an OidcUser would name it.
pub(super) fn declared_identity(
    provider: &IdentityProvider,
    claims: &UpstreamClaims,
) -> Option<DeclaredIdentity> {
    let identity = identity_of(provider, claims).ok()?;
    Some(DeclaredIdentity { provider: provider.name().to_owned(), subject: identity.identifier })
}

/// The account of a person of a provider. `None` if the person is unknown, or the provider does not
/// exist, cannot be used, or no longer admits the person.
async fn load_account(
    context: AccountContext<'_>,
    subject: &Subject,
) -> Result<Option<Arc<Account>>, AccountError> {
    if context.tenant.providers().is_empty() {
        return Ok(None);
    }
    let Some(person) = load_person(context, subject).await? else { return Ok(None) };
    let Some(provider) = context.tenant.provider(&person.provider) else { return Ok(None) };
    let Ok(claims) = serde_json::from_str(&person.claims) else { return Ok(None) };
    if !is_admitted(context, provider, &claims) {
        return Ok(None);
    }
    let account = match map_account(provider, &claims) {
        // Another object with the provider's name can have other people.
        Ok(account) if account.subject == *subject => account,
        Ok(_) => return Ok(None),
        Err(error) => {
            let is_rule = error.is_refusal();
            context.audit(AuditEvent::PersonRefused {
                provider: AuditText::new(provider.name()),
                subject: Some(AuditText::new(subject.as_str())),
                reason: if is_rule { PersonRefusal::Rule } else { PersonRefusal::Claims },
                cause: Some(AuditCause::new(error.to_string())),
            });
            return Ok(None);
        }
    };
    Ok(Some(Arc::new(account)))
}

/// Returns true if the person may sign in without an OidcUser. One that an OidcUser declares is that
/// user instead.
fn is_admitted(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    claims: &UpstreamClaims,
) -> bool {
    let identity = declared_identity(provider, claims);
    let declared = identity.and_then(|identity| context.tenant.account_by_identity(&identity));
    provider.admission != AdmissionPolicy::Declared && declared.is_none()
}

/// Loads a person's record, and records its use once a day.
async fn load_person(
    context: AccountContext<'_>,
    subject: &Subject,
) -> Result<Option<PersonRecord>, AccountError> {
    let key = person_key(context, subject);
    let Some(stored) = context.get(&key).await? else { return Ok(None) };
    let Some(person) = open(context, subject, &stored)? else { return Ok(None) };
    let provider = context.tenant.provider(&person.provider);
    let Some(provider) = provider else { return Ok(None) };
    match (
        person_refresh::judge_freshness(provider.refresh, &person, context.now),
        askable_directory(provider),
    ) {
        (Freshness::Refused, Some(_)) => Ok(None),
        (Freshness::Stale { usable }, Some(settings)) => {
            let asked = PersonRecord { asked_at: context.now, ..person.clone() };
            let claimed = record(context, &key, &asked)?;
            if !context.compare_and_swap(stored.version, claimed).await? {
                // Another request asks.
                return Ok(usable.then_some(person));
            }
            ask_again(context, (provider, settings), asked, usable).await
        }
        _ => {
            touch(context, &key, stored, person.clone()).await?;
            Ok(Some(person))
        }
    }
}

/// Asks a directory about a person, and stores its answer.
async fn ask_again(
    context: AccountContext<'_>,
    directory: (&IdentityProvider, &LdapSettings),
    asked: PersonRecord,
    usable: bool,
) -> Result<Option<PersonRecord>, AccountError> {
    let Ok(old) = serde_json::from_str(&asked.claims) else { return Ok(None) };
    let answer = match person_refresh::ask_directory(context, directory, &old).await {
        PersonAnswer::Claims(claims) => claims_json(&claims).map_err(|error| {
            tracing::warn!(provider = %directory.0.object, %error, "a person's claims cannot be refreshed");
        }),
        PersonAnswer::Incomplete => Err(()),
        PersonAnswer::Gone => {
            person_refresh::end_person(context, directory.0, &old).await?;
            Err(())
        }
        PersonAnswer::Unavailable => return Ok(usable.then_some(asked)),
    };
    let (person, answered) = match answer {
        Ok(claims) => {
            let (refreshed_at, used_at) = (context.now, context.now);
            let person = PersonRecord { claims, refreshed_at, used_at, incomplete: false, ..asked };
            (person.clone(), Some(person))
        }
        Err(()) => (PersonRecord { incomplete: true, ..asked }, None),
    };
    let key = context.key(RecordKind::Person, sha256_base64url(&person.subject));
    let record = record(context, &key, &person)?;
    let stored = context.get(&key).await?;
    // A sign-in meanwhile has fresher claims.
    let write = |stored: Option<&VersionedRecord>| {
        let Some(stored) = stored else { return Ok(RecordChange::Keep(())) };
        let fresher = open(context, &Subject::new(&*person.subject), stored)?;
        if fresher.is_some_and(|it| it.asked_at > person.asked_at) {
            return Ok(RecordChange::Keep(()));
        }
        Ok(RecordChange::Write(record.clone(), ()))
    };
    context.update(&key, stored, write).await?;
    Ok(answered)
}

/// Records the use of a person's record once a day, so that it does not expire.
async fn touch(
    context: AccountContext<'_>,
    key: &RecordKey,
    stored: VersionedRecord,
    person: PersonRecord,
) -> Result<(), AccountError> {
    if context.now.since(person.used_at) < TOUCH_INTERVAL {
        return Ok(());
    }
    let used = PersonRecord { used_at: context.now, ..person };
    let record = record(context, key, &used)?;
    // A concurrent request recorded the use, or fresher claims.
    context.compare_and_swap(stored.version, record).await?;
    Ok(())
}

fn person_key(context: AccountContext<'_>, subject: &Subject) -> RecordKey {
    context.key(RecordKind::Person, sha256_base64url(subject.as_str()))
}

fn record(
    context: AccountContext<'_>,
    key: &RecordKey,
    person: &PersonRecord,
) -> Result<Record, AccountError> {
    Ok(Record {
        key: key.clone(),
        value: context.seal(person)?.into_bytes().into(),
        expires_at: context.now.plus(TTL),
        owners: vec![IndexEntry::new(OwnerKind::User, &person.subject)],
        due_at: None,
    })
}

/// Opens a record; `None` if it is not this person's, or sealed with a key that is gone.
fn open(
    context: AccountContext<'_>,
    subject: &Subject,
    stored: &VersionedRecord,
) -> Result<Option<PersonRecord>, AccountError> {
    let Ok(sealed) = std::str::from_utf8(&stored.record.value) else { return Ok(None) };
    let person: Option<PersonRecord> = context.open(sealed)?;
    Ok(person.filter(|person| person.subject == subject.as_str()))
}
