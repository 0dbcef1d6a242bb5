//! The differences between the two Secrets of the installation's keys.

use std::time::Duration;

use crate::{
    api::Tenant,
    controller::observed::ObservedState,
    keys::{Sealer, SealingKey, SealingPlan, Vault, sealing_plan, vault_plan},
    model::{KeySecrets, KeyUse, ObjectKey, Timestamp, VaultKeysInUse},
    registry::Snapshot,
};

/// Minimum time for which a key stays readable: the default lifetime of a grant.
pub(super) const MIN_RETENTION: Duration = Duration::from_secs(90 * 24 * 3600);
/// Added to the longest lifetime, for clock differences and records that outlive their codes.
const RETENTION_MARGIN: Duration = Duration::from_secs(24 * 3600);

/// The keys of one of the installation's Secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InstallationKeys {
    /// The keys that seal codes, refresh tokens, forms and cookies.
    Sealing,
    /// The keys that seal the authenticators of people.
    Vault,
}

impl InstallationKeys {
    /// The keys in a Secret.
    pub(super) fn in_secret(key: &ObjectKey, secrets: &KeySecrets) -> Self {
        if *key == secrets.vault { Self::Vault } else { Self::Sealing }
    }

    /// The keys that this replica works with.
    pub(super) fn held(self, snapshot: &Snapshot) -> Option<&Sealer> {
        match self {
            Self::Sealing => snapshot.sealer.as_deref(),
            Self::Vault => snapshot.vault.as_deref().map(Vault::sealer),
        }
    }

    /// Returns true if the statuses of tenants show that there were keys before. A tenant that was served needed
    /// sealing keys. A tenant where people could enrol authenticators needed vault keys.
    pub(super) fn had_some(self, observed: &ObservedState) -> bool {
        let mut tenants = observed.view.objects.managed.of::<Tenant>();
        match self {
            Self::Sealing => {
                tenants.any(|(_, tenant)| !tenant.status_facts().living_keys.is_empty())
            }
            Self::Vault => tenants.any(|(_, tenant)| tenant.status_facts().offers_enrolment),
        }
    }

    /// Plans the keys. `longest_sealed` is the longest lifetime of a value that has an end, `in_use` the
    /// keys of those that have none.
    pub(super) fn plan(
        self,
        keys: &[SealingKey],
        longest_sealed: Duration,
        in_use: Option<&VaultKeysInUse>,
        now: Timestamp,
    ) -> SealingPlan {
        match self {
            Self::Sealing => sealing_plan(keys, longest_sealed, now),
            Self::Vault => vault_plan(keys, in_use, now),
        }
    }

    /// Whether the Secret has the key of credential marks.
    pub(super) const fn include_marking_key(self) -> bool {
        matches!(self, Self::Sealing)
    }

    /// The use of the keys in audit lines.
    pub(super) const fn key_use(self) -> KeyUse {
        match self {
            Self::Sealing => KeyUse::Sealing,
            Self::Vault => KeyUse::Vault,
        }
    }

    /// The name of the keys in messages.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sealing => "sealing",
            Self::Vault => "vault",
        }
    }

    /// The consequence of the loss of the keys.
    pub(super) const fn loss(self) -> &'static str {
        match self {
            Self::Sealing => "sign-ins in progress and refresh tokens are no longer valid",
            Self::Vault => {
                "people who enrolled an authenticator cannot sign in before the Secret is restored"
            }
        }
    }
}

/// The longest lifetime of anything that is sealed.
pub(super) fn longest_sealed(snapshot: &Snapshot) -> Duration {
    let lifetimes = snapshot.tenants().map(|served| {
        let lifetimes = &served.tenant.lifetimes;
        lifetimes.refresh_token_absolute.max(lifetimes.session_absolute)
    });
    lifetimes.max().unwrap_or_default().max(MIN_RETENTION) + RETENTION_MARGIN
}
