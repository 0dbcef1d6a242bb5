//! Forms outside a sign-in that are bound to the browser that opened their page.

use std::time::Duration;

use aws_lc_rs::constant_time;

use crate::{
    http::{AppState, CookiePurpose, EndpointError, Reply, Request},
    model::Timestamp,
    protocol::{
        authorize::pre_session_hash,
        error::{ErrorCode, OAuthError},
        session::CLOCK_SKEW,
    },
};

/// How long such a page can be used: time to think of a password, or to install an app.
const FORM_TTL: Duration = Duration::from_mins(30);

/// The browser that a form is made for, and the end of the form.
#[derive(Debug)]
pub(super) struct FormBinding {
    /// The hash of the pre-session cookie.
    pub(super) browser: [u8; 32],
    /// When the form expires.
    pub(super) expires_at: Timestamp,
    /// The cookie, for a browser that has none yet.
    new_cookie: Option<String>,
}

impl FormBinding {
    /// Sets the cookie with the page of the form.
    pub(super) fn with_cookie(self, page: Reply) -> Reply {
        match self.new_cookie {
            Some(cookie) => page.cookie(CookiePurpose::PreSession, &cookie),
            None => page,
        }
    }
}

/// Binds a form to the browser of the request.
pub(super) fn bind_form(app: &AppState, request: &Request) -> FormBinding {
    let expires_at = request.now.plus(FORM_TTL);
    let known = request.cookie(CookiePurpose::PreSession);
    let new_cookie = known.is_none().then(|| app.accounts.entropy.token());
    let cookie = known.or(new_cookie.as_deref()).unwrap_or_default();
    FormBinding { browser: pre_session_hash(cookie), expires_at, new_cookie }
}

/// Refuses a form of another site.
pub(super) fn check_form_origin(request: &Request) -> Result<(), EndpointError> {
    if request.same_origin() {
        return Ok(());
    }
    let text = "The form was sent from another site.";
    Err(OAuthError::new(ErrorCode::InvalidRequest, text).into())
}

/// Returns true if a form was made for the browser of the request, by the hash of its cookie, and has not expired.
pub(super) fn form_is_of_browser(
    (browser, expires_at): (&[u8; 32], Timestamp),
    request: &Request,
) -> bool {
    let own = request.cookie(CookiePurpose::PreSession).map(pre_session_hash);
    let is_same = |it: [u8; 32]| constant_time::verify_slices_are_equal(&it, browser).is_ok();
    own.is_some_and(is_same) && request.now < expires_at.plus(CLOCK_SKEW)
}
