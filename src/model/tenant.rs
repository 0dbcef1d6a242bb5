//! A checked tenant.

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Issuer, TenantId};

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
    pub rotation: RotationPolicy,
    /// How long things live.
    pub lifetimes: Lifetimes,
    /// Scopes beyond the standard ones.
    pub scopes: BTreeMap<String, CustomScope>,
    /// How its pages look.
    pub branding: Branding,
}

/// The organisation that a tenant stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// `tenant_name`.
    pub name: String,
    /// `tenant_sub`.
    pub id: String,
}

/// JWS algorithms that tenants sign with (RFC 7518 §3.1, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl SigningAlgorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::RS256, Self::ES256, Self::EdDSA];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SigningAlgorithm {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text).ok_or(())
    }
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
