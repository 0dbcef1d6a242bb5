//! The table of client metadata that is a plain text, list or flag. Each row is a field of
//! [`ClientDetails`]; validation and dynamic registration follow from it.

use std::sync::{Arc, LazyLock};

use serde::Serialize;

use super::{BackchannelTokenDeliveryMode, JwsAlgorithm};

/// Calls a macro with the rows: the field's documentation, its name, which is that of the metadata
/// value, and its kind.
macro_rules! with_client_details {
    ($macro:ident) => {
        $macro! {
            /// Home page, linked on the sign-in and consent pages.
            client_uri: WebUrl,
            /// Logo, displayed on the sign-in and consent pages.
            logo_uri: HttpsUrl,
            /// Privacy policy, linked on the sign-in and consent pages.
            policy_uri: WebUrl,
            /// Terms of service, linked on the sign-in and consent pages.
            tos_uri: WebUrl,
            /// Email addresses of the people responsible for the client.
            contacts: Texts,
            /// The URL of the document that lists every redirect URI of its sector (OIDC Registration
            /// §5).
            sector_identifier_uri: HttpsUrl,
            /// The `acr_values` of requests that have none (OIDC Registration §2).
            default_acr_values: Words,
            /// The URL where a third party can initiate a login (OIDC Core §4).
            initiate_login_uri: HttpsUrl,
            /// URLs that its request objects may be fetched from (OIDC Registration §2).
            request_uris: WebUrls,
            /// The URL that receives logout tokens (OIDC Back-Channel Logout §2.2).
            backchannel_logout_uri: WebUrlWithoutFragment,
            /// Whether a logout token must contain `sid`.
            backchannel_logout_session_required: Flag,
            /// The URL that the signed-out page loads in a frame (OIDC Front-Channel Logout §2).
            frontchannel_logout_uri: WebUrlWithoutFragment,
            /// Whether that URL gets the parameters `iss` and `sid`.
            frontchannel_logout_session_required: Flag,
            /// The URL that is notified when a person has answered a request over the backchannel (CIBA Core §4).
            backchannel_client_notification_endpoint: HttpsUrl,
            /// Whether its access tokens must be bound to a DPoP key (RFC 9449 §5.2).
            dpop_bound_access_tokens: Flag,
            /// Whether its access tokens must be bound to its certificate (RFC 8705 §3.4).
            tls_client_certificate_bound_access_tokens: Flag,
            /// The identifier of the client software (RFC 7591 §2).
            software_id: Text,
            /// The version of the client software.
            software_version: Text,
        }
    };
}
pub(crate) use with_client_details;

/// The kind of a row: its type, and the rule that its values follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientDetailKind {
    /// Any text.
    Text,
    /// An absolute https or http URL.
    WebUrl,
    /// An absolute https or http URL without a fragment.
    WebUrlWithoutFragment,
    /// An absolute https URL.
    HttpsUrl,
    /// A list of any texts.
    Texts,
    /// Several texts of printable ASCII without spaces.
    Words,
    /// Several absolute https or http URLs.
    WebUrls,
    /// True or false; false by default.
    Flag,
}

/// The value of a row in one client. It is serialized as in client metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ClientDetailValue<'a> {
    /// A text or URL; `None` if the client has none.
    Text(Option<&'a str>),
    /// A list of texts or URLs; empty if the client has none.
    Texts(&'a [String]),
    /// True or false.
    Flag(bool),
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct ClientDetail {
    /// The name of the metadata value (OIDC Registration §2, RFC 7591 §2).
    pub name: &'static str,
    /// The kind of the value.
    pub kind: ClientDetailKind,
    /// Reads the value from a client's details.
    pub value: fn(&ClientDetails) -> ClientDetailValue<'_>,
}

macro_rules! field_type {
    (Flag) => { bool };
    (Texts) => { Vec<String> };
    (Words) => { Vec<String> };
    (WebUrls) => { Vec<String> };
    ($text:ident) => { Option<String> };
}

macro_rules! declare {
    ($($(#[$doc:meta])+ $name:ident: $kind:ident,)+) => {
        /// Client metadata other than flows and authentication. Most clients set none.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct ClientDetails {
            $($(#[$doc])+ pub $name: field_type!($kind),)+
            /// The registered algorithm of its assertions (OIDC Registration §2), whether or not it
            /// authenticates with them.
            pub token_endpoint_auth_signing_alg: Option<JwsAlgorithm>,
            /// How it learns that a person has answered a request over the backchannel (CIBA Core §4).
            pub backchannel_token_delivery_mode: Option<BackchannelTokenDeliveryMode>,
        }

        impl ClientDetails {
            /// The table: all plain texts, lists and flags.
            pub const ALL: &'static [ClientDetail] = &[$(ClientDetail {
                name: stringify!($name),
                kind: ClientDetailKind::$kind,
                value: |details| (&details.$name).into(),
            },)+];
        }
    };
}

with_client_details!(declare);

impl ClientDetails {
    /// Returns true if its access tokens must be bound to a key or a certificate.
    pub const fn binds_access_tokens(&self) -> bool {
        self.dpop_bound_access_tokens || self.tls_client_certificate_bound_access_tokens
    }

    /// Returns the shared default instance if no field is set.
    pub fn shared(self) -> Arc<Self> {
        static NOTHING: LazyLock<Arc<ClientDetails>> = LazyLock::new(Arc::default);
        if self == **NOTHING { Arc::clone(&NOTHING) } else { Arc::new(self) }
    }
}

impl<'a> From<&'a Option<String>> for ClientDetailValue<'a> {
    fn from(text: &'a Option<String>) -> Self {
        Self::Text(text.as_deref())
    }
}

impl<'a> From<&'a Vec<String>> for ClientDetailValue<'a> {
    fn from(texts: &'a Vec<String>) -> Self {
        Self::Texts(texts)
    }
}

impl From<&bool> for ClientDetailValue<'_> {
    fn from(flag: &bool) -> Self {
        Self::Flag(*flag)
    }
}
