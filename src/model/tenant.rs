//! The validated tenant, with all defaults applied.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    AccessPolicy, Branding, ClientDocumentPolicy, Fapi2Rules, HostPattern, InternalHost, Issuer,
    MailSettings, ObjectMark, SigningAlgorithm, TenantAuthenticators, TenantId, TokenPolicy,
    wire_enum,
};
use crate::messages::Languages;

/// An issuer with all defaults applied.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// The namespace and name of the `Tenant` object.
    pub id: TenantId,
    /// The mark of the object's UID, in `dev` of its name.
    pub mark: ObjectMark,
    /// The issuer identifier (OIDC Discovery §3), without a trailing slash.
    pub issuer: Issuer,
    /// The addresses inside the cluster at which it is found, the preferred one first.
    pub internal_hosts: Arc<[InternalHost]>,
    /// The preferred one's URL of this tenant, which the validation results of its clients share.
    pub internal_url: Option<Arc<str>>,
    /// The address at which clients present certificates, if the installation has one.
    pub mutual_tls_url: Option<Arc<str>>,
    /// Hosts inside the network where its identity providers may be.
    pub upstream_hosts: Arc<[HostPattern]>,
    /// The display name on its pages.
    pub display_name: String,
    /// The source of the claims `tenant_name` and `tenant_sub`.
    pub organization: Organization,
    /// The rules of FAPI 2.0 that all of its clients follow, if it has a profile.
    pub fapi2: Option<Fapi2Rules>,
    /// Signing algorithms. The first is the default; RS256 is included unless a profile forbids it.
    pub algorithms: Vec<SigningAlgorithm>,
    /// The intervals at which signing keys are rotated.
    pub key_rotation: RotationPolicy,
    /// Lifetimes of tokens and sessions. Shared with its clients.
    pub lifetimes: Arc<Lifetimes>,
    /// Scopes in addition to the standard ones.
    pub scopes: BTreeMap<String, CustomScope>,
    /// The appearance of its pages.
    pub branding: Branding,
    /// The languages of its pages and mails.
    pub languages: Arc<Languages>,
    /// The supported levels of assurance, best first.
    pub acr_levels: Vec<AcrLevel>,
    /// The authenticators that people may enrol.
    pub authenticators: TenantAuthenticators,
    /// The request objects it accepts.
    pub request_objects: RequestObjectPolicy,
    /// The default for whether each use of a refresh token issues a new one. Clients can override
    /// it.
    pub refresh_token_rotation: RefreshTokenRotation,
    /// The default forms of tokens. Clients can override them.
    pub tokens: TokenPolicy,
    /// Whether confidential clients must use PKCE too. Clients can override it.
    pub require_pkce: bool,
    /// Whether all clients must push their authorization requests (RFC 9126 §5).
    pub require_pushed_requests: bool,
    /// The people who may use its clients.
    pub access: Option<Arc<AccessPolicy>>,
    /// The rules of dynamic client registration.
    pub registration: RegistrationPolicy,
    /// The clients that are described by a document.
    pub client_documents: Arc<ClientDocumentPolicy>,
    /// How it sends mail, if it does.
    pub mail: Option<Arc<MailSettings>>,
}

impl Tenant {
    /// The addresses inside the cluster that stand for the issuer, the preferred one first.
    pub fn internal_urls(&self) -> impl Iterator<Item = String> {
        self.internal_hosts.iter().map(|host| host.tenant_url(&self.id))
    }

    /// Returns true if clients may send access tokens with the scheme `Bearer`. Under a profile, only tokens that are
    /// bound to a certificate are sent so (RFC 8705 §3).
    pub fn has_bearer_tokens(&self) -> bool {
        self.fapi2.is_none() || self.mutual_tls_url.is_some()
    }

    /// The addresses at which applications call the issuer's endpoints, besides the issuer.
    pub fn other_urls(&self) -> impl Iterator<Item = String> {
        self.internal_urls().chain(self.mutual_tls_url.as_deref().map(str::to_owned))
    }
}

/// A level of assurance (`acr`) and the methods it requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcrLevel {
    /// The value of `acr` (OIDC Core §2).
    pub value: String,
    /// The authentication methods (`amr`, RFC 8176) a sign-in must have used, all of them.
    pub amr: Vec<String>,
}

