//! Records that persist between requests, sealed or stored: a format version and postcard (`format`).

mod authenticators;
mod backchannel;
mod cross_device;
mod device;
mod format;
mod grant_parts;
mod legacy;
mod mail;
mod marks;
mod passkeys;
mod passwords;
mod person;
mod provider_logout;
mod sender_binding;
mod session_browser;
mod suspended_sign_in;
mod upstream_session;

pub use authenticators::{
    FactorAttempts, FactorBudget, RecoveryCodesRecord, TotpEnrolment, TotpRecord,
};
pub use backchannel::{AuthReqId, BackchannelDetails, BackchannelRequest, PingNotification};
pub use cross_device::{CrossDeviceAnswer, CrossDeviceAuthorization, CrossDeviceRequest};
pub use device::{DeviceCode, RequestingDevice};
use format::decode_with_absent;
pub use format::{DecodeError, FormatVersion, RecordFormat, decode_record, encode_record};
pub use grant_parts::{GrantedResource, RequestedClaims, SupersededTimes};
pub use mail::*;
pub use marks::{AccountMarks, VoidBefore};
pub use passkeys::{ChallengePurpose, PasskeyChallenge, PasskeyRecord};
pub use passwords::{
    InvitationLink, InvitationRecord, InvitedFactor, InvitedFactorForm, PasswordForm,
    PasswordRecord,
};
pub use person::{ClaimsAge, PersonRecord};
pub use provider_logout::ProviderLogout;
pub use sender_binding::SenderBinding;
pub use session_browser::SessionBrowser;
pub use suspended_sign_in::{SuspendedSignIn, SuspendedSource};
pub use upstream_session::{SignInOrigin, StoredUpstreamTokens, UpstreamSession};

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use self::legacy::{
    EncodedCode, LegacyCode, LegacyGrant, LegacySealedCode, LegacySession, SignInV0, SignInV1,
};
use super::authentication::Authentication;
use crate::model::{Client, ClientId, ObjectKey, SealPurpose, Timestamp};

/// The scope of grants that outlive their session (OIDC Core §11).
const OFFLINE_ACCESS: &str = "offline_access";

/// The version since which a sign-in is a list of events.
const EVENTS: FormatVersion = FormatVersion { major: 1, minor: 0 };
/// The version since which records name the objects of clients and have marks.
const MARKS: FormatVersion = FormatVersion { minor: 1, ..EVENTS };
/// The version since which sessions name the browser.
const BROWSER: FormatVersion = FormatVersion { minor: 3, ..EVENTS };
/// The version since which grants have authorization details. Version 1.3 says which key their tokens are bound to, and
/// version 1.4 names resources.
const DETAILS: FormatVersion = FormatVersion { minor: 5, ..EVENTS };

/// Records with the earlier formats 0.1, 1.0 and 1.1. Fields that were appended since 1.1 are options or maps.
macro_rules! upgraded {
    ($($record:ty: $version:ident => $zero:ty, $one:ty);* $(;)?) => {$(
        impl RecordFormat for $record {
            const VERSION: FormatVersion = $version;

            fn upgrade(version: FormatVersion, fields: &[u8]) -> Result<Self, DecodeError> {
                let appended = MARKS.minor..$version.minor;
                if version.major == MARKS.major && appended.contains(&version.minor) {
                    let missing = usize::from($version.minor - version.minor);
                    return legacy::parse_without_last_fields(fields, missing);
                }
                if version == EVENTS {
                    return legacy::parse_legacy_fields::<$one>(fields).map(Self::from);
                }
                legacy::read_legacy_record::<$zero>(version, fields).map(Self::from)
            }
        }
    )*};
}

upgraded! {
    Session: BROWSER => LegacySession<SignInV0>, LegacySession<Authentication>;
    Grant: DETAILS => LegacyGrant<SignInV0>, LegacyGrant<SignInV1>;
    AuthorizationCode: DETAILS => LegacyCode<SignInV0>, LegacyCode<SignInV1>;
    SealedCode: DETAILS => LegacySealedCode<SignInV0>, LegacySealedCode<SignInV1>;
}
impl RecordFormat for RefreshToken {}

