//! The page that carries an authorization response to an application by POST (OAuth 2.0 Form Post
//! Response Mode §2): at once where scripts run, by a button where they do not.

use askama::Template;

use super::{
    assets,
    frame::{PageFrame, render},
};
use crate::model::Tenant;

#[derive(Template)]
#[template(path = "pages/form_post.html")]
struct FormPostTemplate<'a> {
    frame: PageFrame<'a>,
    script: String,
    action: &'a str,
    fields: &'a [(String, String)],
}

/// Renders the page.
pub fn form_post(tenant: &Tenant, action: &str, fields: &[(String, String)]) -> String {
    render(&FormPostTemplate {
        frame: PageFrame::new(Some(tenant)),
        script: assets::script_url(tenant.issuer.path(), assets::PageScript::Submit),
        action,
        fields,
    })
}
