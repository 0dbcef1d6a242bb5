//! The state of one authorization between the lookups and the decision.

use crate::{
    accounts::{AccountContext, sessions::ActiveSession},
    http::{AppState, Reply, Request},
    protocol::{
        access::{self, EntryRefusal},
        authorize::{AuthorizationRequest, Interaction, InteractionProgress, InteractionResult},
        error::{ErrorCode, OAuthError},
        records::Session,
    },
};

/// A valid request, the browser's active session, and the steps that the user has completed.
pub(in crate::http::endpoints) struct AuthorizationContext<'a> {
    pub(in crate::http::endpoints) app: &'a AppState,
    pub(in crate::http::endpoints) request: &'a Request,
    pub(in crate::http::endpoints) authorization: AuthorizationRequest,
    pub(in crate::http::endpoints) session: Option<ActiveSession>,
    pub(in crate::http::endpoints) interaction: Interaction,
    pub(in crate::http::endpoints) completed: InteractionResult,
    /// Whether the request is the submission of a Lanyard form.
    pub(in crate::http::endpoints) by_form: bool,
}

impl AuthorizationContext<'_> {
    /// The account services for the request's tenant.
    pub(in crate::http::endpoints) fn accounts(&self) -> AccountContext<'_> {
        self.app.context(self.request)
    }

    /// The session's record.
    pub(in crate::http::endpoints) fn session_record(&self) -> Option<&Session> {
        self.session.as_ref().map(|active| &active.session)
    }

    /// The name of a person in `login_hint`. A hint that begins with `@` is a domain, which chooses a
    /// provider and names no person.
    pub(in crate::http::endpoints) fn hinted_name(&self) -> Option<&str> {
        self.authorization.login_hint.as_deref().filter(|hint| !hint.starts_with('@'))
    }

    /// The reason that the session's user may not use the application, if there is one.
    pub(in crate::http::endpoints) fn entry_refusal(&self) -> Option<EntryRefusal> {
        let session = self.session.as_ref()?;
        let (client, tenant) = (&self.authorization.client, &self.request.tenant.tenant);
        let authentication = &session.session.authentication;
        access::may_enter(&session.account, client, tenant, authentication).err()
    }

    /// Whether the browser still has the session that the page was made for.
    pub(in crate::http::endpoints) fn has_session_of_page(&self) -> bool {
        self.session_record().is_some_and(|session| self.interaction.belongs_to(session))
    }

    /// Records the user's progress with a session, which becomes the session of the interaction.
    #[must_use]
    pub(in crate::http::endpoints) fn with_progress(
        self,
        session: ActiveSession,
        progress: InteractionProgress,
    ) -> Self {
        let interaction = self.interaction.with(&session.session, progress);
        let completed = interaction.completed(Some(&session.session));
        Self { interaction, completed, session: Some(session), ..self }
    }

    /// The response to a user who does not want to continue.
    pub(in crate::http::endpoints) fn access_denied(&self, text: &str) -> Reply {
        self.refuse(&OAuthError::new(ErrorCode::AccessDenied, text))
    }

    /// Sends an error to the client.
    pub(in crate::http::endpoints) fn refuse(&self, error: &OAuthError) -> Reply {
        Reply::to_application(self.authorization.return_to.error(error))
    }
}
