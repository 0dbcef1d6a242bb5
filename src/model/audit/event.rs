//! The security events. `docs/reference/audit-events.md` and the JSON Schema are made from these types.
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    AuditCause, AuditText, AuditedAccess, AuditedAuthenticator, AuditedAuthenticatorChange,
    AuditedClient, AuditedConsent, AuditedInvitation, AuditedMail, AuditedPasswordChange,
    AuditedPasswordReset, AuditedRefusedPerson, AuditedReplay, AuditedTokenOwner, ClientCredential,
    ClientDeletion, InvitationRefusal, IssuedToken, KeyChange, KeyUse, LogoutKind,
    LogoutTokenRefusal, SignInFailure, StepUpFailure, ThrottledAttempt,
};

/// Something that matters to the security of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AuditEvent<'a> {
    /// A person signed in, or an attempt failed. Attempts that came too soon are `attempt_throttled`.
    SignIn {
        /// The application that the person wants to use.
        #[serde(flatten)]
        client: AuditedClient<'a>,
        /// The `IdentityProvider` by its name, or `Local` for the tenant's own users.
        provider: AuditText<'a>,
        /// The person's `sub`, if a person is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        subject: Option<AuditText<'a>>,
        /// The person's name, here or in the directory. A name that no user has is not logged: it may be a password.
        #[serde(skip_serializing_if = "Option::is_none")]
        username: Option<AuditText<'a>>,
        /// The session that began, as in the claim `sid` of tokens.
        #[serde(skip_serializing_if = "Option::is_none")]
        sid: Option<AuditText<'a>>,
        /// The factors, as in the claim `amr` (RFC 8176): `pwd` a password, `fed` a provider, `otp` a code, `mfa` several.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        amr: Vec<AuditText<'a, 64>>,
        /// Why it failed.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<SignInFailure>,
        /// The failure in words.
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<AuditCause<'a>>,
    },
    /// A person proved the identity again in the same session, or the sign-in does not reach a required level.
    StepUp {
        /// The application that requires it.
        #[serde(flatten)]
        client: AuditedClient<'a>,
        /// The person's `sub`.
        subject: AuditText<'a>,
        /// The session, as in the claim `sid` of tokens.
        #[serde(skip_serializing_if = "Option::is_none")]
        sid: Option<AuditText<'a>>,
        /// The factors of the session, as in the claim `amr` (RFC 8176).
        #[serde(skip_serializing_if = "Vec::is_empty")]
        amr: Vec<AuditText<'a, 64>>,
        /// Why it does not suffice.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<StepUpFailure>,
    },
    /// A person used a recovery code in place of the authenticator. Each code works once.
    RecoveryCodeUsed {
        /// The person's `sub`.
        subject: AuditText<'a>,
        /// The number of codes that the person has not used.
        left: u64,
    },
    /// A person set up an authenticator, on the account page, or made new recovery codes there.
    AuthenticatorEnrolled {
        /// The authenticator and its person.
        #[serde(flatten)]
        change: AuditedAuthenticatorChange<'a>,
    },
    /// An authenticator of an earlier object is accepted for the person: after a restore, or since an OidcUser declares the person.
    AuthenticatorAdopted {
        /// The authenticator.
        authenticator: AuditedAuthenticator,
        /// The person's `sub`.
        subject: AuditText<'a>,
    },
    /// A person removed an authenticator, on the account page.
    AuthenticatorRemoved {
        /// The authenticator and its person.
        #[serde(flatten)]
        change: AuditedAuthenticatorChange<'a>,
    },
    /// An invited person used the link of an invitation.
    InvitationRedeemed {
        /// The id of the invitation, and the person.
        #[serde(flatten)]
        invitation: AuditedInvitation<'a>,
    },
    /// The link of an invitation was opened or used that does not work.
    InvitationRefused {
        /// The id of the invitation, and the person.
        #[serde(flatten)]
        invitation: AuditedInvitation<'a>,
        /// Why it does not work.
        reason: InvitationRefusal,
    },
    /// A person chose a password. All sessions and grants that were made before end, except the session
    /// in which the person did so.
    PasswordChanged {
        /// The person, the session, and the proof of the right to choose a password.
        #[serde(flatten)]
        change: AuditedPasswordChange<'a>,
    },
    /// A password reset link is mailed to a person because someone asked for it, or such a link is refused.
    PasswordReset {
        /// The person, and why the link does not work.
        #[serde(flatten)]
        reset: AuditedPasswordReset<'a>,
    },
    /// A mail server has taken a message to a person, or an attempt to hand it over failed.
    MailDelivery {
        /// The kind of the message, the person, and the failure if there was one.
        #[serde(flatten)]
        mail: AuditedMail<'a>,
    },
    /// An application asked a person over the backchannel (CIBA), who has not answered yet, or named an unknown person.
    ConsentRequested {
        /// The question, and the person who is asked; without a person if the name is unknown. It is not logged.
        #[serde(flatten)]
        consent: AuditedConsent<'a>,
    },
    /// A person allowed an application what it asked for.
    ConsentGiven {
        /// The question and the person.
        #[serde(flatten)]
        consent: AuditedConsent<'a>,
    },
    /// A person refused an application what it asked for.
    ConsentRefused {
        /// The question and the person.
        #[serde(flatten)]
        consent: AuditedConsent<'a>,
    },
    /// A provider's person was admitted for the first time, or again after 400 days.
    PersonAdmitted {
        /// The `IdentityProvider` by its name.
        provider: AuditText<'a>,
        /// The person's `sub`.
        subject: AuditText<'a>,
    },
    /// A provider's person was not admitted, at a sign-in or later.
    PersonRefused {
        /// The person and the cause.
        #[serde(flatten)]
        refused: AuditedRefusedPerson<'a>,
    },
    /// The access rules of the tenant or the client do not let a person use the client.
    EntryRefused {
        /// The application that the person wants to use.
        #[serde(flatten)]
        client: AuditedClient<'a>,
        /// The person's `sub`.
        subject: AuditText<'a>,
        /// The kind of the object whose `spec.access` refuses: `Tenant` or `OidcClient`.
        by: AuditText<'a, 64>,
        /// The restriction of `spec.access` that refuses.
        cause: AuditCause<'a>,
    },
    /// A response with tokens or a code was made.
    TokenIssued {
        /// The client that gets them.
        #[serde(flatten)]
        client: AuditedClient<'a>,
        /// The `grant_type` of the request; at the authorization endpoint `authorization_code` or, without a code, `implicit`.
        grant_type: AuditText<'a, 64>,
        /// The tokens in the response.
        tokens: Vec<IssuedToken>,
        /// The scopes, and the resource server.
        #[serde(flatten)]
        access: AuditedAccess<'a>,
        /// The person whom they are about.
        #[serde(flatten)]
        owner: AuditedTokenOwner<'a>,
        /// The `jti` of the access token.
        #[serde(skip_serializing_if = "Option::is_none")]
        jti: Option<AuditText<'a>>,
    },
    /// An authorization code or a device code was redeemed again. The grant is revoked.
    CodeReplayed {
        /// The client that sent it, and the grant.
        #[serde(flatten)]
        replay: AuditedReplay<'a>,
    },
    /// A refresh token was used after `refreshTokenReuseWindow`, or is of a later state of the store. The grant is revoked.
    RefreshTokenReplayed {
        /// The client that sent it, and the grant.
        #[serde(flatten)]
        replay: AuditedReplay<'a>,
    },
    /// A client revoked a token, and with it the grant that the token belongs to (RFC 7009).
    TokenRevoked {
        /// The client that revoked it.
        #[serde(flatten)]
        client: AuditedClient<'a>,
        /// The kind of the token.
        token: IssuedToken,
        /// The person whom it is about.
        #[serde(flatten)]
        owner: AuditedTokenOwner<'a>,
    },
    /// A person ended what an application may do, on the account page: withdrew it, or signed out everywhere.
    AccessWithdrawn {
        /// The application whose access the person ended.
        #[serde(flatten)]
        client: AuditedClient<'a>,
        /// The person's `sub`.
        subject: AuditText<'a>,
        /// The session in which the person did so, as in the claim `sid` of tokens.
        sid: AuditText<'a>,
        /// Whether the person will be asked for consent again.
        consent: bool,
        /// The number of grants that were revoked.
        grants: u64,
    },
    /// A session ended.
    Logout {
        /// How it ended.
        kind: LogoutKind,
        /// The person's `sub`.
        subject: AuditText<'a>,
        /// The session, as in the claim `sid` of tokens. Absent if all sessions of the person ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        sid: Option<AuditText<'a>>,
        /// The `client_id` of the application at whose wish it ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        client_id: Option<AuditText<'a>>,
    },
    /// A logout token was refused, so no session ended: it may be forged, or the provider or its manifest is wrong.
    LogoutTokenRefused {
        /// The `IdentityProvider` by its name.
        provider: AuditText<'a>,
        /// Why it was refused.
        reason: LogoutTokenRefusal,
        /// The reason in words.
        cause: AuditCause<'a>,
    },
    /// A client registered itself (RFC 7591).
    ClientRegistered {
        /// The client that registered.
        #[serde(flatten)]
        client: AuditedClient<'a>,
    },
    /// A registered client changed its metadata (RFC 7592).
    ClientUpdated {
        /// The client that changed.
        #[serde(flatten)]
        client: AuditedClient<'a>,
    },
    /// A registered client was deleted.
    ClientDeleted {
        /// The client that was deleted.
        #[serde(flatten)]
        client: AuditedClient<'a>,
        /// The cause of the deletion.
        by: ClientDeletion,
    },
    /// A client did not prove its identity, or a registration was asked for with a wrong token.
    ClientAuthenticationFailed {
        /// The `client_id` of the request, whether there is such a client or not.
        #[serde(skip_serializing_if = "Option::is_none")]
        client_id: Option<AuditText<'a>>,
        /// The client, if there is one: `namespace/name` of its OidcClient, or the URL of its metadata document.
        #[serde(skip_serializing_if = "Option::is_none")]
        client: Option<AuditText<'a>>,
        /// The credential that was refused.
        credential: ClientCredential,
        /// The refusal in words.
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<AuditCause<'a>>,
    },
    /// An attempt came too soon after others, and was not checked.
    AttemptThrottled {
        /// The kind of the attempt.
        attempt: ThrottledAttempt,
        /// Where the person wanted to sign in: the `IdentityProvider` by its name, or `Local`.
        #[serde(skip_serializing_if = "Option::is_none")]
        provider: Option<AuditText<'a>>,
        /// The `client_id` of the request.
        #[serde(skip_serializing_if = "Option::is_none")]
        client_id: Option<AuditText<'a>>,
        /// The time after which the next attempt is checked, in seconds.
        retry_after: u64,
    },
    /// The holder of the Lease changed keys.
    KeysChanged {
        /// The purpose of the keys.
        #[serde(rename = "use")]
        key_use: KeyUse,
        /// The change.
        change: KeyChange,
        /// The ids of the keys.
        keys: Vec<AuditText<'a>>,
        /// The Secret of the keys, as `namespace/name`.
        secret: AuditText<'a, 512>,
    },
}
