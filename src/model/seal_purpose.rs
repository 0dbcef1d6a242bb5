//! The purposes of sealed values.

/// The purpose of a sealed value. A value that was sealed for one purpose does not open for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SealPurpose {
    /// An authorization code (RFC 6749 §1.3.1).
    Code,
    /// A refresh token (RFC 6749 §1.5).
    Refresh,
    /// The state of a flow between two pages, such as an authorization request during sign-in.
    Interaction,
    /// The value of a cookie.
    Cookie,
    /// The state of a sign-in at an identity provider.
    UpstreamState,
    /// The stored claims of a person of an identity provider.
    Person,
    /// The stored tokens of an identity provider.
    UpstreamSession,
    /// The state of a sign-out at an identity provider.
    UpstreamLogout,
    /// A stored logout token of an identity provider.
    ProviderLogout,
    /// A sign-in that waits for its second factor.
    SuspendedSignIn,
    /// The secret of an authenticator app that is being set up.
    TotpEnrolment,
    /// The challenge for a passkey.
    PasskeyChallenge,
    /// The link of an invitation.
    Invitation,
    /// The form in which a person chooses a password.
    PasswordForm,
    /// The form in which an invited person sets up an authenticator.
    InvitedFactorForm,
    /// A pushed authorization request (RFC 9126).
    PushedRequest,
    /// The note that a browser has opened a pushed authorization request.
    OpenedPushedRequest,
    /// A device code (RFC 8628 §3.2).
    DeviceCode,
    /// An `auth_req_id` (CIBA Core §7.3).
    AuthReqId,
    /// The notification of a client whose request a person has answered (CIBA Core §10.2).
    PingNotification,
    /// A message to a person that waits for the mail server.
    Mail,
    /// The link by which a person who forgot the password chooses another one.
    PasswordReset,
    /// The form of such a link.
    PasswordResetForm,
}

impl SealPurpose {
    /// The label from which keys are derived.
    pub const fn label(self) -> &'static [u8] {
        match self {
            Self::Code => b"lanyard code",
            Self::Refresh => b"lanyard refresh",
            Self::Interaction => b"lanyard interaction",
            Self::Cookie => b"lanyard cookie",
            Self::UpstreamState => b"lanyard upstream state",
            Self::Person => b"lanyard person",
            Self::UpstreamSession => b"lanyard upstream session",
            Self::UpstreamLogout => b"lanyard upstream logout",
            Self::ProviderLogout => b"lanyard provider logout",
            Self::SuspendedSignIn => b"lanyard suspended sign-in",
            Self::TotpEnrolment => b"lanyard totp enrolment",
            Self::PasskeyChallenge => b"lanyard passkey challenge",
            Self::Invitation => b"lanyard invitation",
            Self::PasswordForm => b"lanyard password form",
            Self::InvitedFactorForm => b"lanyard invited factor form",
            Self::PushedRequest => b"lanyard pushed request",
            Self::OpenedPushedRequest => b"lanyard opened pushed request",
            Self::DeviceCode => b"lanyard device code",
            Self::AuthReqId => b"lanyard auth_req_id",
            Self::PingNotification => b"lanyard ping",
            Self::Mail => b"lanyard mail",
            Self::PasswordReset => b"lanyard password reset",
            Self::PasswordResetForm => b"lanyard password reset form",
        }
    }
}
