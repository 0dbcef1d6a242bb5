//! Pages with frames or in frames: front-channel logout, and the check-session iframe.

use askama::Template;
use url::Url;

use super::{
    assets::{self, PageScript},
    frame::{PageFrame, render_page},
};
use crate::model::Tenant;

#[derive(Template)]
#[template(path = "pages/signing_out.html")]
struct SigningOutTemplate<'a> {
    frame: PageFrame<'a>,
    script: String,
    frames: &'a [Url],
    return_to: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "pages/check_session.html")]
struct CheckSessionTemplate<'a> {
    script: String,
    cookie: &'a str,
}

/// Renders the page that signs the user out of applications with frames, and then continues.
pub fn signing_out(tenant: &Tenant, frames: &[Url], return_to: Option<&str>) -> String {
    render_page(&SigningOutTemplate {
        frame: PageFrame::new(Some(tenant)),
        script: assets::script_url(tenant.issuer.path(), PageScript::SigningOut),
        frames,
        return_to,
    })
}

/// Renders the iframe with which applications watch the session (OIDC Session Management §3.3);
/// `cookie` is the name of the cookie that it reads.
pub fn check_session(tenant: &Tenant, cookie: &str) -> String {
    let script = assets::script_url(tenant.issuer.path(), PageScript::CheckSession);
    render_page(&CheckSessionTemplate { script, cookie })
}
