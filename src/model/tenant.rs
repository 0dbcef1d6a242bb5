//! A checked tenant.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{Issuer, SigningAlgorithm, TenantId};

/// One issuer, all defaults applied.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// `<namespace>/<name>`.
    pub id: TenantId,
    /// The issuer it serves.
    pub issuer: Issuer,
    /// What pages call it.
    pub display_name: String,
    /// Source of the claims `tenant_name` and `tenant_sub`.
    pub organization: Organization,
    /// Algorithms it signs with; the first is the default, RS256 is always among them.
    pub algorithms: Vec<SigningAlgorithm>,
    /// How its keys rotate.
    pub key_rotation: RotationPolicy,
    /// How long things live; shared with its clients.
    pub lifetimes: Arc<Lifetimes>,
    /// Scopes beyond the standard ones.
    pub scopes: BTreeMap<String, CustomScope>,
    /// How its pages look.
    pub branding: Branding,
    /// The levels of assurance that it knows, best first.
    pub acr_levels: Vec<AcrLevel>,
    /// Which request objects it takes.
    pub request_objects: RequestObjectPolicy,
    /// Whether each use of a refresh token makes a new one, unless a client says otherwise.
    pub refresh_token_rotation: RefreshTokenRotation,
    /// Who may register clients.
    pub registration: RegistrationPolicy,
}

/// A level of assurance (`acr`) and how a sign-in reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcrLevel {
    /// The value of `acr`.
    pub value: String,
    /// The methods (`amr`, RFC 8176) that a sign-in must have used, all of them.
    pub amr: Vec<String>,
}

/// Which request objects a tenant takes (OIDC Core §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestObjectPolicy {
    /// `request`.
    pub by_value: bool,
    /// `request_uri`.
    pub by_reference: bool,
}

impl Default for RequestObjectPolicy {
    fn default() -> Self {
        Self { by_value: true, by_reference: true }
    }
}

/// Whether each use of a refresh token makes a new one (RFC 9700 §4.14.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefreshTokenRotation {
    /// For every client.
    #[default]
    Always,
    /// For public clients only, which cannot prove who uses a token.
    PublicClients,
}

/// Dynamic client registration (RFC 7591).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationPolicy {
    /// Who may register.
    pub mode: RegistrationMode,
    /// How many registered clients there may be.
    pub max_clients: u32,
    /// When a client that was never used goes.
    pub unused_lifetime: Duration,
    /// Registrations a minute and address.
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

/// Who may register clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RegistrationMode {
    /// Nobody.
    #[default]
    Disabled,
    /// Who has the initial access token (RFC 7591 §3).
    InitialAccessToken,
    /// Everybody.
    Open,
}

/// The organisation that a tenant stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// `tenant_name`.
    pub name: String,
    /// `tenant_sub`.
    pub id: String,
}

/// Publish → sign → retire (design §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    /// How long a key signs.
    pub interval: Duration,
    /// How long a new key stands in JWKS before it signs.
    pub publish_ahead: Duration,
    /// How long a retired key stays beyond the last token that it signed.
    pub retain: Duration,
}

impl Default for RotationPolicy {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_hours(1);
        Self { interval: 24 * 90 * HOUR, publish_ahead: 24 * HOUR, retain: 24 * HOUR }
    }
}

/// How long things live. A client's only shorten its tenant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Authorization codes; at most a minute.
    pub code: Duration,
    /// Access tokens.
    pub access_token: Duration,
    /// ID tokens.
    pub id_token: Duration,
    /// A refresh token that is not used.
    pub refresh_token_idle: Duration,
    /// A grant, however often it is refreshed.
    pub refresh_token_absolute: Duration,
    /// A session that is not used.
    pub session_idle: Duration,
    /// A session, however often it is used.
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
            session_idle: Duration::from_secs(12 * HOUR),
            session_absolute: Duration::from_secs(7 * DAY),
        }
    }
}

impl Lifetimes {
    /// The longest that a token signed by a tenant's key is valid: what retiring waits for.
    pub fn longest_signed(&self) -> Duration {
        self.access_token.max(self.id_token)
    }
}

/// A scope of the tenant's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomScope {
    /// What the consent page says of it.
    pub description: String,
    /// The user's claims that it gives.
    pub claims: Vec<String>,
}

/// How pages look: data, never markup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branding {
    /// An https image.
    pub logo_uri: Option<String>,
    /// `#rrggbb`: buttons and links.
    pub primary_color: Option<String>,
    /// `#rrggbb`: page background.
    pub background_color: Option<String>,
}
