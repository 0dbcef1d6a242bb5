//! Reconciles an `OidcUser`: keeps the link of its invitation in a Secret until it was used or has expired.

mod plan;

use std::time::Duration;

use crate::{
    api::AnyCachedObject,
    model::{InvitationMail, ObjectRef, SharedInvitationLedger, Timestamp, UserInvitation},
    registry::{InvitationState, ObjectOutcome, UserOutcome, Verdict},
};

use super::{
    ControllerContext, ReconcileError, action::Action, observed::ObservedState,
    secret_writes::apply_due_writes,
};

/// The interval at which the store is checked for used invitations, because replicas do not notify the leader.
const POLL_INTERVAL: Duration = Duration::from_secs(15);
/// The interval at which the store is checked for whether a mail was sent.
const MAIL_INTERVAL: Duration = Duration::from_secs(2);

/// Writes or deletes the Secret of a user's invitation. Returns the verdict with what was found out about the
/// invitation.
pub async fn reconcile_invitation(
    context: &ControllerContext,
    observed: &ObservedState,
    verdict: &Verdict,
    outcome: &UserOutcome,
) -> Result<(Action, Option<Verdict>), ReconcileError> {
    let Some(invitation) = &outcome.invitation else {
        return Ok((
            apply_due_writes(context, plan::plan_removal(observed, &verdict.object)).await?,
            None,
        ));
    };
    let Some(ledger) = context.invitations.as_ref() else {
        return Ok((Action::Nothing(None), None));
    };
    let invited = &invitation.invited;
    let state = match invitation.state {
        InvitationState::Open => {
            check_open_invitation(ledger, invited, context.clock.now()).await?
        }
        state => state,
    };
    let uid = observed.managed(&verdict.object).and_then(AnyCachedObject::uid);
    let user = (&verdict.object, uid.as_deref());
    let removal = || plan::plan_removal(observed, &verdict.object);
    let plan = match state {
        InvitationState::Open if invited.mail_to.is_some() => {
            plan::InvitationPlan { writes: removal(), state: mail_state(ledger, invited).await? }
        }
        InvitationState::Open => plan::plan_link(observed, user, invited, &**ledger),
        state => plan::InvitationPlan { writes: removal(), state },
    };
    let wake = match plan.state {
        InvitationState::Ready
        | InvitationState::Pending
        | InvitationState::Mailed
        | InvitationState::MailFailing
        | InvitationState::MailRefused
        | InvitationState::NothingToSetUp => Some(POLL_INTERVAL),
        InvitationState::MailQueued => Some(MAIL_INTERVAL),
        _ => None,
    };
    let wake = wake.map(|pause| context.clock.now().plus(pause).min(invited.invitation.not_after));
    let action = match apply_due_writes(context, plan.writes).await? {
        Action::Nothing(_) => Action::Nothing(wake),
        wrote @ Action::Wrote => wrote,
    };
    Ok((action, Some(with_state(verdict, plan.state))))
}

/// Deletes the Secrets of a deleted user.
pub async fn delete_secrets_of_user(
    context: &ControllerContext,
    observed: &ObservedState,
    user: &ObjectRef,
) -> Result<Action, ReconcileError> {
    apply_due_writes(context, plan::plan_removal(observed, user)).await
}

/// Whether an invitation that manifests allow was used, has expired or leads nowhere.
async fn check_open_invitation(
    ledger: &SharedInvitationLedger,
    invited: &UserInvitation,
    now: Timestamp,
) -> Result<InvitationState, ReconcileError> {
    if ledger.is_redeemed(invited).await.map_err(ReconcileError::Invitations)? {
        return Ok(InvitationState::Used);
    }
    if now >= invited.invitation.not_after {
        return Ok(InvitationState::Expired);
    }
    let needs_setup = ledger.needs_setup(invited).await.map_err(ReconcileError::Invitations)?;
    Ok(if needs_setup { InvitationState::Open } else { InvitationState::NothingToSetUp })
}

/// Mails the link of an invitation, unless it is mailed already.
async fn mail_state(
    ledger: &SharedInvitationLedger,
    invited: &UserInvitation,
) -> Result<InvitationState, ReconcileError> {
    let mail = ledger.mail_link(invited).await.map_err(ReconcileError::Invitations)?;
    Ok(match mail {
        InvitationMail::Queued => InvitationState::MailQueued,
        InvitationMail::Failing => InvitationState::MailFailing,
        InvitationMail::Sent => InvitationState::Mailed,
        InvitationMail::Refused => InvitationState::MailRefused,
    })
}

/// The verdict with a state of the invitation.
fn with_state(verdict: &Verdict, state: InvitationState) -> Verdict {
    let mut verdict = verdict.clone();
    if let ObjectOutcome::User(UserOutcome { invitation: Some(invitation), .. }) =
        &mut verdict.outcome
    {
        invitation.state = state;
    }
    verdict
}
