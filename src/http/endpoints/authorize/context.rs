//! The state of one authorization between the lookups and the decision.

use std::time::Duration;

use super::SessionFactors;
use crate::{
    accounts::{
        AccountContext, grants::access_denial::count_access_denial,
        sessions::active_session::ActiveSession, tokens::token_events,
        upstream::directory_sign_in::AttemptedPerson,
    },
    http::{AppState, Request},
    model::{Account, AcrLevel, AuditCause, AuditEvent, AuditText, RequiredFactor, SignInFailure},
    protocol::{
        access::{self, AccessDenial},
        authentication::SignInWay,
        authorize::{
            AuthorizationRequest, AuthorizationState, Interaction, InteractionProgress,
            InteractionResult, NextStep, can_reach_levels, decide_next_step,
        },
        error::OAuthError,
        identity_provider::{IdentityProvider, ways_of_provider},
        records::{Consent, Session},
        required_factor::may_see_account_page,
    },
};

/// The user of a sign-in that failed. A field is `None` if it is not known.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::http::endpoints) struct AttemptSubject<'a> {
    subject: Option<&'a str>,
    username: Option<&'a str>,
}

impl<'a> From<&'a Account> for AttemptSubject<'a> {
    fn from(account: &'a Account) -> Self {
        Self { subject: Some(account.subject.as_str()), username: Some(&account.username) }
    }
}

impl<'a> From<&'a AttemptedPerson> for AttemptSubject<'a> {
    fn from(person: &'a AttemptedPerson) -> Self {
        Self { subject: Some(person.subject.as_str()), username: Some(&person.username) }
    }
}

/// A valid request, the browser's active session, and the steps that the user has completed.
pub(in crate::http::endpoints) struct AuthorizationContext<'a> {
    pub(in crate::http::endpoints) app: &'a AppState,
    pub(in crate::http::endpoints) request: &'a Request,
    pub(in crate::http::endpoints) authorization: AuthorizationRequest,
    pub(in crate::http::endpoints) session: Option<ActiveSession>,
    pub(in crate::http::endpoints) interaction: Interaction,
    pub(in crate::http::endpoints) completed: InteractionResult,
    /// The authenticators of the session's user, if the request needs them (`load_second_factor`).
    pub(in crate::http::endpoints) factors: SessionFactors,
    /// The name that the user has typed for this sign-in, by which the browser becomes known.
    pub(in crate::http::endpoints) typed_name: Option<String>,
    /// Whether the request is the submission of a Lanyard form.
    pub(in crate::http::endpoints) by_form: bool,
}

impl<'a> AuthorizationContext<'a> {
    /// The context before the first step of the interaction, after the submission of a Lanyard form or not (`by_form`).
    pub(in crate::http::endpoints) fn new(
        (app, request): (&'a AppState, &'a Request),
        (authorization, by_form): (AuthorizationRequest, bool),
        session: Option<ActiveSession>,
        interaction: Interaction,
    ) -> Self {
        Self {
            app,
            request,
            authorization,
            session,
            interaction,
            completed: InteractionResult::default(),
            factors: SessionFactors::default(),
            typed_name: None,
            by_form,
        }
    }
}

