//! The purpose of an interaction.

use serde::{Deserialize, Serialize};

use crate::protocol::records::{BackchannelRequest, RequestingDevice};

/// The purpose of an interaction: what happens when the user has completed its steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InteractionGoal {
    /// Respond to an authorization request, whose parameters are encoded as a query string.
    Authorize(String),
    /// End the session (OIDC RP-Initiated Logout §2).
    EndSession {
        /// The URL that the browser is redirected to afterwards.
        return_to: Option<String>,
    },
    /// Show the account page, after the sign-in that this authorization request of the issuer to itself
    /// describes (`protocol::account_page`).
    VisitAccountPage(String),
    /// Change something on the account page, whose forms contain it.
    ChangeAccount,
    /// Answer a device (RFC 8628 §3.3).
    AuthorizeDevice {
        /// The device's authorization request as a query string.
        query: String,
        /// The waiting device, as the pages show it.
        device: RequestingDevice,
    },
    /// Answer a request over the backchannel (CIBA Core §8).
    AnswerBackchannel {
        /// The authorization request as a query string.
        query: String,
        /// The waiting request, as the pages show it, with the user who may answer.
        request: BackchannelRequest,
    },
}

impl InteractionGoal {
    /// The parameters of the authorization request as a query string; `None` for goals without an authorization
    /// request.
    pub(super) fn query(&self) -> Option<&str> {
        match self {
            Self::Authorize(query)
            | Self::VisitAccountPage(query)
            | Self::AuthorizeDevice { query, .. }
            | Self::AnswerBackchannel { query, .. } => Some(query),
            Self::EndSession { .. } | Self::ChangeAccount => None,
        }
    }
}
