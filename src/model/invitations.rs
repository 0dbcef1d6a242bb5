//! Invitations that wait for their people. Serving knows which were used, and the controller writes the
//! links of the others.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::{Invitation, Issuer, ObjectMark, Subject, TenantId};

/// The state of the mail with the link of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitationMail {
    /// The mail is queued, and the first attempt has not failed.
    Queued,
    /// An attempt has failed. There will be others.
    Failing,
    /// The mail server has taken it.
    Sent,
    /// The mail server does not take mail for the address.
    Refused,
}

/// The invitation of a declared user, whether it was used or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserInvitation {
    /// The tenant that the person is invited to.
    pub tenant: TenantId,
    /// The mark of the tenant's object.
    pub tenant_mark: ObjectMark,
    /// The issuer of the tenant, which the link begins with.
    pub issuer: Issuer,
    /// The `sub` of the person, before it is made pairwise for a client.
    pub subject: Subject,
    /// The mark of the user's object. A later object with the same name is another person.
    pub person: ObjectMark,
    /// The invitation, with its id and the time when its links expire.
    pub invitation: Invitation,
    /// The address that the link is mailed to; `None` if it is written to a Secret.
    pub mail_to: Option<String>,
}

/// The invitations of all replicas could not be looked up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvitationLedgerError(pub String);

/// The invitations that were used, and the links of those that were not.
#[async_trait]
pub trait InvitationLedger: Send + Sync + fmt::Debug {
    /// Returns true if the person has used the invitation.
    ///
    /// # Errors
    ///
    /// [`InvitationLedgerError`] if the store does not answer.
    async fn is_redeemed(&self, invited: &UserInvitation) -> Result<bool, InvitationLedgerError>;

    /// Returns true if the person has a password or an authenticator to set up. Otherwise a link leads nowhere.
    ///
    /// # Errors
    ///
    /// [`InvitationLedgerError`] if the store does not answer.
    async fn needs_setup(&self, invited: &UserInvitation) -> Result<bool, InvitationLedgerError>;

    /// A new link; `None` before the installation has sealing keys.
    fn new_link(&self, invited: &UserInvitation) -> Option<String>;

    /// Mails the link to the person, unless it is mailed already: each link of an invitation goes to an address
    /// once.
    ///
    /// # Errors
    ///
    /// [`InvitationLedgerError`] if the store does not answer.
    async fn mail_link(
        &self,
        invited: &UserInvitation,
    ) -> Result<InvitationMail, InvitationLedgerError>;

    /// Returns true if a link is one of this invitation and can be opened.
    fn is_link(&self, invited: &UserInvitation, link: &str) -> bool;
}

/// A ledger that is shared between tasks.
pub type SharedInvitationLedger = Arc<dyn InvitationLedger>;
