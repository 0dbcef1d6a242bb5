//! Grant types, response types, application types and client authentication methods, by their
//! registered names.

use super::wire_enum::wire_enum;

wire_enum!(
    /// `grant_type` (RFC 7591 §2).
    GrantType {
        /// The authorization code grant (RFC 6749 §4.1).
        AuthorizationCode = "authorization_code",
        /// The implicit grant (RFC 6749 §4.2): tokens are returned by the authorization endpoint.
        Implicit = "implicit",
        /// Refreshing an access token (RFC 6749 §6).
        RefreshToken = "refresh_token",
        /// The client credentials grant (RFC 6749 §4.4): the client acts for itself.
        ClientCredentials = "client_credentials",
        /// The device authorization grant (RFC 8628 §3.4).
        DeviceCode = "urn:ietf:params:oauth:grant-type:device_code",
        /// Token exchange (RFC 8693 §2.1).
        TokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange",
        /// The JWT bearer grant (RFC 7523 §2.1): an assertion of another issuer is redeemed.
        JwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer",
        /// A request to a person over the backchannel (CIBA Core §10.1).
        Ciba = "urn:openid:params:grant-type:ciba",
    }
);

/// Declares the properties of the grant types, in the order of the methods.
macro_rules! grant_type_properties {
    ($($name:ident {
        authenticated: $authenticated:literal, refreshes: $refreshes:literal, on_demand: $on_demand:literal,
        response_types: $response_types:literal, fapi2: $fapi2:literal, assertion: $assertion:literal,
        foreign: $foreign:literal, registered: $registered:literal, documents: $documents:literal
    },)+) => {
        impl GrantType {
            /// Returns true if only confidential clients may use the grant type (RFC 6749 §4.4, RFC 8693 §5,
            /// RFC 7523 §2.1, CIBA Core §7.1).
            pub const fn requires_client_authentication(self) -> bool {
                match self { $(Self::$name => $authenticated,)+ }
            }

            /// Returns true if the grant type can yield refresh tokens: a person consents to it.
            pub const fn may_refresh(self) -> bool {
                match self { $(Self::$name => $refreshes,)+ }
            }

            /// Returns true if metadata lists the grant type only while a client has it.
            pub const fn is_offered_on_demand(self) -> bool {
                match self { $(Self::$name => $on_demand,)+ }
            }

            /// Returns true if response types belong to the grant type: it begins at the authorization endpoint,
            /// which redirects (OIDC Registration §2).
            pub const fn has_response_types(self) -> bool {
                match self { $(Self::$name => $response_types,)+ }
            }

            /// Returns true if clients under a profile of FAPI 2.0 may have the grant type (Security Profile
            /// §5.3.2.2). Others are refused until they are known to fulfil its rules.
            pub const fn is_fapi2(self) -> bool {
                match self { $(Self::$name => $fapi2,)+ }
            }

            /// Returns true if the grant is an assertion of another issuer, which also authenticates the client
            /// (RFC 7523 §2.1).
            pub const fn is_client_assertion(self) -> bool {
                match self { $(Self::$name => $assertion,)+ }
            }

            /// Returns true if clients of other namespaces may have the grant type where the tenant sets no
            /// `clients.grantTypes`.
            pub const fn is_default_for_foreign_clients(self) -> bool {
                match self { $(Self::$name => $foreign,)+ }
            }

            /// Returns true if dynamically registered clients may have the grant type where the tenant sets no
            /// `clients.grantTypes`.
            pub const fn is_default_for_registered_clients(self) -> bool {
                match self { $(Self::$name => $registered,)+ }
            }

            /// Returns true if clients with a metadata document may have the grant type.
            pub const fn is_allowed_in_documents(self) -> bool {
                match self { $(Self::$name => $documents,)+ }
            }
        }
    };
}

grant_type_properties! {
    AuthorizationCode {
        authenticated: false, refreshes: true, on_demand: false,
        response_types: true, fapi2: true, assertion: false,
        foreign: true, registered: true, documents: true
    },
    Implicit {
        authenticated: false, refreshes: false, on_demand: false,
        response_types: true, fapi2: false, assertion: false,
        foreign: false, registered: true, documents: false
    },
    RefreshToken {
        authenticated: false, refreshes: false, on_demand: false,
        response_types: false, fapi2: true, assertion: false,
        foreign: true, registered: true, documents: true
    },
    ClientCredentials {
        authenticated: true, refreshes: false, on_demand: false,
        response_types: false, fapi2: true, assertion: false,
        foreign: false, registered: false, documents: false
    },
    DeviceCode {
        authenticated: false, refreshes: true, on_demand: true,
        response_types: false, fapi2: false, assertion: false,
        foreign: false, registered: false, documents: false
    },
    TokenExchange {
        authenticated: true, refreshes: false, on_demand: true,
        response_types: false, fapi2: false, assertion: false,
        foreign: false, registered: false, documents: false
    },
    JwtBearer {
        authenticated: true, refreshes: false, on_demand: true,
        response_types: false, fapi2: false, assertion: true,
        foreign: false, registered: false, documents: false
    },
    Ciba {
        authenticated: true, refreshes: true, on_demand: true,
        response_types: false, fapi2: false, assertion: false,
        foreign: false, registered: false, documents: false
    },
}

