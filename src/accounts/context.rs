//! The services that sessions, grants and tokens need, and their use for one tenant.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use rustls::RootCertStore;

use super::{
    AccountError, GrantCounts, LogoutOutbox, MailOutbox, PingOutbox, Registrations,
    SessionKeyCache,
    cross_device_flows::{
        cross_device_limits::CrossDeviceLimits, device_code_cache::DeviceCodeCache,
    },
    outbox::notice_limit::NoticeLimit,
    passwords::reset_requests::ResetRequests,
    records::sealed_record::open_record,
};
use crate::{
    fetch::{EgressPolicy, FairFetch, LocalIssuers, SharedFetch},
    identity::{CredentialThrottle, RateLimiter, RecordBudget},
    keys::{AccessTokenCache, Sealer, Signer, Vault, VerifiedSignatureCache},
    mail::MailTransport,
    model::{
        AuditEvent, AuditOrigin, AuditRecord, Clock, Entropy, SharedAuditSink, TenantId, Timestamp,
    },
    protocol::records::{SealedRecord, encode_record},
    registry::ServedTenant,
    remote::{ClientDocumentCache, ClusterTokenCache, FederatedIssuerCache, JwksCache},
    store::{
        Record, RecordKey, RecordKind, SharedStore, StoreClock, StoreError, VersionedRecord,
        update_record,
    },
    telemetry::{AccessFacts, AuditLog, Metrics},
    upstream::{UpstreamClient, ldap::LdapDirectories},
};

pub(super) use crate::store::RecordChange;

/// The services that all tenants share.
#[derive(Debug)]
pub struct AccountServices {
    /// The store of sessions, grants and consents.
    pub store: SharedStore,
    /// The threads that sign tokens, shared by all tenants.
    pub signer: Signer,
    /// Access tokens whose signature was verified recently.
    pub access_token_cache: AccessTokenCache,
    /// The store keys of recently used sessions.
    pub session_key_cache: SessionKeyCache,
    /// How many grants people held when they were counted last.
    pub grant_counts: GrantCounts,
    /// The outbox of back-channel logout notifications.
    pub logout_outbox: LogoutOutbox,
    /// The outbox of mail, and the way to mail servers.
    pub mail_outbox: MailOutbox,
    /// Notifications of clients whose requests people have answered.
    pub ping_outbox: PingOutbox,
    /// The HTTP client for clients' servers.
    pub http_client: FairFetch,
    /// The HTTP client for identity providers inside the network.
    pub internal_http_client: FairFetch,
    /// The issuers of this installation, once they are served.
    pub local_issuers: OnceLock<Arc<dyn LocalIssuers>>,
    /// The documents at clients' `jwks_uri`, cached by URL.
    pub jwks_cache: JwksCache,
    /// The metadata documents that describe clients by their URL, cached.
    pub client_documents: ClientDocumentCache,
    /// Limits the metadata documents that an address makes the server fetch.
    pub document_fetches: RateLimiter,
    /// Keys of the issuers whose identities authenticate clients.
    pub federated_issuers: FederatedIssuerCache,
    /// The keys of the cluster's ServiceAccount tokens.
    pub cluster_tokens: Arc<ClusterTokenCache>,
    /// Assertions of such issuers whose signature was verified recently.
    pub verified_signature_cache: VerifiedSignatureCache,
    /// The client of OpenID providers, with their discovery documents and keys.
    pub upstream: UpstreamClient,
    /// Directories that people sign in from.
    pub directories: LdapDirectories,
    /// Delays wrong client secrets and initial access tokens.
    pub credential_throttle: CredentialThrottle,
    /// Delays failed responses of identity providers, by sign-in and address.
    pub callback_throttle: CredentialThrottle,
    /// Limits the assertions that are remembered for a client.
    pub assertion_budget: RecordBudget,
    /// Limits the DPoP proofs that are remembered for a client or person.
    pub proof_budget: RecordBudget,
    /// Limits the pushed authorization requests of a client that are stored.
    pub pushed_request_budget: RecordBudget,
    /// Limits the used pushed authorization requests that are remembered for a person.
    pub used_request_budget: RecordBudget,
    /// Limits the revoked tokens of a client that are remembered.
    pub revocation_budget: RecordBudget,
    /// Limits the new people of identity providers.
    pub person_budget: RecordBudget,
    /// Delays further passkey answers of an address after wrong answers.
    pub passkey_throttle: CredentialThrottle,
    /// Limits the requests that people answer on another device.
    pub(super) cross_device_limits: CrossDeviceLimits,
    /// Device codes that were opened recently.
    pub(super) device_code_cache: DeviceCodeCache,
    /// Limits the notices of changes.
    pub(super) notices: NoticeLimit,
    /// Limits the mail about requests that wait for a person. It takes none from the notices of changes.
    pub(super) request_notices: NoticeLimit,
    /// Limits the requests for a new password.
    pub(super) reset_requests: ResetRequests,
    /// State of dynamic client registration.
    pub registrations: Arc<Registrations>,
    /// The store's clock, which all replicas share.
    pub store_clock: Arc<StoreClock>,
    /// The source of randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The metrics of the process.
    pub metrics: Arc<Metrics>,
    /// The log of security events.
    pub audit: SharedAuditSink,
}

