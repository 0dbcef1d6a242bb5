//! Shared state of the controller: source, snapshot, clock and metrics.

use std::{fmt, sync::Arc};

use super::probe_conclusions::ReachabilityConclusions;
use crate::{
    keys::KeyMaker,
    model::{
        Clock, Entropy, HostSettingsReceiver, IgnoredAudit, Issuer, KeySecrets, ManagedKind,
        ObjectKind, SharedAuditSink, SharedClusterTokenProbe, SharedInvitationLedger,
        SharedMailProbe, SharedRefreshReplays, SharedUpstreamProbe, UndeliveredReceiver,
        VaultUseReceiver,
    },
    registry,
    source::SharedSource,
};

/// Result of a reconcile, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReconcileOutcome {
    /// Nothing failed, and the object has no problem.
    Ok,
    /// The object has a problem that needs an edit.
    Problem,
    /// A read or write failed and will be retried.
    Retry,
}

/// The outcome for sealing keys that were missing from their Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingSealingKeys {
    /// The replica had the keys and wrote them back.
    Restored,
    /// No replica had them, and a new one was made.
    Lost,
}

/// Receives counts of the controller's work, for metrics.
pub trait ReconcileMetrics: Send + Sync {
    /// Counts an occasion on which sealing keys were missing from their Secret.
    fn sealing_keys_missing(&self, outcome: MissingSealingKeys);

    /// Counts a reconcile of an object of a kind.
    fn reconciled(&self, kind: ObjectKind, outcome: ReconcileOutcome);
}

/// Discards all counts. A new context has it.
#[derive(Clone, Copy, Debug)]
pub struct NoMetrics;

impl ReconcileMetrics for NoMetrics {
    fn sealing_keys_missing(&self, _: MissingSealingKeys) {}

    fn reconciled(&self, _: ObjectKind, _: ReconcileOutcome) {}
}

/// The state that all reconciles share.
#[derive(Clone)]
pub struct ControllerContext {
    /// Source of all objects, and target of all writes.
    pub source: SharedSource,
    /// The current snapshot, whose verdicts the controller acts on.
    pub registry: registry::SnapshotHandle,
    /// The clock of rotations, expiries and the times in conditions.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness for keys, secrets and salts.
    pub entropy: Arc<dyn Entropy>,
    /// The names of the Secrets with the sealing keys and vault keys of the installation.
    pub key_secrets: KeySecrets,
    /// Whether to delete the Secrets of deleted objects. A cluster has a garbage collector that
    /// uses owner references; a folder has none.
    pub collects_garbage: bool,
    /// Receives counts of the controller's work, for metrics.
    pub observer: Arc<dyn ReconcileMetrics>,
    /// Clients with undelivered back-channel logout notifications, for Events.
    pub undelivered_logouts: Option<UndeliveredReceiver>,
    /// Clients whose superseded refresh tokens were used, for Events.
    pub replays: Option<SharedRefreshReplays>,
    /// The installation's base URL. A tenant that is not watched and has an issuer below it was served here.
    pub(super) base_url: Option<Issuer>,
    /// The host settings with their problems, for Events; `None` without a `ConfigMap`.
    pub host_settings: Option<HostSettingsReceiver>,
    /// Receives the audit events of signing keys, sealing keys and vault keys.
    pub(super) audit: SharedAuditSink,
    /// Probes whether identity providers can be used; `None` where they are not probed.
    pub(super) probe: Option<SharedUpstreamProbe>,
    /// The invitations that were used, and the links of the others.
    pub(super) invitations: Option<SharedInvitationLedger>,
    /// The vault keys that records of the store are sealed with.
    pub(super) vault_use: Option<VaultUseReceiver>,
    /// The conclusions from the answers of identity providers.
    pub(super) reachability: Arc<ReachabilityConclusions>,
    /// Checks whether tokens of ServiceAccounts can be verified; `None` without a cluster.
    pub(super) cluster_tokens: Option<SharedClusterTokenProbe>,
    /// The conclusions on the clients that tokens of ServiceAccounts authenticate.
    pub(super) federation: Arc<ReachabilityConclusions>,
    /// Probes whether mail servers accept mail; `None` where they are not probed.
    pub(super) mail_probe: Option<SharedMailProbe>,
    /// The conclusions from the answers of mail servers.
    pub(super) mail_health: Arc<ReachabilityConclusions>,
    /// Makes signing keys on separate threads, because an RSA key takes a core for a while.
    pub(super) key_maker: Arc<KeyMaker>,
}

