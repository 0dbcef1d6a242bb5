//! The events' names, words and outcomes.

use super::{
    AuditEvent, AuditOutcome, AuditedConsent, AuditedMail, AuditedPasswordReset, KeyChange,
};

/// The names of the events, with the outcomes that each can have.
pub const AUDIT_EVENTS: &[(&str, &[AuditOutcome])] = {
    const DONE: &[AuditOutcome] = &[AuditOutcome::Success];
    const REFUSED: &[AuditOutcome] = &[AuditOutcome::Failure];
    const BOTH: &[AuditOutcome] = &[AuditOutcome::Success, AuditOutcome::Failure];
    &[
        ("sign_in", BOTH),
        ("step_up", BOTH),
        ("recovery_code_used", DONE),
        ("authenticator_enrolled", DONE),
        ("authenticator_adopted", DONE),
        ("authenticator_removed", DONE),
        ("invitation_redeemed", DONE),
        ("invitation_refused", REFUSED),
        ("password_changed", DONE),
        ("password_reset", BOTH),
        ("mail_delivery", BOTH),
        ("consent_requested", BOTH),
        ("consent_given", DONE),
        ("consent_refused", REFUSED),
        ("person_admitted", DONE),
        ("person_refused", REFUSED),
        ("entry_refused", REFUSED),
        ("token_issued", DONE),
        ("code_replayed", REFUSED),
        ("refresh_token_replayed", REFUSED),
        ("token_revoked", DONE),
        ("access_withdrawn", DONE),
        ("logout", DONE),
        ("logout_token_refused", REFUSED),
        ("client_registered", DONE),
        ("client_updated", DONE),
        ("client_deleted", DONE),
        ("client_authentication_failed", REFUSED),
        ("attempt_throttled", REFUSED),
        ("keys_changed", BOTH),
    ]
};

