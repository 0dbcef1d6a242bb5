//! A checked client.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{ClientId, Lifetimes, ObjectKey, RedirectUri, Secret, TenantId};

/// One application, all defaults applied.
#[derive(Clone, Debug)]
pub struct Client {
    /// `client_id`.
    pub id: ClientId,
    /// The `OidcClient` it comes from.
    pub object: ObjectKey,
    /// The tenant that serves it.
    pub tenant: TenantId,
    /// What people are shown.
    pub name: String,
    /// `name` in other languages: BCP 47 tag → text.
    pub localized_names: BTreeMap<String, String>,
    /// web or native.
    pub application_type: ApplicationType,
    /// Where authorization responses may go.
    pub redirect_uris: Vec<RedirectUri>,
    /// Where the browser may go after logout.
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// Origins that may read token and userinfo answers from a browser.
    pub origins: BTreeSet<String>,
    /// What it may use at the token endpoint.
    pub grant_types: BTreeSet<GrantType>,
    /// What it may ask at the authorization endpoint.
    pub response_types: BTreeSet<ResponseType>,
    /// Scopes it may ask for.
    pub scopes: BTreeSet<String>,
    /// The one way it authenticates.
    pub auth_method: AuthMethod,
    /// Its secrets; several while one replaces another. Empty for public clients.
    pub secrets: Vec<Secret<String>>,
    /// Whether people are asked.
    pub consent: ConsentPolicy,
    /// Already bounded by the tenant's.
    pub lifetimes: Lifetimes,
    /// `default_max_age` (OIDC Registration §2).
    pub default_max_age: Option<Duration>,
    /// `require_auth_time` (OIDC Registration §2).
    pub require_auth_time: bool,
    /// Shown where people decide.
    pub client_uri: Option<String>,
    /// Shown where people decide.
    pub logo_uri: Option<String>,
    /// Shown where people decide.
    pub policy_uri: Option<String>,
    /// Shown where people decide.
    pub tos_uri: Option<String>,
}

impl Client {
    /// Whether the client cannot keep a secret (RFC 6749 §2.1).
    pub fn is_public(&self) -> bool {
        self.auth_method == AuthMethod::None
    }
}

/// `application_type` (OIDC Registration §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApplicationType {
    /// Runs on a server or in a browser.
    Web,
    /// Runs on a person's device.
    Native,
}

/// Whether a person is asked before a client gets what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentPolicy {
    /// Ask, and remember per user, client and scopes.
    Required,
    /// The client's owner has answered in the manifest.
    Implied,
}

macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All that are supported.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The registered name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or(())
            }
        }
    };
}

wire_enum!(
    /// `grant_type` (RFC 7591 §2).
    GrantType {
        /// RFC 6749 §4.1.
        AuthorizationCode = "authorization_code",
        /// RFC 6749 §4.2; tokens from the authorization endpoint.
        Implicit = "implicit",
        /// RFC 6749 §6.
        RefreshToken = "refresh_token",
        /// RFC 6749 §4.4.
        ClientCredentials = "client_credentials",
    }
);

wire_enum!(
    /// `response_type`, its words in canonical order (OAuth 2.0 Multiple Response Types).
    ResponseType {
        /// RFC 6749 §4.1.
        Code = "code",
        /// OIDC Core §3.2.
        IdToken = "id_token",
        /// OIDC Core §3.2.
        IdTokenToken = "id_token token",
    }
);

wire_enum!(
    /// `token_endpoint_auth_method` (OIDC Core §9).
    AuthMethod {
        /// Secret in the `Authorization` header.
        ClientSecretBasic = "client_secret_basic",
        /// Secret in the body.
        ClientSecretPost = "client_secret_post",
        /// A public client.
        None = "none",
    }
);