impl RecordFormat for Consent {
    const VERSION: FormatVersion = FormatVersion { major: 0, minor: 2 };

    fn upgrade(version: FormatVersion, fields: &[u8]) -> Result<Self, DecodeError> {
        legacy::read_legacy_record::<legacy::ConsentV0>(version, fields).map(Self::from)
    }
}

/// A record that is sealed, not stored. Each kind has one purpose, so a value of another kind does
/// not open in its place.
pub trait SealedRecord: RecordFormat {
    /// The purpose that the record is sealed for.
    const PURPOSE: SealPurpose;
}

impl SealedRecord for SealedCode {
    const PURPOSE: SealPurpose = SealPurpose::Code;
}

impl SealedRecord for RefreshToken {
    const PURPOSE: SealPurpose = SealPurpose::Refresh;
}

/// A user's session with a tenant. It is stored under the hash of the cookie value, and indexed by
/// user and by `sid`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The public ID in the `sid` claim of tokens; never the cookie value.
    pub sid: String,
    /// The sign-in that started the session.
    pub authentication: Authentication,
    /// The time of the sign-in, or of the first one if a step-up continued the session.
    pub created_at: Timestamp,
    /// The end of the session, regardless of use.
    pub ends_at: Timestamp,
    /// The time of the last use of the session; updated at most once a minute.
    pub used_at: Timestamp,
    /// Clients that signed in with this session. They are notified on logout.
    pub clients: BTreeSet<ClientId>,
    /// The `OidcClient` objects of these clients. Those of earlier releases are absent.
    pub client_objects: BTreeMap<ClientId, ObjectKey>,
    /// The user who signed in. `None` in records of earlier releases.
    pub marks: Option<AccountMarks>,
    /// Where the user signed in; `None` for the tenant itself.
    pub origin: Option<SignInOrigin>,
    /// The browser of the sign-in. `None` in records of earlier releases.
    pub browser: Option<SessionBrowser>,
}

/// The permissions that a user granted to a client. Every token of a user belongs to a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The ID of the client that has the grant.
    pub client: ClientId,
    /// The sign-in that the grant is based on.
    pub authentication: Authentication,
    /// `acr`: the level of assurance that the sign-in reached, if the tenant defines levels.
    pub acr: Option<String>,
    /// The session the grant ends with, unless it has `offline_access`.
    pub sid: Option<String>,
    /// The granted scopes of the client itself. Those of resource servers are in `resources`.
    pub scopes: BTreeSet<String>,
    /// `nonce` of the authorization request. ID tokens from a refresh do not repeat it.
    pub nonce: Option<String>,
    /// Whether ID tokens contain `auth_time`.
    pub wants_auth_time: bool,
    /// When the grant was created.
    pub created_at: Timestamp,
    /// The end of the grant, regardless of refreshes.
    pub ends_at: Timestamp,
    /// The state: active with a refresh generation, pending, or revoked.
    pub state: GrantState,
    /// The claims that the request asked for by name (OIDC Core §5.5).
    pub claims: RequestedClaims,
    /// When the last two refresh tokens were superseded.
    pub superseded: SupersededTimes,
    /// The `OidcClient` object of the client. `None` in records of earlier releases.
    pub client_object: Option<ObjectKey>,
    /// The user that the grant was made for. `None` in records of earlier releases.
    pub marks: Option<AccountMarks>,
    /// Where the user signed in; `None` for the tenant itself.
    pub origin: Option<SignInOrigin>,
    /// The key that tokens are bound to; `None` for bearer tokens.
    pub binding: Option<SenderBinding>,
    /// The resources that tokens may be for, by identifier (RFC 8707). The issuer is among them if it was
    /// named. Empty if none was: tokens are for the issuer.
    pub resources: BTreeMap<String, GrantedResource>,
    /// The authorization details at each resource server, as JSON texts (RFC 9396). Tokens for it contain them.
    pub authorization_details: BTreeMap<String, Vec<String>>,
}

