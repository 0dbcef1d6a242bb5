//! The values of labels: closed sets, so that no request can make a new series.

use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

use crate::model::ObjectKind;

macro_rules! label_values {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The label's value.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
                EncodeLabelValue::encode(&self.as_str(), encoder)
            }
        }
    };
}

label_values!(
    /// What was asked.
    Endpoint {
        /// Metadata, in either form.
        Discovery = "discovery",
        /// Public keys.
        Jwks = "jwks",
        /// The authorization endpoint.
        Authorize = "authorize",
        /// The sign-in page.
        Login = "login",
        /// The consent page.
        Consent = "consent",
        /// The token endpoint.
        Token = "token",
        /// The userinfo endpoint.
        Userinfo = "userinfo",
        /// The introspection endpoint.
        Introspect = "introspect",
        /// The revocation endpoint.
        Revoke = "revoke",
        /// The registration endpoint.
        Register = "register",
        /// A registered client's management.
        ManageClient = "manage_client",
        /// The end-session endpoint.
        Logout = "logout",
        /// The page that applications frame to watch a session.
        CheckSession = "check_session",
        /// The page after it.
        LoggedOut = "logged_out",
        /// The demo of `lanyard dev`.
        Demo = "demo",
        /// Style sheets, and paths that are nothing.
        Other = "other",
    }
);

label_values!(
    /// How telling a client of a session's end went.
    LogoutOutcome {
        /// It answered with 2xx.
        Ok = "ok",
        /// It did not; perhaps it is tried again.
        Failed = "failed",
    }
);

label_values!(
    /// How a request ended.
    RequestOutcome {
        /// 2xx, 304.
        Ok = "ok",
        /// Other 3xx.
        Redirect = "redirect",
        /// 4xx: the caller has to change something.
        Refused = "refused",
        /// 5xx: we have.
        Failed = "failed",
    }
);

impl RequestOutcome {
    /// By status code.
    pub const fn of_status(status: u16) -> Self {
        match status {
            304 => Self::Ok,
            300..=399 => Self::Redirect,
            400..=499 => Self::Refused,
            500.. => Self::Failed,
            _ => Self::Ok,
        }
    }
}

label_values!(
    /// How an attempt to sign in ended.
    LoginOutcome {
        /// Signed in.
        Success = "success",
        /// Wrong user name or password, or disabled.
        Failure = "failure",
        /// Too many attempts.
        Limited = "limited",
        /// Too many checks at once.
        Busy = "busy",
    }
);

label_values!(
    /// What was issued.
    TokenKind {
        /// A JWT for resource servers.
        AccessToken = "access_token",
        /// A JWT for the client.
        IdToken = "id_token",
        /// A sealed token for the client.
        RefreshToken = "refresh_token",
        /// A sealed code for the client.
        Code = "code",
    }
);

label_values!(
    /// How a reconcile ended.
    ReconcileOutcome {
        /// All is as it should be.
        Ok = "ok",
        /// Something has to be edited.
        Problem = "problem",
        /// It is tried again.
        Retry = "retry",
    }
);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TenantRequestLabels {
    pub tenant: Arc<str>,
    pub endpoint: Endpoint,
    pub outcome: RequestOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct EndpointOnly {
    pub endpoint: Endpoint,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TenantLogin {
    pub tenant: Arc<str>,
    pub outcome: LoginOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TenantLogout {
    pub tenant: Arc<str>,
    pub outcome: LogoutOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TenantToken {
    pub tenant: Arc<str>,
    pub kind: TokenKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct KindOutcome {
    pub kind: &'static str,
    pub outcome: ReconcileOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct KindOnly {
    pub kind: &'static str,
}

impl From<ObjectKind> for KindOnly {
    fn from(kind: ObjectKind) -> Self {
        Self { kind: kind.as_str() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct MethodOutcome {
    pub method: &'static str,
    pub outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct StoreOperation {
    pub operation: &'static str,
}
