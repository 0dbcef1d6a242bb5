//! The table of authorization parameters. The rules read parameters only by [`Parameter`], so a parameter without a
//! row cannot have an effect. A parameter with a row is preserved while the user signs in.

use form_urlencoded::Serializer;

use super::super::{
    authorization_details::AUTHORIZATION_DETAILS, error::OAuthError, params::RequestParams,
};

/// The effect of a request object's claim with the name of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestObjectRule {
    /// The claim replaces the parameter (OIDC Core §6.1).
    Replaces,
    /// The claim must be equal to the parameter, unless only one is present (OIDC Core §6.1).
    Agrees,
    /// The claim is an error, because the parameter contains or locates the object (OIDC Core §6.1).
    Refused,
}

macro_rules! parameters {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:expr, $in_request_object:ident;)+) => {
        /// A parameter of authorization requests.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Parameter { $($(#[doc = $doc])+ $variant,)+ }

        impl Parameter {
            /// All parameters, in the order in which an interaction stores them.
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)+];

            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            pub(super) const fn in_request_object(self) -> RequestObjectRule {
                match self { $(Self::$variant => RequestObjectRule::$in_request_object,)+ }
            }
        }
    };
}

parameters! {
    /// OIDC Core §3.1.2.1.
    AcrValues = "acr_values", Replaces;
    /// RFC 9396 §2.
    AuthorizationDetails = AUTHORIZATION_DETAILS, Replaces;
    /// OIDC Core §5.5.
    Claims = "claims", Replaces;
    /// RFC 6749 §4.1.1.
    ClientId = "client_id", Agrees;
    /// RFC 7636 §4.3.
    CodeChallenge = "code_challenge", Replaces;
    /// RFC 7636 §4.3.
    CodeChallengeMethod = "code_challenge_method", Replaces;
    /// RFC 9449 §10.
    DpopJkt = "dpop_jkt", Replaces;
    /// OIDC Core §3.1.2.1.
    IdTokenHint = "id_token_hint", Replaces;
    /// An extension: the name of the identity provider to sign in at.
    IdentityProvider = "identity_provider", Replaces;
    /// OIDC Core §3.1.2.1.
    LoginHint = "login_hint", Replaces;
    /// OIDC Core §3.1.2.1.
    MaxAge = "max_age", Replaces;
    /// OIDC Core §3.1.2.1.
    Nonce = "nonce", Replaces;
    /// OIDC Core §3.1.2.1.
    Prompt = "prompt", Replaces;
    /// RFC 6749 §4.1.1.
    RedirectUri = "redirect_uri", Replaces;
    /// OIDC Core §7.2.1.
    Registration = "registration", Replaces;
    /// OIDC Core §6.1.
    Request = "request", Refused;
    /// OIDC Core §6.2.
    RequestUri = "request_uri", Refused;
    /// RFC 8707 §2.1.
    Resource = "resource", Replaces;
    /// OAuth 2.0 Multiple Response Type Encoding Practices §2.1.
    ResponseMode = "response_mode", Replaces;
    /// RFC 6749 §3.1.1.
    ResponseType = "response_type", Agrees;
    /// RFC 6749 §3.3.
    Scope = "scope", Replaces;
    /// RFC 6749 §4.1.1.
    State = "state", Replaces;
    /// OIDC Core §3.1.2.1.
    UiLocales = "ui_locales", Replaces;
}

/// The supported parameters of an authorization request. Others have no effect (RFC 6749 §3.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct AuthorizationParams<'a>(&'a RequestParams);

impl<'a> AuthorizationParams<'a> {
    pub(super) const fn new(params: &'a RequestParams) -> Self {
        Self(params)
    }

    /// Returns a parameter's value.
    pub(super) fn get(self, parameter: Parameter) -> Option<&'a str> {
        self.0.get(parameter.name())
    }

    /// Iterates over all values of a parameter.
    pub(super) fn all(self, parameter: Parameter) -> impl Iterator<Item = &'a str> {
        self.0.all(parameter.name())
    }

    /// Returns a parameter's value, or `invalid_request` if it is missing.
    pub(super) fn require(self, parameter: Parameter) -> Result<&'a str, OAuthError> {
        self.0.require(parameter.name())
    }

    /// Returns true if a parameter was sent more than once.
    pub(super) fn is_duplicate(self, parameter: Parameter) -> bool {
        self.0.duplicates().iter().any(|name| name == parameter.name())
    }

    /// Rule: no parameter occurs twice, whether it is supported or not.
    pub(super) fn check_duplicates(self) -> Result<(), OAuthError> {
        self.0.check_duplicates()
    }

    /// Encodes the supported parameters as a query string.
    pub(super) fn to_query(self) -> String {
        let mut query = Serializer::new(String::new());
        for parameter in Parameter::ALL {
            for value in self.0.all(parameter.name()) {
                query.append_pair(parameter.name(), value);
            }
        }
        query.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_survives_a_sign_in() {
        // Interactions of the previous release have the same order.
        assert!(Parameter::ALL.is_sorted_by_key(|parameter| parameter.name()));
        for parameter in Parameter::ALL {
            let name = parameter.name();
            let sent = RequestParams::parse(format!("utm_source=mail&{name}=a%26b").as_bytes());
            let query = AuthorizationParams::new(&sent).to_query();
            assert_eq!(query, format!("{name}=a%26b"));
            let read = RequestParams::parse(query.as_bytes());
            let values: Vec<_> = AuthorizationParams::new(&read).all(*parameter).collect();
            assert_eq!(values, ["a&b"], "{name}");
        }
    }
}
