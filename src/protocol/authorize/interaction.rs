//! The state of a request while the user looks at a page. It is sealed into the page's form and
//! bound to the browser by the hash of its pre-session cookie, or by its session.
//!
//! It contains an authorization request itself rather than the result of its validation. Each step validates the
//! request again, so a client or redirect URI deleted in the meantime gets no response.
//!
//! An interaction can be completed more than once within its 15 minutes, because users press
//! buttons twice and go back. Each completion requires the password or a live session again, comes
//! from the same browser, and goes to the same redirect URI with the same state and nonce.

use std::{borrow::Cow, collections::BTreeSet, time::Duration};

use aws_lc_rs::constant_time;
use serde::{Deserialize, Serialize};

use super::{
    super::params::{RequestParams, UI_LOCALES},
    AuthorizationRequest, InteractionResult,
    interaction_goal::InteractionGoal,
    parameters::AuthorizationParams,
};
use crate::{
    model::{SealPurpose, Timestamp, sha256},
    protocol::{
        records::{
            BackchannelRequest, CrossDeviceRequest, DecodeError, FormatVersion, RecordFormat,
            RequestingDevice, SealedRecord, Session,
        },
        session::CLOCK_SKEW,
    },
};

/// How long a page stays usable: time to find a password or a second factor.
pub const INTERACTION_TTL: Duration = Duration::from_mins(15);

/// An authorization request, or another question, that waits for the user. A page's form contains it, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interaction {
    pub(super) goal: InteractionGoal,
    /// The hash of the pre-session cookie; `None` for an interaction bound to its session alone.
    pre_session: Option<[u8; 32]>,
    sid: Option<String>,
    progress: InteractionProgress,
    displayed_permissions: BTreeSet<String>,
    expires_at: Timestamp,
}

impl SealedRecord for Interaction {
    const PURPOSE: SealPurpose = SealPurpose::Interaction;
}

impl RecordFormat for Interaction {
    const VERSION: FormatVersion = FormatVersion { major: 1, minor: 0 };

    fn upgrade(version: FormatVersion, fields: &[u8]) -> Result<Self, DecodeError> {
        if version != (FormatVersion { major: 0, minor: 1 }) {
            return Err(DecodeError);
        }
        let old: InteractionV0 = postcard::from_bytes(fields).map_err(|_| DecodeError)?;
        Ok(Self {
            goal: InteractionGoal::Authorize(old.request),
            pre_session: Some(old.pre_session),
            sid: old.sid,
            progress: old.progress,
            displayed_permissions: old.displayed_permissions,
            expires_at: old.expires_at,
        })
    }
}

/// The format 0.1, in which every interaction was an authorization request.
#[derive(Deserialize)]
struct InteractionV0 {
    request: String,
    pre_session: [u8; 32],
    sid: Option<String>,
    progress: InteractionProgress,
    displayed_permissions: BTreeSet<String>,
    expires_at: Timestamp,
}

/// The user's progress, for the session that the interaction refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InteractionProgress {
    /// No step is completed yet.
    Begun,
    /// The user chose the account of the session.
    AccountChosen,
    /// The user signed in at this time. Only this sign-in satisfies `prompt=login` and `max_age`.
    SignedIn(Timestamp),
}

/// The reason a form with an interaction is rejected. The person can start the same request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InteractionError {
    /// The form is older than 15 minutes.
    #[error("the page has expired")]
    Expired,
    /// The pre-session cookie is missing or different: the form comes from another browser.
    #[error("the page was made for another browser")]
    OtherBrowser,
}

impl Interaction {
    /// Creates the interaction of an authorization request, bound to this pre-session cookie and,
    /// if present, to the session.
    pub fn authorize(
        params: &RequestParams,
        pre_session: &str,
        session: Option<&Session>,
        now: Timestamp,
    ) -> Self {
        let goal = InteractionGoal::Authorize(AuthorizationParams::new(params).to_query());
        Self::begin(goal, Some(pre_session_hash(pre_session)), session, now)
    }

    /// Creates the interaction of a sign-in to the account page, bound as that of an authorization
    /// request.
    pub fn visit_account_page(
        params: &RequestParams,
        pre_session: &str,
        session: Option<&Session>,
        now: Timestamp,
    ) -> Self {
        let goal = InteractionGoal::VisitAccountPage(AuthorizationParams::new(params).to_query());
        Self::begin(goal, Some(pre_session_hash(pre_session)), session, now)
    }

    /// Creates the interaction in which a person answers a device. It is bound to the browser, as an
    /// authorization request is.
    pub fn authorize_device(
        (query, device): (String, RequestingDevice),
        pre_session: &str,
        session: Option<&Session>,
        now: Timestamp,
    ) -> Self {
        let goal = InteractionGoal::AuthorizeDevice { query, device };
        Self::begin(goal, Some(pre_session_hash(pre_session)), session, now)
    }

    /// Creates the interaction of the answer to a request over the backchannel, bound as that of an authorization
    /// request.
    pub fn answer_backchannel(
        (query, request): (String, BackchannelRequest),
        pre_session: &str,
        session: Option<&Session>,
        now: Timestamp,
    ) -> Self {
        let goal = InteractionGoal::AnswerBackchannel { query, request };
        Self::begin(goal, Some(pre_session_hash(pre_session)), session, now)
    }

