//! The table of endpoints: paths below an issuer, metadata fields, labels, and where they are served. Discovery
//! metadata, reserved path segments, metric labels and the CEL rule of issuers follow from it;
//! `http::routing::router` attaches the handlers.

use super::GrantType;

/// The folder of the pages' static files, below every issuer.
pub const STATIC_FILES: &str = "_lanyard";

/// The tenants whose metadata contains an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointOffer {
    /// All tenants.
    Always,
    /// Tenants at which clients can register.
    WithRegistration,
    /// Tenants with a client that has this grant type.
    WithGrantType(GrantType),
}

/// Declares the endpoints. `internal`, `certificates` and `offered` are the results of `is_internal`,
/// `has_mutual_tls_alias` and `offer`.
macro_rules! endpoints {
    ($(
        $(#[doc = $meaning:literal])+
        $name:ident {
            label: $label:literal
            $(, path: $path:literal)?
            $(, metadata: $metadata:literal)?
            , internal: $internal:literal, certificates: $certificates:literal
            , offered: $offer:ident $(($grant:ident))?
        },
    )+) => {
        /// An endpoint of an issuer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Endpoint { $($(#[doc = $meaning])+ $name,)+ }

        impl Endpoint {
            /// All endpoints, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The label of each endpoint with its meaning, as Markdown.
            pub const LABELS: &'static [(&'static str, &'static str)] =
                &[$(($label, concat!($($meaning),+).trim_ascii()),)+];

            /// The name in metrics and logs.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }

            /// The path below the issuer. A segment `{name}` is a parameter.
            pub const fn path(self) -> Option<&'static str> {
                match self { $(Self::$name => optional!($($path)?),)+ }
            }

            /// The discovery metadata field with the endpoint's URL.
            pub const fn metadata_field(self) -> Option<&'static str> {
                match self { $(Self::$name => optional!($($metadata)?),)+ }
            }

            /// Whether applications and identity providers reach the endpoint at the installation's addresses
            /// inside the cluster. Browsers never do, so no page and no endpoint with cookies is among them.
            pub const fn is_internal(self) -> bool {
                match self { $(Self::$name => $internal,)+ }
            }

            /// Whether clients present certificates at the endpoint (RFC 8705 §5): to authenticate, or with a token.
            pub const fn has_mutual_tls_alias(self) -> bool {
                match self { $(Self::$name => $certificates,)+ }
            }

            /// The tenants whose metadata contains the endpoint.
            pub const fn offer(self) -> EndpointOffer {
                match self { $(Self::$name => EndpointOffer::$offer $((GrantType::$grant))?,)+ }
            }
        }
    };
}

macro_rules! optional {
    () => {
        None
    };
    ($value:literal) => {
        Some($value)
    };
}

endpoints! {
    /// Provider metadata, at both well-known paths.
    Discovery {
        label: "discovery", path: "/.well-known/openid-configuration",
        internal: true, certificates: false, offered: Always
    },
    /// The JWK Set of the tenant (RFC 7517).
    Jwks {
        label: "jwks", path: "/oauth/jwks", metadata: "jwks_uri",
        internal: true, certificates: false, offered: Always
    },
    /// The authorization endpoint (RFC 6749 §3.1).
    Authorize {
        label: "authorize", path: "/oauth/authorize", metadata: "authorization_endpoint",
        internal: false, certificates: false, offered: Always
    },
    /// The sign-in page.
    Login { label: "login", path: "/login", internal: false, certificates: false, offered: Always },
    /// The consent page.
    Consent { label: "consent", path: "/consent", internal: false, certificates: false, offered: Always },
    /// The token endpoint (RFC 6749 §3.2).
    Token {
        label: "token", path: "/oauth/token", metadata: "token_endpoint",
        internal: true, certificates: true, offered: Always
    },
    /// The pushed authorization request endpoint (RFC 9126).
    PushedAuthorization {
        label: "pushed_authorization", path: "/oauth/par", metadata: "pushed_authorization_request_endpoint",
        internal: true, certificates: true, offered: Always
    },
    /// The device authorization endpoint (RFC 8628).
    DeviceAuthorization {
        label: "device_authorization",
        path: "/oauth/device_authorization",
        metadata: "device_authorization_endpoint",
        internal: true, certificates: true, offered: WithGrantType(DeviceCode)
    },
    /// The backchannel authentication endpoint (OpenID Connect CIBA Core 1.0).
    BackchannelAuthentication {
        label: "backchannel_authentication",
        path: "/oauth/backchannel_authentication",
        metadata: "backchannel_authentication_endpoint",
        internal: true, certificates: true, offered: WithGrantType(Ciba)
    },
    /// The page where a person types the code of a device.
    Device { label: "device", path: "/device", internal: false, certificates: false, offered: Always },
    /// The userinfo endpoint (OpenID Connect Core §5.3).
    Userinfo {
        label: "userinfo", path: "/oauth/userinfo", metadata: "userinfo_endpoint",
        internal: true, certificates: true, offered: Always
    },
    /// The introspection endpoint (RFC 7662).
    Introspect {
        label: "introspect", path: "/oauth/introspect", metadata: "introspection_endpoint",
        internal: true, certificates: true, offered: Always
    },
    /// The revocation endpoint (RFC 7009).
    Revoke {
        label: "revoke", path: "/oauth/revoke", metadata: "revocation_endpoint",
        internal: true, certificates: true, offered: Always
    },
    /// The registration endpoint (RFC 7591).
    Register {
        label: "register", path: "/oauth/register", metadata: "registration_endpoint",
        internal: false, certificates: false, offered: WithRegistration
    },
    /// The client configuration endpoint (RFC 7592).
    ManageClient {
        label: "manage_client", path: "/oauth/register/{client_id}",
        internal: false, certificates: false, offered: Always
    },
    /// The start of a sign-in at an identity provider.
    ProviderSignIn {
        label: "provider_sign_in", path: "/login/{provider}",
        internal: false, certificates: false, offered: Always
    },
    /// The redirect URI at an identity provider.
    ProviderCallback {
        label: "provider_callback", path: "/callback/{provider}",
        internal: false, certificates: false, offered: Always
    },
    /// Receives logout tokens of an identity provider.
    ProviderLogout {
        label: "provider_logout", path: "/callback/{provider}/logout",
        internal: true, certificates: false, offered: Always
    },
    /// The end-session endpoint (OpenID Connect RP-Initiated Logout).
    Logout {
        label: "logout", path: "/oauth/logout", metadata: "end_session_endpoint",
        internal: false, certificates: false, offered: Always
    },
    /// The check-session iframe (OpenID Connect Session Management §3.3).
    CheckSession {
        label: "check_session", path: "/oauth/check-session", metadata: "check_session_iframe",
        internal: false, certificates: false, offered: Always
    },
    /// The page shown after sign-out.
    LoggedOut {
        label: "logged_out", path: "/logged-out",
        internal: false, certificates: false, offered: Always
    },
    /// The account page of a person who is signed in.
    Account { label: "account", path: "/account", internal: false, certificates: false, offered: Always },
    /// The page of an invitation, where the invited person chooses a password.
    Invitation {
        label: "invitation", path: "/invitation",
        internal: false, certificates: false, offered: Always
    },
    /// The page for people who forgot their password.
    PasswordReset {
        label: "password_reset", path: "/password-reset",
        internal: false, certificates: false, offered: Always
    },
    /// Style sheets, and unknown paths.
    Other { label: "other", internal: false, certificates: false, offered: Always },
}