impl ControllerContext {
    /// Creates a context without metrics.
    pub fn new(
        source: SharedSource,
        registry: registry::SnapshotHandle,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        key_secrets: KeySecrets,
    ) -> Self {
        Self {
            source,
            registry,
            clock,
            entropy,
            key_secrets,
            collects_garbage: false,
            observer: Arc::new(NoMetrics),
            undelivered_logouts: None,
            replays: None,
            base_url: None,
            host_settings: None,
            audit: Arc::new(IgnoredAudit),
            probe: None,
            invitations: None,
            vault_use: None,
            reachability: Arc::new(ReachabilityConclusions::of(ManagedKind::IdentityProvider)),
            cluster_tokens: None,
            federation: Arc::new(ReachabilityConclusions::of(ManagedKind::OidcClient)),
            mail_probe: None,
            mail_health: Arc::new(ReachabilityConclusions::of(ManagedKind::Tenant)),
            key_maker: Arc::default(),
        }
    }

    /// Sets the receiver of security events.
    #[must_use]
    pub fn audited_by(self, audit: SharedAuditSink) -> Self {
        Self { audit, ..self }
    }

    /// Sets the receiver of counts.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn ReconcileMetrics>) -> Self {
        Self { observer, ..self }
    }

    /// Sets the receiver of undelivered logout notifications.
    #[must_use]
    pub fn with_undelivered_logouts(self, undelivered_logouts: UndeliveredReceiver) -> Self {
        Self { undelivered_logouts: Some(undelivered_logouts), ..self }
    }

    /// Sets the installation's base URL, which distinguishes objects of this installation from others.
    #[must_use]
    pub fn with_base_url(self, base_url: Issuer) -> Self {
        Self { base_url: Some(base_url), ..self }
    }

    /// Sets the receiver of host settings.
    #[must_use]
    pub fn with_host_settings(self, settings: HostSettingsReceiver) -> Self {
        Self { host_settings: Some(settings), ..self }
    }

    /// Keeps some signing keys ahead of need.
    #[must_use]
    pub fn with_spare_keys(self, spares: usize) -> Self {
        Self { key_maker: Arc::new(KeyMaker::with_spares(spares)), ..self }
    }

    /// Sets the probe of whether identity providers can be used.
    #[must_use]
    pub fn with_upstream_probe(self, probe: SharedUpstreamProbe) -> Self {
        Self { probe: Some(probe), ..self }
    }

    /// Sets the probe of whether mail servers accept mail.
    #[must_use]
    pub fn with_mail_probe(self, probe: SharedMailProbe) -> Self {
        Self { mail_probe: Some(probe), ..self }
    }

    /// Sets the probe of whether tokens of ServiceAccounts can be verified.
    #[must_use]
    pub fn with_cluster_tokens(self, probe: SharedClusterTokenProbe) -> Self {
        Self { cluster_tokens: Some(probe), ..self }
    }

    /// Sets the receiver of the vault keys that are in use. Without it, no vault key is retired.
    #[must_use]
    pub fn with_vault_use(self, found: VaultUseReceiver) -> Self {
        Self { vault_use: Some(found), ..self }
    }

    /// Sets the ledger of invitations. Without it, no link is written.
    #[must_use]
    pub fn with_invitations(self, invitations: SharedInvitationLedger) -> Self {
        Self { invitations: Some(invitations), ..self }
    }

    /// Sets the counts of superseded refresh tokens that were used.
    #[must_use]
    pub fn with_refresh_replays(self, replays: SharedRefreshReplays) -> Self {
        Self { replays: Some(replays), ..self }
    }

    /// Enables deletion of the Secrets of deleted objects.
    #[must_use]
    pub fn collecting_garbage(self) -> Self {
        Self { collects_garbage: true, ..self }
    }
}

impl fmt::Debug for ControllerContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("key_secrets", &self.key_secrets).finish_non_exhaustive()
    }
}
