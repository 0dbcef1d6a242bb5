//! Pages with frames or in frames: front-channel logout, and the check-session iframe.

use askama::Template;
use url::Url;

use super::{
    assets::{self, PageScript},
    frame::{PageFrame, render_page},
};
use crate::model::Tenant;

/// The heading after the end of a session.
pub(super) const SIGNED_OUT: &str = "You are signed out";
/// The text where there is nowhere to go on to.
pub(super) const CLOSE: &str = "You can close this window, or go back to your application.";

#[derive(Template)]
#[template(path = "pages/signing_out.html")]
struct SigningOutTemplate<'a> {
    frame: PageFrame<'a>,
    script: String,
    frames: &'a [Url],
    title: &'a str,
    lead: String,
    /// The URL at which the browser goes on by itself.
    continues: Option<&'a str>,
    /// The URL of a link.
    link: Option<&'a str>,
}

/// The next place of a browser after the session here has ended.
#[derive(Clone, Copy, Debug)]
pub enum AfterSignOut<'a> {
    /// The signed-out page, since no URL was given.
    Nothing,
    /// The application.
    Return(&'a str),
    /// The sign-out at an identity provider.
    Provider {
        /// Its name.
        name: &'a str,
        /// The URL there.
        url: &'a str,
    },
    /// The person stays signed in at an identity provider, and is to know it before going on.
    StillSignedIn {
        /// Its name.
        name: &'a str,
        /// The application.
        return_to: Option<&'a str>,
    },
}

#[derive(Template)]
#[template(path = "pages/check_session.html")]
struct CheckSessionTemplate<'a> {
    script: String,
    cookie: &'a str,
}

/// Renders the page that signs the user out of applications with frames, and then continues.
pub fn signing_out(tenant: &Tenant, frames: &[Url], next: AfterSignOut<'_>) -> String {
    let (title, lead) = match next {
        AfterSignOut::Nothing => (SIGNED_OUT, CLOSE.to_owned()),
        AfterSignOut::Return(_) => {
            (SIGNED_OUT, "You are being sent back to your application.".to_owned())
        }
        AfterSignOut::Provider { name, .. } => {
            ("One moment", format!("You are being signed out of {name} too."))
        }
        AfterSignOut::StillSignedIn { name, .. } => (
            "You are signed out here",
            format!("You may still be signed in at {name}. Sign out there too."),
        ),
    };
    let (continues, link) = match next {
        AfterSignOut::Nothing => (None, None),
        AfterSignOut::Return(url) | AfterSignOut::Provider { url, .. } => (Some(url), None),
        AfterSignOut::StillSignedIn { return_to, .. } => (None, return_to),
    };
    render_page(&SigningOutTemplate {
        frame: PageFrame::new(Some(tenant)),
        script: assets::script_url(tenant.issuer.path(), PageScript::SigningOut),
        frames,
        title,
        lead,
        continues,
        link,
    })
}

/// Renders the iframe with which applications watch the session (OIDC Session Management §3.3);
/// `cookie` is the name of the cookie that it reads.
pub fn check_session(tenant: &Tenant, cookie: &str) -> String {
    let script = assets::script_url(tenant.issuer.path(), PageScript::CheckSession);
    render_page(&CheckSessionTemplate { script, cookie })
}
