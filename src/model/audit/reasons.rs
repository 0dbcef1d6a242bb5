//! The closed sets of words in audit lines.

use schemars::JsonSchema;
use serde::Serialize;

/// Declares a closed set of words.
macro_rules! audit_words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// The word in audit lines.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

pub(super) use audit_words;

audit_words!(
    /// Whether what a line reports succeeded.
    AuditOutcome {
        /// The action succeeded.
        Success = "success",
        /// The action was refused, or it failed.
        Failure = "failure",
    }
);

audit_words!(
    /// Why a person was not signed in.
    SignInFailure {
        /// No user has the name.
        UnknownUser = "unknown_user",
        /// The password is wrong.
        WrongPassword = "wrong_password",
        /// The user has no password here, or its Secret cannot be read.
        NoPassword = "no_password",
        /// The code of the authenticator app is wrong.
        WrongCode = "wrong_code",
        /// The code of the authenticator app was used before.
        ReplayedCode = "replayed_code",
        /// The tenant requires an authenticator that the person has not set up.
        FactorRequired = "factor_required",
        /// The authenticator app was set up by another person: one who had the subject before.
        OtherPersonsAuthenticator = "other_persons_authenticator",
        /// The passkey is unknown here, or what it says or signed does not hold.
        WrongPasskey = "wrong_passkey",
        /// The answer of the passkey was used before, or came too late.
        ReplayedPasskey = "replayed_passkey",
        /// The signature counter of the passkey did not grow: a copy of it may exist.
        ClonedPasskey = "cloned_passkey",
        /// The OidcUser is disabled.
        Disabled = "disabled",
        /// The name is that of an OidcUser that is not accepted: `cause` names it.
        UserNotAccepted = "user_not_accepted",
        /// The directory refuses name or password.
        WrongCredentials = "wrong_credentials",
        /// The password is right, but the directory's account is disabled, locked or expired.
        Restricted = "restricted",
        /// The provider's person is not admitted: see the line `person_refused`.
        NotAdmitted = "not_admitted",
        /// The person cancelled at the provider, or the provider refused.
        Denied = "denied",
        /// The provider does not answer, or may not be called from here.
        ProviderUnavailable = "provider_unavailable",
        /// The provider's answer cannot be used.
        ProviderAnswer = "provider_answer",
        /// The provider's claims give no account.
        Claims = "claims",
        /// The subject or the username is that of another user, or the subject that of a client.
        SubjectTaken = "subject_taken",
        /// The application requires a new sign-in, and the provider used an earlier one, or does not say when
        /// the person signed in.
        NotFresh = "not_fresh",
        /// The provider was deleted or changed while the person was there.
        ProviderGone = "provider_gone",
        /// The request of the application is too long to be carried to the provider and back.
        RequestTooLong = "request_too_long",
        /// Too many passwords are checked at the same time. Nothing was checked.
        Busy = "busy",
    }
);

audit_words!(
    /// Why a sign-in does not suffice.
    StepUpFailure {
        /// The tenant offers no way to reach the level.
        LevelUnreachable = "level_unreachable",
        /// The code of the authenticator app is wrong.
        WrongCode = "wrong_code",
        /// The code of the authenticator app was used before.
        ReplayedCode = "replayed_code",
        /// The passkey is not one of the person, or what it says or signed does not hold.
        WrongPasskey = "wrong_passkey",
        /// The answer of the passkey was used before, or came too late.
        ReplayedPasskey = "replayed_passkey",
        /// The signature counter of the passkey did not grow: a copy of it may exist.
        ClonedPasskey = "cloned_passkey",
        /// A token was used, or asked for, whose person has to sign in at a higher level.
        HigherLevelRequired = "higher_level_required",
    }
);

audit_words!(
    /// Why a provider's person is not admitted.
    PersonRefusal {
        /// A rule of the provider refuses.
        Rule = "rule",
        /// The provider admits declared people only, and no OidcUser names the person.
        NotDeclared = "not_declared",
        /// The OidcUser who declares the person is disabled.
        Disabled = "disabled",
        /// The OidcUser who declares the person is not accepted: `cause` names it.
        UserNotAccepted = "user_not_accepted",
        /// The person is in none of the required organizations.
        Organization = "organization",
        /// The claims give no account.
        Claims = "claims",
        /// The subject or the username is that of another user, or the subject that of a client.
        SubjectTaken = "subject_taken",
        /// The directory no longer has the person, or disabled the account.
        Gone = "gone",
        /// The identity provider's new people have used up its budget.
        TooManyPeople = "too_many_people",
    }
);

audit_words!(
    /// An authenticator of a person.
    AuditedAuthenticator {
        /// An authenticator app (TOTP, RFC 6238).
        Totp = "totp",
        /// A passkey (Web Authentication).
        Passkey = "passkey",
        /// Recovery codes, for a person whose authenticator is lost.
        RecoveryCodes = "recovery_codes",
    }
);

