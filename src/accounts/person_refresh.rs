//! Asks a provider again about a person who is signed in, when its last answer is too old. One
//! request asks; requests meanwhile use the claims that are there.

use std::time::Duration;

use super::{AccountContext, AccountError, context::RecordChange, endings};
use crate::{
    model::{
        AuditEvent, AuditText, LdapSettings, LogoutKind, PersonRefusal, RefreshMode, Timestamp,
        UnavailablePolicy,
    },
    protocol::{
        identity_provider::{
            IdentityProvider, ProviderSource, RefreshPolicy, UpstreamClaims, identity_of,
        },
        records::{PersonRecord, VoidBefore, encode_record},
    },
    store::{IndexEntry, OwnerKind, Record, RecordKind},
    upstream::ldap::LdapError,
};

/// The time after which a provider that could not be asked is asked again.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);
/// How long it is remembered that a person has left: longer than sessions and grants last.
const VOID_TTL: Duration = Duration::from_hours(400 * 24);

/// The state of a person's claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// They count.
    Usable,
    /// The provider has to be asked; until it has answered, they count or not.
    Stale { usable: bool },
    /// They do not count, and the provider was asked a moment ago.
    Refused,
}

/// The state of a person's claims at a time.
pub(super) fn judge_freshness(
    policy: RefreshPolicy,
    person: &PersonRecord,
    now: Timestamp,
) -> Freshness {
    let age = now.since(person.refreshed_at);
    if policy.mode != RefreshMode::Upstream || age < policy.interval {
        return Freshness::Usable;
    }
    let kept = match policy.unavailable {
        UnavailablePolicy::KeepFor => policy.keep_for.max(policy.interval),
        UnavailablePolicy::Refuse => policy.interval,
    };
    let usable = age < kept && !person.incomplete;
    match (now.since(person.asked_at) < RETRY_INTERVAL, usable) {
        (false, usable) => Freshness::Stale { usable },
        (true, true) => Freshness::Usable,
        (true, false) => Freshness::Refused,
    }
}

/// The provider's answer about a person now.
#[derive(Debug)]
pub(super) enum PersonAnswer {
    /// Their claims.
    Claims(UpstreamClaims),
    /// They are no longer there, or disabled there.
    Gone,
    /// A part of their claims, such as their groups, cannot be read.
    Incomplete,
    /// The provider cannot be asked.
    Unavailable,
}

/// The directory that can be asked about a person without them.
pub(super) fn askable_directory(provider: &IdentityProvider) -> Option<&LdapSettings> {
    match &provider.source {
        ProviderSource::Ldap(settings) => Some(settings),
        ProviderSource::Oidc(_) | ProviderSource::GitHub(_) => None,
    }
}

/// Asks a directory about a person with these claims.
pub(super) async fn ask_directory(
    context: AccountContext<'_>,
    (provider, settings): (&IdentityProvider, &LdapSettings),
    claims: &UpstreamClaims,
) -> PersonAnswer {
    let id = claims.get("sub").and_then(|id| id.as_str()).unwrap_or_default();
    let (answer, reason) =
        match context.services.directories.look_up(settings, id, context.now).await {
            Ok(person) => return PersonAnswer::Claims(person.claims),
            Err(LdapError::Refused(refusal)) => (PersonAnswer::Gone, refusal.to_string()),
            Err(LdapError::Directory(fault)) if fault.leaves_claims_incomplete() => {
                (PersonAnswer::Incomplete, fault.to_string())
            }
            Err(LdapError::Directory(fault)) => (PersonAnswer::Unavailable, fault.to_string()),
        };
    tracing::warn!(provider = %provider.object, reason, "a person's claims cannot be refreshed");
    answer
}

/// Ends all sessions and grants of a person who is gone from the provider.
pub(super) async fn end_person(
    context: AccountContext<'_>,
    provider: &IdentityProvider,
    claims: &UpstreamClaims,
) -> Result<(), AccountError> {
    let Ok(identity) = identity_of(provider, claims) else { return Ok(()) };
    let void = VoidBefore { person: identity.mark, generation: 0, at: context.now };
    let id = endings::void_id(&identity.subject, identity.mark);
    let record = Record {
        key: context.key(RecordKind::VoidBefore, id),
        value: encode_record(&void).into(),
        expires_at: context.now.plus(VOID_TTL),
        owners: vec![IndexEntry::new(OwnerKind::User, identity.subject.as_str())],
        due_at: None,
    };
    let stored = context.get(&record.key).await?;
    let write = |_: Option<&_>| Ok(RecordChange::Write(record.clone(), ()));
    context.update(&record.key, stored, write).await?;
    let subject = AuditText::new(identity.subject.as_str());
    context.audit(AuditEvent::PersonRefused {
        provider: AuditText::new(provider.name()),
        subject: Some(subject.clone()),
        reason: PersonRefusal::Gone,
        cause: None,
    });
    let kind = LogoutKind::PersonEnded;
    context.audit(AuditEvent::Logout { kind, subject, sid: None, client_id: None });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn judged(unavailable: UnavailablePolicy, age: u64, asked: u64, incomplete: bool) -> Freshness {
        let policy = RefreshPolicy {
            mode: RefreshMode::Upstream,
            interval: Duration::from_secs(900),
            unavailable,
            keep_for: Duration::from_secs(3600),
        };
        let person = PersonRecord {
            subject: "s".to_owned(),
            provider: "corp".to_owned(),
            claims: "{}".to_owned(),
            refreshed_at: NOW.minus(Duration::from_secs(age)),
            used_at: NOW,
            asked_at: NOW.minus(Duration::from_secs(asked)),
            incomplete,
        };
        judge_freshness(policy, &person, NOW)
    }

    #[test]
    fn old_claims_count_while_the_provider_cannot_be_asked() {
        use Freshness::{Refused, Stale, Usable};
        let keep = UnavailablePolicy::KeepFor;
        assert_eq!(judged(keep, 899, 899, false), Usable);
        assert_eq!(judged(keep, 900, 900, false), Stale { usable: true });
        assert_eq!(judged(keep, 1000, 29, false), Usable, "asked a moment ago");
        assert_eq!(judged(keep, 3599, 30, false), Stale { usable: true });
        assert_eq!(judged(keep, 3600, 30, false), Stale { usable: false });
        assert_eq!(judged(keep, 3600, 29, false), Refused);
        assert_eq!(judged(UnavailablePolicy::Refuse, 900, 30, false), Stale { usable: false });
        assert_eq!(judged(UnavailablePolicy::Refuse, 900, 29, false), Refused);
    }

    #[test]
    fn missing_groups_are_neither_the_old_ones_nor_none() {
        let keep = UnavailablePolicy::KeepFor;
        assert_eq!(judged(keep, 1000, 29, true), Freshness::Refused);
        assert_eq!(judged(keep, 1000, 30, true), Freshness::Stale { usable: false });
    }
}
