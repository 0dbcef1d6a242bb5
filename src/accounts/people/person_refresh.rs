//! Asks a provider again about a person who is signed in, when its last answer is too old. One
//! request asks; requests in the meantime use the claims that are there. Here are the rule, for every kind of
//! provider, and directories, which are asked without the person.

use std::time::Duration;

use super::{
    directory_caller::directory_caller,
    person_records::{self, StoredPerson},
};
use crate::{
    accounts::{
        AccountContext, AccountError,
        detached_context::DetachedContext,
        revocation::directory_person_end::{end_directory_person, person_has_left},
    },
    model::{LdapSettings, RefreshMode, Subject, Timestamp, UnavailablePolicy},
    protocol::{
        identity_provider::{IdentityProvider, RefreshPolicy, UpstreamClaims},
        records::{ClaimsAge, PersonRecord},
    },
    upstream::ldap::{LdapError, LdapRefusal},
};

/// The time after which a provider that could not be asked is asked again. It is longer than a token
/// request can take, because a refresh token may be used once only.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);
/// How long a request waits for the provider if the stored claims are still accepted.
pub(super) const UPSTREAM_TIMEOUT: Duration = Duration::from_secs(3);

/// The state of a person's claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::accounts) enum ClaimsFreshness {
    /// The claims may be used, and the provider is not asked.
    Usable,
    /// The provider has to be asked. Until it has answered, the stored claims are accepted or not.
    Stale { usable: bool },
    /// The stored claims are not accepted, and the provider was asked a moment ago.
    Refused,
}

/// The state of a person's claims at a time.
pub(super) fn decide_freshness(
    policy: RefreshPolicy,
    claims: ClaimsAge,
    now: Timestamp,
) -> ClaimsFreshness {
    let age = now.since(claims.refreshed_at);
    if policy.mode != RefreshMode::Upstream || age < policy.interval {
        return ClaimsFreshness::Usable;
    }
    let kept = match policy.unavailable {
        UnavailablePolicy::KeepFor => policy.keep_for.max(policy.interval),
        UnavailablePolicy::Refuse => policy.interval,
    };
    let usable = age < kept && !claims.incomplete;
    match (now.since(claims.asked_at) < RETRY_INTERVAL, usable) {
        (false, usable) => ClaimsFreshness::Stale { usable },
        (true, true) => ClaimsFreshness::Usable,
        (true, false) => ClaimsFreshness::Refused,
    }
}

/// The error for a person with unusable claims whose provider was asked a moment ago. The provider did not answer,
/// or its answer lacked claims.
pub(super) fn claims_after_refusal(provider: &IdentityProvider, claims: ClaimsAge) -> AccountError {
    let name = provider.name().to_owned();
    if claims.incomplete {
        AccountError::NotAdmitted(name)
    } else {
        AccountError::ProviderUnavailable(name)
    }
}

/// The provider's answer about a person now.
#[derive(Debug)]
pub(in crate::accounts) enum PersonRefreshOutcome {
    /// The claims of the person.
    Claims(UpstreamClaims),
    /// The person is no longer there, or disabled there.
    Gone(LdapRefusal),
    /// The person's session there has ended.
    Ended,
    /// A part of their claims, such as their groups, cannot be read, or they may not sign in.
    Incomplete,
    /// The provider cannot be asked.
    Unavailable,
}

/// The claims of a person of a directory, if they are still accepted.
pub(super) async fn directory_claims(
    context: AccountContext<'_>,
    directory: (&IdentityProvider, &LdapSettings),
    subject: &Subject,
) -> Result<Option<UpstreamClaims>, AccountError> {
    let stored = person_records::load_person(context, subject, directory.0).await?;
    let Some(StoredPerson { person, version }) = stored else { return Ok(None) };
    let Some(claims) = person_records::claims_of(&person) else { return Ok(None) };
    if person.incomplete && person_has_left(context, directory.0, (&person, &claims)).await? {
        return Ok(None);
    }
    match decide_freshness(directory.0.refresh, person.age(), context.store_now) {
        ClaimsFreshness::Usable => Ok(Some(claims)),
        ClaimsFreshness::Refused => Err(claims_after_refusal(directory.0, person.age())),
        ClaimsFreshness::Stale { usable } => {
            let asked = PersonRecord { asked_at: context.store_now, ..person };
            let claimed = person_records::person_record(context, &asked)?;
            let usable = Some(claims).filter(|_| usable);
            if !context.compare_and_swap(version, claimed).await? {
                // Another request asks.
                let refused = || claims_after_refusal(directory.0, asked.age());
                return usable.map(Some).ok_or_else(refused);
            }
            refresh_in_background(context, directory.0.name().to_owned(), asked, usable).await
        }
    }
}

/// Asks a directory in a separate task, so that the answer is stored even if it comes after the
/// request. `usable`: the claims that are accepted while the directory does not answer.
async fn refresh_in_background(
    context: AccountContext<'_>,
    provider: String,
    asked: PersonRecord,
    usable: Option<UpstreamClaims>,
) -> Result<Option<UpstreamClaims>, AccountError> {
    let (detached, kept) = (DetachedContext::of(context), usable.clone());
    let unavailable = AccountError::ProviderUnavailable(provider.clone());
    let mut task = tokio::spawn(async move {
        let context = detached.context();
        let provider = context.tenant.provider(&provider);
        let directory = provider.and_then(|it| it.directory().map(|settings| (&**it, settings)));
        let Some(directory) = directory else { return Ok(usable) };
        refresh_person(context, directory, asked, usable).await
    });
    let finished = if kept.is_some() {
        tokio::time::timeout(UPSTREAM_TIMEOUT, &mut task).await.ok()
    } else {
        Some(task.await)
    };
    match finished {
        Some(Ok(answer)) => answer,
        Some(Err(_)) | None => kept.map(Some).ok_or(unavailable),
    }
}

