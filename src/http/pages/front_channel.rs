//! Pages with frames or in frames: front-channel logout, and the check-session iframe.

use askama::Template;
use url::Url;

use super::{
    assets::{self, PageScript},
    frame::{PageFrame, render_page},
};
use crate::{messages::MessageCatalog, model::Tenant};

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

/// The place to which the browser goes after the session here has ended.
#[derive(Clone, Copy, Debug)]
pub enum AfterSignOut<'a> {
    /// The signed-out page, because no URL was given.
    Nothing,
    /// The application, at its `post_logout_redirect_uri` with `state` (OIDC RP-Initiated Logout §3).
    Return(&'a str),
    /// The sign-out at an identity provider.
    Provider {
        /// The name of the provider.
        name: &'a str,
        /// The provider's `end_session_endpoint` with the parameters of the request.
        url: &'a str,
    },
    /// The person stays signed in at an identity provider. The page says so before the person goes on.
    StillSignedIn {
        /// The name of the provider.
        name: &'a str,
        /// The `post_logout_redirect_uri` with `state`, which the page links to; `None` if the request named no valid
        /// one.
        return_to: Option<&'a str>,
    },
}

#[derive(Template)]
#[template(path = "pages/check_session.html")]
struct CheckSessionTemplate<'a> {
    text: &'a MessageCatalog,
    script: String,
    cookie: &'a str,
}

/// Renders the page that signs the user out of applications with frames, and then continues.
pub fn frontchannel_logout_page(
    (tenant, text): (&Tenant, &MessageCatalog),
    frames: &[Url],
    next: AfterSignOut<'_>,
) -> String {
    let (title, lead) = match next {
        AfterSignOut::Nothing => (text.signed_out_title(), text.signed_out_close().to_owned()),
        AfterSignOut::Return(_) => (text.signed_out_title(), text.form_post_lead().to_owned()),
        AfterSignOut::Provider { name, .. } => {
            (text.one_moment(), text.signing_out_of_provider(name).to_string())
        }
        AfterSignOut::StillSignedIn { name, .. } => {
            (text.signed_out_here_title(), text.still_signed_in_at(name).to_string())
        }
    };
    let (continues, link) = match next {
        AfterSignOut::Nothing => (None, None),
        AfterSignOut::Return(url) | AfterSignOut::Provider { url, .. } => (Some(url), None),
        AfterSignOut::StillSignedIn { return_to, .. } => (None, return_to),
    };
    render_page(&SigningOutTemplate {
        frame: PageFrame::new(Some(tenant), text),
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
pub fn check_session((tenant, text): (&Tenant, &MessageCatalog), cookie: &str) -> String {
    let script = assets::script_url(tenant.issuer.path(), PageScript::CheckSession);
    render_page(&CheckSessionTemplate { text, script, cookie })
}