/// The request objects that a tenant accepts (OIDC Core §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestObjectPolicy {
    /// Whether the parameter `request` is accepted (OIDC Core §6.1).
    pub by_value: bool,
    /// Whether the parameter `request_uri` is accepted (OIDC Core §6.2).
    pub by_reference: bool,
}

impl Default for RequestObjectPolicy {
    fn default() -> Self {
        Self { by_value: true, by_reference: true }
    }
}

wire_enum!(
    /// Whether each use of a refresh token issues a new one (RFC 9700 §4.14.2).
    #[derive(Default)]
    RefreshTokenRotation {
        /// For the refresh tokens of all clients.
        #[default]
        Always = "Always",
        /// Only for public clients, which cannot prove that a token is used by its owner.
        PublicClients = "PublicClients",
    }
);

/// The rules of dynamic client registration (RFC 7591).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationPolicy {
    /// The callers allowed to register clients.
    pub mode: RegistrationMode,
    /// The maximum number of registered clients.
    pub max_clients: u32,
    /// How long a registered client may stay unused before it is deleted.
    pub unused_lifetime: Duration,
    /// Registrations allowed per minute and client address.
    pub requests_per_minute: u32,
}

impl Default for RegistrationPolicy {
    fn default() -> Self {
        Self {
            mode: RegistrationMode::Disabled,
            max_clients: 100,
            unused_lifetime: Duration::from_hours(720),
            requests_per_minute: 10,
        }
    }
}

wire_enum!(
    /// The callers allowed to register clients.
    #[derive(Default)]
    RegistrationMode {
        /// No caller. The registration endpoint is disabled.
        #[default]
        Disabled = "Disabled",
        /// Callers with the initial access token (RFC 7591 §3).
        InitialAccessToken = "InitialAccessToken",
        /// All callers, without a token.
        Open = "Open",
    }
);

/// The organization that a tenant represents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// The claim `tenant_name`; by default the tenant's display name.
    pub name: String,
    /// The claim `tenant_sub`; by default `<namespace>/<name>` of the tenant.
    pub id: String,
}

/// The intervals of key rotation: publish, sign, retire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    /// How long a key signs.
    pub interval: Duration,
    /// How long a new key is in the JWKS before it signs.
    pub publish_ahead: Duration,
    /// How long a retired key stays in the JWKS after its last token has expired.
    pub retain: Duration,
}

impl Default for RotationPolicy {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_hours(1);
        Self { interval: 24 * 90 * HOUR, publish_ahead: 24 * HOUR, retain: 24 * HOUR }
    }
}

/// Lifetimes of tokens and sessions. A client's lifetimes can only be shorter than its tenant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Authorization codes, at most one minute.
    pub code: Duration,
    /// Access tokens, from their `iat` to their `exp`.
    pub access_token: Duration,
    /// ID tokens, from their `iat` to their `exp`.
    pub id_token: Duration,
    /// Refresh tokens that are not used.
    pub refresh_token_idle: Duration,
    /// Grants, regardless of use.
    pub refresh_token_absolute: Duration,
    /// How long a superseded refresh token is answered with the current one.
    pub refresh_token_reuse_window: Duration,
    /// Sessions that are not used.
    pub session_idle: Duration,
    /// Sessions, regardless of use.
    pub session_absolute: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        Self {
            code: Duration::from_secs(MINUTE),
            access_token: Duration::from_secs(10 * MINUTE),
            id_token: Duration::from_secs(HOUR),
            refresh_token_idle: Duration::from_secs(30 * DAY),
            refresh_token_absolute: Duration::from_secs(90 * DAY),
            refresh_token_reuse_window: Duration::from_secs(30),
            session_idle: Duration::from_secs(12 * HOUR),
            session_absolute: Duration::from_secs(7 * DAY),
        }
    }
}

impl Lifetimes {
    /// The longest lifetime of tokens signed by the tenant's keys. A retired key stays published
    /// for it.
    pub fn longest_signed(&self) -> Duration {
        self.access_token.max(self.id_token)
    }
}

/// A custom scope of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomScope {
    /// The description on the consent page.
    pub description: String,
    /// The user claims that the scope grants.
    pub claims: Vec<String>,
}