/// Asks a directory about a person, and stores its answer. `usable`: the claims that are accepted while the
/// directory cannot be asked.
async fn refresh_person(
    context: AccountContext<'_>,
    directory: (&IdentityProvider, &LdapSettings),
    asked: PersonRecord,
    usable: Option<UpstreamClaims>,
) -> Result<Option<UpstreamClaims>, AccountError> {
    let Some(old) = person_records::claims_of(&asked) else { return Ok(None) };
    let not_admitted = || AccountError::NotAdmitted(directory.0.name().to_owned());
    let unavailable = || AccountError::ProviderUnavailable(directory.0.name().to_owned());
    let answer = match ask_directory(context, directory, (&asked.subject, &old)).await {
        PersonRefreshOutcome::Claims(claims) => match person_records::claims_json(&claims) {
            Ok(json) => Ok((claims, json)),
            Err(error) => {
                tracing::warn!(provider = %directory.0.object, %error, "a person's claims cannot be refreshed");
                person_records::report_incomplete_person(
                    context,
                    directory.0,
                    &asked.subject,
                    &error.into(),
                );
                Err(Some(not_admitted()))
            }
        },
        PersonRefreshOutcome::Incomplete => Err(Some(not_admitted())),
        PersonRefreshOutcome::Gone(refusal) => {
            let person = (&*asked.subject, &old);
            end_directory_person(context, directory.0, person, &refusal).await?;
            Err(None)
        }
        PersonRefreshOutcome::Ended | PersonRefreshOutcome::Unavailable => {
            return usable.map(Some).ok_or_else(unavailable);
        }
    };
    let (result, person) = match answer {
        Ok((claims, json)) => {
            let (refreshed_at, used_at) = (context.store_now, context.now);
            let person =
                PersonRecord { claims: json, refreshed_at, used_at, incomplete: false, ..asked };
            (Ok(Some(claims)), person)
        }
        Err(error) => {
            let incomplete = PersonRecord { incomplete: true, ..asked };
            (error.map_or(Ok(None), Err), incomplete)
        }
    };
    match person_records::save_answer(context, &person).await {
        Err(error @ AccountError::TooManyRecords(..)) => {
            tracing::warn!(provider = %directory.0.object, %error, "a person's claims cannot be refreshed");
            usable.map(Some).ok_or_else(unavailable)
        }
        saved => saved.and(result),
    }
}

/// Asks a directory about a person with these claims.
async fn ask_directory(
    context: AccountContext<'_>,
    (provider, settings): (&IdentityProvider, &LdapSettings),
    (subject, claims): (&str, &UpstreamClaims),
) -> PersonRefreshOutcome {
    let (directories, caller) = (&context.services.directories, directory_caller(context));
    let error = match directories.look_up(settings, claims, &caller).await {
        Ok(person) => return PersonRefreshOutcome::Claims(person.claims),
        Err(error) => error,
    };
    tracing::warn!(provider = %provider.object, reason = %error, "a person's claims cannot be refreshed");
    let error = match error {
        LdapError::Refused(refusal) if refusal.is_for_good() => {
            return PersonRefreshOutcome::Gone(refusal);
        }
        LdapError::Refused(refusal) => refusal.into(),
        LdapError::Directory(fault) if fault.leaves_claims_incomplete() => fault.into(),
        LdapError::Directory(_) => return PersonRefreshOutcome::Unavailable,
    };
    person_records::report_incomplete_person(context, provider, subject, &error);
    PersonRefreshOutcome::Incomplete
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn freshness(
        unavailable: UnavailablePolicy,
        age: u64,
        asked: u64,
        incomplete: bool,
    ) -> ClaimsFreshness {
        let policy = RefreshPolicy {
            mode: RefreshMode::Upstream,
            interval: Duration::from_secs(900),
            unavailable,
            keep_for: Duration::from_secs(3600),
        };
        let claims = ClaimsAge {
            refreshed_at: NOW.minus(Duration::from_secs(age)),
            asked_at: NOW.minus(Duration::from_secs(asked)),
            incomplete,
        };
        decide_freshness(policy, claims, NOW)
    }

    #[test]
    fn old_claims_count_while_the_provider_cannot_be_asked() {
        use ClaimsFreshness::{Refused, Stale, Usable};
        let keep = UnavailablePolicy::KeepFor;
        assert_eq!(freshness(keep, 899, 899, false), Usable);
        assert_eq!(freshness(keep, 900, 900, false), Stale { usable: true });
        assert_eq!(freshness(keep, 1000, 29, false), Usable, "asked a moment ago");
        assert_eq!(freshness(keep, 3599, 30, false), Stale { usable: true });
        assert_eq!(freshness(keep, 3600, 30, false), Stale { usable: false });
        assert_eq!(freshness(keep, 3600, 29, false), Refused);
        assert_eq!(freshness(UnavailablePolicy::Refuse, 900, 30, false), Stale { usable: false });
        assert_eq!(freshness(UnavailablePolicy::Refuse, 900, 29, false), Refused);
    }

    #[test]
    fn missing_groups_are_neither_the_old_ones_nor_none() {
        let keep = UnavailablePolicy::KeepFor;
        assert_eq!(freshness(keep, 1000, 29, true), ClaimsFreshness::Refused);
        assert_eq!(freshness(keep, 1000, 30, true), ClaimsFreshness::Stale { usable: false });
    }
}