impl Grant {
    /// Returns true if the grant was made for this client: for its id and for its object, because
    /// another object may get the id, or a metadata document.
    pub fn belongs_to_client(&self, client: &Client) -> bool {
        self.client == client.id
            && match &self.client_object {
                Some(object) => *object == client.object,
                // Earlier releases stored no object, and had no clients that a metadata document describes.
                None => !client.is_described_by_document(),
            }
    }

    /// Returns all granted scopes: those of the client itself and of all resource servers.
    pub fn all_scopes(&self) -> BTreeSet<String> {
        let of_resources = self.resources.values().flat_map(|granted| &granted.scopes);
        self.scopes.iter().chain(of_resources).cloned().collect()
    }

    /// Returns true if the grant is neither revoked nor expired. Does not check the session or the
    /// user.
    pub fn is_active(&self, now: Timestamp) -> bool {
        !matches!(self.state, GrantState::Revoked { .. }) && now < self.ends_at
    }

    /// Returns true if the grant outlives its session now: the client may still have
    /// `offline_access`.
    pub fn is_offline_for(&self, client: &Client) -> bool {
        self.is_offline() && client.scopes.contains(OFFLINE_ACCESS)
    }

    /// Returns true if the grant was made to outlive its session (OIDC Core §11).
    pub fn is_offline(&self) -> bool {
        self.scopes.contains(OFFLINE_ACCESS)
    }
}

/// The state of a grant. A revoked grant is kept until all of its tokens have expired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GrantState {
    /// The grant is in use.
    Active {
        /// The generation of the current refresh token, from 1. 0 if none was issued.
        generation: u32,
        /// When that generation was issued, which is the first use of its predecessor.
        rotated_at: Timestamp,
    },
    /// The grant was revoked. No endpoint accepts its tokens.
    Revoked {
        /// The time of the revocation.
        at: Timestamp,
    },
    /// The grant is in use since the authorization endpoint issued its access token, but the code
    /// issued with it has not been redeemed.
    PendingRedemption,
}

/// An authorization code. It is sealed and valid for at most a minute (RFC 6749 §4.1.2). Redeeming
/// it stores the grant under `grant_id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "EncodedCode", into = "EncodedCode")]
pub struct AuthorizationCode {
    /// The ID of the grant that redeeming the code creates.
    pub grant_id: String,
    /// The incarnation of the store that issued the code.
    pub incarnation: String,
    /// The grant to be stored (generation 0).
    pub grant: Grant,
    /// `redirect_uri` of the authorization request, if it had one.
    pub redirect_uri: Option<String>,
    /// `code_challenge`, always S256 (RFC 7636 §4.2).
    pub code_challenge: Option<String>,
    /// The time from which the code is refused, without an allowance for clock skew.
    pub expires_at: Timestamp,
    /// Whether the grant is already stored, because an access token was issued together with the
    /// code. Redeeming then changes its state from `PendingRedemption`.
    pub grant_stored: bool,
}

/// The sealed value of a code. A long code (long nonce, many scopes) would not fit in a URL; it is
/// stored, and the sealed value is a reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SealedCode {
    /// The code itself, if it is short enough for a URL.
    Whole(Box<AuthorizationCode>),
    /// The ID of a `RecordKind::CodeDetail` record, whose value is the encoded `AuthorizationCode`.
    Stored(String),
}

/// A refresh token, sealed when issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshToken {
    /// The grant it belongs to.
    pub grant_id: String,
    /// The generation of the token within the grant.
    pub generation: u32,
    /// The client it was issued to.
    pub client: ClientId,
    /// The time at which the token expires. The grant's record may make it expire sooner if it is not used.
    pub expires_at: Timestamp,
}

/// A user's consent for a client, stored under a hash of both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Scopes and individual claims the user agreed to over time, in the form of
    /// `AuthorizationRequest::requested_permissions`.
    pub scopes: BTreeSet<String>,
    /// The time of the latest consent.
    pub given_at: Timestamp,
    /// The user who agreed. `None` in records of earlier releases.
    pub marks: Option<AccountMarks>,
}