audit_words!(
    /// Why the link of an invitation does not work.
    InvitationRefusal {
        /// It is damaged, or of another tenant or installation.
        Damaged = "damaged",
        /// The invitation was used.
        Used = "used",
        /// The time in `notAfter` has passed.
        Expired = "expired",
        /// The OidcUser has another invitation or none, or was created again.
        Withdrawn = "withdrawn",
        /// The OidcUser is disabled.
        Disabled = "disabled",
        /// There is nothing to set up: people of the tenant choose no password, or the OidcUser has one in a Secret,
        /// and the person lacks no required authenticator.
        NotOffered = "not_offered",
        /// The installation's store does not keep authenticators, or its vault key is missing.
        NotKept = "not_kept",
    }
);

audit_words!(
    /// A token or code that was issued.
    IssuedToken {
        /// An access token.
        AccessToken = "access_token",
        /// An ID token.
        IdToken = "id_token",
        /// A refresh token.
        RefreshToken = "refresh_token",
        /// An authorization code.
        Code = "code",
    }
);

audit_words!(
    /// How a session ended.
    LogoutKind {
        /// At the end session endpoint, at the wish of an application or the person (OpenID Connect
        /// RP-Initiated Logout).
        RpInitiated = "rp_initiated",
        /// Another person signed in with the same browser.
        Replaced = "replaced",
        /// The person has more sessions than are kept, and this was the oldest.
        Limit = "limit",
        /// The identity provider ended the person's session there: by a logout token (OpenID Connect
        /// Back-Channel Logout), or it refused the refresh token of that session.
        Upstream = "upstream",
        /// The person ended it on the account page.
        AccountPage = "account_page",
        /// The person signed out everywhere, on the account page. Each session has a line.
        Everywhere = "everywhere",
        /// The person removed an authenticator, on the account page. All other sessions end.
        AuthenticatorRemoved = "authenticator_removed",
        /// The person set up an authenticator, on the account page. All other sessions end.
        AuthenticatorEnrolled = "authenticator_enrolled",
        /// The person chose a password. All other sessions end.
        PasswordChanged = "password_changed",
        /// The user was disabled or deleted, or the directory no longer has the person. All sessions
        /// and grants ended.
        PersonEnded = "person_ended",
    }
);

audit_words!(
    /// An attempt that came too soon after others.
    ThrottledAttempt {
        /// A sign-in.
        SignIn = "sign_in",
        /// The code of a second factor.
        SecondFactor = "second_factor",
        /// The authentication of a client.
        ClientAuthentication = "client_authentication",
        /// An initial access token for registration.
        InitialAccessToken = "initial_access_token",
        /// A registration or a change of one.
        Registration = "registration",
        /// The fetch of a client's metadata document.
        ClientDocument = "client_document",
        /// A request for a password reset link.
        PasswordReset = "password_reset",
        /// The request of a device for its codes.
        DeviceAuthorization = "device_authorization",
        /// The code of a device.
        UserCode = "user_code",
        /// A request to a person over the backchannel.
        BackchannelAuthentication = "backchannel_authentication",
    }
);

audit_words!(
    /// The credential of a client or of its registration that was refused.
    ClientCredential {
        /// The client's own: secret, assertion, or none where one is required.
        Client = "client",
        /// An initial access token.
        InitialAccessToken = "initial_access_token",
        /// A registration access token.
        RegistrationAccessToken = "registration_access_token",
    }
);

audit_words!(
    /// The cause of a registered client's deletion.
    ClientDeletion {
        /// The client itself (RFC 7592 §2.3).
        Client = "client",
        /// The Lease holder: the client was not used within the tenant's `unusedLifetime`.
        Unused = "unused",
    }
);

audit_words!(
    /// A change of keys.
    KeyChange {
        /// New keys are published, and sign or seal from a later time on.
        Published = "published",
        /// Keys have a successor, and are removed when what they signed has expired.
        Retired = "retired",
        /// Retired keys were removed.
        Removed = "removed",
        /// Keys are missing or cannot be read. All that they signed or sealed is void.
        Lost = "lost",
        /// Keys that were missing from their Secret were written back.
        Restored = "restored",
        /// Keys were removed because the annotation `lanyard.dev/discard` names them.
        Discarded = "discarded",
    }
);

audit_words!(
    /// The purpose of keys.
    KeyUse {
        /// Signing the tokens of a tenant.
        Signing = "signing",
        /// Sealing what browsers and applications keep for the installation.
        Sealing = "sealing",
        /// Sealing the authenticators of people in the store.
        Vault = "vault",
    }
);

audit_words!(
    /// Why a logout token was refused.
    LogoutTokenRefusal {
        /// It does not meet a requirement of OpenID Connect Back-Channel Logout.
        Claims = "claims",
        /// No key of the provider has signed it.
        Signature = "signature",
        /// The discovery document or the keys of the provider cannot be had.
        ProviderUnavailable = "provider_unavailable",
    }
);
