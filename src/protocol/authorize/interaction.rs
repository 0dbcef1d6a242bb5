//! What survives while a person looks at a page: sealed in the page's form, bound to the browser
//! by the hash of its pre-session cookie (design §6).
//!
//! It holds the request itself, not what was found of it: each step validates it again, so that
//! a client or a redirect URI that has gone meanwhile gets no answer.
//!
//! An interaction may be answered more than once within its fifteen minutes, on purpose (people
//! press twice, and go back): each answer takes the person's password or live session again,
//! comes from the same browser, and goes to the same redirect URI with the same state and nonce.

use std::{collections::BTreeSet, time::Duration};

use aws_lc_rs::{constant_time, digest};
use form_urlencoded::Serializer;
use serde::{Deserialize, Serialize};

use super::{super::params::RequestParams, AuthorizationRequest, InteractionResult};
use crate::{
    model::Timestamp,
    protocol::{records::Session, session::CLOCK_SKEW},
};

/// How long a person may look at a page.
const INTERACTION_TTL: Duration = Duration::from_mins(15);

/// Parameters that mean something here; the others are dropped, since they would only be ignored.
const PRESERVED_PARAMETERS: [&str; 18] = [
    "acr_values",
    "claims",
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "id_token_hint",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "registration",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

/// A request that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interaction {
    request: String,
    pre_session: [u8; 32],
    sid: Option<String>,
    progress: InteractionProgress,
    displayed_permissions: BTreeSet<String>,
    expires_at: Timestamp,
}

/// How far a person has come, with the session that the interaction names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InteractionProgress {
    /// Not yet answered.
    Begun,
    /// Chose the account of the session.
    AccountChosen,
    /// Signed in, at that time: that, and nothing older, satisfies `prompt=login` and `max_age`.
    SignedIn(Timestamp),
}

/// Why a form cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InteractionError {
    /// Older than fifteen minutes.
    #[error("the page has expired")]
    Expired,
    /// The pre-session cookie is absent or another: the form comes from another browser.
    #[error("the page was made for another browser")]
    OtherBrowser,
}

impl Interaction {
    /// Begins one, for the browser that holds this pre-session cookie and perhaps a session.
    pub fn begin(
        params: &RequestParams,
        pre_session: &str,
        session: Option<&Session>,
        now: Timestamp,
    ) -> Self {
        Self {
            request: keep(params),
            pre_session: pre_session_hash(pre_session),
            sid: session.map(|session| session.sid.clone()),
            progress: InteractionProgress::Begun,
            displayed_permissions: BTreeSet::new(),
            expires_at: now.plus(INTERACTION_TTL),
        }
    }

    /// Checks that the form is fresh and comes from the browser it was made for.
    pub fn check(&self, pre_session: Option<&str>, now: Timestamp) -> Result<(), InteractionError> {
        let hash = pre_session.map(pre_session_hash).ok_or(InteractionError::OtherBrowser)?;
        constant_time::verify_slices_are_equal(&hash, &self.pre_session)
            .map_err(|_| InteractionError::OtherBrowser)?;
        if now >= self.expires_at.plus(CLOCK_SKEW) {
            return Err(InteractionError::Expired);
        }
        Ok(())
    }

    /// The request, to be validated again.
    pub fn params(&self) -> RequestParams {
        RequestParams::parse(self.request.as_bytes())
    }

    /// The request as a query: to begin again.
    pub fn query(&self) -> &str {
        &self.request
    }

    /// When it ends.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The same interaction, one step on, with this session.
    #[must_use]
    pub fn with(self, session: &Session, progress: InteractionProgress) -> Self {
        Self { sid: Some(session.sid.clone()), progress, ..self }
    }

    /// The same interaction, for a consent page that shows these wishes.
    #[must_use]
    pub fn showing(self, wishes: &BTreeSet<String>) -> Self {
        Self { displayed_permissions: wishes.clone(), ..self }
    }

    /// Whether Allow on the page covers all that the request would give: manifests may have
    /// changed since it was shown.
    pub fn covers(&self, ask: &AuthorizationRequest) -> bool {
        ask.requested_permissions.is_subset(&self.displayed_permissions)
    }

    /// Whether the page was made for this session, still signed in as it was.
    pub fn is_of(&self, session: &Session) -> bool {
        self.sid.as_deref() == Some(session.sid.as_str())
    }

    /// What a person with this session has answered so far.
    pub fn answers(&self, session: Option<&Session>) -> InteractionResult {
        let Some(session) = session.filter(|session| self.is_of(session)) else {
            return InteractionResult::default();
        };
        let auth_time = session.authentication.auth_time;
        InteractionResult {
            signed_in: self.progress == InteractionProgress::SignedIn(auth_time),
            account_chosen: self.progress == InteractionProgress::AccountChosen,
            consented: false,
        }
    }
}

/// The parameters that mean something, as a query.
pub(super) fn keep(params: &RequestParams) -> String {
    let kept = params.iter().filter(|(name, _)| PRESERVED_PARAMETERS.contains(name));
    Serializer::new(String::new()).extend_pairs(kept).finish()
}

/// What binds a form to a browser: the cookie's value itself stays out of it.
pub fn pre_session_hash(value: &str) -> [u8; 32] {
    let hash = digest::digest(&digest::SHA256, value.as_bytes());
    hash.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
