//! The page that sends an authorization response to an application by POST (OAuth 2.0 Form Post
//! Response Mode §2): by a script, or by a button if scripts are disabled.

use askama::Template;

use super::{
    assets,
    frame::{PageFrame, render_page},
};
use crate::{messages::MessageCatalog, model::Tenant};

#[derive(Template)]
#[template(path = "pages/form_post.html")]
struct FormPostTemplate<'a> {
    frame: PageFrame<'a>,
    script: String,
    action: &'a str,
    fields: &'a [(String, String)],
}

/// Renders the form-post page.
pub fn form_post(
    (tenant, text): (&Tenant, &MessageCatalog),
    action: &str,
    fields: &[(String, String)],
) -> String {
    render_page(&FormPostTemplate {
        frame: PageFrame::new(Some(tenant), text),
        script: assets::script_url(tenant.issuer.path(), assets::PageScript::Submit),
        action,
        fields,
    })
}
