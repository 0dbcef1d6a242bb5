//! The table of authorization parameters: the name of each, whether it may repeat, and its effect in a request object.

/// Whether a parameter may occur more than once in a request.
enum Occurrence {
    /// The parameter must not occur more than once (RFC 6749 §3.1).
    Once,
    /// The parameter may occur more than once, and each value is used.
    Repeated,
}

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
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $occurrence:ident, $in_request_object:ident;)+) => {
        /// A parameter of authorization requests.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum AuthorizationParameter { $($(#[doc = $doc])+ $variant,)+ }

        impl AuthorizationParameter {
            /// All parameters, in the order in which an interaction stores them.
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)+];

            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            pub(super) const fn in_request_object(self) -> RequestObjectRule {
                match self { $(Self::$variant => RequestObjectRule::$in_request_object,)+ }
            }
        }

        /// Returns true if an authorization parameter may occur more than once. Compares only with the names of such
        /// parameters, because the compiler knows the occurrence of each.
        pub(super) fn is_repeatable_parameter(name: &str) -> bool {
            $((matches!(Occurrence::$occurrence, Occurrence::Repeated) && name == $name))||+
        }
    };
}

parameters! {
    /// OIDC Core §3.1.2.1.
    AcrValues = "acr_values", Once, Replaces;
    /// RFC 9396 §2.
    AuthorizationDetails = "authorization_details", Once, Replaces;
    /// OIDC Core §5.5.
    Claims = "claims", Once, Replaces;
    /// RFC 6749 §4.1.1.
    ClientId = "client_id", Once, Agrees;
    /// RFC 7636 §4.3.
    CodeChallenge = "code_challenge", Once, Replaces;
    /// RFC 7636 §4.3.
    CodeChallengeMethod = "code_challenge_method", Once, Replaces;
    /// RFC 9449 §10.
    DpopJkt = "dpop_jkt", Once, Replaces;
    /// OIDC Core §3.1.2.1.
    IdTokenHint = "id_token_hint", Once, Replaces;
    /// An extension: the name of the identity provider to sign in at.
    IdentityProvider = "identity_provider", Once, Replaces;
    /// OIDC Core §3.1.2.1.
    LoginHint = "login_hint", Once, Replaces;
    /// OIDC Core §3.1.2.1.
    MaxAge = "max_age", Once, Replaces;
    /// OIDC Core §3.1.2.1.
    Nonce = "nonce", Once, Replaces;
    /// OIDC Core §3.1.2.1.
    Prompt = "prompt", Once, Replaces;
    /// RFC 6749 §4.1.1.
    RedirectUri = "redirect_uri", Once, Replaces;
    /// OIDC Core §7.2.1.
    Registration = "registration", Once, Replaces;
    /// OIDC Core §6.1.
    Request = "request", Once, Refused;
    /// OIDC Core §6.2.
    RequestUri = "request_uri", Once, Refused;
    /// RFC 8707 §2.1.
    Resource = "resource", Repeated, Replaces;
    /// OAuth 2.0 Multiple Response Type Encoding Practices §2.1.
    ResponseMode = "response_mode", Once, Replaces;
    /// RFC 6749 §3.1.1.
    ResponseType = "response_type", Once, Agrees;
    /// RFC 6749 §3.3.
    Scope = "scope", Once, Replaces;
    /// RFC 6749 §4.1.1.
    State = "state", Once, Replaces;
    /// OIDC Core §3.1.2.1.
    UiLocales = "ui_locales", Once, Replaces;
}
