//! The page at the installation's base URL.

use askama::Template;

use super::frame::{PageFrame, render_page};
use crate::model::Issuer;

#[derive(Template)]
#[template(path = "pages/landing.html")]
struct LandingTemplate<'a> {
    frame: PageFrame<'a>,
    title: &'a str,
    message: &'a str,
    demo: Option<&'a str>,
    details: Vec<(&'a str, String)>,
}

/// Renders the page at the installation's base URL, with a link to the sample application if it is
/// served.
pub fn base_root(base_url: &Issuer, demo: Option<&str>) -> String {
    render_page(&LandingTemplate {
        frame: PageFrame::new(None),
        title: "Sign-in service",
        message: "Applications use this service to sign people in. There is nothing to sign in to here.",
        demo,
        details: vec![
            ("Software", "Lanyard, an OpenID Connect provider".to_owned()),
            ("Issuers", format!("{base_url}/<namespace>/<tenant>")),
            ("List", "kubectl get tenants.lanyard.dev -A".to_owned()),
        ],
    })
}
