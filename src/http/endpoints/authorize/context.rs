//! The state of one authorization between the lookups and the decision.

use crate::{
    accounts::sessions::ActiveSession,
    protocol::authorize::{AuthorizationRequest, Interaction, InteractionResult},
};

/// A valid request, the browser's active session, and the user's answers so far.
pub(in crate::http::endpoints) struct AuthorizationContext {
    pub(in crate::http::endpoints) authorization: AuthorizationRequest,
    pub(in crate::http::endpoints) session: Option<ActiveSession>,
    pub(in crate::http::endpoints) interaction: Interaction,
    pub(in crate::http::endpoints) answers: InteractionResult,
    /// Whether the request is the submission of a Lanyard form.
    pub(in crate::http::endpoints) by_form: bool,
}
