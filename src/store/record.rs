//! A record, its key, and the index entries by which it can be listed.

use std::fmt;

use bytes::Bytes;

use super::StoreError;
use crate::model::{TenantId, Timestamp};

/// Longest id of a key, in bytes.
pub const MAX_ID_LEN: usize = 256;
/// Largest value of a record, in bytes.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;
/// Most index entries of a record.
pub const MAX_INDEX_ENTRIES: usize = 8;

/// The kind of a record, part of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// A user's session with a tenant, by the hash of its cookie's value.
    Session,
    /// A grant, created when a code is redeemed or when the authorization endpoint issues tokens.
    Grant,
    /// The permissions that a user has granted to a client.
    Consent,
    /// A revoked token that has no grant, by `jti`.
    Revoked,
    /// A client assertion that has been used, by client and `jti`.
    Assertion,
    /// The rest of a code that is too long for a URL.
    CodeDetail,
    /// A pending back-channel logout notification of a client.
    Logout,
    /// An interaction of a signed-in user, between a form and the page that it redirects to.
    Interaction,
    /// The number of a client's superseded refresh tokens that were used, until it is reported.
    RefreshReplays,
    /// The end of everything that a disabled or deleted user had, by the hash of the subject.
    VoidBefore,
    /// A person of an identity provider, by a hash of subject and provider.
    Person,
    /// The session of a person at an identity provider, by a random id.
    UpstreamSession,
    /// The authenticator app of a person, by the hash of the subject.
    Totp,
    /// The recovery codes of a person, by the hash of the subject.
    RecoveryCodes,
    /// The failed attempts to use an authenticator of a person, by the hash of the subject, for known
    /// browsers also of the browser.
    FactorAttempts,
    /// A passkey of a person, by the hash of its credential ID.
    Passkey,
    /// A challenge that a passkey has answered, or the secret of an app that was set up, by its hash.
    UsedChallenge,
    /// The password that a person chose, by the hash of the subject.
    Password,
    /// An invitation that was used, by a hash of subject and id.
    Invitation,
    /// A pushed authorization request that is too long for a URL, by a random id.
    PushedRequest,
    /// A pushed authorization request that was answered with a code or tokens, by its id.
    UsedPushedRequest,
    /// A DPoP proof that has been used, by key and `jti`.
    DpopProof,
    /// The request of a device, by its user code.
    DeviceAuthorization,
    /// A request over the backchannel that waits for a person, by the id of its grant.
    BackchannelAuthentication,
    /// A notification of a client that a person has answered its request, by the id of the grant.
    Ping,
    /// A message to a person that waits for the mail server.
    Mail,
    /// The end of the mail with the link of an invitation, by a hash of link and address.
    InvitationMail,
    /// The password reset link that was mailed to a person last, by the hash of the subject.
    PasswordReset,
    /// A logout token of an identity provider, by a hash of the provider and the name that the token has.
    ProviderLogout,
}

impl RecordKind {
    /// A short, stable name, part of the keys in durable stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Grant => "grant",
            Self::Consent => "consent",
            Self::Revoked => "revoked",
            Self::Assertion => "assertion",
            Self::CodeDetail => "code",
            Self::Logout => "logout",
            Self::Interaction => "interaction",
            Self::RefreshReplays => "refresh-replays",
            Self::VoidBefore => "void-before",
            Self::Person => "person",
            Self::UpstreamSession => "upstream-session",
            Self::Totp => "totp",
            Self::RecoveryCodes => "recovery-codes",
            Self::FactorAttempts => "factor-attempts",
            Self::Passkey => "passkey",
            Self::UsedChallenge => "used-challenge",
            Self::Password => "password",
            Self::Invitation => "invitation",
            Self::PushedRequest => "pushed-request",
            Self::UsedPushedRequest => "used-pushed-request",
            Self::DpopProof => "dpop-proof",
            Self::DeviceAuthorization => "device-authorization",
            Self::BackchannelAuthentication => "backchannel-authentication",
            Self::Ping => "ping",
            Self::Mail => "mail",
            Self::InvitationMail => "invitation-mail",
            Self::PasswordReset => "password-reset",
            Self::ProviderLogout => "provider-logout",
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The key of a record. A record of one tenant cannot be addressed from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// The kind of the record.
    pub kind: RecordKind,
    /// The tenant that the record belongs to.
    pub tenant: TenantId,
    /// A random id or a hash, at most 256 bytes.
    pub id: String,
}