    /// Creates the interaction of the account page's forms, bound to the session.
    pub fn change_account(session: &Session, now: Timestamp) -> Self {
        Self::begin(InteractionGoal::ChangeAccount, None, Some(session), now)
    }

    /// Creates the interaction that asks whether to end this session.
    pub fn end_session(return_to: Option<String>, session: &Session, now: Timestamp) -> Self {
        let goal = InteractionGoal::EndSession { return_to };
        Self::begin(goal, None, Some(session), now)
    }

    fn begin(
        goal: InteractionGoal,
        pre_session: Option<[u8; 32]>,
        session: Option<&Session>,
        now: Timestamp,
    ) -> Self {
        Self {
            goal,
            pre_session,
            sid: session.map(|session| session.sid.clone()),
            progress: InteractionProgress::Begun,
            displayed_permissions: BTreeSet::new(),
            expires_at: now.plus(INTERACTION_TTL),
        }
    }

    /// Checks that the form has not expired and comes from the browser it was made for.
    pub fn check(&self, pre_session: Option<&str>, now: Timestamp) -> Result<(), InteractionError> {
        if let Some(expected) = &self.pre_session {
            let hash = pre_session.map(pre_session_hash).ok_or(InteractionError::OtherBrowser)?;
            constant_time::verify_slices_are_equal(&hash, expected)
                .map_err(|_| InteractionError::OtherBrowser)?;
        }
        if now >= self.expires_at.plus(CLOCK_SKEW) {
            return Err(InteractionError::Expired);
        }
        Ok(())
    }

    /// The purpose of the interaction, which decides on the step after its last page.
    pub const fn goal(&self) -> &InteractionGoal {
        &self.goal
    }

    /// The parameters of the authorization request, which must be validated again; `None` for other
    /// goals.
    pub fn authorization_params(&self) -> Option<RequestParams> {
        self.goal.query().map(|query| RequestParams::parse(query.as_bytes()))
    }

    /// The languages that were asked for (`ui_locales`).
    pub fn ui_locales(&self) -> Option<Cow<'_, str>> {
        let mut pairs = form_urlencoded::parse(self.goal.query()?.as_bytes());
        pairs.find_map(|(name, value)| (name == UI_LOCALES).then_some(value))
    }

    /// Returns true if the sign-in leads to the account page.
    pub const fn is_for_account_page(&self) -> bool {
        matches!(self.goal, InteractionGoal::VisitAccountPage(_))
    }

    /// The authorization request of an application as a query string, to start over; `None` for other
    /// goals.
    pub fn authorization_query(&self) -> Option<&str> {
        match &self.goal {
            InteractionGoal::Authorize(query) => Some(query),
            _ => None,
        }
    }

    /// The request of another device that the person answers; `None` for other goals.
    pub const fn cross_device(&self) -> Option<CrossDeviceRequest<'_>> {
        match &self.goal {
            InteractionGoal::AuthorizeDevice { device, .. } => {
                Some(CrossDeviceRequest::Device(device))
            }
            InteractionGoal::AnswerBackchannel { request, .. } => {
                Some(CrossDeviceRequest::Backchannel(request))
            }
            _ => None,
        }
    }

    /// The hash of the pre-session cookie of the browser that it was made for; `None` if the session alone
    /// decides.
    pub const fn browser(&self) -> Option<[u8; 32]> {
        self.pre_session
    }

    /// The time after which the pages of the interaction are refused, without the allowance for clock skew.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Returns the identity of the interaction, the same at each of its steps: the hash of its goal and expiry time.
    pub fn fingerprint(&self) -> [u8; 32] {
        let part = (&self.goal, self.expires_at);
        sha256(postcard::to_allocvec(&part).expect("an interaction serializes to memory"))
    }

    /// Returns the interaction with this session and progress.
    #[must_use]
    pub fn with(self, session: &Session, progress: InteractionProgress) -> Self {
        Self { sid: Some(session.sid.clone()), progress, ..self }
    }

    /// Returns the interaction of a consent page that displays these permissions.
    #[must_use]
    pub fn with_displayed_permissions(self, permissions: &BTreeSet<String>) -> Self {
        Self { displayed_permissions: permissions.clone(), ..self }
    }

    /// Returns true if the page displayed everything the request would grant. Manifests may have
    /// changed since.
    pub fn covers(&self, ask: &AuthorizationRequest) -> bool {
        ask.requested_permissions.is_subset(&self.displayed_permissions)
    }

    /// Returns true if the page was made for this session and sign-in.
    pub fn belongs_to(&self, session: &Session) -> bool {
        self.sid.as_deref() == Some(session.sid.as_str())
    }

    /// Returns the steps completed so far, if this is the session of the interaction. With another session no step
    /// counts as completed.
    pub fn completed(&self, session: &Session) -> InteractionResult {
        if !self.belongs_to(session) {
            return InteractionResult::default();
        }
        let auth_time = session.authentication.auth_time();
        InteractionResult {
            signed_in: self.progress == InteractionProgress::SignedIn(auth_time),
            account_chosen: self.progress == InteractionProgress::AccountChosen,
            consented: false,
        }
    }
}

/// Returns the hash that binds a form to a browser. The form does not contain the cookie value
/// itself.
pub fn pre_session_hash(value: &str) -> [u8; 32] {
    sha256(value)
}