impl AuthorizationContext<'_> {
    /// The account services for the request's tenant.
    pub(in crate::http::endpoints) fn accounts(&self) -> AccountContext<'_> {
        self.app.context(self.request)
    }

    /// The content of the browser's session; `None` if the browser has no active session.
    pub(in crate::http::endpoints) fn session_record(&self) -> Option<&Session> {
        self.session.as_ref().map(|active| &active.session)
    }

    /// The name of a person in `login_hint`. A hint that begins with `@` is a domain, which chooses a
    /// provider and names no person.
    pub(in crate::http::endpoints) fn hinted_name(&self) -> Option<&str> {
        self.authorization.login_hint.as_deref().filter(|hint| !hint.starts_with('@'))
    }

    /// The reason that the session's user may not use the application; `None` if the user may. Access
    /// rules are not about the account page: every user with a session can end it. A required factor is.
    pub(in crate::http::endpoints) fn entry_refusal(&self) -> Option<AccessDenial> {
        let session = self.session.as_ref()?;
        let (client, tenant) = (&self.authorization.client, &self.request.tenant.tenant);
        let authentication = &session.session.authentication;
        if self.interaction.is_for_account_page() {
            let suffices = may_see_account_page(self.required_factor(), authentication);
            let missing = AccessDenial::MissingFactor(RequiredFactor::SecondFactor);
            return (!suffices).then_some(missing);
        }
        access::may_enter(&session.account, client, tenant, authentication).err()
    }

    /// The next step with the user's earlier consent.
    pub(in crate::http::endpoints) fn next_step(
        &self,
        consent: Option<&Consent>,
    ) -> Result<NextStep, OAuthError> {
        let refusal = self.entry_refusal();
        let second_factor = self.factors.methods();
        let state = AuthorizationState {
            session: self.session_record(),
            consent,
            completed: self.completed,
            second_factor: &second_factor,
            wants_second_factor: self.wants_second_factor(),
            ways: &self.sign_in_ways(),
            sufficient_levels: self.sufficient_levels(),
            refusal: refusal.as_ref(),
        };
        decide_next_step(&self.authorization, state, self.request.now)
    }

    /// The levels of assurance that access rules accept; `None` if they require none. Access rules are
    /// not about the account page.
    pub(in crate::http::endpoints) fn sufficient_levels(&self) -> Option<&[AcrLevel]> {
        if self.interaction.is_for_account_page() {
            return None;
        }
        access::sufficient_levels(&self.authorization.client, &self.request.tenant.tenant)
    }

    /// The ways to sign in whose people may use the application, each with the second factor of the
    /// session's person. Nothing depends on them where the tenant has no levels of assurance.
    fn sign_in_ways(&self) -> Vec<SignInWay> {
        let served = &self.request.tenant;
        if served.tenant.acr_levels.is_empty() {
            return Vec::new();
        }
        let local = served.has_local_people().then(|| SignInWay::by_password(None));
        let reachable = served.providers().iter().filter(|provider| self.is_offered(provider));
        let mut ways: Vec<_> =
            local.into_iter().chain(reachable.flat_map(|it| ways_of_provider(it))).collect();
        ways.retain(|way| self.admits_way(way.provider.as_deref()));
        for way in &mut ways {
            way.methods.extend(self.factors.methods());
        }
        ways
    }

    /// Whether the application may be used by people who sign in at a provider, or at the tenant itself.
    pub(in crate::http::endpoints) fn admits_way(&self, provider: Option<&str>) -> bool {
        let (client, tenant) = (&self.authorization.client, &self.request.tenant.tenant);
        self.interaction.is_for_account_page() || access::admits_provider(client, tenant, provider)
    }

    /// Whether people who may use the application type their password here.
    pub(in crate::http::endpoints) fn accepts_passwords(&self) -> bool {
        let served = &self.request.tenant;
        let mut directories = served.providers().iter().filter(|it| it.directory().is_some());
        (served.has_local_people() && self.admits_way(None))
            || directories.any(|it| self.admits_way(Some(it.name())))
    }

    /// Whether people can sign in at a provider here: it has a button or domains, or the application or
    /// the session names it.
    fn is_offered(&self, provider: &IdentityProvider) -> bool {
        let name = provider.name();
        let session = self.session.as_ref().and_then(|active| active.account.provider_name());
        !provider.sign_in.hidden
            || !provider.sign_in.domains.is_empty()
            || self.authorization.identity_provider.as_deref() == Some(name)
            || session == Some(name)
    }

    /// Whether a sign-in at a provider can reach the levels that the application and the access rules require.
    /// `None` means a password at the tenant itself.
    pub(in crate::http::endpoints) fn can_raise_level(&self, provider: Option<&str>) -> bool {
        let sufficient = self.sufficient_levels();
        let mut ways = self.sign_in_ways().into_iter();
        ways.any(|way| {
            way.provider.as_deref() == provider
                && can_reach_levels(&self.authorization, sufficient, &way)
        })
    }

    /// Reports that the session's user may not use the application.
    pub(in crate::http::endpoints) fn audit_entry_refusal(&self) {
        let (Some(refusal), Some(session)) = (self.entry_refusal(), self.session_record()) else {
            return;
        };
        count_access_denial(self.accounts(), &self.authorization.client, &refusal);
        let person = (&session.authentication, Some(session.sid.as_str()));
        let event = token_events::entry_event(&self.authorization.client, person, &refusal);
        self.accounts().audit(event);
    }

    /// Counts that the session's user may not use the application.
    pub(in crate::http::endpoints) fn count_entry_refusal(&self) {
        if let Some(refusal) = self.entry_refusal() {
            count_access_denial(self.accounts(), &self.authorization.client, &refusal);
        }
    }

    /// Reports the answer on the consent page, or to the question of another device. The session's user gave it, if
    /// there is one.
    pub(in crate::http::endpoints) fn audit_consent(&self, given: bool) {
        let by = (self.session_record(), self.interaction.cross_device());
        self.accounts().audit(token_events::consent_event(&self.authorization, by, given));
    }

    /// Reports a sign-in that failed at a provider, by its name. `person` is that of the attempt, if there is one.
    pub(in crate::http::endpoints) fn audit_failed_sign_in(
        &self,
        provider: &str,
        person: AttemptSubject<'_>,
        (reason, cause): (SignInFailure, Option<String>),
    ) {
        self.accounts().audit(AuditEvent::SignIn {
            client: (&*self.authorization.client).into(),
            provider: AuditText::new(provider),
            subject: person.subject.map(AuditText::new),
            username: person.username.map(AuditText::new),
            sid: None,
            amr: Vec::new(),
            reason: Some(reason),
            cause: cause.map(AuditCause::new),
        });
    }

    /// Reports a sign-in at a provider, by its name, that came too soon after others.
    pub(in crate::http::endpoints) fn audit_throttled_sign_in(
        &self,
        provider: &str,
        wait: Duration,
    ) {
        let client_id = self.authorization.client.id.as_str();
        self.accounts().audit(AuditEvent::throttled_sign_in(provider, client_id, wait));
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
        let completed = interaction.completed(&session.session);
        Self { interaction, completed, session: Some(session), ..self }
    }
}