wire_enum!(
    /// `response_type`, with its words in canonical order (OAuth 2.0 Multiple Response Types).
    ResponseType {
        /// The authorization code flow (OIDC Core §3.1).
        Code = "code",
        /// The implicit flow without an access token (OIDC Core §3.2).
        IdToken = "id_token",
        /// The implicit flow (OIDC Core §3.2).
        IdTokenToken = "id_token token",
        /// The hybrid flow without an access token from the authorization endpoint (OIDC Core §3.3).
        CodeIdToken = "code id_token",
        /// The hybrid flow without an ID token from the authorization endpoint (OIDC Core §3.3).
        CodeToken = "code token",
        /// The hybrid flow with all three (OIDC Core §3.3).
        CodeIdTokenToken = "code id_token token",
    }
);

wire_enum!(
    /// `backchannel_token_delivery_mode` (CIBA Core §4). `push` is not supported.
    BackchannelTokenDeliveryMode {
        /// The client polls the token endpoint until the person has answered.
        Poll = "poll",
        /// The client is notified when the person has answered, and then asks for the tokens.
        Ping = "ping",
    }
);

wire_enum!(
    /// `application_type` (OIDC Registration §2).
    ApplicationType {
        /// Runs on a server or in a browser.
        Web = "web",
        /// Runs on the user's device.
        Native = "native",
    }
);

wire_enum!(
    /// `token_endpoint_auth_method` (OIDC Core §9).
    AuthMethod {
        /// The secret is in the header `Authorization` (RFC 6749 §2.3.1).
        ClientSecretBasic = "client_secret_basic",
        /// The secret is in the body (RFC 6749 §2.3.1).
        ClientSecretPost = "client_secret_post",
        /// A JWT assertion signed with the client secret.
        ClientSecretJwt = "client_secret_jwt",
        /// A JWT assertion signed with a private key of the client.
        PrivateKeyJwt = "private_key_jwt",
        /// A certificate of an authority (RFC 8705 §2.1).
        TlsClientAuth = "tls_client_auth",
        /// A certificate with a key that the client registered (RFC 8705 §2.2).
        SelfSignedTlsClientAuth = "self_signed_tls_client_auth",
        /// A public client, which does not authenticate.
        None = "none",
    }
);

impl ResponseType {
    /// Returns true if the authorization endpoint returns a code.
    pub const fn has_code(self) -> bool {
        !matches!(self, Self::IdToken | Self::IdTokenToken)
    }

    /// Returns true if the authorization endpoint returns an ID token.
    pub const fn has_id_token(self) -> bool {
        !matches!(self, Self::Code | Self::CodeToken)
    }

    /// Returns true if the authorization endpoint returns an access token.
    pub const fn has_token(self) -> bool {
        matches!(self, Self::IdTokenToken | Self::CodeToken | Self::CodeIdTokenToken)
    }

    /// The grant type that a response with this type belongs to.
    pub const fn grant_type(self) -> GrantType {
        if self.has_code() { GrantType::AuthorizationCode } else { GrantType::Implicit }
    }

    /// The grant types a client must have to use this response type (OIDC Registration §2).
    pub const fn grant_types(self) -> &'static [GrantType] {
        match self {
            Self::Code => &[GrantType::AuthorizationCode],
            Self::IdToken | Self::IdTokenToken => &[GrantType::Implicit],
            Self::CodeIdToken | Self::CodeToken | Self::CodeIdTokenToken => {
                &[GrantType::AuthorizationCode, GrantType::Implicit]
            }
        }
    }
}

impl AuthMethod {
    /// Returns true if the client and the tenant share a secret.
    pub const fn has_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost | Self::ClientSecretJwt)
    }

    /// Returns true if the client authenticates with a certificate.
    pub const fn has_certificate(self) -> bool {
        matches!(self, Self::TlsClientAuth | Self::SelfSignedTlsClientAuth)
    }

    /// Returns true if the client needs registered keys (OIDC Core §9, RFC 8705 §2.2).
    pub const fn has_public_keys(self) -> bool {
        matches!(self, Self::PrivateKeyJwt | Self::SelfSignedTlsClientAuth)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn grant_types(has: fn(GrantType) -> bool) -> BTreeSet<GrantType> {
        GrantType::ALL.into_iter().filter(|grant_type| has(*grant_type)).collect()
    }

    #[test]
    fn grant_types_have_response_types_as_the_response_types_say() {
        // OIDC Registration §2
        let named = ResponseType::ALL.into_iter().flat_map(ResponseType::grant_types);
        let named: BTreeSet<_> = named.copied().collect();
        assert_eq!(grant_types(GrantType::has_response_types), named);
    }

    #[test]
    fn only_grant_types_that_are_known_to_follow_fapi_2_are_allowed_under_a_profile() {
        // FAPI 2.0 Security Profile §5.3.2.2
        let allowed =
            [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials];
        assert_eq!(grant_types(GrantType::is_fapi2), BTreeSet::from(allowed));
    }

    #[test]
    fn only_grant_types_of_sign_ins_are_allowed_by_default() {
        let (code, refresh) = (GrantType::AuthorizationCode, GrantType::RefreshToken);
        let expected = BTreeSet::from([code, refresh]);
        assert_eq!(grant_types(GrantType::is_allowed_in_documents), expected);
        assert_eq!(grant_types(GrantType::is_default_for_foreign_clients), expected);
        let registered = BTreeSet::from([code, refresh, GrantType::Implicit]);
        assert_eq!(grant_types(GrantType::is_default_for_registered_clients), registered);
    }

    #[test]
    fn a_grant_that_authenticates_the_client_is_for_confidential_clients() {
        // RFC 7523 §2.1
        let asserted = grant_types(GrantType::is_client_assertion);
        assert_eq!(asserted, BTreeSet::from([GrantType::JwtBearer]));
        assert!(asserted.is_subset(&grant_types(GrantType::requires_client_authentication)));
    }
}