impl AccountServices {
    /// Services over a store, with empty caches.
    pub fn new(
        store: SharedStore,
        signer: Signer,
        http_client: SharedFetch,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            store,
            signer,
            access_token_cache: AccessTokenCache::default(),
            session_key_cache: SessionKeyCache::default(),
            grant_counts: GrantCounts::default(),
            logout_outbox: LogoutOutbox::default(),
            mail_outbox: MailOutbox::default(),
            ping_outbox: PingOutbox::default(),
            internal_http_client: FairFetch::new(Arc::clone(&http_client)),
            http_client: FairFetch::new(http_client),
            local_issuers: OnceLock::new(),
            jwks_cache: JwksCache::default(),
            client_documents: ClientDocumentCache::default(),
            document_fetches: RateLimiter::default(),
            federated_issuers: FederatedIssuerCache::default(),
            cluster_tokens: Arc::default(),
            verified_signature_cache: VerifiedSignatureCache::default(),
            upstream: UpstreamClient::default(),
            directories: LdapDirectories::new(EgressPolicy::default(), RootCertStore::empty()),
            credential_throttle: CredentialThrottle::default(),
            callback_throttle: CredentialThrottle::default(),
            assertion_budget: RecordBudget::default(),
            proof_budget: RecordBudget::default(),
            pushed_request_budget: RecordBudget::default(),
            used_request_budget: RecordBudget::default(),
            revocation_budget: RecordBudget::of_revoked_tokens(),
            person_budget: RecordBudget::of_new_people(),
            passkey_throttle: CredentialThrottle::default(),
            cross_device_limits: CrossDeviceLimits::default(),
            device_code_cache: DeviceCodeCache::default(),
            notices: NoticeLimit::default(),
            request_notices: NoticeLimit::default(),
            reset_requests: ResetRequests::default(),
            registrations: Arc::default(),
            store_clock: Arc::new(StoreClock::new(clock)),
            entropy,
            audit: Arc::new(AuditLog::new(Arc::clone(&metrics))),
            metrics,
        }
    }

    /// Returns the services with directories that may be called.
    #[must_use]
    pub fn with_directories(self, directories: LdapDirectories) -> Self {
        Self { directories, ..self }
    }

    /// Sets the way to mail servers.
    #[must_use]
    pub fn with_mail_transport(self, transport: MailTransport) -> Self {
        Self { mail_outbox: MailOutbox { transport, ..self.mail_outbox }, ..self }
    }

    /// Sets the HTTP client for identity providers inside the network.
    #[must_use]
    pub fn with_internal_http_client(self, client: SharedFetch) -> Self {
        Self { internal_http_client: FairFetch::new(client), ..self }
    }
}

/// The services for one tenant at one moment.
#[derive(Clone, Copy, Debug)]
pub struct AccountContext<'a> {
    /// The services that all tenants share.
    pub services: &'a Arc<AccountServices>,
    /// The tenant as served by the snapshot of the request.
    pub tenant: &'a Arc<ServedTenant>,
    /// The installation's sealing keys; `None` until they exist.
    pub sealer: Option<&'a Arc<Sealer>>,
    /// The installation's vault keys; `None` until they exist.
    pub vault: Option<&'a Arc<Vault>>,
    /// The current time by the replica's own clock.
    pub now: Timestamp,
    /// The current time by the store's clock, to compare with times that other replicas wrote.
    pub store_now: Timestamp,
    /// The client and user of the request, for its access line.
    pub facts: &'a AccessFacts,
    /// The request, for audit lines.
    pub origin: AuditOrigin<'a>,
}