impl Endpoint {
    /// The first path segments of endpoints, which an issuer cannot contain.
    pub fn first_segments() -> Vec<&'static str> {
        let mut segments = Vec::new();
        for segment in reserved_segments() {
            if !segments.contains(&segment) {
                segments.push(segment);
            }
        }
        segments
    }
}

/// The reserved segments except [`STATIC_FILES`], some of them more than once.
fn reserved_segments() -> impl Iterator<Item = &'static str> {
    let paths = Endpoint::ALL.iter().filter_map(|endpoint| endpoint.path());
    paths.filter_map(|path| path.split('/').nth(1))
}

/// Returns true if an issuer cannot contain a path segment, because it would hide an endpoint.
pub(super) fn is_reserved(segment: &str) -> bool {
    reserved_segments().chain([STATIC_FILES]).any(|reserved| reserved == segment)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn rows_have_distinct_names_and_paths() {
        let distinct = |values: Vec<&str>| {
            let set: BTreeSet<_> = values.iter().collect();
            assert_eq!(set.len(), values.len(), "{values:?}");
        };
        let all = || Endpoint::ALL.iter();
        distinct(all().map(|endpoint| endpoint.label()).collect());
        distinct(all().filter_map(|endpoint| endpoint.path()).collect());
        distinct(all().filter_map(|endpoint| endpoint.metadata_field()).collect());
        assert!(Endpoint::LABELS.iter().all(|(_, meaning)| meaning.ends_with('.')));
    }

    #[test]
    fn clients_present_certificates_only_where_applications_call() {
        // RFC 8705 §5: an endpoint of the metadata, and never one with cookies
        let mut certificates = Endpoint::ALL.iter().filter(|it| it.has_mutual_tls_alias());
        assert!(certificates.all(|it| it.is_internal() && it.metadata_field().is_some()));
    }

    #[test]
    fn only_endpoints_of_the_metadata_depend_on_the_tenant() {
        let depends = |it: &&Endpoint| it.offer() != EndpointOffer::Always;
        let fields: Vec<_> =
            Endpoint::ALL.iter().filter(depends).map(|it| it.metadata_field()).collect();
        let expected = [
            "device_authorization_endpoint",
            "backchannel_authentication_endpoint",
            "registration_endpoint",
        ];
        assert_eq!(fields, expected.map(Some));
    }

    #[test]
    fn issuers_cannot_contain_the_first_segment_of_any_endpoint() {
        for path in Endpoint::ALL.iter().filter_map(|endpoint| endpoint.path()) {
            let segment = path.split('/').nth(1).expect("a first segment");
            assert!(is_reserved(segment), "{path}");
        }
        assert!(is_reserved("account") && is_reserved(STATIC_FILES));
        assert!(!is_reserved("team"));
    }
}