impl AuditEvent<'_> {
    /// The event's name and a message for people.
    const fn texts(&self) -> (&'static str, &'static str) {
        match self {
            Self::SignIn { reason: None, .. } => ("sign_in", "a person signed in"),
            Self::SignIn { .. } => ("sign_in", "a sign-in failed"),
            Self::StepUp { reason: None, .. } => ("step_up", "a person signed in again"),
            Self::StepUp { .. } => ("step_up", "a sign-in does not reach the required level"),
            Self::RecoveryCodeUsed { .. } => {
                ("recovery_code_used", "a person used a recovery code")
            }
            Self::AuthenticatorEnrolled { .. } => {
                ("authenticator_enrolled", "a person set up an authenticator")
            }
            Self::AuthenticatorAdopted { .. } => {
                ("authenticator_adopted", "an earlier authenticator is accepted for a person")
            }
            Self::AuthenticatorRemoved { .. } => {
                ("authenticator_removed", "a person removed an authenticator")
            }
            Self::InvitationRedeemed { .. } => {
                ("invitation_redeemed", "a person used an invitation")
            }
            Self::InvitationRefused { .. } => {
                ("invitation_refused", "the link of an invitation does not work")
            }
            Self::PasswordChanged { .. } => ("password_changed", "a person chose a password"),
            Self::PasswordReset { reset } => ("password_reset", reset_in_words(reset)),
            Self::MailDelivery { mail } => ("mail_delivery", delivery_in_words(mail)),
            Self::ConsentRequested { consent } => ("consent_requested", request_in_words(consent)),
            Self::ConsentGiven { .. } => ("consent_given", "a person allowed an application"),
            Self::ConsentRefused { .. } => ("consent_refused", "a person refused an application"),
            Self::PersonAdmitted { .. } => ("person_admitted", "a person was admitted"),
            Self::PersonRefused { .. } => ("person_refused", "a person was not admitted"),
            Self::EntryRefused { .. } => ("entry_refused", "a person may not use the client"),
            Self::TokenIssued { .. } => ("token_issued", "tokens were issued"),
            Self::CodeReplayed { .. } => {
                ("code_replayed", "a code was used again; its grant is revoked")
            }
            Self::RefreshTokenReplayed { .. } => (
                "refresh_token_replayed",
                "a superseded refresh token was used; its grant is revoked",
            ),
            Self::TokenRevoked { .. } => ("token_revoked", "a token was revoked"),
            Self::AccessWithdrawn { .. } => {
                ("access_withdrawn", "a person ended what an application may do")
            }
            Self::Logout { .. } => ("logout", "a session ended"),
            Self::LogoutTokenRefused { .. } => {
                ("logout_token_refused", "a logout token of a provider was refused")
            }
            Self::ClientRegistered { .. } => ("client_registered", "a client registered"),
            Self::ClientUpdated { .. } => ("client_updated", "a registered client changed"),
            Self::ClientDeleted { .. } => ("client_deleted", "a registered client was deleted"),
            Self::ClientAuthenticationFailed { .. } => {
                ("client_authentication_failed", "a client did not prove its identity")
            }
            Self::AttemptThrottled { .. } => ("attempt_throttled", "an attempt came too soon"),
            Self::KeysChanged { .. } => ("keys_changed", "keys were changed"),
        }
    }

    /// The event's name, the member `event` of its line.
    pub const fn name(&self) -> &'static str {
        self.texts().0
    }

    /// The event in words.
    pub const fn message(&self) -> &'static str {
        self.texts().1
    }

    /// The outcome: `Failure` for a refusal, a failed attempt, or lost keys.
    pub const fn outcome(&self) -> AuditOutcome {
        match self {
            Self::SignIn { reason: None, .. }
            | Self::StepUp { reason: None, .. }
            | Self::RecoveryCodeUsed { .. }
            | Self::AuthenticatorEnrolled { .. }
            | Self::AuthenticatorAdopted { .. }
            | Self::AuthenticatorRemoved { .. }
            | Self::InvitationRedeemed { .. }
            | Self::PasswordChanged { .. }
            | Self::PasswordReset { reset: AuditedPasswordReset { reason: None, .. } }
            | Self::MailDelivery { mail: AuditedMail { cause: None, .. } }
            | Self::ConsentRequested { consent: AuditedConsent { subject: Some(_), .. } }
            | Self::ConsentGiven { .. }
            | Self::PersonAdmitted { .. }
            | Self::TokenIssued { .. }
            | Self::TokenRevoked { .. }
            | Self::AccessWithdrawn { .. }
            | Self::Logout { .. }
            | Self::ClientRegistered { .. }
            | Self::ClientUpdated { .. }
            | Self::ClientDeleted { .. } => AuditOutcome::Success,
            Self::KeysChanged { change, .. } => match change {
                KeyChange::Lost => AuditOutcome::Failure,
                KeyChange::Published
                | KeyChange::Retired
                | KeyChange::Removed
                | KeyChange::Restored
                | KeyChange::Discarded => AuditOutcome::Success,
            },
            Self::SignIn { .. }
            | Self::StepUp { .. }
            | Self::InvitationRefused { .. }
            | Self::PasswordReset { .. }
            | Self::MailDelivery { .. }
            | Self::ConsentRequested { .. }
            | Self::ConsentRefused { .. }
            | Self::PersonRefused { .. }
            | Self::EntryRefused { .. }
            | Self::CodeReplayed { .. }
            | Self::RefreshTokenReplayed { .. }
            | Self::LogoutTokenRefused { .. }
            | Self::ClientAuthenticationFailed { .. }
            | Self::AttemptThrottled { .. } => AuditOutcome::Failure,
        }
    }
}

const fn reset_in_words(reset: &AuditedPasswordReset<'_>) -> &'static str {
    match reset.reason {
        None => "a password reset link is mailed to a person",
        Some(_) => "a password reset link is refused",
    }
}

/// A request to a person over the backchannel in words.
const fn request_in_words(consent: &AuditedConsent<'_>) -> &'static str {
    match consent.subject {
        Some(_) => "an application asked a person over the backchannel",
        None => "an application asked for a person who is unknown",
    }
}

const fn delivery_in_words(mail: &AuditedMail<'_>) -> &'static str {
    match mail.cause {
        None => "a message was sent to a person",
        Some(_) => "a message could not be sent to a person",
    }
}
