//! The values of metric labels: closed sets, so a request cannot create a new series.

use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

use super::label_values::{LabelValues, label_values};
use crate::model::{Endpoint, ManagedKind};

/// The methods of outbound HTTP requests.
pub(super) const FETCH_METHODS: LabelValues = &[
    (
        "get",
        "Fetching a document: of an application, the discovery document, keys and userinfo of an identity provider, or an \
         answer of GitHub's API.",
    ),
    (
        "post",
        "Sending a logout token or the notification of an answer (CIBA) to an application, or a token request to an identity \
         provider.",
    ),
];

/// The operations of a store.
pub(super) const STORE_OPERATIONS: LabelValues = &[
    ("insert", "Adding a record."),
    ("get", "Reading a record."),
    ("take", "Reading a record and deleting it."),
    ("swap", "Replacing a record that has not changed."),
    ("list", "Listing the records of an owner."),
    ("list_due", "Listing records by due time."),
    ("purge", "Deleting expired records."),
    ("state", "Checking the store's state."),
    ("prepare", "Creating or migrating the store."),
];

/// The kind of refused records of a tenant that has used up its space of the store.
pub(super) const ANY_RECORD: &str = "any";
/// The kinds of records that are refused where a client, a person or a tenant has too many.
pub(super) const REFUSED_RECORD_KINDS: LabelValues = &[
    ("assertion", "A client assertion that was used."),
    ("dpop-proof", "A DPoP proof that was used."),
    ("pushed-request", "A pushed authorization request that is too long for a URL."),
    ("used-pushed-request", "A pushed authorization request that was answered."),
    ("revoked", "A token that was to be revoked without a grant. It was not."),
    ("person", "A new person of an identity provider, or claims that have grown."),
    (ANY_RECORD, "A record of any kind, of a tenant that has used up its space of the store."),
];

impl EncodeLabelValue for Endpoint {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.label(), encoder)
    }
}

label_values!(
    /// The outcome of a notification of a client: of a logout, or of the answer to a CIBA request.
    NotificationOutcome {
        /// The client answered with 2xx.
        Ok = "ok",
        /// The request failed; it may be retried.
        Failed = "failed",
    }
);

label_values!(
    /// The fate of sealing keys that were missing from their Secret.
    SealingKeysOutcome {
        /// A replica had them, and they were written back.
        Restored = "restored",
        /// No replica had them. Every refresh token is void.
        Lost = "lost",
    }
);

label_values!(
    /// The outcome of a request.
    RequestOutcome {
        /// Status 2xx or 304.
        Ok = "ok",
        /// Any other 3xx.
        Redirect = "redirect",
        /// 4xx: the request was invalid.
        Refused = "refused",
        /// 5xx: the server failed.
        Failed = "failed",
        /// 5xx: an identity provider did not answer, or not as expected.
        ProviderFailed = "provider_failed",
    }
);

impl RequestOutcome {
    /// The outcome of a status code.
    pub const fn of_status(status: u16) -> Self {
        match status {
            304 => Self::Ok,
            300..=399 => Self::Redirect,
            400..=499 => Self::Refused,
            500.. => Self::Failed,
            _ => Self::Ok,
        }
    }

    /// The outcome of a status code. A server error may be the fault of an identity provider, which is
    /// no failure of the installation.
    pub const fn of_answer(status: u16, is_fault_of_provider: bool) -> Self {
        match Self::of_status(status) {
            Self::Failed if is_fault_of_provider => Self::ProviderFailed,
            outcome => outcome,
        }
    }
}

label_values!(
    /// The kind of an issued token or code.
    TokenKind {
        /// A JWT for resource servers.
        AccessToken = "access_token",
        /// A JWT for the client.
        IdToken = "id_token",
        /// A sealed token for the client.
        RefreshToken = "refresh_token",
        /// A sealed authorization code for the client.
        Code = "code",
    }
);

label_values!(
    /// The kind of a credential that was used again.
    ReplayedKind {
        /// An authorization code that was redeemed before.
        Code = "code",
        /// A refresh token that was superseded before.
        RefreshToken = "refresh_token",
    }
);

label_values!(
    /// The outcome of a reconcile.
    ReconcileOutcome {
        /// Nothing failed, and the object has no problem.
        Ok = "ok",
        /// The object has to be edited.
        Problem = "problem",
        /// A read or write failed and is retried, except where another write was faster or the
        /// namespace is being deleted.
        Retry = "retry",
    }
);

label_values!(
    /// The condition Ready of an object.
    Readiness {
        /// The object is in effect.
        Ready = "true",
        /// The object is not in effect. The message of the condition has the reason.
        NotReady = "false",
        /// The object does not have the condition yet.
        Unknown = "unknown",
    }
);

label_values!(
    /// A write to the API server.
    WriteOperation {
        /// Creating a Secret.
        CreateSecret = "create_secret",
        /// Replacing a Secret.
        ReplaceSecret = "replace_secret",
        /// Deleting a Secret.
        DeleteSecret = "delete_secret",
        /// Deleting a registered client that was not used.
        DeleteClient = "delete_client",
        /// Writing a status.
        PublishStatus = "publish_status",
        /// Publishing an Event.
        PublishEvent = "publish_event",
        /// Writing an `OidcClient` for a client that registers, changes or removes itself, or is used
        /// for the first time.
        RegisterClient = "register_client",
    }
);

label_values!(
    /// Why a write to the API server failed.
    WriteErrorReason {
        /// The object was modified in the meantime; the write is repeated.
        Conflict = "conflict",
        /// The object does not exist.
        NotFound = "not_found",
        /// The write is forbidden or invalid.
        Refused = "refused",
        /// There was no answer in time, or the API server failed.
        Unavailable = "unavailable",
    }
);

label_values!(
    /// The end of a call to the server of an application or identity provider.
    FetchOutcome {
        /// A response came; for `get`, with status 200.
        Ok = "ok",
        /// The URL is not an absolute http or https URL.
        InvalidUrl = "url",
        /// The address may not be called (see `--fetch-allow`).
        Forbidden = "forbidden",
        /// The host has no address.
        DnsError = "dns_error",
        /// Connecting, TLS or HTTP failed.
        ConnectError = "connect_error",
        /// No response came in time.
        Timeout = "timeout",
        /// There were too many calls at once.
        Busy = "busy",
        /// The response is larger than the limit.
        TooLarge = "too_large",
        /// The status of a `get` is not 200.
        Status = "status",
    }
);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TenantRequestLabels {
    pub tenant: Arc<str>,
    pub endpoint: Endpoint,
    pub outcome: RequestOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct EndpointLabel {
    pub endpoint: Endpoint,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TenantNotification {
    pub tenant: Arc<str>,
    pub outcome: NotificationOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TenantToken {
    pub tenant: Arc<str>,
    pub kind: TokenKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TenantReplay {
    pub tenant: Arc<str>,
    pub kind: ReplayedKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TenantRecord {
    pub tenant: Arc<str>,
    pub kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ReconcileOutcomeLabels {
    pub kind: &'static str,
    pub outcome: ReconcileOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct KindLabel {
    pub kind: &'static str,
}

impl From<ManagedKind> for KindLabel {
    fn from(kind: ManagedKind) -> Self {
        Self { kind: kind.as_str() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct FetchOutcomeLabels {
    pub method: &'static str,
    pub outcome: FetchOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct SealingKeysMissing {
    pub outcome: SealingKeysOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct StoreOperationLabels {
    pub operation: &'static str,
}