impl<'a> AccountContext<'a> {
    /// The namespace and name of the tenant's object.
    pub fn tenant_id(&self) -> &'a TenantId {
        &self.tenant.tenant.id
    }

    /// Reports a security event of the request.
    pub fn audit(&self, event: AuditEvent<'_>) {
        let (tenant, origin) = (Some(self.tenant_id()), Some(self.origin));
        self.services.audit.record(&AuditRecord { tenant, origin, event });
    }

    /// Counts a record that its maker's budget refuses, and returns the error. `wait`: until there is room.
    pub(super) fn refused_record(&self, kind: RecordKind, wait: Duration) -> AccountError {
        self.services.metrics.record_refused(self.tenant_id(), kind.as_str());
        AccountError::TooManyRecords(kind, wait)
    }

    /// The store key of a record of the tenant.
    pub fn key(&self, kind: RecordKind, id: impl Into<String>) -> RecordKey {
        RecordKey::new(kind, self.tenant_id(), id)
    }

    /// The installation's sealing keys.
    pub fn sealer(&self) -> Result<&'a Sealer, AccountError> {
        self.sealer.map(|sealer| &**sealer).ok_or(AccountError::NoSealingKeys)
    }

    /// The installation's vault keys.
    pub fn vault(&self) -> Result<&'a Vault, AccountError> {
        self.vault.map(|vault| &**vault).ok_or(AccountError::NoVaultKey)
    }

    /// Reads a record. `None` if the store does not have it, or it has expired.
    pub async fn get(&self, key: &RecordKey) -> Result<Option<VersionedRecord>, StoreError> {
        self.services.store.get(key, self.now).await
    }

    /// Inserts a record. Returns false if a record with its key exists.
    pub async fn insert(&self, record: Record) -> Result<bool, StoreError> {
        self.services.store.insert(record, self.now).await
    }

    /// Reads and deletes a record. If callers race, exactly one gets it.
    pub async fn take(&self, key: &RecordKey) -> Result<Option<VersionedRecord>, StoreError> {
        self.services.store.take(key, self.now).await
    }

    /// Replaces a record if its version is still `version`.
    pub async fn compare_and_swap(&self, version: u64, record: Record) -> Result<bool, StoreError> {
        self.services.store.compare_and_swap(version, record, self.now).await
    }

    /// Inserts or replaces a record after what is stored: `stored`, as the caller has read it. If
    /// another writer was faster, the record is read and changed again.
    pub(super) async fn update<T>(
        &self,
        key: &RecordKey,
        stored: Option<VersionedRecord>,
        change: impl FnMut(Option<&VersionedRecord>) -> Result<RecordChange<T>, AccountError>,
    ) -> Result<T, AccountError> {
        let updated = update_record(&*self.services.store, (key, self.now), stored, change);
        updated.await?.ok_or(AccountError::Conflict(key.kind))
    }

    /// Encodes and seals a record for its purpose.
    pub fn seal<T: SealedRecord>(&self, record: &T) -> Result<String, AccountError> {
        self.seal_encoded::<T>(&encode_record(record))
    }

    /// Seals a record that is encoded already, for the purpose of its type.
    pub(super) fn seal_encoded<T: SealedRecord>(
        &self,
        encoded: &[u8],
    ) -> Result<String, AccountError> {
        let (sealer, entropy) = (self.sealer()?, &*self.services.entropy);
        Ok(sealer.seal(T::PURPOSE, self.tenant_id(), encoded, entropy, self.now))
    }

    /// Opens and decodes a sealed record; `None` if it was not sealed for its purpose and this
    /// tenant.
    pub fn open<T: SealedRecord>(&self, sealed: &str) -> Result<Option<T>, AccountError> {
        Ok(open_record(self.sealer()?, self.tenant_id(), sealed))
    }
}