impl RecordKey {
    /// Builds a key from its parts.
    pub fn new(kind: RecordKind, tenant: &TenantId, id: impl Into<String>) -> Self {
        Self { kind, tenant: tenant.clone(), id: id.into() }
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind.as_str(), self.tenant, self.id)
    }
}

/// The kinds of index entries by which records can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IndexKind {
    /// The `sub` of a user.
    User,
    /// The public id of a session.
    Session,
    /// The `client_id` of a client.
    Client,
    /// A hash of a person or session at an identity provider.
    Upstream,
}

impl IndexKind {
    /// A short, stable name, part of the indexes in durable stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Session => "session",
            Self::Client => "client",
            Self::Upstream => "upstream",
        }
    }

    /// Parses the result of `as_str`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let kinds = [Self::User, Self::Session, Self::Client, Self::Upstream];
        kinds.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An index entry by which a record can be listed, within the tenant of its key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexEntry {
    /// The kind of the entry.
    pub kind: IndexKind,
    /// The subject, session id, client id or hash.
    pub id: String,
}

impl IndexEntry {
    /// Builds an entry from its parts.
    pub fn new(kind: IndexKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }
}

/// A record to write. [`Self::check_size`] checks its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The key of the record.
    pub key: RecordKey,
    /// Opaque bytes, at most 64 KiB.
    pub value: Bytes,
    /// The moment from which the record is treated as absent.
    pub expires_at: Timestamp,
    /// The index entries by which the record can be listed, at most eight.
    pub owners: Vec<IndexEntry>,
    /// The moment from which work on the record is due, for `Store::list_due`. Most records have
    /// none.
    pub due_at: Option<Timestamp>,
}

impl Record {
    /// Checks the size limits of all backends. Every backend calls it before it writes.
    pub fn check_size(&self) -> Result<(), StoreError> {
        let too_large = |what: &str| {
            Err(StoreError::TooLarge(format!(
                "{what} of a {} of {}",
                self.key.kind.as_str(),
                self.key.tenant
            )))
        };
        if self.key.id.len() > MAX_ID_LEN {
            return too_large("the id");
        }
        if self.value.len() > MAX_VALUE_BYTES {
            return too_large("the value");
        }
        if self.owners.len() > MAX_INDEX_ENTRIES
            || self.owners.iter().any(|owner| owner.id.len() > MAX_ID_LEN)
        {
            return too_large("the list of index entries");
        }
        Ok(())
    }

    /// Returns true from `expires_at` on.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

/// Skips a record that cannot be decoded, with a line in the log. One damaged record must not hide
/// the other records of a list.
pub(super) fn skip_damaged<T, E: fmt::Display>(
    kind: RecordKind,
    key: impl fmt::Display,
    decoded: Result<T, E>,
) -> Option<T> {
    let log = |error: &E| {
        tracing::warn!(record_kind = %kind, record = %key, %error, "a record of the store is skipped");
    };
    decoded.inspect_err(log).ok()
}

/// A record as read, with the version that `compare_and_swap` compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedRecord {
    /// The record as it is stored.
    pub record: Record,
    /// Changes with each write of the record, and is never reused for the same key, even after the
    /// record was taken or had expired and was inserted again.
    pub version: u64,
}

impl VersionedRecord {
    /// An expired record. `Store::compare_and_swap` with it removes this record, unless the record has changed
    /// since.
    pub fn tombstone(&self) -> Record {
        Record {
            key: self.record.key.clone(),
            value: Bytes::new(),
            expires_at: Timestamp::from_millis(0),
            owners: Vec::new(),
            due_at: None,
        }
    }
}
