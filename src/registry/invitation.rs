//! The invitation of a user, and the condition `InvitationReady` in words.

use crate::{api::ConditionReason, model::UserInvitation};

/// The invitation of a user who is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationOutcome {
    /// The person and the invitation.
    pub invited: UserInvitation,
    /// Whether it can be used, and if not, why.
    pub state: InvitationState,
}

/// Whether an invitation can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitationState {
    /// The manifests allow it. The controller finds out whether it was used or has expired.
    Open,
    /// The link of the invitation is in its Secret.
    Ready,
    /// The mail server has taken the mail with the link.
    Mailed,
    /// The mail with the link is on its way to the mail server.
    MailQueued,
    /// The mail server could not take the mail yet.
    MailFailing,
    /// The mail server takes no mail for the address of the user.
    MailRefused,
    /// The link is to be mailed, but the tenant has no usable mail server, or the user no address.
    MailUnavailable,
    /// The link is not in its Secret yet.
    Pending,
    /// A Secret with the name of the invitation's is not Lanyard's.
    NotOwned,
    /// The person has used it.
    Used,
    /// The invitation has expired.
    Expired,
    /// The person has all that the invitation could set up.
    NothingToSetUp,
    /// The tenant is not served.
    NotServed,
    /// The user is disabled.
    UserDisabled,
    /// The user has a password in a Secret.
    PasswordInSecret,
    /// People of the tenant choose no passwords.
    PasswordsDisabled,
    /// The store does not keep passwords.
    StoreNotDurable,
}

/// Whether the condition is True, with its reason and message.
pub(super) fn invitation_condition(
    state: InvitationState,
) -> (bool, ConditionReason, &'static str) {
    match state {
        InvitationState::Ready => (
            true,
            ConditionReason::Available,
            "The link is in the Secret that status.invitation names.",
        ),
        InvitationState::Mailed
        | InvitationState::MailQueued
        | InvitationState::MailFailing
        | InvitationState::MailRefused
        | InvitationState::MailUnavailable => mailed_invitation_condition(state),
        InvitationState::Open | InvitationState::Pending => {
            (false, ConditionReason::Pending, "The link is not in its Secret yet.")
        }
        InvitationState::NotOwned => (
            false,
            ConditionReason::NotOwned,
            "A Secret that Lanyard did not create has the name of the invitation's Secret; delete it.",
        ),
        InvitationState::Used => {
            (false, ConditionReason::InvitationUsed, "The person has used the invitation.")
        }
        InvitationState::Expired => (
            false,
            ConditionReason::InvitationExpired,
            "The time in spec.invitation.notAfter has passed.",
        ),
        InvitationState::NothingToSetUp => (
            false,
            ConditionReason::NothingToSetUp,
            "The person has the authenticators that the invitation would set up, so no link is made. If they are lost, set spec.resetAuthenticatorsBefore.",
        ),
        InvitationState::NotServed => (
            false,
            ConditionReason::NotServed,
            "The user is not served; see the conditions that are not True.",
        ),
        InvitationState::UserDisabled => {
            (false, ConditionReason::UserDisabled, "The user is disabled.")
        }
        InvitationState::PasswordInSecret => (
            false,
            ConditionReason::PasswordInSecret,
            "The user has the password of spec.passwordSecretRef, so the person cannot choose one, and the tenant requires no authenticator.",
        ),
        InvitationState::PasswordsDisabled => (
            false,
            ConditionReason::PasswordsDisabled,
            "The tenant has neither spec.authenticators.passwords nor passkeys for people without a password and without spec.identities, and requires no authenticator.",
        ),
        InvitationState::StoreNotDurable => (
            false,
            ConditionReason::StoreNotDurable,
            "The store does not keep passwords and authenticators: it is in memory, in a file without a volume, or on a server that may lose records.",
        ),
    }
}

/// The same for an invitation that is mailed.
fn mailed_invitation_condition(state: InvitationState) -> (bool, ConditionReason, &'static str) {
    match state {
        InvitationState::Mailed => {
            (true, ConditionReason::Mailed, "The mail server has taken the mail with the link.")
        }
        InvitationState::MailQueued => {
            (false, ConditionReason::Pending, "The mail with the link is being sent.")
        }
        InvitationState::MailFailing => (
            false,
            ConditionReason::MailFailing,
            "The mail server has not taken the mail with the link. Lanyard tries again; see MailReachable of the Tenant, and its log.",
        ),
        InvitationState::MailRefused => (
            false,
            ConditionReason::MailRefused,
            "The mail server takes no mail for spec.email of the user; correct it.",
        ),
        _ => (
            false,
            ConditionReason::MailUnavailable,
            "The link is to be mailed, but the tenant has no spec.mail that can be used, or the user has no spec.email.",
        ),
    }
}
